"""The stream of events."""

from __future__ import annotations

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.changes import AffectedKept, DeploymentEnded
from mesostw.core.marathon.events import (
    AppPosted,
    AppTerminated,
    DeploymentFailed,
    DeploymentInfo,
    DeploymentStepFailed,
    DeploymentStepSucceeded,
    DeploymentSucceeded,
    Event,
    FrameworkMessage,
    GroupChangeFailed,
    GroupChangeSucceeded,
    HealthCheckAdded,
    HealthCheckFailed,
    HealthCheckRemoved,
    HealthStatusMoved,
    InstanceHealthMoved,
    InstanceMoved,
    SchedulerDisconnected,
    SchedulerRegistered,
    SchedulerReregistered,
    StatusUpdated,
    UnhealthyInstanceKilled,
    UnknownInstanceTerminated,
)
from mesostw.core.marathon.records import Affected, Condition
from mesostw.model.apps import AppId, GroupId, HealthCheck, InstanceId
from mesostw.model.ids import AgentId, TaskId
from tests.core.marathon.builders import V1, V2, app
from tests.http.marathon.world import STAMP, MarathonWorld, deployment
from tests.http.world import WALL, Answer, Visit

A, ONE, T, S = AppId("/a"), InstanceId("a.instance-1"), TaskId("a.instance-1._app.1"), AgentId("S1")
PLAN = deployment("/a")

#: Every type with the keys that it has on the wire beside its type and time.
KEYS: tuple[tuple[Event, str, set[str]], ...] = (
    (
        AppPosted(at=WALL, client_ip="10.0.0.9", uri="/v2/apps", spec=app("/a").spec),
        "api_post_event",
        {"clientIp", "uri", "appDefinition"},
    ),
    (
        GroupChangeSucceeded(at=WALL, group_id=GroupId("/g"), version=V1),
        "group_change_success",
        {"groupId", "version"},
    ),
    (
        GroupChangeFailed(at=WALL, group_id=GroupId("/g"), version=V1, reason="no"),
        "group_change_failed",
        {"groupId", "version", "reason"},
    ),
    (DeploymentInfo(at=WALL, deployment=PLAN), "deployment_info", {"plan", "currentStep"}),
    (
        DeploymentStepSucceeded(at=WALL, deployment=PLAN),
        "deployment_step_success",
        {"plan", "currentStep"},
    ),
    (
        DeploymentStepFailed(at=WALL, deployment=PLAN),
        "deployment_step_failure",
        {"plan", "currentStep"},
    ),
    (
        DeploymentSucceeded(at=WALL, deployment_id=PLAN.id, deployment=PLAN),
        "deployment_success",
        {"id", "plan"},
    ),
    (
        DeploymentFailed(at=WALL, deployment_id=PLAN.id, deployment=PLAN, reason="cancelled"),
        "deployment_failed",
        {"id", "plan", "reason"},
    ),
    (AppTerminated(at=WALL, app_id=A), "app_terminated_event", {"appId"}),
    (
        StatusUpdated(
            at=WALL,
            agent_id=S,
            task_id=T,
            task_state="TASK_RUNNING",
            message="",
            app_id=A,
            hostname="n1",
            addresses=(("10.1.0.1", "IPv4"),),
            ports=(31_000,),
            version=V1,
        ),
        "status_update_event",
        {
            "slaveId",
            "taskId",
            "taskStatus",
            "message",
            "appId",
            "host",
            "ipAddresses",
            "ports",
            "version",
        },
    ),
    (
        InstanceMoved(
            at=WALL,
            instance_id=ONE,
            condition=Condition.RUNNING,
            app_id=A,
            agent_id=S,
            hostname="n1",
            version=V1,
        ),
        "instance_changed_event",
        {"instanceId", "condition", "runSpecId", "agentId", "host", "runSpecVersion"},
    ),
    (
        UnknownInstanceTerminated(at=WALL, instance_id=ONE, app_id=A, condition=Condition.KILLED),
        "unknown_instance_terminated_event",
        {"instanceId", "runSpecId", "condition"},
    ),
    (
        InstanceHealthMoved(at=WALL, instance_id=ONE, app_id=A, healthy=False, version=V1),
        "instance_health_changed_event",
        {"instanceId", "runSpecId", "healthy", "runSpecVersion"},
    ),
    (
        InstanceHealthMoved(at=WALL, instance_id=ONE, app_id=A, healthy=None, version=V1),
        "instance_health_changed_event",
        {"instanceId", "runSpecId", "runSpecVersion"},
    ),
    (
        HealthStatusMoved(at=WALL, app_id=A, instance_id=ONE, version=V1, alive=True),
        "health_status_changed_event",
        {"appId", "instanceId", "version", "alive"},
    ),
    (
        HealthCheckAdded(at=WALL, app_id=A, version=V1, health_check=HealthCheck()),
        "add_health_check_event",
        {"appId", "version", "healthCheck"},
    ),
    (HealthCheckRemoved(at=WALL, app_id=A), "remove_health_check_event", {"appId"}),
    (
        HealthCheckFailed(at=WALL, app_id=A, instance_id=ONE, health_check=HealthCheck()),
        "failed_health_check_event",
        {"appId", "taskId", "healthCheck"},
    ),
    (
        UnhealthyInstanceKilled(
            at=WALL,
            app_id=A,
            task_id=T,
            instance_id=ONE,
            version=V1,
            reason="refused",
            hostname="n1",
            agent_id=S,
        ),
        "unhealthy_instance_kill_event",
        {"appId", "taskId", "instanceId", "version", "reason", "host", "slaveId"},
    ),
    (
        SchedulerRegistered(at=WALL, framework_id="F", master="m:5050"),
        "scheduler_registered_event",
        {"frameworkId", "master"},
    ),
    (SchedulerReregistered(at=WALL, master="m:5050"), "scheduler_reregistered_event", {"master"}),
    (SchedulerDisconnected(at=WALL), "scheduler_disconnected_event", set()),
    (
        FrameworkMessage(at=WALL, executor_id="e", agent_id=S, content=b"\x01\xff"),
        "framework_message_event",
        {"executorId", "slaveId", "message"},
    ),
)


