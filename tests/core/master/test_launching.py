"""From offers to tasks."""

from __future__ import annotations

import math
from typing import Any

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.messages.agent_master import RunTask, RunTaskGroup, UnregisterAgent
from mesostw.messages.commands import CommandInfo, Environment, Variable
from mesostw.messages.convert import messages_of
from mesostw.messages.health import HealthCheck, KillPolicy
from mesostw.messages.ids import AgentID, FrameworkID, OperationID, TaskID
from mesostw.messages.operations import (
    LaunchGroup,
    OfferOperation,
    OfferOperationType,
    OperationState,
    Reserve,
)
from mesostw.messages.resources import Resource
from mesostw.messages.scheduler_calls import Accept, Decline
from mesostw.messages.scheduler_events import Error, Offers, Rescind, UpdateOperationStatus
from mesostw.messages.tasks import (
    ExecutorType,
    TaskGroupInfo,
    TaskInfo,
    TaskState,
    TaskStatusReason,
)
from mesostw.messages.values import DurationInfo, Scalar, ValueType
from mesostw.model.resources import Resources
from tests.core.master.builders import (
    Bench,
    executor_info,
    framework_info,
    launch,
    task_info,
)

REASON = TaskStatusReason


class LaunchTests(SynchronousTestCase):
    """An accepted offer becomes tasks, and the rest is free again."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent()
        self.framework = self.bench.framework()
        self.bench.allocate()

    def test_offer(self) -> None:
        """An offer names all that a scheduler needs, and the role of each resource."""
        [offer] = self.framework.offers()
        self.assertEqual(offer.id.value, "m1-O0")
        self.assertEqual(offer.agent_id.value, "m1-S0")
        self.assertEqual(offer.framework_id.value, "m1-0000")
        self.assertEqual(offer.hostname, "h1")
        assert offer.url is not None
        self.assertEqual(offer.url.path, "/slave(1)")
        assert offer.allocation_info is not None
        self.assertEqual(offer.allocation_info.role, "*")
        for resource in offer.resources:
            assert resource.allocation_info is not None
            self.assertEqual(resource.allocation_info.role, "*")

    def test_launch(self) -> None:
        """The agent is told to run the task, with the epoch and the role of its resources."""
        self.bench.accept(self.framework, launch(task_info("t1", self.agent.id)))
        run = self.agent.last(RunTask)
        self.assertEqual(run.epoch, 1)
        self.assertEqual(run.task.task_id.value, "t1")
        assert run.framework.id is not None
        self.assertEqual(run.framework.id.value, self.framework.id)
        assert run.task.resources[0].allocation_info is not None
        self.assertEqual(self.bench.used(self.agent), "cpus:1;mem:64")
        self.assertEqual(self.framework.updates(), [])

    def test_rest_is_offered_again(self) -> None:
        """What an ACCEPT leaves is offered again, as one offer."""
        self.bench.accept(self.framework, launch(task_info("t1", self.agent.id)))
        self.bench.allocate()
        [offer] = self.framework.offers()
        self.assertEqual(offer.resources[0].scalar, Scalar(value=3.0))

    def test_later_tasks_have_what_is_left(self) -> None:
        """Tasks of one ACCEPT are launched in order, each with what those before left."""
        big = "cpus:3;mem:64"
        tasks = [task_info(name, self.agent.id, big) for name in ("t1", "t2")]
        self.bench.accept(self.framework, launch(*tasks))
        self.assertTrue(self.bench.is_running(self.framework, "t1"))
        [status] = self.framework.updates("t2")
        self.assertIs(status.state, TaskState.TASK_ERROR)
        assert status.message is not None
        self.assertIn("Task uses more resources cpus:3;mem:64 than available", status.message)

    def test_executor(self) -> None:
        """A new executor's resources are used once, and it is named in later offers."""
        for name in ("t1", "t2"):
            task = task_info(name, self.agent.id, executor=executor_info())
            self.bench.accept(self.framework, launch(task))
            self.bench.allocate()
        self.assertEqual(self.bench.used(self.agent), "cpus:2.1;mem:160")
        [offer] = self.framework.offers()
        self.assertEqual([one.value for one in offer.executor_ids], ["e1"])
        sent = self.agent.last(RunTask).task.executor
        assert sent is not None
        self.assertEqual(sent.framework_id, FrameworkID(value=self.framework.id))

    def test_other_executor_of_the_same_name(self) -> None:
        """Two executors of one id on one agent must be the same."""
        task = task_info("t1", self.agent.id, executor=executor_info())
        self.bench.accept(self.framework, launch(task))
        self.bench.allocate()
        other = executor_info(command=CommandInfo(value="./other"))
        self.bench.accept(self.framework, launch(task_info("t2", self.agent.id, executor=other)))
        [status] = self.framework.updates("t2")
        assert status.message is not None
        self.assertIn("ExecutorInfo is not compatible with existing", status.message)

    def test_decline(self) -> None:
        """Declined resources are offered again after the filter's time, and not before."""
        [offer] = self.framework.offers()
        self.framework.say(Decline(offer_ids=(offer.id,)))
        self.bench.pass_time(4.5)
        self.assertEqual(self.framework.offers(), [])
        self.bench.pass_time(2.0)
        self.assertEqual(len(self.framework.offers()), 1)

    def test_offer_timeout(self) -> None:
        """An offer that nobody uses for five minutes is rescinded."""
        [offer] = self.framework.offers()
        self.bench.pass_time(298)
        self.assertEqual(self.framework.all(Rescind), [])
        self.bench.pass_time(4)
        self.assertEqual(self.framework.last(Rescind).offer_id, offer.id)

    def test_offers_are_told_together(self) -> None:
        """Offers of one slice of allocation come in one event."""
        bench = Bench()
        for _ in range(20):
            bench.agent()
        framework = bench.framework()
        bench.allocate()
        self.assertEqual(len(framework.all(Offers)), 1)
        self.assertEqual(len(framework.offers()), 20)


