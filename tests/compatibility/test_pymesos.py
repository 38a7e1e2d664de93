"""pymesos, a v1 client written by others and unmodified, against a real cluster."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.clusters import LocalCluster

PROGRAM = Path(__file__).with_name("pymesos_framework.py")


class PymesosTests(SynchronousTestCase):
    """Its scheduler and its executor speak JSON over HTTP with a master and agents of ours."""

    if importlib.util.find_spec("pymesos") is None:
        skip = "pymesos is not installed; script/bootstrap installs it"

    def test_scheduler_and_executor(self) -> None:
        """Tasks of a custom executor run to their end, and messages pass both ways intact."""
        cluster = LocalCluster(2)
        self.addCleanup(cluster.stop)
        done = subprocess.run(
            [sys.executable, str(PROGRAM), "scheduler", cluster.master, "6"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual(told["problem"], "", told)
        self.assertEqual(told["registrations"], 1)
        self.assertEqual(len(told["states"]), 6, told)
        for states in told["states"].values():
            self.assertEqual(states[-2:], ["TASK_RUNNING", "TASK_FINISHED"])
        self.assertGreaterEqual(told["echoes"], 6)
