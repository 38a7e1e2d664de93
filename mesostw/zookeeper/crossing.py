"""
The way over to kazoo and back.

Note [One thread]
~~~~~~~~~~~~~~~~~
Kazoo lets a program bring its own "handler": threads, sockets and queues.  Its stock one
has three threads, one of which answers requests and another of which tells watches, so
that what came over the link in one order is heard in any.  Ours has one: the thread that
kazoo's connection lives in.  The reactor puts calls into ``inbox``, and the thread hands
them to kazoo just before it would wait for its link; whatever comes of anything goes into
``outbox`` in the order that kazoo found it, and the reactor hears all of that in turn.
So nothing of kazoo is ever touched by two threads, order is kept, and both ways a batch
costs one wake-up.

Note [The gate]
~~~~~~~~~~~~~~~
When a link breaks, kazoo fails what it had and looks for another server; the reactor
hears of it a moment later.  What it had called in between must not overtake: it may
believe that something before has been done.  So the thread takes nothing more until the
reactor has heard of the loss, and has failed by itself what was never taken.
"""

from __future__ import annotations

import select
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from kazoo.protocol.states import Callback, KazooState
from kazoo.retry import RetryFailedError

from mesostw.model.zookeeper import REQUEST_BYTES_MAX, TooLarge
from mesostw.zookeeper.sockets import Agreed, Bell, Wire, poll

#: Requests that kazoo has at most; the rest can still be taken back.
FLIGHT_MAX: Final = 512
#: And of these so many bytes: one more than fits may be the last.
FLIGHT_BYTES_MAX: Final = 8 * 1024 * 1024
#: A server that does not answer in its share of the session's time is passed over; the
#: share leaves time for one more try, but is never less than this.
DIAL_TIMEOUT_S_MIN: Final = 1.0


class SessionOver(RetryFailedError):
    """Thrown into kazoo's loop to end it: it must not open a second session by itself."""


class LinkSilent(Exception):
    """What kazoo raises for a time-out of its own."""


class Answer:
    """Kazoo's asynchronous result, which only its own thread ever sees."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Answer], object]] | None = []
        self.value: Any = None
        self.exception: Exception | None = None

    def ready(self) -> bool:
        """Whether it was answered."""
        return self._callbacks is None

    def successful(self) -> bool:
        """Whether it was answered without a fault."""
        return self.ready() and self.exception is None

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The value; there is nobody who could wait for it."""
        if not self.ready():
            raise LinkSilent
        if self.exception is not None:
            raise self.exception
        return self.value

    def set(self, value: Any = None) -> None:
        """It was answered."""
        self.value = value
        self._settle()

    def set_exception(self, exception: Exception) -> None:
        """It failed."""
        self.exception = exception
        self._settle()

    def _settle(self) -> None:
        callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            callback(self)

    def rawlink(self, callback: Callable[[Answer], object]) -> None:
        """Call ``callback`` with this when it is answered."""
        if self._callbacks is None:
            callback(self)
        else:
            self._callbacks.append(callback)


class Call:
    """One thing that the reactor wants of kazoo."""

    __slots__ = ("done", "failed", "size", "start", "taken_back", "watched")

    def __init__(
        self,
        start: Callable[[], Answer],
        done: Callable[[Any], object],
        failed: Callable[[Exception], object],
    ) -> None:
        #: Called in kazoo's thread.
        self.start = start
        #: Called in the reactor.
        self.done = done
        self.failed = failed
        #: Called in kazoo's thread when it has succeeded.
        self.watched: Callable[[], object] | None = None
        #: How many bytes it sends, where that may be many.
        self.size = 0
        #: Nobody waits for it any more; if it was not taken yet it is not done.
        self.taken_back = False


