"""Marathon ends, is killed, and comes back: with everything, and nothing starts twice."""

from __future__ import annotations

import os
import signal

from tests.functional.clusters import wait_until
from tests.functional.marathon.asking import Marathon
from tests.functional.marathon.cases import HUGE_CPUS, OnTown
from tests.functional.marathon.town import local


class LeaderTests(OnTown):
    """The one that leads."""

    def again(self) -> None:
        """Start Marathon when it has ended."""
        self.assertEqual(self.town.marathon_process.wait(30), 0)
        self.town.start_marathon()

    def test_who(self) -> None:
        """It says so itself, in the answer and in a header of every answer."""
        self.assertEqual(self.done("GET", "/v2/leader"), {"leader": self.marathon.address})
        wanted = f"http://{self.marathon.address}"
        self.assertEqual(self.marathon.headers["x-marathon-leader"], wanted)
        info = self.done("GET", "/v2/info")
        self.assertEqual((info["leader"], info["elected"]), (self.marathon.address, True))

    def test_abdicates(self) -> None:
        """DELETE ends the process after its answer; the next life has apps, tasks and versions."""
        document = self.app(instances=2, env={"A": "1"})
        self.started(document)
        self.changed("PUT", f"/v2/apps{document['id']}", {"instances": 3})
        tasks, app = self.running(document["id"], 3), self.shown(document["id"])
        versions = self.done("GET", f"/v2/apps{document['id']}/versions")
        framework_id = self.marathon.framework_id()
        told = self.done("DELETE", "/v2/leader")
        self.assertEqual(told, {"message": "Leadership abdicated"})
        self.again()
        self.assertEqual(self.marathon.framework_id(), framework_id)
        self.assertEqual(self.tasks(document["id"]), tasks)
        self.assertEqual(self.shown(document["id"]), app)
        self.assertEqual(self.done("GET", f"/v2/apps{document['id']}/versions"), versions)
        self.assertEqual(self.started_at_master(document["id"]), 3)

    def started_at_master(self, app_id: str) -> int:
        """How many tasks of an app the master has ever had."""
        name = ".".join(reversed(app_id.strip("/").split("/")))
        tasks = Marathon(self.town.master).ask("GET", "/tasks?limit=1000").body["tasks"]
        return sum(one["name"] == name for one in tasks)

    def test_killed_amid_deployment(self) -> None:
        """A deployment goes on where it was; what had been started is not started again."""
        document = self.app(instances=4, constraints=[["hostname", "UNIQUE"]])
        deployment = self.created(document)["deployments"][0]["id"]
        before = self.running(document["id"], 3)
        self.waits(document["id"])
        self.town.kill_marathon()
        self.town.start_marathon()
        self.assertIn(deployment, self.deployments())
        self.waits(document["id"])
        self.assertEqual(self.tasks(document["id"]), before)
        self.assertEqual(self.started_at_master(document["id"]), 3)
        self.changed("PUT", f"/v2/apps{document['id']}?force=true", {"constraints": []})
        self.running(document["id"], 4)

    def test_lock_survives(self) -> None:
        """What was locked is locked, and can be rolled back."""
        document = self.app()
        self.started(document)
        stuck = self.done("PUT", f"/v2/apps{document['id']}", {"cpus": HUGE_CPUS})["deploymentId"]
        self.town.kill_marathon()
        self.town.start_marathon()
        told = self.refused(409, "PUT", f"/v2/apps{document['id']}", {"cpus": 0.02})
        self.assertEqual(told["deployments"], [{"id": stuck}])
        self.changed("DELETE", f"/v2/deployments/{stuck}")
        self.running(document["id"], 1)
        self.assertEqual(self.shown(document["id"])["cpus"], 0.01)

    def test_task_ended_meanwhile(self) -> None:
        """A task that ended while Marathon was away is replaced when it is back."""
        document = self.app(cmd="echo $$; exec sleep 3600")
        (task,) = self.started(document)
        (pid,) = self.output(task)
        self.town.kill_marathon()
        os.kill(int(pid), signal.SIGKILL)
        self.town.start_marathon()
        wait_until("its end", lambda: task["id"] not in self.task_ids(document["id"]))
        self.running(document["id"], 1)

    def test_health_survives(self) -> None:
        """Checks begin again: health is unknown until the first result, then known."""
        directory = self.directory()
        check = {"protocol": "HTTP", "path": "/", "intervalSeconds": 1}
        document = self.server(directory, healthChecks=[check])
        self.started(document)
        self.town.kill_marathon()
        self.town.start_marathon()
        wait_until("health", lambda: self.shown(document["id"])["tasksHealthy"] == 1)

    def test_failure_survives(self) -> None:
        """The last failure is told in the next life too."""
        flag = self.directory() / "flag"
        words = f"test -e {flag} && exec sleep 3600; touch {flag}; exit 7"
        document = self.app(cmd=words, backoffSeconds=1)
        self.created(document)
        failure = wait_until("a failure", lambda: self.shown(document["id"]).get("lastTaskFailure"))
        self.running(document["id"], 1)
        self.town.kill_marathon()
        self.town.start_marathon()
        self.assertEqual(self.shown(document["id"])["lastTaskFailure"], failure)

    def test_delay_ends(self) -> None:
        """Delays begin anew: what waited after a failure is tried at once by the next life."""
        document = self.app(cmd="exit 1", backoffSeconds=300)
        self.created(document)
        first = wait_until("a failure", lambda: self.shown(document["id"]).get("lastTaskFailure"))
        self.town.kill_marathon()
        self.town.start_marathon()
        wait_until(
            "another failure", lambda: self.shown(document["id"])["lastTaskFailure"] != first
        )

    def test_stream_ends(self) -> None:
        """Readers of events see that the leader is gone."""
        listener = self.listen()
        self.done("DELETE", "/v2/leader")
        wait_until("the end of the stream", lambda: listener.ended)
        self.again()


class LocalTests(OnTown):
    """With somebody who starts Marathon again."""

    def test_comes_back(self) -> None:
        """In a local cluster Marathon that abdicates is back by itself, with its tasks."""
        self.marathon = Marathon(local().marathon)
        document = self.app(instances=2)
        tasks = self.started(document)
        framework_id = self.marathon.framework_id()
        pid = local().pid_of("marathon")
        self.done("DELETE", "/v2/leader")
        wait_until("its end", lambda: local().pid_of("marathon") != pid)
        wait_until("Marathon", lambda: self.marathon.framework_id() == framework_id)
        self.assertEqual(self.tasks(document["id"]), tasks)
