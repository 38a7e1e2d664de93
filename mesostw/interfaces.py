"""
The ports: every outside that a shell or a core's driver touches.

Each has at least two providers, a real one and one in memory, held to one
contract (``mesostw.testing.contracts``).  Siblings of the outer rooms meet
here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import Attribute, Interface

from mesostw.model.ids import ContainerId, LinkId
from mesostw.model.zookeeper import (
    ANY_VERSION,
    Acl,
    Operation,
    Outcome,
    SessionState,
    Stat,
    Watched,
)

if TYPE_CHECKING:
    from mesostw.core.agent.containers import ContainerSpec
    from mesostw.core.agent.fetches import FetchSpec
    from mesostw.core.chronos.records import Notice
    from mesostw.core.outcome import Route, Unroute
    from mesostw.core.probes import ProbeKey, ProbeSpec


class IClock(IReactorTime):
    """
    Time for a driver: ``seconds()`` is steady and never steps back.

    ``wall()`` is seconds since 1970, for timestamps and calendars only.
    """

    def wall() -> float:
        """Seconds since 1970; may step either way."""


# --- links ------------------------------------------------------------------


class Peer(Struct, frozen=True):
    """Who is at the other end of a link, as its hello says."""

    #: ``agent``, ``framework``, ``executor``, ``follower``; ``master`` to who dialled.
    role: str
    #: The peer's own id; empty if it has none yet.
    id: str
    #: The peer's version, for the log and for what it may be told.
    version: str
    #: ``ip:port`` that the peer comes from, or the address that was dialled.
    address: str


class ILink(Interface):
    """
    One peer that can be spoken to: a bus connection, or an HTTP event stream.

    A link keeps order.  Loss is the end of the link with what was not yet
    sent; then its owner calls :meth:`IExchange.ended` once.
    """

    def send(messages: Sequence[Struct]) -> None:
        """
        Write all ``messages`` in order, as one write where that is possible.

        Never waits, never raises, never calls back into the exchange or the inbox
        in the same call; on a link that has ended it does nothing.
        """

    def close(reason: str) -> None:
        """End the link after what was sent before; closing twice is no error."""


class IFrameLink(ILink):
    """A bus link, which can also pass on frames whose body nobody here reads."""

    def forward(frames: Sequence[bytes]) -> None:
        """Write ready frames (headers included) in order with what :meth:`send` wrote."""


class IExchange(Interface):
    """
    Who is connected; the only table from :class:`LinkId` to :class:`ILink`.

    Its owner sets ``inbox`` (:class:`IInbox`) before the first link is admitted.
    """

    inbox = Attribute("The :class:`IInbox` that is told what links do.")

    def admit(link: ILink, peer: Peer) -> LinkId:
        """A peer has said hello on ``link``: number it and tell ``LinkOpened``."""

    def heard(link: LinkId, messages: Sequence[Struct]) -> None:
        """Tell the inbox ``Heard`` of each message; nothing if the link has ended."""

    def ended(link: LinkId, reason: str) -> None:
        """The link is gone, whoever ended it: tell ``LinkClosed`` once, void its routes."""

    def crowded(link: LinkId) -> None:
        """More than the soft limit waits to be sent: tell ``LinkCrowded``."""

    def eased(link: LinkId) -> None:
        """What waited has been sent: tell ``LinkEased``."""

    def send(link: LinkId, messages: Sequence[Struct]) -> None:
        """Say ``messages`` to the peer; nothing happens if it has gone."""

    def close(link: LinkId, reason: str) -> None:
        """End the link after what was sent before; nothing happens if it has gone."""

    def route(route: Route) -> None:
        """Forward frames from now on; refused (logged) if an end is no bus link."""

    def unroute(route: Unroute) -> None:
        """Forward no more; an unknown route is no error."""


class IBusExchange(IExchange):
    """An exchange of the bus, which can say one thing to many."""

    def send_frames(link: LinkId, frames: Sequence[bytes]) -> None:
        """
        Say what was made ready for many peers, in order with what :meth:`send` says.

        Nothing happens if the peer has gone, or is none of the bus.
        """


class IDialer(Interface):
    """Keeps links up to others: the bus over TCP, or the memory network of a test."""

    def dial(address: str) -> Callable[[], None]:
        """
        Keep a link to ``address`` (``host:port``) up until the returned call.

        Each success tells ``LinkOpened`` with the role in the peer's welcome; after
        each end it is dialled again with back-off and jitter.
        """


# --- the driver -------------------------------------------------------------


class IInbox(Interface):
    """How anything reaches a core."""

    def tell(stimuli: Sequence[object]) -> None:
        """Have the core hear ``stimuli`` in order, in a later turn; never re-entrant."""

    def ask(question: Struct) -> Deferred[Struct | None]:
        """
        Have the core answer ``question``: a value, ``None`` or a ``Refusal``.

        Fires after all that the answer depends on is kept and published, so who is
        answered reads their own write.  Fails with :class:`GivenUp` when the daemon stops.
        """

    def has_room(resume: Callable[[], None]) -> bool:
        """
        Whether more may be told now.

        If not, ``resume`` is called once when there is; a link stops reading until then.
        """


class GivenUp(Exception):
    """The driver has stopped; what was asked will not be answered."""


class IPerformer(Interface):
    """Performs the effects that only one role has (launch, dial ...)."""

    def perform(effect: object) -> None:
        """Do it now, or start it; what comes of it is told to the inbox as stimuli."""


# --- durable state ----------------------------------------------------------


class Stored(Struct, frozen=True):
    """All that a store keeps, and the reader's right to change it."""

    #: Greater than that of anyone who read before; each append must show it.
    epoch: int
    #: The last value of each key, encoded by ``mesostw.store.records``.
    records: Mapping[str, bytes]


