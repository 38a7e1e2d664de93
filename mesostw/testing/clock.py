"""
Virtual time: a clock that moves only when told.

``twisted.internet.task.Clock`` sorts its whole list at each call; with thousands of
timers a simulation spends its life there.  This one is a heap, and calls of one moment
run in the order they were scheduled, so that a run is the same each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, Final

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from mesostw.interfaces import IClock

#: Cancelled calls that may stay in the heap before it is cleaned.
CANCELLED_MAX: Final = 1_000


@implementer(IDelayedCall)
class HeapCall:
    """One call that waits for its time."""

    __slots__ = ("_clock", "_number", "arguments", "call", "named", "state", "time")

    def __init__(
        self,
        clock: HeapClock,
        time: float,
        call: Callable[..., Any],
        arguments: tuple[object, ...],
        named: dict[str, object],
    ) -> None:
        self._clock = clock
        self._number = 0
        self.time = time
        self.call = call
        self.arguments = arguments
        self.named = named
        self.state = "waits"

    def getTime(self) -> float:
        return self.time

    def active(self) -> bool:
        return self.state == "waits"

    def _check_active(self) -> None:
        if self.state == "called":
            raise AlreadyCalled
        if self.state == "cancelled":
            raise AlreadyCancelled

    def cancel(self) -> None:
        self._check_active()
        self.state = "cancelled"
        self._clock._forget(self)

    def reset(self, secondsFromNow: float) -> None:
        self._check_active()
        self._clock._move(self, self._clock.seconds() + secondsFromNow)

    def delay(self, secondsLater: float) -> None:
        self._check_active()
        self._clock._move(self, self.time + secondsLater)


@implementer(IClock)
class HeapClock:
    """
    Time that :meth:`advance` and :meth:`run` move.

    :param wall: seconds since 1970 when ``seconds()`` is 0.
    """

    def __init__(self, start: float = 0.0, wall: float = 1_700_000_000.0) -> None:
        self._now = start
        self.wall_offset = wall
        self._heap: list[tuple[float, int, HeapCall]] = []
        self._scheduled = 0
        self._stale = 0

    def seconds(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._now + self.wall_offset

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> HeapCall:
        if delay < 0:
            message = f"{delay} s from now is in the past"
            raise ValueError(message)
        later = HeapCall(self, self._now + delay, callable, args, kwargs)
        self._push(later)
        return later

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        return [call for _, number, call in sorted(self._heap) if self._is_live(number, call)]

    def _push(self, call: HeapCall) -> None:
        self._scheduled += 1
        call._number = self._scheduled
        heappush(self._heap, (call.time, self._scheduled, call))

    def _move(self, call: HeapCall, time: float) -> None:
        call.time = time
        self._push(call)
        self._forget(call)

    def _forget(self, _call: HeapCall) -> None:
        # A cancelled or moved call leaves its old entry behind, which is skipped later.
        self._stale += 1
        if self._stale > CANCELLED_MAX and self._stale > len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if self._is_live(entry[1], entry[2])]
            heapify(self._heap)
            self._stale = 0

    @staticmethod
    def _is_live(number: int, call: HeapCall) -> bool:
        return call.state == "waits" and call._number == number

    def next_time(self) -> float | None:
        """When the next call is due; ``None`` if nothing is scheduled."""
        while self._heap:
            time, number, call = self._heap[0]
            if self._is_live(number, call):
                return time
            heappop(self._heap)
            self._stale = max(0, self._stale - 1)
        return None

    def step(self) -> bool:
        """Move to the next call and make it; ``False`` if there is none."""
        time = self.next_time()
        if time is None:
            return False
        _, _, call = heappop(self._heap)
        self._now = max(self._now, time)
        call.state = "called"
        call.call(*call.arguments, **call.named)
        return True

    def advance(self, amount: float) -> None:
        """Move by ``amount`` seconds, making every call that falls due, in order."""
        end = self._now + amount
        while (time := self.next_time()) is not None and time <= end:
            self.step()
        self._now = end

    def pump(self, timings: Sequence[float]) -> None:
        """Advance by each of ``timings``."""
        for amount in timings:
            self.advance(amount)

    def run(self, until: Callable[[], bool], steps_max: int = 1_000_000) -> bool:
        """Step until ``until()``; ``False`` if nothing is left to do, or after ``steps_max``."""
        for _ in range(steps_max):
            if until():
                return True
            if not self.step():
                return until()
        return until()


@implementer(IClock)
class LifeClock:
    """
    The clock of one process's life on a shared clock.

    After :meth:`end` nothing that the process scheduled is ever called, as when it is
    killed; and it may be given a wall clock that goes wrong.

    :param wall_error_s: seconds that this process's wall clock is ahead.
    """

    def __init__(self, clock: IClock, wall_error_s: float = 0.0) -> None:
        self._clock = clock
        self.wall_error_s = wall_error_s
        self.ended = False

    def seconds(self) -> float:
        return self._clock.seconds()

    def wall(self) -> float:
        return self._clock.wall() + self.wall_error_s

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> IDelayedCall:
        return self._clock.callLater(delay, self._call, callable, args, kwargs)

    def _call(
        self,
        call: Callable[..., Any],
        arguments: tuple[object, ...],
        named: dict[str, object],
    ) -> None:
        if not self.ended:
            call(*arguments, **named)

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        return self._clock.getDelayedCalls()

    def end(self) -> None:
        """The process is gone."""
        self.ended = True
