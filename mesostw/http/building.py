"""
Large bodies, built in slices and once for all who ask for the same.

Note [Fresh enough]: who asks while a body is being built from an older state shares the
*next* one, so that everybody reads what they themselves have done; and there are never
more than two builds for any number of readers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Final, TypeAlias

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from mesostw.http.rendering import JSON, Reply

#: A build gives way after so many seconds of work.
SLICE_S: Final = 0.008

Build: TypeAlias = Generator[None, None, bytes]


class Body:
    """
    One body that depends on nothing but the feed's number.

    :param version: epoch and number of what readers see now.
    :param build: yields wherever it may be interrupted; returns the body.
    """

    def __init__(
        self,
        clock: IReactorTime,
        name: str,
        version: Callable[[], tuple[str, int]],
        build: Callable[[], Build],
    ) -> None:
        self._clock, self._name, self._version, self._build = clock, name, version, build
        self._done: tuple[tuple[str, int], Reply] | None = None
        self._running: tuple[tuple[str, int], Build] | None = None
        self._waiting: list[Deferred[Reply]] = []
        self._next: list[Deferred[Reply]] = []

    def get(self) -> Reply | Awaitable[Reply]:
        """The body as of now; at once if it is there, or if it is small."""
        version = self._version()
        if self._done is not None and self._done[0] == version:
            return self._done[1]
        waiting: Deferred[Reply] = Deferred()
        if self._running is None:
            self._begin()
            if self._done is not None and self._done[0] == version:
                return self._done[1]
            self._waiting.append(waiting)
        elif self._running[0] == version:
            self._waiting.append(waiting)
        else:
            self._next.append(waiting)
        return waiting

    def _begin(self) -> None:
        self._running = (self._version(), self._build())
        self._work()

    def _work(self) -> None:
        assert self._running is not None
        version, build = self._running
        clock = self._clock
        until = clock.seconds() + SLICE_S
        try:
            while clock.seconds() < until:
                next(build)
        except StopIteration as done:
            tag = f'"{version[0]}.{version[1]}.{self._name}"'
            self._finish((version, Reply(done.value, JSON, tag=tag)))
        except Exception:  # noqa: BLE001 (every reader is told, and logs it)
            self._fail(Failure())
        else:
            clock.callLater(0, self._work)

    def _finish(self, done: tuple[tuple[str, int], Reply]) -> None:
        self._done, self._running = done, None
        waiting, self._waiting = self._waiting, []
        self._go_on()
        for one in waiting:
            one.callback(done[1])

    def _fail(self, fault: Failure) -> None:
        self._running = None
        waiting, self._waiting = self._waiting, []
        self._go_on()
        for one in waiting:
            one.errback(fault)
        if not waiting:
            fault.raiseException()

    def _go_on(self) -> None:
        if self._next:
            self._waiting, self._next = self._next, []
            self._clock.callLater(0, self._begin)
            # Who asks before that turn joins those who wait.
            self._running = (self._version(), _nothing())


def _nothing() -> Build:
    """Stands for a build that has not begun."""
    yield
    return b""