class Deposed(Exception):
    """We may not write: another has read the store since, or our place in the election is gone."""


class StoreFailed(Exception):
    """An append or read could not be done; none of it is kept."""


class IStore(Interface):
    """The last value of each key, kept for good before an append fires."""

    def read() -> Deferred[Stored]:
        """
        Read everything and take the store over under a new epoch.

        Every append under an older epoch fails from now on.  Fails with :class:`Deposed` if it is
        not our turn, and nothing is taken over then, or with :class:`StoreFailed`.
        """

    def append(writes: Sequence[tuple[str, bytes | None]], epoch: int) -> Deferred[None]:
        """
        Keep all of ``writes`` or none; ``None`` removes a key.

        Appends fire in the order they were made, also the empty ones.
        Fails with :class:`Deposed` or :class:`StoreFailed`; after one failure every later
        append of that reader fails too, so that what is kept never has a hole.
        """

    def close() -> Deferred[None]:
        """Fires when all that was appended before is kept and the file is released."""


# --- the feed ---------------------------------------------------------------


class IFollower(Interface):
    """Is told every change that was kept, in order and without gaps."""

    def changed(seq: int, changes: Sequence[object]) -> None:
        """``changes`` were published; ``seq`` is the number of the last of them."""


class IFeed(Interface):
    """
    Numbered changes, and a view that they have been folded into.

    A follower that calls :meth:`follow` and reads ``view`` in one reactor turn has a
    snapshot as of ``seq`` and then hears ``seq + 1`` and so on.
    """

    #: Every number starts again with another epoch; resume texts carry it.
    epoch = Attribute("``str``: this life of the feed.")
    seq = Attribute("``int``: the number of the last published change; 0 before the first.")
    view = Attribute("The state that every reader reads: only what was kept.")

    def begin(epoch: int) -> None:
        """Start a life under the store's ``epoch``; called once, before any change."""

    def publish(changes: Sequence[Any]) -> None:
        """Number, fold and tell every follower; only a driver calls it."""

    def follow(follower: IFollower) -> Callable[[], None]:
        """Tell ``follower`` every later change, until the returned call."""

    def since(epoch: str, seq: int) -> Sequence[object] | None:
        """The changes after ``seq``; ``None`` if they are gone or of another life."""


class Freshness(Struct, frozen=True):
    """How good a copy of another daemon's state is."""

    #: ``host:port`` of whom it is a copy.
    leader: str
    #: All that was published until so many seconds ago is in it.
    lag_s: float
    #: Whether it follows whoever leads, and is not far behind.
    is_fresh: bool


# --- launching --------------------------------------------------------------


class ILauncher(Interface):
    """
    Runs containers.

    What happens to them is told to the callback the launcher was made with, as stimuli:
    ``ContainerStarted``, ``ContainerExited``, ``ContainerFailed``.
    """

    def launch(spec: ContainerSpec) -> None:
        """Start a container; one that is known by its id is left alone."""

    def kill(container_id: ContainerId, signal: int) -> None:
        """
        Signal every process of a container.

        The end of an unknown one is told, with an unknown status; of one whose end
        has been told, nothing more is.
        """

    def forget(containers: Sequence[ContainerId]) -> None:
        """
        What was told of the end of these is kept: their records may go.

        Until then each new life is told of the end again.
        """

    def recover(containers: Sequence[ContainerId]) -> None:
        """
        Take up containers of an earlier life and tell what became of each.

        Those it has and which are not named are ended.
        """


class IFetcher(Interface):
    """
    Brings files into sandboxes.

    What becomes of an order is told to the callback the fetcher was made with, as a
    stimulus and in a later turn: one ``Fetched`` or one ``FetchFailed``.  What it does
    ends with the agent; nothing of it is found again.
    """

    def fetch(spec: FetchSpec) -> None:
        """Bring files; an order for a container that has one under way is left alone."""

    def cancel(container_id: ContainerId) -> None:
        """
        Bring no more files of this container and tell nothing of it any more.

        One of which nothing is under way is no error.
        """


# --- probing ----------------------------------------------------------------


