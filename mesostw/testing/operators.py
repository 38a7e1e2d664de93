"""Somebody who has masters change something, and remembers what was said to be done."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from mesostw.core.master.machine import Master
from mesostw.core.master.records import AgentState
from mesostw.core.master.words import AgentGoneAsked, WeightsAsked
from mesostw.interfaces import GivenUp
from mesostw.model.ids import AgentId
from mesostw.unattended import unattended

if TYPE_CHECKING:
    from mesostw.testing.cluster import Cluster
    from mesostw.testing.several import Candidate, SeveralMasters

#: Seconds between two questions, on the average.
ASK_S: Final = 1.0
#: Seconds after which an answer is not waited for any more: then it is not known what was done.
PATIENCE_S: Final = 4.0
#: Agents that one operator gives up at most, and how likely a question is about one.
GONE_MAX: Final = 2
GONE_CHANCE: Final = 0.04
ROLES: Final = ("*", "ops", "web")


class Register:
    """What one value was asked to be, in order, and how far that was acknowledged."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.acknowledged = -1

    def allows(self, value: float | None) -> bool:
        """
        Whether the value may be that.

        It is the last that was acknowledged, or one that was asked for later without an answer.
        """
        if self.acknowledged < 0:
            return value is None or value in self.asked
        return value in self.asked[self.acknowledged :]


class Operator:
    """Asks whoever believes to lead, now and then, one thing after the other."""

    def __init__(self, cluster: Cluster, masters: SeveralMasters, chance: Random) -> None:
        self._cluster, self._masters, self._chance = cluster, masters, chance
        self._weights = {role: Register() for role in ROLES}
        #: Agents that were to be given up, and whether it was said that they are.
        self.gone: dict[AgentId, bool] = {}
        self._waits_until_s = 0.0
        self._calm = False
        self.answers = 0

    def begin(self) -> None:
        """Ask a little later."""
        late_s = self._chance.expovariate(1 / ASK_S)
        self._cluster.around.clock.callLater(late_s, self._ask)

    def be_calm(self) -> None:
        """Ask nothing more."""
        self._calm = True

    def _ask(self) -> None:
        if self._calm:
            return
        self.begin()
        believers = self._masters.believers()
        if believers and self._cluster.around.clock.seconds() >= self._waits_until_s:
            self.ask(self._chance.choice(believers))

    def ask(self, master: Candidate) -> None:
        """Ask one that believes to lead; nobody else is asked before it has answered, or long."""
        if self._calm or master not in self._masters.believers():
            return
        around = self._cluster.around
        question = self._question(master)
        around.tell("{} of life {} is asked {}", master.host, master.number, question)
        self._waits_until_s = around.clock.seconds() + PATIENCE_S
        unattended(self._await(master, question), self._broken)

    def _question(self, master: Candidate) -> AgentGoneAsked | WeightsAsked:
        assert master.core is not None
        known = master.core.state.agents
        agents = [one.agent_id for one in self._cluster.machines if one.agent_id in known]
        may = len(self.gone) < GONE_MAX and agents and self._cluster.loses_agents
        if may and self._chance.uniform(0, 1) < GONE_CHANCE:
            agent_id = self._chance.choice(agents)
            self.gone.setdefault(agent_id, False)
            self._cluster.around.checker.gone[agent_id] = None
            return AgentGoneAsked(agent_id)
        role = self._chance.choice(ROLES)
        register = self._weights[role]
        register.asked.append(len(register.asked) + 1.0)
        return WeightsAsked({role: register.asked[-1]})

    async def _await(self, master: Candidate, question: AgentGoneAsked | WeightsAsked) -> None:
        assert master.driver is not None
        try:
            answer: Struct | None = await master.driver.ask(question)
        except GivenUp:
            answer = Unknown()
        self._waits_until_s = 0.0
        if answer is not None:
            return
        self.answers += 1
        self._cluster.around.tell("{} has done {}", master.host, question)
        self._cluster.around.busy(master.host)
        match question:
            case AgentGoneAsked(agent_id):
                self.gone[agent_id] = True
            case WeightsAsked(weights):
                for role, weight in weights.items():
                    register = self._weights[role]
                    index = register.asked.index(weight)
                    register.acknowledged = max(register.acknowledged, index)

    def _broken(self, failure: Any) -> None:
        self._cluster.around.wrong(f"the operator fails: {failure.getTraceback()}")

    def lost(self, core: Master) -> Sequence[str]:
        """What a master does not know, though it was said to be done."""
        state = core.state
        found = [
            f"the weight of {role} is {state.weights.get(role)}, acknowledged was"
            f" {register.asked[register.acknowledged]}"
            for role, register in self._weights.items()
            if not register.allows(state.weights.get(role))
        ]
        for agent_id, acknowledged in self.gone.items():
            agent = state.agents.get(agent_id)
            if acknowledged and (agent is None or agent.state is not AgentState.GONE):
                found.append(f"agent {agent_id} is not gone, as it was said to be")
        return found


class Unknown(Struct, frozen=True):
    """There was no answer."""
