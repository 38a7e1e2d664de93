"""A process that is killed in the middle of writing has lost nothing that it was told is kept."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from typing import Final

from twisted.trial.unittest import SynchronousTestCase

from mesostw.store.sqlite import Database

#: Writes pairs for ever, and says each number once its group is kept.
WRITER: Final = """
import sys
from mesostw.store.sqlite import Database
database = Database(sys.argv[1])
epoch = database.take_over().epoch
number = 0
while True:
    number += 1
    value = str(number).encode()
    results = database.keep([([("left", value), ("right", value)], epoch)])
    assert results == [None], results
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


class KillTests(SynchronousTestCase):
    """SIGKILL at any moment."""

    def test_kill(self) -> None:
        """What was acknowledged is there, whole, and the next epoch is greater."""
        path, epochs = os.path.abspath(self.mktemp()), []
        for lines in (1, 10, 100):
            writer = subprocess.Popen(
                [sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True
            )
            assert writer.stdout is not None
            said = [int(writer.stdout.readline()) for _ in range(lines)][-1]
            writer.send_signal(signal.SIGKILL)
            rest = writer.stdout.read().split("\n")
            said = max([said, *(int(line) for line in rest[:-1])])
            writer.stdout.close()
            writer.wait()
            database = Database(path)
            stored = database.take_over()
            database.close()
            self.assertEqual(stored.records["left"], stored.records["right"])
            self.assertGreaterEqual(int(stored.records["left"]), said)
            epochs.append(stored.epoch)
        self.assertEqual(epochs, sorted(set(epochs)))

    def test_full_disk(self) -> None:
        """A full disk fails the group, keeps none of it, and the store stays readable."""
        path = os.path.abspath(self.mktemp())
        database = Database(path)
        epoch = database.take_over().epoch
        database.keep([([("k", b"1")], epoch)])
        database._sql.execute("PRAGMA max_page_count = 20")
        with self.assertRaises(sqlite3.OperationalError):
            database.keep([([("k", b"2"), ("big", b"x" * 1_000_000)], epoch)])
        self.assertEqual(dict(database.take_over().records), {"k": b"1"})
        database.close()
