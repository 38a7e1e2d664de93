"""Tasks after their launch."""

from __future__ import annotations

from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.master.records import TERMINAL
from mesostw.core.master.state import COMPLETED_TASKS_MAX
from mesostw.core.master.words import AgentGoneAsked, TaskKillAsked
from mesostw.core.outcome import Refusal
from mesostw.messages.agent_master import (
    AcknowledgeStatus,
    FrameworkMessage,
    KillTask,
    RouteClosed,
    RouteOpened,
    ShutdownFramework,
)
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID, TaskID
from mesostw.messages.scheduler_calls import Kill, Message, Reconcile, ReconcileTask, Teardown
from mesostw.messages.scheduler_events import Message as MessageEvent
from mesostw.messages.tasks import TaskState, TaskStatusReason
from mesostw.model.ids import AgentId, FrameworkId, TaskId
from tests.core.master.builders import (
    Bench,
    executor_info,
    framework_info,
    launch,
    task_info,
    task_message,
)

#: States that an agent reports.
REPORTED = [
    state
    for state in TaskState
    if state not in {TaskState.TASK_UNREACHABLE, TaskState.TASK_UNKNOWN}
]


class StatusTests(SynchronousTestCase):
    """Statuses on their way to the framework."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent()
        self.framework = self.bench.framework()

    def test_matrix(self) -> None:
        """Whatever follows whatever: the framework hears both; what has ended stays ended."""
        for first, second in product(REPORTED, REPORTED):
            bench = Bench()
            agent, framework = bench.agent(), bench.framework()
            bench.allocate()
            bench.accept(framework, launch(task_info("t1", agent.id)))
            bench.report(agent, framework, "t1", first, uuid=b"1" * 16)
            bench.report(agent, framework, "t1", second, uuid=b"2" * 16)
            expected = first if first in TERMINAL else second
            task = bench.task(framework, "t1")
            self.assertIs(task.state, expected, (first, second))
            self.assertEqual(framework.states(), [first.value, second.value])
            self.assertEqual(task.update_uuid, b"2" * 16)
            held = "" if expected in TERMINAL else "cpus:1;mem:64"
            self.assertEqual(bench.used(agent), held, (first, second))

    def test_same_state(self) -> None:
        """Of equal states in a row the last is kept."""
        self.bench.run(self.framework, self.agent)
        self.bench.report(self.agent, self.framework, "t1", TaskState.TASK_RUNNING, uuid=b"3" * 16)
        self.assertEqual(len(self.bench.task(self.framework, "t1").statuses), 1)
        self.assertEqual(len(self.framework.updates()), 2)

    def test_latest_state(self) -> None:
        """A terminal latest state frees resources before its status comes."""
        self.bench.run(self.framework, self.agent)
        self.bench.report(
            self.agent,
            self.framework,
            "t1",
            TaskState.TASK_RUNNING,
            latest=TaskState.TASK_FINISHED,
        )
        self.assertEqual(self.bench.used(self.agent), "")
        self.bench.acknowledge(self.framework, self.agent, "t1")
        self.assertTrue(self.bench.is_running(self.framework, "t1"))

    def test_acknowledged(self) -> None:
        """An acknowledgement goes to the agent; one of a terminal status completes the task."""
        self.bench.run(self.framework, self.agent)
        self.bench.acknowledge(self.framework, self.agent, "t1")
        self.assertEqual(self.agent.last(AcknowledgeStatus).uuid, b"u" * 16)
        self.assertTrue(self.bench.is_running(self.framework, "t1"))
        self.bench.report(self.agent, self.framework, "t1", TaskState.TASK_FINISHED)
        self.bench.acknowledge(self.framework, self.agent, "t1", b"x" * 16)
        self.assertTrue(self.bench.is_running(self.framework, "t1"))
        self.bench.acknowledge(self.framework, self.agent, "t1")
        self.assertFalse(self.bench.is_running(self.framework, "t1"))
        self.assertEqual(self.bench.task(self.framework, "t1").state.value, "TASK_FINISHED")

    def test_wrong_acknowledgement(self) -> None:
        """One with a wrong uuid or for an agent that is away goes nowhere and is counted."""
        self.bench.run(self.framework, self.agent)
        self.bench.acknowledge(self.framework, self.agent, "t1", b"short")
        self.agent.break_link()
        self.bench.acknowledge(self.framework, self.agent, "t1")
        self.assertEqual(self.agent.all(AcknowledgeStatus), [])
        counted = self.bench.master.counters()
        self.assertEqual(counted["master/invalid_status_update_acknowledgements"], 2)

    def test_no_uuid(self) -> None:
        """A terminal status without a uuid needs no acknowledgement."""
        self.bench.run(self.framework, self.agent)
        self.bench.report(self.agent, self.framework, "t1", TaskState.TASK_LOST, uuid=None)
        self.assertFalse(self.bench.is_running(self.framework, "t1"))

    def test_finer_states(self) -> None:
        """A framework that is not PARTITION_AWARE hears LOST instead of finer states."""
        bench = Bench()
        agent, framework = bench.agent(), bench.framework(framework_info(capabilities=()))
        bench.run(framework, agent)
        bench.report(agent, framework, "t1", TaskState.TASK_GONE)
        self.assertEqual(framework.states()[-1], "TASK_LOST")

    def test_unknown_task(self) -> None:
        """A status of a task that the master does not know is told all the same."""
        self.bench.report(self.agent, self.framework, "t9", TaskState.TASK_LOST)
        self.assertEqual(self.framework.states("t9"), ["TASK_LOST"])

    def test_removed_framework(self) -> None:
        """A status of a removed framework has the agent end it."""
        self.framework.say(Teardown())
        self.bench.report(self.agent, self.framework, "t9", TaskState.TASK_LOST)
        self.assertEqual(self.agent.last(ShutdownFramework).framework_id.value, self.framework.id)

    def test_framework_away(self) -> None:
        """While the framework is away its task goes on; the agent will repeat itself."""
        self.bench.run(self.framework, self.agent)
        self.framework.break_link()
        self.bench.report(self.agent, self.framework, "t1", TaskState.TASK_FINISHED)
        self.assertEqual(self.bench.task(self.framework, "t1").state.value, "TASK_FINISHED")
        self.assertTrue(self.bench.is_running(self.framework, "t1"))

    def test_bounded(self) -> None:
        """So many completed tasks of a framework are remembered."""
        self.bench.checking = False
        for number in range(COMPLETED_TASKS_MAX + 10):
            name = f"t{number}"
            self.bench.run(self.framework, self.agent, name)
            self.bench.report(self.agent, self.framework, name, TaskState.TASK_FINISHED)
            self.bench.acknowledge(self.framework, self.agent, name)
        self.bench.master.check()
        load = self.bench.master.state.load_of(FrameworkId(self.framework.id))
        self.assertEqual(len(load.completed), COMPLETED_TASKS_MAX)
        self.assertNotIn(TaskId("t9"), load.completed)
        self.assertEqual(load.ended, {TaskState.TASK_FINISHED: COMPLETED_TASKS_MAX + 10})


class KillTests(SynchronousTestCase):
    """Tasks are to be ended."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent()
        self.framework = self.bench.framework()
        self.bench.run(self.framework, self.agent)

    def test_killed(self) -> None:
        """A kill goes to the agent with the epoch, as often as it is asked for."""
        for _ in range(2):
            self.framework.say(Kill(task_id=TaskID(value="t1")))
        self.assertEqual([kill.epoch for kill in self.agent.all(KillTask)], [1, 1])

    def test_wrong_agent(self) -> None:
        """A kill that names another agent is ignored."""
        kill = Kill(task_id=TaskID(value="t1"), agent_id=AgentID(value="S9"))
        self.framework.say(kill)
        self.assertEqual(self.agent.all(KillTask), [])

    def test_unknown(self) -> None:
        """A kill of an unknown task is answered like a reconciliation."""
        self.framework.say(Kill(task_id=TaskID(value="t9")))
        [status] = self.framework.updates("t9")
        self.assertEqual(
            (status.state, status.reason),
            (TaskState.TASK_UNKNOWN, TaskStatusReason.REASON_RECONCILIATION),
        )

    def test_ended(self) -> None:
        """What has ended is not killed."""
        self.bench.report(self.agent, self.framework, "t1", TaskState.TASK_FINISHED)
        self.framework.say(Kill(task_id=TaskID(value="t1")))
        self.assertEqual(self.agent.all(KillTask), [])

    def test_operator(self) -> None:
        """An operator may kill any task that runs."""
        framework_id = FrameworkId(self.framework.id)
        self.assertIsNone(self.bench.ask(TaskKillAsked(framework_id, TaskId("t1"))))
        self.assertTrue(self.agent.all(KillTask))
        answer = self.bench.ask(TaskKillAsked(framework_id, TaskId("t9")))
        self.assertIsInstance(answer, Refusal)


