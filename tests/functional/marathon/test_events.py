"""The event stream: who hears what, in which order, and in which form."""

from __future__ import annotations

from typing import Any

from tests.functional.clusters import wait_until
from tests.functional.marathon.asking import Listener
from tests.functional.marathon.cases import HUGE_CPUS, OnTown

#: Of an app that is created without health checks and runs at once.
STEPS = ["deployment_info", "deployment_step_success", "deployment_success"]


class StreamTests(OnTown):
    """The stream itself."""

    def test_attached(self) -> None:
        """The first event that a reader gets is that it is attached."""
        listener = self.listen()
        self.assertEqual((listener.status, listener.kinds()[0]), (200, "event_stream_attached"))
        self.assertTrue(listener.content_type.startswith("text/event-stream"))
        (kind, event) = listener.heard[0]
        self.assertEqual(set(event), {"eventType", "timestamp", "remoteAddress"})
        self.assertEqual(event["eventType"], kind)
        self.assertRegex(event["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_others_hear(self) -> None:
        """Others hear of a reader that comes and goes."""
        listener = self.listen()
        other = Listener(self.marathon.address)
        wait_until("another one", lambda: len(listener.of("event_stream_attached")) > 1)
        other.close()
        listener.wait("event_stream_detached")

    def test_heartbeat(self) -> None:
        """A stream on which nothing happens has an empty line from time to time."""
        listener = self.listen("app_terminated_event")
        wait_until("a heartbeat", lambda: listener.beats)
        self.assertFalse(listener.ended)

    def test_no_stream(self) -> None:
        """Who does not accept a stream gets none."""
        status, _ = self.marathon.ask("GET", "/v2/events", headers={"Accept": "application/json"})
        self.assertEqual(status, 405)

    def test_filter(self) -> None:
        """With event_type only those types are heard."""
        listener = self.listen("deployment_success", "app_terminated_event")
        document = self.app()
        self.started(document)
        self.changed("DELETE", f"/v2/apps{document['id']}")
        listener.wait("app_terminated_event", appId=document["id"])
        wanted = {"event_stream_attached", "deployment_success", "app_terminated_event"}
        self.assertEqual(set(listener.kinds()), wanted)


class ToldTests(OnTown):
    """What is told of apps."""

    def of_app(self, listener: Listener, kind: str, app_id: str) -> list[dict[str, Any]]:
        """Events of a type that belong to an app."""
        return [
            one for one in listener.of(kind) if app_id in (one.get("appId"), one.get("runSpecId"))
        ]

    def test_deployment(self) -> None:
        """A creation: it is posted, the group has changed, each step begins and is done."""
        listener = self.listen()
        document = self.app()
        app = self.created(document)
        deployment = app["deployments"][0]["id"]
        success = listener.wait("deployment_success", id=deployment)
        kinds = [
            kind
            for kind, event in listener.heard
            if event.get("id", event.get("plan", {}).get("id")) == deployment
        ]
        # The app is there, with no instance, before it is scaled.
        self.assertEqual(kinds, [*STEPS[:2], *STEPS])
        actions = [
            [one["action"] for one in event["currentStep"]["actions"]]
            for event in listener.of("deployment_info")
            if event["plan"]["id"] == deployment
        ]
        self.assertEqual(actions, [["StartApplication"], ["ScaleApplication"]])
        self.assertLessEqual({"id", "version", "steps"}, set(success["plan"]))
        self.assertEqual(success["plan"]["version"], app["version"])
        self.assertLessEqual({"api_post_event", "group_change_success"}, set(listener.kinds()))

    def test_posted(self) -> None:
        """Who asked, where, and for what."""
        listener = self.listen("api_post_event")
        document = self.app(instances=0, env={"A": "1"})
        self.created(document)
        event = wait_until("the event", lambda: listener.of("api_post_event"))[0]
        self.assertEqual(set(event), {"eventType", "timestamp", "clientIp", "uri", "appDefinition"})
        self.assertEqual((event["clientIp"], event["uri"]), ("127.0.0.1", "/v2/apps"))
        self.assertEqual(event["appDefinition"]["id"], document["id"])
        self.assertEqual(event["appDefinition"]["env"], {"A": "1"})

    def test_group(self) -> None:
        """A change of a group is told with its version."""
        listener = self.listen("group_change_success")
        result = self.changed("PUT", f"/v2/groups{self.group}", {"apps": []})
        event = listener.wait("group_change_success", groupId=self.group)
        self.assertEqual(event["version"], result["version"])

    def test_statuses(self) -> None:
        """Every update of a task, with where it is and what it has."""
        listener = self.listen("status_update_event")
        document = self.app(portDefinitions=[{"port": 0}])
        (task,) = self.started(document)
        event = listener.wait("status_update_event", taskId=task["id"], taskStatus="TASK_RUNNING")
        keys = (
            "eventType timestamp slaveId taskId taskStatus message appId host ipAddresses ports "
            "version"
        )
        self.assertEqual(set(event), set(keys.split()))
        for name, field in (
            ("appId", "appId"),
            ("host", "host"),
            ("ports", "ports"),
            ("slaveId", "slaveId"),
            ("version", "version"),
        ):
            self.assertEqual(event[name], task[field], name)
        self.done("DELETE", f"/v2/apps{document['id']}")
        listener.wait("status_update_event", taskId=task["id"], taskStatus="TASK_KILLED")

    def test_instances(self) -> None:
        """Every condition of an instance, from its launch to its end."""
        listener = self.listen("instance_changed_event")
        document = self.app()
        self.started(document)
        self.changed("DELETE", f"/v2/apps{document['id']}")

        def conditions() -> list[str]:
            events = self.of_app(listener, "instance_changed_event", document["id"])
            return [one["condition"] for one in events]

        wait_until("its end", lambda: "Killed" in conditions())
        found = [one for one in conditions() if one in ("Provisioned", "Running", "Killed")]
        self.assertEqual(found, ["Provisioned", "Running", "Killed"])
        event = self.of_app(listener, "instance_changed_event", document["id"])[-1]
        keys = {"instanceId", "condition", "runSpecId", "runSpecVersion", "agentId", "host"}
        self.assertEqual(set(event), keys | {"eventType", "timestamp"})

    def test_cancelled(self) -> None:
        """A deployment that is forced away has failed."""
        listener = self.listen()
        document = self.app(cpus=HUGE_CPUS)
        deployment = self.created(document)["deployments"][0]["id"]
        self.changed("DELETE", f"/v2/apps{document['id']}")
        listener.wait("deployment_failed", id=deployment)
        self.assertEqual(
            [one for one in listener.of("deployment_success") if one["id"] == deployment], []
        )
        listener.wait("app_terminated_event", appId=document["id"])

    def test_health(self) -> None:
        """A check that begins, its first result, and its end."""
        listener = self.listen()
        check = {
            "protocol": "COMMAND",
            "command": {"value": "true"},
            "intervalSeconds": 1,
            "delaySeconds": 0,
        }
        document = self.app(healthChecks=[check])
        self.started(document)
        event = listener.wait("instance_health_changed_event", runSpecId=document["id"])
        self.assertEqual(event["healthy"], True)