def frames(answer: Answer) -> list[tuple[str, dict[str, object]]]:
    """The events of a stream, each frame taken apart strictly."""
    found = []
    for frame in answer.text.split("\r\n\r\n"):
        if not frame.strip("\r\n"):
            continue
        head, data = frame.lstrip("\r\n").split("\r\n")
        assert head.startswith("event: ") and data.startswith("data: "), frame
        found.append((head[7:], msgspec.json.decode(data[6:])))
    return found


class EventsTests(SynchronousTestCase):
    """``GET /v2/events``."""

    def setUp(self) -> None:
        self.world = MarathonWorld(waiting_events_max=10)

    def attach(self, query: str = "", **headers: str) -> Visit:
        visit = self.world.visit()
        visit.ask("GET", f"/v2/events{query}", headers={"Accept": "text/event-stream", **headers})
        return visit

    def test_attached(self) -> None:
        """The first event is one's own arrival; the answer is chunked and never compressed."""
        visit = self.attach(**{"Accept-Encoding": "gzip"})
        answer = visit.now()
        self.assertEqual(answer.code, 200)
        self.assertTrue(answer.headers["content-type"].startswith("text/event-stream"))
        self.assertEqual(answer.headers["transfer-encoding"], "chunked")
        self.assertNotIn("content-encoding", answer.headers)
        ((kind, event),) = frames(answer)
        self.assertEqual((kind, event["eventType"]), ("event_stream_attached",) * 2)
        self.assertEqual(event["remoteAddress"], "10.0.0.9")

    def test_others_hear(self) -> None:
        """Readers are told who comes and goes."""
        first = self.attach()
        second = self.attach()
        second.hang_up()
        self.assertEqual(
            [kind for kind, _ in frames(first.now())],
            ["event_stream_attached", "event_stream_attached", "event_stream_detached"],
        )

    def test_every_kind(self) -> None:
        """Every type has exactly the original's keys, its time with three decimals."""
        visit = self.attach()
        self.world.tell(*(event for event, _, _ in KEYS))
        told = frames(visit.now())[1:]
        for (kind, shown), (_, wanted, keys) in zip(told, KEYS, strict=True):
            self.assertEqual((kind, shown["eventType"]), (wanted, wanted))
            self.assertEqual(set(shown) - {"eventType", "timestamp"}, keys, kind)
            self.assertRegex(str(shown["timestamp"]), STAMP)

    def test_one_chunk_an_event(self) -> None:
        """An event is one chunk, so that it is read as soon as it happens."""
        visit = self.attach()
        self.world.tell(SchedulerDisconnected(at=WALL), SchedulerDisconnected(at=WALL))
        chunks = visit.now().chunks
        self.assertEqual(len(chunks), 3)
        self.assertTrue(all(one.startswith(b"event: ") for one in chunks))

    def test_message(self) -> None:
        """Bytes of a message have a sign, as in Java."""
        visit = self.attach("?event_type=framework_message_event")
        self.world.tell(FrameworkMessage(at=WALL, executor_id="e", agent_id=S, content=b"\x01\xff"))
        self.assertEqual(frames(visit.now())[0][1]["message"], [1, -1])

    def test_filter(self) -> None:
        """Only the types that are asked for."""
        query = "?event_type=app_terminated_event&event_type=deployment_info&plan-format=light"
        visit = self.attach(query)
        self.world.tell(*(event for event, _, _ in KEYS))
        kinds = [kind for kind, _ in frames(visit.now())]
        self.assertEqual(kinds, ["deployment_info", "app_terminated_event"])

    def test_plans(self) -> None:
        """A light plan has three keys; others have trees, a heavy one with apps in them."""
        light = self.attach("?plan-format=light")
        heavy, plain = self.attach("?plan-format=heavy"), self.attach()
        before, after = app("/a", V1), app("/a", V2, instances=4)
        self.world.publish(AffectedKept(Affected(PLAN.id, A, before, after)))
        self.world.tell(DeploymentInfo(at=WALL, deployment=PLAN))
        (_, told), (_, more) = frames(light.now())[-1], frames(heavy.now())[-1]
        actions = [{"action": "ScaleApplication", "app": "/a"}]
        self.assertEqual(told["currentStep"], {"actions": actions})
        plan = {"id": "d-1", "version": V2, "steps": [{"actions": actions}]}
        self.assertEqual(told["plan"], plan)
        whole = more["plan"]
        assert isinstance(whole, dict)
        self.assertEqual(set(whole) - set(plan), {"original", "target"})
        self.assertEqual(whole["original"]["apps"][0]["instances"], 1)
        self.assertEqual(whole["target"]["apps"][0]["instances"], 4)
        usual = frames(plain.now())[-1][1]["plan"]
        assert isinstance(usual, dict)
        self.assertEqual(set(usual), set(whole))
        self.assertEqual((usual["original"]["apps"], usual["target"]["apps"]), ([], []))

    def test_end_of_a_heavy_plan(self) -> None:
        """The last event has the apps too, although its deployment ends with it."""
        heavy = self.attach("?plan-format=heavy")
        self.world.publish(AffectedKept(Affected(PLAN.id, A, None, app("/a"))))
        done = DeploymentSucceeded(at=WALL, deployment_id=PLAN.id, deployment=PLAN)
        for _ in range(2):
            self.world.tell(done)
            self.world.publish(DeploymentEnded(PLAN.id))
        plans = [event["plan"] for _, event in frames(heavy.now())[-2:]]
        apps = [len(plan["target"]["apps"]) for plan in plans]  # type: ignore[index]
        self.assertEqual(apps, [1, 0])

    def test_heartbeat(self) -> None:
        """An empty line each ten seconds, and none when nobody reads any more."""
        visit = self.attach()
        for _ in range(3):
            self.world.clock.advance(10)
        self.assertEqual(visit.now().chunks[1:], [b"\r\n"] * 3)
        visit.hang_up()
        self.world.clock.advance(10)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_slow_reader(self) -> None:
        """What a reader does not take waits in order, and over the limit it is cut off."""
        visit = self.attach()
        producer = visit.transport.producer
        assert producer is not None
        producer.pauseProducing()
        for _ in range(10):
            self.world.tell(SchedulerDisconnected(at=WALL))
        self.assertEqual(len(visit.now().chunks), 1)
        producer.resumeProducing()
        self.assertEqual(len(visit.now().chunks), 11)
        producer.pauseProducing()
        self.world.clock.advance(10)
        for _ in range(11):
            self.world.tell(SchedulerDisconnected(at=WALL))
        self.assertTrue(visit.transport.disconnected)
        self.assertEqual(len(visit.now().chunks), 11)

    def test_not_acceptable(self) -> None:
        """A client that does not ask for a stream is 405, as is any other method."""
        for method, accept in (
            ("GET", "application/json"),
            ("GET", "*/*"),
            ("POST", "text/event-stream"),
        ):
            answer = self.world.ask(method, "/v2/events", headers={"Accept": accept})
            self.assertEqual(answer.code, 405)
            self.assertIn("message", answer.json)

    def test_elsewhere(self) -> None:
        """Who does not lead sends clients to the leader, query and all; without one it is 502."""
        self.world.leader = "10.0.0.2:8080"
        answer = self.attach("?event_type=x").now()
        self.assertEqual(answer.code, 302)
        where = "http://10.0.0.2:8080/v2/events?event_type=x"
        self.assertEqual(answer.headers["location"], where)
        self.assertNotIn("x-marathon-leader", answer.headers)
        self.world.leader = None
        answer = self.attach().now()
        self.assertEqual(
            (answer.code, answer.json), (502, {"message": "Could not determine the current leader"})
        )
