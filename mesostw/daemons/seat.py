"""
Whether a daemon leads: alone from the start, or as one of several that ZooKeeper elects.

What a daemon does in both cases is the same: take its seat, wait until it leads, read its
store, act; and stop when it leads no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw.interfaces import IClock, IStore, IZooKeeper, IZooSession
from mesostw.messages.hello import Unwelcome
from mesostw.model.zkurl import ZkUrl
from mesostw.model.zookeeper import Check, SessionState, ZooKeeperFault
from mesostw.store.measured import MeasuredStore
from mesostw.store.sqlite import SqliteStore
from mesostw.store.zookeeper import ZooKeeperStore
from mesostw.unattended import unattended
from mesostw.zookeeper.election import REOPEN_S, Candidacy
from mesostw.zookeeper.ensemble import KazooEnsemble
from mesostw.zookeeper.group import Place

#: What a daemon without rivals says of who leads: it does.
OURSELVES: Final = ""


class ISeat(Protocol):
    """A daemon's claim to lead, and what whoever leads writes to."""

    #: ``host:port`` of who leads; empty if we do; ``None`` while nobody does, or nobody knows.
    leader: str | None
    has_rivals: bool
    store: IStore

    @property
    def session(self) -> str:
        """``connected``, ``suspended``, ``expired``, ``none``; empty without ZooKeeper."""

    def is_proven(self) -> bool:
        """Whether we lead, and nobody else can now: what we know is not old."""

    def numbers(self) -> Mapping[str, float]:
        """What metrics tell of session, election and store, by names with slashes."""

    async def win(self, data: bytes) -> None:
        """
        Come to lead, however long that takes.

        :param data: what everyone may read of us.
        """

    async def leave(self) -> None:
        """Let the next lead at once."""


class Alone:
    """Leads from the start, and keeps everything in a file."""

    has_rivals = False
    #: There is none.
    session = ""

    def __init__(self, store: MeasuredStore) -> None:
        self.leader: str | None = OURSELVES
        self.store: IStore = store
        self._store = store

    def is_proven(self) -> bool:
        """Nobody else ever leads."""
        return True

    def numbers(self) -> Mapping[str, float]:
        """The store's; there is no session, and nobody elects."""
        return _under("store", self._store.numbers())

    async def win(self, data: bytes) -> None:
        """Nobody else would lead."""

    async def leave(self) -> None:
        """Nobody waits for that."""


@frozen
class Hooks:
    """What a daemon does with what becomes of its seat."""

    #: Act no more while it cannot be proved that we lead; then go on.
    hold: Callable[[bool], None]
    #: Lead no more, for good; called with the reason.
    lose: Callable[[str], None]
    #: Somebody else leads, or nobody does, or we do; called with the seat's ``leader``.
    leads: Callable[[str | None], None] = lambda _leader: None