class IProber(Interface):
    """
    Asks addresses whether somebody is there, again and again.

    Each finding is told to the callback the prober was made with, as ``Probed``; of one
    key never two are under way.
    """

    def start(key: ProbeKey, spec: ProbeSpec) -> None:
        """Ask as ``spec`` says, first after its delay; a known ``key`` is stopped before."""

    def stop(key: ProbeKey) -> None:
        """
        Ask no more; what is under way is dropped and never told.

        An unknown key is no error.
        """

    def close() -> None:
        """Stop every probe, for good."""


# --- notices ------------------------------------------------------------------


class INotifier(Interface):
    """
    Tells people and programs what Chronos has to tell.

    What becomes of each notice is told to the callback the notifier was made with, as
    ``Notified``, once.
    """

    def bring(notice: Notice) -> None:
        """Tell whoever ``notice`` names, trying again for a while; not if it is under way."""

    def close() -> None:
        """Bring nothing more, and say nothing of what was not brought."""


# --- ZooKeeper ----------------------------------------------------------------


class IZooSession(Interface):
    """
    One session with an ensemble.

    Operations take effect in the order they were called, and their Deferreds fire in that
    order.  A watch is told before the result of any later read that could show what it is
    told of, and the listener hears ``SUSPENDED`` or ``EXPIRED`` after everything that was
    under way has failed.

    Faults are those of ``mesostw.model.zookeeper``: a ``Refused`` has changed nothing,
    ``NotConnected`` and ``SessionExpired`` were never done, and what failed with
    ``ConnectionLost`` may have been done.  A path that no node can have is a ``ValueError``
    at once.  Cancelling a Deferred takes back what was not yet sent; otherwise its effect
    may still come, and nobody hears of it.

    A ``watch`` is set if the read succeeds, and is then told exactly once.
    """

    session_id = Attribute("``int``: the number that ephemeral nodes name as their owner.")
    timeout_s = Attribute(
        "``float``: how long the ensemble keeps the session without hearing of it, as agreed."
    )
    dialled_at = Attribute(
        "``float``: steady seconds at which its link, or the last that it had, was dialled: the"
        " ensemble has heard of the session since."
    )
    state = Attribute("``SessionState``: what the listener was told last.")

    def create(
        path: str,
        data: bytes = b"",
        *,
        ephemeral: bool = False,
        sequence: bool = False,
        acl: Sequence[Acl] | None = None,
    ) -> Deferred[str]:
        """
        Make a node; fires with its path.

        :param ephemeral: it ends with the session.
        :param sequence: ten digits are put behind ``path``, greater than those before.
        :param acl: who may do what; otherwise ``READ_BY_ALL`` with credentials, ``OPEN`` without.
        """

    def get(
        path: str, watch: Callable[[Watched], None] | None = None
    ) -> Deferred[tuple[bytes, Stat]]:
        """Read a node's value; the watch is told when it is set or removed."""

    def exists(path: str, watch: Callable[[Watched], None] | None = None) -> Deferred[Stat | None]:
        """Look for a node; the watch is told when it is made, set or removed."""

    def children(
        path: str, watch: Callable[[Watched], None] | None = None
    ) -> Deferred[tuple[Sequence[str], Stat]]:
        """Name a node's children, in no order; the watch is told of a change, or its removal."""

    def set(path: str, data: bytes, version: int = ANY_VERSION) -> Deferred[Stat]:
        """Give a node a new value if it has this version."""

    def delete(path: str, version: int = ANY_VERSION) -> Deferred[None]:
        """Remove a node if it has this version and no children."""

    def get_acl(path: str) -> Deferred[tuple[Sequence[Acl], Stat]]:
        """Read who may do what; the passwords' hashes only if we may change it."""

    def set_acl(path: str, acl: Sequence[Acl], version: int = ANY_VERSION) -> Deferred[Stat]:
        """
        Say who may do what, if the list of permissions has this version.

        What is asked before this has fired may still be judged by the old list.
        """

    def multi(operations: Sequence[Operation]) -> Deferred[Sequence[Outcome]]:
        """
        Do all of ``operations`` as one change, or none of them.

        Fails with the fault of the first that was refused, which it names by ``index``.
        """

    def sync(path: str = "/") -> Deferred[None]:
        """Fires once our server has caught up with every change made before this call."""

    def close() -> Deferred[None]:
        """
        End the session after what was called before.

        Ephemeral nodes go at once if there is a link, else after ``timeout_s``.  What is
        called later fails with ``SessionExpired``; the listener is told nothing more.
        Never fails, and closing twice is no error.
        """


class IZooKeeper(Interface):
    """One ensemble, as it is reached from here with one set of credentials."""

    def connect(listener: Callable[[SessionState], None]) -> Deferred[IZooSession]:
        """
        Open a session; tries until it succeeds or is cancelled.

        The listener is told later changes: ``SUSPENDED``, ``CONNECTED`` again, at last
        ``EXPIRED``, which is for good: a new session needs a new call.  It has also expired
        when there was no link for its whole time-out, whoever could still be asked.
        Fails with ``AuthFailed``, and with ``Refused`` if the root may not be made.
        """
