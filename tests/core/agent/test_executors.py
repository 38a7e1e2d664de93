"""Custom executors: started once, told what waits for them, listened to until they end."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.agent.containers import ContainerExited, ContainerFailed, ContainerStarted
from mesostw.core.outcome import Close, LinkClosed, LinkOpened, Route
from mesostw.messages import executor_calls, executor_events
from mesostw.messages.agent_master import (
    ExecutorExited,
    FrameworkMessage,
    RouteClosed,
    RouteOpened,
    RunTaskGroup,
    ShutdownExecutor,
    StatusUpdated,
)
from mesostw.messages.commands import CommandInfo
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID, TaskID
from mesostw.messages.tasks import TaskGroupInfo, TaskInfo, TaskState, TaskStatus, TaskStatusReason
from mesostw.model.ids import ContainerId, LinkId
from tests.core.agent.builders import (
    EPOCH,
    EXECUTOR,
    MASTER,
    World,
    executor_task,
    framework,
)

S = TaskState
F, E = FrameworkID(value="F"), ExecutorID(value="e")


def update(state: TaskState, number: int = 1, name: str = "t") -> executor_calls.Update:
    """An executor's report, with a uuid of its number."""
    status = TaskStatus(task_id=TaskID(value=name), state=state, uuid=number.to_bytes(16, "big"))
    return executor_calls.Update(status=status)


class ExecutorCase(SynchronousTestCase):
    """A registered agent with one task for a custom executor."""

    def setUp(self) -> None:
        self.world = World().registered(ping_timeout_s=1e6)
        self.world.run(executor_task())
        self.container_id: ContainerId = self.world.task().container_id
        self.world.hear(ContainerStarted(self.container_id, 7))
        self.world.said()

    def subscribe(self, link: LinkId = EXECUTOR, held: tuple[TaskInfo, ...] = ()) -> list[Struct]:
        """The executor comes, with tasks that it holds; what it is told."""
        self.world.hear(LinkOpened(link, "executor", "F/e", "0.1.0", "10.0.0.1:4000"))
        self.world.executor_says(executor_calls.Subscribe(unacknowledged_tasks=held), link)
        return self.world.said_on(link)


