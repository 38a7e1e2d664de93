"""
Allocation cycles when every offer is declined for ever.

The work of the original's ``DeclineOffers`` benchmark: agents of
``cpus:24;mem:4096;disk:4096;ports:[31000-32000]``, of which 16 cpus, 2014 mem,
1024 disk and 16 port ranges are in use; frameworks in role ``*``; two rounds for
each framework, so that at last everybody has refused every agent.  The original
(C++, on a laptop) took 0.05, 0.4 and 1.1 s a cycle at the three sizes.

The yardstick, measured in the same run at a small size, is :class:`PlainAllocator`:
the same rules, with frameworks sorted anew for every agent and one filter looked up
for each, as one would write it first.

Run ``python -m benchmarks.allocation [--quick]``; ``--quick`` plays only the first
rounds of the two large sizes.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Mapping, Sequence
from typing import Final

from mesostw.core.allocator import Allocator, Grant
from mesostw.model.ids import AgentId, FrameworkId
from mesostw.model.resources import Resources

TOTAL: Final = Resources.parse("cpus:24;mem:4096;disk:4096;ports:[31000-32000]")
USED: Final = Resources.parse(
    "cpus:16;mem:2014;disk:1024;ports:["
    + ",".join(f"{31000 + 2 * n}-{31000 + 2 * n}" for n in range(16))
    + "]"
)
FOREVER_S: Final = 365 * 86400.0
#: Agents, frameworks, the seconds of a cycle that the original took.
SIZES: Final = ((1_000, 100, 0.05), (5_000, 500, 0.4), (10_000, 1_000, 1.1))
#: Agents and frameworks of the comparison with the yardstick.
SMALL: Final = (200, 100)
#: Rounds of a large size with ``--quick``.
QUICK_ROUNDS: Final = 12


class PlainAllocator:
    """Dominant-resource fairness as one would write it first: sort for every agent."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._total: dict[str, int] = {}
        self._free: dict[AgentId, Resources] = {}
        #: Thousandths by name that each framework of each role holds, and how often it was served.
        self._held: dict[str, dict[FrameworkId, dict[str, int]]] = {}
        self._served: dict[tuple[str, FrameworkId | None], int] = {}
        self._filters: dict[tuple[AgentId, str, FrameworkId], list[Resources]] = {}

    def add_framework(self, framework: FrameworkId, role: str) -> None:
        """Add a framework in one role."""
        self._held.setdefault(role, {})[framework] = {}

    def add_agent(self, agent: AgentId, total: Resources) -> None:
        """Add an agent with nothing taken."""
        self._free[agent] = total
        for name, amount in total.scalars().items():
            self._total[name] = self._total.get(name, 0) + amount

    def take(self, agent: AgentId, framework: FrameworkId, role: str, resources: Resources) -> None:
        """Charge what a framework uses."""
        self._free[agent] = self._free[agent] - resources
        held = self._held[role][framework]
        for name, amount in resources.scalars().items():
            held[name] = held.get(name, 0) + amount

    def give_back(self, grant: Grant) -> None:
        """Free an offer."""
        self._free[grant.agent] = self._free[grant.agent] + grant.resources
        held = self._held[grant.role][grant.framework]
        for name, amount in grant.resources.scalars().items():
            held[name] -= amount

    def decline(self, grant: Grant) -> None:
        """Take an offer back that its framework refuses for ever."""
        self.give_back(grant)
        key = (grant.agent, grant.role, grant.framework)
        self._filters.setdefault(key, []).append(grant.resources)

    def allocate(self) -> list[Grant]:
        """One cycle over all agents."""
        grants = []
        agents = [agent for agent, free in self._free.items() if free]
        self._chance.shuffle(agents)
        for agent in reversed(agents):
            chosen = self._first(agent)
            if chosen is not None:
                role, framework = chosen
                grant = Grant(framework, role, agent, self._free[agent])
                self.take(agent, framework, role, grant.resources)
                for key in ((role, None), (role, framework)):
                    self._served[key] = self._served.get(key, 0) + 1
                grants.append(grant)
        return grants

    def _first(self, agent: AgentId) -> tuple[str, FrameworkId] | None:
        free = self._free[agent]
        for role in sorted(self._held, key=self._role_key):
            held = self._held[role]
            served = {framework: self._served.get((role, framework), 0) for framework in held}
            order = sorted(held, key=lambda f, h=held, s=served: (self._share(h[f]), s[f], f))  # type: ignore[misc]
            for framework in order:
                refused = self._filters.get((agent, role, framework), ())
                if not any(one.contains(free) for one in refused):
                    return role, framework
        return None

    def _role_key(self, role: str) -> tuple[float, int, str]:
        total: dict[str, int] = {}
        for held in self._held[role].values():
            for name, amount in held.items():
                total[name] = total.get(name, 0) + amount
        return self._share(total), self._served.get((role, None), 0), role

    def _share(self, held: Mapping[str, int]) -> float:
        return max((amount / self._total[name] for name, amount in held.items()), default=0.0)


