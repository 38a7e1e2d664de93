"""Tasks whose agent was unreachable, and came back without them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.messages.agent_master import KillTask
from mesostw.messages.ids import TaskID
from mesostw.messages.scheduler_calls import Kill
from mesostw.messages.tasks import TaskState, TaskStatusReason
from tests.core.master.builders import (
    Bench,
    framework_info,
    launch,
    task_info,
    task_message,
    told_framework,
)


class StrayTests(SynchronousTestCase):
    """A launch is lost with a link that nobody knew was dead."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent, self.framework = self.bench.agent(), self.bench.framework()
        self.bench.run(self.framework, self.agent)
        self.bench.allocate()
        self.bench.accept(self.framework, launch(task_info("t2", self.agent.id)))
        self.bench.pass_time(100, ponging=False)
        self.assertEqual(self.framework.states("t2"), ["TASK_UNREACHABLE"])

    def come_back(self) -> None:
        """The agent is there again, with the one task that it has ever heard of."""
        first = task_message(self.framework, self.agent.id, "t1", TaskState.TASK_RUNNING)
        self.agent = self.bench.return_agent(
            self.agent.id, [first], [told_framework(self.framework)]
        )

    def test_gone(self) -> None:
        """Its framework hears at once that it is nowhere, and what it was to use is free."""
        self.come_back()
        self.assertEqual(self.framework.states("t2"), ["TASK_UNREACHABLE", "TASK_GONE"])
        status = next(one for one in self.framework.updates() if one.state.value == "TASK_GONE")
        self.assertIs(status.reason, TaskStatusReason.REASON_AGENT_REREGISTERED)
        self.assertIsNone(status.uuid)
        self.assertEqual(self.framework.states("t1")[-1], "TASK_RUNNING")
        self.assertEqual(self.bench.used(self.agent), "cpus:1;mem:64")

    def test_killed_meanwhile(self) -> None:
        """A kill that waited for the agent waits no more."""
        self.framework.say(Kill(task_id=TaskID(value="t2")))
        self.come_back()
        self.assertEqual(self.framework.states("t2")[-1], "TASK_GONE")
        self.assertEqual(self.agent.all(KillTask), [])

    def test_twice(self) -> None:
        """It is said once, however often the agent is away after that."""
        for _ in range(2):
            self.come_back()
            self.bench.pass_time(100, ponging=False)
        self.assertEqual(self.framework.states("t2").count("TASK_GONE"), 1)

    def test_unaware(self) -> None:
        """Who knows only of LOST hears of that."""
        bench = Bench()
        agent, framework = bench.agent(), bench.framework(framework_info(capabilities=()))
        bench.run(framework, agent)
        bench.pass_time(100, ponging=False)
        bench.return_agent(agent.id, [], [told_framework(framework)])
        self.assertEqual(set(framework.states("t1")[-2:]), {"TASK_LOST"})
