"""
Who is connected, and what is only passed on.

The exchange owns the table from link numbers to links.  A bus connection and an HTTP
event stream are both links, so a core knows no difference.

Note [Routes]
    A frame whose header has a route is passed on by a table that the core keeps with
    ``Route`` and ``Unroute``; its body is never looked at.  A route is a number of one
    link, so nobody can use what was opened for another, and it is void when either of
    its links ends.  Where a route has the same number on both links the frame is
    passed on as it came; else its header gets the other number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec import Struct
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from mesostw import __version__
from mesostw.core.outcome import (
    Heard,
    LinkClosed,
    LinkCrowded,
    LinkEased,
    LinkOpened,
    Route,
    Unroute,
)
from mesostw.interfaces import IBusExchange, IFrameLink, IInbox, ILink, Peer
from mesostw.messages.hello import Hello, Unwelcome, Welcome
from mesostw.model.ids import LinkId
from mesostw.wire.codec import decode, decode_all, encode
from mesostw.wire.errors import MalformedFrame
from mesostw.wire.framing import Frame, rerouted


@implementer(IBusExchange)
class Exchange:
    """
    Every link of one daemon.

    :param role: what this daemon says it is: ``master``, ``agent``, ``framework`` ...
    :param welcomes: the roles that may say hello to it.
    :param forwards: whether routes are passed on (masters and agents) or end here
        (frameworks and executors, who hear what comes on them as any other message).
    """

    _log = Logger()
    inbox: IInbox

    def __init__(
        self,
        clock: IReactorTime,
        role: str,
        welcomes: Collection[str] = (),
        *,
        forwards: bool = True,
    ) -> None:
        self.clock = clock
        self.role = role
        self.forwards = forwards
        #: This daemon's own id, once it has one.
        self.id = ""
        #: The master's term; of who dials, the newest that it has heard of.
        self.epoch = 0
        #: Where this daemon's HTTP answers, ``ip:port``.
        self.address = ""
        #: What every hello is answered while there is something: that another leads.
        self.unwelcome: Callable[[], Unwelcome | None] = lambda: None
        #: Who is told what the links of a role do, where that is not ``inbox``, by role.
        self.inboxes: dict[str, IInbox] = {}
        #: How often each kind came that this program does not know.
        self.unknown_kinds: Counter[int] = Counter()
        #: Frames passed on, and frames dropped because their route is void.
        self.forwarded = 0
        self.void = 0
        self._welcomes = frozenset(welcomes)
        self._links: dict[LinkId, ILink] = {}
        #: Those of them that routes may join.
        self._frame_links: dict[LinkId, IFrameLink] = {}
        self._peers: dict[LinkId, Peer] = {}
        #: Of links that are told of to another than ``inbox``.
        self._apart: dict[LinkId, IInbox] = {}
        self._admitted = 0
        self._routes: dict[LinkId, dict[int, tuple[LinkId, int]]] = {}
        self._routed_to: dict[LinkId, set[tuple[LinkId, int]]] = {}
        self._flushes: list[Callable[[], None]] = []

    @property
    def links(self) -> Mapping[LinkId, Peer]:
        """Who is connected now."""
        return self._peers

    # --- hello ----------------------------------------------------------------

    def hello(self) -> Hello:
        """What this daemon says to whom it dials."""
        return Hello(
            role=self.role,
            id=self.id,
            version=__version__,
            epoch=self.epoch,
            address=self.address,
        )

    def greet(self, hello: Hello) -> Welcome | Unwelcome:
        """What this daemon answers to whoever dials it."""
        unwelcome = self.unwelcome()
        if unwelcome is not None:
            return unwelcome
        if getattr(self, "inbox", None) is None:
            return Unwelcome(reason="recovering", message=f"the {self.role} is starting")
        if hello.role not in self._welcomes:
            return Unwelcome(
                reason="bad_role",
                message=f"a {self.role} has no use for {hello.role[:50]!r}",
            )
        return Welcome(role=self.role, id=self.id, version=__version__, epoch=self.epoch)

    # --- what links say -------------------------------------------------------

    def admit(self, link: ILink, peer: Peer) -> LinkId:
        self._admitted += 1
        number = LinkId(self._admitted)
        self._links[number] = link
        if IFrameLink.providedBy(link):
            self._frame_links[number] = link
        self._peers[number] = peer
        apart = self.inboxes.get(peer.role)
        if apart is not None:
            self._apart[number] = apart
        self._log.debug(
            "link {link} opens: {role} {peer} {version} at {address}",
            link=number,
            role=peer.role,
            peer=peer.id or "(new)",
            version=peer.version,
            address=peer.address,
        )
        told = LinkOpened(number, peer.role, peer.id, peer.version, peer.address)
        self._inbox_of(number).tell((told,))
        return number

    def _inbox_of(self, link: LinkId) -> IInbox:
        return self._apart.get(link, self.inbox)

    def heard(self, link: LinkId, messages: Sequence[Struct]) -> None:
        if link in self._links:
            self._inbox_of(link).tell([Heard(link, message) for message in messages])

    def ended(self, link: LinkId, reason: str) -> None:
        if self._links.pop(link, None) is None:
            return
        self._frame_links.pop(link, None)
        peer = self._peers.pop(link)
        for route in tuple(self._routes.get(link, ())):
            self._forget_route(link, route)
        for source, route in tuple(self._routed_to.get(link, ())):
            self._forget_route(source, route)
        self._log.info(
            "link {link} of {role} {peer} at {address} ended: {reason}",
            link=link,
            role=peer.role,
            peer=peer.id or "(new)",
            address=peer.address,
            reason=reason,
        )
        inbox = self._inbox_of(link)
        self._apart.pop(link, None)
        inbox.tell((LinkClosed(link, reason),))

    def crowded(self, link: LinkId) -> None:
        if link in self._links:
            self._inbox_of(link).tell((LinkCrowded(link),))

    def eased(self, link: LinkId) -> None:
        if link in self._links:
            self._inbox_of(link).tell((LinkEased(link),))

    def read(self, link: LinkId, frames: Sequence[Frame]) -> None:
        """
        Tell the inbox the messages of ``frames``.

        Raises ``MalformedFrame``; what came before the malformed one was well said, and is
        told even so.
        """
        try:
            messages = decode_all(frames, self.unknown)
        except MalformedFrame:
            for kind, _, _, body in frames:
                message = decode(kind, body)
                if message is not None:
                    self.heard(link, (message,))
            raise
        if messages:
            self.heard(link, messages)

    def unknown(self, kind: int) -> None:
        """Count a frame of a kind that this program does not know; the first is logged."""
        self.unknown_kinds[kind] += 1
        if self.unknown_kinds[kind] == 1:
            self._log.warn("frames of the unknown kind {kind} are skipped", kind=kind)

    # --- what the core says ---------------------------------------------------

    def send(self, link: LinkId, messages: Sequence[Struct]) -> None:
        found = self._links.get(link)
        if found is not None:
            found.send(messages)

    def send_frames(self, link: LinkId, frames: Sequence[bytes]) -> None:
        found = self._frame_links.get(link)
        if found is not None:
            found.forward(frames)

    def close(self, link: LinkId, reason: str) -> None:
        found = self._links.get(link)
        if found is not None:
            found.close(reason)

    def close_all(self, reason: str) -> None:
        """Close every link: the daemon stops."""
        for link in tuple(self._links.values()):
            link.close(reason)

    # --- routes ---------------------------------------------------------------

    def route(self, route: Route) -> None:
        joined = route.source in self._frame_links and route.target in self._frame_links
        if not joined or not (route.route and route.target_route):
            self._log.warn("not a route between bus links: {route}", route=route)
            return
        self._forget_route(route.source, route.route)
        target = (route.target, route.target_route)
        self._routes.setdefault(route.source, {})[route.route] = target
        self._routed_to.setdefault(route.target, set()).add((route.source, route.route))

    def unroute(self, route: Unroute) -> None:
        self._forget_route(route.source, route.route)

    def _forget_route(self, source: LinkId, route: int) -> None:
        routes = self._routes.get(source)
        target = routes.pop(route, None) if routes is not None else None
        if routes is None or target is None:
            return
        if not routes:
            del self._routes[source]
        sources = self._routed_to[target[0]]
        sources.discard((source, route))
        if not sources:
            del self._routed_to[target[0]]

    def forward(self, source: LinkId, routed: Mapping[int, Sequence[bytes]]) -> None:
        """Pass on the frames that ``source`` said, by their routes; see Note [Routes]."""
        routes = self._routes.get(source, {})
        for route, frames in routed.items():
            target = routes.get(route)
            if target is None:
                # The link at the other end may have ended while these were on their way.
                self.void += len(frames)
                continue
            number, target_route = target
            if target_route != route:
                ready: Sequence[bytes] = [rerouted(frame, target_route) for frame in frames]
            else:
                ready = frames
            self._frame_links[number].forward(ready)
            self.forwarded += len(ready)

    def send_on(self, link: LinkId, route: int, messages: Sequence[Struct]) -> None:
        """Say ``messages`` to whoever is at the other end of a route that starts here."""
        found = self._frame_links.get(link)
        if found is not None:
            found.forward([encode(message, route) for message in messages])

    def flush_soon(self, flush: Callable[[], None]) -> None:
        """Call ``flush`` when this reactor turn is over, with one timer for all links."""
        if not self._flushes:
            self.clock.callLater(0, self._flush)
        self._flushes.append(flush)

    def _flush(self) -> None:
        flushes, self._flushes = self._flushes, []
        for flush in flushes:
            flush()
