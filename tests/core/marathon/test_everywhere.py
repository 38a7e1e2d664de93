"""Apps with one instance on every agent."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import everywhere, offers, queue
from mesostw.core.marathon.records import Condition
from mesostw.core.scheduling import (
    AcceptOffers,
    AgentFailed,
    DeclineOffers,
    ReviveOffers,
    SuppressOffers,
)
from mesostw.messages.offers import Offer
from mesostw.model.apps import App, Constraint, Operator
from mesostw.model.ids import AgentId
from tests.core.marathon.builders import V2, World, app, instance
from tests.core.marathon.offering import master, offer, offered


class EverywhereCase(SynchronousTestCase):
    """A Marathon with an app that is to be on every agent."""

    def setUp(self) -> None:
        self.world = World()
        self.world.live.registered = True

    def wish(self, **spec: Any) -> App:
        one = app(every_agent=True, instances=0, **spec)
        self.world.add(one)
        self.assertEqual(self.target(one), 0)
        return one

    def offer(self, *some: Offer) -> None:
        self.world.clear()
        self.world.live.marked.clear()
        self.world.run(offers.offered, offered(*some))

    def target(self, one: App) -> int:
        return self.world.run(everywhere.target, one)


class TargetTests(EverywhereCase):
    """How many instances there are to be."""

    def test_agents(self) -> None:
        """One on each agent that has offered something, each counted once."""
        one = self.wish()
        self.offer(offer(1), offer(2), offer(3), offer(1, name="again"))
        self.assertEqual(self.target(one), 3)

    def test_role(self) -> None:
        """Only agents count that offer something to the app's role."""
        one = self.wish(role="web")
        self.offer(offer(1), offer(2, role="web"))
        self.assertEqual(self.target(one), 1)

    def test_static_constraints(self) -> None:
        """Only agents count that fit the constraints."""
        one = self.wish(constraints=(Constraint("rack", Operator.LIKE, "a|b"),))
        self.offer(*(offer(n, attributes=f"rack:{rack}") for n, rack in enumerate("abcb")))
        self.assertEqual(self.target(one), 3)

    def test_counting_constraints(self) -> None:
        """Constraints that count instances leave so many as fit together."""
        for constraint, expected in (
            (Constraint("rack", Operator.UNIQUE), 2),
            (Constraint("rack", Operator.CLUSTER), 3),
            (Constraint("rack", Operator.CLUSTER, "b"), 1),
            (Constraint("rack", Operator.MAX_PER, "2"), 3),
        ):
            self.setUp()
            one = self.wish(constraints=(constraint,))
            self.offer(*(offer(n, attributes=f"rack:{rack}") for n, rack in enumerate("aaab")))
            self.assertEqual(self.target(one), expected, constraint)

    def test_maintenance_and_gpus(self) -> None:
        """Agents that nothing is launched on do not count."""
        one = self.wish()
        wall = self.world.now.wall
        self.offer(
            offer(1, unavailable=(wall - 1, None)),
            offer(2, resources="cpus:1;mem:200;gpus:1"),
            offer(3),
        )
        self.assertEqual(self.target(one), 1)

    def test_own_instances(self) -> None:
        """An agent that has the app counts also if it has nothing left to offer."""
        one = self.wish()
        self.world.add(instance(one, number=7))
        self.world.add(instance(one, number=8, condition=Condition.UNREACHABLE))
        self.offer(offer(1), offer(7))
        self.assertEqual(self.target(one), 2)

    def test_own_instances_that_do_not_fit(self) -> None:
        """An agent that fits no more does not count, though an older instance is there."""
        one = self.wish()
        self.world.add(instance(one, number=7))
        moved = app(
            version=V2, every_agent=True, constraints=(Constraint("rack", Operator.IS, "a"),)
        )
        self.assertEqual(self.target(moved), 0)

    def test_lost(self) -> None:
        """An agent that is lost does not count; the app is looked at again."""
        one = self.wish()
        self.offer(offer(1), offer(2))
        self.world.live.marked.clear()
        self.world.run(everywhere.agent_failed, AgentFailed(AgentId("S1"), None, None))
        self.assertEqual(self.target(one), 1)
        self.assertIn(one.id, self.world.live.marked)

    def test_new_master(self) -> None:
        """With a new master agents are learnt anew."""
        one = self.wish()
        self.offer(offer(1), offer(2))
        self.world.run(offers.connected, master())
        self.assertEqual(self.target(one), 0)