class DroppedTests(SynchronousTestCase):
    """Offers that cannot be used."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent()
        self.framework = self.bench.framework()
        self.bench.allocate()

    def test_stale(self) -> None:
        """A task launched with a declined offer is DROPPED with INVALID_OFFERS."""
        offers = self.framework.offers()
        self.framework.say(Decline(offer_ids=(offers[0].id,)))
        self.bench.accept(self.framework, launch(task_info("t1", self.agent.id)), offers=offers)
        [status] = self.framework.updates()
        self.assertEqual(
            (status.state, status.reason, status.uuid),
            (TaskState.TASK_DROPPED, REASON.REASON_INVALID_OFFERS, None),
        )

    def test_stale_without_partition_awareness(self) -> None:
        """The same is LOST to a framework that is not PARTITION_AWARE."""
        framework = self.bench.framework(framework_info(capabilities=()))
        framework.say(Accept(operations=(launch(task_info("t1", self.agent.id)),)))
        self.assertEqual(framework.states(), ["TASK_LOST"])

    def test_of_a_disconnected_agent(self) -> None:
        """An offer that ended with its agent's link says so in the reason."""
        offers = self.framework.offers()
        self.agent.break_link()
        self.assertEqual(self.framework.last(Rescind).offer_id, offers[0].id)
        self.bench.accept(self.framework, launch(task_info("t1", self.agent.id)), offers=offers)
        [status] = self.framework.updates()
        self.assertIs(status.reason, REASON.REASON_AGENT_DISCONNECTED)

    def test_of_a_removed_agent(self) -> None:
        """An offer that ended with its agent says so in the reason."""
        offers = self.framework.offers()
        self.agent.say(UnregisterAgent(agent_id=AgentID(value=self.agent.id)))
        self.bench.accept(self.framework, launch(task_info("t1", self.agent.id)), offers=offers)
        [status] = self.framework.updates()
        self.assertIs(status.reason, REASON.REASON_AGENT_REMOVED)

    def test_repeated(self) -> None:
        """An ACCEPT that is heard twice says nothing of the tasks that it launched."""
        offers = self.framework.offers()
        operation = launch(task_info("t1", self.agent.id))
        for _ in range(2):
            self.bench.accept(self.framework, operation, offers=offers)
        self.assertEqual(self.framework.updates(), [])
        self.assertEqual(len(self.agent.all(RunTask)), 1)
        self.bench.report(self.agent, self.framework, "t1", TaskState.TASK_FINISHED)
        self.bench.acknowledge(self.framework, self.agent, "t1")
        self.bench.accept(self.framework, operation, offers=offers)
        self.assertEqual(self.framework.states(), ["TASK_FINISHED"])

    def test_two_agents(self) -> None:
        """Offers of two agents cannot be used together; both are free again."""
        self.bench.agent()
        self.bench.allocate()
        self.bench.accept(self.framework, launch(task_info("t1", self.agent.id)))
        [status] = self.framework.updates()
        assert status.message is not None
        self.assertIn("must belong to one single agent", status.message)
        self.bench.allocate()
        self.assertEqual(len(self.framework.offers()), 2)

    def test_other_framework(self) -> None:
        """Nobody launches with another framework's offer, which stands."""
        thief = self.bench.framework()
        offers = self.framework.offers()
        self.bench.accept(thief, launch(task_info("t1", self.agent.id)), offers=offers)
        self.assertEqual(thief.states(), ["TASK_DROPPED"])
        self.assertEqual(self.framework.offers(), offers)

    def test_unsupported_operation(self) -> None:
        """An operation that is not supported is refused by its status."""
        operation = OfferOperation(
            type=OfferOperationType.RESERVE, id=OperationID(value="o1"), reserve=Reserve()
        )
        self.bench.accept(self.framework, operation)
        status = self.framework.last(UpdateOperationStatus).status
        self.assertIs(status.state, OperationState.OPERATION_ERROR)

    def test_launch_of_nothing(self) -> None:
        """A LAUNCH without its part launches nothing and does no harm, as in Mesos."""
        self.bench.accept(self.framework, OfferOperation(type=OfferOperationType.LAUNCH))
        self.assertIsNone(self.framework.closed)
        self.assertEqual(self.framework.all(Error), [])

    def test_unsupported_operation_without_id(self) -> None:
        """Without an id there is no status: it is dropped and counted, and ends nobody."""
        operation = OfferOperation(type=OfferOperationType.RESERVE, reserve=Reserve())
        self.bench.accept(self.framework, operation)
        self.assertEqual(self.framework.all(Error), [])
        self.assertIsNone(self.framework.closed)
        self.assertEqual(self.bench.master.counters()["master/operations/reserve/dropped"], 1)


