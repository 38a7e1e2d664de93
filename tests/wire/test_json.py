"""Tests for ``mesostw.wire.json``."""

from __future__ import annotations

import json as standard
import math
from typing import TypeVar

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from twisted.trial.unittest import SynchronousTestCase

from mesostw.messages import (
    AgentInfo,
    CommandInfo,
    ContainerInfo,
    DockerInfo,
    ExecutorID,
    ExecutorInfo,
    Filters,
    FrameworkInfo,
    Image,
    ImageType,
    Label,
    Labels,
    NetworkInfo,
    Offer,
    OfferOperation,
    Range,
    Resource,
    ResourceProviderStorage,
    Scalar,
    Task,
    TaskID,
    TaskInfo,
    TaskState,
    TaskStatus,
    scheduler_calls,
    scheduler_events,
)
from mesostw.messages import (
    HealthCheck as MesosHealthCheck,
)
from mesostw.messages.ids import AgentID
from mesostw.testing.strategies import messages
from mesostw.wire import json
from mesostw.wire.errors import Malformed, MalformedMessage, MalformedText

T = TypeVar("T", bound=Struct)
LARGE: list[type[Struct]] = [TaskInfo, ExecutorInfo, FrameworkInfo, AgentInfo, Offer, Task]
LARGE += [TaskStatus, ContainerInfo, scheduler_calls.Accept, scheduler_events.Offers]
ANY_MESSAGE = st.sampled_from(LARGE).flatmap(messages)
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def read(kind: type[T], text: str) -> T:
    """Read one message."""
    return json.decode(kind, text.encode())


class RoundTripTests(SynchronousTestCase):
    """What is written is read to the same message."""

    @settings(max_examples=120, deadline=None, suppress_health_check=QUIET)
    @given(ANY_MESSAGE)
    def test_strict(self, message: Struct) -> None:
        """Every message comes back as it was, infinities too."""
        self.assertEqual(json.decode(type(message), json.encode(message)), message)

    @settings(max_examples=120, deadline=None, suppress_health_check=QUIET)
    @given(ANY_MESSAGE)
    def test_lax(self, message: Struct) -> None:
        """So it does when each number and boolean has become text on the way."""
        text = standard.dumps(as_text(standard.loads(json.encode(message))))
        self.assertEqual(json.decode(type(message), text.encode()), message)


