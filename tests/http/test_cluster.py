"""The pages that show a master's state: shapes, freshness, what is kept."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.master.changes import AgentKept, FrameworkKept, TaskChanged, TaskRemoved
from mesostw.core.master.records import Task
from mesostw.http.shapes import TEXTS_MIN, Texts
from tests.http.world import (
    FINISHED,
    WALL,
    MasterWorld,
    agent,
    framework,
    small_cluster,
    task,
)


class StateTests(SynchronousTestCase):
    """``/state`` and its parts over a small cluster."""

    def setUp(self) -> None:
        self.world = MasterWorld()
        self.world.publish(*small_cluster())

    def test_head(self) -> None:
        """The master tells who it is, that it leads, and how many agents there are."""
        state = self.world.get("/state").json
        self.assertEqual(state["id"], "m-1")
        self.assertEqual(state["pid"], "master@10.0.0.1:5050")
        self.assertEqual(state["leader_info"]["port"], 5050)
        self.assertEqual(state["activated_slaves"], 1)
        self.assertEqual(state["version"], "1.11.0")
        self.assertEqual(state["flags"], {"port": "5050"})
        self.assertEqual((state["orphan_tasks"], state["unregistered_frameworks"]), ([], []))
        self.assertEqual(state["elected_time"], WALL - 50)

    def test_agent(self) -> None:
        """An agent's pid has the form that clients take apart, and its resources are flat."""
        (slave,) = self.world.get("/slaves").json["slaves"]
        self.assertEqual(slave["pid"], "slave(1)@10.0.1.1:5051")
        self.assertEqual(
            slave["resources"],
            {"cpus": 4.0, "gpus": 0.0, "mem": 1024.0, "disk": 2000.0, "ports": "[31000-31009]"},
        )
        self.assertEqual(slave["used_resources"]["cpus"], 0.6)
        self.assertEqual(slave["offered_resources"]["mem"], 128.0)
        self.assertIs(slave["active"], True)
        self.assertEqual(
            {one["name"] for one in slave["unreserved_resources_full"]},
            {"cpus", "mem", "disk", "ports"},
        )

    def test_framework(self) -> None:
        """A framework has no pid at all: an empty one makes DNS servers drop everything."""
        (one,) = self.world.get("/frameworks").json["frameworks"]
        self.assertNotIn("pid", one)
        self.assertEqual(one["roles"], ["web"])
        self.assertNotIn("role", one)
        self.assertEqual(one["unregistered_time"], 0.0)
        self.assertEqual(one["resources"]["cpus"], 1.6)
        self.assertEqual([task["id"] for task in one["tasks"]], ["t1"])
        self.assertEqual([task["id"] for task in one["completed_tasks"]], ["t2"])
        self.assertEqual(one["offers"][0]["allocation_info"], {"role": "web"})
        self.assertEqual(one["executors"][0]["executor_id"], "e1")
        self.assertEqual(one["executors"][0]["slave_id"], "m-1-S1")

    def test_a_framework_without_multi_role(self) -> None:
        """It has ``role``, a text, and no ``roles``."""
        self.world.publish(FrameworkKept(framework(2, capabilities=frozenset())))
        (one,) = self.world.get("/frameworks?framework_id=m-1-0002").json["frameworks"]
        self.assertEqual(one["role"], "web")
        self.assertNotIn("roles", one)

    def test_task(self) -> None:
        """A command task's executor id is empty; statuses have state and time only."""
        shown = self.world.get("/tasks?task_id=t1").json["tasks"]
        self.assertEqual(
            shown[0],
            {
                "id": "t1",
                "name": "task 1",
                "framework_id": "m-1-0001",
                "executor_id": "",
                "slave_id": "m-1-S1",
                "state": "TASK_RUNNING",
                "resources": {"cpus": 0.1, "gpus": 0.0, "mem": 32.0, "disk": 0.0},
                "role": "web",
                "statuses": [{"state": "TASK_RUNNING", "timestamp": WALL - 19}],
                "user": "root",
            },
        )

    def test_tasks_are_paged(self) -> None:
        """``/tasks`` is newest first; what cannot be read is the default."""
        self.world.publish(*(TaskChanged(task(n)) for n in range(3, 200)))
        ids = [one["id"] for one in self.world.get("/tasks").json["tasks"]]
        self.assertEqual((len(ids), ids[0]), (100, "t199"))
        ids = [
            one["id"] for one in self.world.get("/tasks?limit=2&offset=1&order=asc").json["tasks"]
        ]
        self.assertEqual(ids, ["t2", "t3"])
        self.assertEqual(len(self.world.get("/tasks?limit=x&offset=-3").json["tasks"]), 100)

    def test_summary(self) -> None:
        """Counts stand in place of tasks."""
        summary = self.world.get("/state-summary").json
        self.assertEqual(summary["slaves"][0]["TASK_RUNNING"], 1)
        self.assertEqual(summary["slaves"][0]["TASK_FINISHED"], 1)
        self.assertEqual(summary["slaves"][0]["framework_ids"], ["m-1-0001"])
        self.assertEqual(summary["frameworks"][0]["slave_ids"], ["m-1-S1"])

    def test_roles(self) -> None:
        """A role tells its weight, what it has and who is in it."""
        roles = {one["name"]: one for one in self.world.get("/roles").json["roles"]}
        self.assertEqual(roles["web"]["weight"], 1.0)
        self.assertEqual(roles["web"]["allocated"]["cpus"], 0.6)
        self.assertEqual(roles["web"]["offered"]["cpus"], 1.0)
        self.assertEqual(roles["web"]["frameworks"], ["m-1-0001"])
        self.assertIn("*", roles)

    def test_every_name(self) -> None:
        """Old names, actor prefixes and slashes at the end all lead to the same page."""
        body = self.world.get("/state").body
        for path in ("/master/state", "/state.json", "/master/state.json", "/state/", "//state"):
            self.assertEqual(self.world.get(path).body, body, path)
        self.assertEqual(self.world.get("/master/frameworks/").code, 200)

    def test_unknown_paths(self) -> None:
        """What is not there is 404 without a body."""
        for path in ("/nonsense", "/state/more", "/redirect/x", "/master/", "/api"):
            answer = self.world.get(path)
            self.assertEqual((answer.code, answer.body), (404, b""), path)

    def test_not_modified(self) -> None:
        """Who has the body of this number is told so; a change makes another."""
        answer = self.world.get("/state")
        tag = answer.headers["etag"]
        again = self.world.get("/state", if_none_match=tag)
        self.assertEqual((again.code, again.body), (304, b""))
        self.world.publish(TaskChanged(task(7)))
        self.assertEqual(self.world.get("/state", if_none_match=tag).code, 200)

    def test_jsonp(self) -> None:
        """A page may have itself called, by a name and nothing else."""
        answer = self.world.get("/state?jsonp=angular.callbacks._0")
        self.assertTrue(answer.body.startswith(b'angular.callbacks._0({"version"'))
        self.assertTrue(answer.body.endswith(b"});"))
        self.assertEqual(answer.headers["content-type"], "text/javascript")
        self.assertEqual(self.world.get("/state?jsonp=alert(1)//").code, 400)

    def test_leader(self) -> None:
        """Another leader's pages are there; without one, or before the registry, there are none."""
        self.world.leader = "10.0.0.2:5050"
        answer = self.world.get("/state?x=1")
        self.assertEqual(answer.code, 307)
        self.assertEqual(answer.headers["location"], "//10.0.0.2:5050/state?x=1")
        self.world.leader = None
        self.assertEqual(self.world.get("/state").text, "No leader elected")
        self.world.leader, self.world.feed.epoch = "", ""
        answer = self.world.get("/state")
        self.assertEqual((answer.code, answer.text), (503, "Master has not finished recovery"))
        self.assertEqual(self.world.get("/health").code, 200)

    def test_methods(self) -> None:
        """Pages are for reading."""
        answer = self.world.visit().ask("POST", "/state")
        self.assertEqual((answer.code, answer.headers["allow"]), (405, "GET"))
        answer = self.world.visit().ask("HEAD", "/state")
        self.assertEqual((answer.code, answer.body), (200, b""))


