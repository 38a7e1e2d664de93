"""The API over the real core: what is asked for happens, and is seen."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.flags import MarathonFlags
from mesostw.messages import TaskState
from tests.http.marathon.living import LivingWorld
from tests.http.marathon.test_apps import ADDED, ALWAYS
from tests.http.marathon.test_events import frames
from tests.http.marathon.world import STAMP
from tests.http.world import Answer


class Living(SynchronousTestCase):
    """A Marathon that decides."""

    def setUp(self) -> None:
        self.world = LivingWorld()

    def tearDown(self) -> None:
        self.assertEqual(self.world.failures, [])

    def create(self, app_id: str, **more: object) -> Answer:
        answer = self.world.ask("POST", "/v2/apps", {"id": app_id, "cmd": "sleep 9", **more})
        self.assertEqual(answer.code, 201, answer.text)
        return answer

    def have(self, app_id: str, **more: object) -> None:
        self.create(app_id, **more)
        self.world.settle()

    def app(self, app_id: str) -> Any:
        return self.world.get(f"/v2/apps{app_id}").json["app"]


class AppTests(Living):
    """The life of an app."""

    def test_life(self) -> None:
        """Created, running, scaled, changed, restarted, removed; each a deployment."""
        answer = self.create("/shop/db", instances=2)
        shown = answer.json
        self.assertEqual(shown["deployments"][0]["id"], answer.headers["marathon-deployment-id"])
        self.assertRegex(shown["version"], STAMP)
        self.assertEqual(set(shown) - ALWAYS - ADDED, set())
        (deployment,) = self.world.get("/v2/deployments").json
        self.assertEqual(deployment["affectedApps"], ["/shop/db"])
        self.world.settle()
        db = self.app("/shop/db")
        self.assertEqual((db["tasksRunning"], db["deployments"], len(db["tasks"])), (2, [], 2))
        self.assertEqual(self.world.get("/v2/deployments").json, [])
        task = db["tasks"][0]
        self.assertEqual(task["state"], "TASK_RUNNING")
        self.assertEqual(len(task["ports"]), 1)
        self.assertRegex(task["startedAt"], STAMP)

        answer = self.world.ask("PUT", "/v2/apps//shop/db", {"instances": 3})
        self.assertEqual((answer.code, set(answer.json)), (200, {"version", "deploymentId"}))
        self.world.settle()
        self.assertEqual(self.app("/shop/db")["tasksRunning"], 3)

        answer = self.world.ask("PATCH", "/v2/apps/shop/db", {"mem": 64})
        self.assertEqual(answer.code, 200)
        self.world.settle(60)
        after = self.app("/shop/db")
        self.assertEqual((after["tasksRunning"], after["mem"]), (3, 64.0))
        self.assertEqual({one["version"] for one in after["tasks"]}, {after["version"]})

        self.assertEqual(self.world.ask("POST", "/v2/apps/shop/db/restart").code, 200)
        self.world.settle(60)
        versions = self.world.get("/v2/apps/shop/db/versions").json["versions"]
        self.assertEqual(versions, sorted(versions, reverse=True))
        self.assertEqual(len(versions), 4)
        self.assertEqual(
            self.world.get(f"/v2/apps/shop/db/versions/{versions[-1]}").json["instances"], 2
        )

        self.assertEqual(self.world.ask("DELETE", "/v2/apps/shop/db").code, 200)
        self.assertEqual(self.world.get("/v2/apps/shop/db").code, 404)
        self.world.settle()
        self.assertEqual(self.world.get("/v2/tasks").json, {"tasks": []})
        self.assertEqual(self.world.agent.tasks, {})

    def test_own_answer_sent_back(self) -> None:
        """What GET says may be sent back by PUT: clients change one key of it."""
        self.have("/a")
        shown = self.app("/a")
        shown["instances"] = 2
        answer = self.world.ask("PUT", "/v2/apps/a", shown)
        self.assertEqual(answer.code, 200, answer.text)
        self.world.settle()
        self.assertEqual(self.app("/a")["tasksRunning"], 2)

    def test_put_creates(self) -> None:
        """A PUT of an app that is not there is 201, with its place."""
        answer = self.world.ask("PUT", "/v2/apps/new/app", {"cmd": "x", "ports": None})
        self.assertEqual((answer.code, answer.headers["location"]), (201, "/v2/apps/new/app"))
        answer = self.world.ask("PATCH", "/v2/apps/other", {"cmd": "x"})
        self.assertEqual(answer.json, {"message": "App '/other' does not exist"})

    def test_many(self) -> None:
        """Several apps in one deployment."""
        documents = [{"id": f"/g/a{number}", "cmd": "x"} for number in range(3)]
        self.assertEqual(self.world.ask("PUT", "/v2/apps", documents).code, 200)
        self.world.settle()
        self.assertEqual(
            [one["tasksRunning"] for one in self.world.get("/v2/apps/g/*").json["*"]], [1] * 3
        )
        answer = self.world.ask("PUT", "/v2/apps", [*documents, {"cmd": "x"}])
        self.assertEqual((answer.code, answer.json["details"][0]["path"]), (422, "/(3)/id"))

    def test_roll_back(self) -> None:
        """A version alone has the app as it was."""
        self.have("/a", mem=32)
        first = self.app("/a")["version"]
        self.world.ask("PUT", "/v2/apps/a", {"mem": 64})
        self.world.settle()
        self.assertEqual(self.world.ask("PUT", "/v2/apps/a", {"version": first}).code, 200)
        self.world.settle()
        self.assertEqual(self.app("/a")["mem"], 32.0)

    def test_refusals(self) -> None:
        """Wrong documents, in the words of the API."""
        for body, code, path, error in (
            ({"cmd": "x"}, 422, "/id", "error.path.missing"),
            ({"id": 3, "cmd": "x"}, 422, "/id", "error.expected.jsstring"),
            ({"id": "/a", "cmd": "x", "cpus": "1"}, 422, "/cpus", "error.expected.jsnumber"),
            ({"id": "/a", "cmd": "x", "instances": -1}, 422, "/instances", "error.min"),
            ({"id": "/A", "cmd": "x"}, 422, "/id", "must fully match"),
        ):
            answer = self.world.ask("POST", "/v2/apps", body)
            self.assertEqual(answer.code, code)
            (detail,) = answer.json["details"]
            self.assertEqual(detail["path"], path)
            self.assertIn(error, detail["errors"][0])

    def test_exists(self) -> None:
        """A second app of that name is 409."""
        self.create("/a")
        answer = self.world.ask("POST", "/v2/apps", {"id": "/a", "cmd": "x"})
        self.assertEqual(answer.code, 409)
        self.assertEqual(answer.json, {"message": "An app with id [/a] already exists."})

    def test_locked(self) -> None:
        """A deployment under way is in the way, unless it is forced out of it."""
        deployment_id = self.create("/a", instances=2).headers["marathon-deployment-id"]
        answer = self.world.ask("PUT", "/v2/apps/a", {"instances": 3})
        self.assertEqual(answer.code, 409)
        self.assertEqual(answer.json["deployments"], [{"id": deployment_id}])
        self.assertTrue(
            answer.json["message"].startswith("App is locked by one or more deployments.")
        )
        self.assertEqual(self.world.ask("PUT", "/v2/apps/a?force=True", {"instances": 3}).code, 200)

    def test_too_many_deployments(self) -> None:
        """Over the limit it is 403."""
        world = LivingWorld(MarathonFlags(max_running_deployments=1))
        self.assertEqual(world.ask("POST", "/v2/apps", {"id": "/a", "cmd": "x"}).code, 201)
        answer = world.ask("POST", "/v2/apps", {"id": "/b", "cmd": "x"})
        self.assertEqual((answer.code, set(answer.json)), (403, {"message"}))


class TaskTests(Living):
    """Tasks that end, by themselves or because somebody wants it."""

    def test_failure(self) -> None:
        """How an instance failed is shown, and another one takes its place after the delay."""
        self.have("/a")
        (task_id,) = self.world.agent.tasks
        self.world.agent.tell(task_id, TaskState.TASK_FAILED, "Command exited with status 3")
        self.world.turn()
        failure = self.app("/a")["lastTaskFailure"]
        self.assertEqual((failure["taskId"], failure["state"]), (task_id, "TASK_FAILED"))
        (end,) = self.world.get("/why/terminations/a").json["terminations"]
        self.assertEqual((end["exitStatus"], end["failure"]), (3, True))
        (waiting,) = self.world.get("/v2/queue").json["queue"]
        self.assertEqual((waiting["app"]["id"], waiting["count"]), ("/a", 1))
        self.assertFalse(waiting["delay"]["overdue"])
        self.assertEqual(self.world.ask("DELETE", "/v2/queue/a/delay").code, 204)
        self.assertTrue(self.world.get("/v2/queue").json["queue"][0]["delay"]["overdue"])
        self.world.settle()
        self.assertEqual(self.app("/a")["tasksRunning"], 1)
        answer = self.world.ask("DELETE", "/v2/queue/a/delay")
        self.assertEqual(answer.json, {"message": "Application /a not found in tasks queue."})

    def test_kill(self) -> None:
        """One task, all on a host, or those that are named; each is replaced."""
        self.have("/a", instances=2)
        first, second = (one["id"] for one in self.app("/a")["tasks"])
        answer = self.world.ask("DELETE", f"/v2/apps/a/tasks/{first}")
        self.assertEqual((answer.code, answer.json["task"]["id"]), (200, first))
        self.world.settle()
        self.assertEqual(self.app("/a")["tasksRunning"], 2)
        answer = self.world.ask(
            "POST", "/v2/tasks/delete", {"ids": [second, "no.instance-1._app.1"]}
        )
        self.assertEqual([one["id"] for one in answer.json["tasks"]], [second])
        self.world.settle()
        answer = self.world.ask("DELETE", "/v2/apps/a/tasks?host=*")
        self.assertEqual(len(answer.json["tasks"]), 2)
        self.world.settle()
        self.assertEqual(self.app("/a")["tasksRunning"], 2)

    def test_kill_and_scale(self) -> None:
        """With ``scale`` there is one instance less."""
        self.have("/a", instances=2)
        task_id = self.app("/a")["tasks"][0]["id"]
        answer = self.world.ask("DELETE", f"/v2/apps/a/tasks/{task_id}?scale=true")
        self.assertEqual(set(answer.json), {"version", "deploymentId"})
        self.world.settle()
        left = self.app("/a")
        self.assertEqual((left["instances"], left["tasksRunning"]), (1, 1))
        self.assertNotEqual(left["tasks"][0]["id"], task_id)


class TreeTests(Living):
    """Groups, deployments and why."""

    GROUP = {  # noqa: RUF012
        "id": "shop",
        "apps": [{"id": "web", "cmd": "w", "dependencies": ["/shop/db"]}, {"id": "db", "cmd": "d"}],
    }

    def test_group(self) -> None:
        """Created, planned, scaled, set back, replaced and removed."""
        answer = self.world.ask("POST", "/v2/groups", self.GROUP)
        self.assertEqual((answer.code, answer.headers["location"]), (201, "/v2/groups/shop"))
        self.world.settle()
        shop = self.world.get("/v2/groups/shop").json
        self.assertEqual([one["id"] for one in shop["apps"]], ["/shop/db", "/shop/web"])
        self.assertNotIn("enforceRole", shop)
        answer = self.world.ask("PUT", "/v2/groups/shop?dryRun=true", {"scaleBy": 2})
        actions = [[one["app"] for one in step["actions"]] for step in answer.json["steps"]]
        self.assertEqual(actions, [["/shop/db"], ["/shop/web"]])
        self.assertEqual(self.app("/shop/db")["instances"], 1)
        self.assertEqual(self.world.ask("PUT", "/v2/groups/shop", {"scaleBy": 2}).code, 200)
        self.world.settle()
        self.assertEqual(self.app("/shop/web")["tasksRunning"], 2)

        versions = self.world.get("/v2/groups/shop/versions").json
        self.assertEqual(versions[0], self.world.get("/v2/groups/shop").json["version"])
        then = self.world.get(f"/v2/groups/shop/versions/{shop['version']}").json
        self.assertEqual([one["instances"] for one in then["apps"]], [1, 1])
        answer = self.world.ask("PUT", "/v2/groups/shop", {"version": shop["version"]})
        self.assertEqual(answer.code, 200)
        self.world.settle()
        self.assertEqual(self.app("/shop/web")["tasksRunning"], 1)

        only = {"apps": [{"id": "db", "cmd": "d"}]}
        self.assertEqual(self.world.ask("PUT", "/v2/groups/shop", only).code, 200)
        self.world.settle()
        self.assertEqual(self.world.get("/v2/apps/shop/web").code, 404)
        self.assertEqual(self.world.ask("DELETE", "/v2/groups/shop").code, 200)
        self.world.settle()
        self.assertEqual(self.world.get("/v2/groups/shop").code, 404)
        self.assertEqual(self.world.get("/v2/apps").json, {"apps": []})

    def test_group_refusals(self) -> None:
        """What is there, what is not, and what depends on itself."""
        self.world.ask("POST", "/v2/groups", {"id": "/g"})
        answer = self.world.ask("POST", "/v2/groups", {"id": "/g"})
        self.assertEqual(answer.code, 409)
        text = "Group /g is already created. Use PUT to change this group."
        self.assertEqual(answer.json, {"message": text})
        circle = [
            {"id": one, "cmd": "x", "dependencies": [f"/h/{two}"]} for one, two in ("ab", "ba")
        ]
        answer = self.world.ask("PUT", "/v2/groups/h", {"apps": circle})
        self.assertEqual(answer.code, 422)
        self.assertIn("cyclic dependencies", answer.text)
        answer = self.world.ask("POST", "/v2/groups", {"id": "A"})
        self.assertEqual((answer.code, answer.json["details"][0]["path"]), (422, "/id"))
        versions = self.world.get("/v2/groups/g/versions/2020-01-01T00:00:00.000Z")
        self.assertEqual(versions.code, 404)

    def test_empty_group_patch(self) -> None:
        """``enforceRole`` of a top-level group is changed alone, and is then shown."""
        self.world.ask("POST", "/v2/groups", {"id": "/g"})
        answer = self.world.ask("PATCH", "/v2/groups/g", {"enforceRole": True})
        self.assertEqual((answer.code, answer.body), (200, b""))
        self.assertEqual(self.world.get("/v2/groups/g").json["enforceRole"], True)

    def test_cancel(self) -> None:
        """A deployment is taken back: what it made is gone."""
        deployment_id = self.create("/a").headers["marathon-deployment-id"]
        answer = self.world.ask("DELETE", f"/v2/deployments/{deployment_id}")
        self.assertEqual(answer.code, 200)
        self.assertNotEqual(answer.json["deploymentId"], deployment_id)
        self.world.settle()
        self.assertEqual(self.world.get("/v2/apps/a").code, 404)

    def test_stop(self) -> None:
        """By force it only stops, and what it made stays."""
        deployment_id = self.create("/a").headers["marathon-deployment-id"]
        answer = self.world.ask("DELETE", f"/v2/deployments/{deployment_id}?force=true")
        self.assertEqual((answer.code, answer.body), (202, b""))
        self.assertEqual(self.world.get("/v2/deployments").json, [])
        self.assertEqual(self.world.get("/v2/apps/a").code, 200)

    def test_pause(self) -> None:
        """A deployment waits and goes on."""
        deployment_id = self.create("/a").headers["marathon-deployment-id"]
        for word, paused in (("pause", True), ("continue", False)):
            answer = self.world.ask("POST", f"/v2/deployments/{deployment_id}/{word}")
            self.assertEqual((answer.code, answer.json["paused"]), (200, paused), answer.text)

    def test_deadline(self) -> None:
        """What is not done by its deadline is taken back by itself."""
        answer = self.world.ask(
            "POST", "/v2/apps?deadlineSeconds=3", {"id": "/a", "cmd": "x", "cpus": 99}
        )
        self.assertEqual(answer.code, 201)
        for _ in range(6):
            self.world.clock.advance(1)
            self.world.turn()
        self.assertEqual(self.world.get("/v2/apps/a").code, 404)

    def test_why(self) -> None:
        """An app that finds no place says what is missing, and where."""
        self.create("/a", cpus=99)
        self.world.offer(2)
        told = self.world.get("/why/apps/a").json
        self.assertIn("cpus", told["sentence"])
        self.assertEqual((told["wished"], told["placed"], told["waiting"]), (1, 0, 1))
        self.assertEqual({one["reason"] for one in told["shortfalls"]}, {"InsufficientCpus"})
        self.assertTrue(told["story"])
        (waiting,) = self.world.get("/v2/queue?embed=lastUnusedOffers").json["queue"]
        summary = waiting["processedOffersSummary"]["rejectSummaryLastOffers"]
        self.assertIn({"reason": "InsufficientCpus", "declined": 2, "processed": 2}, summary)
        self.assertEqual(waiting["lastUnusedOffers"][0]["reason"], ["InsufficientCpus"])

    def test_events(self) -> None:
        """The stream tells of a deployment from its beginning to its end."""
        visit = self.world.visit()
        visit.ask("GET", "/v2/events", headers={"Accept": "text/event-stream"})
        self.create("/a")
        self.world.settle()
        kinds = [kind for kind, _ in frames(visit.now())]
        for kind in (
            "api_post_event",
            "group_change_success",
            "deployment_info",
            "status_update_event",
            "instance_changed_event",
            "deployment_step_success",
            "deployment_success",
        ):
            self.assertIn(kind, kinds)
        posted = next(event for kind, event in frames(visit.now()) if kind == "api_post_event")
        self.assertEqual((posted["clientIp"], posted["uri"]), ("10.0.0.9", "/v2/apps"))
        posted_app = posted["appDefinition"]
        assert isinstance(posted_app, dict)
        self.assertEqual(posted_app["version"], self.app("/a")["version"])

    def test_info(self) -> None:
        """The id that the master gave is told."""
        self.assertEqual(self.world.get("/v2/info").json["frameworkId"], "F-1")
