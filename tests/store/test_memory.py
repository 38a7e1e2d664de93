"""The store without a disk keeps the contract, and loses what it is told to lose."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.interfaces import IStore, StoreFailed
from mesostw.store.memory import MemoryDisk, MemoryStore
from mesostw.testing.clock import HeapClock
from mesostw.testing.contracts import store


class MemoryStoreTests(store.StoreContract, SynchronousTestCase):
    """The contract."""

    def setUp(self) -> None:
        self.disk = MemoryDisk()

    def make(self) -> IStore:
        return MemoryStore(self.disk)


class CrashTests(SynchronousTestCase):
    """A memory store can lose what a real one could lose, and no more."""

    def setUp(self) -> None:
        self.clock = HeapClock()
        self.disk = MemoryDisk()
        self.store = MemoryStore(self.disk, self.clock, 0.5)
        self.epoch = self.successResultOf(self.store.read()).epoch

    def test_flush(self) -> None:
        """With a clock an append fires only when it is flushed."""
        appended = self.store.append([("k", b"1")], self.epoch)
        self.assertNoResult(appended)
        self.clock.advance(0.5)
        self.successResultOf(appended)
        self.assertEqual(self.disk.records, {"k": b"1"})

    def test_crash(self) -> None:
        """What was not flushed is lost whole and never fires; a prefix may have got through."""
        groups = [
            self.store.append([(str(n), b"x"), (f"{n}+", b"x")], self.epoch) for n in range(4)
        ]
        self.store.crash(groups_kept=2)
        self.clock.advance(5)
        for group in groups:
            self.assertNoResult(group)
        self.assertEqual(set(self.disk.records), {"0", "0+", "1", "1+"})

    def test_full(self) -> None:
        """A store that was told to fail keeps nothing until it is read again."""
        self.store.fail_from_now("no space")
        first = self.store.append([("k", b"1")], self.epoch)
        self.clock.advance(1)
        self.assertEqual(str(self.failureResultOf(first, StoreFailed).value), "no space")
        epoch = self.successResultOf(self.store.read()).epoch
        second = self.store.append([("k", b"2")], epoch)
        self.clock.advance(1)
        self.successResultOf(second)
        self.assertEqual(self.disk.records, {"k": b"2"})
