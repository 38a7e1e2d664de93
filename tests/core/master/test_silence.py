"""Agents that do not answer their pings are not offered."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.master.words import AgentActivationAsked
from mesostw.messages.scheduler_events import Offers, Rescind
from mesostw.messages.tasks import TaskStatusReason
from mesostw.model.ids import AgentId
from tests.core.master.builders import Bench, launch, task_info


class SilenceTests(SynchronousTestCase):
    """One agent, one framework; pings each 15 s."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent()
        self.framework = self.bench.framework()

    def test_silent_is_not_offered(self) -> None:
        """Who has not answered a ping by the next is offered no more, until it answers."""
        self.bench.allocate()
        self.assertEqual(len(self.framework.all(Offers)), 1)
        self.bench.pass_time(14, ponging=False)
        self.assertEqual(self.framework.all(Rescind), [])
        self.bench.pass_time(17, ponging=False)
        self.assertEqual(len(self.framework.all(Rescind)), 1)
        self.bench.pass_time(20, ponging=False)
        self.assertEqual(len(self.framework.all(Offers)), 1)
        self.assertEqual(self.bench.agent_state(self.agent), "active")
        self.bench.pass_time(16)
        self.assertEqual(len(self.framework.all(Offers)), 2)
        self.bench.pass_time(60)
        self.assertEqual(len(self.framework.all(Rescind)), 1)

    def test_silent_and_deactivated(self) -> None:
        """An operator's word stands when an agent answers again, and the other way round."""
        self.bench.pass_time(31, ponging=False)
        self.bench.ask(AgentActivationAsked(AgentId(self.agent.id), active=False))
        self.bench.pass_time(31)
        self.bench.allocate()
        self.assertEqual(len(self.framework.all(Offers)), 1)
        self.bench.pass_time(31, ponging=False)
        self.bench.ask(AgentActivationAsked(AgentId(self.agent.id), active=True))
        self.bench.allocate()
        self.assertEqual(len(self.framework.all(Offers)), 1)
        self.bench.pass_time(16)
        self.assertEqual(len(self.framework.all(Offers)), 2)

    def test_an_offer_from_before(self) -> None:
        """What is launched with it says why it was dropped."""
        self.bench.allocate()
        offers = self.framework.offers()
        self.bench.pass_time(31, ponging=False)
        self.bench.accept(self.framework, launch(task_info("t1", self.agent.id)), offers=offers)
        [status] = self.framework.updates()
        self.assertIs(status.reason, TaskStatusReason.REASON_AGENT_DISCONNECTED)