class Crossing:
    """
    What kazoo calls a handler, with the two queues between it and the reactor.

    :param from_thread: has the reactor call something soon (``reactor.callFromThread``).
    :param failed: told in the reactor of what a watch, a listener or kazoo itself raised.
    :param seconds: the reactor's time, for any thread.
    :param servers: how many servers share the session's time-out.
    """

    name = "mesostw"
    timeout_exception = LinkSilent
    running = True

    def __init__(
        self,
        from_thread: Callable[..., object],
        failed: Callable[[Exception], object],
        seconds: Callable[[], float],
        servers: int,
    ) -> None:
        self._from_thread = from_thread
        self._failed = failed
        self._seconds = seconds
        self._servers = servers
        self.bell = Bell()
        self.wire: Wire | None = None
        self.inbox: deque[Call] = deque()
        self.outbox: deque[tuple[Callable[[Any], object], Any]] = deque()
        self._posted = False
        self._in_flight = 0
        self._bytes_in_flight = 0
        #: What could not be sent, until everything before it is answered.
        self._unsent: tuple[Call, Exception] | None = None
        #: Losses of the link that the thread has met, and that the reactor has heard of.
        self._losses = 0
        self._losses_heard = 0
        self._over = threading.Event()
        self.thread: threading.Thread | None = None
        #: Kazoo's state when the session ended, once it has.
        self.ending = ""
        #: Told in the reactor of kazoo's states, and of ``None`` when its thread has ended.
        self.heard: Callable[[str | None], object] = lambda _: None
        #: Says kazoo's state.
        self.state: Callable[[], str] = str
        #: Called in the thread when a link is lost or the session has ended.
        self.unlinked: Callable[[], object] = lambda: None

    # --- in the reactor -----------------------------------------------------------

    def loss_heard(self) -> list[Call]:
        """The reactor knows of a loss: what was never taken, which is for it to fail."""
        left = self.drained()
        self._losses_heard += 1
        self.bell.ring()
        return left

    def drained(self) -> list[Call]:
        """Take back all that the thread has not taken."""
        left = []
        while self.inbox:
            try:
                left.append(self.inbox.popleft())
            except IndexError:
                break
        return left

    def end(self) -> None:
        """Have the thread dial no more."""
        self._over.set()

    def is_over(self) -> bool:
        """Whether it is to dial no more; any thread may ask."""
        return self._over.is_set()

    def abort(self) -> None:
        """Break the link: it does not answer."""
        if self.wire is not None:
            self.wire.abort()

    def deliver(self) -> None:
        """Hear what has come, in order."""
        self._posted = False
        for _ in range(len(self.outbox)):
            told, what = self.outbox.popleft()
            try:
                told(what)
            except Exception as fault:  # noqa: BLE001
                # A watch or a listener of somebody's; what comes after it must be heard too.
                self._failed(fault)

    # --- in kazoo's thread ----------------------------------------------------------

    def put(self, told: Callable[[Any], object], what: object) -> None:
        """Have the reactor call ``told(what)`` after what was put before."""
        self.outbox.append((told, what))

    def post(self) -> None:
        """Have the reactor look at what was put."""
        if self.outbox and not self._posted:
            self._posted = True
            self._from_thread(self.deliver)

    def state_changed(self, state: str) -> None:
        """Kazoo's listener.  Its ``LOST`` is told when the thread has ended, as ``None``."""
        if state == KazooState.LOST:
            self.ending = self.ending or self.state()
            self._over.set()
            return
        if state == KazooState.SUSPENDED:
            self._losses += 1
            # Everything before it has failed by now.
            self._may_take()
            self.put(self.heard, state)
            self.unlinked()
        else:
            self.put(self.heard, state)
        self.post()

    def agreed(self) -> Agreed | None:
        """What the server said when it took the session; ``None`` if it has not, or refused."""
        return None if self.wire is None else self.wire.agreed()

    def _take(self) -> None:
        """Hand calls to kazoo.  See Note [The gate]."""
        while self._may_take():
            try:
                call = self.inbox.popleft()
            except IndexError:
                return
            if call.taken_back:
                self.put(call.done, None)
                continue
            try:
                if call.size > REQUEST_BYTES_MAX:
                    raise TooLarge
                answer = call.start()
            except Exception as fault:  # noqa: BLE001
                self._unsent = (call, fault)
            else:
                self._in_flight += 1
                self._bytes_in_flight += call.size
                answer.rawlink(partial(self._settled, call))

    def _may_take(self) -> bool:
        if self._unsent is not None and not self._in_flight:
            call, fault = self._unsent
            self._unsent = None
            self.put(call.failed, fault)
        return (
            self._unsent is None
            and self._in_flight < FLIGHT_MAX
            and self._bytes_in_flight < FLIGHT_BYTES_MAX
            and self._losses == self._losses_heard
        )

    def _settled(self, call: Call, answer: Answer) -> None:
        self._in_flight -= 1
        self._bytes_in_flight -= call.size
        if answer.exception is not None:
            self.put(call.failed, answer.exception)
            return
        if call.watched is not None and not call.taken_back:
            call.watched()
        self.put(call.done, answer.value)

    # --- what kazoo asks of a handler --------------------------------------------

    def start(self) -> None:
        """There is nothing to start."""

    def stop(self) -> None:
        """There is nothing to stop: the thread ends by itself."""

    def event_object(self) -> threading.Event:
        return threading.Event()

    def lock_object(self) -> threading.Lock:
        return threading.Lock()

    def rlock_object(self) -> Any:
        return threading.RLock()

    def async_result(self) -> Answer:
        return Answer()

    def dispatch_callback(self, callback: Callback) -> None:
        """Tell a watch, between the answers before it and those after it."""
        callback.func(*callback.args)

    def spawn(self, work: Callable[..., object], *arguments: object) -> threading.Thread:
        """Start kazoo's thread."""

        def run() -> None:
            try:
                work(*arguments)
            except Exception as fault:  # noqa: BLE001
                # Kazoo's own thread: there is nobody above it who could be told.
                self.put(self._failed, fault)
            finally:
                self._may_take()
                self.unlinked()
                self.put(self.heard, None)
                self.post()

        self.thread = threading.Thread(target=run, name="mesostw-zookeeper", daemon=True)
        self.thread.start()
        return self.thread

    def sleep_func(self, seconds: float) -> None:
        """Wait before the next dial, unless there is to be none."""
        if self._over.wait(seconds):
            raise SessionOver

    def create_socket_pair(self) -> tuple[Bell, Bell]:
        return self.bell, self.bell

    def create_connection(self, address: tuple[str, int], timeout: float, **_: object) -> Wire:
        """Dial one server; kazoo would give it the time of the whole session."""
        if self._over.is_set():
            raise SessionOver
        patience_s = max(DIAL_TIMEOUT_S_MIN, timeout / (self._servers + 1))
        dialled_at = self._seconds()
        plain = socket.create_connection(address, patience_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wire = Wire(plain, patience_s, dialled_at)
        return self.wire

    def select(
        self,
        readable: Sequence[Bell | Wire],
        writable: Sequence[Wire],
        _failed: Sequence[object],
        timeout: float | None = None,
    ) -> tuple[list[Bell | Wire], list[Wire], list[object]]:
        """Wait for the link or the bell; before that, send and tell what was gathered."""
        if writable:
            return [], list(writable), []
        while True:
            if self.bell in readable:
                self._take()
            ready = [one for one in readable if one.pending()]
            if ready:
                return ready, [], []
            _flush(readable)
            self.post()
            if self.bell not in readable:
                timeout = _patience_s(readable, timeout)
            fds = poll([one.fileno() for one in readable], select.POLLIN, timeout)
            heard = self.bell.fileno() in fds
            if heard:
                self.bell.hush()
            ready = [one for one in readable if one is not self.bell and one.fileno() in fds]
            if ready or not fds:
                return ready, [], []


def _patience_s(readable: Sequence[Bell | Wire], timeout: float | None) -> float | None:
    """How long to wait for an answer: less if it is the first, and there may be others."""
    for one in readable:
        if isinstance(one, Wire) and not one.greeting and timeout is not None:
            return min(timeout, one.patience_s)
    return timeout


def _flush(readable: Sequence[Bell | Wire]) -> None:
    """Send what was gathered."""
    for one in readable:
        if isinstance(one, Wire):
            one.flush()
