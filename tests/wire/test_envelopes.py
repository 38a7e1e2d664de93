"""Tests for ``mesostw.wire.envelopes``."""

from __future__ import annotations

import csv
import json as standard
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from twisted.trial.unittest import SynchronousTestCase

from mesostw.messages import (
    AgentID,
    ExecutorID,
    Filters,
    FrameworkID,
    FrameworkInfo,
    KillPolicy,
    OfferID,
    OperationID,
    TaskID,
    TaskState,
    TaskStatus,
    TaskStatusSource,
    executor_calls,
    executor_events,
    scheduler_calls,
    scheduler_events,
)
from mesostw.messages.kinds import KINDS
from mesostw.testing.strategies import least, messages
from mesostw.wire.envelopes import (
    ExecutorCall,
    SchedulerCall,
    answer_of,
    decode_executor_call,
    decode_executor_event,
    decode_scheduler_call,
    decode_scheduler_event,
    encode_executor_call,
    encode_executor_event,
    encode_scheduler_call,
    encode_scheduler_event,
)
from mesostw.wire.errors import (
    Malformed,
    MalformedCall,
    MalformedMessage,
    MalformedText,
    UnsupportedCall,
)

F1 = FrameworkID(value="f1")
E1 = ExecutorID(value="e1")
S1 = AgentID(value="s1")
T1 = TaskID(value="t1")
UUID = bytes(range(16))
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
V1_ENUMS = Path(__file__).parent.parent / "messages" / "v1_enums.tsv"


def kinds(first: int) -> list[type[Struct]]:
    """The messages of one conversation."""
    return [kind for number, kind in KINDS.items() if first <= number < first + 100]


def scheduler(**call: object) -> SchedulerCall:
    """Read a scheduler's call, of the framework ``f1`` if nothing else is said."""
    return decode_scheduler_call(standard.dumps({"framework_id": {"value": "f1"}} | call).encode())


def executor(**call: object) -> ExecutorCall:
    """Read an executor's call, of ``e1`` of ``f1`` if nothing else is said."""
    ids = {"framework_id": {"value": "f1"}, "executor_id": {"value": "e1"}}
    return decode_executor_call(standard.dumps(ids | call).encode())


class TypesTests(SynchronousTestCase):
    """Every type of the v1 API has its envelope."""

    def types(self, enum: str) -> set[str]:
        with V1_ENUMS.open(newline="") as table:
            rows = list(csv.DictReader(table, delimiter="\t"))
        return {row["value"] for row in rows if row["enum"] == enum} - {"UNKNOWN"}

    def test_scheduler_calls(self) -> None:
        """A scheduler's call of each type is known."""
        for kind in self.types("mesos.v1.scheduler.Call.Type"):
            try:
                scheduler(type=kind)
            except MalformedCall as fault:
                self.assertEqual(str(fault), f"Expecting '{kind.lower()}' to be present")

    def test_executor_calls(self) -> None:
        """An executor's call of each type is known."""
        for kind in self.types("mesos.v1.executor.Call.Type"):
            try:
                executor(type=kind)
            except MalformedCall as fault:
                self.assertEqual(str(fault), f"Expecting '{kind.lower()}' to be present")

    def test_scheduler_events(self) -> None:
        """Each event for a scheduler is known, under its type's name."""
        said = {event_type(encode_scheduler_event, kind) for kind in kinds(300)}
        self.assertEqual(said, self.types("mesos.v1.scheduler.Event.Type"))

    def test_executor_events(self) -> None:
        """Each event for an executor is known, under its type's name."""
        said = {event_type(encode_executor_event, kind) for kind in kinds(500)}
        self.assertEqual(said, self.types("mesos.v1.executor.Event.Type"))


def event_type(encode: object, kind: type[Struct]) -> str:
    """The type that an event is written under."""
    assert callable(encode)
    text: bytes = encode(least(kind))
    found = standard.loads(text)["type"]
    assert isinstance(found, str)
    return found


