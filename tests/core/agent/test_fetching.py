"""Files that come before a container: the order of things, and every way out of it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.agent import fetches
from mesostw.core.agent.containers import ContainerExited
from mesostw.core.agent.fetches import Fetched, FetchFailed, FetchSpec
from mesostw.core.agent.words import CancelFetch, Fetch, RecoverContainers
from mesostw.messages.agent_master import (
    ExecutorExited,
    ShutdownExecutor,
    ShutdownFramework,
    StatusUpdated,
)
from mesostw.messages.commands import URI, CommandInfo
from mesostw.messages.frameworks import FrameworkCapabilityType
from mesostw.messages.ids import ExecutorID, FrameworkID
from mesostw.messages.tasks import ExecutorInfo, TaskInfo, TaskState, TaskStatus, TaskStatusReason
from mesostw.messages.values import DurationInfo
from mesostw.model.ids import ContainerId
from tests.core.agent.builders import EPOCH, World, command_task, executor_task, framework

S = TaskState
R = TaskStatusReason
URIS = (URI(value="http://h/a.tgz"), URI(value="/etc/b", output_file="c/d"))
COMMAND = CommandInfo(value="run", uris=URIS)


def with_files() -> TaskInfo:
    """A built-in task with files."""
    return command_task(command=COMMAND)


def executor_with_files(name: str = "t") -> TaskInfo:
    """A task of a custom executor with files."""
    info = ExecutorInfo(executor_id=ExecutorID(value="e"), command=COMMAND)
    return executor_task(name, executor=info)


class Files(World):
    """A world that tells what was ordered."""

    def ordered(self) -> list[FetchSpec]:
        """The orders given since the last call."""
        specs = [effect.spec for effect in self.effects if isinstance(effect, Fetch)]
        self.effects = [effect for effect in self.effects if not isinstance(effect, Fetch)]
        return specs

    def cancelled(self) -> list[ContainerId]:
        """The orders cancelled since the last call."""
        found = [one.container_id for one in self.effects if isinstance(one, CancelFetch)]
        self.effects = [effect for effect in self.effects if not isinstance(effect, CancelFetch)]
        return found

    def order(self, task: TaskInfo) -> FetchSpec:
        """What is ordered for ``task``."""
        self.run(task)
        (spec,) = self.ordered()
        return spec

    def status(self) -> TaskStatus:
        """The one status said since the last call."""
        (told,) = [one for one in self.said() if isinstance(one, StatusUpdated)]
        self.acknowledge(told)
        return told.status


def ready(store: World | None = None) -> Files:
    """An agent that a master has admitted, perhaps after an earlier life."""
    world = Files() if store is None else Files(store=store.store, nonce=2)
    if store is None:
        world.registered()
    world.said()
    return world


class TaskTests(SynchronousTestCase):
    """A built-in task."""

    def test_order(self) -> None:
        """STAGING while files come, then STARTING and the launch in the same directory."""
        world = ready()
        order = world.order(with_files())
        self.assertEqual((order.uris, order.user), (URIS, "me"))
        self.assertIs(world.task().state, S.TASK_STAGING)
        self.assertEqual((world.said(), world.launched()), ([], []))
        world.hear(Fetched(order.container_id))
        (spec,) = world.launched()
        self.assertEqual((spec.container_id, spec.directory), (order.container_id, order.directory))
        world.start()
        self.assertEqual(world.statuses(), [S.TASK_STARTING, S.TASK_RUNNING])
        world.exit()
        self.assertEqual(world.statuses(), [S.TASK_FINISHED])

    def test_no_files(self) -> None:
        """A task without files is launched at once and nothing is ordered."""
        world = ready()
        world.run(command_task())
        self.assertEqual((len(world.launched()), world.ordered()), (1, []))

    def test_told_twice(self) -> None:
        """Only the first word counts: nothing is launched twice."""
        world = ready()
        order = world.order(with_files())
        world.hear(Fetched(order.container_id))
        world.launched()
        world.hear(Fetched(order.container_id))
        world.hear(FetchFailed(order.container_id, "late"))
        self.assertEqual(world.launched(), [])
        self.assertIs(world.task().state, S.TASK_STARTING)

    def test_failed(self) -> None:
        """FAILED with the fetcher's words; it is not launched, and is counted."""
        world = ready()
        order = world.order(with_files())
        world.hear(FetchFailed(order.container_id, "http://h/a.tgz: 404 Not Found"))
        status = world.status()
        self.assertIs(status.state, S.TASK_FAILED)
        self.assertIs(status.reason, R.REASON_CONTAINER_LAUNCH_FAILED)
        self.assertEqual(
            status.message, "Failed to launch container: http://h/a.tgz: 404 Not Found"
        )
        self.assertEqual(world.launched(), [])
        self.assertEqual(world.agent.state.tasks, {})
        counters = world.agent.state.counters
        self.assertEqual(counters["containerizer/fetcher/task_fetches_failed"], 1)

    def test_killed(self) -> None:
        """A kill cancels the order and ends the task at once; no container is signalled."""
        world = ready()
        order = world.order(with_files())
        world.kill()
        self.assertEqual(world.cancelled(), [order.container_id])
        self.assertEqual(world.signals(), [])
        status = world.status()
        self.assertIs(status.state, S.TASK_KILLED)
        self.assertIs(status.reason, R.REASON_TASK_KILLED_DURING_LAUNCH)
        self.assertEqual(status.message, "Killed while its files were fetched")
        world.hear(Fetched(order.container_id))
        self.assertEqual(world.launched(), [])
        self.assertEqual(world.agent.state.frameworks, {})

    def test_killed_afterwards(self) -> None:
        """Once its files are there a kill signals the container as ever."""
        world = ready()
        order = world.order(with_files())
        world.hear(Fetched(order.container_id))
        world.start()
        world.kill()
        self.assertEqual((world.signals(), world.cancelled()), ([15], []))

    def test_framework_removed(self) -> None:
        """The order is cancelled, and nothing is left of the framework."""
        world = ready()
        order = world.order(with_files())
        world.master_says(ShutdownFramework(framework_id=FrameworkID(value="F"), epoch=EPOCH))
        self.assertEqual(world.cancelled(), [order.container_id])
        self.assertEqual(world.agent.state.frameworks, {})

    def test_time(self) -> None:
        """The time that a task may take begins when its files are there."""
        world = ready()
        limit = DurationInfo(nanoseconds=10 * 10**9)
        order = world.order(command_task(command=COMMAND, max_completion_time=limit))
        world.passed(60)
        world.hear(Fetched(order.container_id))
        world.start()
        world.passed(9)
        self.assertEqual(world.signals(), [])
        world.passed(2)
        self.assertEqual(world.signals(), [9])

    def test_restart(self) -> None:
        """A life that ended during the fetch: the task never ran, and is not started."""
        for capability, state in (
            ((), S.TASK_LOST),
            ((FrameworkCapabilityType.PARTITION_AWARE,), S.TASK_DROPPED),
        ):
            before = ready()
            before.run(with_files(), framework("F", *capability))
            (order,) = before.ordered()
            after = ready(before)
            self.assertIn(RecoverContainers((order.container_id,)), after.effects)
            after.hear(ContainerExited(order.container_id, None, "not known"))
            after.registered()
            status = after.status()
            self.assertIs(status.state, state)
            self.assertIs(status.reason, R.REASON_AGENT_RESTARTED)
            after.hear(Fetched(order.container_id))
            self.assertEqual((after.launched(), after.ordered()), ([], []))
            self.assertEqual(after.agent.state.tasks, {})


