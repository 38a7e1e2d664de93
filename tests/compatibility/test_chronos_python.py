"""The PyPI package ``chronos-python``, unmodified, through all of its calls."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.clusters import LocalCluster

HERE = Path(__file__).parent


class ChronosPythonTests(SynchronousTestCase):
    """The client of Chronos 3 and that of Chronos 2 find one Chronos."""

    maxDiff = None

    if importlib.util.find_spec("chronos") is None:
        skip = "the package chronos-python is not installed; script/bootstrap installs it"

    def test_every_call(self) -> None:
        """Each call does what its documentation says, with either version of the API."""
        cluster = LocalCluster(1, "--chronos=true")
        self.addCleanup(cluster.stop)
        for version, prefix in (("v1", "new"), ("none", "old")):
            self.assert_all(self.calls(cluster.chronos, version), prefix)
        self.assertEqual(cluster.get("/scheduler/jobs", cluster.chronos), [])

    def calls(self, address: str, version: str) -> dict[str, Any]:
        """What every call gave."""
        done = subprocess.run(
            [sys.executable, str(HERE / "chronos_python_client.py"), address, version],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr[-4000:])
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told

    def assert_all(self, told: dict[str, Any], prefix: str) -> None:
        """As it is with the original."""
        # What the client makes of every refusal.
        refused = "No remaining Chronos servers to try"
        self.assertEqual(
            told,
            {
                "added": None,
                "child": None,
                "visible": [True, [f"{prefix}-extract"]],
                "has_async": prefix == "old",
                "wrong_schedule": refused,
                "wrong_parents": refused,
                "unknown": refused,
                "incomplete": True,
                "updated": None,
                "changed": ["echo again", 1, True],
                "run": None,
                "succeeded": 1,
                "stat": [1, "Success"],
                "killed": None,
                "searched": [f"{prefix}-report"],
                "commanded": 1,
                "link": True,
                "stats": [["jobNameLabel", "time"]] * 6,
                "metrics": True,
                "deleted": [None, None, None],
                "left": [],
            },
        )
