"""What holds of every allocation, whatever happened before."""

from __future__ import annotations

import random
from collections.abc import MutableSequence
from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.allocation import PlainAllocator
from mesostw.core.allocator import Allocator, Grant
from mesostw.model.amounts import ranges_size
from mesostw.model.ids import AgentId, FrameworkId
from mesostw.model.resources import Resources

R = Resources.parse
ROLES = ("*", "a", "a/b", "c")
TOTALS = (
    R("cpus:4;mem:1024;ports:[1-9]"),
    R("cpus:2;mem:64;cpus(a):2"),
    R("cpus:8;mem:512;gpus:1"),
    R("cpus(c):1;mem(a/b):64"),
)
NOTHING: frozenset[str] = frozenset()
ABLE = frozenset({"GPU_RESOURCES"})

Step: TypeAlias = tuple[str, int, int, float]
steps = st.lists(
    st.tuples(
        st.sampled_from([
            "framework", "framework", "agent", "agent", "allocate", "allocate", "allocate",
            "decline", "decline", "keep", "end", "suppress", "revive", "away", "back",
            "lose framework", "lose agent", "resize", "weigh", "report",
        ]),
        st.integers(0, 7),
        st.integers(0, 7),
        st.sampled_from([0.0, 0.005, 0.5, 5.0, 1e6]),
    ),
    max_size=60,
)  # fmt: skip


class Stirred(random.Random):
    """Shuffles alike whatever the order was before, and whatever stands for an agent."""

    def shuffle(self, x: MutableSequence[Any]) -> None:
        x[:] = sorted(x, key=lambda agent: str(getattr(agent, "id", agent)))
        super().shuffle(x)


class World:
    """An allocator, and what an honest master remembers of it."""

    def __init__(self, seed: int) -> None:
        self.allocator = Allocator(random.Random(seed))
        self.now = 0.0
        self.offers: list[Grant] = []
        self.used: list[Grant] = []
        self.totals: dict[AgentId, Resources] = {}
        self.wanted: dict[FrameworkId, set[str]] = {}
        #: What was refused, until when it surely is.
        self.refused: list[tuple[Grant, float]] = []
        self.said: list[Grant] = []

    def play(self, what: str, x: int, y: int, span: float) -> None:
        """Take one step."""
        self.now += span if what == "allocate" else 0.001
        framework, agent = FrameworkId(f"F{x}"), AgentId(f"A{y}")
        match what:
            case "framework":
                roles = ROLES[y % 4 :] if x % 2 else (ROLES[y % 4],)
                self.allocator.update_framework(
                    framework, roles, capabilities=ABLE if x % 3 else NOTHING
                )
                self.wanted[framework] = set(roles)
                self.forgive(framework)
            case "agent":
                self.totals[agent] = TOTALS[x % 4]
                self.allocator.add_agent(agent, TOTALS[x % 4])
            case "resize" if agent in self.totals:
                self.totals[agent] = TOTALS[x % 4]
                self.allocator.update_agent(agent, total=TOTALS[x % 4])
            case "allocate":
                self.allocated(self.allocator.allocate(self.now, 1 + x))
            case "decline" | "keep" | "end":
                self.settled(what, x, span)
            case "lose agent":
                self.allocator.remove_agent(agent)
                self.totals.pop(agent, None)
                self.forget(lambda one: one.agent == agent)
            case "weigh":
                self.allocator.set_weights({ROLES[x % 4]: 0.5 + y})
            case "report" if agent in self.totals:
                held = Grant(framework, ROLES[x % 4], agent, R("cpus:1;mem:8"))
                self.allocator.take(agent, framework, held.role, held.resources)
                self.used.append(held)
            case _ if framework in self.wanted:
                self.changed(what, framework)

    def changed(self, what: str, framework: FrameworkId) -> None:
        """Let something happen to a framework."""
        match what:
            case "suppress":
                self.allocator.suppress(framework)
                self.wanted[framework] = set()
            case "revive":
                self.allocator.revive(framework)
                members = self.allocator._members.frameworks[framework]
                self.wanted[framework] = set(members.roles)
                self.forgive(framework)
            case "away" | "back":
                self.allocator.set_framework_active(framework, what == "back")
            case "lose framework":
                self.allocator.remove_framework(framework)
                del self.wanted[framework]
                self.forget(lambda one: one.framework == framework)

    def allocated(self, grants: list[Grant]) -> None:
        """Look at each grant; remember it."""
        for one in grants:
            assert one.resources, "an empty offer"
            assert one.agent in self.totals, "an offer of an agent that is gone"
            assert one.role in self.wanted[one.framework], "an offer that nobody wants"
            assert one.resources.allocatable_to(one.role) == one.resources, "another's resources"
            for refused, until in self.refused:
                same = (one.framework, one.role, one.agent) == (
                    refused.framework, refused.role, refused.agent,
                )  # fmt: skip
                within = refused.resources.contains(one.resources)
                assert not (same and within and self.now < until), f"{one} was refused"
        self.offers += grants
        self.said += grants

    def settled(self, what: str, x: int, span: float) -> None:
        """Give an offer back, keep it for a task, or end a task."""
        table = self.used if what == "end" else self.offers
        if not table:
            return
        one = table.pop(x % len(table))
        if what == "keep":
            self.used.append(one)
            return
        refuse_s = 0.0 if what == "end" else span
        self.allocator.give_back(
            one.agent, one.framework, one.role, one.resources, refuse_s=refuse_s, now=self.now
        )
        if refuse_s:
            self.refused.append((one, self.now + refuse_s))

    def forgive(self, framework: FrameworkId) -> None:
        """Forget what a framework refused."""
        self.refused = [one for one in self.refused if one[0].framework != framework]

    def forget(self, gone: object) -> None:
        """Forget grants of whoever is gone."""
        assert callable(gone)
        self.offers = [one for one in self.offers if not gone(one)]
        self.used = [one for one in self.used if not gone(one)]
        self.refused = [one for one in self.refused if not gone(one[0])]

    def check(self) -> None:
        """Nothing is held twice; free is what nobody holds."""
        self.allocator.check()
        for agent, total in self.totals.items():
            free = self.allocator.free_of(agent)
            assert total.contains(free), "more is free than there is"
            held, ports = free, ranges_size(free.ranges("ports"))
            for one in self.offers + self.used:
                if one.agent == agent:
                    held = held + one.resources
                    ports += ranges_size(one.resources.ranges("ports"))
            if not self.allocator._farm.agents[agent].over:
                assert total == held, "free and held are not the total"
                assert ports == ranges_size(total.ranges("ports")), "a port is there twice"


