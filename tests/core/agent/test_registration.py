"""Coming to a master and staying with it."""

from __future__ import annotations

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.outcome import Close, LinkClosed, LinkOpened
from mesostw.messages.agent_master import (
    AgentRegistered,
    AgentReregistered,
    Ping,
    Pong,
    ReconcileTasks,
    RegisterAgent,
    ReregisterAgent,
    StatusUpdated,
)
from mesostw.messages.ids import AgentID, FrameworkID, TaskID
from mesostw.messages.tasks import TaskState, TaskStatusReason
from mesostw.model.ids import LinkId
from tests.core.agent.builders import AGENT_ID, EPOCH, FLAGS, MASTER, World, command_task


class BackOffTests(SynchronousTestCase):
    """Tries come after random waits that grow to a minute."""

    def test_at_once(self) -> None:
        """With a factor of 0 the first try comes at once."""
        world = World()
        world.link()
        (told,) = world.said()
        assert isinstance(told, RegisterAgent)
        self.assertIsNone(told.agent.id)
        self.assertEqual(told.address, "10.0.0.1:5051")

    def test_first_wait(self) -> None:
        """Otherwise it comes within the factor."""
        world = World(replace(FLAGS, registration_backoff_s=5.0))
        world.link()
        self.assertEqual(world.said(), [])
        world.passed(5.0)
        self.assertGreaterEqual(len(world.said()), 1)

    def test_tries(self) -> None:
        """Unanswered tries go on, no further apart than a minute, and end with an answer."""
        world = World()
        world.link()
        world.passed(600.0)
        self.assertGreater(len(world.said()), 10)
        self.assertLessEqual(max(world.timers.values()) - world.now.steady, 60.0)
        world.master_says(
            AgentRegistered(agent_id=AgentID(value=AGENT_ID), ping_timeout_s=75.0, epoch=1)
        )
        world.passed(74.0)
        self.assertEqual(world.said(), [])


class MasterTests(SynchronousTestCase):
    """Which master is listened to."""

    def test_admitted(self) -> None:
        """The id is kept for all later lives, and told to later masters with all tasks."""
        world = World().running()
        world.hear(LinkClosed(MASTER, "gone"))
        world.said()
        world.link()
        (told,) = world.said()
        assert isinstance(told, ReregisterAgent)
        self.assertEqual(told.agent.id, AgentID(value=AGENT_ID))
        (task,) = told.tasks
        self.assertIs(task.state, TaskState.TASK_RUNNING)
        self.assertEqual([one.name for one in told.frameworks], ["F"])

    def test_older_epoch(self) -> None:
        """A welcome of an older master is refused and the link ended."""
        world = World().registered()
        world.hear(LinkClosed(MASTER, "gone"))
        world.link()
        old = AgentReregistered(
            agent_id=AgentID(value=AGENT_ID), ping_timeout_s=75.0, epoch=EPOCH - 1
        )
        world.master_says(old)
        self.assertTrue(any(isinstance(effect, Close) for effect in world.effects))
        self.assertIsNone(world.agent.state.master)

    def test_another_id(self) -> None:
        """A master that takes us for another agent is refused."""
        world = World().registered()
        world.hear(LinkClosed(MASTER, "gone"))
        world.link()
        world.master_says(
            AgentReregistered(agent_id=AgentID(value="X-S9"), ping_timeout_s=75.0, epoch=EPOCH)
        )
        self.assertEqual(world.agent.state.identity.agent_id, AGENT_ID)
        self.assertIsNone(world.agent.state.master)

    def test_silence(self) -> None:
        """A master that does not ping for its own ping timeout is dialled again."""
        world = World().registered()
        world.passed(70.0)
        world.master_says(Ping())
        self.assertIsInstance(world.said()[-1], Pong)
        world.passed(70.0)
        self.assertIsNotNone(world.agent.state.master)
        world.passed(6.0)
        self.assertIn(Close(MASTER, "no ping from the master"), world.effects)
        self.assertIsNone(world.agent.state.master)

    def test_thought_gone(self) -> None:
        """A ping that says we are thought gone has us register again."""
        world = World().registered()
        world.said()
        world.master_says(Ping(connected=False))
        self.assertIsInstance(world.said()[-1], ReregisterAgent)

    def test_two_links(self) -> None:
        """Of two links to masters only the newer is listened to."""
        world = World().registered()
        other = LinkId(9)
        world.hear(LinkOpened(other, "master", "M2", "0.1.0", "10.0.0.8:5050"))
        self.assertIn(Close(MASTER, "the master was dialled again"), world.effects)
        world.run(command_task())
        self.assertEqual(world.agent.state.tasks, {})

    def test_reconciled(self) -> None:
        """A task that the master has and we lack is reported lost, or dropped to the aware."""
        world = World().running("have")
        world.hear(LinkClosed(MASTER, "gone"))
        world.link()
        world.said()
        asked = ReconcileTasks(
            framework_id=FrameworkID(value="F"),
            partition_aware=True,
            task_ids=(TaskID(value="have"), TaskID(value="lack")),
        )
        world.master_says(
            AgentReregistered(
                agent_id=AgentID(value=AGENT_ID),
                ping_timeout_s=75.0,
                epoch=EPOCH,
                reconcile=(asked, replace(asked, partition_aware=False)),
            )
        )
        told = [one for one in world.said() if isinstance(one, StatusUpdated)]
        self.assertEqual(
            [(one.status.task_id.value, one.status.state) for one in told],
            [("lack", TaskState.TASK_DROPPED), ("lack", TaskState.TASK_LOST)],
        )
        self.assertIs(told[0].status.reason, TaskStatusReason.REASON_RECONCILIATION)
        self.assertIsNone(told[0].status.uuid)

    def test_wrong_role(self) -> None:
        """A link of another role is closed."""
        world = World()
        world.hear(LinkOpened(LinkId(3), "framework", "F", "0.1.0", "1.2.3.4:5"))
        self.assertIsInstance(world.effects[-1], Close)
