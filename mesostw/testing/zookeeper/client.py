"""
A client of the ensemble in memory: it promises what the bridge does, in the same words.

Where kazoo and the bridge take time (a dial that nobody answers, a link that is silent)
this takes as much of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Generic, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from zope.interface import implementer

from mesostw.interfaces import IClock, IZooKeeper, IZooSession
from mesostw.model.zkurl import Credentials
from mesostw.model.zookeeper import (
    ANY_VERSION,
    OPEN,
    READ_BY_ALL,
    Acl,
    ConnectionLost,
    Create,
    Delete,
    Happening,
    NotConnected,
    Operation,
    Outcome,
    SessionExpired,
    SessionState,
    SetData,
    Stat,
    TooLarge,
    Watched,
    ZooKeeperFault,
    check_path,
    is_too_large,
)
from mesostw.testing.zookeeper.ensemble import (
    Ensemble,
    Goodbye,
    Hello,
    Line,
    Ping,
    Read,
    Reply,
    SetAcl,
    Transaction,
    Welcome,
)
from mesostw.testing.zookeeper.tree import Identities, identities
from mesostw.zookeeper.rooted import open_at

T = TypeVar("T")
Watch = Callable[[Watched], None]
Listener = Callable[[SessionState], None]

#: Parts of a session's time: between two pings, and of silence that breaks a link.
PING_SHARE: Final = 1 / 6
SILENCE_SHARE: Final = 2 / 3
#: Between two dials.
REDIAL_S_MIN: Final = 0.1
REDIAL_S_MAX: Final = 1.0


class Asked(Generic[T]):
    """Something that was asked for, and who waits."""

    def __init__(
        self, request: Any, paths: Sequence[str], made: Callable[[Any], T], multi: bool = False
    ) -> None:
        self.request = request
        self.watch: Watch | None = None
        self._paths = paths
        self._made = made
        self._multi = multi
        self.taken_back = False
        self.deferred: Deferred[T] = Deferred(self._take_back)

    def _take_back(self, _: Deferred[T]) -> None:
        self.taken_back = True

    def answer(self, reply: Reply) -> None:
        """Tell whoever waits."""
        if self.taken_back:
            return
        if reply.fault is None:
            self.deferred.callback(self._made(reply.value))
            return
        index = reply.fault.index
        if self._multi:
            path = "" if index is None else self._paths[index]
            self.deferred.errback(type(reply.fault)(path, index))
        else:
            self.deferred.errback(type(reply.fault)(self._paths[0]))

    def fail(self, meaning: type[ZooKeeperFault]) -> None:
        """Tell whoever waits that there is no answer."""
        if not self.taken_back:
            self.deferred.errback(meaning("" if self._multi else self._paths[0]))


class Operations:
    """What can be asked of a session, as messages to the ensemble."""

    _acl: tuple[Acl, ...]

    def _ask(self, asked: Asked[T], paths: Sequence[str] = ()) -> Deferred[T]:
        raise NotImplementedError

    def create(
        self,
        path: str,
        data: bytes = b"",
        *,
        ephemeral: bool = False,
        sequence: bool = False,
        acl: Sequence[Acl] | None = None,
    ) -> Deferred[str]:
        given = self._acl if acl is None else tuple(acl)
        return self._change(Create(path, data, ephemeral, sequence, given))

    def set(self, path: str, data: bytes, version: int = ANY_VERSION) -> Deferred[Stat]:
        return self._change(SetData(path, data, version))

    def delete(self, path: str, version: int = ANY_VERSION) -> Deferred[None]:
        return self._change(Delete(path, version))

    def _change(self, operation: Operation) -> Deferred[Any]:
        request = Transaction((operation,))
        return self._ask(Asked(request, [operation.path], lambda outcomes: outcomes[0]))

    def get(self, path: str, watch: Watch | None = None) -> Deferred[tuple[bytes, Stat]]:
        return self._read("get", path, watch)

    def exists(self, path: str, watch: Watch | None = None) -> Deferred[Stat | None]:
        return self._read("exists", path, watch)

    def children(
        self, path: str, watch: Watch | None = None
    ) -> Deferred[tuple[Sequence[str], Stat]]:
        return self._read("children", path, watch)

    def get_acl(self, path: str) -> Deferred[tuple[Sequence[Acl], Stat]]:
        return self._read("acl", path, None)

    def sync(self, path: str = "/") -> Deferred[None]:
        return self._read("sync", path, None)

    def _read(self, what: str, path: str, watch: Watch | None) -> Deferred[Any]:
        asked: Asked[Any] = Asked(Read(what, path, watch is not None), [path], lambda found: found)
        asked.watch = watch
        return self._ask(asked)

    def set_acl(self, path: str, acl: Sequence[Acl], version: int = ANY_VERSION) -> Deferred[Stat]:
        return self._ask(Asked(SetAcl(path, tuple(acl), version), [path], lambda stat: stat))

    def multi(self, operations: Sequence[Operation]) -> Deferred[Sequence[Outcome]]:
        if not operations:
            raise ValueError("a transaction needs at least one operation")
        filled = tuple(
            Create(one.path, one.data, one.ephemeral, one.sequence, self._acl)
            if isinstance(one, Create) and one.acl is None
            else one
            for one in operations
        )
        paths = [one.path for one in operations]
        return self._ask(Asked(Transaction(filled), paths, tuple, multi=True), paths)


@implementer(IZooSession)
class MemorySession(Operations):
    """One session of one process."""

    _log = Logger()
    session_id = 0

    def __init__(
        self,
        ensemble: Ensemble,
        clock: IClock,
        client: str,
        who: Identities,
        acl: Sequence[Acl],
        timeout_s: float,
    ) -> None:
        self._ensemble = ensemble
        self._clock = clock
        self._client = client
        self._who = who
        self._acl = tuple(acl)
        self.timeout_s = timeout_s
        self.dialled_at = self._dialling_at = 0.0
        self.state = SessionState.SUSPENDED
        self.listener: Listener = lambda _: None
        self.opened: Deferred[MemorySession] = Deferred(lambda _: self._finish())
        self._line: Line | None = None
        self._unsent: deque[Asked[Any]] = deque()
        self._under_way: deque[Asked[Any]] = deque()
        self._late: list[tuple[Deferred[Any], str]] = []
        self._watches: dict[tuple[str, str], list[tuple[Asked[Any], Watch]]] = {}
        self._closing: Deferred[None] | None = None
        self._ended = False
        self._heard_at = 0.0
        self._redial_s = REDIAL_S_MIN
        self._timers: dict[str, IDelayedCall] = {}

    # --- what is asked ------------------------------------------------------------

    def _ask(self, asked: Asked[T], paths: Sequence[str] = ()) -> Deferred[T]:
        path = "" if paths else asked._paths[0]
        for one in paths or asked._paths:
            check_path(one)
        if self._ended:
            return fail(SessionExpired(path))
        if self.state is not SessionState.CONNECTED:
            return fail(NotConnected(path))
        if self._closing is not None:
            late: Deferred[T] = Deferred()
            self._late.append((late, path))
            return late
        self._send(asked)
        return asked.deferred

    def _send(self, asked: Asked[Any]) -> None:
        if not self._unsent:
            self._later("flush", 0.0, self._flush)
        self._unsent.append(asked)

    def _flush(self) -> None:
        """Say all of this turn; what was taken back is not said."""
        while self._unsent and self._line is not None:
            asked = self._unsent.popleft()
            if asked.taken_back:
                continue
            self._under_way.append(asked)
            request = asked.request
            if isinstance(request, Transaction) and is_too_large(request.operations):
                # Refused in its turn, without being sent.
                request = Ping()
            self._line.ask(request)

    # --- the link -------------------------------------------------------------------

    def dial(self) -> None:
        """Look for a server, again and again until one answers."""
        self._line = line = self._ensemble.dial(self._client)
        self._dialling_at = self._clock.seconds()
        if line is None:
            self._dial_later()
            return
        line.to_client = lambda message: self._hear(line, message)
        line.lost = partial(self._hear, line, None)
        self._later("dialling", max(1.0, self.timeout_s), line.break_)
        line.ask(Hello(self.session_id, self.timeout_s, self._who))

    def _dial_later(self) -> None:
        self._later("dial", self._redial_s, self.dial)
        self._redial_s = min(self._redial_s * 2, REDIAL_S_MAX)

    def _hear(self, line: Line, message: Any) -> None:
        # On the clock of this process: a dead one hears nothing.
        self._clock.callLater(0, self._heard, line, message)

    def _heard(self, line: Line, message: Any) -> None:
        if line is not self._line or self._ended:
            return
        self._heard_at = self._clock.seconds()
        match message:
            case None:
                self._lost()
            case Welcome():
                self._welcomed(message)
            case Watched():
                self._happened(message)
            case Goodbye():
                self._finish()
            case Reply():
                self._answered(message)
            case _ if self._under_way and self._is_refused_here():
                # The ping that was sent in its place has come back.
                self._under_way.popleft().answer(Reply(fault=TooLarge()))
            case _:
                pass

    def _is_refused_here(self) -> bool:
        request = self._under_way[0].request
        return isinstance(request, Transaction) and is_too_large(request.operations)

    def _welcomed(self, welcome: Welcome) -> None:
        if not welcome.session:
            self._finish()
            return
        self._stop("dialling", "giving up")
        self._redial_s = REDIAL_S_MIN
        self.session_id, self.timeout_s = welcome.session, welcome.timeout_s
        self.dialled_at = self._dialling_at
        self.state = SessionState.CONNECTED
        self._later("ping", self.timeout_s * PING_SHARE, self._ping)
        if self.opened.called:
            self._tell(self.listener, self.state)
        else:
            self.opened.callback(self)

    def _ping(self) -> None:
        """Say that we live; break a link that has been silent too long."""
        if self._line is None:
            return
        if self._clock.seconds() - self._heard_at >= self.timeout_s * SILENCE_SHARE:
            self._line.break_()
            return
        self._line.ask(Ping())
        self._later("ping", self.timeout_s * PING_SHARE, self._ping)

    def _answered(self, reply: Reply) -> None:
        asked = self._under_way.popleft()
        if reply.fault is None and asked.watch is not None:
            kind = "list" if asked.request.what == "children" else "data"
            waiting = self._watches.setdefault((kind, asked.request.path), [])
            waiting.append((asked, asked.watch))
        asked.answer(reply)

    def _happened(self, event: Watched) -> None:
        kinds = {Happening.CHILDREN: ("list",), Happening.DELETED: ("data", "list")}
        for kind in kinds.get(event.kind, ("data",)):
            self._tell_watches(self._watches.pop((kind, event.path), []), event)

    def _tell_watches(self, waiting: list[tuple[Asked[Any], Watch]], event: Watched) -> None:
        for asked, watch in waiting:
            if not asked.taken_back:
                self._tell(watch, event)

    def _tell(self, told: Callable[[Any], object], what: object) -> None:
        try:
            told(what)
        except Exception:  # noqa: BLE001
            # Somebody's watch or listener; what comes after it must be heard too.
            self._log.failure("a watch or a listener failed")

    def _lost(self) -> None:
        self._line = None
        self._stop("ping", "dialling", "flush")
        if self.state is SessionState.CONNECTED:
            self._suspended()
        if not self._ended:
            self._dial_later()

    def _suspended(self) -> None:
        self._fail(self._under_way, ConnectionLost)
        self.state = SessionState.SUSPENDED
        self._fail(self._unsent, NotConnected)
        if self._closing is not None:
            self._finish()
            return
        self._later("giving up", self.timeout_s, self._finish)
        self._tell(self.listener, self.state)
        self._lose_watches()

    def _lose_watches(self) -> None:
        lost, self._watches = self._watches, {}
        for (_, path), waiting in lost.items():
            self._tell_watches(waiting, Watched(Happening.LOST, path))

    @staticmethod
    def _fail(waiting: deque[Asked[Any]], meaning: type[ZooKeeperFault]) -> None:
        while waiting:
            waiting.popleft().fail(meaning)

    # --- the end ----------------------------------------------------------------------

    def close(self) -> Deferred[None]:
        closed: Deferred[None] = Deferred()
        if self._ended:
            closed.callback(None)
            return closed
        if self._closing is not None:
            _ = self._closing.addCallback(lambda _: closed.callback(None))
            return closed
        self._closing = closed
        if self.state is SessionState.CONNECTED:
            goodbye: Asked[None] = Asked(Goodbye(), [""], lambda _: None)
            # If the link breaks before it is answered the session is over here all the same.
            _ = goodbye.deferred.addErrback(lambda _: None)
            self._send(goodbye)
        else:
            self._finish()
        return closed

    def _finish(self) -> None:
        """There is no session any more; whoever waits hears of it, the listener last."""
        if self._ended:
            # Somebody who was told that a link broke has closed it.
            return
        self._ended = True
        self._stop(*self._timers)
        if self._line is not None:
            self._line.break_()
        self._fail(self._under_way, ConnectionLost)
        self._fail(self._unsent, SessionExpired)
        for late, path in self._late:
            if not late.called:
                late.errback(SessionExpired(path))
        self._lose_watches()
        self.state = SessionState.EXPIRED
        if self._closing is not None:
            self._closing.callback(None)
        elif self.opened.called:
            self._tell(self.listener, self.state)

    def _later(self, name: str, delay_s: float, call: Callable[[], object]) -> None:
        self._stop(name)
        self._timers[name] = self._clock.callLater(delay_s, call)

    def _stop(self, *names: str) -> None:
        for name in names:
            timer = self._timers.get(name)
            if timer is not None and timer.active():
                timer.cancel()


@implementer(IZooKeeper)
class MemoryZooKeeper:
    """
    The ensemble as one process reaches it.

    :param clock: that process's own: after its end nothing of it is done.
    :param client: what the ensemble calls its links, to give them weather.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        clock: IClock,
        client: str = "client",
        root: str = "/",
        credentials: Credentials | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self._ensemble = ensemble
        self._clock = clock
        self._client = client
        self._root = root
        self._credentials = credentials
        self._timeout_s = timeout_s

    def connect(self, listener: Listener) -> Deferred[IZooSession]:
        return Deferred.fromCoroutine(open_at(self._open, self._root, listener))

    def _open(self, listener: Listener) -> Deferred[MemorySession]:
        session = MemorySession(
            self._ensemble,
            self._clock,
            self._client,
            identities(self._credentials),
            OPEN if self._credentials is None else READ_BY_ALL,
            self._timeout_s,
        )
        session.listener = listener
        session.dial()
        return session.opened
