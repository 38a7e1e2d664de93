"""
An ensemble in memory: sessions, links with weather, and faults where a test wants them.

It is deterministic: time is a clock's, delays are a seed's.  What clients promise beside
it is in :mod:`mesostw.testing.zookeeper.client`; that both do as the real ones do is shown
by one contract and by random programs that run on both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from enum import StrEnum
from random import Random
from typing import Any, Final

from msgspec import Struct
from twisted.internet.interfaces import IDelayedCall

from mesostw.interfaces import IClock
from mesostw.model.zookeeper import (
    Acl,
    Delete,
    Happening,
    Operation,
    Watched,
    ZooKeeperFault,
)
from mesostw.testing.zookeeper.tree import NOBODY, Identities, Tree

#: Of one way over a link, in seconds: at least and at most.
DELAY_S: Final = (0.0001, 0.001)
#: Sessions are looked at this often, as a part of their time, so they end that much late.
LATENESS_SHARE: Final = 0.1
#: The first session's number.
FIRST_SESSION: Final = 0x1000_0000_0000


class Hello(Struct, frozen=True):
    """A client's first word; ``session`` is 0 for a new one."""

    session: int
    timeout_s: float
    who: Identities


class Welcome(Struct, frozen=True):
    """The answer; without a session if the one that was named has ended."""

    session: int
    timeout_s: float


class Ping(Struct, frozen=True):
    """Somebody is there; said back."""


class Goodbye(Struct, frozen=True):
    """End the session; said back."""


class Transaction(Struct, frozen=True):
    """Change something: one operation, or several as one."""

    operations: tuple[Operation, ...]


class SetAcl(Struct, frozen=True):
    """Change who may do what."""

    path: str
    acl: tuple[Acl, ...]
    version: int


class Read(Struct, frozen=True):
    """Read something: ``get``, ``exists``, ``children``, ``acl`` or ``sync``."""

    what: str
    path: str
    watch: bool = False


class Reply(Struct, frozen=True):
    """The answer to a request: a value, or a fault that is to be raised."""

    value: Any = None
    fault: ZooKeeperFault | None = None


Heard = Callable[[Any], None]


class Fault(StrEnum):
    """When the link breaks at the next change that a client asks for."""

    BEFORE = "before the effect"
    AFTER = "after the effect, before the answer"


class Weather:
    """What becomes of whatever one client says and hears."""

    def __init__(self) -> None:
        #: Nothing gets through either way, and nobody is told.
        self.silent = False
        #: Only answers do not get through.
        self.answers_lost = False
        #: New connections are refused.
        self.refuses = False
        self.next_fault: Fault | None = None


class Line:
    """
    One connection, in order both ways.

    Both ends set who hears; what is under way when it breaks is lost.
    """

    def __init__(self, ensemble: Ensemble, weather: Weather) -> None:
        self._ensemble = ensemble
        self._weather = weather
        self.session: Session | None = None
        self.to_client: Heard = lambda _: None
        self.lost: Callable[[], None] = lambda: None
        self.broken = False
        self._ended_there = False
        self._last = {True: 0.0, False: 0.0}
        self._held: list[tuple[bool, Any]] = []

    def ask(self, message: Any) -> None:
        """The client says something."""
        self._carry(True, message)

    def answer(self, message: Any) -> None:
        """The server says something."""
        self._carry(False, message)

    def _carry(self, asked: bool, message: Any) -> None:
        clock = self._ensemble.clock
        at = max(self._last[asked], clock.seconds() + self._ensemble.delay_s())
        self._last[asked] = at
        clock.callLater(at - clock.seconds(), self._arrive, asked, message)

    def _arrive(self, asked: bool, message: Any) -> None:
        if self.broken or (self._weather.answers_lost and not asked):
            return
        if self._weather.silent or self._held:
            self._held.append((asked, message))
        elif asked:
            self._ensemble.hear(self, message, self._weather)
        else:
            self.to_client(message)

    def resume(self) -> None:
        """It is not silent any more: what was held arrives."""
        held, self._held = self._held, []
        if self._ended_there:
            self.break_()
        for asked, message in held:
            self._arrive(asked, message)

    def close(self) -> None:
        """The server ends it; while it is silent the client does not hear of that."""
        if self._weather.silent:
            self._ended_there = True
            self._ensemble.line_ended(self)
        else:
            self.break_()

    def break_(self) -> None:
        """End it; the client notices a moment later."""
        if not self.broken:
            self.broken = True
            self._ensemble.line_ended(self)
            self._ensemble.clock.callLater(self._ensemble.delay_s(), self.lost)


