"""The v1 scheduler API over real sockets, as a framework author reads its documents."""

from __future__ import annotations

import atexit
import contextlib
import json
import socket
import time
from functools import cache
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.compatibility.v1_client import (
    JSON_HEADERS,
    SCHEDULER,
    Scheduler,
    base64_of,
    get,
    request,
    scalar,
    task,
)
from tests.functional.clusters import LocalCluster, wait_until

AWARE = {"capabilities": [{"type": "PARTITION_AWARE"}]}
INFO = {"user": "root", "name": "v1"}


def agent_of(offer: dict[str, Any]) -> str:
    """The id of an offer's agent."""
    value: str = offer["agent_id"]["value"]
    return value


def port_of(offer: dict[str, Any]) -> int:
    """The first of an offer's ports; agents of one machine have different ones."""
    ports = next(one for one in offer["resources"] if one["name"] == "ports")
    begin: int = ports["ranges"]["range"][0]["begin"]
    return begin


@cache
def shared() -> LocalCluster:
    """The cluster of all tests here; trial has no hook for a class, so it goes at the exit."""
    cluster = LocalCluster(2)
    atexit.register(cluster.stop)
    return cluster


class ClusterCase(SynchronousTestCase):
    """One cluster for all; each test has frameworks of its own."""

    @property
    def cluster(self) -> LocalCluster:
        return shared()

    @property
    def master(self) -> str:
        return shared().master

    def subscribe(self, info: dict[str, Any] | None = None, **subscribe: Any) -> Scheduler:
        """A framework that is gone when the test ends."""
        scheduler = Scheduler(self.master, info, **subscribe)
        self.addCleanup(scheduler.leave)
        return scheduler

    def post(self, call: object, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """What is answered to a body, or to a value as JSON."""
        sent = JSON_HEADERS if headers is None else headers
        status, body, _ = request(self.master, "POST", SCHEDULER, call, sent)
        return status, body.decode()


class CallTests(ClusterCase):
    """Which call is taken, and with which words another is refused."""

    def test_order_of_refusals(self) -> None:
        """Method, type of content, syntax, fields, sense: each with the original's words."""
        status, _, headers = request(self.master, "GET", SCHEDULER)
        self.assertEqual((status, headers["allow"]), (405, "POST"))
        validation = "Failed to validate scheduler::Call: "
        cases: list[tuple[object, dict[str, str] | None, int, str]] = [
            (b"{}", {}, 400, "Expecting 'Content-Type' to be present"),
            (b"{}", {"Content-Type": "text/xml"}, 415, "Expecting 'Content-Type' of"),
            (b"{", None, 400, "Failed to parse body into JSON: "),
            (b"[]", None, 400, "Failed to convert JSON into Call protobuf: "),
            ({"type": "SUBSCRIBE", "subscribe": {}}, None, 400, "Failed to convert JSON into"),
            ({}, None, 400, validation + "Expecting 'type' to be present"),
            ({"type": "SUBSCRIBE"}, None, 400, validation + "Expecting 'subscribe' to be present"),
            ({"type": "TEARDOWN"}, None, 400, validation + "Expecting 'framework_id' to be"),
            ({"type": "REVIVE", "framework_id": {"value": "x"}}, None, 400, "Framework cannot be"),
        ]
        for call, given, wanted, words in cases:
            status, text = self.post(call, given)
            self.assertEqual((status, text[: len(words)]), (wanted, words))
        subscribe = {"type": "SUBSCRIBE", "subscribe": {"framework_info": INFO}}
        refused = self.post(subscribe, {**JSON_HEADERS, "Accept": "text/xml"})
        self.assertEqual(refused[0], 406)
        refused = self.post(subscribe, {**JSON_HEADERS, "Mesos-Stream-Id": "x"})
        self.assertEqual(refused[0], 400)

    def test_every_call(self) -> None:
        """A call without its part is refused by the part's name; a mere envelope is enough."""
        framework = self.subscribe()
        framework.joined()
        for kind in ("REVIVE", "SUPPRESS"):
            self.assertEqual(framework.call(kind), (202, ""))
        loose = ("ACCEPT", "DECLINE", "RECONCILE", "RECONCILE_OPERATIONS", "REQUEST")
        strict = ("KILL", "SHUTDOWN", "ACKNOWLEDGE", "MESSAGE", "UPDATE_FRAMEWORK")
        inverse = ("ACCEPT_INVERSE_OFFERS", "DECLINE_INVERSE_OFFERS")
        for kind in (*loose, *strict, *inverse):
            status, text = framework.call(kind)
            self.assertEqual(status, 400)
            self.assertIn(f"Expecting '{kind.lower()}' to be present", text)
            self.assertEqual(framework.call(kind, {})[0], 400 if kind in strict else 202)

    def test_stream_ids(self) -> None:
        """All calls but SUBSCRIBE carry the id of the newest stream."""
        framework = self.subscribe()
        framework.joined()
        status, text = framework.call("REVIVE", None, JSON_HEADERS)
        self.assertEqual(status, 400)
        self.assertIn("should include the 'Mesos-Stream-Id' header", text)
        again = self.subscribe({"id": {"value": framework.framework_id}})
        again.joined()
        self.assertEqual(framework.wait("ERROR")["error"]["message"], "Framework failed over")
        self.assertRaises(EOFError, framework.next)
        status, text = framework.call("REVIVE")
        self.assertEqual(status, 400)
        self.assertIn("didn't match the stream ID", text)
        self.assertEqual(again.call("REVIVE"), (202, ""))
        framework.stream_id = again.stream_id

    def test_update_framework(self) -> None:
        """A framework may change its name, not its user, checkpoint or principal."""
        framework = self.subscribe()
        framework.joined()
        own = {**INFO, "id": {"value": framework.framework_id}}

        def update(**changed: object) -> int:
            return framework.call("UPDATE_FRAMEWORK", {"framework_info": {**own, **changed}})[0]

        self.assertEqual(update(name="renamed"), 200)
        for changed in ({"user": "nobody"}, {"checkpoint": True}, {"principal": "p"}):
            self.assertEqual(update(**changed), 400)


class SubscribeTests(ClusterCase):
    """What a framework may say of itself, and what it is told."""

    def test_first_events(self) -> None:
        """SUBSCRIBED with the master, HEARTBEAT at once, then offers; a record is a chunk."""
        framework = self.subscribe()
        self.assertEqual(framework.stream.headers["content-type"], "application/json")
        joined = framework.next()["subscribed"]
        self.assertEqual(joined["heartbeat_interval_seconds"], 15)
        info = joined["master_info"]
        self.assertEqual(info["pid"], f"master@{self.master}")
        self.assertEqual(f"{info['address']['ip']}:{info['address']['port']}", self.master)
        self.assertIn({"type": "AGENT_UPDATE"}, info["capabilities"])
        self.assertEqual(framework.next(), {"type": "HEARTBEAT"})
        offers = framework.offers(2)
        for offer in offers:
            self.assertEqual(offer["allocation_info"], {"role": "*"})
            for resource in offer["resources"]:
                self.assertEqual(resource["allocation_info"], {"role": "*"})
            url = offer["url"]
            self.assertEqual((url["scheme"], url["path"]), ("http", "/slave(1)"))
            address = f"{url['address']['ip']}:{url['address']['port']}"
            self.assertIn(address, self.cluster.agents)
            self.assertEqual(offer["hostname"], url["address"]["hostname"])

    def test_refused(self) -> None:
        """What is wrong with a FrameworkInfo is an ERROR event, and the end of the stream."""
        multi = {"capabilities": [{"type": "MULTI_ROLE"}]}
        cases: list[tuple[dict[str, Any], str]] = [
            ({"roles": ["a"]}, "is not MULTI_ROLE capable"),
            ({"roles": ["a", "a"], **multi}, "duplicate items: a"),
            ({"role": "a b"}, "contains invalid role"),
            ({"id": {"value": "../x"}}, "'FrameworkInfo.id'"),
            ({"id": {"value": "x" * 300}}, "'FrameworkInfo.id'"),
            ({"failover_timeout": "NaN"}, "failover_timeout is invalid"),
        ]
        for info, words in cases:
            framework = Scheduler(self.master, info)
            self.assertIn(words, framework.wait("ERROR")["error"]["message"])
            self.assertRaises(EOFError, framework.next)
            framework.stream.close()

    def test_roles(self) -> None:
        """Only roles that are not suppressed get offers; one object is a list of it."""
        info = {"roles": ["a", "b"], "capabilities": {"type": "MULTI_ROLE"}, "labels": None}
        framework = self.subscribe(info, suppressed_roles="b")
        framework.joined()
        roles = {offer["allocation_info"]["role"] for offer in framework.offers(2)}
        self.assertEqual(roles, {"a"})

    def test_removed(self) -> None:
        """A framework that vanishes without a failover_timeout ends, tasks and all."""
        framework = Scheduler(self.master)
        framework.joined()
        [offer] = framework.offers()[:1]
        framework.launch([offer], task(offer, "left", "sleep 300"))
        framework.status("left", "TASK_RUNNING")
        framework.stream.close()
        until = time.monotonic() + 10
        found: list[dict[str, Any]] = []
        while not found and time.monotonic() < until:
            page = get(self.master, f"/frameworks?framework_id={framework.framework_id}")
            found = page["completed_frameworks"]
        self.assertEqual([one["state"] for one in found[0]["completed_tasks"]], ["TASK_KILLED"])
        again = Scheduler(self.master, {"id": {"value": framework.framework_id}})
        self.assertEqual(again.wait("ERROR")["error"]["message"], "Framework has been removed")
        again.stream.close()


class TaskTests(ClusterCase):
    """From an offer to the end of a task."""

    def setUp(self) -> None:
        self.framework = self.subscribe(AWARE)
        self.framework.joined()
        offers = self.framework.offers(2)
        self.offer, self.other = offers[0], offers[1]

    def test_run(self) -> None:
        """Amounts as text, one object for a list: a task runs, is reconciled and is killed."""
        framework, offer = self.framework, self.offer
        begin = port_of(offer)
        ports = {"range": {"begin": str(begin), "end": begin + 1}}
        wanted = [scalar("cpus", "2"), scalar("mem", "1e2")]
        wanted.append({"name": "ports", "type": "RANGES", "ranges": ports})
        one = task(offer, "one", "sleep 300", resources=wanted, labels=None)
        framework.accept([offer], {"type": "LAUNCH", "launch": {"task_infos": one}})
        running = framework.status("one", "TASK_RUNNING")
        self.assertEqual(agent_of(running), agent_of(offer))
        self.assertIn("container_id", running["container_status"])
        asked: tuple[object, ...] = ([], {"task_id": {"value": "one"}})
        for tasks in asked:
            framework.call("RECONCILE", {"tasks": tasks})
            told = framework.status("one")
            self.assertEqual(
                (told["state"], told["reason"], "uuid" in told),
                ("TASK_RUNNING", "REASON_RECONCILIATION", False),
            )
        wrong = {"agent_id": running["agent_id"], "task_id": running["task_id"]}
        framework.call("ACKNOWLEDGE", {**wrong, "uuid": base64_of(b"x" * 16)})
        framework.call("KILL", {"task_id": running["task_id"], "agent_id": {"value": "S9"}})
        framework.silence(0.5, "UPDATE", "ERROR")
        policy = {"grace_period": {"nanoseconds": 1_000_000_000}}
        for _ in range(2):
            framework.call("KILL", {"task_id": running["task_id"], "kill_policy": policy})
        killed = framework.status("one", "TASK_KILLED")
        self.assertEqual(killed["message"], "Command terminated with signal Terminated")

    def test_invalid(self) -> None:
        """Each invalid task is TASK_ERROR by itself; the good one beside them runs."""
        offer, framework = self.offer, self.framework
        long, unsafe = "x" * 300, "a/b"
        no_value = {"value": "true", "environment": {"variables": [{"name": "A"}]}}
        cases = [
            (task(offer, unsafe), unsafe),
            (task(offer, long), "255"),
            (task(offer, "negative", resources=[scalar("cpus", -1)]), "negative"),
            (task(offer, "nan", resources=[scalar("cpus", "NaN")]), "finite"),
            (task(offer, "large", resources=[scalar("cpus", 100)]), "Task uses more resources"),
            (task(offer, "nothing", resources=[]), "Task uses no resources"),
            (task(offer, "stray", agent_id={"value": "S9"}), "Task uses invalid agent S9"),
            ({**task(offer, "variable"), "command": no_value}, "must have a value set"),
        ]
        good = task(offer, "good")
        framework.launch([offer], *(one for one, _ in cases), good, good)
        for one, words in cases:
            status = framework.status(one["task_id"]["value"], "TASK_ERROR")
            self.assertEqual(status["reason"], "REASON_TASK_INVALID")
            self.assertIn(words, status["message"])
        double = framework.status("good", "TASK_ERROR")
        self.assertEqual(double["message"], "Task has duplicate ID: good")
        framework.status("good", "TASK_FINISHED")

    def test_offers(self) -> None:
        """Offers of two agents, twice the same or stale: DROPPED; one agent's are merged."""
        framework, offer, other = self.framework, self.offer, self.other
        for number, offers in enumerate(([{"id": {"value": "O9"}}], [offer, other])):
            framework.launch(offers, task(offer, f"dropped{number}"))
            status = framework.status(f"dropped{number}")
            self.assertEqual(
                (status["state"], status["reason"]), ("TASK_DROPPED", "REASON_INVALID_OFFERS")
            )
        offer = framework.offers(2)[0]
        framework.launch([offer], task(offer, "short", "sleep 1", resources=[scalar("cpus", 3)]))
        rest = framework.offers()[0]
        framework.status("short", "TASK_FINISHED")
        freed = framework.offers()[0]
        self.assertEqual({agent_of(rest), agent_of(freed)}, {agent_of(offer)})
        framework.launch([rest, freed], task(rest, "whole", resources=[scalar("cpus", 8)]))
        framework.status("whole", "TASK_FINISHED")

    def test_unknown(self) -> None:
        """A kill of an unknown task is answered like a reconciliation; bad roles void a call."""
        framework, agent_id = self.framework, self.offer["agent_id"]
        framework.call("KILL", {"task_id": {"value": "none"}})
        self.assertEqual(framework.status("none")["state"], "TASK_UNKNOWN")
        framework.call("RECONCILE", {"tasks": [{"task_id": {"value": "u"}, "agent_id": agent_id}]})
        self.assertEqual(framework.status("u")["state"], "TASK_GONE")
        executor = {"agent_id": agent_id, "executor_id": {"value": "none"}}
        framework.call("MESSAGE", {**executor, "data": base64_of(bytes(range(256)))})
        framework.call("SHUTDOWN", executor)
        framework.call("SUPPRESS", {"roles": ["none"]})
        framework.decline([self.offer])
        self.assertEqual(agent_of(framework.offers()[0]), agent_of(self.offer))

    def test_not_supported(self) -> None:
        """What this version cannot do is said, and harms no other task."""
        framework, offer = self.framework, self.offer
        needs = [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 10)]
        executor = {"type": "DEFAULT", "executor_id": {"value": "e"}, "resources": needs}
        group = {"executor": executor, "task_group": {"tasks": [task(offer, "grouped")]}}
        reserve = {"type": "RESERVE", "id": {"value": "r"}, "reserve": {"resources": []}}
        operations = [
            {"type": "LAUNCH"},
            reserve,
            {"type": "LAUNCH_GROUP", "launch_group": group},
            {"type": "LAUNCH", "launch": {"task_infos": [task(offer, "plain")]}},
        ]
        framework.accept([offer], operations)
        told = framework.wait("UPDATE_OPERATION_STATUS")["update_operation_status"]["status"]
        self.assertEqual(told["state"], "OPERATION_ERROR")
        failed = framework.status("grouped")
        self.assertEqual(failed["state"], "TASK_FAILED")
        self.assertIn("is not supported in this version", failed["message"])
        framework.call("RECONCILE", {"tasks": []})
        framework.status("plain")


