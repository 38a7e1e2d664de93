"""Reading apps: lists, embedded parts, filters, tasks and versions."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.changes import (
    DeploymentChanged,
    HealthChanged,
    ReadinessChanged,
    TerminationKept,
    VersionForgotten,
)
from mesostw.core.marathon.records import Condition, Health, Readiness, Termination
from mesostw.model.apps import AppId, HealthCheck, InstanceId, PortDefinition
from mesostw.model.ids import AgentId, TaskId
from mesostw.model.tasks import TaskState
from tests.core.marathon.builders import V1, V2, V3, app, instance
from tests.http.marathon.world import STAMP, MarathonWorld, deployment
from tests.http.world import WALL

#: Keys that clients find in every app.
ALWAYS = {
    "id",
    "acceptedResourceRoles",
    "backoffFactor",
    "backoffSeconds",
    "cpus",
    "disk",
    "executor",
    "instances",
    "maxLaunchDelaySeconds",
    "mem",
    "gpus",
    "networks",
    "requirePorts",
    "upgradeStrategy",
    "version",
    "versionInfo",
    "killSelection",
    "unreachableStrategy",
    "role",
}
#: Keys that the original may add; a strict client breaks on any other.
ADDED = {
    "cmd",
    "labels",
    "portDefinitions",
    "healthChecks",
    "tasksStaged",
    "tasksRunning",
    "tasksHealthy",
    "tasksUnhealthy",
    "deployments",
    "tasks",
    "lastTaskFailure",
    "readinessCheckResults",
    "taskStats",
}
COUNTS = {"tasksStaged": 1, "tasksRunning": 2, "tasksHealthy": 1, "tasksUnhealthy": 1}


def ended(number: int = 1, **others: object) -> Termination:
    """How an instance of ``/shop/db`` failed."""
    fields: dict[str, object] = {
        "app_id": AppId("/shop/db"),
        "number": number,
        "instance_id": InstanceId(f"shop_db.instance-{number}"),
        "task_id": TaskId(f"shop_db.instance-{number}._app.1"),
        "agent_id": AgentId("S9"),
        "hostname": "n9",
        "version": V1,
        "state": TaskState.TASK_FAILED,
        "message": "Command exited with status 1",
        "reason": "REASON_COMMAND_EXECUTOR_FAILED",
        "ended": WALL - number,
        "exit_status": 1,
        "is_failure": True,
    }
    return Termination(**{**fields, **others})  # type: ignore[arg-type]


class World(MarathonWorld):
    """Two apps in two groups; one has instances of every sort."""

    def __init__(self) -> None:
        super().__init__()
        self.db = app(
            "/shop/db",
            V2,
            instances=3,
            cmd="serve --Data",
            labels={"tier": "back", "owner": "ann"},
            health_checks=(HealthCheck(),),
            port_definitions=(PortDefinition(port=10_005, name="default"),),
        )
        self.web = app("/front/web", V1, cmd="httpd", labels={"tier": "front"})
        one, two = (
            instance(
                self.db,
                number=number,
                task_state=TaskState.TASK_RUNNING,
                ports=(31_000 + number,),
                staged_at=WALL - 30,
                started_at=WALL - 10 * number,
                addresses=(("10.1.0.1", "IPv4"),),
            )
            for number in (1, 2)
        )
        staged = instance(self.db, Condition.STAGING, 3)
        self.add(self.db, self.web, one, two, staged)
        self.publish(
            HealthChanged(one.id, (Health(0, alive=True, last_success=WALL - 1),)),
            HealthChanged(
                two.id,
                (Health(0, alive=False, consecutive_failures=2, last_failure_cause="refused"),),
            ),
            ReadinessChanged(two.id, Readiness("ready", two.task_id, ready=False, status=503)),
            DeploymentChanged(deployment("/shop/db")),
            TerminationKept(ended(2)),
            TerminationKept(ended(1)),
        )


class ListTests(SynchronousTestCase):
    """``GET /v2/apps``."""

    def setUp(self) -> None:
        self.world = World()

    def ids(self, query: str) -> list[str]:
        return [one["id"] for one in self.world.get(f"/v2/apps?{query}").json["apps"]]

    def test_list(self) -> None:
        """Counts and deployments are always there, tasks are not, and no key is ours."""
        answer = self.world.get("/v2/apps")
        self.assertEqual(answer.headers["content-type"], "application/json")
        db, web = answer.json["apps"]
        self.assertEqual({key: db[key] for key in COUNTS}, COUNTS)
        self.assertEqual(db["deployments"], [{"id": "d-1"}])
        self.assertEqual(web["deployments"], [])
        self.assertEqual(
            set(web), ALWAYS | {"cmd", "labels", "portDefinitions", "deployments", *COUNTS}
        )

    def test_embed(self) -> None:
        """All that is asked for comes, by every spelling, and what is unknown is ignored."""
        query = "&".join(
            f"embed={one}"
            for one in ("apps.tasks", "app.readiness", "taskStats", "apps.lastTaskFailure", "nope")
        )
        db = self.world.get(f"/v2/apps/?{query}").json["apps"][0]
        self.assertEqual(len(db["tasks"]), 3)
        self.assertEqual(db["lastTaskFailure"]["taskId"], "shop_db.instance-1._app.1")
        self.assertEqual(set(db) - ALWAYS, ADDED)

    def test_failures(self) -> None:
        """``failures`` is tasks, the last failure and deployments."""
        db = self.world.get("/v2/apps?embed=apps.failures").json["apps"][0]
        self.assertLessEqual({"tasks", "lastTaskFailure", "deployments"}, set(db))

    def test_filters(self) -> None:
        """Parts of commands and ids in any case, and label selectors, all of them at once."""
        self.assertEqual(self.ids("cmd=DATA"), ["/shop/db"])
        self.assertEqual(self.ids("id=Web"), ["/front/web"])
        self.assertEqual(self.ids("label=tier"), ["/shop/db", "/front/web"])
        self.assertEqual(self.ids("label=tier!%3Dback"), ["/front/web"])
        self.assertEqual(self.ids("label=tier%3D%3Dback,owner+in+(ann,bob)"), ["/shop/db"])
        self.assertEqual(self.ids("cmd=httpd&id=shop"), [])

    def test_bad_selector(self) -> None:
        """A selector that cannot be read is 422 with the place."""
        answer = self.world.get("/v2/apps?label=tier%3Dback")
        self.assertEqual(answer.code, 422)
        self.assertIn("from character 5", answer.json["message"])

    def test_read_your_writes(self) -> None:
        """The shared body is another one as soon as anything has changed."""
        self.assertEqual(len(self.ids("")), 2)
        self.world.add(app("/new"))
        self.assertEqual(len(self.ids("")), 3)

    def test_texts_are_made_once(self) -> None:
        """What has not changed is not rendered again."""
        world = MarathonWorld()
        one = app("/a", instances=500)
        world.add(one, *(instance(one, number=number) for number in range(500)))
        first = world.get("/v2/apps?embed=apps.tasks").json
        world.add(app("/b"))
        again = world.get("/v2/apps?embed=apps.tasks").json
        self.assertEqual(again["apps"][0], first["apps"][0])
        world.publish(HealthChanged(instance(one, number=7).id, (Health(0, alive=True),)))
        tasks = world.get("/v2/apps?embed=apps.tasks").json["apps"][0]["tasks"]
        checked = [task for task in tasks if "healthCheckResults" in task]
        self.assertEqual([task["id"] for task in checked], ["a.instance-0007._app.1"])

    def test_extensions(self) -> None:
        """Ours is shown to who asks for it only."""
        self.world.add(app("/every", every_agent=True, instances=2, drain_delay_seconds=5.0))
        plain = self.world.get("/v2/apps/every").json["app"]
        self.assertEqual(plain["instances"], 2)
        self.assertNotIn("drainDelaySeconds", plain)
        whole = self.world.get("/v2/apps/every?extensions=True").json["app"]
        self.assertEqual((whole["instances"], whole["drainDelaySeconds"]), ("*", 5.0))


class SingleTests(SynchronousTestCase):
    """``GET /v2/apps/ID`` and what is below it."""

    def setUp(self) -> None:
        self.world = World()

    def test_single(self) -> None:
        """Counts, tasks, the last failure and deployments are always there."""
        db = self.world.get("/v2/apps/shop/db").json["app"]
        for path in ("/v2/apps//shop/db/", "/v2/apps/shop%2Fdb?embed=nope"):
            self.assertEqual(self.world.get(path).json["app"], db)
        self.assertEqual({key: db[key] for key in COUNTS}, COUNTS)
        self.assertEqual(len(db["tasks"]), 3)
        self.assertEqual(db["deployments"], [{"id": "d-1"}])
        self.assertEqual(
            db["lastTaskFailure"],
            {
                "appId": "/shop/db",
                "host": "n9",
                "message": "Command exited with status 1",
                "state": "TASK_FAILED",
                "taskId": "shop_db.instance-1._app.1",
                "timestamp": db["lastTaskFailure"]["timestamp"],
                "version": V1,
                "slaveId": "S9",
            },
        )

    def test_task(self) -> None:
        """A task has its place, its times with three decimals, and what checks have found."""
        one, two, staged = self.world.get("/v2/apps/shop/db/tasks").json["tasks"]
        for key in ("stagedAt", "startedAt"):
            self.assertRegex(one.pop(key), STAMP)
        health = one.pop("healthCheckResults")
        self.assertEqual(
            one,
            {
                "appId": "/shop/db",
                "host": "n1",
                "id": "shop_db.instance-0001._app.1",
                "ipAddresses": [{"ipAddress": "10.1.0.1", "protocol": "IPv4"}],
                "ports": [31_001],
                "slaveId": "S1",
                "state": "TASK_RUNNING",
                "version": V2,
                "role": "*",
            },
        )
        self.assertEqual(health[0]["instanceId"], "shop_db.instance-0001")
        self.assertRegex(health[0]["lastSuccess"], STAMP)
        failing = two["healthCheckResults"][0]
        self.assertEqual((failing["alive"], failing["consecutiveFailures"]), (False, 2))
        self.assertEqual(failing["lastFailureCause"], "refused")
        self.assertNotIn("startedAt", staged)
        self.assertNotIn("healthCheckResults", staged)

    def test_agents_check(self) -> None:
        """What the agent's own check found is a result as well."""
        checked = instance(self.world.web, number=9, agent_health=True)
        self.world.add(checked)
        shown = self.world.get("/v2/apps/front/web").json["app"]
        self.assertEqual(shown["tasks"][0]["healthCheckResults"][0]["alive"], True)

    def test_places(self) -> None:
        """Region, zone and the finding of a general check are shown where there are some."""
        self.world.add(
            instance(
                self.world.web, number=9, zone="z1", check_result={"http": {"statusCode": 200}}
            )
        )
        task = self.world.get("/v2/apps/front/web/tasks").json["tasks"][0]
        self.assertEqual((task["zone"], task["checkResult"]), ("z1", {"http": {"statusCode": 200}}))
        self.assertNotIn("region", task)

    def test_readiness(self) -> None:
        """Readiness results come with the last answer, if it was kept."""
        db = self.world.get("/v2/apps/shop/db?embed=app.readiness").json["app"]
        self.assertEqual(
            db["readinessCheckResults"],
            [
                {
                    "name": "ready",
                    "taskId": "shop_db.instance-0002._app.1",
                    "ready": False,
                    "lastResponse": {"status": 503, "contentType": "", "body": ""},
                }
            ],
        )

    def test_task_stats(self) -> None:
        """Counts and life times by class; a class without a task is left out."""
        old = instance(self.world.db, number=4, version=V1, config=V1, started_at=WALL - 100)
        self.world.add(old)
        stats = self.world.get("/v2/apps/shop/db?embed=app.taskStats").json["app"]["taskStats"]
        latest = stats["withLatestConfig"]["stats"]
        self.assertEqual(
            latest["counts"], {"staged": 1, "running": 2, "healthy": 1, "unhealthy": 1}
        )
        self.assertEqual(latest["lifeTime"], {"averageSeconds": 15.0, "medianSeconds": 15.0})
        self.assertEqual(stats["withOutdatedConfig"]["stats"]["counts"]["running"], 1)
        self.assertEqual(stats["totalSummary"]["stats"]["counts"]["running"], 3)
        self.assertIn("startedAfterLastScaling", stats)
        web = self.world.get("/v2/apps/front/web?embed=app.taskStats").json["app"]
        self.assertEqual(web["taskStats"], {})

    def test_unknown(self) -> None:
        """An unknown app is 404 with its id, whatever is asked of it."""
        for rest in ("", "/tasks", "/versions", "/restart"):
            answer = self.world.get(f"/v2/apps/nope{rest}")
            self.assertEqual(answer.code, 404)
            app_id = "/nope/restart" if rest == "/restart" else "/nope"
            self.assertEqual(answer.json, {"message": f"App '{app_id}' does not exist"})

    def test_group(self) -> None:
        """``*`` is every app in a group, and a group that is not there is 404."""
        found = self.world.get("/v2/apps/shop/*").json
        self.assertEqual([one["id"] for one in found["*"]], ["/shop/db"])
        self.assertEqual(len(found["*"][0]["tasks"]), 3)
        self.assertEqual(len(self.world.get("/v2/apps/*").json["*"]), 2)
        self.assertEqual(len(self.world.get("/v2/apps/shop/*/tasks").json["tasks"]), 3)
        answer = self.world.get("/v2/apps/nope/*")
        self.assertEqual(answer.json, {"message": "Group '/nope' does not exist"})

    def test_table(self) -> None:
        """As text, each service port has a line of the places where it is served."""
        text = self.world.get("/v2/apps/shop/db/tasks", accept="text/plain").text
        self.assertEqual(text, "shop_db\t10005\tn1:31001\tn2:31002\n")