class ExecutorTests(SynchronousTestCase):
    """A custom executor, which several tasks may wait for."""

    def test_order(self) -> None:
        """Files are ordered once, however many tasks come meanwhile; then one launch."""
        world = ready()
        order = world.order(executor_with_files("t"))
        world.run(executor_with_files("u"))
        self.assertEqual((world.ordered(), world.launched()), ([], []))
        world.hear(Fetched(order.container_id))
        (spec,) = world.launched()
        self.assertEqual(spec.container_id, order.container_id)

    def test_patience(self) -> None:
        """The time that an executor has to subscribe begins when its files are there."""
        world = ready()
        order = world.order(executor_with_files())
        world.passed(600)
        self.assertIs(world.task().state, S.TASK_STAGING)
        world.hear(Fetched(order.container_id))
        world.passed(61)
        self.assertEqual(world.signals(), [9])

    def test_failed(self) -> None:
        """All tasks that waited fail with the fetcher's words, and the executor is gone."""
        world = ready()
        order = world.order(executor_with_files("t"))
        world.run(executor_with_files("u"))
        world.hear(FetchFailed(order.container_id, "no such host"))
        told = [one.status for one in world.said() if isinstance(one, StatusUpdated)]
        self.assertEqual([one.task_id.value for one in told], ["t", "u"])
        for status in told:
            self.assertIs(status.state, S.TASK_FAILED)
            self.assertIs(status.reason, R.REASON_CONTAINER_LAUNCH_FAILED)
            self.assertIn("no such host", status.message or "")
        self.assertEqual(world.agent.state.executors, {})

    def test_killed(self) -> None:
        """With its last task the executor goes, and the order is cancelled."""
        world = ready()
        order = world.order(executor_with_files())
        world.kill()
        self.assertEqual(world.cancelled(), [order.container_id])
        self.assertEqual(world.signals(), [])
        self.assertEqual(world.statuses(), [S.TASK_KILLED])
        self.assertEqual(world.agent.state.executors, {})

    def test_shut_down(self) -> None:
        """An executor that is asked to end is gone at once, and the master is told."""
        world = ready()
        order = world.order(executor_with_files())
        world.master_says(
            ShutdownExecutor(
                framework_id=FrameworkID(value="F"),
                executor_id=ExecutorID(value="e"),
                epoch=EPOCH,
            )
        )
        self.assertEqual(world.cancelled(), [order.container_id])
        self.assertTrue(any(isinstance(one, ExecutorExited) for one in world.said()))
        world.hear(Fetched(order.container_id))
        self.assertEqual(world.launched(), [])

    def test_restart(self) -> None:
        """A restarted agent drops the tasks and does not start the executor."""
        before = ready()
        order = before.order(executor_with_files())
        after = ready(before)
        after.hear(ContainerExited(order.container_id, None, "not known"))
        after.registered()
        self.assertEqual(after.statuses(), [S.TASK_LOST])
        self.assertEqual((after.launched(), after.ordered()), ([], []))
        self.assertEqual(after.agent.state.executors, {})


