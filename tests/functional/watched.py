"""What tests share that watch apps from outside: a group, its apps, a witness, its judgement."""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.clusters import ROOT, wait_until
from tests.functional.marathon.asking import Marathon
from tests.functional.outside import Witness

SERVANT: Final = ROOT / "tests" / "functional" / "servant.py"
#: Who checks: Marathon, and agents.
PROTOCOLS: Final = ("HTTP", "MESOS_HTTP")
#: Below the ports that the kernel gives to who asks for none.
FIRST_PORT: Final = 10_000 + os.getpid() % 97 * 100


def strategy(least: float, over: float) -> dict[str, float]:
    """An upgrade strategy."""
    return {"minimumHealthCapacity": least, "maximumOverCapacity": over}


def limits(count: int, least: float, over: float) -> tuple[int, int]:
    """How many serve at least and run at most in a change of ``count`` healthy instances."""
    low, high = math.ceil(count * least), math.floor(count * (1 + over))
    return low, high + (low == high <= count)


class Watched(SynchronousTestCase):
    """A group of apps and a witness for each test."""

    def setUp(self) -> None:
        self.marathon = Marathon(self.address())
        self.group = "/" + "-".join(self.id().split(".")[-2:]).lower().replace("_", "-")
        made = tempfile.TemporaryDirectory(prefix="mesostw-test-")
        self.addCleanup(made.cleanup)
        self.runs = Path(made.name)
        self.runs.chmod(0o777)
        self.witness = Witness(self.marathon, self.group, self.runs)
        self.addCleanup(self._leave)
        self.addCleanup(self.witness.close)

    def address(self) -> str:
        """Marathon's."""
        raise NotImplementedError

    def _leave(self) -> None:
        self.marathon.ask("DELETE", f"/v2/groups{self.group}?force=true")
        wait_until("the end of all instances", lambda: not self.ids_at_work())

    def ids_at_work(self) -> list[str]:
        """Of apps of this test that still run something."""
        return [one.name for one in self.runs.iterdir() if self.witness.is_alive(one.name)]

    # --- apps ------------------------------------------------------------------

    def app(self, protocol: str = "HTTP", **fields: Any) -> dict[str, Any]:
        """An app of servants, checked by ``protocol``; its name is that in small letters."""
        check: dict[str, Any] = {
            "protocol": protocol,
            "path": "/health",
            "intervalSeconds": 1,
            "timeoutSeconds": 5,
            "gracePeriodSeconds": 60,
        }
        if protocol.startswith("MESOS"):
            check["delaySeconds"] = 0
        return {
            "id": f"{self.group}/{protocol.lower().replace('_', '-')}",
            "cmd": f"exec {sys.executable} -S -E {SERVANT} {self.runs}",
            "cpus": 0.01,
            "mem": 16,
            "instances": 4,
            "healthChecks": [check],
            "upgradeStrategy": strategy(0.5, 0.5),
            **fields,
        }

    def ask(self, method: str, path: str, document: object = None) -> Any:
        """The document of a request that is answered with 2xx."""
        status, body = self.marathon.ask(method, path, document)
        self.assertIn(status, (200, 201, 202), f"{method} {path}: {body}")
        return body

    def started(self, *documents: dict[str, Any]) -> list[str]:
        """Create apps, wait until all serve, and return their ids."""
        self.ask("PUT", f"/v2/groups{self.group}", {"apps": documents})
        for document in documents:
            self.served(document["id"], document["instances"])
        self.deployed()
        return [document["id"] for document in documents]

    def both(self, **fields: Any) -> list[str]:
        """The two apps of a test."""
        return self.started(*(self.app(protocol, **fields) for protocol in PROTOCOLS))

    def served(self, app_id: str, count: int, patience_s: float = 60.0) -> None:
        """Wait until so many instances serve and no other runs."""

        def exactly() -> bool:
            alive = {one.task_id for one in self.witness.alive(app_id)}
            return len(alive) == count and alive == self.witness.serving(app_id)

        wait_until(f"{count} of {app_id} to serve", exactly, patience_s)

    def change(self, app_id: str, document: object, query: str = "") -> str:
        """Change an app; the id of the deployment."""
        told = self.ask("PUT", f"/v2/apps{app_id}{query}", document)
        return str(told["deploymentId"])

    def deployments(self) -> dict[str, dict[str, Any]]:
        """What is under way, by id."""
        found = self.ask("GET", "/v2/deployments?extensions=true")
        return {one["id"]: one for one in found}

    def deployed(self) -> None:
        """Wait until nothing of this test is under way."""

        def none() -> bool:
            try:
                status, found = self.marathon.ask("GET", "/v2/deployments")
            except OSError:
                return False  # it is away
            ours = f"{self.group}/"
            # One that is starting says so by its status.
            return status == 200 and not any(
                app_id.startswith(ours) for one in found for app_id in one["affectedApps"]
            )

        try:
            wait_until("the end of deployments", none)
        except AssertionError as fault:
            raise AssertionError(f"{fault}: {self._story()}") from fault

    def _story(self) -> str:
        """What there is of this test's apps, for who has to find out why."""
        apps = self.ask("GET", f"/v2/apps?id={self.group}/&embed=apps.tasks")["apps"]
        why = {app["id"]: self.ask("GET", f"/why/apps{app['id']}") for app in apps}
        return json.dumps([why, self.deployments(), apps], indent=1)

    def shown(self, app_id: str) -> Any:
        """The app as it is now."""
        return self.ask("GET", f"/v2/apps{app_id}")["app"]

    def env(self, app_id: str) -> dict[str, str]:
        """The app's present environment."""
        found: dict[str, str] = self.shown(app_id).get("env", {})
        return found

    def version(self, app_id: str) -> str:
        """The app's present version."""
        return str(self.shown(app_id)["version"])

    # --- judging ---------------------------------------------------------------

    def hold(self, app_ids: Sequence[str], least: int, most: int) -> None:
        """From now on so many serve at least, and run at most."""
        for app_id in app_ids:
            self.witness.rule(app_id, least, most)

    def judge(self) -> None:
        """No rule was broken, and the witness has looked often."""
        self.witness.close()
        self.assertEqual(self.witness.broken(), [], self.witness.story())
        self.assertGreater(self.witness.rounds, 20)

    def versions(self, app_id: str) -> set[str]:
        """Of what runs now."""
        return {one.version for one in self.witness.alive(app_id)}

    def new_serve(self, app_id: str, count: int) -> None:
        """Wait until so many instances of the app's present version serve."""
        version = self.version(app_id)

        def enough() -> bool:
            serving = self.witness.serving(app_id)
            new = [one for one in self.witness.lives(app_id) if one.version == version]
            return sum(one.task_id in serving for one in new) >= count

        wait_until(f"{count} new ones of {app_id}", enough)
