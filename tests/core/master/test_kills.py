"""What operators want ended is ended, whoever leads by then, and forgotten afterwards."""

from __future__ import annotations

from msgspec import Struct
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.master.changes import KillDropped, KillKept
from mesostw.core.master.clockwork import AWAY_AGENT_S_MAX
from mesostw.core.master.machine import Master
from mesostw.core.master.records import KillRecord
from mesostw.core.master.words import AgentGoneAsked, TaskKillAsked, TeardownAsked
from mesostw.core.outcome import Answer, Asked, Refusal, Send
from mesostw.messages.agent_master import KillTask, UnregisterAgent
from mesostw.messages.health import KillPolicy
from mesostw.messages.ids import AgentID, TaskID
from mesostw.messages.scheduler_calls import Kill, Suppress
from mesostw.messages.tasks import TaskState
from mesostw.messages.values import DurationInfo
from mesostw.model.ids import AgentId, FrameworkId, RequestId, TaskId
from mesostw.wire.records import Decoding, encode_record
from tests.core.master.builders import (
    Bench,
    Peer,
    framework_info,
    launch,
    task_info,
    task_message,
    told_framework,
)

RUNNING = TaskState.TASK_RUNNING
SOON = KillPolicy(grace_period=DurationInfo(nanoseconds=1))


class KillCase(SynchronousTestCase):
    """One task that runs."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent()
        self.framework = self.bench.framework()
        self.bench.run(self.framework, self.agent)

    def question(self, task: str = "t1", policy: KillPolicy | None = None) -> TaskKillAsked:
        return TaskKillAsked(FrameworkId(self.framework.id), TaskId(task), policy)

    def order(self, task: str = "t1", policy: KillPolicy | None = None) -> None:
        """Have an operator end the task."""
        self.assertIsNone(self.bench.ask(self.question(task, policy)))

    def kept(self) -> list[Struct]:
        """What the store has of operators' kills, which is what the master has."""
        found = [one for key, one in self.bench.records.items() if key.startswith("kills/")]
        kills = self.bench.master.state.kills.values()
        self.assertEqual(found, [kill for wanted in kills for kill in wanted.values()])
        return found

    def come_back(self, *tasks: str, state: TaskState = RUNNING) -> Peer:
        """Have the agent come back with tasks, if any."""
        told = [task_message(self.framework, self.agent.id, name, state) for name in tasks]
        return self.bench.return_agent(self.agent.id, told, [told_framework(self.framework)])

    def killed(self, agent: Peer) -> list[str]:
        return [kill.task_id.value for kill in agent.all(KillTask)]


class KeepingTests(KillCase):
    """It is kept before it is answered, and said until it is done."""

    def test_kept_before_it_is_answered(self) -> None:
        """The record is in the turn that answers and tells the agent: both wait for the store."""
        outcome = self.bench.hear_only(Asked(RequestId(9), self.question()))
        record = KillRecord(AgentId(self.agent.id), FrameworkId(self.framework.id), TaskId("t1"))
        self.assertEqual(outcome.changes, [KillKept(record)])
        said = {type(one): one for one in outcome.effects}
        self.assertEqual(said[Answer], Answer(RequestId(9), None))
        self.assertIn(Send, said)
        self.assertEqual(self.kept(), [record])

    def test_said_again_costs_nothing(self) -> None:
        """Who asks twice has it said twice and kept once; another policy is kept."""
        self.order()
        before = len(self.bench.changes)
        self.order()
        self.assertEqual(len(self.bench.changes), before)
        self.assertEqual(self.killed(self.agent), ["t1", "t1"])
        self.order(policy=SOON)
        [record] = self.kept()
        assert isinstance(record, KillRecord)
        self.assertEqual(record.kill_policy, SOON)

    def test_frameworks_kills_are_not_kept(self) -> None:
        """They say them again themselves, and nothing is written for them."""
        before = len(self.bench.changes)
        self.framework.say(Kill(task_id=TaskID(value="t1")))
        self.assertEqual(self.killed(self.agent), ["t1"])
        self.assertEqual(len(self.bench.changes), before)
        self.assertEqual(self.kept(), [])

    def test_agent_away(self) -> None:
        """It is said when the agent is back, at the same master."""
        self.agent.break_link()
        self.order(policy=SOON)
        back = self.come_back("t1")
        self.assertEqual([one.kill_policy for one in back.all(KillTask)], [SOON])
        self.assertEqual(len(self.kept()), 1)

    def test_unreachable(self) -> None:
        """Nor is that too late: the task may run on."""
        self.agent.break_link()
        self.bench.pass_time(605)
        self.order()
        self.assertEqual(self.killed(self.come_back("t1")), ["t1"])

    def test_another_master(self) -> None:
        """It is said by whoever leads when the agent is back, under the new epoch, each time."""
        self.agent.break_link()
        self.order(policy=SOON)
        for epoch in (2, 3):
            self.bench.restart()
            self.assertEqual(len(self.kept()), 1)
            back = self.come_back("t1")
            self.assertEqual(
                [(one.epoch, one.kill_policy) for one in back.all(KillTask)], [(epoch, SOON)]
            )
        self.bench.report(back, self.framework, "t1", TaskState.TASK_KILLED)
        self.assertEqual(self.kept(), [])

    def test_said_once_with_a_frameworks(self) -> None:
        """What a framework wants ended too is said once when the agent is back."""
        self.order()
        self.framework.say(Kill(task_id=TaskID(value="t1")))
        self.agent.break_link()
        self.assertEqual(self.killed(self.come_back("t1")), ["t1"])

    def test_given_up(self) -> None:
        """A task without checkpoints is said to be lost with the link, but may run on."""
        self.framework.say(Suppress())
        self.agent = self.bench.agent()
        self.framework = self.bench.framework(framework_info(checkpoint=False))
        self.bench.run(self.framework, self.agent, "t2")
        self.order("t2")
        self.agent.break_link()
        self.assertEqual(self.framework.states("t2")[-1], "TASK_LOST")
        self.assertEqual(len(self.kept()), 1)
        self.bench.restart()
        self.assertEqual(self.killed(self.come_back("t2")), ["t2"])


