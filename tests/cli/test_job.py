"""What ``mesostw job`` makes of its command line and of what Chronos says, without a Chronos."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mesostw.cli.chronos import PAGE, ChronosApi
from mesostw.cli.job_changes import document_of, pairs
from mesostw.cli.job_graph import dot, tree
from mesostw.cli.job_import import LABEL, _put, local_zone
from mesostw.cli.job_runs import exit_status_of, runs_of
from mesostw.cli.job_views import state_of, when
from mesostw.cli.main import parser
from mesostw.cli.peer import Answered, ClusterError


def added(*words: str) -> dict[str, Any]:
    """The document that ``mesostw job add`` puts."""
    return document_of(parser().parse_args(["job", "add", *words]))


class DocumentTests(SynchronousTestCase):
    """Jobs from the command line."""

    def test_what_is_given(self) -> None:
        """Only what was said is in it: the rest is Chronos' to decide."""
        self.assertEqual(
            added("a", "--cron", "0 2 * * *", "--zone=UTC", "--cpus=0.5", "-c", "make all"),
            {
                "name": "a",
                "cron": "0 2 * * *",
                "scheduleTimeZone": "UTC",
                "cpus": 0.5,
                "command": "make all",
            },
        )

    def test_several(self) -> None:
        """Parents, expressions and variables may be several; no retries can be wished."""
        found = added("a", "--after=b", "--after=c", "-e", "X=1=2", "--retries=0")
        self.assertEqual(found["parents"], ["b", "c"])
        self.assertEqual(found["environmentVariables"], [{"name": "X", "value": "1=2"}])
        self.assertEqual(found["retries"], 0)

    def test_file(self) -> None:
        """What the command line says wins over the file; a job without a name is refused."""
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "job.json"
            path.write_text('{"name": "f", "command": "x", "cpus": 2}')
            self.assertEqual(
                added("-f", str(path), "--cpus=1"), {"name": "f", "command": "x", "cpus": 1.0}
            )
            path.write_text("[]")
            with self.assertRaisesRegex(ClusterError, "JSON object"):
                added("-f", str(path))
        with self.assertRaisesRegex(ClusterError, "a name"):
            added("--cpus=1")

    def test_pairs(self) -> None:
        """A word without a value is refused."""
        with self.assertRaisesRegex(ClusterError, "NAME=VALUE"):
            pairs(["cpus"])


class WordsTests(SynchronousTestCase):
    """How jobs and runs are told."""

    def test_when(self) -> None:
        """Each kind of timing has its words."""
        for words, document in (
            ("after a, b", {"parents": ["a", "b"]}),
            ("cron 0 * * * *", {"cron": "0 * * * *", "schedule": ""}),
            ("cron @daily, @hourly", {"cron": ["@daily", "@hourly"]}),
            ("R//PT1M", {"schedule": "R//PT1M"}),
        ):
            self.assertEqual(when(document), words)

    def test_state(self) -> None:
        """A disabled job says why; others what they do."""
        job = {"job": {"disabled": True}, "disabledBecause": "failures", "state": "idle"}
        self.assertEqual(state_of(job), "disabled (failures)")
        self.assertEqual(state_of({**job, "job": {}}), "idle")

    def test_exit_status(self) -> None:
        """A run that did not succeed is never 0."""
        for status, run in (
            (0, {"state": "succeeded", "exitStatus": 0}),
            (3, {"state": "failed", "exitStatus": 3}),
            (1, {"state": "failed", "exitStatus": 0}),
            (1, {"state": "skipped"}),
        ):
            self.assertEqual(exit_status_of(run), status)

    def test_tree(self) -> None:
        """A job stands below each of its parents; what follows it is shown once."""
        parents = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("d",), "z": ()}
        lines = list(tree(parents, dict.fromkeys(parents, "-")))
        self.assertEqual(
            [line.replace("  [-]", "") for line in lines],
            [
                "a",
                "├─ b",
                "│  └─ d",
                "│     └─ e",
                "└─ c",
                "   └─ d (see above)",
                "z",
            ],
        )

    def test_dot(self) -> None:
        """Names are quoted, whatever is in them."""
        text = dot({'a "b"': (), "c": ('a "b"',)})
        self.assertIn('  "a \\"b\\"" -> "c";', text)


class Chronos(ChronosApi):
    """A Chronos that only keeps what is put."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.asked: list[str] = []

    async def ask(
        self,
        method: str,
        path: str,
        parameters: dict[str, str | int],
        document: Any = None,
        headers: Mapping[str, str] = {},
    ) -> Any:
        self.asked.append(method)
        name = path.rpartition("/")[2]
        if name == "jobs":
            names = sorted(self.kept)
            first = names.index(str(parameters["after"])) + 1 if "after" in parameters else 0
            page = names[first : first + 2]
            after = page[-1] if first + 2 < len(names) else None
            return {"jobs": [{"name": one} for one in page], "after": after}
        if name == "runs":
            return {"runs": []}
        if method == "PUT":
            self.kept[name] = document
        elif name not in self.kept:
            raise Answered("no job", 404, None)
        return {"name": name, "job": self.kept[name]}


class ImportTests(SynchronousTestCase):
    """Importing, and reading in pages."""

    def put(self, api: Chronos, **fields: object) -> str:
        job = {"name": "a", "command": "x", "labels": {"imported-from": "crontab"}, **fields}
        return self.successResultOf(Deferred.fromCoroutine(_put(api, job)))

    def test_twice(self) -> None:
        """The second import of the same line puts nothing; that of another line does."""
        api = Chronos()
        self.assertEqual(self.put(api), "added")
        self.assertEqual(self.put(api), "unchanged")
        self.assertEqual(api.asked.count("PUT"), 1)
        self.assertEqual(self.put(api, command="y"), "changed")
        self.assertIn(LABEL, api.kept["a"]["labels"])

    def test_pages(self) -> None:
        """All jobs are read, page after page."""
        api = Chronos()
        api.kept = dict.fromkeys("abcde")
        jobs = self.successResultOf(Deferred.fromCoroutine(api.jobs()))
        self.assertEqual([one["name"] for one in jobs], list("abcde"))
        self.assertEqual(len(api.asked), 3)
        self.assertGreaterEqual(PAGE, 100)

    def test_history_of_nobody(self) -> None:
        """A job that is not there has no history; one that never ran has an empty one."""
        api = Chronos()
        api.kept = dict.fromkeys("a")
        looked = Deferred.fromCoroutine(runs_of(api, {"job": "a"}))
        self.assertEqual(self.successResultOf(looked), [])
        self.failureResultOf(Deferred.fromCoroutine(runs_of(api, {"job": "b"})), Answered)

    def test_zone(self) -> None:
        """The environment's zone goes before the machine's."""
        self.patch(os, "environ", {"TZ": ":Europe/Oslo"})
        self.assertEqual(local_zone(), "Europe/Oslo")
