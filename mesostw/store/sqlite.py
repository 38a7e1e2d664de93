"""
The embedded store: one SQLite file, one writer thread, group commit.

Write-ahead log with ``synchronous = FULL``: an append fires after its bytes are on the
disk.  All appends that wait when the thread is free share one transaction, which is what
makes it fast: one by one a commit costs 300 us, in groups 7 us an operation.

A second process that opens the file takes it over: each ``read`` counts the epoch up,
and an append under an older epoch is refused inside the transaction.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

from twisted.internet.defer import Deferred
from zope.interface import implementer

from mesostw.interfaces import Deposed, IStore, Stored, StoreFailed

#: The layout that this program writes; a file with a greater one is refused.
FORMAT: Final = 1
#: ``mest``: says in the file's header whose it is.
APPLICATION_ID: Final = 0x6D657374
#: Appends that share one transaction at most.
GROUP_APPENDS_MAX: Final = 512
#: Seconds to wait for another process's transaction.
BUSY_TIMEOUT_S: Final = 5.0

_SCHEMA: Final = (
    "CREATE TABLE writer (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL)",
    "INSERT INTO writer VALUES (1, 0)",
    "CREATE TABLE records (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {FORMAT}",
)
_SET: Final = (
    "INSERT INTO records VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)

Writes = Sequence[tuple[str, bytes | None]]
Result = Stored | Exception | None


class Database:
    """The file itself, for one thread; faults are ``sqlite3`` and ``OS`` errors."""

    def __init__(self, path: str) -> None:
        # Made here first, since SQLite would make it readable to all; its log inherits this.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        self._sql = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            self._prepare(path)
        except BaseException:
            self._sql.close()
            raise

    def _prepare(self, path: str) -> None:
        self._sql.execute("PRAGMA journal_mode = WAL")
        self._sql.execute("PRAGMA synchronous = FULL")
        self._sql.execute("BEGIN IMMEDIATE")
        form, owner = self._number("PRAGMA user_version"), self._number("PRAGMA application_id")
        if form == 0 and owner == 0 and not self._number("SELECT count(*) FROM sqlite_master"):
            for statement in _SCHEMA:
                self._sql.execute(statement)
        elif owner != APPLICATION_ID:
            message = f"{path} is not a file of this program"
            raise StoreFailed(message)
        elif form != FORMAT:
            message = f"{path} has format {form}; this program reads {FORMAT}"
            raise StoreFailed(message)
        self._sql.execute("COMMIT")

    def _number(self, query: str) -> int:
        return int(self._sql.execute(query).fetchone()[0])

    def take_over(self) -> Stored:
        """Count the epoch up and read everything."""
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            self._sql.execute("UPDATE writer SET epoch = epoch + 1")
            epoch = self._number("SELECT epoch FROM writer")
            records = dict(self._sql.execute("SELECT key, value FROM records"))
            self._sql.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return Stored(epoch, records)

    def raise_epoch(self, least: int) -> int:
        """Have the epoch be ``least`` or more; gives what it is."""
        self._sql.execute("UPDATE writer SET epoch = max(epoch, ?)", (least,))
        return self._number("SELECT epoch FROM writer")

    def keep(self, groups: Sequence[tuple[Writes, int]]) -> list[Result]:
        """Keep all ``groups`` of the current epoch in one transaction; a fault keeps none."""
        results: list[Result] = []
        last: dict[str, bytes | None] = {}
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            current = self._number("SELECT epoch FROM writer")
            for writes, epoch in groups:
                if epoch == current:
                    last.update(writes)
                    results.append(None)
                else:
                    results.append(Deposed(f"epoch {epoch} has ended, {current} writes now"))
            set_ = [(key, value) for key, value in last.items() if value is not None]
            removed = [(key,) for key, value in last.items() if value is None]
            self._sql.executemany("DELETE FROM records WHERE key = ?", removed)
            self._sql.executemany(_SET, set_)
            self._sql.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return results

    def reserve(self, size: int) -> None:
        """
        Grow file and log by ``size`` and free both for reuse; on a full disk do nothing.

        SQLite gives neither back: pages that were freed and a log that was folded in are
        written over.  (A copy-on-write file system needs room even for that.)
        """
        try:
            self._sql.execute("CREATE TABLE IF NOT EXISTS reserve (bytes BLOB)")
            self._sql.execute("INSERT INTO reserve VALUES (zeroblob(?))", (size,))
            self._sql.execute("DELETE FROM reserve")
            self._sql.execute("PRAGMA wal_checkpoint(RESTART)")
        except sqlite3.OperationalError as fault:
            self._roll_back()
            if fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_FULL:
                raise

    def _roll_back(self) -> None:
        if self._sql.in_transaction:
            self._sql.execute("ROLLBACK")

    def close(self) -> None:
        """Release the file; the log is folded into it."""
        self._sql.close()


def peek(path: str) -> Stored:
    """
    Read a file beside whoever writes it, and change nothing.

    :raises StoreFailed: there is no such file, or it is none of this program.
    """
    try:
        sql = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
        with closing(sql):
            owner, form = (
                sql.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("application_id", "user_version")
            )
            if owner != APPLICATION_ID or form != FORMAT:
                message = f"{path} is not a file of this program, or of another version of it"
                raise StoreFailed(message)
            sql.execute("BEGIN")
            (epoch,) = sql.execute("SELECT epoch FROM writer").fetchone()
            return Stored(epoch, dict(sql.execute("SELECT key, value FROM records")))
    except sqlite3.Error as fault:
        raise StoreFailed(f"{path}: {fault}") from fault


@implementer(IStore)
class SqliteStore:
    """
    A store in the SQLite file ``path``, readable only to its owner.

    :param from_thread: has the reactor call something soon (``reactor.callFromThread``).
    :param reserved_bytes: room that is taken at the start and kept inside the files, so that
        changes of bounded size can still be kept when the disk is full; 0 for none.
    """

    def __init__(
        self,
        path: str,
        from_thread: Callable[..., object],
        reserved_bytes: int = 0,
    ) -> None:
        self.path = path
        self._from_thread = from_thread
        self._reserved_bytes = reserved_bytes
        self._jobs: SimpleQueue[tuple[Deferred[Any], str, Writes, int]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._fault: Exception | None = None
        self._closed = False

    def read(self) -> Deferred[Stored]:
        return self._ask("read", (), 0)

    def append(self, writes: Writes, epoch: int) -> Deferred[None]:
        return self._ask("append", writes, epoch)

    def close(self) -> Deferred[None]:
        closed: Deferred[None] = self._ask("close", (), 0)
        self._closed = True
        return closed

    def _ask(self, what: str, writes: Writes, epoch: int) -> Deferred[Any]:
        asked: Deferred[Any] = Deferred()
        if self._closed:
            if what == "close":
                asked.callback(None)
            else:
                asked.errback(StoreFailed(f"{self.path}: the store is closed"))
            return asked
        self._jobs.put((asked, what, writes, epoch))
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="mesostw-store", daemon=True)
            self._thread.start()
        return asked

    # --- in the writer thread -------------------------------------------------

    def _write(self) -> None:
        database: Database | None = None
        while True:
            jobs = [self._jobs.get()]
            while jobs[-1][1] == "append" and len(jobs) < GROUP_APPENDS_MAX:
                if self._jobs.empty():
                    break
                jobs.append(self._jobs.get())
            other = None if jobs[-1][1] == "append" else jobs.pop()
            if jobs:
                self._answer(jobs, self._keep(database, jobs))
            if other is None:
                continue
            if other[1] == "close":
                break
            database, stored = self._read(database)
            self._answer([other], [stored])
            # All that was read; waiting for more it would be held for as long as the daemon lives.
            del stored
        if database is not None:
            database.close()
        self._answer([other], [None])

    def _read(self, database: Database | None) -> tuple[Database | None, Result]:
        try:
            if database is None:
                database = Database(self.path)
            stored = database.take_over()
            if self._reserved_bytes:
                database.reserve(self._reserved_bytes)
        except (sqlite3.Error, OSError) as fault:
            return database, StoreFailed(f"{self.path}: {fault}")
        except StoreFailed as fault:
            return database, fault
        self._fault = None
        return database, stored

    def _keep(
        self,
        database: Database | None,
        jobs: Sequence[tuple[Deferred[Any], str, Writes, int]],
    ) -> Sequence[Result]:
        if database is None:
            self._fault = StoreFailed(f"{self.path}: read first")
        if self._fault is None and database is not None:
            groups = [(writes, epoch) for _, _, writes, epoch in jobs]
            try:
                results = database.keep(groups)
            except (sqlite3.Error, OSError, ValueError) as fault:
                self._fault = StoreFailed(f"{self.path}: {fault}")
            else:
                self._fault = next((result for result in results if result is not None), None)  # type: ignore[assignment]
                return results
        return [self._fault] * len(jobs)

    def _answer(
        self,
        jobs: Sequence[tuple[Deferred[Any], str, Writes, int]],
        results: Sequence[Result],
    ) -> None:
        self._from_thread(_fire, [asked for asked, _, _, _ in jobs], results)


def _fire(asked: Sequence[Deferred[Any]], results: Sequence[Result]) -> None:
    for one, result in zip(asked, results, strict=True):
        if isinstance(result, Exception):
            one.errback(result)
        else:
            one.callback(result)
