"""Apps that are changed: scaled, upgraded, restarted, rolled back, locked and deleted."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.functional.marathon.asking import Listener
from tests.functional.marathon.cases import HUGE_CPUS, OnTown, add_case

ENDS = ("TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_LOST", "TASK_GONE")


class ScaleTests(OnTown):
    """Only the number of instances changes."""

    def test_up(self) -> None:
        """The tasks that run stay; the configuration counts as unchanged."""
        document = self.app()
        before = {one["id"] for one in self.started(document)}
        old = self.shown(document["id"])
        result = self.done("PUT", f"/v2/apps{document['id']}", {"instances": 3})
        self.assertEqual(set(result), {"version", "deploymentId"})
        header = self.marathon.headers["marathon-deployment-id"]
        self.assertEqual(header, result["deploymentId"])
        self.deployed(header)
        after = {one["id"] for one in self.running(document["id"], 3)}
        self.assertLess(before, after)
        new = self.shown(document["id"])
        self.assertEqual(new["version"], result["version"])
        self.assertEqual(new["versionInfo"]["lastScalingAt"], result["version"])
        self.assertEqual(
            new["versionInfo"]["lastConfigChangeAt"], old["versionInfo"]["lastConfigChangeAt"]
        )

    def test_down(self) -> None:
        """Those that are too many are killed, the others stay."""
        document = self.app(instances=3)
        before = {one["id"] for one in self.started(document)}
        self.changed("PATCH", f"/v2/apps{document['id']}", {"instances": 1})
        after = {one["id"] for one in self.running(document["id"], 1)}
        self.assertLess(after, before)

    def test_to_none_and_back(self) -> None:
        """A suspended app keeps its definition."""
        document = self.app(instances=2, env={"A": "1"})
        self.started(document)
        self.changed("PUT", f"/v2/apps{document['id']}", {"instances": 0})
        self.running(document["id"], 0)
        self.changed("PUT", f"/v2/apps{document['id']}", {"instances": 1})
        self.running(document["id"], 1)
        self.assertEqual(self.shown(document["id"])["env"], {"A": "1"})

    def test_kill_selection_youngest(self) -> None:
        """By default the youngest go first."""
        self._select({}, stays="old")

    def test_kill_selection_oldest(self) -> None:
        """With OLDEST_FIRST the oldest go first."""
        self._select({"killSelection": "OLDEST_FIRST"}, stays="new")

    def _select(self, fields: dict[str, Any], stays: str) -> None:
        document = self.app(**fields)
        old = {one["id"] for one in self.started(document)}
        path = f"/v2/apps{document['id']}"
        self.changed("PUT", path, {"instances": 2})
        new = self.task_ids(document["id"]) - old
        self.changed("PUT", path, {"instances": 1})
        wanted = old if stays == "old" else new
        self.assertEqual({one["id"] for one in self.running(document["id"], 1)}, wanted)


def _upgrade(strategy: tuple[float, float], lowest: int, highest: int, tests: OnTown) -> None:
    minimum, over = strategy
    document = tests.app(
        instances=2,
        upgradeStrategy={"minimumHealthCapacity": minimum, "maximumOverCapacity": over},
    )
    old = {one["id"] for one in tests.started(document)}
    events = tests.listen("status_update_event", "deployment_success")
    path = f"/v2/apps{document['id']}"
    result = tests.done("PUT", path, {"env": {"V": "2"}})
    events.wait("deployment_success", id=result["deploymentId"])
    counts = _counts(events, document["id"], 2)
    tests.assertEqual(min(counts), lowest, counts)
    tests.assertLessEqual(max(counts), highest, counts)
    tasks = tests.running(document["id"], 2)
    tests.assertEqual({one["version"] for one in tasks}, {result["version"]})
    tests.assertFalse(old & {one["id"] for one in tasks})


def _counts(events: Listener, app_id: str, count: int) -> list[int]:
    """How many tasks ran at the beginning and after each update."""
    counts = [count]
    for event in events.of("status_update_event"):
        if event["appId"] == app_id:
            state = event["taskStatus"]
            counts.append(counts[-1] + (state == "TASK_RUNNING") - (state in ENDS))
    return counts


class UpgradeTests(OnTown):
    """Another configuration: tasks are replaced within the limits of the strategy."""

    def test_label(self) -> None:
        """A label is configuration too."""
        document = self.app()
        old = {one["id"] for one in self.started(document)}
        self.changed("PUT", f"/v2/apps{document['id']}", {"labels": {"a": "b"}})
        self.assertFalse(old & {one["id"] for one in self.running(document["id"], 1)})

    def test_nothing_changes(self) -> None:
        """A change that alters nothing has a deployment too, and the tasks stay."""
        document = self.app()
        old = {one["id"] for one in self.started(document)}
        result = self.changed("PUT", f"/v2/apps{document['id']}", document)
        self.assertEqual(set(result), {"version", "deploymentId"})
        self.assertEqual(self.task_ids(document["id"]), old)

    def test_with_scaling(self) -> None:
        """Fewer instances of another configuration."""
        document = self.app(instances=3)
        self.started(document)
        change = {"instances": 1, "cmd": "exec sleep 3601"}
        result = self.changed("PUT", f"/v2/apps{document['id']}", change)
        (task,) = self.running(document["id"], 1)
        self.assertEqual(task["version"], result["version"])

    def test_restart(self) -> None:
        """A restart replaces all tasks and changes nothing else."""
        document = self.app(instances=2)
        old = {one["id"] for one in self.started(document)}
        before = self.shown(document["id"])
        result = self.changed("POST", f"/v2/apps{document['id']}/restart")
        self.assertFalse(old & {one["id"] for one in self.running(document["id"], 2)})
        after = self.shown(document["id"])
        self.assertEqual(after["version"], result["version"])
        self.assertEqual(after["versionInfo"]["lastConfigChangeAt"], result["version"])
        volatile = ("version", "versionInfo", "tasks")
        for name in volatile:
            before.pop(name), after.pop(name)
        self.assertEqual(before, after)

    def test_restart_unknown(self) -> None:
        """An app that is not there cannot be restarted."""
        self.refused(404, "POST", f"/v2/apps{self.group}/none/restart")

    def test_single_instance(self) -> None:
        """An app that may run once is stopped before its next version starts."""
        document = self.app(labels={"MARATHON_SINGLE_INSTANCE_APP": "true"})
        self.started(document)
        events = self.listen("status_update_event")
        self.changed("PUT", f"/v2/apps{document['id']}", {"env": {"V": "2"}})
        self.assertLessEqual(max(_counts(events, document["id"], 1)), 1)
        self.refused(422, "PUT", f"/v2/apps{document['id']}", {"instances": 2})


for _name, _strategy, _lowest, _highest in [
    ("stop_all_first", (0.0, 0.0), 0, 2),
    ("half_and_no_more", (0.5, 0.0), 1, 2),
    ("one_more", (1.0, 0.0), 2, 3),
    ("all_twice", (1.0, 1.0), 2, 4),
]:
    add_case(
        UpgradeTests,
        f"strategy_{_name}",
        f"With {_strategy} of two tasks never fewer than {_lowest} or more than {_highest} run.",
        partial(_upgrade, _strategy, _lowest, _highest),
    )


class UpdateTests(OnTown):
    """The ways to say what an app shall be."""

    def test_put_creates(self) -> None:
        """PUT of an app that is not there creates it: 201."""
        document = self.app(instances=0)
        app_id = document.pop("id")
        status, _ = self.ask("PUT", f"/v2/apps{app_id}", document)
        self.assertEqual(status, 201)
        self.assertEqual(self.shown(app_id)["instances"], 0)

    def test_put_keeps(self) -> None:
        """PUT leaves what it does not name."""
        document = self.app(instances=0, env={"A": "1"}, mem=17)
        self.started(document)
        self.changed("PUT", f"/v2/apps{document['id']}", {"cpus": 0.02})
        app = self.shown(document["id"])
        self.assertEqual((app["env"], app["mem"], app["cpus"]), ({"A": "1"}, 17, 0.02))

    def test_put_replaces(self) -> None:
        """With partialUpdate=false what is not named is as by default."""
        document = self.app(instances=0, env={"A": "1"}, mem=17)
        self.started(document)
        change = {"cmd": "true", "instances": 0}
        self.changed("PUT", f"/v2/apps{document['id']}?partialUpdate=false", change)
        app = self.shown(document["id"])
        self.assertEqual((app.get("env", {}), app["mem"], app["cmd"]), ({}, 128, "true"))

    def test_patch_unknown(self) -> None:
        """PATCH creates nothing."""
        self.refused(404, "PATCH", f"/v2/apps{self.group}/none", {"instances": 1})

    def test_put_several(self) -> None:
        """PUT of a list is one deployment; apps that are not there are created."""
        first = self.app("a", instances=0)
        self.started(first)
        result = self.changed("PUT", "/v2/apps", [{**first, "mem": 9}, self.app("b", instances=0)])
        for name, mem in (("a", 9), ("b", 8)):
            app = self.shown(f"{self.group}/{name}")
            self.assertEqual((app["mem"], app["version"]), (mem, result["version"]))

    def test_patch_several(self) -> None:
        """PATCH of a list needs ids."""
        document = self.app(instances=0)
        self.started(document)
        self.changed("PATCH", "/v2/apps", [{"id": document["id"], "mem": 11}])
        self.assertEqual(self.shown(document["id"])["mem"], 11)
        self.refused(422, "PATCH", "/v2/apps", [{"mem": 12}])


class VersionTests(OnTown):
    """What an app was."""

    def test_listed(self) -> None:
        """Every version is listed, the newest first, and can be read."""
        document = self.app(instances=0)
        self.started(document)
        path = f"/v2/apps{document['id']}"
        first = self.shown(document["id"])["version"]
        second = self.changed("PUT", path, {"mem": 9})["version"]
        self.assertEqual(self.done("GET", f"{path}/versions"), {"versions": [second, first]})
        for stamp, mem in ((first, 8), (second, 9)):
            old = self.done("GET", f"{path}/versions/{stamp}")
            self.assertEqual((old["version"], old["mem"]), (stamp, mem))

    def test_unknown(self) -> None:
        """A version that never was, and one that is no time."""
        document = self.app(instances=0)
        self.started(document)
        path = f"/v2/apps{document['id']}/versions"
        stamp = "2015-01-01T00:00:00.000Z"
        told = self.refused(404, "GET", f"{path}/{stamp}")
        wanted = f"App '{document['id']}' does not exist in version {stamp}"
        self.assertEqual(told, {"message": wanted})
        told = self.refused(422, "GET", f"{path}/yesterday")
        self.assertIn("Invalid timestamp provided 'yesterday'", told["message"])

    def test_roll_back(self) -> None:
        """PUT of an old version makes a new one that is like it."""
        document = self.app(cmd="echo first; exec sleep 3600")
        self.started(document)
        first = self.shown(document["id"])["version"]
        path = f"/v2/apps{document['id']}"
        self.changed("PUT", path, {"cmd": "echo second; exec sleep 3600"})
        result = self.changed("PUT", path, {"version": first})
        (task,) = self.running(document["id"], 1)
        self.assertEqual(self.output(task), ["first"])
        self.assertEqual(task["version"], result["version"])
        self.assertEqual(len(self.done("GET", f"{path}/versions")["versions"]), 3)


class LockTests(OnTown):
    """One deployment an app at a time."""

    def setUp(self) -> None:
        super().setUp()
        self.document = self.app()
        self.path = f"/v2/apps{self.document['id']}"

    def stuck(self) -> str:
        """Start the app, then a deployment that cannot end; its id."""
        self.old = self.started(self.document)
        change = {"cpus": HUGE_CPUS}
        deployment_id: str = self.done("PUT", self.path, change)["deploymentId"]
        return deployment_id

    def test_shown(self) -> None:
        """A deployment that is under way tells its app, step and action."""
        deployment_id = self.stuck()
        one = self.deployments()[deployment_id]
        self.assertEqual(one["affectedApps"], [self.document["id"]])
        self.assertEqual((one["currentStep"], one["totalSteps"]), (1, 1))
        (step,) = one["steps"]
        (action,) = step["actions"]
        self.assertEqual(action, {"action": "RestartApplication", "app": self.document["id"]})
        (current,) = one["currentActions"]
        self.assertEqual(current["app"], self.document["id"])
        app = self.shown(self.document["id"])
        self.assertEqual(app["deployments"], [{"id": deployment_id}])

    def test_locked(self) -> None:
        """A second change is refused with the ids of the deployments in its way."""
        deployment_id = self.stuck()
        told = self.refused(409, "PUT", self.path, {"cpus": 0.01})
        self.assertEqual(told["deployments"], [{"id": deployment_id}])
        self.assertIn("App is locked by one or more deployments.", told["message"])
        self.refused(409, "POST", f"{self.path}/restart")
        self.assertEqual(self.shown(self.document["id"])["cpus"], HUGE_CPUS)

    def test_forced(self) -> None:
        """With force the deployment in the way fails, and the new one is done."""
        deployment_id = self.stuck()
        events = self.listen("deployment_failed")
        result = self.changed("PUT", f"{self.path}?force=true", {"cpus": 0.02})
        events.wait("deployment_failed", id=deployment_id)
        (task,) = self.running(self.document["id"], 1)
        self.assertEqual(task["version"], result["version"])

    def test_rolled_back(self) -> None:
        """DELETE of a deployment brings back what was before by another deployment."""
        deployment_id = self.stuck()
        self.changed("DELETE", f"/v2/deployments/{deployment_id}")
        self.assertNotIn(deployment_id, self.deployments())
        self.assertEqual(self.shown(self.document["id"])["cpus"], 0.01)
        self.running(self.document["id"], 1)

    def test_creation_rolled_back(self) -> None:
        """What a cancelled deployment created is gone."""
        app = self.created({**self.document, "cpus": HUGE_CPUS})
        self.changed("DELETE", f"/v2/deployments/{app['deployments'][0]['id']}")
        self.assertEqual(self.ask("GET", self.path).status, 404)

    def test_cancelled(self) -> None:
        """With force it only ends: 202, no rollback."""
        deployment_id = self.stuck()
        path = f"/v2/deployments/{deployment_id}?force=true"
        self.assertEqual(self.ask("DELETE", path), (202, None))
        self.assertNotIn(deployment_id, self.deployments())
        self.assertEqual(self.shown(self.document["id"])["cpus"], HUGE_CPUS)

    def test_unknown(self) -> None:
        """A deployment that is not there cannot be cancelled."""
        told = self.refused(404, "DELETE", "/v2/deployments/none")
        self.assertEqual(told["message"], "DeploymentPlan none does not exist")

    def test_deleted(self) -> None:
        """An app can be deleted while it is deployed: DELETE forces by itself."""
        deployment_id = self.stuck()
        self.changed("DELETE", self.path)
        self.assertNotIn(deployment_id, self.deployments())
        self.assertEqual(self.ask("GET", self.path).status, 404)

    def test_not_deleted(self) -> None:
        """Unless it is told not to."""
        deployment_id = self.stuck()
        told = self.refused(409, "DELETE", f"{self.path}?force=false")
        self.assertEqual(told["deployments"], [{"id": deployment_id}])

    def test_others_are_free(self) -> None:
        """A deployment locks its own apps only."""
        self.stuck()
        self.started(self.app("other"))


class DeleteTests(OnTown):
    """DELETE of an app."""

    def test_all_end(self) -> None:
        """Its tasks end, then it is told to have terminated."""
        document = self.app(instances=2)
        tasks = self.started(document)
        events = self.listen()
        self.changed("DELETE", f"/v2/apps{document['id']}")
        events.wait("app_terminated_event", appId=document["id"])
        ended = {
            one["taskId"]
            for one in events.of("status_update_event")
            if one["taskStatus"] == "TASK_KILLED"
        }
        self.assertEqual(ended, {one["id"] for one in tasks})
        self.assertEqual(self.ask("GET", f"/v2/apps{document['id']}").status, 404)
        self.assertEqual(self.ask("GET", f"/v2/apps{document['id']}/versions").status, 404)

    def test_twice(self) -> None:
        """What is gone cannot be deleted."""
        document = self.app(instances=0)
        self.started(document)
        self.changed("DELETE", f"/v2/apps{document['id']}")
        self.refused(404, "DELETE", f"/v2/apps{document['id']}")

    def test_again(self) -> None:
        """An id can be used again at once; the new app has new tasks."""
        document = self.app()
        old = {one["id"] for one in self.started(document)}
        self.changed("DELETE", f"/v2/apps{document['id']}")
        new = {one["id"] for one in self.started(document)}
        self.assertFalse(old & new)
        self.assertEqual(len(self.done("GET", f"/v2/apps{document['id']}/versions")["versions"]), 1)
