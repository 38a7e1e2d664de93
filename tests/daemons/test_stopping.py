"""A daemon's beginning and end."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mesostw.daemons.stopping import Beginning, stop_with


class Turning:
    """A reactor that is stopped once, as the real one can be."""

    def __init__(self, *, running: bool) -> None:
        self.running = running
        self.statuses: list[int] = []
        self.soon: list[Callable[[], object]] = []
        self.stops = 0

    def addSystemEventTrigger(self, *words: Any) -> None:
        """Note what the process would end with."""
        phase, event, ends, status = words
        assert (phase, event, ends) == ("after", "shutdown", os._exit)
        self.statuses.append(status)

    def callWhenRunning(self, call: Callable[..., object], *arguments: object) -> None:
        """Call it once it runs."""
        self.soon.append(lambda: call(*arguments))

    def stop(self) -> None:
        """Stop; a second time is refused."""
        if self.stops:
            raise ReactorNotRunning
        self.stops += 1


class StopTests(SynchronousTestCase):
    """Several reasons to stop may come at once."""

    def test_twice(self) -> None:
        """The first reason counts, and another is no fault."""
        reactor = Turning(running=True)
        stop_with(reactor, 1)
        stop_with(reactor, 0)
        self.assertEqual((reactor.stops, reactor.statuses[0]), (1, 1))

    def test_before_it_runs(self) -> None:
        """What is wrong from the start stops it as soon as it runs."""
        reactor = Turning(running=False)
        stop_with(reactor, 1)
        stop_with(reactor, 1)
        self.assertEqual(reactor.stops, 0)
        for call in reactor.soon:
            call()
        self.assertEqual(reactor.stops, 1)


class BeginningTests(SynchronousTestCase):
    """What is begun is ended, or has failed."""

    def setUp(self) -> None:
        self.failures: list[Failure] = []
        self.steps: list[str] = []
        self.first: Deferred[None] = Deferred()

    async def _work(self) -> None:
        await self.first
        self.steps.append("served")

    def begun(self) -> Beginning:
        """Work that waits for the first of its steps."""
        beginning = Beginning()
        beginning.begin(self._work(), self.failures.append)
        return beginning

    def test_done(self) -> None:
        """It is done when nobody ends it; an end afterwards ends nothing."""
        beginning = self.begun()
        self.first.callback(None)
        beginning.end()
        self.assertEqual((self.steps, self.failures), (["served"], []))

    def test_ended(self) -> None:
        """Nothing comes after its end, which is no failure."""
        self.begun().end()
        self.first.callback(None)
        self.assertEqual((self.steps, self.failures), ([], []))

    def test_failed(self) -> None:
        """A failure is told, also if it is that something else was cancelled."""
        self.begun()
        self.first.cancel()
        self.assertEqual(len(self.failures), 1)
        self.assertTrue(self.failures[0].check(CancelledError))

    def test_ended_before(self) -> None:
        """A daemon may be ended that has begun nothing."""
        Beginning().end()
