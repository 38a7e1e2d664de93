"""A killed agent that starts again knows what it had and learns what became of it."""

from __future__ import annotations

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.agent.containers import ContainerExited, ContainerStarted
from mesostw.core.agent.words import CompletionTimeOver, Quit, RecoverContainers
from mesostw.core.outcome import LinkOpened
from mesostw.messages import executor_calls, executor_events
from mesostw.messages.agent_master import ReregisterAgent, StatusUpdated
from mesostw.messages.tasks import TaskState, TaskStatusReason
from mesostw.messages.values import DurationInfo
from tests.core.agent.builders import EXECUTOR, FLAGS, World, command_task, executor_task, policy

S = TaskState


class BuiltInTests(SynchronousTestCase):
    """Tasks of the built-in command executor."""

    def again(self, world: World) -> World:
        """The same agent in its next life, with a link to its master."""
        after = World(store=world.store, nonce=2)
        after.link()
        return after

    def test_still_running(self) -> None:
        """A running task runs on; nothing is said of it but to the master that asks."""
        before = World().running()
        after = self.again(before)
        container_id = after.task().container_id
        self.assertIn(RecoverContainers((container_id,)), after.effects)
        self.assertEqual(after.said(), [])
        after.hear(ContainerStarted(container_id, 123))
        (told,) = after.said()
        assert isinstance(told, ReregisterAgent)
        self.assertIs(told.tasks[0].state, S.TASK_RUNNING)
        after.registered()
        self.assertEqual(after.statuses(), [])

    def test_ended_meanwhile(self) -> None:
        """The exit status of a task that ended meanwhile is learnt."""
        before = World().running()
        after = self.again(before)
        after.hear(ContainerExited(before.task().container_id, 5 << 8, ""))
        after.registered()
        told = [one for one in after.said() if isinstance(one, StatusUpdated)]
        self.assertEqual([one.status.message for one in told], ["Command exited with status 5"])

    def test_repeated_by_launcher(self) -> None:
        """What the launcher says twice is no news."""
        before = World().running()
        after = self.again(before)
        for _ in range(2):
            after.hear(ContainerExited(before.task().container_id, 0, ""))
        after.registered()
        self.assertEqual(after.statuses(), [S.TASK_FINISHED])

    def test_status_unknown(self) -> None:
        """If nobody knows how a running task ended, it has failed, with the reason."""
        before = World().running()
        after = self.again(before)
        after.hear(ContainerExited(before.task().container_id, None, "the supervisor died"))
        after.registered()
        (told,) = [one for one in after.said() if isinstance(one, StatusUpdated)]
        self.assertIs(told.status.state, S.TASK_FAILED)
        self.assertIn("the supervisor died", told.status.message or "")

    def test_never_started(self) -> None:
        """A task whose launch did not get through is reported lost, and never launched again."""
        before = World().registered()
        before.run(command_task(max_completion_time=DurationInfo(nanoseconds=60 * 10**9)))
        after = self.again(before)
        self.assertEqual(list(after.timers), [CompletionTimeOver(before.task().container_id)])
        after.hear(ContainerExited(before.task().container_id, None, ""))
        self.assertEqual(after.launched(), [])
        self.assertNotIn(CompletionTimeOver(before.task().container_id), after.timers)
        after.registered()
        self.assertEqual(after.statuses(), [S.TASK_STARTING, S.TASK_LOST])

    def test_unacknowledged(self) -> None:
        """Statuses that were not acknowledged are said again, the oldest first."""
        before = World().registered()
        before.run(command_task())
        before.start()
        before.exit()
        after = self.again(before).registered()
        self.assertEqual(after.statuses(), [S.TASK_STARTING, S.TASK_RUNNING, S.TASK_FINISHED])

    def test_kill_goes_on(self) -> None:
        """A kill that was under way begins again with its grace."""
        before = World().running()
        before.kill(grace=policy(8.0))
        after = self.again(before)
        after.hear(ContainerStarted(before.task().container_id, 123))
        self.assertEqual(after.signals(), [15])
        after.passed(8.1)
        self.assertEqual(after.signals(), [9])
        after.exit(status=9)
        after.registered()
        self.assertEqual(after.statuses(), [S.TASK_KILLED])

    def test_completion_time_goes_on(self) -> None:
        """The time that a task may run counts from its launch, also over a restart."""
        before = World().registered()
        before.run(command_task(max_completion_time=DurationInfo(nanoseconds=60 * 10**9)))
        before.start()
        after = World(store=before.store, nonce=2)
        after.hear(ContainerStarted(before.task().container_id, 123))
        after.passed(61.0)
        self.assertEqual(after.signals(), [9])

    def test_cleanup(self) -> None:
        """``recover=cleanup`` ends what was left, then stops."""
        before = World().running()
        after = World(replace(FLAGS, recover="cleanup"), before.store, 2)
        self.assertEqual(after.signals(), [15])
        after.exit(status=15)
        self.assertIn(Quit("recover=cleanup"), after.effects)


