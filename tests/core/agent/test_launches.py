"""Built-in tasks, from the master's word to their end."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.agent.containers import ContainerFailed
from mesostw.core.agent.words import CompletionTimeOver, ForgetContainer, RoomLeft
from mesostw.messages.agent_master import ShutdownFramework, StatusUpdated
from mesostw.messages.commands import URI, CommandInfo, Environment, Variable
from mesostw.messages.containers import ContainerInfo, ContainerType, RLimit, RLimitInfo, RLimitType
from mesostw.messages.frameworks import FrameworkCapabilityType
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID
from mesostw.messages.tasks import (
    ExecutorInfo,
    ExecutorType,
    TaskInfo,
    TaskState,
    TaskStatusReason,
    TaskStatusSource,
)
from mesostw.messages.values import DurationInfo, Scalar
from mesostw.messages.volumes import Volume, VolumeMode
from tests.core.agent.builders import EPOCH, World, command_task, executor_task, framework

S = TaskState
HDFS = URI(value="hdfs://u")


class CommandTests(SynchronousTestCase):
    """A task with a command needs no executor process."""

    def test_finished(self) -> None:
        """STARTING, RUNNING and FINISHED are said one at a time, each once acknowledged."""
        world = World().registered()
        world.said()
        world.run(command_task())
        (starting,) = world.said()
        assert isinstance(starting, StatusUpdated)
        self.assertIs(starting.status.state, S.TASK_STARTING)
        world.start()
        world.exit()
        self.assertEqual(world.said(), [])
        world.acknowledge(starting)
        (running,) = world.said()
        assert isinstance(running, StatusUpdated)
        self.assertIs(running.status.state, S.TASK_RUNNING)
        self.assertIs(running.latest_state, S.TASK_FINISHED)
        world.acknowledge(running)
        (finished,) = world.said()
        assert isinstance(finished, StatusUpdated)
        self.assertEqual(finished.status.message, "Command exited with status 0")
        world.acknowledge(finished)
        self.assertEqual(world.agent.state.tasks, {})
        self.assertEqual(world.agent.state.frameworks, {})
        self.assertEqual([key for key in world.store if key != "identity/self"], [])

    def test_status_is_filled(self) -> None:
        """A status names agent, executor and container, and where the task is."""
        world = World().registered()
        world.said()
        world.run(command_task())
        (update,) = world.said()
        assert isinstance(update, StatusUpdated)
        status = update.status
        container = status.container_status
        assert container is not None
        assert container.container_id is not None
        self.assertEqual(container.container_id.value, world.task().container_id)
        self.assertEqual(container.network_infos[0].ip_addresses[0].ip_address, "10.0.0.1")
        self.assertEqual(status.agent_id, AgentID(value="M-S0"))
        self.assertEqual(status.executor_id, ExecutorID(value="t"))
        self.assertEqual(status.timestamp, 1_700_000_000.0)
        self.assertIs(status.source, TaskStatusSource.SOURCE_EXECUTOR)
        self.assertEqual(len(status.uuid or b""), 16)

    def test_exit_status(self) -> None:
        """What a command ended with is said as Mesos says it."""
        for status, state, message in (
            (3 << 8, S.TASK_FAILED, "Command exited with status 3"),
            (9, S.TASK_FAILED, "Command terminated with signal Killed"),
            (15, S.TASK_FAILED, "Command terminated with signal Terminated"),
            (None, S.TASK_FAILED, "Command ended with a status that is unknown: lost"),
        ):
            world = World().running()
            world.exit(status=status, message="lost")
            (update,) = world.said()
            assert isinstance(update, StatusUpdated)
            self.assertIs(update.status.state, state)
            self.assertEqual(update.status.message, message)

    def test_spec(self) -> None:
        """The container is what Mesos gives a task; nothing is inherited."""
        world = World().registered()
        limit = RLimit(type=RLimitType.RLMT_NOFILE, hard=100, soft=50)
        world.run(
            command_task(
                command=CommandInfo(
                    value="echo $A",
                    environment=Environment(variables=(Variable(name="A", value="1"),)),
                ),
                container=ContainerInfo(
                    type=ContainerType.MESOS, rlimit_info=RLimitInfo(rlimits=(limit,))
                ),
            )
        )
        (spec,) = world.launched()
        self.assertEqual(spec.executable, "/bin/sh")
        self.assertEqual(spec.argv, ("sh", "-c", "echo $A"))
        self.assertEqual(spec.user, "me")
        self.assertEqual(spec.rlimits, (limit,))
        directory = f"/w/slaves/M-S0/frameworks/F/executors/t/runs/{spec.container_id}"
        self.assertEqual(spec.directory, directory)
        self.assertEqual(
            spec.environment,
            {
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LIBPROCESS_IP": "10.0.0.1",
                "LIBPROCESS_PORT": "0",
                "MESOS_AGENT_ENDPOINT": "10.0.0.1:5051",
                "MESOS_SLAVE_ID": "M-S0",
                "MESOS_SLAVE_PID": "slave(1)@10.0.0.1:5051",
                "MESOS_CHECKPOINT": "1",
                "MESOS_HTTP_COMMAND_EXECUTOR": "0",
                "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "5secs",
                "MESOS_RECOVERY_TIMEOUT": "15mins",
                "MESOS_SUBSCRIPTION_BACKOFF_MAX": "2secs",
                "MESOS_FRAMEWORK_ID": "F",
                "MESOS_EXECUTOR_ID": "t",
                "MESOS_DIRECTORY": directory,
                "MESOS_SANDBOX": directory,
                "A": "1",
            },
        )

    def test_argv(self) -> None:
        """Without a shell the value is the program and the arguments are its whole argv."""
        world = World().registered()
        world.run(command_task(command=CommandInfo(value="/bin/ls", shell=False)))
        command = CommandInfo(value="/bin/b", shell=False, arguments=("ls", "-l"), user="you")
        world.run(command_task("u", command=command))
        first, second = world.launched()
        self.assertEqual((first.executable, first.argv), ("/bin/ls", ("/bin/ls",)))
        self.assertEqual((second.executable, second.argv), ("/bin/b", ("ls", "-l")))
        self.assertEqual(second.user, "you")

    def test_repeated(self) -> None:
        """A task that is known is not launched again."""
        world = World().registered()
        world.run(command_task())
        world.run(command_task())
        self.assertEqual(len(world.launched()), 1)

    def test_faster_than_its_start(self) -> None:
        """A task that ended before its start was heard of has run all the same."""
        world = World().registered()
        world.run(command_task())
        world.exit()
        self.assertEqual(world.statuses(), [S.TASK_STARTING, S.TASK_RUNNING, S.TASK_FINISHED])

    def test_forgotten_once_kept(self) -> None:
        """The launcher may forget a container once its end is in our records."""
        world = World().running()
        world.exit()
        self.assertIn(ForgetContainer(world.task().container_id), world.effects)

    def test_launch_failed(self) -> None:
        """A container that cannot be made fails its task with the reason, and nobody else."""
        world = World().running("other")
        world.run(command_task(max_completion_time=DurationInfo(nanoseconds=60 * 10**9)))
        timer = CompletionTimeOver(world.task().container_id)
        self.assertIn(timer, world.timers)
        world.hear(ContainerFailed(world.task().container_id, "DISK_FULL", "no space left"))
        self.assertNotIn(timer, world.timers)
        self.assertEqual(world.statuses(), [S.TASK_STARTING, S.TASK_FAILED])
        self.assertIs(world.task("other").state, S.TASK_RUNNING)

    def test_too_long(self) -> None:
        """A task that runs longer than it may is killed without grace and has failed."""
        world = World().registered()
        limit = DurationInfo(nanoseconds=60 * 10**9)
        world.run(command_task(max_completion_time=limit))
        world.start()
        world.statuses()
        world.passed(59.0)
        self.assertEqual(world.signals(), [])
        world.passed(2.0)
        self.assertEqual(world.signals(), [9])
        world.exit(status=9)
        (update,) = world.said()
        assert isinstance(update, StatusUpdated)
        self.assertIs(update.status.state, S.TASK_FAILED)
        self.assertIs(update.status.reason, TaskStatusReason.REASON_MAX_COMPLETION_TIME_REACHED)

    def test_stale_epoch(self) -> None:
        """A launch of a deposed master is refused."""
        world = World().registered()
        store = dict(world.store)
        late = World(store=store, nonce=2).registered()
        late.master_says(ShutdownFramework(framework_id=FrameworkID(value="F"), epoch=EPOCH - 1))
        self.assertEqual(late.agent.state.counters["stale_commands"], 1)


class RefusedTests(SynchronousTestCase):
    """What cannot be run here is said by name."""

    def refused(self, task: TaskInfo) -> tuple[TaskState, str]:
        """How ``task`` is refused."""
        world = World().registered()
        world.said()
        world.run(task)
        self.assertEqual(world.launched(), [])
        (update,) = world.said()
        assert isinstance(update, StatusUpdated)
        world.acknowledge(update)
        self.assertEqual(world.agent.state.tasks, {})
        return update.status.state, update.status.message or ""

    def test_unsupported(self) -> None:
        """A field that this version does not know what to do with fails the task."""
        mesos = ContainerType.MESOS
        volume = Volume(mode=VolumeMode.RW, container_path="x")
        default = ExecutorInfo(type=ExecutorType.DEFAULT, executor_id=ExecutorID(value="e"))
        for task, field in (
            (command_task(limits={"cpus": Scalar(value=1.0)}), "TaskInfo.limits"),
            (
                command_task(command=CommandInfo(value="x", uris=(URI(value="hdfs://u"),))),
                "URI.value",
            ),
            (command_task(container=ContainerInfo(type=mesos, volumes=(volume,))), "volumes"),
            (command_task(container=ContainerInfo(type=mesos, hostname="h")), "hostname"),
            (command_task(container=ContainerInfo(type=ContainerType.DOCKER)), "DOCKER"),
            (executor_task(executor=default), "DEFAULT"),
        ):
            state, message = self.refused(task)
            self.assertIs(state, S.TASK_FAILED, field)
            self.assertIn(field, message)
            self.assertIn("not supported in this version", message)

    def test_invalid(self) -> None:
        """A task that makes no sense is an error."""
        for task in (
            command_task(command=None),
            command_task(agent_id=AgentID(value="other")),
            command_task(command=CommandInfo()),
            executor_task(executor=ExecutorInfo(executor_id=ExecutorID(value="e"))),
        ):
            self.assertIs(self.refused(task)[0], S.TASK_ERROR)

    def test_no_room(self) -> None:
        """A full disk fails new tasks with the reason and keeps the agent and its tasks."""
        world = World().running("other")
        world.hear(RoomLeft(full=True))
        world.run(command_task())
        (update,) = world.said()
        assert isinstance(update, StatusUpdated)
        self.assertIs(update.status.reason, TaskStatusReason.REASON_CONTAINER_LAUNCH_FAILED)
        self.assertIn("disk is full", update.status.message or "")
        world.acknowledge(update)
        world.hear(RoomLeft(full=False))
        world.run(command_task())
        self.assertEqual(len(world.launched()), 2)

    def test_removed_framework(self) -> None:
        """A removed framework's tasks are ended and nothing of them is said."""
        world = World().running()
        world.master_says(ShutdownFramework(framework_id=FrameworkID(value="F"), epoch=EPOCH))
        self.assertEqual(world.signals(), [15])
        world.run(command_task("late"), framework("F", FrameworkCapabilityType.PARTITION_AWARE))
        world.exit(status=15)
        self.assertEqual(world.said(), [])
        self.assertEqual(world.agent.state.frameworks, {})