def filled(agents: int, frameworks: int) -> Allocator:
    """Make an allocator with the agents and frameworks of the benchmark."""
    allocator = Allocator(random.Random(1))
    for number in range(frameworks):
        allocator.update_framework(FrameworkId(f"f{number:05}"), ("*",))
    for number in range(agents):
        agent = AgentId(f"a{number}")
        allocator.add_agent(agent, TOTAL)
        allocator.take(agent, FrameworkId(f"f{number % frameworks:05}"), "*", USED)
    return allocator


def cycle(allocator: Allocator, now: float) -> tuple[list[Grant], float]:
    """Run a whole cycle in slices; gives the grants and the seconds of the longest slice."""
    grants: list[Grant] = []
    longest = 0.0
    allocator.mark_all_dirty()
    while allocator.due(now) == 0.0:
        begun = time.perf_counter()
        grants += allocator.allocate(now)
        longest = max(longest, time.perf_counter() - begun)
    return grants, longest


def play(agents: int, frameworks: int, rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each cycle that offered something, its longest slice, its declines."""
    allocator = filled(agents, frameworks)
    cycles, slices, declines = [], [], []
    for number in range(rounds):
        now = 1.0 + number
        begun = time.perf_counter()
        grants, longest = cycle(allocator, now)
        ended = time.perf_counter()
        for one in grants:
            allocator.give_back(
                one.agent, one.framework, one.role, one.resources, refuse_s=FOREVER_S, now=now
            )
        if grants:
            cycles.append(ended - begun)
            slices.append(longest)
            declines.append(time.perf_counter() - ended)
    return cycles, slices, declines


def yardstick() -> tuple[float, float]:
    """Seconds of all cycles at the small size: the yardstick's, and ours."""
    agents, frameworks = SMALL
    plain = PlainAllocator(random.Random(1))
    for number in range(frameworks):
        plain.add_framework(FrameworkId(f"f{number:05}"), "*")
    for number in range(agents):
        agent = AgentId(f"a{number}")
        plain.add_agent(agent, TOTAL)
        plain.take(agent, FrameworkId(f"f{number % frameworks:05}"), "*", USED)
    spent = 0.0
    for _ in range(frameworks // 4):
        begun = time.perf_counter()
        grants = plain.allocate()
        spent += time.perf_counter() - begun
        for grant in grants:
            plain.decline(grant)
    cycles, _, _ = play(agents, frameworks, frameworks // 4)
    return spent, sum(cycles)


def memory_of_agent(agents: int = 2_000, frameworks: int = 200) -> float:
    """Bytes of an agent that every framework has refused."""
    tracemalloc.start()
    empty = filled(1, frameworks)
    before = tracemalloc.get_traced_memory()[0]
    allocator = filled(agents, frameworks)
    for number in range(frameworks):
        for one in cycle(allocator, 1.0 + number)[0]:
            allocator.give_back(
                one.agent, one.framework, one.role, one.resources, refuse_s=FOREVER_S, now=1.0
            )
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del empty
    return (after - before) / agents


def main(argv: Sequence[str] | None = None) -> None:
    """Print the cycle times, the yardstick's ratio and the memory of an agent."""
    quick = "--quick" in (sys.argv[1:] if argv is None else argv)
    print("allocation cycle, all offers declined for ever (seconds)")
    print("agents frameworks rounds  median     max  slice max  declines  original")
    for agents, frameworks, original in SIZES:
        short = quick and agents > SIZES[0][0]
        rounds = QUICK_ROUNDS if short else 2 * frameworks
        cycles, slices, declines = play(agents, frameworks, rounds)
        print(
            f"{agents:6} {frameworks:10} {rounds:6} {statistics.median(cycles):7.3f}"
            f" {max(cycles):7.3f} {max(slices):10.3f} {statistics.median(declines):9.3f}"
            f" {original:9.2f}",
            flush=True,
        )
    plain, ours = yardstick()
    print(
        f"yardstick (sort for every agent), {SMALL[0]} agents, {SMALL[1]} frameworks:"
        f" {plain:.3f} s against {ours:.3f} s, {plain / ours:.0f} times"
    )
    print(f"memory of an agent refused by 200 frameworks: {memory_of_agent() / 1024:.1f} kB")


if __name__ == "__main__":
    main()
