"""``GET /v2/tasks``."""

from __future__ import annotations

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.changes import AppRemoved, InstanceChanged, InstanceRemoved
from mesostw.core.marathon.records import Condition, Goal
from mesostw.model.apps import PortDefinition
from mesostw.model.tasks import TaskState
from tests.core.marathon.builders import app, instance
from tests.http.marathon.world import MarathonWorld


class TasksTests(SynchronousTestCase):
    """Every task of every app."""

    def setUp(self) -> None:
        self.world = MarathonWorld()
        self.db = app("/shop/db", port_definitions=(PortDefinition(port=10_001),))
        self.web = app("/web")
        self.running = instance(
            self.db, number=1, ports=(31_000,), task_state=TaskState.TASK_RUNNING
        )
        self.world.add(self.db, self.web, self.running, instance(self.web, Condition.STAGING, 2))

    def ids(self, query: str = "") -> list[str]:
        return [task["appId"] for task in self.world.get(f"/v2/tasks{query}").json["tasks"]]

    def test_list(self) -> None:
        """Service ports are shown here, and only here."""
        db, web = self.world.get("/v2/tasks").json["tasks"]
        self.assertEqual((db["ports"], db["servicePorts"]), ([31_000], [10_001]))
        self.assertEqual(web["servicePorts"], [])
        self.assertNotIn("servicePorts", self.world.get("/v2/apps/web/tasks").json["tasks"][0])

    def test_status(self) -> None:
        """One status or several, by both spellings; unknown ones are ignored."""
        self.assertEqual(self.ids("?status=running"), ["/shop/db"])
        self.assertEqual(self.ids("?status%5B%5D=staging"), ["/web"])
        self.assertEqual(self.ids("?status=running&status[]=staging"), ["/shop/db", "/web"])
        self.assertEqual(self.ids("?status=other"), ["/shop/db", "/web"])

    def test_on_its_way_out(self) -> None:
        """What is to be killed is no place for traffic any more, also while it still runs."""
        doomed = replace(self.running, goal=Goal.DECOMMISSIONED, doom="Scaled down")
        self.world.publish(InstanceChanged(doomed))
        db, _ = self.world.get("/v2/tasks").json["tasks"]
        self.assertEqual(db["state"], "TASK_KILLING")
        self.assertEqual(self.ids("?status=running"), [])
        text = self.world.get("/v2/tasks", accept="text/plain").text
        self.assertNotIn("31000", text)
        self.assertEqual(self.world.get("/v2/apps/shop/db").json["app"]["tasksRunning"], 0)

    def test_changes(self) -> None:
        """A task that has ended is gone, and one of an app that is gone is still shown."""
        self.world.publish(AppRemoved(self.web.id))
        self.assertEqual(self.ids(), ["/shop/db", "/web"])
        self.world.publish(InstanceRemoved(self.running))
        self.assertEqual(self.ids(), ["/web"])

    def test_table(self) -> None:
        """As text, for scripts: an app without ports has a blank, and its hosts."""
        self.world.add(instance(self.web, number=3))
        text = self.world.get("/v2/tasks", accept="text/plain").text
        self.assertEqual(text, "shop_db\t10001\tn1:31000\nweb\t \tn3\n")

    def test_paths(self) -> None:
        """There is nothing below but ``delete``."""
        self.assertEqual(self.world.get("/v2/tasks/x").code, 404)
        self.assertEqual(self.world.ask("POST", "/v2/tasks/x", {}).code, 404)
        self.assertEqual(self.world.ask("POST", "/v2/tasks", {}).code, 405)