def as_text(value: object) -> object:
    """The same JSON with numbers and booleans as text, single items for lists, and nulls."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        items = [as_text(item) for item in value]
        return items[0] if len(items) == 1 and items[0] is not None else items
    if isinstance(value, dict):
        return {name: as_text(part) for name, part in value.items()} | {"\u2603": None}
    return value


class ReadTests(SynchronousTestCase):
    """What clients send in the wild is taken as Mesos takes it."""

    def test_single_for_list(self) -> None:
        """One value stands for a list of it, messages and others alike."""
        call = read(scheduler_calls.Accept, '{"operations": {"type": "LAUNCH"}}')
        self.assertEqual(len(call.operations), 1)
        framework = read(FrameworkInfo, '{"user": "u", "name": "n", "roles": "web"}')
        self.assertEqual(framework.roles, ("web",))
        container = '{"type": "MESOS", "network_infos": {"name": "cni", "groups": "g"}}'
        (network,) = read(ContainerInfo, container).network_infos
        self.assertEqual(network, NetworkInfo(name="cni", groups=("g",)))

    def test_null(self) -> None:
        """``null`` is as if the member were not there, in lists and maps too."""
        call = read(scheduler_calls.Decline, '{"offer_ids": null, "filters": null}')
        self.assertEqual(call, scheduler_calls.Decline())
        self.assertEqual(read(CommandInfo, '{"shell": null}').shell, True)
        self.assertEqual(read(Labels, '{"labels": [null, {"key": "a"}]}').labels, (Label(key="a"),))

    def test_null_required(self) -> None:
        """A field that must be given is not given by ``null``."""
        fault = self.assertRaises(MalformedMessage, read, TaskID, '{"value": null}')
        self.assertEqual(fault.path, "$.value")

    def test_numbers_as_text(self) -> None:
        """Numbers may be text, and whole ones may have an empty fraction."""
        self.assertEqual(read(Range, '{"begin": "31000", "end": 32000.0}').end, 32000)
        self.assertEqual(read(Scalar, '{"value": "0.5"}').value, 0.5)
        self.assertEqual(read(Scalar, '{"value": "1e3"}').value, 1000.0)
        self.assertEqual(read(Scalar, '{"value": 2}').value, 2.0)
        nanoseconds = read(TaskInfo, BARE_TASK % '"max_completion_time": {"nanoseconds": "-9"}')
        assert nanoseconds.max_completion_time is not None
        self.assertEqual(nanoseconds.max_completion_time.nanoseconds, -9)

    def test_no_numbers(self) -> None:
        """Text that is no decimal number, and fractions of whole numbers, are refused."""
        for text in ('"0x10"', '"1_0"', '""', '"1.5"', "1.5", "true", "[]", '" 1"', "-1", "1e400"):
            with self.assertRaises(Malformed, msg=text):
                read(Range, f'{{"begin": {text}, "end": 1}}')
        for text in ('"1_0"', '"one"', "true", "{}", '"\u0661"'):
            with self.assertRaises(Malformed, msg=text):
                read(Scalar, f'{{"value": {text}}}')

    def test_ranges_of_numbers(self) -> None:
        """A number beyond its field's range is refused with the field's path."""
        self.assertEqual(read(Range, '{"begin": 0, "end": 9223372036854775807}').end, 2**63 - 1)
        for text in ("9223372036854775808", '"18446744073709551616"', "1" + "0" * 300):
            with self.assertRaises(Malformed):
                read(Range, f'{{"begin": 0, "end": {text}}}')
        with self.assertRaises(MalformedMessage):
            read(AgentInfo, '{"hostname": "h", "port": 2147483648}')

    def test_infinities(self) -> None:
        """Floats may be infinite, as text or bare."""
        for text in ('"Infinity"', "Infinity"):
            self.assertEqual(
                read(Filters, f'{{"refuse_seconds": {text}}}').refuse_seconds, math.inf
            )
            self.assertEqual(
                read(Scalar, f'{{"value": -{text}}}'.replace('-"', '"-')).value, -math.inf
            )
        self.assertTrue(math.isnan(read(Scalar, '{"value": "NaN"}').value))

    def test_booleans_as_text(self) -> None:
        """Booleans may be ``"true"`` and ``"false"``, and nothing else."""
        self.assertEqual(read(CommandInfo, '{"shell": "false"}').shell, False)
        self.assertEqual(read(CommandInfo, '{"shell": "true"}').shell, True)
        for text in ('"no"', '"True"', "0", "1"):
            with self.assertRaises(MalformedMessage):
                read(CommandInfo, f'{{"shell": {text}}}')

    def test_unknown_names(self) -> None:
        """A name that an enum lacks is unset where it may be, and left out of lists."""
        self.assertIsNone(read(OfferOperation, '{"type": "MAKE_TEA"}').type)
        call = '{"plugin": {"type": "t", "containers": {"services": ["X", "NODE_SERVICE"]}}}'
        (container,) = read(ResourceProviderStorage, call).plugin.containers
        self.assertEqual(container.services, ("NODE_SERVICE",))

    def test_unknown_names_required(self) -> None:
        """Where the name must be given it is refused."""
        fault = self.assertRaises(MalformedMessage, read, Resource, '{"name": "c", "type": "ODD"}')
        self.assertEqual(fault.path, "$.type")
        self.assertEqual(str(fault), "Invalid enum value 'ODD' at $.type")

    def test_bytes(self) -> None:
        """Bytes are base64, all 256 values of them."""
        every = bytes(range(256))
        message = scheduler_events.Message(
            agent_id=AgentID(value="a"),
            executor_id=ExecutorID(value="e"),
            data=every,
        )
        self.assertEqual(json.decode(scheduler_events.Message, json.encode(message)).data, every)
        with self.assertRaises(MalformedMessage):
            read(TaskInfo, BARE_TASK % '"data": "not base64!"')

    def test_unknown_members(self) -> None:
        """Members that are not known are ignored, whatever they hold."""
        self.assertEqual(read(TaskID, '{"value": "a", "colour": [[{"a": null}]]}').value, "a")

    def test_path(self) -> None:
        """A refusal names the field, however deep."""
        text = '{"operations": {"type": "LAUNCH", "launch": {"task_infos": {"name": 5}}}}'
        fault = self.assertRaises(MalformedMessage, read, scheduler_calls.Accept, text)
        self.assertEqual(fault.path, "$.operations[0].launch.task_infos[0].name")

    def test_no_json(self) -> None:
        """What is no JSON is another fault than JSON that does not fit."""
        for text in ("", "{", "{]", '{"value": "a"} x', "{'value': 'a'}", '{"value": "\\ud800"}'):
            with self.assertRaises(MalformedText, msg=text):
                read(TaskID, text)
        for text in ("[]", '"a"', "1", "null", "{}"):
            with self.assertRaises(MalformedMessage, msg=text):
                read(TaskID, text)
        with self.assertRaises(MalformedText):
            json.decode(TaskID, b'{"value": "\xff"}')
        for text in ('{"value": "\\ud800", "x": Infinity}', '{"value": "a", "\\udc00": NaN}'):
            with self.assertRaises(MalformedText, msg=text):
                read(TaskID, text)

    def test_bombs(self) -> None:
        """Deep nesting is refused."""
        for text in ("[" * 100_000, '{"parent":' * 100_000, '{"value":"a","parent":' * 5_000):
            with self.assertRaises(Malformed):
                json.decode(TaskID, text.encode())

    @settings(max_examples=200, deadline=None)
    @given(st.sampled_from(LARGE), st.binary(max_size=100))
    def test_garbage(self, kind: type[Struct], text: bytes) -> None:
        """Any bytes give a message or :class:`Malformed`."""
        try:
            message = json.decode(kind, text)
        except Malformed:
            return
        self.assertIsInstance(message, kind)

    @settings(max_examples=100, deadline=None, suppress_health_check=QUIET)
    @given(ANY_MESSAGE, st.data())
    def test_spoilt(self, message: Struct, data: st.DataObject) -> None:
        """A message with a part replaced gives a message or :class:`Malformed`."""
        value = standard.loads(json.encode(message))
        place = value
        while isinstance(place, dict) and place:
            name = data.draw(st.sampled_from(sorted(place)))
            if isinstance(place[name], dict) and data.draw(st.booleans()):
                place = place[name]
                continue
            place[name] = data.draw(ODD)
            break
        try:
            heard = json.decode(type(message), standard.dumps(value).encode())
        except Malformed:
            return
        # What was taken can be passed on.
        msgspec.msgpack.encode(heard)
        json.encode(heard)


BARE_TASK = '{"name": "n", "task_id": {"value": "t"}, "agent_id": {"value": "a"}, %s}'
ODD = st.sampled_from(
    [None, True, 0, -1, 2**70, 0.5, math.inf, "", "1", "true", "x", [], [None], [[]], {}, {"a": 1}]
)


class WriteTests(SynchronousTestCase):
    """What is written is what clients of Mesos expect."""

    def test_defaults_written(self) -> None:
        """A default that the API names is written, though it was not given."""
        self.assertEqual(json.encode(CommandInfo(value="x")), b'{"shell":true,"value":"x"}')
        self.assertEqual(json.encode(Filters()), b'{"refuse_seconds":5.0}')
        docker = json.encode(DockerInfo(image="i"))
        self.assertEqual(docker, b'{"image":"i","network":"HOST","privileged":false}')
        self.assertEqual(json.encode(Image(type=ImageType.APPC)), b'{"type":"APPC","cached":true}')

    def test_deprecated_defaults_not_written(self) -> None:
        """A default of a deprecated field is not."""
        written = json.encode(FrameworkInfo(user="u", name="n"))
        self.assertEqual(
            written, b'{"user":"u","name":"n","failover_timeout":0.0,"checkpoint":false}'
        )

    def test_unset(self) -> None:
        """What has no default and is not set, and empty lists and maps, are left out."""
        status = TaskStatus(task_id=TaskID(value="t"), state=TaskState.TASK_RUNNING)
        self.assertEqual(json.encode(status), b'{"task_id":{"value":"t"},"state":"TASK_RUNNING"}')

    def test_same_after_travel(self) -> None:
        """A message writes the same JSON after it has been over the bus."""
        message = MesosHealthCheck()
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=MesosHealthCheck)
        self.assertEqual(json.encode(again), json.encode(message))

    def test_infinities(self) -> None:
        """Numbers that JSON lacks are text, in the one message that has them."""
        self.assertEqual(json.encode(Scalar(value=math.inf)), b'{"value":"Infinity"}')
        self.assertEqual(json.encode(Scalar(value=-math.inf)), b'{"value":"-Infinity"}')
        self.assertEqual(json.encode(Scalar(value=math.nan)), b'{"value":"NaN"}')
        self.assertEqual(json.encode(Label(key=":null")), b'{"key":":null"}')

    def test_long_numbers(self) -> None:
        """Numbers of 64 bits are numbers."""
        self.assertEqual(
            json.encode(Range(begin=0, end=2**63 - 1)), b'{"begin":0,"end":9223372036854775807}'
        )

    def test_bytes(self) -> None:
        """Bytes are base64 with its padding."""
        status = TaskStatus(
            task_id=TaskID(value="t"), state=TaskState.TASK_RUNNING, uuid=b"\xff\xee"
        )
        self.assertIn(b'"uuid":"/+4="', json.encode(status))
