"""Tests for ``mesostw.wire.codec``."""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from twisted.trial.unittest import SynchronousTestCase

from mesostw.messages import (
    AgentID,
    ContainerID,
    ExecutorID,
    Filters,
    FrameworkID,
    OfferID,
    TaskID,
    TaskState,
    TaskStatus,
    TaskStatusSource,
    agent_master,
    scheduler_calls,
    scheduler_events,
)
from mesostw.messages.kinds import KINDS, NUMBERS
from mesostw.testing.strategies import least, messages
from mesostw.wire.codec import decode, decode_all, encode, encode_all
from mesostw.wire.errors import MalformedFrame
from mesostw.wire.framing import FRAME_BYTES_MAX, Frames, frame

ANY_MESSAGE = st.sampled_from(sorted(KINDS)).flatmap(lambda number: messages(KINDS[number]))
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def body_of(message: Struct) -> bytes:
    """The body of a message's frame."""
    return encode(message)[12:]


class RoundTripTests(SynchronousTestCase):
    """What is encoded is decoded to the same message."""

    @settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
    @given(ANY_MESSAGE, st.integers(0, 2**32 - 1))
    def test_any(self, message: Struct, route: int) -> None:
        """Every message of every conversation comes back as it was, with its route."""
        ((kind, flags, back, body),) = Frames().take(encode(message, route))
        self.assertEqual((kind, flags, back), (NUMBERS[type(message)], 0, route))
        self.assertEqual(decode(kind, body), message)

    def test_every_kind(self) -> None:
        """Each type has been met, not only those that chance chose."""
        for number, kind in KINDS.items():
            message = least(kind)
            self.assertEqual(decode(number, body_of(message)), message)

    def test_several(self) -> None:
        """Several messages are one write, and come out in order."""
        said = [agent_master.Ping(), agent_master.Pong(), agent_master.Ping(connected=False)]
        frames = Frames().take(encode_all(said))
        self.assertEqual(decode_all(frames, self.fail), said)
        self.assertEqual(encode_all(said[:1]), encode(said[0]))

    def test_too_large(self) -> None:
        """A message that fits no frame is refused when it is encoded."""
        large = scheduler_calls.Message(
            agent_id=AgentID(value="a"),
            executor_id=ExecutorID(value="e"),
            data=bytes(FRAME_BYTES_MAX),
        )
        with self.assertRaises(MalformedFrame):
            encode(large)


class GoldenTests(SynchronousTestCase):
    """Bytes that other programs, and older ones of ours, rely on."""

    def test_ping(self) -> None:
        """What is unset takes no bytes."""
        self.assertEqual(encode(agent_master.Ping()).hex(), "00000009006900000000000080")

    def test_decline(self) -> None:
        """A body is a map by the names of the API; its defaults are written."""
        said = scheduler_calls.Decline(offer_ids=(OfferID(value="o1"),), filters=Filters())
        self.assertEqual(
            body_of(said),
            b"\x82\xa9offer_ids\x91\x81\xa5value\xa2o1"
            b"\xa7filters\x81\xaerefuse_seconds\xcb\x40\x14\x00\x00\x00\x00\x00\x00",
        )

    def test_update(self) -> None:
        """An enum is its name, bytes are bytes."""
        said = scheduler_events.Update(
            status=TaskStatus(
                task_id=TaskID(value="t"),
                state=TaskState.TASK_RUNNING,
                source=TaskStatusSource.SOURCE_EXECUTOR,
                uuid=b"\x00\xff",
                healthy=False,
            )
        )
        self.assertEqual(
            body_of(said),
            b"\x81\xa6status\xde\x00\x05\xa7task_id\x81\xa5value\xa1t\xa5state\xacTASK_RUNNING"
            b"\xa6source\xafSOURCE_EXECUTOR\xa4uuid\xc4\x02\x00\xff\xa7healthy\xc2",
        )