class LaunchTests(EverywhereCase):
    """How instances get to new agents."""

    def test_new_agent(self) -> None:
        """A new agent has the app looked at, and its offer comes again soon."""
        one = self.wish()
        self.offer(offer(1))
        self.assertIn(one.id, self.world.live.marked)
        self.assertEqual([said.refuse_s for said in self.world.did(DeclineOffers)], [1.0])
        self.offer(offer(1))
        self.assertNotIn(one.id, self.world.live.marked)
        self.assertEqual([said.refuse_s for said in self.world.did(DeclineOffers)], [120.0])

    def test_other_attributes(self) -> None:
        """An agent that is another one now has the app looked at again."""
        one = self.wish()
        self.offer(offer(1))
        self.offer(offer(1, attributes="rack:a"))
        self.assertIn(one.id, self.world.live.marked)

    def test_one_each(self) -> None:
        """Each agent gets one instance, however much it offers."""
        one = self.wish()
        self.world.run(queue.wanted, one, 3)
        self.offer(offer(1), offer(2), offer(1, name="more"))
        self.assertEqual(
            sorted(made.hostname for made in self.world.state.instances.values()), ["n1", "n2"]
        )
        self.offer(offer(2), offer(3))
        self.assertEqual(len(self.world.did(AcceptOffers)), 1)

    def test_offers_go_on(self) -> None:
        """While there is such an app, its role is not suppressed."""
        self.wish()
        self.world.live.roles = frozenset({"*", "web"})
        self.world.run(offers.ticked)
        self.assertEqual(self.world.did(SuppressOffers), [SuppressOffers(("web",))])

    def test_asked_for(self) -> None:
        """When such an app comes, offers are asked for that were refused before."""
        one = self.wish()
        self.assertEqual(self.world.did(ReviveOffers), [ReviveOffers(("*",))])
        self.world.later(60)
        self.world.clear()
        self.target(one)
        self.assertEqual(self.world.effects, [])

    def test_no_more(self) -> None:
        """When it is no such app any more, it is forgotten here."""
        self.wish()
        self.world.add(app(version=V2))
        self.world.run(offers.ticked)
        self.assertEqual(self.world.live.launch.everywhere, {})


class SettleTests(EverywhereCase):
    """When the agents are known well enough."""

    def settled(self, one: App) -> bool:
        return self.world.run(everywhere.is_settled, one)

    def test_after_offers(self) -> None:
        """A short time after the first offer, when the others of the round have come."""
        one = self.wish()
        self.offer(offer(1))
        self.assertFalse(self.settled(one))
        self.world.later(everywhere.SETTLE_S)
        self.assertTrue(self.settled(one))

    def test_without_offers(self) -> None:
        """Without any offer it takes longer, but not for ever; then the app is looked at."""
        one = self.wish()
        self.world.later(everywhere.SETTLE_MAX_S - 1)
        self.assertFalse(self.settled(one))
        self.world.later(1)
        self.assertTrue(self.settled(one))
        self.world.live.marked.clear()
        self.world.run(offers.ticked)
        self.assertIn(one.id, self.world.live.marked)

    def test_disconnected(self) -> None:
        """Without a master nothing is known."""
        one = self.wish()
        self.world.later(everywhere.SETTLE_MAX_S)
        self.world.live.registered = False
        self.assertFalse(self.settled(one))

    def test_new_configuration(self) -> None:
        """Another configuration waits anew: other agents may do for it."""
        one = self.wish()
        self.world.later(everywhere.SETTLE_MAX_S)
        self.assertTrue(self.settled(one))
        self.assertFalse(self.settled(app(version=V2, every_agent=True)))
