"""What is remembered of one life of Marathon, and held against the next."""

from __future__ import annotations

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.changes import InstanceChanged
from mesostw.core.marathon.records import Goal
from mesostw.core.marathon.state import MarathonState
from mesostw.testing.lives import Parts, Surroundings
from mesostw.testing.watcher import Diary, Memory
from tests.core.marathon.builders import app, instance

ONE = instance(app("/a"))
KEY = f"instances/{ONE.id}"


def knowing(*instances: object) -> MarathonState:
    """Tables with these instances."""
    state = MarathonState()
    for one in instances:
        state.apply(InstanceChanged(one))  # type: ignore[arg-type]
    return state


class DiaryTests(SynchronousTestCase):
    """A disk that forgets nothing it had."""

    def test_keys(self) -> None:
        """What was dropped was there, and is a record no more."""
        disk = Diary()
        disk.keep([("a", b"1"), ("b", b"2")])
        disk.keep([("a", None)])
        self.assertEqual((disk.ever, disk.dropped), ({"a", "b"}, {"a"}))
        self.assertEqual(disk.records, {"b": b"2"})


class MemoryTests(SynchronousTestCase):
    """Each rule, kept and broken."""

    def setUp(self) -> None:
        self.around = Surroundings(1, Parts())
        self.memory = Memory(self.around, "marathon")
        self.memory.seen = knowing(ONE)

    def test_known(self) -> None:
        """A life that knows what the one before showed is as it must be."""
        self.memory.disk.keep([(KEY, b"")])
        self.memory.runs([ONE.task_id])
        self.memory.wakes(knowing(ONE), [ONE.task_id])
        self.assertEqual(self.around.faults, [])

    def test_forgotten(self) -> None:
        """What was shown, or runs, is known unless it was taken off the disk."""
        self.memory.wakes(knowing(), [])
        self.assertIn(f"does not know {ONE.id}", self.around.faults.pop())
        self.memory.seen = None
        self.memory.wakes(knowing(), [ONE.task_id])
        self.assertIn(f"does not know {ONE.id}", self.around.faults.pop())
        self.memory.disk.keep([(KEY, None)])
        self.memory.wakes(knowing(), [ONE.task_id])
        self.assertEqual(self.around.faults, [])

    def test_launched_too_early(self) -> None:
        """A task whose instance was never on the disk must not run."""
        self.memory.runs([ONE.task_id])
        self.assertIn("before it was kept", self.around.faults.pop())

    def test_doom(self) -> None:
        """Who was on the way out stays so."""
        self.memory.doomed[ONE.id] = "Scaled down"
        self.memory.wakes(knowing(replace(ONE, goal=Goal.DECOMMISSIONED)), [])
        self.assertEqual(self.around.faults, [])
        self.memory.wakes(knowing(ONE), [])
        self.assertIn(f"has forgotten to end {ONE.id} (Scaled down)", self.around.faults.pop())