class Seat:
    """
    The place of one of several that would lead.

    Whoever waits and loses its session enters again, behind the others: it has done nothing
    that would have to end with the session.  Whoever leads ends.

    :param address_of: reads ``host:port`` from what a leader says of itself.
    """

    has_rivals = True

    _log = Logger()

    def __init__(
        self,
        ensemble: IZooKeeper,
        clock: IClock,
        place: Place,
        store: ZooKeeperStore,
        address_of: Callable[[bytes], str],
        hooks: Hooks,
    ) -> None:
        self._ensemble, self._clock, self._place = ensemble, clock, place
        self._address_of, self._hooks = address_of, hooks
        self._store = store
        self._measured = MeasuredStore(store, clock, store.size)
        self.store: IStore = self._measured
        self._leaders = 0
        self._led_since: float | None = None
        self._won: Deferred[tuple[IZooSession, Sequence[Check]]] = Deferred()
        self._candidacy: Candidacy | None = None
        self._data = b""
        self._entering: Deferred[None] | None = None
        #: What sessions of earlier candidacies were told.
        self._told: Counter[SessionState] = Counter()
        self._counted: Candidacy | None = None
        #: ``host:port`` of who leads; empty if we do; ``None`` while nobody does, or nobody knows.
        self.leader: str | None = None

    async def win(self, data: bytes) -> None:
        """Enter, and wait for our turn."""
        self._data = data
        await self._enter()
        session, standing = await self._won
        self._store.use(session, self._hooks.lose, standing)

    async def _enter(self) -> None:
        self._candidacy = Candidacy(self._ensemble, self._clock, self._place, self._data, self)
        await self._candidacy.start()

    async def _enter_again(self, old: Candidacy) -> None:
        self._told.update(old.told)
        self._counted = old
        await old.stop()
        if old.session_state is None:
            # It never had a session, so the next may not either.
            await self._later()
        while True:
            try:
                await self._enter()
            except ZooKeeperFault as fault:
                # A password that is wrong may be put right by somebody.
                self._log.error("we cannot enter again: {fault}", fault=fault)
                await self._later()
            else:
                return

    def _later(self) -> Deferred[None]:
        waited: Deferred[None] = Deferred(lambda _: call.cancel())
        call = self._clock.callLater(REOPEN_S, waited.callback, None)
        return waited

    async def leave(self) -> None:
        """Let the next lead at once."""
        if self._entering is not None:
            self._entering.cancel()
        if self._candidacy is not None:
            await self._candidacy.stop()

    # --- what becomes of a candidate ------------------------------------------------------

    def leader_is(self, data: bytes | None) -> None:
        """Somebody leads, perhaps we."""
        if self._won.called:
            return
        self.leader = None if data is None else self._read(data)
        self._leaders += data is not None
        self._log.info("{leader} leads", leader=self.leader or "nobody")
        self._hooks.leads(self.leader)

    def _read(self, data: bytes) -> str | None:
        try:
            address = self._address_of(data)
            # Our own node of an earlier life, until its session has ended: nobody leads there.
            return None if address == self._address_of(self._data) else address
        except ValueError as fault:
            self._log.error("what the leader says of itself makes no sense: {fault}", fault=fault)
            return None

    def elected(self, session: IZooSession, standing: Sequence[Check]) -> None:
        """We lead."""
        self.leader = OURSELVES
        self._leaders += 1
        self._led_since = self._clock.seconds()
        self._hooks.leads(self.leader)
        self._won.callback((session, standing))

    def held(self, held: bool) -> None:
        """It cannot be proved that we lead, or it can again."""
        if held:
            self._log.warn("the link to ZooKeeper is lost: nothing is done until it is back")
        else:
            self._log.info("the link to ZooKeeper is back")
        self._hooks.hold(held)

    def lost(self, reason: str) -> None:
        """We lead no more, or are no candidate any more."""
        if self._candidacy is not None and not self._won.called:
            # Who led may lead still: nobody has said anything else.
            self._log.warn("{reason}: we enter again", reason=reason)
            self._entering = Deferred.fromCoroutine(self._enter_again(self._candidacy))
            unattended(self._entering, self._not_entered)
            return
        self.leader = None
        self._hooks.lose(reason)

    def _not_entered(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._hooks.lose(failure.getErrorMessage())

    # --- how it goes ----------------------------------------------------------------------

    @property
    def session(self) -> str:
        """``connected``, ``suspended``, ``expired``; ``none`` before there is one."""
        state = None if self._candidacy is None else self._candidacy.session_state
        return "none" if state is None else state.value

    def is_proven(self) -> bool:
        """Whether we lead, and nobody else can now: what we know is not old."""
        return self._candidacy is not None and self._candidacy.is_proven()

    def numbers(self) -> Mapping[str, float]:
        """Of the session, of elections, and of the store."""
        told = self._told.copy()
        if self._candidacy is not None and self._candidacy is not self._counted:
            told.update(self._candidacy.told)
        led_s = 0.0 if self._led_since is None else self._clock.seconds() - self._led_since
        return {
            "zookeeper/session_connected": float(self.session == SessionState.CONNECTED),
            "zookeeper/session_suspensions_total": told[SessionState.SUSPENDED],
            "zookeeper/session_reconnections_total": told[SessionState.CONNECTED],
            "zookeeper/session_expirations_total": told[SessionState.EXPIRED],
            "election/leaders_total": self._leaders,
            "election/leading": float(self.leader == OURSELVES),
            "election/leading_seconds": led_s,
            "election/proven": float(self.is_proven()),
            **_under("store", self._measured.numbers()),
        }


def _under(room: str, numbers: Mapping[str, float]) -> dict[str, float]:
    return {f"{room}/{name}": value for name, value in numbers.items()}


def unwelcome(seat: ISeat) -> Unwelcome | None:
    """What the bus says to whoever comes to a daemon that does not lead."""
    if seat.leader == OURSELVES:
        return None
    leader = seat.leader or ""
    message = f"{leader} leads" if leader else "nobody is known to lead"
    return Unwelcome(reason="not_leading", message=message, leader=leader)


@frozen
class Bench:
    """Where one of several sits: what is asked of ZooKeeper, and under which names."""

    url: ZkUrl
    session_timeout_s: float
    place: Place
    #: Of the store, seen from the URL's path.
    root: str
    address_of: Callable[[bytes], str]


def seat_of(reactor: Any, clock: IClock, file: str, bench: Bench | None, hooks: Hooks) -> ISeat:
    """A seat among others; without a ``bench`` one of its own, with a store in ``file``."""
    if bench is None:
        return Alone(MeasuredStore(SqliteStore(file, reactor.callFromThread), clock))
    ensemble = KazooEnsemble(bench.url, reactor, reactor.callFromThread, bench.session_timeout_s)
    store = ZooKeeperStore(bench.root, clock)
    return Seat(ensemble, clock, bench.place, store, bench.address_of, hooks)