class LifeTests(ExecutorCase):
    """From its first task to its end."""

    def test_delivered(self) -> None:
        """It is welcomed, then given what waits, then what comes; it is launched once."""
        self.world.run(executor_task("u"))
        self.assertEqual(len(self.world.launched()), 1)
        welcome, *launches = self.subscribe()
        assert isinstance(welcome, executor_events.Subscribed)
        self.assertEqual(welcome.executor_info.executor_id, E)
        assert welcome.container_id is not None
        self.assertEqual(welcome.container_id.value, self.container_id)
        names = [one.task.name for one in launches if isinstance(one, executor_events.Launch)]
        self.assertEqual(names, ["t", "u"])
        self.world.run(executor_task("v"))
        self.assertEqual(len(self.world.said_on(EXECUTOR)), 1)
        self.assertEqual(self.world.launched(), [])

    def test_group(self) -> None:
        """A group comes as one event, also to one that subscribes later."""
        tasks = (executor_task("g1"), executor_task("g2"))
        executor = tasks[0].executor
        assert executor is not None
        self.world.master_says(
            RunTaskGroup(
                framework=framework(),
                executor=executor,
                group=TaskGroupInfo(tasks=tasks),
                epoch=EPOCH,
            )
        )
        told = self.subscribe()
        (group,) = [one for one in told if isinstance(one, executor_events.LaunchGroup)]
        self.assertEqual([task.name for task in group.task_group.tasks], ["g1", "g2"])

    def test_group_of_commands(self) -> None:
        """The tasks of a group have commands, for their executor to run."""
        task = executor_task("g1")
        executor = task.executor
        assert executor is not None
        alone = replace(task, executor=None, command=CommandInfo(value="true"))
        self.world.master_says(
            RunTaskGroup(
                framework=framework(),
                executor=executor,
                group=TaskGroupInfo(tasks=(alone,)),
                epoch=EPOCH,
            )
        )
        self.assertEqual(self.world.said(), [])
        (group,) = [one for one in self.subscribe() if isinstance(one, executor_events.LaunchGroup)]
        self.assertEqual([one.name for one in group.task_group.tasks], ["g1"])

    def test_not_in_time(self) -> None:
        """One that does not subscribe within a minute is ended and its tasks fail."""
        self.world.passed(60.1)
        self.assertEqual(self.world.signals(), [9])
        self.world.hear(ContainerExited(self.container_id, 9, ""))
        told, exited = self.world.said()
        assert isinstance(told, StatusUpdated)
        self.assertIs(told.status.reason, TaskStatusReason.REASON_EXECUTOR_REGISTRATION_TIMEOUT)
        self.assertEqual(exited, ExecutorExited(framework_id=F, executor_id=E, status=9))

    def test_last_words(self) -> None:
        """What an executor said before it ended counts, though its end is heard first."""
        self.subscribe()
        self.world.hear(ContainerExited(self.container_id, 0, ""))
        self.world.executor_says(update(S.TASK_FINISHED))
        self.world.hear(LinkClosed(EXECUTOR, "gone"))
        self.assertEqual(self.world.statuses(), [S.TASK_FINISHED])
        self.assertEqual(self.world.agent.state.frameworks, {})

    def test_ended(self) -> None:
        """Live tasks of an executor that has ended have failed."""
        self.subscribe()
        self.world.hear(ContainerExited(self.container_id, 256, ""))
        self.world.passed(1.1)
        (told, _) = self.world.said()
        assert isinstance(told, StatusUpdated)
        self.assertIs(told.status.reason, TaskStatusReason.REASON_EXECUTOR_TERMINATED)
        self.assertIs(told.status.state, S.TASK_FAILED)

    def test_not_launched(self) -> None:
        """One that cannot be launched fails its tasks."""
        world = World().registered()
        world.said()
        world.run(executor_task())
        world.hear(ContainerFailed(world.task().container_id, "EXECUTABLE", "no such file"))
        told, _ = world.said()
        assert isinstance(told, StatusUpdated)
        self.assertIs(told.status.reason, TaskStatusReason.REASON_CONTAINER_LAUNCH_FAILED)

    def test_shut_down(self) -> None:
        """It is asked to, and ended after its grace; tasks meanwhile are dropped."""
        self.subscribe()
        self.world.master_says(ShutdownExecutor(framework_id=F, executor_id=E, epoch=EPOCH))
        self.assertEqual(self.world.said_on(EXECUTOR), [executor_events.Shutdown()])
        self.world.run(executor_task("late"))
        self.assertEqual(self.world.statuses(), [S.TASK_LOST])
        self.world.passed(5.1)
        self.assertEqual(self.world.signals(), [9])

    def test_unknown(self) -> None:
        """An executor that nobody launched is refused."""
        self.world.hear(LinkOpened(LinkId(5), "executor", "F/x", "0.1.0", "10.0.0.1:4000"))
        self.world.executor_says(executor_calls.Subscribe(), LinkId(5))
        self.assertIsInstance(self.world.said_on(LinkId(5))[0], executor_events.Error)
        self.assertIsInstance(self.world.effects[-1], Close)

    def test_subscribed_twice(self) -> None:
        """A second link takes over; the first is ended and not listened to."""
        self.subscribe()
        self.subscribe(LinkId(5), (self.world.task().info,))
        self.assertTrue(
            any(isinstance(e, Close) and e.link == EXECUTOR for e in self.world.effects)
        )
        self.world.executor_says(update(S.TASK_RUNNING))
        self.assertIs(self.world.task().state, S.TASK_STAGING)


