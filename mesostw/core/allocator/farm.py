"""All agents: who holds what of them, what was refused, which to look at next."""

from __future__ import annotations

from collections.abc import Iterator

from mesostw.core.allocator.agents import Agent
from mesostw.core.allocator.fairness import Client, Fairness
from mesostw.core.allocator.filters import FILTER_GROUPS_MAX, REFUSE_S_MAX, Wheel, deadline_of
from mesostw.core.allocator.rounds import Chance, Rounds
from mesostw.model.resources import Resources


class Farm:
    """The agents; whatever makes one worth a look marks it."""

    def __init__(self, fairness: Fairness, chance: Chance, gap_s: float) -> None:
        self._fairness = fairness
        self._rounds = Rounds(chance, gap_s)
        self._wheel: Wheel[Agent] = Wheel()
        self.agents: dict[str, Agent] = {}
        #: The latest moment heard of, in steady seconds.
        self.now = 0.0
        self._all_marked = False

    # --- coming and going --------------------------------------------------------

    def add(self, agent: Agent) -> None:
        """Add an agent that nobody holds anything of."""
        self.agents[agent.id] = agent
        self._fairness.resize({}, agent.total.scalars())
        self.mark(agent)

    def resize(self, agent: Agent, total: Resources) -> None:
        """Let an agent have ``total`` from now on."""
        if total != agent.total:
            self._fairness.resize(agent.total.scalars(), total.scalars())
            agent.resize(total)

    def remove(self, agent: Agent) -> None:
        """Forget an agent and what anybody held of it."""
        del self.agents[agent.id]
        agent.gone = True
        for client, held in list(agent.taken.items()):
            self.release(agent, client, held)
        self.forget_filters(agent)
        self._fairness.resize(agent.total.scalars(), {})

    # --- holdings and filters ------------------------------------------------------

    def release(self, agent: Agent, client: Client, resources: Resources) -> None:
        """Free what a client holds."""
        agent.give_back(client, resources)
        self._fairness.refund(client, resources.scalars())
        self.mark(agent)

    def release_all(self, client: Client) -> None:
        """Free what a client holds anywhere."""
        if client.agents:
            for agent in self.agents.values():
                held = agent.taken.get(client)
                if held is not None:
                    self.release(agent, client, held)

    def refuse(self, agent: Agent, bit: int, resources: Resources, refuse_s: float) -> None:
        """Let ``bit`` not be offered ``resources`` or less of an agent for a time."""
        deadline = deadline_of(self.now, min(refuse_s, REFUSE_S_MAX))
        made = agent.filters.add(resources, deadline, bit)
        if made is not None:
            self._wheel.add(made, agent)
            if len(agent.filters) > FILTER_GROUPS_MAX:
                soonest = agent.filters.soonest()
                agent.filters.drop(soonest)
                self._wheel.remove(soonest)

    def forget_filters(self, agent: Agent) -> None:
        """Forget all that was refused of an agent."""
        for group in list(agent.filters):
            agent.filters.drop(group)
            self._wheel.remove(group)

    def strip(self, bits: int) -> None:
        """Forget all that ``bits`` refused anywhere."""
        for agent in self.agents.values():
            if len(agent.filters):
                for group in agent.filters.strip(bits):
                    self._wheel.remove(group)

    # --- which to look at ------------------------------------------------------------

    def mark(self, agent: Agent) -> None:
        """Have an agent looked at if it has anything to offer."""
        if not agent.queued and agent.is_open and not agent.gone:
            self._rounds.mark(agent, self.now)

    def mark_all(self) -> None:
        """Have every agent looked at that has anything to offer; asked often, it is done once."""
        self._all_marked = True

    def ready(self, now: float, agents: int) -> Iterator[Agent]:
        """Let filters end, then take out at most ``agents`` marked agents."""
        self._spread(now)
        for group, agent in self._wheel.ended(now):
            agent.filters.drop(group)
            self.mark(agent)
        return self._rounds.due(agents, now)

    def due(self, now: float) -> float | None:
        """Tell seconds until an agent is ready or a filter ends, ``None`` if never."""
        self._spread(now)
        moments = (self._rounds.ready_at(now), self._wheel.next_deadline())
        soonest = min((at for at in moments if at is not None), default=None)
        return None if soonest is None else max(0.0, soonest - now)

    def marked(self) -> Iterator[Agent]:
        """Every agent that waits to be looked at."""
        self._spread(self.now)
        return (agent for agent in self._rounds.marked() if not agent.gone)

    def _spread(self, now: float) -> None:
        """Mark each open agent if all were marked as one."""
        self.now = now = max(self.now, now)
        if self._all_marked:
            self._all_marked = False
            mark = self._rounds.mark
            for agent in self.agents.values():
                if not agent.queued and agent.active and agent.free:
                    mark(agent, now)

    def check(self) -> dict[Client, dict[str, int]]:
        """Raise ``AssertionError`` if an agent does not add up; give the sums by client."""
        spent: dict[Client, dict[str, int]] = {}
        holds: dict[Client, int] = {}
        for agent in self.agents.values():
            agent.check()
            for client, held in agent.taken.items():
                holds[client] = holds.get(client, 0) + 1
                sums = spent.setdefault(client, {})
                for name, amount in held.scalars().items():
                    sums[name] = sums.get(name, 0) + amount
        for client, count in holds.items():
            assert client.agents == count, f"{client.name}: wrong number of agents"
        return spent