class UnknownTests(KillCase):
    """Tasks that the master does not know, or not yet."""

    def test_unknown(self) -> None:
        """Nothing is promised of a task that is not known, or has ended."""
        self.assertIsInstance(self.bench.ask(self.question("t9")), Refusal)
        self.bench.report(self.agent, self.framework, "t1", TaskState.TASK_FINISHED)
        self.order()
        self.bench.acknowledge(self.framework, self.agent, "t1")
        self.assertIsInstance(self.bench.ask(self.question()), Refusal)
        self.assertEqual((self.kept(), self.killed(self.agent)), ([], []))

    def test_agent_not_back_yet(self) -> None:
        """A new master refuses what it does not know yet, and takes it when it does."""
        self.bench.restart()
        self.assertIsInstance(self.bench.ask(self.question()), Refusal)
        self.assertEqual(self.kept(), [])
        back = self.come_back("t1")
        self.order()
        self.assertEqual(self.killed(back), ["t1"])

    def test_unknown_until_the_agent_is_back(self) -> None:
        """What was promised stays so while neither task nor agent has been heard of."""
        self.order()
        self.bench.restart()
        other = self.bench.agent()
        self.bench.framework(told_framework(self.framework))
        self.assertEqual((len(self.kept()), self.killed(other)), (1, []))
        self.bench.pass_time(605)
        self.assertEqual(len(self.kept()), 1)
        self.assertEqual(self.killed(self.come_back("t1")), ["t1"])

    def test_another_of_the_same_name(self) -> None:
        """A task of that id on another agent is another one."""
        self.order()
        self.bench.restart()
        other = self.bench.agent()
        framework = self.bench.framework(told_framework(self.framework))
        self.bench.run(framework, other)
        self.assertEqual(self.killed(other), [])
        back = self.come_back("t1")
        self.assertEqual(self.killed(back), ["t1"])
        self.assertEqual(len(self.kept()), 1)
        self.bench.report(back, framework, "t1", TaskState.TASK_KILLED)
        self.assertEqual((self.kept(), self.killed(other)), ([], []))
        self.assertTrue(self.bench.is_running(framework, "t1"))

    def test_later_task_of_the_same_name(self) -> None:
        """Nor is one that is launched on the same agent after the first has ended."""
        self.order()
        self.bench.report(self.agent, self.framework, "t1", TaskState.TASK_KILLED)
        self.bench.acknowledge(self.framework, self.agent, "t1")
        self.bench.run(self.framework, self.agent)
        self.agent.break_link()
        self.assertEqual(self.killed(self.come_back("t1")), [])

    def test_agent_without_a_record(self) -> None:
        """An agent whose record could not be read comes back, and is told even so."""
        self.order()
        del self.bench.records[f"agents/{self.agent.id}"]
        self.bench.restart()
        self.assertEqual(self.killed(self.come_back("t1")), ["t1"])


