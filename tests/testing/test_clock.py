"""The heap clock does what ``task.Clock`` does, in the same order, only sooner."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from mesostw.interfaces import IClock
from mesostw.testing.clock import HeapClock


def story_of(clock: Any, seed: int) -> list[tuple[float, int]]:
    """
    Schedule, cancel, move and advance by a seed; what ran, and when.

    Whole seconds one by one: in between, Twisted's clock says the end of the step.
    Within one second the order is not compared, since a moved call may stand anywhere.
    """
    random, ran, calls = Random(seed), [], []

    def run(number: int) -> None:
        ran.append((round(clock.seconds(), 6), number))
        if number % 3 == 0:
            schedule()

    def schedule() -> None:
        number = len(calls)
        calls.append(clock.callLater(random.randrange(1, 500), run, number))

    for _ in range(300):
        schedule()
        call = random.choice(calls)
        match random.randrange(6):
            case 0 if call.active():
                call.cancel()
            case 1 if call.active():
                call.reset(random.randrange(1, 50))
            case 2 if call.active():
                call.delay(random.randrange(1, 50))
            case 3:
                clock.pump([1] * random.randrange(20))
    clock.pump([1] * 2_000)
    return sorted(ran)


class HeapClockTests(SynchronousTestCase):
    """Virtual time."""

    def test_same_as_twisted(self) -> None:
        """Both clocks make the same calls at the same times, whatever is scheduled."""
        for seed in range(20):
            self.assertEqual(story_of(HeapClock(), seed), story_of(Clock(), seed))

    def test_provides(self) -> None:
        """It is an ``IClock``; steady and wall time move together."""
        clock = HeapClock(start=5, wall=1000)
        verifyObject(IClock, clock)
        clock.advance(2)
        self.assertEqual((clock.seconds(), clock.wall()), (7, 1007))

    def test_one_moment(self) -> None:
        """Calls of one moment run in the order they were scheduled."""
        clock, ran = HeapClock(), []
        for number in range(100):
            clock.callLater(1, ran.append, number)
        clock.advance(1)
        self.assertEqual(ran, list(range(100)))

    def test_spent_calls(self) -> None:
        """A call that was made or cancelled can be neither cancelled nor moved."""
        clock = HeapClock()
        made, cancelled = clock.callLater(1, int), clock.callLater(1, int)
        cancelled.cancel()
        clock.advance(1)
        self.assertRaises(AlreadyCalled, made.cancel)
        self.assertRaises(AlreadyCalled, made.reset, 1)
        self.assertRaises(AlreadyCancelled, cancelled.cancel)
        self.assertRaises(AlreadyCancelled, cancelled.delay, 1)
        self.assertRaises(ValueError, clock.callLater, -1, int)

    def test_cancelled_are_forgotten(self) -> None:
        """A timer that is moved again and again does not fill the heap."""
        clock = HeapClock()
        call = clock.callLater(10, int)
        for _ in range(50_000):
            call.reset(10)
        self.assertLess(len(clock._heap), 3_000)
        self.assertEqual(list(clock.getDelayedCalls()), [call])

    def test_run(self) -> None:
        """``run`` goes from call to call until it has what it waits for, or nothing is left."""
        clock, ran = HeapClock(), []
        for number in range(10):
            clock.callLater(number * 100, ran.append, number)
        self.assertTrue(clock.run(lambda: len(ran) == 5))
        self.assertEqual(clock.seconds(), 400)
        self.assertFalse(clock.run(lambda: len(ran) == 50))
