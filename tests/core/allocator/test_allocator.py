"""What the master's core relies on."""

from __future__ import annotations

import random
from collections.abc import Iterable

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.allocator import Allocator, Grant, Minimum, minimum_of
from mesostw.core.allocator.filters import FILTER_GROUPS_MAX
from mesostw.messages.frameworks import MinAllocatableResources, OfferFilters, ResourceQuantities
from mesostw.messages.values import Scalar
from mesostw.model.ids import AgentId, FrameworkId
from mesostw.model.resources import EMPTY, Resources, ResourcesError
from mesostw.model.slots import Reservation, slot

R = Resources.parse
A1, A2 = AgentId("A1"), AgentId("A2")
F1, F2 = FrameworkId("F1"), FrameworkId("F2")
FOUR = R("cpus:4;mem:1024")


class AllocatorTests(SynchronousTestCase):
    """Offers go where they should, when they should."""

    def setUp(self) -> None:
        self.now = 100.0
        self.allocator = Allocator(random.Random(1))

    def tearDown(self) -> None:
        self.allocator.check()

    def framework(self, framework: FrameworkId, *roles: str, **more: object) -> None:
        """Add a framework."""
        self.allocator.update_framework(framework, roles or ("*",), **more)  # type: ignore[arg-type]

    def grants(self, after_s: float = 1.0) -> list[Grant]:
        """What is granted a while later."""
        self.now += after_s
        return self.allocator.allocate(self.now)

    def to(self, grants: Iterable[Grant]) -> set[tuple[str, str, str]]:
        """Who got something where, in which role."""
        return {(one.framework, one.role, one.agent) for one in grants}

    def decline(self, grants: Iterable[Grant], refuse_s: float = 0.0) -> None:
        """Give all back, now."""
        for one in grants:
            self.allocator.give_back(
                one.agent, one.framework, one.role, one.resources, refuse_s=refuse_s, now=self.now
            )

    def test_all_that_is_free(self) -> None:
        """An offer is all that is free on one agent, to one framework in one role."""
        self.framework(F1, "web")
        self.allocator.add_agent(A1, FOUR)
        self.allocator.take(A1, F2, "db", R("cpus:1"))
        self.assertEqual(self.grants(), [Grant(F1, "web", A1, R("cpus:3;mem:1024"))])
        self.assertEqual(self.grants(), [])
        self.assertIs(self.allocator.free_of(A1), EMPTY)
        self.assertEqual(self.allocator.held_of(A1, F1, "web"), R("cpus:3;mem:1024"))

    def test_gap(self) -> None:
        """What is declined without a filter is offered again after the gap, not before."""
        self.framework(F1)
        self.allocator.add_agent(A1, FOUR)
        self.assertEqual(self.allocator.due(self.now), 0.0)
        declined = self.grants()
        self.now += 0.001
        self.decline(declined)
        self.assertAlmostEqual(self.allocator.due(self.now) or 0.0, 0.009)
        self.assertEqual(self.allocator.dirty, {A1})
        self.assertEqual(self.grants(0.005), [])
        self.assertEqual(self.to(self.grants(0.0041)), {(F1, "*", A1)})
        self.assertIsNone(self.allocator.due(self.now))

    def test_filter(self) -> None:
        """A refused agent goes to others, and comes back when the filter ends."""
        self.framework(F1)
        self.allocator.add_agent(A1, FOUR)
        self.decline(self.grants(), refuse_s=5.0)
        self.assertEqual(self.grants(0.1), [])
        due = self.allocator.due(self.now)
        assert due is not None
        self.assertTrue(4.9 <= due <= 5.0)
        self.framework(F2)
        declined = self.grants(0.1)
        self.assertEqual(self.to(declined), {(F2, "*", A1)})
        self.decline(declined)
        self.allocator.suppress(F2)
        self.assertEqual(self.grants(4.5), [])
        self.assertEqual(self.to(self.grants(0.5)), {(F1, "*", A1)})

    def test_more_than_was_refused(self) -> None:
        """A filter does not stand for more than what was refused."""
        self.framework(F1)
        self.allocator.add_agent(A1, FOUR)
        self.allocator.take(A1, F2, "*", R("cpus:1"))
        self.decline(self.grants(), refuse_s=1000.0)
        self.assertEqual(self.grants(), [])
        self.allocator.give_back(A1, F2, "*", R("cpus:1"), now=self.now)
        self.assertEqual(self.grants(), [Grant(F1, "*", A1, FOUR)])

    def test_suppress_and_revive(self) -> None:
        """Suppressed roles get nothing; reviving forgets filters, of those roles only."""
        self.framework(F1, "x", "y", suppressed=("x", "y"))
        self.allocator.add_agent(A1, FOUR)
        self.assertEqual(self.grants(), [])
        self.allocator.revive(F1, ("y",))
        declined = self.grants()
        self.assertEqual(self.to(declined), {(F1, "y", A1)})
        self.decline(declined, refuse_s=1000.0)
        self.allocator.revive(F1, ("x",))
        declined = self.grants()
        self.assertEqual(self.to(declined), {(F1, "x", A1)})
        self.decline(declined, refuse_s=1000.0)
        self.assertEqual(self.grants(), [])
        self.allocator.revive(F1)
        self.assertEqual(len(self.grants()), 1)

    def test_revives_without_end(self) -> None:
        """Reviving often neither piles up bits nor brings old filters back."""
        self.framework(F1)
        self.framework(F2)
        self.allocator.add_agent(A1, FOUR)
        for _ in range(300):
            declined = self.grants()
            self.assertEqual(len(declined), 1)
            self.decline(declined, refuse_s=1000.0)
            self.allocator.revive(declined[0].framework)
            self.allocator.check()
        self.assertTrue(self.allocator._members._bits < 80)

    def test_filters_are_bounded(self) -> None:
        """An agent whose every change is refused keeps a limited number of filters."""
        self.framework(F1)
        self.allocator.add_agent(A1, R("cpus:400;mem:1024"))
        for number in range(1, 200):
            self.decline(self.grants(), refuse_s=100.0 + number)
            self.allocator.take(A1, F2, "*", R("cpus:1"))
            self.allocator.revive(F2)
        filters = self.allocator._farm.agents[A1].filters
        self.assertTrue(len(filters) <= FILTER_GROUPS_MAX)
        self.now += 1000.0
        self.allocator.allocate(self.now)
        self.assertEqual(len(filters), 0)

    def test_minimum(self) -> None:
        """Neither 0.01 cpus nor 32 MB: no offer, but for a framework that asks for less."""
        self.framework(F1)
        self.allocator.add_agent(A1, R("cpus:0.005;mem:31;disk:100"))
        self.assertEqual(self.grants(), [])
        self.assertEqual(dict(self.allocator.why(F1).counts), {"too small": 1})
        least = ResourceQuantities(quantities={"disk": Scalar(value=50.0)})
        asked = minimum_of(
            OfferFilters(min_allocatable_resources=MinAllocatableResources(quantities=(least,)))
        )
        assert asked is not None
        self.framework(F2, minimums={"*": asked})
        self.assertEqual(self.to(self.grants()), {(F2, "*", A1)})
        self.assertIsNone(minimum_of(OfferFilters()))
        self.assertTrue(Minimum.parse("").met({}))

    def test_gpus_are_kept(self) -> None:
        """Agents with GPUs are for frameworks that can use them."""
        self.framework(F1)
        self.allocator.add_agent(A1, R("cpus:4;gpus:1"))
        self.assertEqual(self.grants(), [])
        self.assertEqual(self.allocator.why(F1).facts[0].reason, "gpus are kept for others")
        self.framework(F2, capabilities=("GPU_RESOURCES",))
        self.assertEqual(self.to(self.grants()), {(F2, "*", A1)})

    def test_reserved(self) -> None:
        """Reserved resources go to their role and those below it; the rest to anybody."""
        self.framework(F1, "db")
        self.framework(F2, "web/front")
        self.allocator.add_agent(A1, R("cpus:1;mem:64;cpus(web):2"))
        self.allocator.take(A1, F2, "web/front", R("cpus(web):1"))
        self.assertEqual(
            self.grants(),
            [
                Grant(F1, "db", A1, R("cpus:1;mem:64")),
                Grant(F2, "web/front", A1, R("cpus(web):1")),
            ],
        )

    def test_capabilities(self) -> None:
        """Revocable and refined resources go to frameworks that know of them."""
        refined = slot("cpus", (Reservation("a"), Reservation("a/b")))
        special = Resources.of([(slot("cpus", revocable=True), 1000), (refined, 2000)])
        self.framework(F1, "a/b")
        self.allocator.add_agent(A1, R("cpus:4") + special)
        self.assertEqual(self.grants(), [Grant(F1, "a/b", A1, R("cpus:4"))])
        able = ("REVOCABLE_RESOURCES", "RESERVATION_REFINEMENT")
        self.framework(F2, "a/b", capabilities=able)
        self.assertEqual(self.grants(), [Grant(F2, "a/b", A1, special)])

    def test_inactive(self) -> None:
        """Inactive frameworks and agents take no part; what they hold stays."""
        self.framework(F1)
        self.allocator.add_agent(A1, FOUR, active=False)
        self.assertEqual(self.grants(), [])
        self.allocator.update_agent(A1, active=True)
        self.allocator.set_framework_active(F1, False)
        self.assertEqual(self.grants(), [])
        self.assertEqual(self.allocator.why(F1).facts[0].reason, "framework inactive")
        self.allocator.set_framework_active(F1, True)
        self.assertEqual(len(self.grants()), 1)

    def test_removed(self) -> None:
        """What a removed framework or agent held is charged to nobody."""
        self.framework(F1)
        self.framework(F2)
        self.allocator.add_agent(A1, FOUR)
        held = self.grants()
        self.allocator.remove_framework(F1)
        self.allocator.remove_framework(F1)
        self.assertEqual(self.to(self.grants()), {(F2, "*", A1)})
        self.decline(held)
        self.allocator.remove_agent(A1)
        self.allocator.remove_agent(A1)
        self.assertEqual(self.allocator.share_of("*"), 0.0)
        self.allocator.give_back(A1, F2, "*", FOUR, now=self.now)
        self.assertEqual(self.grants(), [])

    def test_left_role(self) -> None:
        """A role that was left stays charged until all is given back, then disappears."""
        self.framework(F1, "x")
        self.allocator.add_agent(A1, FOUR)
        held = self.grants()
        self.framework(F1, "y")
        self.assertAlmostEqual(self.allocator.share_of("x"), 1.0)
        self.decline(held)
        self.assertEqual(self.allocator.share_of("x"), 0.0)
        self.assertEqual(self.to(self.grants()), {(F1, "y", A1)})

    def test_not_held(self) -> None:
        """Giving back what is not held is refused, and changes nothing."""
        self.framework(F1)
        self.allocator.add_agent(A1, FOUR)
        self.allocator.take(A1, F1, "*", R("cpus:1"))
        with self.assertRaises(ResourcesError) as caught:
            self.allocator.give_back(A1, F1, "*", R("cpus:2"), now=self.now)
        self.assertIn("agent A1: F1 in role *", str(caught.exception))

    def test_overcommitted(self) -> None:
        """An agent that reports more tasks than it has room for is not offered until they end."""
        self.framework(F1)
        self.allocator.add_agent(A1, R("cpus:4;mem:64;ports:[1-9]"))
        task = R("cpus:3;mem:32;ports:[1-2]")
        for framework in (F1, F2):
            self.allocator.take(A1, framework, "*", task)
        self.assertEqual(self.allocator.free_of(A1), R("ports:[3-9]"))
        self.allocator.check()
        self.allocator.give_back(A1, F2, "*", task, now=self.now)
        self.assertEqual(self.allocator.free_of(A1), R("cpus:1;mem:32;ports:[3-9]"))
        self.allocator.take(A1, F1, "*", task)
        self.allocator.give_back(A1, F1, "*", task, now=self.now)
        self.allocator.give_back(A1, F1, "*", task, now=self.now)
        self.assertEqual(self.allocator.free_of(A1), R("cpus:4;mem:64;ports:[1-9]"))

    def test_resized(self) -> None:
        """An agent that comes back smaller or larger has what is left over free."""
        self.framework(F1)
        self.allocator.add_agent(A1, FOUR)
        self.allocator.take(A1, F1, "*", R("cpus:3"))
        self.allocator.update_agent(A1, total=R("cpus:2"))
        self.assertIs(self.allocator.free_of(A1), EMPTY)
        self.allocator.add_agent(A1, R("cpus:5"))
        self.assertEqual(self.grants(), [Grant(F1, "*", A1, R("cpus:2"))])

    def test_forgets_filters_with_attributes(self) -> None:
        """An agent whose attributes changed is offered again at once."""
        self.framework(F1)
        self.allocator.add_agent(A1, FOUR)
        self.decline(self.grants(), refuse_s=1000.0)
        self.assertEqual(self.grants(), [])
        self.allocator.update_agent(A1, forget_filters=True)
        self.assertEqual(len(self.grants()), 1)

    def test_why(self) -> None:
        """Each agent has its first reason; the filter's end is told."""
        self.framework(F1, "x", "y", suppressed=("y",))
        self.allocator.add_agent(A1, FOUR)
        self.allocator.add_agent(A2, FOUR, active=False)
        self.allocator.add_agent(AgentId("A3"), R("cpus(z):1"))
        self.allocator.add_agent(AgentId("A4"), FOUR)
        self.decline([one for one in self.grants() if one.agent == A1], refuse_s=8.0)
        why = self.allocator.why(F1)
        found = {(fact.agent, fact.role): fact for fact in why.facts}
        self.assertEqual(found[A1, "x"].reason, "refused")
        self.assertEqual(found[A1, "x"].until, self.now + 8.0)
        self.assertEqual(found[A1, "x"].free, FOUR.text())
        self.assertEqual(found[A2, "x"].reason, "agent inactive")
        self.assertEqual(found[AgentId("A3"), "x"].reason, "nothing free for this role")
        self.assertEqual(found[AgentId("A4"), "x"].reason, "nothing free")
        self.assertEqual(why.counts["suppressed"], 4)
        self.assertEqual(len(self.allocator.why(F1, facts_max=2).facts), 2)
        self.assertEqual(self.allocator.why(F2).facts, ())

    def test_slices(self) -> None:
        """No call looks at more agents than it was told to; all are looked at in the end."""
        self.framework(F1)
        for number in range(10):
            self.allocator.add_agent(AgentId(f"A{number}"), FOUR)
        sizes = [len(self.allocator.allocate(self.now, 4)) for _ in range(4)]
        self.assertEqual(sizes, [4, 4, 2, 0])