class RoundTripTests(SynchronousTestCase):
    """Our own clients and servers understand each other."""

    @settings(max_examples=80, deadline=None, suppress_health_check=QUIET)
    @given(st.sampled_from(kinds(300)).flatmap(messages))
    def test_scheduler_events(self, event: Struct) -> None:
        """An event for a scheduler comes back as it was."""
        self.assertEqual(decode_scheduler_event(encode_scheduler_event(event)), event)

    @settings(max_examples=80, deadline=None, suppress_health_check=QUIET)
    @given(st.sampled_from(kinds(500)).flatmap(messages))
    def test_executor_events(self, event: Struct) -> None:
        """An event for an executor comes back as it was."""
        self.assertEqual(decode_executor_event(encode_executor_event(event)), event)

    @settings(max_examples=80, deadline=None, suppress_health_check=QUIET)
    @given(st.sampled_from(kinds(200)).flatmap(messages))
    def test_scheduler_calls(self, body: Struct) -> None:
        """A scheduler's call comes back as it was, unless it lacks what it needs."""
        framework_id: FrameworkID | None = F1
        if isinstance(body, scheduler_calls.Subscribe | scheduler_calls.UpdateFramework):
            framework_id = body.framework_info.id
        try:
            heard = decode_scheduler_call(encode_scheduler_call(body, framework_id))
        except MalformedCall:
            return
        self.assertEqual(heard, SchedulerCall(framework_id, body))

    @settings(max_examples=40, deadline=None, suppress_health_check=QUIET)
    @given(st.sampled_from(kinds(400)).flatmap(messages))
    def test_executor_calls(self, body: Struct) -> None:
        """An executor's call comes back as it was, unless it lacks what it needs."""
        try:
            heard = decode_executor_call(encode_executor_call(body, F1, E1))
        except MalformedCall:
            return
        self.assertEqual(heard, ExecutorCall(F1, E1, body))

    @settings(max_examples=150, deadline=None)
    @given(st.binary(max_size=80))
    def test_garbage(self, text: bytes) -> None:
        """Any bytes give a call, an event or :class:`Malformed`."""
        for decode in (
            decode_scheduler_call,
            decode_executor_call,
            decode_scheduler_event,
            decode_executor_event,
        ):
            try:
                decode(text)
            except Malformed:
                continue


class GoldenTests(SynchronousTestCase):
    """JSON as the original writes it."""

    def test_events(self) -> None:
        """The type stands first, its body under the type's name in lower case."""
        self.assertEqual(encode_scheduler_event(scheduler_events.Heartbeat()), HEARTBEAT)
        self.assertEqual(encode_executor_event(executor_events.Heartbeat()), HEARTBEAT)
        self.assertEqual(encode_executor_event(executor_events.Shutdown()), b'{"type":"SHUTDOWN"}')
        self.assertEqual(
            encode_scheduler_event(scheduler_events.Rescind(offer_id=OfferID(value="o"))),
            b'{"type":"RESCIND","rescind":{"offer_id":{"value":"o"}}}',
        )
        self.assertEqual(
            encode_executor_event(executor_events.Kill(task_id=T1, kill_policy=KillPolicy())),
            b'{"type":"KILL","kill":{"task_id":{"value":"t1"},"kill_policy":{}}}',
        )

    def test_calls(self) -> None:
        """The ids stand before the type."""
        self.assertEqual(
            encode_scheduler_call(scheduler_calls.Teardown(), F1),
            b'{"framework_id":{"value":"f1"},"type":"TEARDOWN"}',
        )
        self.assertEqual(
            encode_scheduler_call(scheduler_calls.Suppress(roles=("web",)), F1),
            b'{"framework_id":{"value":"f1"},"type":"SUPPRESS","suppress":{"roles":["web"]}}',
        )
        self.assertEqual(
            encode_executor_call(executor_calls.Message(data=b"x"), F1, E1),
            b'{"framework_id":{"value":"f1"},"executor_id":{"value":"e1"},'
            b'"type":"MESSAGE","message":{"data":"eA=="}}',
        )


HEARTBEAT = b'{"type":"HEARTBEAT"}'


