"""Who gets what is free on one agent, and why somebody does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mesostw.core.allocator.agents import GPU, Agent
from mesostw.core.allocator.fairness import Client, Fairness
from mesostw.core.allocator.members import Framework, Members
from mesostw.core.allocator.why import Fact, Grant
from mesostw.model.ids import AgentId, FrameworkId
from mesostw.model.resources import Resources


class Granting:
    """One agent's free resources among all clients."""

    def __init__(self, members: Members, fairness: Fairness, keep_gpus: bool) -> None:
        self._members = members
        self._fairness = fairness
        self._keep_gpus = keep_gpus

    def serve(self, agent: Agent, grants: list[Grant]) -> None:
        """Grant what is free on ``agent`` to whoever comes first."""
        wanted = self._members.eligible
        if self._keep_gpus and agent.has_gpus:
            wanted &= self._members.able[GPU]
        if agent.plain:
            wanted = self._takers(agent, agent.free, wanted)
            if wanted:
                self._grant(agent, self._fairness.first(wanted), agent.free, grants)
        else:
            self._serve_parts(agent, wanted, grants)

    def facts(self, framework_id: str, agents: Iterable[Agent]) -> Iterator[Fact]:
        """Tell of each agent, in each of a framework's roles, why it is not offered."""
        framework = self._members.frameworks.get(framework_id)
        if framework is not None:
            for role in framework.roles:
                client = framework.clients[role]
                for agent in agents:
                    yield self._fact(framework, client, agent)

    # --- inside ----------------------------------------------------------------------

    def _serve_parts(self, agent: Agent, wanted: int, grants: list[Grant]) -> None:
        """Grant an agent's resources when not everybody may have all of them."""
        while wanted and agent.free:
            client = self._fairness.first(wanted)
            alike = self._alike(agent, client)
            offer = agent.view(client)
            takers = self._takers(agent, offer, wanted & alike)
            wanted &= ~alike
            if client.mask & takers:
                # Nothing is left of what those alike could see.
                self._grant(agent, client, offer, grants)
            else:
                wanted |= takers

    def _alike(self, agent: Agent, client: Client) -> int:
        """Tell the bits of all clients that see the same of ``agent`` as ``client`` does."""
        alike, bit = -1, client.mask
        for role in agent.reserved:
            within = self._fairness.mask_of(role)
            alike &= within if bit & within else ~within
        for need in agent.needs:
            able = self._members.able[need]
            alike &= able if bit & able else ~able
        return alike

    def _takers(self, agent: Agent, offer: Resources, wanted: int) -> int:
        """Keep those of ``wanted`` who have not refused ``offer`` and find it large enough."""
        if not offer:
            return 0
        wanted &= ~agent.filters.refused(offer)
        if wanted:
            scalars = offer.scalars()
            for minimum, mask in self._members.minimums.items():
                if not minimum.met(scalars):
                    wanted &= ~mask
        return wanted

    def _grant(self, agent: Agent, client: Client, offer: Resources, grants: list[Grant]) -> None:
        agent.take(client, offer)
        self._fairness.spend(client, offer.scalars(), 1)
        grants.append(Grant(FrameworkId(client.framework), client.role, AgentId(agent.id), offer))

    def _fact(self, framework: Framework, client: Client, agent: Agent) -> Fact:
        agent_id, role = AgentId(agent.id), client.role
        reason = self._standing(framework, client, agent)
        if reason is not None:
            return Fact(agent_id, role, reason)
        offer = agent.view(client)
        if not offer:
            reason = "nothing free for this role" if agent.free else "nothing free"
            return Fact(agent_id, role, reason)
        until = agent.filters.until(client.mask, offer)
        if until is not None:
            reason = "refused"
        elif self._takers(agent, offer, client.mask):
            reason = "others first"
        else:
            reason = "too small"
        return Fact(agent_id, role, reason, until, offer.text())

    def _standing(self, framework: Framework, client: Client, agent: Agent) -> str | None:
        """Say what is wrong whatever is free."""
        if not framework.active:
            return "framework inactive"
        if client.role in framework.suppressed:
            return "suppressed"
        if not agent.active:
            return "agent inactive"
        if self._keep_gpus and agent.has_gpus and GPU not in framework.may:
            return "gpus are kept for others"
        return None