class FreshnessTests(SynchronousTestCase):
    """Reading never rebuilds what has not changed."""

    def setUp(self) -> None:
        self.world = MasterWorld()
        self.world.publish(
            AgentKept(agent()),
            FrameworkKept(framework()),
            *(TaskChanged(task(n)) for n in range(300)),
        )

    def test_what_has_not_changed_is_not_made_again(self) -> None:
        """One new task costs one text, whatever there is beside it."""
        self.world.get("/state")
        pages = self.world.site.resource._exact["state"]._page._get.__self__
        made = pages._tasks.made
        self.world.publish(TaskChanged(task(1000)))
        self.world.get("/state")
        self.assertEqual(pages._tasks.made, made + 1)

    def test_ended_tasks_are_forgotten(self) -> None:
        """Texts of what is no longer there are not kept."""
        self.world.get("/state")
        for n in range(299):
            self.world.publish(TaskChanged(task(n, FINISHED)), TaskRemoved(task(n, FINISHED)))
        self.world.get("/state")
        pages = self.world.site.resource._exact["state"]._page._get.__self__
        self.assertEqual(len(pages._tasks._kept), 300)

    def test_single_tasks_do_not_pile_up(self) -> None:
        """Where only ``/tasks`` is read, texts of what ended long ago are let go."""
        texts: Texts[Task] = Texts(lambda one: one.id.encode())
        for n in range(2 * TEXTS_MIN + 10):
            texts.get(task(n))
        self.assertLessEqual(len(texts._kept), TEXTS_MIN)
