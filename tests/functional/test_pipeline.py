"""The pipeline among the examples, as it stands, while everything it runs on is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.clusters import ROOT, LocalCluster, wait_until

PIPELINE = ROOT / "docs" / "examples" / "pipeline" / "pipeline.py"


class PipelineTests(SynchronousTestCase):
    """Three jobs, each after the one before."""

    def setUp(self) -> None:
        self.cluster = LocalCluster(2, "--chronos=true")
        self.addCleanup(self.cluster.stop)
        self.made = self.cluster.directory / "packages"

    def install(self, *words: str) -> None:
        """Have Chronos know the pipeline."""
        done = subprocess.run(
            [
                sys.executable,
                str(PIPELINE),
                "install",
                str(self.made),
                f"--chronos={self.cluster.chronos}",
                *words,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def runs(self, name: str, *states: str) -> list[dict[str, Any]]:
        """A job's runs in any of these states, as far as Chronos answers now."""
        try:
            told = self.cluster.get(f"/v1/chronos/jobs/packages-{name}/runs", self.cluster.chronos)
        except OSError:
            return []
        return [one for one in told["runs"] if one["state"] in states]

    def reports(self) -> list[Path]:
        """What has been reported."""
        return sorted(self.made.glob("report-*.md"))

    def test_killed_in_the_middle(self) -> None:
        """
        A step fails and is tried again; Chronos, an agent and the master are killed.

        The report comes once, and says what the one extract has found.
        """
        self.made.mkdir()
        (self.made / "fail-once").touch()
        self.install("--schedule=R1//PT1H", "--pause=2")
        wait_until("extract to run", lambda: self.runs("extract", "running"))
        self.cluster.kill("chronos")
        wait_until("a failed attempt", lambda: self.runs("transform", "failed"))
        wait_until("the next attempt", lambda: self.runs("transform", "running"))
        self.cluster.kill("agent1")
        self.cluster.kill("agent2")
        wait_until("the report to run", lambda: self.runs("report", "running"))
        self.cluster.kill("master")
        wait_until("the report", self.reports)
        wait_until("its end", lambda: self.runs("report", "succeeded"))
        (report,) = self.reports()
        (extract,) = self.runs("extract", "succeeded")
        self.assertEqual(report.name, f"report-{extract['id']}.md")
        self.assertRegex(report.read_text(), r"\A[1-9]\d* packages are installed")
        self.assertEqual(len(self.runs("report", "succeeded", "failed", "running", "waiting")), 1)
        (transform,) = self.runs("transform", "succeeded")
        self.assertEqual(transform["attempt"], 1)
        self.assertEqual(list(self.made.glob("*.*.*")), [])

    def test_readme(self) -> None:
        """What the page has one type does what it says."""
        self.install()
        wait_until("the first report", self.reports)
        (self.made / "fail-once").touch()
        done = self.cluster.mesostw("job", "run", "packages-extract", "--wait")
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_until("the second report", lambda: len(self.reports()) == 2)
        wait_until("its end", lambda: len(self.runs("report", "succeeded")) == 2)
        history = self.cluster.mesostw("job", "history", "packages-transform").stdout
        self.assertIn("failed", history)
        printed = self.cluster.mesostw("job", "logs", "packages-report").stdout
        self.assertIn("packages are installed", printed)
        graph = self.cluster.mesostw("job", "graph").stdout.split("\n")
        self.assertIn("   └─ packages-report  [success, idle]", graph)