NO_VALUE = CommandInfo(value="true", environment=Environment(variables=(Variable(name="A"),)))


def scalar(name: str, value: float) -> Resource:
    """An amount that no text form could say."""
    return Resource(name=name, type=ValueType.SCALAR, scalar=Scalar(value=value))


def invalid_tasks(agent_id: str) -> list[tuple[str, TaskInfo]]:
    """What is wrong, and a task that has it."""

    def task(**given: Any) -> TaskInfo:
        return replace(task_info("t", agent_id), **given)

    return [
        ("is empty", task(task_id=TaskID(value=""))),
        ("contains '/'", task(task_id=TaskID(value="a/b"))),
        ("own name", task(task_id=TaskID(value=".."))),
        ("use at most 255", task(task_id=TaskID(value="x" * 300))),
        ("Task has duplicate ID: taken", task(task_id=TaskID(value="taken"))),
        ("Task uses invalid agent S9", task_info("t", "S9")),
        ("at least one (but not both)", task(command=None)),
        ("at least one (but not both)", task(executor=executor_info())),
        ("is negative", task(resources=(scalar("cpus", -1.0),))),
        ("is not a finite number", task(resources=(scalar("cpus", math.nan),))),
        ("is not a finite number", task(resources=(scalar("mem", math.inf),))),
        ("is no whole number", task(resources=(scalar("gpus", 0.5),))),
        ("Task uses more resources", task(resources=(scalar("cpus", 400.0),))),
        ("Task uses more resources", task(resources=(scalar("unicorns", 1.0),))),
        ("'value' must be set", task(command=CommandInfo())),
        ("zero byte", task(command=CommandInfo(value="a\0b"))),
        ("Task uses no resources", task(resources=())),
        ("Environment variable 'A' of type 'VALUE' must have a value set", task(command=NO_VALUE)),
        (
            "'kill_policy.grace_period' must be non-negative",
            task(kill_policy=KillPolicy(grace_period=DurationInfo(nanoseconds=-1))),
        ),
        ("`max_completion_time`", task(max_completion_time=DurationInfo(nanoseconds=-1))),
        ("Expecting 'delay_seconds'", task(health_check=HealthCheck(delay_seconds=-1.0))),
        ("no limit can be set for disk", task(limits={"disk": Scalar(value=1.0)})),
        ("is less than the request", task(limits={"cpus": Scalar(value=0.5)})),
        (
            "allocated to role 'other'",
            task(resources=messages_of(Resources.parse("cpus:1"), "other")),
        ),
        (
            "'ExecutorInfo.executor_id' 'a/b' contains",
            task(command=None, executor=executor_info("a/b")),
        ),
        (
            "'ExecutorInfo.command' must be set",
            task(command=None, executor=executor_info(command=None)),
        ),
        (
            "'ExecutorInfo.type' must not be 'DEFAULT' in LAUNCH",
            task(command=None, executor=executor_info(type=ExecutorType.DEFAULT)),
        ),
        (
            "ExecutorInfo has an invalid FrameworkID (Actual: f9 vs Expected: m1-0000)",
            task(command=None, executor=executor_info(framework_id=FrameworkID(value="f9"))),
        ),
        (
            "Executor uses invalid resources",
            task(command=None, executor=executor_info(resources=(scalar("cpus", -1.0),))),
        ),
    ]


