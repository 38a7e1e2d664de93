"""What the tests here share: a group for each test, apps in it, waiting for what is promised."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.clusters import wait_until
from tests.functional.marathon.asking import Answer, Listener, Marathon
from tests.functional.marathon.town import Town, town

#: Serves the directory that it is told over HTTP, on the task's first port.
SERVE = 'exec {python} -m http.server "$PORT0" --directory {directory}'
#: Never fits, so that whoever wants it waits.
HUGE_CPUS = 1000


class OnTown(SynchronousTestCase):
    """A test with a group of its own on the shared cluster."""

    def setUp(self) -> None:
        self.town: Town = town()
        if not self.town.has_marathon():
            # Whatever ended it has failed a test already.
            self.town.start_marathon()
        self.marathon: Marathon = self.town.marathon
        words = self.id().split(".")[-2:]
        self.group = "/" + "-".join(words).lower().replace("_", "-")
        self.addCleanup(self._leave)

    def _leave(self) -> None:
        self.marathon.ask("DELETE", f"/v2/groups{self.group}?force=true")

    # --- asking ----------------------------------------------------------------

    def ask(self, method: str, path: str, document: object = None) -> Answer:
        """One request."""
        return self.marathon.ask(method, path, document)

    def done(self, method: str, path: str, document: object = None) -> Any:
        """The document of a request that is answered with 2xx."""
        status, body = self.ask(method, path, document)
        self.assertIn(status, (200, 201), f"{method} {path}: {body}")
        return body

    def refused(self, wanted: int, method: str, path: str, document: object = None) -> Any:
        """The document of a request that is answered with ``wanted``."""
        status, body = self.ask(method, path, document)
        self.assertEqual(status, wanted, f"{method} {path}: {body}")
        return body

    # --- apps ------------------------------------------------------------------

    def app(self, name: str = "app", **fields: object) -> dict[str, Any]:
        """A small app of this test's group that sleeps."""
        return {
            "id": f"{self.group}/{name}",
            "cmd": "exec sleep 3600",
            "cpus": 0.01,
            "mem": 8,
            **fields,
        }

    def server(self, directory: Path, name: str = "app", **fields: object) -> dict[str, Any]:
        """An app that serves a directory."""
        words = SERVE.format(python=sys.executable, directory=directory)
        return self.app(name, cmd=words, **fields)

    def created(self, document: Mapping[str, Any]) -> Any:
        """Create an app."""
        return self.done("POST", "/v2/apps", document)

    def started(self, document: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Create an app, wait for the end of its deployment, and return its tasks."""
        app = self.created(document)
        self.deployed(app["deployments"][0]["id"])
        tasks = self.tasks(document["id"])
        self.assertEqual(len(tasks), document.get("instances", 1))
        return tasks

    def shown(self, app_id: str) -> Any:
        """The app as it is now."""
        return self.done("GET", f"/v2/apps{app_id}")["app"]

    def tasks(self, app_id: str) -> list[dict[str, Any]]:
        """Its tasks, by id."""
        found: list[dict[str, Any]] = self.shown(app_id)["tasks"]
        return sorted(found, key=lambda task: str(task["id"]))

    def task_ids(self, app_id: str) -> set[str]:
        """The ids of its tasks."""
        return {task["id"] for task in self.tasks(app_id)}

    def running(self, app_id: str, wanted: int) -> list[dict[str, Any]]:
        """Wait until exactly so many tasks are there and all run."""

        def all_run() -> list[dict[str, Any]] | None:
            tasks = self.tasks(app_id)
            fine = len(tasks) == wanted and all(one["state"] == "TASK_RUNNING" for one in tasks)
            return tasks if fine else None

        what = f"{wanted} running tasks of {app_id}"
        tasks: list[dict[str, Any]] = wait_until(what, all_run) if wanted else []
        if not wanted:
            wait_until(what, lambda: not self.tasks(app_id))
        return tasks

    def waits(self, app_id: str, count: int = 1) -> dict[str, Any]:
        """Wait until the queue has so many to launch of an app, some offers having been seen."""

        def entry() -> dict[str, Any] | None:
            queue = self.done("GET", "/v2/queue?embed=lastUnusedOffers")["queue"]
            for one in queue:
                if one["app"]["id"] == app_id and one["count"] == count:
                    seen: bool = one["processedOffersSummary"]["processedOffersCount"]
                    return one if seen else None
            return None

        found: dict[str, Any] = wait_until(f"{app_id} in the queue with {count}", entry)
        return found

    def output(self, task: Mapping[str, Any], name: str = "stdout") -> list[str]:
        """The lines that a task has written, once there are some."""
        text: str = wait_until(
            f"output of {task['id']}", lambda: self.town.output_of(task["id"], name)
        )
        return text.splitlines()

    # --- deployments -----------------------------------------------------------

    def deployments(self) -> dict[str, dict[str, Any]]:
        """Those that are under way, by id."""
        return {one["id"]: one for one in self.done("GET", "/v2/deployments")}

    def deployed(self, deployment_id: str) -> None:
        """Wait until a deployment is under way no more."""
        wait_until(
            f"the end of deployment {deployment_id}",
            lambda: deployment_id not in self.deployments(),
        )

    def changed(self, method: str, path: str, document: object = None) -> Any:
        """Ask for something that is a deployment, and wait for its end."""
        result = self.done(method, path, document)
        self.deployed(result["deploymentId"])
        return result

    def listen(self, *kinds: str) -> Listener:
        """Hear events of these types, or of all, from now on until the test ends."""
        # The first event of a stream passes its filter, too.
        wanted = (*kinds, "event_stream_attached") if kinds else ()
        query = "&".join(f"event_type={kind}" for kind in wanted)
        listener = Listener(self.marathon.address, f"?{query}" if query else "")
        self.addCleanup(listener.close)
        listener.wait("event_stream_attached")
        return listener

    def directory(self) -> Path:
        """A directory that tasks can read and that is gone when the test ends."""
        made = tempfile.TemporaryDirectory(prefix="mesostw-test-")
        self.addCleanup(made.cleanup)
        path = Path(made.name)
        path.chmod(0o777)
        return path


Case = TypeVar("Case", bound=OnTown)


def add_case(tests: type[Case], name: str, sentence: str, body: Callable[[Case], None]) -> None:
    """Give a test class one more test, made of a row of a table."""

    def test(self: Case) -> None:
        body(self)

    test.__name__, test.__doc__ = f"test_{name}", sentence
    test.__qualname__ = f"{tests.__qualname__}.{test.__name__}"
    setattr(tests, test.__name__, test)