class PropertyTests(SynchronousTestCase):
    """Any steps in any order."""

    @settings(max_examples=150, deadline=None)
    @given(steps)
    def test_any_steps(self, played: list[Step]) -> None:
        """Nothing is offered twice, refused things are not, and all adds up after each step."""
        world = World(1)
        for step in played:
            world.play(*step)
            world.check()

    @settings(max_examples=50, deadline=None)
    @given(steps, st.integers())
    def test_same_seed_same_grants(self, played: list[Step], seed: int) -> None:
        """The same steps with the same seed say the same."""
        worlds = World(seed), World(seed)
        for step in played:
            for world in worlds:
                world.play(*step)
        self.assertEqual(worlds[0].said, worlds[1].said)

    @settings(max_examples=50, deadline=None)
    @given(steps)
    def test_nothing_is_left_lying(self, played: list[Step]) -> None:
        """If all is given back and time passes, whoever wants something gets it."""
        world = World(1)
        for step in played:
            world.play(*step)
        for one in world.offers + world.used:
            world.allocator.give_back(
                one.agent, one.framework, one.role, one.resources, now=world.now
            )
        world.offers, world.used, world.refused = [], [], []
        world.now += 1e8
        hungry = FrameworkId("hungry")
        world.allocator.update_framework(hungry, ("*",), capabilities=ABLE)
        world.wanted[hungry] = {"*"}
        while world.allocator.due(world.now) == 0.0:
            world.allocated(world.allocator.allocate(world.now, 3))
        for agent in world.totals:
            self.assertFalse(world.allocator.free_of(agent).unreserved())


class FairTests(SynchronousTestCase):
    """Shares even out, and are what the plain way gives."""

    @settings(max_examples=50, deadline=None)
    @given(
        st.lists(st.sampled_from(["x", "y", "z"]), min_size=1, max_size=12),
        st.lists(st.integers(1, 9), min_size=1, max_size=25),
        st.lists(st.integers(0, 99), max_size=60),
        st.integers(),
    )
    def test_like_the_plain_way(
        self, roles: list[str], sizes: list[int], declined: list[int], seed: int
    ) -> None:
        """Sorting everything for each agent grants the same, round after round."""
        ours, plain = Allocator(Stirred(seed)), PlainAllocator(Stirred(seed))
        for number, role in enumerate(roles):
            ours.update_framework(FrameworkId(f"F{number}"), (role,))
            plain.add_framework(FrameworkId(f"F{number}"), role)
        for number, size in enumerate(sizes):
            total = R(f"cpus:{size};mem:{10 - size}00")
            ours.add_agent(AgentId(f"A{number}"), total)
            plain.add_agent(AgentId(f"A{number}"), total)
        now, held = 1.0, list[Grant]()
        for _ in range(6):
            now += 1.0
            ours.mark_all_dirty()
            granted = ours.allocate(now)
            self.assertEqual(granted, plain.allocate())
            held += granted
            back = {number % len(held) for number in declined[: len(held)]} if held else set()
            for one in [held[at] for at in sorted(back)]:
                held.remove(one)
                plain.decline(one)
                ours.give_back(
                    one.agent, one.framework, one.role, one.resources, refuse_s=1e6, now=now
                )

    def test_shares_even_out(self) -> None:
        """100 agents among 4 roles of 1, 2, 3 and 4 frameworks: 25 each."""
        allocator = Allocator(random.Random(7))
        for role in range(1, 5):
            for number in range(role):
                allocator.update_framework(FrameworkId(f"F{role}{number}"), (f"r{role}",))
        for number in range(100):
            allocator.add_agent(AgentId(f"A{number}"), R("cpus:4;mem:1024"))
        self.assertEqual(len(allocator.allocate(1.0)), 100)
        for role in range(1, 5):
            self.assertAlmostEqual(allocator.share_of(f"r{role}"), 0.25)