class NewerPeerTests(SynchronousTestCase):
    """A daemon understands what it can of a newer one."""

    def hear(self, kind: type[Struct], fields: dict[str, object]) -> Struct | None:
        return decode(NUMBERS[kind], msgspec.msgpack.encode(fields))

    def test_unknown_kind(self) -> None:
        """A kind that is not known is no message, and is told of."""
        self.assertIsNone(decode(65535, b"\x80"))
        unknown: list[int] = []
        frames = Frames().take(frame(65535, b"?") + encode(agent_master.Ping()))
        self.assertEqual(decode_all(frames, unknown.append), [agent_master.Ping()])
        self.assertEqual(unknown, [65535])

    def test_unknown_field(self) -> None:
        """A field that is not known is ignored."""
        self.assertEqual(
            self.hear(agent_master.Ping, {"connected": True, "colour": [1, {"a": None}]}),
            agent_master.Ping(),
        )

    def test_unknown_name_with_member(self) -> None:
        """A name that an enum lacks is UNKNOWN where there is such a member."""
        heard = self.hear(scheduler_calls.Accept, {"operations": [{"type": "MAKE_TEA"}]})
        assert isinstance(heard, scheduler_calls.Accept)
        self.assertEqual(str(heard.operations[0].type), "UNKNOWN")

    def test_unknown_name_without_member(self) -> None:
        """Elsewhere the field is unset, if it may be."""
        status = {"task_id": {"value": "t"}, "state": "TASK_LOST", "reason": "REASON_GHOSTS"}
        heard = self.hear(scheduler_events.Update, {"status": status | {"uuid": b"\xff"}})
        assert isinstance(heard, scheduler_events.Update)
        self.assertIsNone(heard.status.reason)
        self.assertEqual(heard.status.uuid, b"\xff")

    def test_unknown_name_required(self) -> None:
        """A state that nobody knows is no state."""
        status = {"task_id": {"value": "t"}, "state": "TASK_DREAMING"}
        fault = self.assertRaises(
            MalformedFrame, self.hear, scheduler_events.Update, {"status": status}
        )
        self.assertEqual(fault.path, "$.status.state")


class MalformedTests(SynchronousTestCase):
    """What is wrong is named, and nothing else is ever raised."""

    def test_path(self) -> None:
        """The path of the field at fault is told, and the type of the message."""
        body = msgspec.msgpack.encode({"offer_ids": [{"value": "a"}, {"value": 1}]})
        fault = self.assertRaises(MalformedFrame, decode, NUMBERS[scheduler_calls.Accept], body)
        self.assertEqual(fault.path, "$.offer_ids[1].value")
        self.assertEqual(str(fault), "Accept.offer_ids[1].value: Expected `str`, got `int`")

    def test_bombs(self) -> None:
        """Deep nesting and huge counts in few bytes cost nothing."""
        kind = NUMBERS[agent_master.Ping]
        for body in (
            b"\x91" * 100_000,
            b"\x81\xa1a" * 100_000,
            b"\xdd\xff\xff\xff\xff",
            b"\xdf\xff\xff\xff\xff",
            b"\x81\xa9connected\xc6\xff\xff\xff\xff",
        ):
            with self.assertRaises(MalformedFrame):
                decode(kind, body)

    def test_nested_ids(self) -> None:
        """A chain of containers without end is refused, not followed to the stack's end."""
        body = b"\x82\xa5value\xa1a\xa6parent" * 100_000
        status = b"\x81\xa6status\x81\xb0container_status\x81\xaccontainer_id" + body
        with self.assertRaises(MalformedFrame):
            decode(NUMBERS[scheduler_events.Update], status)
        self.assertEqual(ContainerID(value="a").parent, None)

    @settings(max_examples=300, deadline=None)
    @given(st.sampled_from(sorted(KINDS)), st.binary(max_size=120))
    def test_garbage(self, kind: int, body: bytes) -> None:
        """Any bytes give a message or ``MalformedFrame``."""
        try:
            message = decode(kind, body)
        except MalformedFrame:
            return
        self.assertIsInstance(message, KINDS[kind])

    @settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
    @given(ANY_MESSAGE, st.data())
    def test_spoilt(self, message: Struct, data: st.DataObject) -> None:
        """A message with bytes changed gives a message or ``MalformedFrame``."""
        body = bytearray(body_of(message))
        for _ in range(data.draw(st.integers(1, 3))):
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
        try:
            heard = decode(NUMBERS[type(message)], bytes(body))
        except MalformedFrame:
            return
        # What was taken can be passed on.
        assert heard is not None
        encode(heard)

    @settings(max_examples=100, deadline=None, suppress_health_check=QUIET)
    @given(
        st.sampled_from(sorted(KINDS)),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["status", "type", "value", "operations", "offer_ids", "agent"]
                    ),
                    inner,
                    max_size=4,
                )
            ),
        ),
    )
    def test_other_shapes(self, kind: int, value: object) -> None:
        """Well-formed msgpack of another shape gives a message or ``MalformedFrame``."""
        try:
            decode(kind, msgspec.msgpack.encode(value))
        except MalformedFrame:
            return

    def test_ids(self) -> None:
        """An id is a struct of one field, and a bare text is none."""
        body = msgspec.msgpack.encode({"framework_id": "f"})
        fault = self.assertRaises(
            MalformedFrame, decode, NUMBERS[agent_master.ShutdownFramework], body
        )
        self.assertEqual(fault.path, "$.framework_id")
        self.assertEqual(FrameworkID(value="f").value, "f")
