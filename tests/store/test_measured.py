"""A store that is watched is the same store, and its numbers are true."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.interfaces import Deposed, IStore
from mesostw.store.measured import MeasuredStore
from mesostw.store.memory import MemoryDisk, MemoryStore
from mesostw.testing.clock import HeapClock
from mesostw.testing.contracts import store


class MeasuredContractTests(store.StoreContract, SynchronousTestCase):
    """The contract."""

    def setUp(self) -> None:
        self.disk = MemoryDisk()

    def make(self) -> IStore:
        return MeasuredStore(MemoryStore(self.disk), HeapClock())


class NumbersTests(SynchronousTestCase):
    """What is counted, and what it takes."""

    def test_appends(self) -> None:
        """How many, how long they took, how many are under way; refused ones apart."""
        clock = HeapClock()
        measured = MeasuredStore(
            MemoryStore(MemoryDisk(), clock, 0.5), clock, lambda: {"log_bytes": 7}
        )
        epoch = self.successResultOf(measured.read()).epoch
        kept = [measured.append([("k", b"1")], epoch)]
        clock.advance(0.2)
        kept.append(measured.append([("k", b"2")], epoch))
        self.assertEqual(measured.numbers()["appends_waiting"], 2)
        clock.advance(1.0)
        for one in kept:
            self.successResultOf(one)
        refused = measured.append([("k", b"3")], epoch + 1)
        clock.advance(1.0)
        self.failureResultOf(refused, Deposed)
        numbers = measured.numbers()
        self.assertEqual(numbers["appends_total"], 2)
        self.assertEqual(numbers["appends_failed_total"], 1)
        self.assertEqual(numbers["appends_waiting"], 0)
        self.assertEqual(numbers["log_bytes"], 7)
        self.assertGreaterEqual(numbers["append_seconds_max"], 0.5)
        self.assertLessEqual(numbers["append_seconds_last"], numbers["append_seconds_total"])