class Session:
    """What the ensemble knows of a session."""

    def __init__(self, number: int, timeout_s: float, who: Identities) -> None:
        self.number = number
        self.timeout_s = timeout_s
        self.who = who
        self.line: Line | None = None
        self.heard_at = 0.0
        self.look: IDelayedCall | None = None


class Ensemble:
    """
    The servers, as one.

    :param timeout_s: sessions get at least and at most this.
    """

    def __init__(
        self,
        clock: IClock,
        seed: int = 0,
        timeout_s: tuple[float, float] = (0.4, 40.0),
        delay_s: tuple[float, float] = DELAY_S,
    ) -> None:
        self.clock = clock
        self.tree = Tree()
        self.sessions: dict[int, Session] = {}
        #: Told of each change that is done, with the session that asked for it.
        self.done: Callable[[int, Sequence[Operation]], None] = lambda _session, _operations: None
        #: Of one way over a link, in seconds: at least and at most.
        self.delays_s = delay_s
        self._random = Random(seed)
        self._timeout_s = timeout_s
        self._weather: defaultdict[str, Weather] = defaultdict(Weather)
        self._lines: defaultdict[str, list[Line]] = defaultdict(list)
        self._watches: defaultdict[tuple[str, str], dict[Line, None]] = defaultdict(dict)
        self._made = 0
        self._down = False

    # --- what tests do -------------------------------------------------------------

    def clients(self) -> list[str]:
        """Tell who has weather: all who have ever dialled, the dead too."""
        return list(self._weather)

    def weather(self, client: str) -> Weather:
        """What becomes of a client's messages; :meth:`clear` after clearing ``silent``."""
        return self._weather[client]

    def cut(self, client: str) -> None:
        """Break the links of ``client``; it may dial again."""
        for line in list(self._lines[client]):
            line.break_()

    def hang_up(self, client: str, late_s: float = 0.0) -> None:
        """Break its links a little later: its process is gone, and what it said may arrive."""
        for line in self._lines[client]:
            self.clock.callLater(late_s, line.break_)

    def partition(self, client: str) -> None:
        """Nothing gets through to or from ``client`` until :meth:`heal`."""
        self._weather[client].silent = True

    def heal(self, client: str) -> None:
        """Let everything through again."""
        self._weather[client] = weather = Weather()
        for line in list(self._lines[client]):
            line._weather = weather
            line.resume()

    def expire(self, session: int) -> None:
        """End a session, as if nothing had been heard of it for too long."""
        found = self.sessions.get(session)
        if found is not None:
            self._end(found)

    def remove(self, path: str) -> None:
        """Remove a node, as somebody does who is no client of ours."""
        _, events = self.tree.change((Delete(path),), 0, NOBODY, self._now_ms())
        self._tell(events)

    def stop(self) -> None:
        """No server runs; what they kept stays."""
        self._down = True
        for lines in self._lines.values():
            for line in list(lines):
                line.close()

    def start(self) -> None:
        """They run again, and give every session its whole time anew."""
        self._down = False
        for session in self.sessions.values():
            session.heard_at = self.clock.seconds()

    # --- links -----------------------------------------------------------------------

    def delay_s(self) -> float:
        """How long the next message takes."""
        return self._random.uniform(*self.delays_s)

    def dial(self, client: str) -> Line | None:
        """A new connection, or none if that is refused."""
        weather = self._weather[client]
        if self._down or weather.refuses:
            return None
        line = Line(self, weather)
        self._lines[client] = [*(one for one in self._lines[client] if not one.broken), line]
        return line

    def line_ended(self, line: Line) -> None:
        """Nobody can be told over it any more."""
        if line.session is not None and line.session.line is line:
            line.session.line = None
        for lines in self._watches.values():
            lines.pop(line, None)

    # --- what clients say ------------------------------------------------------------

    def hear(self, line: Line, message: Any, weather: Weather) -> None:
        """A client says something over ``line``."""
        if isinstance(message, Hello):
            self._welcome(line, message)
            return
        session = line.session
        if session is None or session.number not in self.sessions:
            line.close()
            return
        session.heard_at = self.clock.seconds()
        match message:
            case Ping():
                line.answer(message)
            case Goodbye():
                self._end(session, polite=True)
                line.answer(message)
            case Read():
                line.answer(self._read(line, session, message))
            case _:
                self._change(line, session, message, weather)

    def _welcome(self, line: Line, hello: Hello) -> None:
        if hello.session:
            session = self.sessions.get(hello.session)
            if session is None:
                line.answer(Welcome(0, 0.0))
                return
            if session.line is not None:
                session.line.close()
        else:
            least, most = self._timeout_s
            self._made += 1
            self.tree.zxid += 1
            session = Session(
                FIRST_SESSION + self._made, min(max(hello.timeout_s, least), most), hello.who
            )
            self.sessions[session.number] = session
        session.who = hello.who
        session.line, line.session = line, session
        session.heard_at = self.clock.seconds()
        if session.look is None:
            self._look(session)
        line.answer(Welcome(session.number, session.timeout_s))

    def _change(
        self, line: Line, session: Session, message: Transaction | SetAcl, weather: Weather
    ) -> None:
        fault, weather.next_fault = weather.next_fault, None
        if fault is Fault.BEFORE:
            line.break_()
            return
        reply = self._changed(session, message)
        if fault is Fault.AFTER:
            line.break_()
        else:
            line.answer(reply)

    def _changed(self, session: Session, message: Transaction | SetAcl) -> Reply:
        try:
            if isinstance(message, SetAcl):
                value: Any
                value, events = self.tree.set_acl(
                    message.path, message.acl, message.version, session.who
                )
            else:
                value, events = self.tree.change(
                    message.operations, session.number, session.who, self._now_ms()
                )
        except ZooKeeperFault as refusal:
            return Reply(fault=refusal)
        self._tell(events)
        if isinstance(message, Transaction):
            self.done(session.number, message.operations)
        return Reply(value)

    def _read(self, line: Line, session: Session, read: Read) -> Reply:
        try:
            match read.what:
                case "get":
                    node = self.tree.node(read.path, session.who)
                    value: Any = (node.data, node.stat())
                case "exists":
                    found = self.tree.nodes.get(read.path)
                    value = None if found is None else found.stat()
                case "children":
                    node = self.tree.node(read.path, session.who)
                    value = (tuple(sorted(node.children)), node.stat())
                case "acl":
                    value = self.tree.acl(read.path, session.who)
                case _:
                    value = None
        except ZooKeeperFault as refusal:
            return Reply(fault=refusal)
        if read.watch:
            kind = "list" if read.what == "children" else "data"
            self._watches[kind, read.path][line] = None
        return Reply(value)

    def _tell(self, events: Sequence[Watched]) -> None:
        for event in events:
            kinds = {Happening.CHILDREN: ("list",), Happening.DELETED: ("data", "list")}
            told: dict[Line, None] = {}
            for kind in kinds.get(event.kind, ("data",)):
                told |= self._watches.pop((kind, event.path), {})
            for line in told:
                line.answer(event)

    # --- sessions ----------------------------------------------------------------------

    def _now_ms(self) -> int:
        return int(self.clock.wall() * 1000)

    def _look(self, session: Session) -> None:
        """See whether a session has been silent too long, and look again."""
        silent_s = self.clock.seconds() - session.heard_at
        if silent_s >= session.timeout_s and not self._down:
            self._end(session)
            return
        session.look = self.clock.callLater(session.timeout_s * LATENESS_SHARE, self._look, session)

    def _end(self, session: Session, polite: bool = False) -> None:
        self.sessions.pop(session.number, None)
        if session.look is not None and session.look.active():
            session.look.cancel()
        self._tell(self.tree.end_session(session.number, self._now_ms()))
        if session.line is not None and not polite:
            session.line.close()
