"""What the original has not: agents all served, deployments with an end, pauses, and reasons."""

from __future__ import annotations

from datetime import datetime

from tests.functional.clusters import wait_until
from tests.functional.marathon.cases import HUGE_CPUS, OnTown
from tests.functional.marathon.town import HOSTS


class EveryAgentTests(OnTown):
    """``"instances": "*"``."""

    def test_one_each(self) -> None:
        """One instance on each agent that the constraints allow; clients see a number."""
        document = self.app(instances="*")
        app = self.created(document)
        self.deployed(app["deployments"][0]["id"])
        tasks = self.running(document["id"], 3)
        self.assertEqual({one["host"] for one in tasks}, set(HOSTS))
        self.assertEqual(self.shown(document["id"])["instances"], 3)

    def test_constraint(self) -> None:
        """Another constraint is another set of agents."""
        document = self.app(instances="*", constraints=[["rack", "LIKE", "a"]])
        app = self.created(document)
        self.deployed(app["deployments"][0]["id"])
        tasks = self.running(document["id"], 2)
        self.assertEqual({one["host"] for one in tasks}, set(HOSTS[:2]))
        self.changed("PUT", f"/v2/apps{document['id']}", {"constraints": [["rack", "IS", "b"]]})
        (task,) = self.running(document["id"], 1)
        self.assertEqual(task["host"], HOSTS[2])

    def test_number(self) -> None:
        """The number that is shown, sent back, changes nothing; another one is a number."""
        document = self.app(instances="*")
        app = self.created(document)
        self.deployed(app["deployments"][0]["id"])
        before = {one["id"] for one in self.running(document["id"], 3)}
        path = f"/v2/apps{document['id']}"
        self.changed("PUT", path, {"instances": 3, "drainDelaySeconds": 0})
        self.assertEqual({one["id"] for one in self.running(document["id"], 3)}, before)
        self.assertEqual(self.done("GET", f"{path}?embed=app.counts")["app"]["instances"], 3)
        self.changed("PUT", path, {"instances": 1})
        self.running(document["id"], 1)

    def test_suspended(self) -> None:
        """None is a number too."""
        document = self.app(instances="*")
        app = self.created(document)
        self.deployed(app["deployments"][0]["id"])
        self.changed("PUT", f"/v2/apps{document['id']}", {"instances": 0})
        self.running(document["id"], 0)


class DeadlineTests(OnTown):
    """Deployments that end."""

    def test_rolled_back(self) -> None:
        """One that is not done in its time is taken back."""
        document = self.app()
        old = {one["id"] for one in self.started(document)}
        events = self.listen("deployment_failed")
        path = f"/v2/apps{document['id']}"
        result = self.done("PUT", f"{path}?deadlineSeconds=1", {"cpus": HUGE_CPUS})
        events.wait("deployment_failed", id=result["deploymentId"])
        wait_until("the way back", lambda: not self.shown(document["id"])["deployments"])
        self.assertEqual(self.shown(document["id"])["cpus"], 0.01)
        self.assertEqual({one["id"] for one in self.running(document["id"], 1)}, old)

    def test_in_time(self) -> None:
        """One that is done in its time stays."""
        document = self.app()
        self.started(document)
        path = f"/v2/apps{document['id']}"
        result = self.changed("PUT", f"{path}?deadlineSeconds=60", {"mem": 9})
        (task,) = self.running(document["id"], 1)
        self.assertEqual(task["version"], result["version"])

    def test_bad(self) -> None:
        """A deadline that is no time is refused."""
        told = self.refused(400, "PUT", f"/v2/apps{self.group}/a?deadlineSeconds=soon", {})
        self.assertIn("deadlineSeconds", told["message"])


class PauseTests(OnTown):
    """Deployments that somebody stops and lets go on."""

    def test_pause(self) -> None:
        """A paused deployment says so, and is taken back once it goes on; the old ones stay."""
        document = self.app(instances=2)
        old = {one["id"] for one in self.started(document)}
        path = f"/v2/apps{document['id']}"
        # What is never healthy takes nobody's place.
        never = {"protocol": "COMMAND", "command": {"value": "false"}, "intervalSeconds": 1}
        deployment = self.done("PUT", path, {"healthChecks": [never]})["deploymentId"]
        self.running(document["id"], 4)
        told = self.done("POST", f"/v2/deployments/{deployment}/pause")
        self.assertTrue(told["paused"], told)
        self.assertLessEqual(old, self.task_ids(document["id"]))
        told = self.done("POST", f"/v2/deployments/{deployment}/continue")
        self.assertFalse(told["paused"], told)
        self.changed("DELETE", f"/v2/deployments/{deployment}")
        self.assertEqual({one["id"] for one in self.running(document["id"], 2)}, old)


class WhyTests(OnTown):
    """Reasons in words."""

    def test_waiting(self) -> None:
        """An app that waits says what it lacks, and on which agent how much."""
        document = self.app(cpus=HUGE_CPUS)
        self.created(document)
        self.waits(document["id"])
        told = self.done("GET", f"/why/apps{document['id']}")
        self.assertEqual((told["wished"], told["placed"], told["waiting"]), (1, 0, 1))
        self.assertIn("cpus", told["sentence"])
        self.assertEqual({one["hostname"] for one in told["shortfalls"]}, set(HOSTS))

    def test_terminations(self) -> None:
        """Ends are kept with their status; the newest first."""
        document = self.app(cmd="exit 9", backoffSeconds=1, backoffFactor=1)
        self.created(document)

        def two() -> bool:
            answer = self.done("GET", f"/why/terminations{document['id']}")
            return len(answer["terminations"]) >= 2

        wait_until("two ends", two)
        ends = self.done("GET", f"/why/terminations{document['id']}")["terminations"]
        self.assertIn("9", str(ends[0]))

    def test_unknown(self) -> None:
        """Nothing is told of an app that is not there."""
        self.refused(404, "GET", f"/why/apps{self.group}/none")


class DrainTests(OnTown):
    """``drainDelaySeconds``: load balancers have time to forget a task before it ends."""

    def test_delay(self) -> None:
        """A replaced task runs on for its time."""
        document = self.app(cmd="exec sleep 3600", drainDelaySeconds=2)
        (old,) = self.started(document)
        events = self.listen("status_update_event")
        result = self.changed("PUT", f"/v2/apps{document['id']}", {"env": {"V": "2"}})
        ran = events.wait(
            "status_update_event", taskStatus="TASK_RUNNING", version=result["version"]
        )
        end = events.wait("status_update_event", taskId=old["id"], taskStatus="TASK_KILLED")
        self.assertGreater(seconds(end["timestamp"]) - seconds(ran["timestamp"]), 1.9)


def seconds(stamp: str) -> float:
    """A time of an event."""
    return datetime.fromisoformat(stamp).timestamp()
