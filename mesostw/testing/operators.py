"""Somebody who has masters change something, and remembers what was said to be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Final, TypeAlias

from msgspec import Struct

from mesostw.core.agent.containers import ContainerSpec
from mesostw.core.master.machine import Master
from mesostw.core.master.records import AgentState, Task, TaskKey
from mesostw.core.master.words import AgentGoneAsked, TaskKillAsked, WeightsAsked
from mesostw.interfaces import GivenUp
from mesostw.model.ids import AgentId, FrameworkId, TaskId
from mesostw.model.tasks import TERMINAL
from mesostw.testing.checkers import task_of
from mesostw.testing.masters import ICluster, MasterLife
from mesostw.unattended import unattended

#: Seconds between two questions, on the average.
ASK_S: Final = 1.0
#: Seconds after which an answer is not waited for any more: then it is not known what was done.
PATIENCE_S: Final = 4.0
#: Agents that one operator gives up at most, and how likely a question is about one.
GONE_MAX: Final = 2
GONE_CHANCE: Final = 0.04
ROLES: Final = ("*", "ops", "web")
#: How likely a question is about a task, and about one that would end without being asked.
KILL_CHANCE: Final = 0.3
OTHERS_CHANCE: Final = 0.1

Question: TypeAlias = AgentGoneAsked | TaskKillAsked | WeightsAsked


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
    """
    Asks whoever believes to lead, now and then, one thing after the other.

    :param believers: tells who does.
    """

    def __init__(
        self, cluster: ICluster, believers: Callable[[], Sequence[MasterLife]], chance: Random
    ) -> None:
        self._cluster, self._believers, self._chance = cluster, believers, chance
        self._weights = {role: Register() for role in ROLES}
        #: Agents that were to be given up, and whether it was said that they are.
        self.gone: dict[AgentId, bool] = {}
        #: Tasks on their agents that are being ended, as was said.
        self.killed: dict[tuple[AgentId, TaskKey], None] = {}
        self._kill_chance = cluster.around.chance("kills")
        self._waits_until_s = 0.0
        self._calm = False
        self.answers = 0

    def begin(self) -> None:
        """Ask a little later."""
        late_s = self._chance.expovariate(1 / ASK_S)
        self._cluster.around.clock.callLater(late_s, self._ask)

    def be_calm(self) -> None:
        """Ask nothing more, but for the end of what would never end."""
        self._calm = True

    def _ask(self) -> None:
        if self._calm and not self._cluster.endless:
            return
        self.begin()
        believers = self._believers()
        if believers and self._cluster.around.clock.seconds() >= self._waits_until_s:
            self.ask(self._chance.choice(believers))

    def ask(self, master: MasterLife) -> None:
        """Ask one that believes to lead; nobody else is asked before it has answered, or long."""
        if master not in self._believers():
            return
        around = self._cluster.around
        question = self._kill_question(master) or (None if self._calm else self._question(master))
        if question is None:
            return
        around.tell("{} of life {} is asked {}", master.host, master.number, question)
        self._waits_until_s = around.clock.seconds() + PATIENCE_S
        unattended(self._await(master, question), self._broken)

    def _question(self, master: MasterLife) -> Question:
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

    def _kill_question(self, master: MasterLife) -> TaskKillAsked | None:
        """Which task is to be ended; those that were said to be are not named again."""
        chance = self._kill_chance
        if not self._cluster.endless or not (self._calm or chance.uniform(0, 1) < KILL_CHANCE):
            return None
        tasks = list(self._endless(master))
        assert master.core is not None
        if not self._calm and chance.uniform(0, 1) < OTHERS_CHANCE:
            tasks = list(master.core.state.tasks.values())
        if not tasks:
            return None
        task = chance.choice(tasks)
        return TaskKillAsked(task.framework_id, task.id)

    def _endless(self, master: MasterLife) -> Iterator[Task]:
        """Tasks that nobody has ended yet and that end no other way."""
        assert master.core is not None
        for task in master.core.state.all_tasks():
            job = task.id.rpartition("-")[0]
            is_open = task.state not in TERMINAL and (task.agent_id, task.key) not in self.killed
            if is_open and job in self._cluster.endless:
                yield task

    def _agent_of(self, master: MasterLife, question: Question) -> AgentId:
        """On which agent the task is that a question is about; empty if about none."""
        if not isinstance(question, TaskKillAsked):
            return AgentId("")
        assert master.core is not None
        task = master.core.state.task(question.framework_id, question.task_id)
        return AgentId("") if task is None else task.agent_id

    async def _await(self, master: MasterLife, question: Question) -> None:
        assert master.driver is not None
        agent_of = self._agent_of(master, question)
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
            case TaskKillAsked(framework_id, task_id):
                self.killed[agent_of, (framework_id, task_id)] = None
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
        return found + self._forgotten(core)

    def _forgotten(self, core: Master) -> list[str]:
        """Tasks that run, though it was said that they are being ended, and nobody will."""
        return [
            f"{key[1]} runs on {machine.name} ({machine.agent_id}), and its kill is forgotten"
            for machine in self._cluster.machines
            for key in map(_key_of, machine.running.values())
            if (machine.agent_id, key) in self.killed
            and machine.agent_id not in self.gone
            and key not in core.state.kills.get(machine.agent_id, {})
        ]

    def left_over(self, core: Master) -> Sequence[str]:
        """Kills that a master keeps although everything has ended on an agent that is there."""
        state = core.state
        return [
            f"the kills of {list(kills)} are kept for ever"
            for agent_id, kills in state.kills.items()
            if state.agents[agent_id].is_connected
        ]


def _key_of(spec: ContainerSpec) -> TaskKey:
    framework_id, task_id = task_of(spec)
    return FrameworkId(framework_id), TaskId(task_id)


class Unknown(Struct, frozen=True):
    """There was no answer."""