class SchedulerCallTests(SynchronousTestCase):
    """What a scheduler's call needs, in the words of the original."""

    def assert_refused(self, why: str, **call: object) -> None:
        fault = self.assertRaises(MalformedCall, scheduler, **call)
        self.assertEqual(str(fault), why)

    def test_type(self) -> None:
        """A call has a type that is known; one that is not is as good as none."""
        self.assert_refused("Expecting 'type' to be present")
        self.assert_refused("Expecting 'type' to be present", type="MAKE_TEA")
        self.assert_refused("Expecting 'type' to be present", type=None)
        with self.assertRaises(UnsupportedCall):
            scheduler(type="UNKNOWN")

    def test_body(self) -> None:
        """A call has the body of its type; a body of another type is ignored."""
        self.assert_refused("Expecting 'accept' to be present", type="ACCEPT")
        self.assert_refused("Expecting 'accept' to be present", type="ACCEPT", accept=None)
        self.assert_refused("Expecting 'kill' to be present", type="KILL", accept={})

    def test_optional_body(self) -> None:
        """Some calls need none; one without offers declines nothing."""
        self.assertEqual(scheduler(type="REVIVE").body, scheduler_calls.Revive())
        self.assertEqual(scheduler(type="SUPPRESS").body, scheduler_calls.Suppress())
        self.assertEqual(scheduler(type="TEARDOWN").body, scheduler_calls.Teardown())
        declined = scheduler(type="DECLINE", decline={"filters": {}}).body
        self.assertEqual(declined, scheduler_calls.Decline(filters=Filters()))

    def test_framework_id(self) -> None:
        """All but a first SUBSCRIBE name their framework."""
        self.assert_refused(
            "Expecting 'framework_id' to be present", framework_id=None, type="REVIVE"
        )

    def test_subscribe(self) -> None:
        """A framework that comes back names itself twice, and the same."""
        differs = "'framework_id' differs from 'subscribe.framework_info.id'"
        info: dict[str, object] = {"user": "u", "name": "n"}
        subscribe = {"framework_info": info}
        self.assert_refused(differs, type="SUBSCRIBE", subscribe=subscribe)
        first = scheduler(framework_id=None, type="SUBSCRIBE", subscribe=subscribe)
        self.assertEqual(
            first,
            SchedulerCall(
                None,
                scheduler_calls.Subscribe(framework_info=FrameworkInfo(user="u", name="n")),
            ),
        )
        info["id"] = {"value": ""}
        empty = scheduler(framework_id=None, type="SUBSCRIBE", subscribe=subscribe)
        self.assertIsNone(empty.framework_id)
        info["id"] = {"value": "f2"}
        self.assert_refused(differs, type="SUBSCRIBE", subscribe=subscribe)
        info["id"] = {"value": "f1"}
        self.assertEqual(scheduler(type="SUBSCRIBE", subscribe=subscribe).framework_id, F1)

    def test_update_framework(self) -> None:
        """A framework updates itself only."""
        info = {"user": "u", "name": "n", "id": {"value": "f2"}}
        self.assert_refused(
            "'framework_id' differs from 'update_framework.framework_info.id'",
            type="UPDATE_FRAMEWORK",
            update_framework={"framework_info": info},
        )

    def test_acknowledge(self) -> None:
        """A status' id has 16 bytes."""
        acknowledge = {"agent_id": {"value": "s1"}, "task_id": {"value": "t1"}, "uuid": "eA=="}
        self.assert_refused("Not a valid UUID", type="ACKNOWLEDGE", acknowledge=acknowledge)
        acknowledge["uuid"] = "AAECAwQFBgcICQoLDA0ODw=="
        self.assertEqual(
            scheduler(type="ACKNOWLEDGE", acknowledge=acknowledge).body,
            scheduler_calls.Acknowledge(agent_id=S1, task_id=T1, uuid=UUID),
        )

    def test_acknowledge_operation(self) -> None:
        """An operation's status is acknowledged to an agent."""
        body = scheduler_calls.AcknowledgeOperationStatus(
            uuid=UUID, operation_id=OperationID(value="o")
        )
        text = encode_scheduler_call(body, F1)
        fault = self.assertRaises(MalformedCall, decode_scheduler_call, text)
        self.assertEqual(str(fault), "Expecting 'agent_id' to be present")

    def test_pymesos(self) -> None:
        """What pymesos sends is taken: single objects for lists, numbers in texts."""
        task = {
            "name": "n",
            "task_id": {"value": "t1"},
            "agent_id": {"value": "s1"},
            "resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": "0.1"}}],
            "command": {"shell": "true", "value": "true", "user": None},
        }
        accept = {
            "offer_ids": [{"value": "o1"}],
            "operations": {"type": "LAUNCH", "launch": {"task_infos": task}},
            "filters": {},
        }
        body = scheduler(type="ACCEPT", accept=accept).body
        assert isinstance(body, scheduler_calls.Accept)
        launch = body.operations[0].launch
        assert launch is not None
        self.assertEqual(launch.task_infos[0].resources[0].name, "cpus")

    def test_answers(self) -> None:
        """The beginning of an answer says how far the reading came."""
        for text, answer in (
            (b"{", "Failed to parse body into JSON: Input data was truncated"),
            (
                b'{"framework_id": 1}',
                "Failed to convert JSON into Call protobuf:"
                " Expected `object`, got `int` at $.framework_id",
            ),
            (b"[]", "Failed to convert JSON into Call protobuf: Expected `object`, got `list`"),
            (
                b"{}",
                "Failed to validate scheduler::Call: Expecting 'type' to be present",
            ),
        ):
            fault = self.assertRaises(Malformed, decode_scheduler_call, text)
            self.assertEqual(answer_of(fault, "scheduler::Call"), answer)

    def test_path(self) -> None:
        """The path of a field at fault begins at the envelope."""
        fault = self.assertRaises(
            MalformedMessage, scheduler, type="KILL", kill={"task_id": {"value": [1]}}
        )
        self.assertEqual(fault.path, "$.kill.task_id.value")
        fault = self.assertRaises(
            MalformedMessage,
            decode_scheduler_call,
            b'{"framework_id":{"value":"f"},"type":"DECLINE","x":Infinity,"decline":{"filters":1}}',
        )
        self.assertEqual(fault.path, "$.decline.filters")

    def test_infinite(self) -> None:
        """A bare ``Infinity`` is taken, as Mesos takes it."""
        call = decode_scheduler_call(
            b'{"framework_id":{"value":"f"},"type":"DECLINE",'
            b'"decline":{"filters":{"refuse_seconds":Infinity}}}'
        )
        assert isinstance(call.body, scheduler_calls.Decline)
        self.assertEqual(call.body.filters, Filters(refuse_seconds=float("inf")))