class SpeechTests(ExecutorCase):
    """What an executor and its scheduler say."""

    def test_updates(self) -> None:
        """Each status is kept, acknowledged to the executor, and said to the framework once."""
        self.subscribe()
        for _ in range(2):
            self.world.executor_says(update(S.TASK_RUNNING))
        acknowledged = self.world.said_on(EXECUTOR)
        self.assertEqual(len(acknowledged), 2)
        self.assertIsInstance(acknowledged[0], executor_events.Acknowledged)
        self.assertEqual(self.world.statuses(), [S.TASK_RUNNING])

    def test_invalid_updates(self) -> None:
        """No uuid, STAGING, an unknown task, or after the end: counted, not said."""
        self.subscribe()
        bare = TaskStatus(task_id=TaskID(value="t"), state=S.TASK_RUNNING)
        self.world.executor_says(executor_calls.Update(status=bare))
        self.world.executor_says(update(S.TASK_STAGING, 2))
        self.world.executor_says(update(S.TASK_RUNNING, 3, "no"))
        self.world.executor_says(update(S.TASK_FINISHED, 4))
        self.world.executor_says(update(S.TASK_RUNNING, 5))
        self.assertEqual(self.world.agent.state.counters["invalid_status_updates"], 4)
        self.assertEqual(self.world.statuses(), [S.TASK_FINISHED])

    def test_kill(self) -> None:
        """A delivered task is killed by its executor, one that waits by the agent."""
        self.world.run(executor_task("u"))
        self.world.kill("u")
        self.assertEqual(self.world.statuses(), [S.TASK_KILLED])
        self.subscribe()
        self.world.kill("t")
        (told,) = self.world.said_on(EXECUTOR)
        assert isinstance(told, executor_events.Kill)
        self.assertEqual(told.task_id.value, "t")

    def test_kill_of_the_last(self) -> None:
        """An executor whose only task was killed before it came is not waited for."""
        self.world.kill()
        self.assertEqual(self.world.signals(), [9])

    def test_messages(self) -> None:
        """Bytes pass both ways."""
        self.subscribe()
        both = bytes(range(256))
        self.world.executor_says(executor_calls.Message(data=both))
        (told,) = self.world.said()
        assert isinstance(told, FrameworkMessage)
        self.assertEqual((told.data, told.to_executor), (both, False))
        self.world.master_says(
            FrameworkMessage(
                framework_id=F,
                agent_id=AgentID(value="M-S0"),
                executor_id=E,
                data=both,
                to_executor=True,
            )
        )
        self.assertEqual(self.world.said_on(EXECUTOR), [executor_events.Message(data=both)])

    def test_route(self) -> None:
        """The master's route is joined with the executor's link, whichever comes last."""
        opened = RouteOpened(route=4, framework_id=F, agent_id=AgentID(value="M-S0"), executor_id=E)
        self.world.master_says(opened)
        self.subscribe()
        routes = [effect for effect in self.world.effects if isinstance(effect, Route)]
        self.assertEqual(
            {(one.source, one.target) for one in routes}, {(MASTER, EXECUTOR), (EXECUTOR, MASTER)}
        )

    def test_no_route_over_http(self) -> None:
        """An executor over HTTP has no route; the master is told, and sends messages."""
        self.world.hear(LinkOpened(EXECUTOR, "executor", "F/e", "http", "10.0.0.1:4000"))
        self.world.executor_says(executor_calls.Subscribe())
        opened = RouteOpened(route=4, framework_id=F, agent_id=AgentID(value="M-S0"), executor_id=E)
        self.world.master_says(opened)
        self.assertEqual(self.world.said(), [RouteClosed(route=4)])
        self.assertFalse([one for one in self.world.effects if isinstance(one, Route)])

    def test_heartbeat(self) -> None:
        """An executor hears every 30 minutes that we are here."""
        self.subscribe()
        self.world.passed(3601.0)
        told = self.world.said_on(EXECUTOR)
        self.assertEqual(told, [executor_events.Heartbeat()] * 2)