class EndTests(KillCase):
    """Nothing is kept of what cannot run any more."""

    def setUp(self) -> None:
        super().setUp()
        self.order()
        self.assertEqual(len(self.kept()), 1)

    def test_ended(self) -> None:
        """With the agent's word for it, acknowledged or not; one that goes on is no end."""
        self.bench.report(self.agent, self.framework, "t1", TaskState.TASK_KILLING)
        self.assertEqual(len(self.kept()), 1)
        outcomes = len(self.bench.changes)
        self.bench.report(self.agent, self.framework, "t1", TaskState.TASK_KILLED)
        self.assertIsInstance(self.bench.changes[outcomes], KillDropped)
        self.assertEqual(self.kept(), [])

    def test_ended_and_says_what_was_before(self) -> None:
        """An agent that has older statuses to say tells the newest state with them."""
        self.bench.report(self.agent, self.framework, "t1", RUNNING, latest=TaskState.TASK_FINISHED)
        self.assertEqual(self.kept(), [])

    def test_ended_meanwhile(self) -> None:
        """An agent that is back tells that it has ended, at this master or another."""
        for restart in (False, True):
            self.setUp()
            if restart:
                self.bench.restart()
            else:
                self.agent.break_link()
            back = self.come_back("t1", state=TaskState.TASK_FINISHED)
            self.assertEqual((self.kept(), self.killed(back)), ([], []), restart)

    def test_back_without_it(self) -> None:
        """An agent that does not have it after a restart has none to kill."""
        self.bench.restart()
        back = self.come_back()
        self.assertEqual((self.kept(), self.killed(back)), ([], []))

    def test_launch_under_way(self) -> None:
        """A launch that was lost with the link is asked after: the agent says its end."""
        self.bench.allocate()
        offers = self.framework.offers()
        self.bench.accept(self.framework, launch(task_info("t2", self.agent.id)), offers=offers)
        self.order("t2")
        self.agent.break_link()
        back = self.come_back("t1")
        self.assertEqual(sorted(self.killed(back)), ["t1", "t2"])
        self.bench.report(back, self.framework, "t2", TaskState.TASK_DROPPED, uuid=None)
        self.bench.report(back, self.framework, "t1", TaskState.TASK_KILLED)
        self.assertEqual(self.kept(), [])

    def test_agent_gone(self) -> None:
        """An operator says that the agent never comes back: here, away, or not back yet."""
        for restart in (False, True):
            self.setUp()
            if restart:
                self.bench.restart()
            self.bench.ask(AgentGoneAsked(AgentId(self.agent.id)))
            self.assertEqual(self.kept(), [], restart)

    def test_agent_left(self) -> None:
        """The agent unregisters."""
        self.agent.say(UnregisterAgent(agent_id=AgentID(value=self.agent.id)))
        self.assertEqual(self.kept(), [])

    def test_agent_forgotten(self) -> None:
        """The agent was away for weeks."""
        self.agent.break_link()
        self.bench.pass_time(605)
        self.assertEqual(len(self.kept()), 1)
        self.bench.now += AWAY_AGENT_S_MAX
        self.bench.pass_time(1)
        self.assertEqual((self.bench.agent_state(self.agent), self.kept()), ("removed", []))

    def test_framework_removed(self) -> None:
        """Its tasks are ended as a whole, also by a master that has heard of none."""
        for restart in (False, True):
            self.setUp()
            if restart:
                self.bench.restart()
            self.bench.ask(TeardownAsked(FrameworkId(self.framework.id)))
            self.assertEqual(self.kept(), [], restart)

    def test_others_stay(self) -> None:
        """Of another framework, and of another task, it is none of their business."""
        self.bench.run(self.framework, self.agent, "t2")
        self.order("t2")
        self.framework.say(Suppress())
        agent, other = self.bench.agent(), self.bench.framework(framework_info(name="other"))
        self.bench.run(other, agent, "t1")
        self.bench.report(agent, other, "t1", TaskState.TASK_FINISHED)
        self.bench.ask(TeardownAsked(FrameworkId(other.id)))
        self.bench.report(self.agent, self.framework, "t2", TaskState.TASK_FAILED)
        [record] = self.kept()
        assert isinstance(record, KillRecord)
        self.assertEqual(record.task_id, "t1")


class StoreTests(KillCase):
    """What is in a store, of this program and of older ones."""

    def test_there_and_back(self) -> None:
        """A kill as bytes is the same kill."""
        self.order(policy=SOON)
        stored = {key: encode_record(one) for key, one in self.bench.records.items()}
        decoding = Decoding(stored, Master.RECORDS)
        self.assertEqual(dict(decoding), self.bench.records)
        self.assertEqual((decoding.unreadable, decoding.unknown), ({}, []))

    def test_store_of_an_older_program(self) -> None:
        """Where there are no kills none are known, and one can be kept."""
        self.assertFalse([one for one in self.bench.records if one.startswith("kills")])
        self.bench.restart()
        self.assertEqual(self.kept(), [])
        self.come_back("t1")
        self.order()
        self.assertEqual(len(self.kept()), 1)

    def test_older_program(self) -> None:
        """A program that knows no kills leaves them where they are."""
        self.order()
        stored = {key: encode_record(one) for key, one in self.bench.records.items()}
        older = {name: kind for name, kind in Master.RECORDS.items() if name != "kills"}
        decoding = Decoding(stored, older)
        self.assertEqual(len(dict(decoding)), len(stored) - 1)
        [unknown] = decoding.unknown
        self.assertEqual(unknown, f"kills/{self.agent.id}/{self.framework.id}/t1")

    def test_why(self) -> None:
        """Whoever asks why the task is as it is hears of it."""
        self.order()
        reason = self.bench.master.why("task", f"{self.framework.id}/t1")
        assert reason is not None
        self.assertTrue(any("operator" in fact for fact in reason.facts), reason.facts)
        self.assertTrue(any("KillKept" in line for line in reason.story), reason.story)