#: What makes no sense, and a word of what is said of it.
INVALID = (
    (URI(value=""), "is empty"),
    (URI(value="http://h/a\n"), "cannot be printed"),
    (URI(value="http://h/"), "give 'output_file'"),
    (URI(value="http://h"), "give 'output_file'"),
    (URI(value="http://h/.."), "give 'output_file'"),
    (URI(value="http://h/%2e%2e"), "give 'output_file'"),
    (URI(value="http://h/a%2fb"), "give 'output_file'"),
    (URI(value="http://h/a%00"), "give 'output_file'"),
    (URI(value="http:///a"), "names no host"),
    (URI(value="http://h:port/a"), "is no URL"),
    (URI(value="file://other/a"), "another host"),
    (URI(value="http:///a", output_file="b"), "names no host"),
    (URI(value="http://h:port/a", output_file="b"), "is no URL"),
    (URI(value="file://other/a", output_file="b"), "another host"),
    (URI(value="/"), "give 'output_file'"),
    (URI(value="/etc/"), "give 'output_file'"),
    (URI(value="/a", output_file="/b"), "is absolute"),
    (URI(value="/a", output_file="../b"), "leads out"),
    (URI(value="/a", output_file="b/../../c"), "leads out"),
    (URI(value="/a", output_file="b/"), "leads out"),
    (URI(value="/a", output_file=""), "leads out"),
    (URI(value="/a", output_file="."), "leads out"),
    (URI(value="/a", output_file="b\0"), "unprintable"),
    (URI(value="/a", output_file="b" * 256), "more than 255"),
    (URI(value="/a", output_file="b/" * 600 + "c"), "too long"),
)