class ReconcileTests(SynchronousTestCase):
    """The six cases, to a PARTITION_AWARE framework and to another."""

    def ask(self, capabilities: tuple[str, ...], case: int) -> list[str]:
        """Set the case up and ask; the states that are answered."""
        bench = Bench()
        agent, other = bench.agent(), bench.agent()
        framework = bench.framework(framework_info(capabilities=capabilities))
        task, agent_id = "t1", agent.id
        if case == 1:
            bench.run(framework, agent)
        elif case == 2:
            bench.restart()
            framework = bench.framework(framework_info(capabilities=capabilities))
        elif case == 4:
            bench.pass_time(100, ponging=False)
        elif case == 5:
            bench.run(framework, other)
            bench.ask(AgentGoneAsked(AgentId(agent.id)))
            task = "t7"
        elif case == 6:
            agent_id = "S99"
        told = len(framework.updates())
        named = ReconcileTask(task_id=TaskID(value=task), agent_id=AgentID(value=agent_id))
        framework.say(Reconcile(tasks=(named,)))
        answers = framework.updates()[told:]
        for status in answers:
            self.assertIsNone(status.uuid)
            self.assertIs(status.reason, TaskStatusReason.REASON_RECONCILIATION)
            if case == 4:
                self.assertIsNotNone(status.unreachable_time)
        return [status.state.value for status in answers]

    def test_aware(self) -> None:
        """Each case has its state."""
        expected = {
            1: ["TASK_RUNNING"],
            2: [],
            3: ["TASK_GONE"],
            4: ["TASK_UNREACHABLE"],
            5: ["TASK_GONE_BY_OPERATOR"],
            6: ["TASK_UNKNOWN"],
        }
        for case, states in expected.items():
            self.assertEqual(self.ask(("PARTITION_AWARE",), case), states, case)

    def test_not_aware(self) -> None:
        """All but known tasks are LOST."""
        for case in (3, 4, 5, 6):
            self.assertEqual(self.ask((), case), ["TASK_LOST"], case)
        self.assertEqual(self.ask((), 1), ["TASK_RUNNING"])
        self.assertEqual(self.ask((), 2), [])

    def test_no_agent_named(self) -> None:
        """Without an agent there is silence while agents are expected back, then UNKNOWN."""
        bench = Bench()
        bench.agent()
        bench.restart()
        framework = bench.framework()
        asked = Reconcile(tasks=(ReconcileTask(task_id=TaskID(value="t1")),))
        framework.say(asked)
        self.assertEqual(framework.states(), [])
        bench.pass_time(605)
        framework.say(asked)
        self.assertEqual(framework.states(), ["TASK_UNKNOWN"])

    def test_implicit(self) -> None:
        """With no task named all that are there are told, unreachable and completed ones not."""
        bench = Bench()
        gone, agent, framework = bench.agent(), bench.agent(), bench.framework()
        bench.allocate()
        for peer, name in ((gone, "a"), (agent, "b"), (agent, "c")):
            offers = [one for one in framework.offers() if one.agent_id.value == peer.id]
            bench.accept(framework, launch(task_info(name, peer.id)), offers=offers)
            bench.report(peer, framework, name, TaskState.TASK_RUNNING)
            bench.allocate()
        gone.break_link()
        bench.pass_time(605)
        bench.report(agent, framework, "c", TaskState.TASK_FINISHED)
        bench.acknowledge(framework, agent, "c")
        told = len(framework.updates())
        framework.say(Reconcile())
        self.assertEqual([one.task_id.value for one in framework.updates()[told:]], ["b"])

    def test_completed(self) -> None:
        """The end of a completed task is told as long as it is remembered."""
        bench = Bench()
        agent, framework = bench.agent(), bench.framework()
        bench.run(framework, agent)
        bench.report(agent, framework, "t1", TaskState.TASK_FINISHED)
        bench.acknowledge(framework, agent, "t1")
        framework.say(Reconcile(tasks=(ReconcileTask(task_id=TaskID(value="t1")),)))
        self.assertEqual(framework.states()[-1], "TASK_FINISHED")


