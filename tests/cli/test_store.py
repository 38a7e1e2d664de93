"""``mesostw store``: what is saved comes back, and nothing is lost by a mistake."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mesostw.cli.main import parser
from mesostw.cli.peer import ClusterError
from mesostw.core.master.durable import WeightRecord
from mesostw.daemons.work_dir import claim
from mesostw.interfaces import Stored
from mesostw.store import sqlite
from mesostw.wire.records import encode_record

RECORDS = {
    "weights/a": encode_record(WeightRecord(2.0)),
    "weights/b": encode_record(WeightRecord(3.5)),
}


class StoreCommandTests(SynchronousTestCase):
    """On files."""

    def setUp(self) -> None:
        self.top = Path(self.mktemp()).absolute()
        self.top.mkdir()
        self.work = self.made("work", RECORDS)
        self.file = self.top / "saved"

    def made(self, name: str, records: dict[str, bytes]) -> Path:
        """A master's work directory."""
        work = self.top / name
        work.mkdir()
        database = sqlite.Database(str(work / "registry.db"))
        for _ in range(4):
            epoch = database.take_over().epoch
        database.keep([(list(records.items()), epoch)])
        database.close()
        return work

    def said(self, *words: str) -> tuple[int, str, str]:
        """Status, output and complaints of a command."""
        out, err = io.StringIO(), io.StringIO()
        self.patch(sys, "stdout", out)
        self.patch(sys, "stderr", err)
        options = parser().parse_args(["store", *words])
        work: Any = options.command(None, options)
        status: int = self.successResultOf(Deferred.fromCoroutine(work))
        return status, out.getvalue(), err.getvalue()

    def refused(self, *words: str) -> str:
        """Why a command is refused."""
        options = parser().parse_args(["store", *words])
        failing: Deferred[Any] = Deferred.fromCoroutine(options.command(None, options))
        return str(self.failureResultOf(failing, ClusterError).value)

    def kept(self, work: Path) -> Stored:
        """What is there now."""
        return sqlite.peek(str(work / "registry.db"))

    def test_dump_and_verify(self) -> None:
        """Every record with its names; counts of each kind."""
        status, out, _ = self.said("dump", str(self.work))
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(status, 0)
        self.assertEqual(lines[0], {"key": "weights/a", "record": {"weight": 2.0}})
        status, out, _ = self.said("verify", str(self.work / "registry.db"))
        self.assertEqual(status, 0)
        self.assertIn("epoch 4, 2 records", out)
        self.assertIn("2 weights", out)

    def test_what_cannot_be_read(self) -> None:
        """It is named, and the status says so."""
        work = self.made("bad", {**RECORDS, "weights/c": b"\1nonsense", "new/1": b"\1\x80"})
        status, _, err = self.said("verify", str(work))
        self.assertEqual(status, 1)
        self.assertIn("weights/c cannot be read", err)
        self.assertIn("1 records of unknown kinds, such as new/1", err)

    def test_there_and_back(self) -> None:
        """An import has what the export had, under a later epoch."""
        self.said("export", str(self.work), str(self.file))
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        other = self.top / "other"
        other.mkdir()
        self.said("import", str(self.file), str(other))
        kept = self.kept(other)
        self.assertEqual(dict(kept.records), RECORDS)
        self.assertGreater(kept.epoch, 4)

    def test_nothing_is_replaced_unasked(self) -> None:
        """What is there stays, unless it is said that it goes: then wholly."""
        self.said("export", str(self.work), str(self.file))
        other = self.made("other", {"weights/x": encode_record(WeightRecord(9.0))})
        self.assertIn("--replace", self.refused("import", str(self.file), str(other)))
        self.assertEqual(list(self.kept(other).records), ["weights/x"])
        self.said("import", str(self.file), str(other), "--replace")
        self.assertEqual(dict(self.kept(other).records), RECORDS)
        self.assertIn("File exists", self.refused("export", str(self.work), str(self.file)))

    def test_a_daemon_that_runs(self) -> None:
        """Its file is not written under it."""
        self.said("export", str(self.work), str(self.file))
        other = self.top / "other"
        claim(other)
        self.assertIn("stop its daemon", self.refused("import", str(self.file), str(other)))

    def test_damaged(self) -> None:
        """An export that was cut off, or is another's, changes nothing."""
        self.said("export", str(self.work), str(self.file))
        whole = self.file.read_bytes()
        other = self.top / "other"
        other.mkdir()
        for text in (b"", whole[:-20], whole.rpartition(b'{"key"')[0], b"{}\n"):
            self.file.write_bytes(text)
            self.assertIn("saved", self.refused("import", str(self.file), str(other)))
        self.file.write_bytes(whole)
        said = self.refused("import", str(self.file), str(other), "--role=chronos")
        self.assertIn("of a master", said)
        self.assertEqual(list(other.iterdir()), [])

    def test_places(self) -> None:
        """Where there is nothing, and what is no place, is said."""
        self.assertIn("nothing of a master", self.refused("verify", str(self.top / "no")))
        self.assertIn("zk://", self.refused("verify", "zk://a:x/mesos"))
        self.assertIn("work directory", self.refused("verify", "zk://a/m", "--role=agent"))
        other = self.top / "text"
        other.write_text("nothing of ours")
        self.assertIn("text", self.refused("verify", str(other)))
