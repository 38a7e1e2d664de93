"""The SQLite store keeps the contract, with its real writer thread."""

from __future__ import annotations

import os
import queue
import sqlite3
import stat
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mesostw.interfaces import IStore, StoreFailed
from mesostw.store.sqlite import Database, SqliteStore
from mesostw.testing.contracts import store

T = TypeVar("T")

#: Seconds that a test waits for the writer thread before it fails.
PATIENCE_S = 20


class Mailbox:
    """A reactor's ``callFromThread`` that a synchronous test empties by hand."""

    def __init__(self) -> None:
        self._calls: queue.Queue[tuple[Callable[..., object], tuple[Any, ...]]] = queue.Queue()

    def post(self, call: Callable[..., object], *arguments: object) -> None:
        self._calls.put((call, arguments))

    def wait_for(self, deferred: Deferred[T]) -> Deferred[T]:
        while not deferred.called:
            call, arguments = self._calls.get(timeout=PATIENCE_S)
            call(*arguments)
        return deferred


class SqliteTestCase(SynchronousTestCase):
    """One file for a test."""

    def setUp(self) -> None:
        self.mailbox = Mailbox()
        directory = self.mktemp()
        os.mkdir(directory)
        self.path = os.path.join(directory, "registry.db")

    def make(self) -> IStore:
        return SqliteStore(self.path, self.mailbox.post)

    def settled(self, deferred: Deferred[T]) -> Deferred[T]:
        return self.mailbox.wait_for(deferred)


class SqliteStoreTests(SqliteTestCase, store.StoreContract):
    """The contract."""


class FileTests(SqliteTestCase):
    """The file is private, versioned and refused when it is not ours."""

    def refused(self) -> str:
        reading = self.settled(self.make().read())
        return str(self.failureResultOf(reading, StoreFailed).value)

    def test_private(self) -> None:
        """The file and its log are readable to their owner only."""
        kept = self.make()
        epoch = self.successResultOf(self.settled(kept.read())).epoch
        self.successResultOf(self.settled(kept.append([("k", b"v")], epoch)))
        directory = os.path.dirname(self.path)
        modes = {
            stat.S_IMODE(os.stat(os.path.join(directory, name)).st_mode)
            for name in os.listdir(directory)
        }
        self.assertEqual(modes, {0o600})
        self.successResultOf(self.settled(kept.close()))

    def test_append_before_read(self) -> None:
        """Nobody writes before having read: there is no epoch to write under."""
        early = self.make()
        append = self.settled(early.append([("k", b"v")], 1))
        self.assertIn("read first", str(self.failureResultOf(append, StoreFailed).value))
        self.successResultOf(self.settled(early.close()))

    def test_later_format(self) -> None:
        """A file of a later format is refused, and both numbers are named."""
        kept = self.make()
        self.successResultOf(self.settled(kept.read()))
        self.successResultOf(self.settled(kept.close()))
        with sqlite3.connect(self.path) as sql:
            sql.execute("PRAGMA user_version = 9")
        sql.close()
        self.assertIn("format 9; this program reads 1", self.refused())

    def test_foreign_file(self) -> None:
        """Another program's database, or no database at all, is refused and left as it is."""
        with sqlite3.connect(self.path) as sql:
            sql.execute("CREATE TABLE precious (x)")
        sql.close()
        self.assertIn("not a file of this program", self.refused())
        with open(self.path, "wb") as file:
            file.write(b"precious " * 1000)
        self.assertIn("not a database", self.refused())
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), b"precious " * 1000)

    def test_no_directory(self) -> None:
        """A directory that is not there is named."""
        self.path = os.path.join(self.path, "deeper", "registry.db")
        self.assertIn(self.path, self.refused())

    def test_fault_stays(self) -> None:
        """After one group failed no later one is kept, so that what is kept has no hole."""
        kept = self.make()
        epoch = self.successResultOf(self.settled(kept.read())).epoch
        bad: Any = [("k", object())]
        groups = [kept.append([("before", b"")], epoch)]
        self.successResultOf(self.settled(groups[0]))
        self.failureResultOf(self.settled(kept.append(bad, epoch)), StoreFailed)
        self.failureResultOf(self.settled(kept.append([("after", b"")], epoch)), StoreFailed)
        stored = self.successResultOf(self.settled(kept.read()))
        self.assertEqual(set(stored.records), {"before"})
        later = kept.append([("now", b"")], stored.epoch)
        self.successResultOf(self.settled(later))
        self.successResultOf(self.settled(kept.close()))


class SmallDisk(SqliteStore):
    """A store whose file can grow no more once it has been read."""

    def _read(self, database: Database | None) -> tuple[Database | None, Any]:
        database, result = super()._read(database)
        assert database is not None
        (pages,) = database._sql.execute("PRAGMA page_count").fetchone()
        database._sql.execute(f"PRAGMA max_page_count = {pages}")
        return database, result


class FullDiskTests(SqliteTestCase):
    """On a full disk only what was reserved can be written; a group that fails fails whole."""

    def append(self, reserved_bytes: int) -> tuple[SmallDisk, Deferred[None]]:
        kept = SmallDisk(self.path, self.mailbox.post, reserved_bytes)
        epoch = self.successResultOf(self.settled(kept.read())).epoch
        group = [("small", b"1"), ("big", b"x" * 200_000)]
        return kept, self.settled(kept.append(group, epoch))

    def test_reserved(self) -> None:
        """What fits into the reserve is kept."""
        kept, appended = self.append(reserved_bytes=1_000_000)
        self.successResultOf(appended)
        self.assertEqual(len(self.successResultOf(self.settled(kept.read())).records), 2)
        self.successResultOf(self.settled(kept.close()))

    def test_reserved_again(self) -> None:
        """Each life reserves, and records are no part of it."""
        for _ in range(2):
            kept, appended = self.append(reserved_bytes=1_000_000)
            self.successResultOf(appended)
            self.successResultOf(self.settled(kept.close()))

    def test_not_reserved(self) -> None:
        """Without room the group fails, none of it is kept, and the store can be read."""
        kept, appended = self.append(reserved_bytes=0)
        self.assertIn("full", str(self.failureResultOf(appended, StoreFailed).value))
        stored = self.successResultOf(self.settled(kept.read()))
        self.assertEqual(dict(stored.records), {})
        self.successResultOf(self.settled(kept.close()))
