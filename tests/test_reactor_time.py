"""A daemon's time is steady."""

from __future__ import annotations

import time

from twisted.internet.base import ReactorBase
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from mesostw.interfaces import IClock
from mesostw.reactor_time import ReactorClock, install_steady_time


class Reactor(ReactorBase):
    """The part of a reactor that keeps time."""

    def installWaker(self) -> None:
        pass


class SteadyTimeTests(SynchronousTestCase):
    """The wall clock cannot delay a timer."""

    def test_install(self) -> None:
        """After installing, what is scheduled is scheduled in monotonic time."""
        reactor = Reactor()
        install_steady_time(reactor)
        call = reactor.callLater(10, int)
        self.assertApproximates(call.getTime(), time.monotonic() + 10, 5)
        self.assertApproximates(reactor.timeout() or 0, 10, 5)

    def test_too_late(self) -> None:
        """It is refused once something has been scheduled in wall time."""
        reactor = Reactor()
        reactor.callLater(10, int)
        self.assertRaises(RuntimeError, install_steady_time, reactor)

    def test_clock(self) -> None:
        """The driver's clock has both times, and schedules with the reactor."""
        reactor = Clock()
        clock = ReactorClock(reactor)
        verifyObject(IClock, clock)
        self.assertApproximates(clock.wall(), time.time(), 5)
        self.assertApproximates(clock.seconds(), time.monotonic(), 5)
        ran: list[int] = []
        clock.callLater(1, ran.append, 1)
        self.assertEqual(len(clock.getDelayedCalls()), 1)
        reactor.advance(1)
        self.assertEqual(ran, [1])