#: What cannot be fetched here, and the way out that is offered.
UNSUPPORTED = (
    ("ftp://h/a", "ftp is not supported in this version; give the file by http"),
    ("hdfs://h", "hdfs is not supported"),
    ("S3://h/a", "s3 is not supported"),
    ("lib/a.jar", "is a relative path"),
)


class RefusedTests(SynchronousTestCase):
    """Orders that cannot be carried out are refused before anything is done."""

    def test_invalid(self) -> None:
        """Nonsense is an error of the task, and says what is wrong."""
        for uri, word in INVALID:
            world = ready()
            world.run(command_task(command=CommandInfo(value="x", uris=(uri,))))
            status = world.status()
            self.assertIs(status.state, S.TASK_ERROR, uri)
            self.assertIs(status.reason, R.REASON_TASK_INVALID)
            self.assertIn(word, status.message or "")
            self.assertEqual(world.ordered(), [])

    def test_too_many(self) -> None:
        """There is a limit on the number of files."""
        uris = (URI(value="/a"),) * (fetches.URIS_MAX + 1)
        self.assertIn("1001 entries", fetches.invalid(CommandInfo(value="x", uris=uris)) or "")
        self.assertIsNone(fetches.invalid(CommandInfo(value="x", uris=uris[1:])))

    def test_unsupported(self) -> None:
        """What no fetcher here can bring fails the task and offers a way out."""
        for value, word in UNSUPPORTED:
            for task in (
                command_task(command=CommandInfo(value="x", uris=(URI(value=value),))),
                executor_task(
                    executor=ExecutorInfo(
                        executor_id=ExecutorID(value="e"),
                        command=CommandInfo(value="x", uris=(URI(value=value),)),
                    )
                ),
            ):
                world = ready()
                world.run(task)
                status = world.status()
                self.assertIs(status.state, S.TASK_FAILED, value)
                self.assertIs(status.reason, R.REASON_CONTAINER_LAUNCH_FAILED)
                self.assertIn(word, status.message or "")

    def test_no_password_is_said(self) -> None:
        """The user and password of a URL are neither said nor in the text of an order."""
        value = "http://me:secret@h/"
        fault = fetches.invalid(CommandInfo(value="x", uris=(URI(value=value),)))
        self.assertIn("http://***@h/", fault or "")
        self.assertNotIn("secret", fault or "")
        spec = FetchSpec(container_id=ContainerId("c"), uris=(URI(value=value),), directory="/d")
        self.assertNotIn("secret", repr(spec))
        self.assertNotIn("secret", repr(spec.uris))


class NameTests(SynchronousTestCase):
    """Where a file goes."""

    def test_names(self) -> None:
        """The last part of the path, decoded and without query; or what was asked for."""
        for uri, name in (
            (URI(value="http://h/a/b.tgz"), "b.tgz"),
            (URI(value="https://h:1/a/b%20c.zip?v=/1#/x"), "b c.zip"),
            (URI(value="http://u:p@h/b"), "b"),
            (URI(value="HTTP://h/b"), "b"),
            (URI(value="/etc/a%20b"), "a%20b"),
            (URI(value="file:///etc/a%20b"), "a b"),
            (URI(value="file://localhost/etc/a"), "a"),
            (URI(value="http://h/", output_file="x/y"), "x/y"),
        ):
            self.assertEqual(fetches.file_name(uri), name)
            self.assertIsNone(fetches.invalid(CommandInfo(value="x", uris=(uri,))), uri)