class MessageTests(SynchronousTestCase):
    """Bytes between schedulers and executors."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent()

    def framework(self, version: str = "1.0.0") -> None:
        self.framework_peer = self.bench.framework(version=version)
        self.bench.allocate()
        task = task_info("t1", self.agent.id, executor=executor_info())
        self.bench.accept(self.framework_peer, launch(task))

    def send(self) -> None:
        self.framework_peer.say(
            Message(
                agent_id=AgentID(value=self.agent.id),
                executor_id=ExecutorID(value="e1"),
                data=b"\x00\xff",
            )
        )

    def test_forwarded(self) -> None:
        """The first message is passed on and opens a route, which ends with the link."""
        self.framework()
        self.send()
        self.assertEqual(self.agent.last(FrameworkMessage).data, b"\x00\xff")
        self.assertEqual(self.agent.last(RouteOpened).route, 1)
        self.assertEqual(self.framework_peer.last(RouteOpened).route, 1)
        self.send()
        self.assertEqual(len(self.agent.all(RouteOpened)), 1)
        self.agent.break_link()
        self.assertEqual(self.framework_peer.last(RouteClosed).route, 1)

    def test_http_executor(self) -> None:
        """An agent that cannot pass frames on says so; then all messages go through the core."""
        self.framework()
        self.send()
        self.agent.say(RouteClosed(route=1))
        self.send()
        self.assertEqual(len(self.agent.all(FrameworkMessage)), 2)
        self.assertEqual(len(self.agent.all(RouteOpened)), 1)
        self.assertEqual(self.framework_peer.last(RouteClosed).route, 1)

    def test_http(self) -> None:
        """A framework over HTTP has no routes."""
        self.framework("http")
        self.send()
        self.assertTrue(self.agent.all(FrameworkMessage))
        self.assertEqual(self.agent.all(RouteOpened), [])

    def test_back(self) -> None:
        """An executor's message reaches its scheduler."""
        self.framework()
        self.agent.say(
            FrameworkMessage(
                framework_id=FrameworkID(value=self.framework_peer.id),
                agent_id=AgentID(value=self.agent.id),
                executor_id=ExecutorID(value="e1"),
                data=b"up",
                to_executor=False,
            )
        )
        self.assertEqual(self.framework_peer.last(MessageEvent).data, b"up")


class WhyTests(SynchronousTestCase):
    """Why things are as they are."""

    def test_why(self) -> None:
        """Tasks, agents and frameworks explain themselves; the unknown does not."""
        bench = Bench()
        agent, framework = bench.agent(), bench.framework()
        bench.run(framework, agent)
        for kind, name, mention in (
            ("task", f"{framework.id}/t1", "TASK_RUNNING"),
            ("agent", agent.id, "is connected"),
            ("framework", framework.id, "is subscribed"),
        ):
            reason = bench.master.why(kind, name)
            assert reason is not None
            self.assertIn(mention, reason.sentence)
            self.assertTrue(reason.facts)
            self.assertTrue(reason.story, kind)
        self.assertIsNone(bench.master.why("task", "f/t"))
        self.assertIsNone(bench.master.why("moon", "x"))

    def test_recovered_task(self) -> None:
        """A task that was learnt from its agent explains itself too."""
        bench = Bench()
        agent, framework = bench.agent(), bench.framework()
        bench.restart()
        bench.return_agent(
            agent.id, [task_message(framework, agent.id, "t1", TaskState.TASK_RUNNING)]
        )
        self.assertIsNotNone(bench.master.why("task", f"{framework.id}/t1"))
