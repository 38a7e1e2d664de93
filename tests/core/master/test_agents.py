"""The life of an agent."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.master.changes import AgentKept
from mesostw.core.master.words import AgentActivationAsked, AgentGoneAsked
from mesostw.core.outcome import Refusal
from mesostw.messages.agent_master import (
    AcknowledgeStatus,
    AgentRegistered,
    AgentReregistered,
    ExecutorExited,
    KillTask,
    Ping,
    RegisterAgent,
    RunningExecutor,
    ShutdownAgent,
    ShutdownFramework,
    UnregisterAgent,
)
from mesostw.messages.convert import messages_of
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID, TaskID
from mesostw.messages.resources import Resource
from mesostw.messages.scheduler_calls import Kill, Reconcile, ReconcileTask, Teardown
from mesostw.messages.scheduler_events import Failure, Rescind
from mesostw.messages.tasks import TaskState, TaskStatusReason
from mesostw.messages.values import Scalar, ValueType
from mesostw.model.ids import AgentId
from mesostw.model.resources import Resources
from tests.core.master.builders import (
    Bench,
    agent_info,
    executor_info,
    framework_info,
    launch,
    task_info,
    task_message,
    told_framework,
)

RUNNING = TaskState.TASK_RUNNING


class AdmissionTests(SynchronousTestCase):
    """A new agent gets an id, and keeps it."""

    def test_admitted(self) -> None:
        """The registry keeps the agent, and the answer has its id, patience and epoch."""
        bench = Bench()
        agent = bench.agent()
        answer = agent.last(AgentRegistered)
        self.assertEqual(
            (answer.agent_id.value, answer.ping_timeout_s, answer.epoch), ("m1-S0", 75.0, 1)
        )
        self.assertIn("agents/m1-S0", bench.records)
        self.assertEqual(bench.agent().id, "m1-S1")

    def test_repeated(self) -> None:
        """An agent that asks again on its link is the same one."""
        bench = Bench()
        agent = bench.agent()
        again = RegisterAgent(agent=agent_info("cpus:4"), version="1", address="10.0.0.1:5051")
        agent.say(again)
        self.assertEqual([one.agent_id.value for one in agent.all(AgentRegistered)], ["m1-S0"] * 2)
        self.assertEqual(len(bench.master.state.agents), 1)

    def test_started_anew(self) -> None:
        """A disconnected agent is removed when a new one registers at its address."""
        bench = Bench()
        old = bench.agent()
        old.break_link()
        fresh = bench.open("agent")
        fresh.say(RegisterAgent(agent=agent_info("cpus:4"), version="1", address="10.0.0.1:5051"))
        self.assertEqual(bench.agent_state(old), "removed")
        self.assertEqual(fresh.last(AgentRegistered).agent_id.value, "m1-S1")

    def test_nonsense(self) -> None:
        """An agent with a negative resource is refused, and nobody else is touched."""
        bench = Bench()
        agent = bench.open("agent")
        bad = Resource(name="cpus", type=ValueType.SCALAR, scalar=Scalar(value=-1.0))
        info = agent_info("cpus:1")
        agent.say(
            RegisterAgent(
                agent=type(info)(hostname="h", resources=(bad,)), version="1", address="x:1"
            )
        )
        assert agent.closed is not None
        self.assertIn("is negative", agent.closed)
        self.assertEqual(bench.master.state.agents, {})

    def test_wrong_words(self) -> None:
        """An agent that speaks as a scheduler is cut off."""
        bench = Bench()
        agent = bench.agent()
        agent.say(Teardown())
        self.assertIsNotNone(agent.closed)
        self.assertEqual(bench.agent_state(agent), "disconnected")


class AwayTests(SynchronousTestCase):
    """Agents that are silent, cut off, gone."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent()
        self.framework = self.bench.framework()

    def test_pinged(self) -> None:
        """An agent is pinged each 15 s, and stays as long as it answers."""
        self.bench.pass_time(150)
        self.assertIn(len(self.agent.all(Ping)), {10, 11})
        self.assertEqual(self.bench.agent_state(self.agent), "active")

    def test_silent(self) -> None:
        """After five pings without a pong it is unreachable, and so are its tasks."""
        self.bench.run(self.framework, self.agent)
        self.bench.allocate()
        self.bench.pass_time(74, ponging=False)
        self.assertEqual(self.bench.agent_state(self.agent), "active")
        self.bench.pass_time(17, ponging=False)
        self.assertEqual(self.bench.agent_state(self.agent), "unreachable")
        self.assertIsNotNone(self.agent.closed)
        status = self.framework.updates()[-1]
        self.assertIs(status.state, TaskState.TASK_UNREACHABLE)
        self.assertIsNone(status.uuid)
        self.assertIsNotNone(status.unreachable_time)
        self.assertIs(status.reason, TaskStatusReason.REASON_AGENT_REMOVED)
        failure = self.framework.last(Failure)
        self.assertEqual(failure.agent_id, AgentID(value=self.agent.id))
        self.assertEqual(len(self.framework.all(Rescind)), 1)

    def test_unreachable_and_back(self) -> None:
        """An unreachable agent comes back with its task, which runs again."""
        self.bench.run(self.framework, self.agent)
        self.bench.pass_time(100, ponging=False)
        back = self.bench.return_agent(
            self.agent.id,
            [task_message(self.framework, self.agent.id, "t1", RUNNING)],
            [told_framework(self.framework)],
        )
        self.assertEqual(self.bench.agent_state(back), "active")
        status = self.framework.updates()[-1]
        self.assertEqual(
            (status.state, status.reason),
            (RUNNING, TaskStatusReason.REASON_AGENT_REREGISTERED),
        )
        self.assertEqual(self.bench.used(back), "cpus:1;mem:64")

    def test_unreachable_to_others(self) -> None:
        """A framework that is not PARTITION_AWARE hears LOST."""
        bench = Bench()
        agent, framework = bench.agent(), bench.framework(framework_info(capabilities=()))
        bench.run(framework, agent)
        bench.pass_time(100, ponging=False)
        self.assertEqual(framework.states()[-1], "TASK_LOST")

    def test_disconnected(self) -> None:
        """Without a link offers are rescinded; tasks of checkpointing frameworks stay."""
        self.bench.run(self.framework, self.agent)
        self.bench.allocate()
        self.agent.break_link()
        self.assertEqual(self.bench.agent_state(self.agent), "disconnected")
        self.assertEqual(len(self.framework.all(Rescind)), 1)
        self.assertTrue(self.bench.is_running(self.framework, "t1"))
        self.bench.pass_time(598)
        self.assertEqual(self.bench.agent_state(self.agent), "disconnected")
        self.bench.pass_time(4)
        self.assertEqual(self.bench.agent_state(self.agent), "unreachable")

    def test_ended_with_more_to_say(self) -> None:
        """The end of a task is not told before what its agent has to tell of it first."""
        self.bench.allocate()
        self.bench.accept(self.framework, launch(task_info("t1", self.agent.id)))
        self.agent.break_link()
        message = task_message(
            self.framework,
            self.agent.id,
            "t1",
            TaskState.TASK_DROPPED,
            status_update_state=TaskState.TASK_STARTING,
            status_update_uuid=b"u" * 16,
        )
        self.bench.return_agent(self.agent.id, [message], [told_framework(self.framework)])
        self.assertEqual(self.bench.task(self.framework, "t1").state, TaskState.TASK_DROPPED)
        self.framework.say(Reconcile(tasks=(ReconcileTask(task_id=TaskID(value="t1")),)))
        self.assertEqual(self.framework.states("t1"), ["TASK_STARTING"])

    def test_disconnected_without_checkpoints(self) -> None:
        """Tasks of frameworks without checkpoints are LOST with the link, and killed later."""
        bench = Bench()
        agent, framework = bench.agent(), bench.framework(framework_info(checkpoint=False))
        bench.run(framework, agent)
        agent.break_link()
        status = framework.updates()[-1]
        self.assertEqual(
            (status.state, status.reason),
            (TaskState.TASK_LOST, TaskStatusReason.REASON_AGENT_DISCONNECTED),
        )
        back = bench.return_agent(
            agent.id,
            [task_message(framework, agent.id, "t1", RUNNING)],
            [told_framework(framework, checkpoint=False)],
        )
        self.assertEqual(back.last(KillTask).task_id, TaskID(value="t1"))
        self.assertEqual(bench.used(back), "cpus:1;mem:64")
        told = len(framework.updates())
        bench.report(back, framework, "t1", TaskState.TASK_KILLED)
        self.assertEqual(len(framework.updates()), told)
        self.assertEqual(bench.used(back), "")

    def test_ended_meanwhile_without_checkpoints(self) -> None:
        """A task that was told LOST and ended meanwhile: its framework hears no second end."""
        bench = Bench()
        agent, framework = bench.agent(), bench.framework(framework_info(checkpoint=False))
        bench.run(framework, agent)
        agent.break_link()
        told = framework.states()
        back = bench.return_agent(
            agent.id,
            [task_message(framework, agent.id, "t1", TaskState.TASK_FAILED)],
            [told_framework(framework, checkpoint=False)],
        )
        self.assertEqual(back.all(KillTask), [])
        bench.report(back, framework, "t1", TaskState.TASK_FAILED)
        self.assertEqual(framework.states(), told)
        self.assertEqual(len(back.all(AcknowledgeStatus)), 1)
        self.assertFalse(bench.is_running(framework, "t1"))
        self.assertEqual(bench.used(back), "")

    def test_unregistered(self) -> None:
        """An agent that leaves is forgotten, and its tasks are GONE."""
        self.bench.run(self.framework, self.agent)
        self.agent.say(UnregisterAgent(agent_id=AgentID(value=self.agent.id)))
        self.assertEqual(self.bench.agent_state(self.agent), "removed")
        self.assertEqual(self.framework.states()[-1], "TASK_GONE")
        self.assertNotIn("agents/m1-S0", self.bench.records)

    def test_leaves_after_it_came_back_without_a_task(self) -> None:
        """A task that its agent has lost meanwhile holds nothing that could be given back."""
        self.bench.run(self.framework, self.agent)
        self.bench.pass_time(100, ponging=False)
        back = self.bench.return_agent(self.agent.id, [], [told_framework(self.framework)])
        self.assertEqual(self.bench.used(back), "")
        back.say(UnregisterAgent(agent_id=AgentID(value=back.id)))
        self.assertEqual(self.bench.agent_state(back), "removed")
        self.assertEqual(self.framework.states()[-1], "TASK_GONE")

    def test_gone(self) -> None:
        """An agent that an operator marks gone is told to end, and refused ever after."""
        self.bench.run(self.framework, self.agent)
        self.assertIsNone(self.bench.ask(AgentGoneAsked(AgentId(self.agent.id))))
        self.assertEqual(self.framework.states()[-1], "TASK_GONE_BY_OPERATOR")
        self.assertTrue(self.agent.all(ShutdownAgent))
        back = self.bench.return_agent(self.agent.id)
        self.assertTrue(back.all(ShutdownAgent))
        self.assertFalse(back.all(AgentReregistered))
        self.assertEqual(self.bench.agent_state(back), "gone")
        answer = self.bench.ask(AgentGoneAsked(AgentId("S9")))
        self.assertIsInstance(answer, Refusal)

    def test_gone_before_an_end_was_said(self) -> None:
        """What had ended, and whose agent will not come to say so, has ended for its framework."""
        self.bench.run(self.framework, self.agent)
        states = (TaskState.TASK_RUNNING, TaskState.TASK_FINISHED)
        self.bench.report(self.agent, self.framework, "t1", states[0], latest=states[1])
        self.bench.ask(AgentGoneAsked(AgentId(self.agent.id)))
        self.assertEqual(self.framework.states()[-1], "TASK_FINISHED")
        self.framework.say(Reconcile(tasks=(ReconcileTask(task_id=TaskID(value="t1")),)))
        self.assertEqual(self.framework.states()[-1], "TASK_FINISHED")

    def test_deactivated(self) -> None:
        """An inactive agent's offers are rescinded, and none are made until it is active."""
        self.bench.allocate()
        self.bench.ask(AgentActivationAsked(AgentId(self.agent.id), active=False))
        self.bench.pass_time(3)
        self.assertEqual(self.framework.offers(), [])
        self.bench.ask(AgentActivationAsked(AgentId(self.agent.id), active=True))
        self.bench.allocate()
        self.assertEqual(len(self.framework.offers()), 1)

    def test_executor_exited(self) -> None:
        """An executor's end frees what it had and is a FAILURE to its framework."""
        self.bench.allocate()
        task = task_info("t1", self.agent.id, executor=executor_info())
        self.bench.accept(self.framework, launch(task))
        self.agent.say(
            ExecutorExited(
                framework_id=FrameworkID(value=self.framework.id),
                executor_id=ExecutorID(value="e1"),
                status=9,
            )
        )
        failure = self.framework.last(Failure)
        assert failure.executor_id is not None
        self.assertEqual((failure.executor_id.value, failure.status), ("e1", 9))
        self.assertEqual(self.bench.used(self.agent), "cpus:1;mem:64")


