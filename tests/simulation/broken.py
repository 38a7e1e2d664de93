"""Parts with one promise broken each; a simulation must find every one."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred, succeed

from mesostw.core.agent.changes import AgentChange
from mesostw.core.agent.machine import Agent
from mesostw.core.agent.words import AgentEffect, AgentStimulus, Launch
from mesostw.core.master.changes import MasterChange
from mesostw.core.master.machine import Master
from mesostw.core.master.words import MasterEffect, MasterStimulus
from mesostw.core.outcome import Heard, Moment, Outcome, Send
from mesostw.messages.agent_master import (
    AgentRegistered,
    AgentReregistered,
    ReregisterAgent,
    RunTask,
    StatusUpdated,
)
from mesostw.messages.scheduler_calls import Kill
from mesostw.model.ids import ContainerId
from mesostw.store.memory import MemoryStore, Writes
from mesostw.testing.lives import Parts


class HastyStore(MemoryStore):
    """Says that all is kept before it is."""

    def append(self, writes: Writes, epoch: int) -> Deferred[None]:
        _ = super().append(writes, epoch).addErrback(lambda _failure: None)
        return succeed(None)


class ObedientAgent(Agent):
    """Forgets which master was the newest, so that it obeys a deposed one."""

    def hear(self, stimulus: AgentStimulus, now: Moment) -> Outcome[AgentChange, AgentEffect]:
        if isinstance(stimulus, Heard) and isinstance(
            stimulus.message, AgentRegistered | AgentReregistered
        ):
            self.state.identity = replace(self.state.identity, epoch=0)
        return super().hear(stimulus, now)


class RepeatingAgent(Agent):
    """Takes a repeated task for another one."""

    _launched: Launch | None = None

    def hear(self, stimulus: AgentStimulus, now: Moment) -> Outcome[AgentChange, AgentEffect]:
        outcome = super().hear(stimulus, now)
        if isinstance(stimulus, Heard) and isinstance(stimulus.message, RunTask):
            for effect in outcome.effects:
                if isinstance(effect, Launch):
                    self._launched = effect
                    return outcome
            if self._launched is None:
                return outcome
            again = self._launched.spec
            name = stimulus.message.task.task_id.value
            if again.environment["MESOS_EXECUTOR_ID"] == name:
                other = replace(again, container_id=ContainerId(again.container_id + "x"))
                outcome.effects.append(Launch(other))
        return outcome


class CurtAgent(Agent):
    """Says every status once, and never again."""

    def hear(self, stimulus: AgentStimulus, now: Moment) -> Outcome[AgentChange, AgentEffect]:
        outcome = super().hear(stimulus, now)
        said = self.__dict__.setdefault("said", {})
        for effect in list(outcome.effects):
            if isinstance(effect, Send) and isinstance(effect.message, StatusUpdated):
                uuid = effect.message.status.uuid
                if uuid in said:
                    outcome.effects.remove(effect)
                elif uuid is not None:
                    said[uuid] = None
        return outcome


class ForgetfulMaster(Master):
    """Does not listen when an agent that comes back tells what it runs."""

    def hear(self, stimulus: MasterStimulus, now: Moment) -> Outcome[MasterChange, MasterEffect]:
        if isinstance(stimulus, Heard) and isinstance(stimulus.message, ReregisterAgent):
            stimulus = Heard(stimulus.link, replace(stimulus.message, tasks=()))
        return super().hear(stimulus, now)


class HeedlessMaster(Master):
    """Forgets a wish to end a task whose agent is not back yet."""

    def hear(self, stimulus: MasterStimulus, now: Moment) -> Outcome[MasterChange, MasterEffect]:
        outcome = super().hear(stimulus, now)
        if isinstance(stimulus, Heard) and isinstance(stimulus.message, Kill):
            for kills in self._live.kills.values():
                for key in [key for key in kills if key not in self.state.tasks]:
                    del kills[key]
        return outcome


def parts(**replaced: Any) -> Parts:
    """The real parts, but for those named."""
    made = Parts()
    for name, part in replaced.items():
        setattr(made, name, part)
    return made
