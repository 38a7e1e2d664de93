"""
Who is offered what: the one object that the master's core asks.

::

    the core tells              the allocator
    update_framework, revive    marks agents that have something to offer
    add_agent, give_back        marks the agent
    allocate(now, agents)       looks at some marked agents, grants what is free
    due(now)                    says how long allocate has nothing to do

What is free on an agent goes as a whole to one client (a framework in a role):
the one that comes first by fairness among all who want it, may have it and have
not refused it.  What that one may not have (resources reserved to others) goes
to the next.  All of it is derived state: after a failover the core feeds it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mesostw.core.allocator.agents import Agent
from mesostw.core.allocator.fairness import Fairness
from mesostw.core.allocator.farm import Farm
from mesostw.core.allocator.granting import Granting
from mesostw.core.allocator.members import Members
from mesostw.core.allocator.minimums import MINIMUM_DEFAULT, Minimum
from mesostw.core.allocator.rounds import ALLOCATION_GAP_S, Chance
from mesostw.core.allocator.why import WHY_FACTS_MAX, Grant, Why, summed
from mesostw.model.ids import AgentId, FrameworkId
from mesostw.model.names import check_weight
from mesostw.model.resources import EMPTY, Resources

#: Agents of one slice: a few milliseconds of work.
ALLOCATION_AGENTS_MAX: Final = 250


class Allocator:
    """Frameworks and agents in, grants out; the same calls, the same grants."""

    def __init__(
        self,
        chance: Chance,
        *,
        minimum: Minimum = MINIMUM_DEFAULT,
        gap_s: float = ALLOCATION_GAP_S,
        keep_gpus: bool = True,
        excluded: frozenset[str] = frozenset(),
        random_roles: bool = False,
        random_frameworks: bool = False,
    ) -> None:
        """
        Shuffle agents by ``chance``, look at none twice within ``gap_s``.

        ``minimum`` is ``--min_allocatable_resources``, ``keep_gpus``
        ``--filter_gpu_resources``, ``excluded`` ``--fair_sharing_excluded_resource_names``,
        ``random_roles`` and ``random_frameworks`` are ``--role_sorter=random`` and
        ``--framework_sorter=random``.
        """
        self._fairness = Fairness(
            excluded,
            role_draw=chance.random if random_roles else None,
            framework_draw=chance.random if random_frameworks else None,
        )
        self._members = Members(self._fairness, minimum)
        self._farm = Farm(self._fairness, chance, gap_s)
        self._granting = Granting(self._members, self._fairness, keep_gpus)

    # --- frameworks ------------------------------------------------------------

    def update_framework(
        self,
        framework: FrameworkId,
        roles: Iterable[str],
        *,
        suppressed: Iterable[str] = (),
        capabilities: Iterable[str] = (),
        active: bool = True,
        minimums: Mapping[str, Minimum] | None = None,
    ) -> None:
        """
        Add a framework, or change it; what it refused is forgotten.

        ``minimums`` are its ``offer_filters`` by role.  What it holds in a role
        that it left stays charged to that role until it is given back.
        """
        self._members.update(
            framework,
            roles=roles,
            suppressed=suppressed,
            may=capabilities,
            active=active,
            minimums=minimums or {},
        )
        self._renewed()

    def remove_framework(self, framework: FrameworkId) -> None:
        """Forget a framework; all that it holds anywhere is free."""
        found = self._members.frameworks.get(framework)
        if found is not None:
            for client in list(found.clients.values()):
                self._farm.release_all(client)
                self._members.drop(client)
            del self._members.frameworks[framework]
            self._sweep()

    def set_framework_active(self, framework: FrameworkId, active: bool) -> None:
        """Make offers to a framework, or none while it is away or too slow; filters stay."""
        found = self._members.frameworks.get(framework)
        if found is not None and found.active != active:
            found.active = active
            self._members.refresh(found)
            if active:
                self.mark_all_dirty()

    def suppress(self, framework: FrameworkId, roles: Iterable[str] = ()) -> None:
        """Make no offers to a framework in ``roles``; none given: in all of its roles."""
        found = self._members.frameworks.get(framework)
        if found is not None:
            found.suppressed.update(tuple(roles) or found.roles)
            self._members.refresh(found)

    def revive(self, framework: FrameworkId, roles: Iterable[str] = ()) -> None:
        """Make offers again in ``roles``, none given: in all; what was refused is forgotten."""
        found = self._members.frameworks.get(framework)
        if found is not None:
            revived = tuple(roles) or found.roles
            found.suppressed.difference_update(revived)
            self._members.renew(found, revived)
            self._renewed()

    def set_weights(self, weights: Mapping[str, float]) -> None:
        """Give roles new weights, each above 0; a role that is not named keeps its own."""
        self._fairness.weigh({role: check_weight(role, w) for role, w in weights.items()})

    # --- agents ----------------------------------------------------------------

    def add_agent(self, agent: AgentId, total: Resources, *, active: bool = True) -> None:
        """Add an agent with nothing taken; a known one is only updated."""
        if agent in self._farm.agents:
            self.update_agent(agent, total=total, active=active)
        else:
            self._farm.add(Agent(agent, total, active))

    def update_agent(
        self,
        agent: AgentId,
        *,
        total: Resources | None = None,
        active: bool | None = None,
        forget_filters: bool = False,
    ) -> None:
        """Change what is given; ``forget_filters`` when the agent's attributes changed."""
        found = self._farm.agents[agent]
        if total is not None:
            self._farm.resize(found, total)
        if active is not None:
            found.active = active
        if forget_filters:
            self._farm.forget_filters(found)
        self._farm.mark(found)

    def remove_agent(self, agent: AgentId) -> None:
        """Forget an agent and all that anybody held of it."""
        found = self._farm.agents.get(agent)
        if found is not None:
            holders = list(found.taken)
            self._farm.remove(found)
            for client in holders:
                self._members.tidy(client)

    def take(self, agent: AgentId, framework: FrameworkId, role: str, resources: Resources) -> None:
        """
        Charge what a framework uses without a grant: an agent came back with its tasks.

        The framework need not be known yet, and the agent need not have enough.
        """
        if resources:
            client = self._members.client(framework, role)
            self._farm.agents[agent].take(client, resources)
            self._fairness.spend(client, resources.scalars(), 0)

    def give_back(
        self,
        agent: AgentId,
        framework: FrameworkId,
        role: str,
        resources: Resources,
        *,
        refuse_s: float = 0.0,
        now: float,
    ) -> None:
        """
        Free what was granted or taken; the agent is looked at again at once.

        With ``refuse_s`` above 0 (``filters.refuse_seconds`` reads what a framework
        sent) the framework is not offered the like of it for so long.  An agent or
        a framework that is gone gave everything back then; giving back what is
        not held raises ``ResourcesError``.
        """
        self._farm.now = max(self._farm.now, now)
        found = self._farm.agents.get(agent)
        client = self._members.found(framework, role)
        if found is not None and client is not None and resources:
            self._farm.release(found, client, resources)
            if refuse_s > 0:
                self._farm.refuse(found, client.mask, resources, refuse_s)
            self._members.tidy(client)

    # --- allocation ------------------------------------------------------------

    def allocate(self, now: float, agents: int = ALLOCATION_AGENTS_MAX) -> list[Grant]:
        """Look at no more than ``agents`` marked agents, and grant what is free there."""
        grants: list[Grant] = []
        for agent in self._farm.ready(now, agents):
            self._granting.serve(agent, grants)
        return grants

    def due(self, now: float) -> float | None:
        """Tell seconds until :meth:`allocate` has something to do, ``None`` if never."""
        return self._farm.due(now)

    @property
    def dirty(self) -> frozenset[AgentId]:
        """Agents that wait to be looked at."""
        return frozenset(AgentId(agent.id) for agent in self._farm.marked())

    def mark_all_dirty(self) -> None:
        """Have all agents looked at that have something to offer: the periodic round."""
        self._farm.mark_all()

    # --- questions ---------------------------------------------------------------

    def free_of(self, agent: AgentId) -> Resources:
        """Tell what nobody holds of an agent."""
        return self._farm.agents[agent].free

    def held_of(self, agent: AgentId, framework: FrameworkId, role: str) -> Resources:
        """Tell what a framework holds of an agent in ``role``."""
        client = self._members.found(framework, role)
        return EMPTY if client is None else self._farm.agents[agent].taken.get(client, EMPTY)

    def share_of(self, role: str) -> float:
        """Tell the weighted dominant share of ``role`` and what is below it."""
        return self._fairness.share_of(role)

    def why(self, framework: FrameworkId, facts_max: int = WHY_FACTS_MAX) -> Why:
        """Tell why agents are not offered to a framework: counts, and the first few facts."""
        return summed(self._granting.facts(framework, self._farm.agents.values()), facts_max)

    def check(self) -> None:
        """Raise ``AssertionError`` if anything does not add up."""
        self._members.check()
        self._fairness.check()
        spent = self._farm.check()
        for framework in self._members.frameworks.values():
            for client in framework.clients.values():
                assert client.spent == spent.get(client, {}), f"{client.name}: wrong sum"

    # --- inside --------------------------------------------------------------------

    def _renewed(self) -> None:
        self._sweep()
        self.mark_all_dirty()

    def _sweep(self) -> None:
        """Strip bits that were given up from all filters, now and then."""
        bits = self._members.swept()
        if bits:
            self._farm.strip(bits)