class PageTests(ClusterCase):
    """Pages that other programs read."""

    def test_names(self) -> None:
        """A page has many names, and each is the same page."""
        for path in ("/state", "/master/state", "/state.json", "//state", "/state/"):
            page = get(self.master, path)
            self.assertEqual(len(page["slaves"]), 2, path)
            self.assertEqual(page["orphan_tasks"], [])
        for path in ("/slaves", "/frameworks/", "/tasks", "/roles", "/state-summary", "/flags"):
            self.assertIsInstance(get(self.master, f"/master{path}"), dict, path)
        for number in get(self.master, "/version")["version"].split("."):
            self.assertTrue(number.isdecimal())
        for path in ("/none", "/redirect/x"):
            self.assertEqual(request(self.master, "GET", path)[0::2][0], 404)
        for address in self.cluster.agents:
            self.assertIn("slave(1)@", get(address, "/slave(1)/state.json")["pid"])

    def test_forms(self) -> None:
        """A body that is known already is 304; a page may be a script."""

        def unchanged() -> bool:
            _, _, headers = request(self.master, "GET", "/state")
            known = {"If-None-Match": headers["etag"]}
            return request(self.master, "GET", "/state", headers=known)[0] == 304

        # The frameworks of earlier tests may still be on their way out.
        wait_until("an unchanged state", unchanged, 10)
        _, body, headers = request(self.master, "GET", "/metrics/snapshot?jsonp=f")
        self.assertEqual((body[:2], body[-2:]), (b"f(", b");"))
        self.assertEqual(headers["content-type"], "text/javascript")
        for path in ("/state?jsonp=a(b)", "/metrics/snapshot?timeout=x", "/files/browse"):
            status, _, headers = request(self.master, "GET", path)
            self.assertEqual((status, headers["content-type"][:10]), (400, "text/plain"), path)

    def test_metrics(self) -> None:
        """The names that alerts are made of are there before anything has happened."""
        found = get(self.master, "/metrics/snapshot")
        wanted = ["uptime_secs", "elected", "outstanding_offers", "dropped_messages"]
        wanted += [f"slaves_{state}" for state in ("active", "connected", "unreachable")]
        wanted += ["slave_removals", "slave_reregistrations", "messages_kill_task"]
        wanted += [f"{name}_{part}" for name in ("cpus", "mem") for part in ("total", "used")]
        self.assertEqual([name for name in wanted if f"master/{name}" not in found], [])