class VersionTests(SynchronousTestCase):
    """``GET /v2/apps/ID/versions``."""

    def setUp(self) -> None:
        self.world = World()
        self.world.add(app("/shop/db", V3, config=V2, instances=5))

    def test_list(self) -> None:
        """Newest first: clients cut the list."""
        self.assertEqual(self.world.get("/v2/apps/shop/db/versions").json, {"versions": [V3, V2]})

    def test_single(self) -> None:
        """A version is the app alone, not wrapped, and without anything added."""
        shown = self.world.get(f"/v2/apps/shop/db/versions/{V2}").json
        self.assertEqual((shown["version"], shown["instances"]), (V2, 3))
        self.assertEqual(set(shown) & set(COUNTS), set())
        info = self.world.get(f"/v2/apps/shop/db/versions/{V3}").json["versionInfo"]
        self.assertEqual(info, {"lastScalingAt": V3, "lastConfigChangeAt": V2})

    def test_other_spelling(self) -> None:
        """Clients that leave the decimals out mean the same version."""
        self.assertEqual(
            self.world.get("/v2/apps/shop/db/versions/2026-01-02T00:00:00Z").json["version"], V2
        )

    def test_unknown(self) -> None:
        """A version that is not kept is 404, and no time stamp is 422."""
        self.world.publish(VersionForgotten(AppId("/shop/db"), V2))
        answer = self.world.get(f"/v2/apps/shop/db/versions/{V2}")
        self.assertEqual(answer.code, 404)
        self.assertEqual(answer.json, {"message": f"App '/shop/db' does not exist in version {V2}"})
        answer = self.world.get("/v2/apps/shop/db/versions/latest")
        self.assertEqual(answer.code, 422)
        self.assertEqual(
            answer.json["message"],
            "Invalid timestamp provided 'latest'. Expecting ISO-8601 datetime string.",
        )