class ExecutorCallTests(SynchronousTestCase):
    """What an executor's call needs, in the words of the original."""

    def status(self, **fields: object) -> dict[str, object]:
        status = {
            "task_id": {"value": "t1"},
            "state": "TASK_RUNNING",
            "source": "SOURCE_EXECUTOR",
            "uuid": "AAECAwQFBgcICQoLDA0ODw==",
        }
        return {"status": status | fields}

    def assert_refused(self, why: str, **call: object) -> None:
        fault = self.assertRaises(MalformedCall, executor, **call)
        self.assertEqual(str(fault), why)

    def test_update(self) -> None:
        """A status comes from the executor itself, with an id."""
        heard = executor(type="UPDATE", update=self.status())
        self.assertEqual(
            heard.body,
            executor_calls.Update(
                status=TaskStatus(
                    task_id=T1,
                    state=TaskState.TASK_RUNNING,
                    source=TaskStatusSource.SOURCE_EXECUTOR,
                    uuid=UUID,
                )
            ),
        )

    def test_update_refused(self) -> None:
        """Anything else is refused, in this order."""
        caller = "Received Call from executor e1 of framework f1"
        for fields, why in (
            ({"uuid": None}, "Expecting 'uuid' to be present"),
            ({"uuid": ""}, "Not a valid UUID"),
            (
                {"executor_id": {"value": "e2"}},
                "ExecutorID in Call: e1 does not match ExecutorID in TaskStatus: e2",
            ),
            ({"source": None}, f"{caller} with invalid source, expecting 'SOURCE_EXECUTOR'"),
            (
                {"source": "SOURCE_MASTER"},
                f"{caller} with invalid source, expecting 'SOURCE_EXECUTOR'",
            ),
            (
                {"state": "TASK_STAGING"},
                "Received TASK_STAGING from executor e1 of framework f1 which is not allowed",
            ),
        ):
            self.assert_refused(why, type="UPDATE", update=self.status(**fields))

    def test_ids(self) -> None:
        """Both ids are needed."""
        self.assert_refused(
            "Expecting 'executor_id' to be present", type="HEARTBEAT", executor_id=None
        )
        self.assert_refused(
            "Expecting 'framework_id' to be present", type="HEARTBEAT", framework_id=None
        )
        self.assertEqual(
            executor(type="HEARTBEAT"), ExecutorCall(F1, E1, executor_calls.Heartbeat())
        )

    def test_subscribe(self) -> None:
        """An executor may have nothing that is unacknowledged."""
        heard = executor(type="SUBSCRIBE", subscribe={})
        self.assertEqual(heard.body, executor_calls.Subscribe())


class EventTests(SynchronousTestCase):
    """What a client makes of events."""

    def test_unknown(self) -> None:
        """An event of a type that is not known is no event, and no fault."""
        self.assertIsNone(decode_scheduler_event(b'{"type":"BIRTHDAY","birthday":{}}'))
        self.assertIsNone(decode_scheduler_event(b'{"type":"UNKNOWN"}'))
        self.assertIsNone(decode_executor_event(b"{}"))

    def test_malformed(self) -> None:
        """An event without its body, or no JSON, is a fault."""
        with self.assertRaises(MalformedCall):
            decode_scheduler_event(b'{"type":"OFFERS"}')
        with self.assertRaises(MalformedText):
            decode_executor_event(b'{"type":')
