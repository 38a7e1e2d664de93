"""Work that nobody awaits is started, and its failures are not lost."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mesostw.unattended import unattended


class UnattendedTests(SynchronousTestCase):
    """Started at once; only failures are told."""

    def test_coroutine(self) -> None:
        """A coroutine runs until it first waits, before the call returns."""
        done: list[int] = []
        waited: Deferred[int] = Deferred()

        async def work() -> None:
            done.append(1)
            done.append(await waited)

        unattended(work(), self.fail)
        self.assertEqual(done, [1])
        waited.callback(2)
        self.assertEqual(done, [1, 2])

    def test_failure(self) -> None:
        """A failure is told, of a coroutine and of a Deferred."""
        failures: list[Failure] = []

        async def work() -> None:
            raise ZeroDivisionError

        unattended(work(), failures.append)
        unattended(fail(KeyError()), failures.append)
        self.assertEqual([failure.type for failure in failures], [ZeroDivisionError, KeyError])

    def test_twice(self) -> None:
        """A failure of whoever was told of the failure is logged."""

        def failed(_: Failure) -> None:
            raise KeyError

        unattended(fail(ZeroDivisionError()), failed)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