class ValidationTests(SynchronousTestCase):
    """What Mesos refuses is refused here with its reason, and harms nothing else."""

    def test_tasks(self) -> None:
        """Each invalid task is TASK_ERROR with TASK_INVALID; the others of its ACCEPT run."""
        for fault, task in invalid_tasks("m1-S0"):
            bench = Bench()
            agent, framework = bench.agent(), bench.framework()
            bench.run(framework, agent, "taken")
            bench.allocate()
            bench.accept(framework, launch(task, task_info("good", agent.id)))
            [status] = framework.updates(task.task_id.value)[-1:]
            assert status.message is not None
            self.assertIn(fault, status.message)
            self.assertEqual(
                (status.state, status.reason, status.uuid),
                (TaskState.TASK_ERROR, REASON.REASON_TASK_INVALID, None),
                fault,
            )
            self.assertTrue(bench.is_running(framework, "good"), fault)
            self.assertTrue(bench.is_running(framework, "taken"), fault)

    def test_id_again_after_the_end(self) -> None:
        """An id may be used again once its task has ended and is acknowledged."""
        bench = Bench()
        agent, framework = bench.agent(), bench.framework()
        bench.run(framework, agent)
        bench.report(agent, framework, "t1", TaskState.TASK_FINISHED)
        bench.acknowledge(framework, agent, "t1")
        bench.run(framework, agent)
        self.assertTrue(bench.is_running(framework, "t1"))


class GroupTests(SynchronousTestCase):
    """All tasks of a group are launched, or none."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent()
        self.framework = self.bench.framework()
        self.bench.allocate()

    def launch(self, *tasks: TaskInfo, executor: Any = None) -> None:
        default = executor_info(type=ExecutorType.DEFAULT, command=None)
        group = LaunchGroup(executor=executor or default, task_group=TaskGroupInfo(tasks=tasks))
        self.bench.accept(
            self.framework,
            OfferOperation(type=OfferOperationType.LAUNCH_GROUP, launch_group=group),
        )

    def test_group(self) -> None:
        """A group goes to the agent as one, with its executor, which is used once."""
        self.launch(task_info("a", self.agent.id), task_info("b", self.agent.id))
        run = self.agent.last(RunTaskGroup)
        self.assertEqual([task.task_id.value for task in run.group.tasks], ["a", "b"])
        self.assertEqual(self.bench.used(self.agent), "cpus:2.1;mem:160")

    def assert_refused(self, fault: str) -> None:
        for status in self.framework.updates():
            self.assertEqual(
                (status.state, status.reason),
                (TaskState.TASK_ERROR, REASON.REASON_TASK_GROUP_INVALID),
            )
            assert status.message is not None
            self.assertIn(fault, status.message)
        self.assertEqual(len(self.framework.updates()), 2)
        self.assertEqual(self.agent.all(RunTaskGroup), [])
        self.assertEqual(self.bench.used(self.agent), "")

    def test_too_large(self) -> None:
        """One task too large refuses all."""
        self.launch(task_info("a", self.agent.id), task_info("b", self.agent.id, "cpus:3.5;mem:1"))
        self.assert_refused("Task group uses more resources")

    def test_same_id(self) -> None:
        """Two tasks of one id refuse all."""
        self.launch(task_info("a", self.agent.id), task_info("a", self.agent.id))
        self.assert_refused("same ID")

    def test_executor_in_a_task(self) -> None:
        """A task of a group names no executor of its own."""
        own = task_info("b", self.agent.id, executor=executor_info())
        self.launch(task_info("a", self.agent.id), own)
        self.assert_refused("'TaskInfo.executor' must not be set")

    def test_small_executor(self) -> None:
        """The executor needs a little of its own."""
        small = executor_info(
            type=ExecutorType.DEFAULT,
            command=None,
            resources=messages_of(Resources.parse("cpus:0.1;mem:8")),
        )
        self.launch(task_info("a", self.agent.id), task_info("b", self.agent.id), executor=small)
        self.assert_refused("less CPUs or memory")
