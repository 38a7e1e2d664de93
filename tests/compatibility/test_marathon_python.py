"""The PyPI package ``marathon``, unmodified, through all of its calls against a real cluster."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.clusters import LocalCluster

HERE = Path(__file__).parent


class MarathonPythonTests(SynchronousTestCase):
    """It reads strictly: a key that it does not know is an error."""

    maxDiff = None

    if importlib.util.find_spec("marathon") is None:
        skip = "the package marathon is not installed; script/bootstrap installs it"

    def test_every_call(self) -> None:
        """Each call of the client does what its documentation says."""
        cluster = LocalCluster(2)
        self.addCleanup(cluster.stop)
        done = subprocess.run(
            [sys.executable, str(HERE / "marathon_python_client.py"), cluster.marathon],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={**os.environ, "PYTHONPATH": str(HERE / "startup")},
        )
        self.assertEqual(done.returncode, 0, done.stderr[-4000:])
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        events = set(told.pop("events"))
        self.assertEqual(told.pop("metrics"), ["counters"])
        self.assertEqual(told.pop("leader"), cluster.marathon)
        deployment = ["deploymentId", "version"]
        self.assertEqual(
            told,
            {
                "ping": '"pong"',
                "info": ["marathon", True, True],
                "created": ["/py/web", 2, 1],
                "app": ["/py/web", 2, 2, "LIKE"],
                "version_info": True,
                "listed": ["/py/web"],
                "tasks": sorted({"/py/web"}),
                "app_tasks": 2,
                "endpoints": 2,
                "updated": deployment,
                "versions": 2,
                "old_mem": 16,
                "rolled_back": 16,
                "scaled": 2,
                "updated_several": 18,
                "killed": True,
                "killed_given": True,
                "killed_all": 2,
                "kill_and_scale": deployment,
                "smaller": 1,
                "group_created": deployment,
                "group": ["/pygroup", ["/pygroup/a"], ["/pygroup/deep"]],
                "groups": sorted({"/py", "/pygroup"}),
                "scaled_group": 2,
                "left_out_stays": ["/pygroup/deep"],
                "group_back": "sleep 1000",
                "queue": ["/py/huge", 1, True],
                "locked": [409, True],
                "deployment": [["/py/huge"], 2],
                "cancelled": deployment,
                "stopped": {},
                "failure": ["TASK_FAILED", "/py/crash"],
                "unknown": [404, True],
                "subscriptions": [404, True],
                "subscribe": [404, True],
                "unsubscribe": [404, True],
                "invalid": [422, True],
                "deleted": deployment,
                "left": [],
                "abdicated": True,
            },
        )
        self.assertLessEqual(
            {
                "api_post_event",
                "deployment_info",
                "deployment_success",
                "deployment_failed",
                "status_update_event",
                "instance_changed_event",
                "group_change_success",
                "app_terminated_event",
            },
            events,
        )
