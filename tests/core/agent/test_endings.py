"""Kills: what is signalled when, and what is said at the end."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.agent.words import LeaveAsked, Quit
from mesostw.messages.agent_master import (
    ShutdownAgent,
    ShutdownExecutor,
    StatusUpdated,
    UnregisterAgent,
)
from mesostw.messages.frameworks import FrameworkCapabilityType
from mesostw.messages.ids import ExecutorID, FrameworkID
from mesostw.messages.tasks import TaskState, TaskStatusReason
from tests.core.agent.builders import EPOCH, World, command_task, framework, policy

S = TaskState
KILLING = FrameworkCapabilityType.TASK_KILLING_STATE


class KillTests(SynchronousTestCase):
    """SIGTERM to the whole tree, then after the grace SIGKILL."""

    def test_matrix(self) -> None:
        """The kill event's policy wins, then the task's, then 3 s."""
        for asked, own, grace_s in (
            (None, None, 3.0),
            (None, policy(7.0), 7.0),
            (policy(2.0), policy(7.0), 2.0),
            (policy(20.0), None, 20.0),
        ):
            world = World().registered()
            world.run(command_task(kill_policy=own))
            world.start()
            world.kill(grace=asked)
            self.assertEqual(world.signals(), [15])
            world.passed(grace_s - 0.1)
            self.assertEqual(world.signals(), [])
            world.passed(0.2)
            self.assertEqual(world.signals(), [9])
            world.exit(status=9)
            self.assertIs(world.task().state, S.TASK_KILLED)

    def test_no_grace(self) -> None:
        """A grace of 0 is SIGKILL at once."""
        world = World().running()
        world.kill(grace=policy(0.0))
        self.assertEqual(world.signals(), [9])

    def test_shortened(self) -> None:
        """A later kill may only shorten the grace, and signals SIGTERM no second time."""
        world = World().running()
        world.kill(grace=policy(10.0))
        world.kill(grace=policy(100.0))
        self.assertEqual(world.signals(), [15])
        world.kill(grace=policy(1.0))
        world.passed(1.1)
        self.assertEqual(world.signals(), [9])

    def test_killing_state(self) -> None:
        """TASK_KILLING is for frameworks that know it."""
        for capabilities, states in (
            ((), [S.TASK_KILLED]),
            ((KILLING,), [S.TASK_KILLING, S.TASK_KILLED]),
        ):
            world = World().running(info=framework("F", *capabilities))
            world.kill()
            world.exit(status=15)
            self.assertEqual(world.statuses(), states)

    def test_ended_by_itself(self) -> None:
        """A task that was asked to end is KILLED, whatever its exit status."""
        world = World().running()
        world.kill()
        world.exit(status=0)
        (update,) = world.said()
        assert isinstance(update, StatusUpdated)
        self.assertIs(update.status.state, S.TASK_KILLED)
        self.assertEqual(update.status.message, "Command exited with status 0")

    def test_before_it_runs(self) -> None:
        """A kill that comes before the process is repeated when it runs."""
        world = World().registered()
        world.run(command_task())
        world.kill()
        self.assertEqual(world.signals(), [15])
        world.start()
        self.assertEqual(world.signals(), [15])
        world.exit(status=15)
        self.assertEqual(world.statuses(), [S.TASK_STARTING, S.TASK_KILLED])

    def test_after_its_end(self) -> None:
        """A kill of an ended task changes nothing."""
        world = World().running()
        world.exit()
        world.kill()
        self.assertEqual(world.signals(), [])
        self.assertEqual(world.statuses(), [S.TASK_FINISHED])

    def test_unknown(self) -> None:
        """A kill of an unknown task is answered, so that nobody waits for it."""
        world = World().registered()
        world.said()
        world.kill("no")
        (update,) = world.said()
        assert isinstance(update, StatusUpdated)
        self.assertIs(update.status.state, S.TASK_LOST)
        self.assertIs(update.status.reason, TaskStatusReason.REASON_TASK_UNKNOWN)

    def test_executor_shut_down(self) -> None:
        """A built-in task is the executor of its own id."""
        world = World().running()
        world.master_says(
            ShutdownExecutor(
                framework_id=FrameworkID(value="F"),
                executor_id=ExecutorID(value="t"),
                epoch=EPOCH,
            )
        )
        self.assertEqual(world.signals(), [15])
        world.passed(5.1)
        self.assertEqual(world.signals(), [9])


class LeavingTests(SynchronousTestCase):
    """The agent leaves when nothing runs any more."""

    def test_told_by_master(self) -> None:
        """All tasks are ended first."""
        world = World().running()
        world.master_says(ShutdownAgent(message="gone", epoch=EPOCH))
        self.assertEqual(world.signals(), [15])
        self.assertNotIn(Quit("gone"), world.effects)
        world.exit(status=15)
        self.assertIn(Quit("gone"), world.effects)
        self.assertIsInstance(world.said()[-1], UnregisterAgent)

    def test_asked_by_operator(self) -> None:
        """An idle agent leaves at once."""
        world = World().registered()
        world.hear(LeaveAsked("SIGUSR1"))
        self.assertIn(Quit("SIGUSR1"), world.effects)
