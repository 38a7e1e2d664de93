"""An app that is a framework itself: the example of the documents, run as it stands."""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.functional.clusters import ROOT, wait_until
from tests.functional.marathon.asking import Marathon
from tests.functional.marathon.cases import OnTown

EXAMPLE = ROOT / "docs" / "examples" / "framework-app"


class FrameworkAppTests(OnTown):
    """A scheduler that Marathon keeps running, and the tasks that it launches."""

    def setUp(self) -> None:
        super().setUp()
        self.master = Marathon(self.town.master)
        document: dict[str, Any] = json.loads((EXAMPLE / "app.json").read_text())
        self.document = {
            **document,
            "id": f"{self.group}/crew",
            "fetch": [{**document["fetch"][0], "uri": f"file://{EXAMPLE / 'crew.py'}"}],
            "env": {
                **document["env"],
                "PYTHON": sys.executable,
                "MESOS_MASTER": self.town.master,
                "CREW_STATE": str(self.directory() / "crew.json"),
            },
        }
        self.addCleanup(self._tear_down)

    def _tear_down(self) -> None:
        """End the inner framework, which would outlive its scheduler."""
        for framework in self.frameworks():
            self.master.ask(
                "POST",
                "/teardown",
                f"frameworkId={framework['id']}".encode(),
                {"Content-Type": "application/x-www-form-urlencoded"},
            )

    def frameworks(self) -> list[dict[str, Any]]:
        """Frameworks named crew that the master has."""
        listed = self.master.ask("GET", "/frameworks").body["frameworks"]
        return [one for one in listed if one["name"] == "crew"]

    def workers(self) -> set[str]:
        """The inner framework's tasks that run, by the master."""
        return {
            task["id"]
            for framework in self.frameworks()
            for task in framework["tasks"]
            if task["state"] == "TASK_RUNNING"
        }

    def working(self, wanted: int) -> set[str]:
        """Wait until so many run."""

        def all_work() -> set[str] | None:
            found = self.workers()
            return found if len(found) == wanted else None

        found: set[str] = wait_until(f"{wanted} workers", all_work)
        return found

    def test_life(self) -> None:
        """Its tasks are seen at the master; a scheduler that is killed comes back to them."""
        (scheduler,) = self.started(self.document)
        workers = self.working(2)
        (framework,) = self.frameworks()
        self.assertTrue(framework["active"])
        # The deployment has waited for this.
        status = Marathon(f"{scheduler['host']}:{scheduler['ports'][0]}")
        self.assertEqual(status.ask("GET", "/").status, 200)
        path = f"/v2/apps{self.document['id']}/tasks/{scheduler['id']}"
        self.done("DELETE", path)
        wait_until("its end", lambda: scheduler["id"] not in self.task_ids(self.document["id"]))
        (again,) = self.running(self.document["id"], 1)
        status = Marathon(f"{again['host']}:{again['ports'][0]}")

        def all_known() -> bool:
            try:
                answer = status.ask("GET", "/")
            except OSError:
                return False
            return bool(answer.body["running"] == 2)

        wait_until("the next life to know its workers", all_known)
        self.assertEqual(self.workers(), workers)
        (same,) = self.frameworks()
        self.assertEqual(same["id"], framework["id"])
        self._lose_one(workers)

    def _lose_one(self, workers: set[str]) -> None:
        """Kill a worker outright; another one takes its place, the others stay."""
        lost = min(workers)
        self.town.kill_task(lost)
        wait_until("another worker", lambda: lost not in self.workers())
        self.assertEqual(len(self.working(2) & workers), 1)