class ReconfigurationTests(SynchronousTestCase):
    """What a restart may change."""

    def test_hostname(self) -> None:
        """Another hostname is refused with a sentence that says what to do."""
        before = World().registered()
        after = World(replace(FLAGS, hostname="other"), before.store, 2)
        (stop,) = [effect for effect in after.effects if isinstance(effect, Quit)]
        self.assertTrue(stop.failed)
        self.assertIn("hostname host is now other", stop.reason)

    def test_port(self) -> None:
        """Another port is no matter while no executor has to find it."""
        before = World().running()
        after = World(replace(FLAGS, port=9999), before.store, 2)
        self.assertFalse([effect for effect in after.effects if isinstance(effect, Quit)])


class ExecutorTests(SynchronousTestCase):
    """Custom executors over a restart of the agent."""

    def before(self) -> World:
        world = World().registered()
        world.run(executor_task())
        world.hear(ContainerStarted(world.task().container_id, 7))
        return world

    def subscribe(self, world: World, call: executor_calls.Subscribe) -> None:
        world.hear(LinkOpened(EXECUTOR, "executor", "F/e", "0.1.0", "10.0.0.1:4000"))
        world.executor_says(call)

    def test_never_delivered(self) -> None:
        """A task that waited for its executor is dropped, and the executor ended."""
        before = self.before()
        after = World(store=before.store, nonce=2)
        after.hear(ContainerStarted(before.task().container_id, 7))
        self.assertEqual(after.signals(), [9])
        after.registered()
        (told,) = [one for one in after.said() if isinstance(one, StatusUpdated)]
        self.assertIs(told.status.state, S.TASK_LOST)
        self.assertIs(told.status.reason, TaskStatusReason.REASON_AGENT_RESTARTED)

    def test_back_in_time(self) -> None:
        """An executor has 2 s to come back; the master is told of it after that."""
        before = self.before()
        self.subscribe(before, executor_calls.Subscribe())
        after = World(store=before.store, nonce=2)
        after.hear(ContainerStarted(before.task().container_id, 7))
        after.link()
        self.assertEqual(after.said(), [])
        held = (after.task().info,)
        self.subscribe(after, executor_calls.Subscribe(unacknowledged_tasks=held))
        (told,) = after.said()
        assert isinstance(told, ReregisterAgent)
        self.assertEqual(len(told.executors), 1)
        self.assertIs(after.task().state, S.TASK_STAGING)
        self.assertIsInstance(after.said_on(EXECUTOR)[0], executor_events.Subscribed)
        after.passed(10.0)
        self.assertEqual(after.signals(), [])

    def test_not_back(self) -> None:
        """One that does not come back is ended, and its tasks fail with the reason."""
        before = self.before()
        self.subscribe(before, executor_calls.Subscribe())
        after = World(store=before.store, nonce=2)
        after.link()
        container_id = before.task().container_id
        after.hear(ContainerStarted(container_id, 7))
        after.passed(2.1)
        self.assertEqual(after.signals(), [9])
        after.hear(ContainerExited(container_id, 9, ""))
        after.registered()
        (told,) = [one for one in after.said() if isinstance(one, StatusUpdated)]
        self.assertIs(told.status.reason, TaskStatusReason.REASON_EXECUTOR_REREGISTRATION_TIMEOUT)

    def test_lost_launch(self) -> None:
        """A task that the executor does not have was never delivered."""
        before = self.before()
        self.subscribe(before, executor_calls.Subscribe())
        after = World(store=before.store, nonce=2)
        after.hear(ContainerStarted(before.task().container_id, 7))
        self.subscribe(after, executor_calls.Subscribe())
        after.registered()
        self.assertEqual(after.statuses(), [S.TASK_LOST])