class ReturnTests(SynchronousTestCase):
    """An agent that has an id comes back."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent()
        self.framework = self.bench.framework()
        self.bench.run(self.framework, self.agent)

    def test_same(self) -> None:
        """What the registry knows already is not written again."""
        self.agent.break_link()
        self.bench.changes.clear()
        back = self.bench.return_agent(
            self.agent.id, [task_message(self.framework, self.agent.id, "t1", RUNNING)]
        )
        self.assertEqual(back.last(AgentReregistered).reconcile, ())
        self.assertFalse([one for one in self.bench.changes if isinstance(one, AgentKept)])

    def test_lost_launch(self) -> None:
        """A task that the agent lacks is put to it."""
        self.agent.break_link()
        back = self.bench.return_agent(self.agent.id)
        [asked] = back.last(AgentReregistered).reconcile
        self.assertEqual(asked.task_ids, (TaskID(value="t1"),))
        self.assertTrue(asked.partition_aware)
        self.bench.report(back, self.framework, "t1", TaskState.TASK_DROPPED, uuid=None)
        self.assertFalse(self.bench.is_running(self.framework, "t1"))

    def test_kill_repeated(self) -> None:
        """A kill that was asked for while the agent was away is said when it is back."""
        self.agent.break_link()
        self.framework.say(Kill(task_id=TaskID(value="t1")))
        back = self.bench.return_agent(
            self.agent.id, [task_message(self.framework, self.agent.id, "t1", RUNNING)]
        )
        self.assertEqual(back.last(KillTask).task_id, TaskID(value="t1"))

    def test_new_link_before_the_old_one_ends(self) -> None:
        """The newer link counts; the older one is closed and its end means nothing."""
        back = self.bench.return_agent(
            self.agent.id, [task_message(self.framework, self.agent.id, "t1", RUNNING)]
        )
        self.assertIsNotNone(self.agent.closed)
        self.assertEqual(self.bench.agent_state(back), "active")
        self.assertTrue(self.bench.is_running(self.framework, "t1"))

    def test_more_than_it_has(self) -> None:
        """An agent that says its tasks use more than it has is refused."""
        self.agent.break_link()
        back = self.bench.return_agent(
            self.agent.id,
            [task_message(self.framework, self.agent.id, "t1", RUNNING)],
            resources="cpus:0.5;mem:1024",
        )
        assert back.closed is not None
        self.assertIn("is not within", back.closed)

    def test_one_port_twice(self) -> None:
        """Two tasks that are said to have the same port are refused with their agent."""
        self.agent.break_link()
        ports = messages_of(Resources.parse("cpus:0.1;ports:[31000-31000]"), "*")
        tasks = [
            task_message(self.framework, self.agent.id, name, RUNNING, resources=ports)
            for name in ("t2", "t3")
        ]
        back = self.bench.return_agent(
            self.agent.id, tasks, resources="cpus:4;mem:1024;ports:[31000-31009]"
        )
        assert back.closed is not None
        self.assertIn("ports", back.closed)

    def test_ended_meanwhile(self) -> None:
        """A task that ended while the agent was away frees what it held at once."""
        self.agent.break_link()
        finished = task_message(self.framework, self.agent.id, "t1", TaskState.TASK_FINISHED)
        back = self.bench.return_agent(self.agent.id, [finished])
        self.assertEqual(self.bench.used(back), "")
        self.bench.report(back, self.framework, "t1", TaskState.TASK_FINISHED)
        self.bench.acknowledge(self.framework, back, "t1")
        self.assertFalse(self.bench.is_running(self.framework, "t1"))

    def test_elsewhere(self) -> None:
        """A task whose id runs on another agent by now is killed, and nobody hears of it."""
        other = self.bench.agent()
        self.bench.run(self.framework, other, "t2")
        self.agent.break_link()
        back = self.bench.return_agent(
            self.agent.id,
            [
                task_message(self.framework, self.agent.id, "t1", RUNNING),
                task_message(self.framework, self.agent.id, "t2", RUNNING),
            ],
        )
        self.assertEqual(back.last(KillTask).task_id, TaskID(value="t2"))
        told = len(self.framework.updates())
        self.bench.report(back, self.framework, "t2", TaskState.TASK_KILLED)
        self.assertEqual(len(self.framework.updates()), told)
        self.assertEqual(back.last(AcknowledgeStatus).task_id, TaskID(value="t2"))
        self.assertEqual(self.bench.task(self.framework, "t2").agent_id, other.id)

    def test_removed_framework(self) -> None:
        """Tasks of a framework that was removed meanwhile are ended."""
        self.agent.break_link()
        self.framework.say(Teardown())
        back = self.bench.return_agent(
            self.agent.id,
            [task_message(self.framework, self.agent.id, "t1", RUNNING)],
            [told_framework(self.framework)],
        )
        shut = back.last(ShutdownFramework)
        self.assertEqual(shut.framework_id.value, self.framework.id)
        self.assertEqual(self.bench.used(back), "")


class RestartTests(SynchronousTestCase):
    """The master is killed and begins again from its registry."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent()
        self.framework = self.bench.framework()
        self.bench.run(self.framework, self.agent)
        self.bench.restart()

    def test_expected_back(self) -> None:
        """Agents and frameworks are recovered until they come back."""
        self.assertEqual(self.bench.agent_state(self.agent), "recovered")
        self.assertEqual(self.bench.framework_state(self.framework), "recovered")

    def test_back(self) -> None:
        """Tasks come back with their agent, executors too; names do not repeat."""
        running = RunningExecutor(
            framework_id=FrameworkID(value=self.framework.id), executor=executor_info()
        )
        back = self.bench.return_agent(
            self.agent.id,
            [task_message(self.framework, self.agent.id, "t1", RUNNING)],
            executors=[running],
        )
        self.assertEqual(back.last(AgentReregistered).epoch, 2)
        self.assertEqual(self.bench.used(back), "cpus:1.1;mem:96")
        self.assertEqual(self.bench.agent().id, "m2-S0")

    def test_not_back(self) -> None:
        """After ten minutes an agent that did not come back is unreachable, durably."""
        self.bench.pass_time(602)
        self.assertEqual(self.bench.agent_state(self.agent), "unreachable")
        self.bench.restart()
        self.assertEqual(self.bench.agent_state(self.agent), "unreachable")

    def test_too_many_stay_away(self) -> None:
        """If more stay away than the limit says, the master stops, and nobody is unreachable."""
        bench = Bench(recovery_agent_removal_limit=0.5)
        agents = [bench.agent() for _ in range(4)]
        bench.restart()
        bench.return_agent(agents[0].id)
        bench.pass_time(602)
        self.assertIn("3 of 4 agents did not come back within 600 s", bench.stepped_down)
        self.assertEqual(bench.agent_state(agents[1]), "recovered")

    def test_not_too_many_stay_away(self) -> None:
        """As many as the limit says may stay away."""
        bench = Bench(recovery_agent_removal_limit=0.5)
        agents = [bench.agent() for _ in range(4)]
        bench.restart()
        for agent in agents[:2]:
            bench.return_agent(agent.id)
        bench.pass_time(602)
        self.assertEqual(bench.stepped_down, "")
        self.assertEqual(bench.agent_state(agents[2]), "unreachable")
        self.assertEqual(bench.agent_state(agents[3]), "unreachable")

    def test_one_after_the_other(self) -> None:
        """With a rate agents become unreachable no faster; who comes back meanwhile does not."""
        bench = Bench(agent_removal_interval_s=100.0)
        agents = [bench.agent() for _ in range(3)]
        bench.restart()
        bench.pass_time(605)
        states = [bench.agent_state(agent) for agent in agents]
        self.assertEqual(states.count("unreachable"), 1)
        waiting = next(one for one in agents if bench.agent_state(one) == "recovered")
        bench.return_agent(waiting.id)
        bench.pass_time(300)
        states = [bench.agent_state(agent) for agent in agents]
        self.assertEqual(sorted(states), ["active", "unreachable", "unreachable"])

    def test_unknown_framework(self) -> None:
        """A framework that only an agent knows is known again."""
        self.bench.records.pop(f"frameworks/{self.framework.id}")
        self.bench.restart()
        self.bench.return_agent(
            self.agent.id,
            [task_message(self.framework, self.agent.id, "t1", RUNNING)],
            [told_framework(self.framework)],
        )
        self.assertEqual(self.bench.framework_state(self.framework), "recovered")
        self.assertTrue(self.bench.is_running(self.framework, "t1"))
