"""Statuses reach the framework at least once, in order, one at a time."""

from __future__ import annotations

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.outcome import LinkClosed
from mesostw.messages.agent_master import AcknowledgeStatus, FrameworkReturned, StatusUpdated
from mesostw.messages.ids import FrameworkID, TaskID
from mesostw.messages.tasks import TaskState
from tests.core.agent.builders import MASTER, World, command_task

S = TaskState


class RetryTests(SynchronousTestCase):
    """What is not acknowledged is said again."""

    def setUp(self) -> None:
        self.world = World().registered(ping_timeout_s=1e6)
        self.world.said()
        self.world.run(command_task())
        (self.first,) = self.world.said()

    def test_table(self) -> None:
        """After 10 s, doubling to 10 minutes, for ever."""
        waits: list[float] = []
        for _ in range(9):
            start = self.world.now.steady
            while not self.world.said():
                self.world.passed(1.0)
            waits.append(round(self.world.now.steady - start, -1))
        self.assertEqual(waits, [10, 20, 40, 80, 160, 320, 600, 600, 600])

    def test_same(self) -> None:
        """It is the same status, with the latest state."""
        self.world.start()
        self.world.passed(10.5)
        (again,) = self.world.said()
        assert isinstance(again, StatusUpdated)
        assert isinstance(self.first, StatusUpdated)
        self.assertEqual(again.status, self.first.status)
        self.assertIs(again.latest_state, S.TASK_RUNNING)

    def test_acknowledged(self) -> None:
        """What is acknowledged is not said again."""
        assert isinstance(self.first, StatusUpdated)
        self.world.acknowledge(self.first)
        self.world.passed(1000.0)
        self.assertEqual(self.world.said(), [])

    def test_new_master(self) -> None:
        """Without a master nothing is said; a new one is told at once and from 10 s again."""
        self.world.passed(100.0)
        self.world.said()
        self.world.hear(LinkClosed(MASTER, "gone"))
        self.world.passed(1000.0)
        self.assertEqual(self.world.said(), [])
        self.world.registered()
        told = [one for one in self.world.said() if isinstance(one, StatusUpdated)]
        self.assertEqual(len(told), 1)
        self.world.passed(10.5)
        self.assertEqual(len(self.world.said()), 1)

    def test_sooner_than_others(self) -> None:
        """A new status is said again after 10 s, also while others wait for ten minutes."""
        self.world.passed(2000.0)
        self.world.said()
        self.world.run(command_task("n"))
        self.world.said()
        self.world.passed(10.5)
        told = [one for one in self.world.said() if isinstance(one, StatusUpdated)]
        names = [one.status.task_id.value for one in told]
        self.assertIn("n", names)

    def test_framework_is_back(self) -> None:
        """A framework that is back is told at once what it may have missed, others are not."""
        assert isinstance(self.first, StatusUpdated)
        self.world.passed(100.0)
        self.world.said()
        self.world.master_says(FrameworkReturned(framework_id=FrameworkID(value="other")))
        self.assertEqual(self.world.said(), [])
        self.world.master_says(FrameworkReturned(framework_id=self.first.framework_id))
        (again,) = self.world.said()
        assert isinstance(again, StatusUpdated)
        self.assertEqual(again.status, self.first.status)
        self.world.passed(9.0)
        self.assertEqual(self.world.said(), [])
        self.world.passed(1.5)
        self.assertEqual(len(self.world.said()), 1)
        self.world.acknowledge(again)
        self.world.master_says(FrameworkReturned(framework_id=self.first.framework_id))
        self.assertEqual(self.world.said(), [])

    def test_many_fall_due_together(self) -> None:
        """One timer serves all tasks; nothing is retried of those that were acknowledged."""
        for number in range(50):
            self.world.run(command_task(f"n{number}"))
        self.assertEqual(len([t for t in self.world.timers if "RetryDue" in str(t)]), 1)
        told = self.world.said()
        for one in told[:40]:
            assert isinstance(one, StatusUpdated)
            self.world.acknowledge(one)
        self.world.passed(11.0)
        self.assertEqual(len(self.world.said()), 11)


class AcknowledgementTests(SynchronousTestCase):
    """Only the uuid of the oldest status counts."""

    def test_wrong_uuid(self) -> None:
        """A wrong uuid, a repeated one and an unknown task are counted and change nothing."""
        world = World().registered()
        world.said()
        world.run(command_task())
        (first,) = world.said()
        assert isinstance(first, StatusUpdated)
        world.start()
        second = world.task().pending[1]
        world.acknowledge(replace(first, status=second))
        self.assertEqual(len(world.task().pending), 2)
        world.acknowledge(first)
        world.acknowledge(first)
        self.assertEqual(len(world.task().pending), 1)
        world.master_says(
            AcknowledgeStatus(
                framework_id=FrameworkID(value="F"), task_id=TaskID(value="no"), uuid=b"x" * 16
            )
        )
        counters = world.agent.state.counters
        self.assertEqual(counters["invalid_status_update_acknowledgements"], 3)
        self.assertEqual(counters["valid_status_update_acknowledgements"], 1)

    def test_kept_before_said(self) -> None:
        """A status is among the durable changes of the turn that says it."""
        world = World().registered()
        world.run(command_task())
        task = world.store["tasks/F/t"]
        self.assertEqual(task, world.task())

    def test_uuids_differ_over_lives(self) -> None:
        """No two statuses share a uuid, also after a restart."""
        first = World().registered()
        first.run(command_task())
        second = World(store=first.store, nonce=2).registered()
        second.start()
        uuids = [status.uuid for status in second.task().pending]
        self.assertEqual(len(uuids), 2)
        self.assertEqual(len(set(uuids)), 2)
