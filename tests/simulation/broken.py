"""Parts with one promise broken each; a simulation must find every one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from mesostw.core.agent.changes import AgentChange
from mesostw.core.agent.machine import Agent
from mesostw.core.agent.words import AgentEffect, AgentStimulus, Launch
from mesostw.core.chronos.changes import ChronosChange, RegistrationKept, RunChanged
from mesostw.core.chronos.machine import Chronos
from mesostw.core.chronos.records import Run, RunState, Standing
from mesostw.core.chronos.words import ChronosEffect, ChronosStimulus
from mesostw.core.marathon import kills, queue
from mesostw.core.marathon.changes import InstanceChanged, MarathonChange
from mesostw.core.marathon.machine import Marathon
from mesostw.core.marathon.records import ActionKind, Condition, Deployment, Goal, Instance
from mesostw.core.marathon.words import MarathonEffect, MarathonStimulus
from mesostw.core.master.changes import KillKept, MasterChange
from mesostw.core.master.machine import Master
from mesostw.core.master.records import TaskKey
from mesostw.core.master.words import MasterEffect, MasterStimulus
from mesostw.core.outcome import Continued, Heard, Moment, Outcome, Records, Send, Write
from mesostw.core.scheduling import AcknowledgeStatus, StatusCame
from mesostw.daemons.seat import OURSELVES, Seat
from mesostw.interfaces import Stored
from mesostw.messages.agent_master import (
    AgentRegistered,
    AgentReregistered,
    KillTask,
    ReregisterAgent,
    RunTask,
    StatusUpdated,
)
from mesostw.messages.scheduler_calls import Kill
from mesostw.model.ids import AgentId, ContainerId, FrameworkId, TaskId
from mesostw.model.tasks import TERMINAL
from mesostw.model.zookeeper import Check
from mesostw.store.line import BROKEN, Line, Request
from mesostw.store.memory import MemoryStore, Writes
from mesostw.store.zookeeper import ZooKeeperStore
from mesostw.testing.clock import HeapCall, HeapClock
from mesostw.testing.lives import Parts, PausingClock


class HastyStore(MemoryStore):
    """Says that all is kept before it is."""

    def append(self, writes: Writes, epoch: int) -> Deferred[None]:
        _ = super().append(writes, epoch).addErrback(lambda _failure: None)
        return succeed(None)


class UnfencedStore(MemoryStore):
    """Keeps what any life writes, whether it is the newest or not."""

    def _flush(self) -> None:
        appended, writes, _ = self._unflushed[0]
        self._unflushed[0] = (appended, writes, self.disk.epoch)
        super()._flush()


class TimelessStore(MemoryStore):
    """Bears that its flushes do not come in their order, as clocks that are set have them."""

    def _cancel_flushes(self) -> None:
        while self._flushes:
            flush = self._flushes.popleft()
            if flush.active():
                flush.cancel()


class UncheckedStore(ZooKeeperStore):
    """Goes on writing when another has taken the log over."""

    async def _read(self) -> Stored:
        stored = await super()._read()
        self._check = Check(self._check.path)
        return stored


class HastyRegistry(ZooKeeperStore):
    """Says that all is kept before it is."""

    def append(self, writes: Writes, epoch: int) -> Deferred[None]:
        _ = super().append(writes, epoch).addErrback(lambda _failure: None)
        return succeed(None)


class CredulousLine(Line):
    """Takes a link that breaks for an answer."""

    def _answered(self, request: Request, failure: Failure | None) -> None:
        is_broken = failure is not None and failure.check(*BROKEN)
        super()._answered(request, None if is_broken else failure)


class CredulousStore(ZooKeeperStore):
    """Never writes again what was under way when its link broke."""

    async def _read(self) -> Stored:
        stored = await super()._read()
        self._line = CredulousLine(self._session, self._clock, self._give_up)
        return stored


class UnheldSeat(Seat):
    """Goes on while it cannot prove that it leads."""

    def held(self, held: bool) -> None:
        pass


class UndeadSeat(Seat):
    """Goes on when its session has ended."""

    def lost(self, reason: str) -> None:
        self._hooks.hold(False)


class BoastfulSeat(Seat):
    """Takes what it remembers for true as long as it has heard nothing else."""

    def is_proven(self) -> bool:
        return self.leader == OURSELVES


class WallClock(PausingClock):
    """Times by the wall clock, as an event loop does that has no steady one."""

    def __init__(self, clock: HeapClock) -> None:
        self._error_s = 0.0
        self._calls: list[HeapCall] = []
        super().__init__(clock)

    @property  # type: ignore[override]
    def wall_error_s(self) -> float:
        """Seconds that the wall clock is ahead; with it goes all that waits."""
        return self._error_s

    @wall_error_s.setter
    def wall_error_s(self, error_s: float) -> None:
        step_s, self._error_s = error_s - self._error_s, error_s
        self._calls = [call for call in self._calls if call.active()]
        for call in self._calls:
            call.reset(max(0.0, call.getTime() - self._heap.seconds() - step_s))

    def seconds(self) -> float:
        return super().seconds() + self._error_s

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> HeapCall:
        later = super().callLater(delay, callable, *args, **kwargs)
        self._calls.append(later)
        return later


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


class UnkeptKillsMaster(Master):
    """Remembers in this life only what operators want ended."""

    def write_of(self, change: MasterChange) -> Write | None:
        return None if isinstance(change, KillKept) else super().write_of(change)


class UnsaidKillsMaster(Master):
    """Keeps what operators want ended, and does not tell agents that come back."""

    def hear(self, stimulus: MasterStimulus, now: Moment) -> Outcome[MasterChange, MasterEffect]:
        outcome = super().hear(stimulus, now)
        if isinstance(stimulus, Heard) and isinstance(stimulus.message, ReregisterAgent):
            agent = stimulus.message.agent.id
            kills = self.state.kills.get(AgentId("" if agent is None else agent.value), {})
            outcome.effects[:] = [
                one for one in outcome.effects if not (isinstance(one, Send) and _kills(one, kills))
            ]
        return outcome


def _kills(said: Send, wanted: Mapping[TaskKey, object]) -> bool:
    """Whether what is said ends one of those tasks."""
    message = said.message
    if not isinstance(message, KillTask):
        return False
    key = FrameworkId(message.framework_id.value), TaskId(message.task_id.value)
    return key in wanted


class DeafMarathon(Marathon):
    """Acknowledges ends without hearing of them."""

    def hear(
        self, stimulus: MarathonStimulus, now: Moment
    ) -> Outcome[MarathonChange, MarathonEffect]:
        if isinstance(stimulus, StatusCame) and stimulus.status.state in TERMINAL:
            outcome: Outcome[MarathonChange, MarathonEffect] = Outcome()
            outcome.effects.append(AcknowledgeStatus(stimulus.status))
            return outcome
        return super().hear(stimulus, now)


class ImpatientMarathon(Marathon):
    """Ends every old instance at once when an app is replaced."""

    def _may(self, deployment: Deployment) -> bool:
        """Whether its old instances are ended."""
        return not deployment.paused

    def hear(
        self, stimulus: MarathonStimulus, now: Moment
    ) -> Outcome[MarathonChange, MarathonEffect]:
        may = {one.id for one in self.state.deployments.values() if self._may(one)}
        outcome = super().hear(stimulus, now)
        turn = self._turn(now)
        for deployment in [one for one in self.state.deployments.values() if one.id in may]:
            for action in deployment.actions:
                if action.kind is not ActionKind.RESTART or action.app_id not in self.state.apps:
                    continue
                config = self.state.apps[action.app_id].last_config_change_at
                for instance in tuple(self.state.of_app(action.app_id).values()):
                    if instance.config != config:
                        kills.kill(turn, instance, "Replaced at once")
        outcome.changes += turn.out.changes
        outcome.effects += turn.out.effects
        return outcome


class RestlessMarathon(ImpatientMarathon):
    """Goes on ending old instances while a deployment is paused."""

    def _may(self, deployment: Deployment) -> bool:
        return deployment.paused


class ObliviousMarathon(Marathon):
    """Keeps an instance only when its task is heard of, and not when it is launched."""

    def write_of(self, change: MarathonChange) -> Write | None:
        launched = (
            isinstance(change, InstanceChanged)
            and change.instance.condition is Condition.PROVISIONED
        )
        return None if launched else super().write_of(change)


class ScatterbrainedMarathon(Marathon):
    """Keeps every instance, and does not read those again whose task was not heard of."""

    def restore(self, records: Records, now: Moment) -> Outcome[MarathonChange, MarathonEffect]:
        known = [
            (key, record)
            for key, record in records
            if not isinstance(record, Instance) or record.condition is not Condition.PROVISIONED
        ]
        return super().restore(known, now)


class ForgivingMarathon(Marathon):
    """Forgets at its start what it was ending."""

    def restore(self, records: Records, now: Moment) -> Outcome[MarathonChange, MarathonEffect]:
        forgiven = [
            (
                key,
                replace(record, goal=Goal.RUNNING, doom="", doomed_at=None)
                if isinstance(record, Instance)
                else record,
            )
            for key, record in records
        ]
        return super().restore(forgiven, now)


class GreedyMarathon(Marathon):
    """Launches one instance more than is wished, whenever it launches any."""

    def hear(
        self, stimulus: MarathonStimulus, now: Moment
    ) -> Outcome[MarathonChange, MarathonEffect]:
        outcome = super().hear(stimulus, now)
        if isinstance(stimulus, Continued):
            turn = self._turn(now)
            for app_id, waiting in tuple(self.state.waiting.items()):
                queue.wanted(turn, self.state.apps[app_id], waiting.count + 1)
            outcome.changes += turn.out.changes
            outcome.effects += turn.out.effects
        return outcome


class ObliviousChronos(Chronos):
    """Keeps a run only when its task is heard of, and not when it is launched."""

    def write_of(self, change: ChronosChange) -> Write | None:
        launched = isinstance(change, RunChanged) and change.run.state is RunState.LAUNCHING
        return None if launched else super().write_of(change)


class DeafChronos(Chronos):
    """Acknowledges ends without hearing of them."""

    def hear(self, stimulus: ChronosStimulus, now: Moment) -> Outcome[ChronosChange, ChronosEffect]:
        if isinstance(stimulus, StatusCame) and stimulus.status.state in TERMINAL:
            outcome: Outcome[ChronosChange, ChronosEffect] = Outcome()
            outcome.effects.append(AcknowledgeStatus(stimulus.status))
            return outcome
        return super().hear(stimulus, now)


class TrustingChronos(Chronos):
    """Keeps its name at its first registration only, and hears of no successor at the others."""

    _is_named = False

    def write_of(self, change: ChronosChange) -> Write | None:
        if isinstance(change, RegistrationKept):
            was_named, self._is_named = self._is_named, True
            return None if was_named else super().write_of(change)
        return super().write_of(change)


class AmnesiacChronos(Chronos):
    """Begins timetables and counts anew in each life."""

    def restore(self, records: Records, now: Moment) -> Outcome[ChronosChange, ChronosEffect]:
        anew = [(key, one) for key, one in records if not isinstance(one, Standing)]
        return super().restore(anew, now)


class ForgetfulChronos(Chronos):
    """Does not read runs again that have a task."""

    def restore(self, records: Records, now: Moment) -> Outcome[ChronosChange, ChronosEffect]:
        known = [(key, one) for key, one in records if not isinstance(one, Run) or not one.is_out]
        return super().restore(known, now)


def parts(**replaced: Any) -> Parts:
    """The real parts, but for those named."""
    made = Parts()
    for name, part in replaced.items():
        setattr(made, name, part)
    return made