class BadInputTests(ClusterCase):
    """Whoever speaks nonsense, floods or does not listen harms nobody else."""

    def tearDown(self) -> None:
        # Not with a cleanup: trial has run those by now.
        witness = Scheduler(self.master)
        witness.joined()
        [offer] = witness.offers()[:1]
        witness.launch([offer], task(offer, "witness"))
        witness.status("witness", "TASK_FINISHED")
        witness.leave()
        self.assertEqual(self.cluster.active_agents(), 2)

    def say(self, data: bytes) -> bytes:
        """What is answered to raw bytes on the master's port; empty if the link is closed."""
        host, _, port = self.master.rpartition(":")
        link = socket.create_connection((host, int(port)), timeout=5)
        with link, contextlib.suppress(ConnectionError):
            link.sendall(data)
            return link.recv(1000)
        return b""

    def test_garbage(self) -> None:
        """Garbage is turned away at once; what looks like HTTP is told what is wrong."""
        for data in (b"\0" * 100, b"\xff" * 3000, b"\x16\x03\x01\x02\x00"):
            self.assertEqual(self.say(data), b"")
        head = b"POST /api/v1/scheduler HTTP/1.1\r\nHost: m\r\nContent-Type: application/json\r\n"
        self.assertIn(b" 413 ", self.say(head + b"Content-Length: 99999999999\r\n\r\n"))
        self.assertIn(b" 400 ", self.say(head + b"Content-Length: -1\r\n\r\n"))
        self.assertIn(b" 400 ", self.say(head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"))
        self.assertIn(b" 400 ", self.say(b"NONSENSE\r\n\r\n"))
        deep = request(self.master, "POST", SCHEDULER, b'{"a":' * 100_000, JSON_HEADERS)
        self.assertEqual(deep[0], 400)

    def test_slow_peers(self) -> None:
        """Two hundred half requests keep nobody waiting."""
        host, _, port = self.master.rpartition(":")
        for _ in range(200):
            link = socket.create_connection((host, int(port)))
            self.addCleanup(link.close)
            link.sendall(b"POST /api/v1/sched")
        begun = time.monotonic()
        self.assertEqual(request(self.master, "GET", "/health")[0], 200)
        self.assertLess(time.monotonic() - begun, 1.0)

    def test_never_reads(self) -> None:
        """A framework that does not read what it asks for loses its stream."""
        deaf = Scheduler(self.master)
        deaf.joined()
        tasks = [{"task_id": {"value": f"{number}" + "y" * 200}} for number in range(4000)]
        body = json.dumps(
            {
                "framework_id": {"value": deaf.framework_id},
                "type": "RECONCILE",
                "reconcile": {"tasks": tasks},
            }
        ).encode()
        headers = {**JSON_HEADERS, "Mesos-Stream-Id": deaf.stream_id}
        status = 202
        for _ in range(120):
            status, _, _ = request(self.master, "POST", SCHEDULER, body, headers)
            self.assertEqual(request(self.master, "GET", "/health")[0], 200)
            if status != 202:
                break
        self.assertIn(status, (400, 403))
        deaf.stream.close()
