"""Changes as bytes: nothing is lost, and strangers are understood as far as possible."""

from __future__ import annotations

import contextlib
import typing

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.master.changes import (
    AgentChanged,
    EndedCounted,
    KillDropped,
    KillKept,
    MasterChange,
    WeightChanged,
)
from mesostw.core.master.records import KillRecord
from mesostw.feed.packing import CHANGES, Unpackable, Unpacking, pack
from mesostw.messages.convert import parse
from mesostw.messages.health import KillPolicy
from mesostw.model.ids import AgentId, FrameworkId, TaskId
from mesostw.model.resources import Resources
from mesostw.model.slots import Reservation, slot
from mesostw.model.tasks import TaskState
from tests.http.world import agent, small_cluster


class PackingTests(SynchronousTestCase):
    """Every change there and back."""

    def there_and_back(self, *changes: MasterChange) -> None:
        self.assertEqual(Unpacking().unpack(pack(changes)), list(changes))

    def test_every_change_has_a_number(self) -> None:
        """A change that nobody numbered is found at once."""
        self.assertEqual(set(CHANGES.values()), set(typing.get_args(MasterChange)))

    def test_usual_ones(self) -> None:
        """A small cluster, counts, weights, kills."""
        kill = KillRecord(AgentId("S1"), FrameworkId("f"), TaskId("t"), KillPolicy())
        self.there_and_back(
            *typing.cast("tuple[MasterChange, ...]", small_cluster()),
            WeightChanged("web", 2.5),
            EndedCounted(None, {TaskState.TASK_LOST: 3}),
            EndedCounted(FrameworkId("f"), {}),
            KillKept(kill),
            KillDropped(kill),
        )

    def test_resources(self) -> None:
        """Scalars, ranges, sets; reserved ones and disks."""
        words = Resources.parse("cpus:1.5;ports:[1-2,5-9];zones:{a,b}")
        layers = (Reservation("web"), Reservation("web/a", dynamic=True, principal="me"))
        reserved = Resources({slot("cpus", layers): 1500, slot("mem"): 7000}) + parse(
            '[{"name": "disk", "type": "SCALAR", "scalar": {"value": 9}, "disk":'
            ' {"source": {"type": "MOUNT", "mount": {"root": "/d"}}}}]'
        )
        for total in (Resources.EMPTY, words, reserved, words + reserved):
            self.there_and_back(AgentChanged(agent(1, total=total)))

    def test_newer_strangers(self) -> None:
        """A kind that is not known is skipped and counted; a field is ignored."""
        weight = msgspec.to_builtins(WeightChanged("web", 2.0))
        packed = msgspec.msgpack.encode([(999, {"what": 1}), (16, {**weight, "new": 1})])
        unpacking = Unpacking()
        self.assertEqual(unpacking.unpack(packed), [WeightChanged("web", 2.0)])
        self.assertEqual(unpacking.unknown, {999: 1})

    @given(st.binary(max_size=60))
    def test_any_bytes(self, packed: bytes) -> None:
        """Bytes give changes, or say that they are none."""
        with contextlib.suppress(Unpackable):
            Unpacking().unpack(packed)

    @given(st.data())
    def test_damaged_bytes(self, data: st.DataObject) -> None:
        """One wrong byte gives changes, or says that they are none."""
        packed = bytearray(pack(typing.cast("tuple[MasterChange, ...]", small_cluster())))
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
        with contextlib.suppress(Unpackable):
            Unpacking().unpack(bytes(packed))
