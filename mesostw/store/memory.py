"""
A store without a disk, for tests and the simulation.

A :class:`MemoryDisk` is what survives a crash; a :class:`MemoryStore` is one process's
hold on it, and can lose what it had not yet flushed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from zope.interface import implementer

from mesostw.interfaces import Deposed, IClock, IStore, Stored, StoreFailed

Writes = Sequence[tuple[str, bytes | None]]


class MemoryDisk:
    """What was kept: it outlives every store that is opened on it."""

    def __init__(self) -> None:
        self.epoch = 0
        self.records: dict[str, bytes] = {}
        #: Groups kept since the disk was made.
        self.groups = 0

    def keep(self, writes: Writes) -> None:
        """Take one group in, whole."""
        self.groups += 1
        for key, value in writes:
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value


@implementer(IStore)
class MemoryStore:
    """
    Keeps groups on a :class:`MemoryDisk`.

    :param clock: with one, an append is kept (and fires) only ``flush_s`` later, and
        :meth:`crash` loses what was not; without one it is kept at once.
    """

    def __init__(
        self, disk: MemoryDisk | None = None, clock: IClock | None = None, flush_s: float = 0.0
    ) -> None:
        self.disk = disk if disk is not None else MemoryDisk()
        self._clock = clock
        self._flush_s = flush_s
        self._unflushed: deque[tuple[Deferred[None], Writes, int]] = deque()
        self._flushes: deque[IDelayedCall] = deque()
        self._fault: str | None = None

    def read(self) -> Deferred[Stored]:
        self._fault = None
        self.disk.epoch += 1
        return succeed(Stored(self.disk.epoch, dict(self.disk.records)))

    def append(self, writes: Writes, epoch: int) -> Deferred[None]:
        appended: Deferred[None] = Deferred()
        self._unflushed.append((appended, tuple(writes), epoch))
        if self._clock is None:
            self._flush()
        else:
            self._flushes.append(self._clock.callLater(self._flush_s, self._flush_due))
        return appended

    def close(self) -> Deferred[None]:
        self._cancel_flushes()
        while self._unflushed:
            self._flush()
        self._fault = "the store is closed"
        return succeed(None)

    def fail_from_now(self, reason: str) -> None:
        """Every append fails until the next ``read``, as with a full disk."""
        self._fault = reason

    def crash(self, groups_kept: int = 0) -> None:
        """
        End the process that had this store: what it had not flushed is lost and never fires.

        :param groups_kept: the first so many unflushed groups reached the disk even so,
            without anybody being told.
        """
        self._cancel_flushes()
        for _, writes, epoch in tuple(self._unflushed)[:groups_kept]:
            if epoch == self.disk.epoch and self._fault is None:
                self.disk.keep(writes)
        self._unflushed.clear()
        self._fault = "the process has crashed"

    def _cancel_flushes(self) -> None:
        while self._flushes:
            self._flushes.popleft().cancel()

    def _flush_due(self) -> None:
        self._flushes.popleft()
        self._flush()

    def _flush(self) -> None:
        appended, writes, epoch = self._unflushed.popleft()
        if self._fault is not None:
            appended.errback(StoreFailed(self._fault))
        elif epoch != self.disk.epoch:
            self._fault = f"epoch {epoch} has ended, {self.disk.epoch} writes now"
            appended.errback(Deposed(self._fault))
        else:
            self.disk.keep(writes)
            appended.callback(None)
