"""A life of Chronos' core in virtual time, with a small master that has agents and tasks."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mesostw.core.chronos import changed, timetables
from mesostw.core.chronos.changes import (
    ChronosChange,
    JobChanged,
    JobRemoved,
    RunForgotten,
    StandingChanged,
    StandingForgotten,
    VersionKept,
)
from mesostw.core.chronos.durable import RECORDS
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.machine import Chronos
from mesostw.core.chronos.records import Job, Run, RunState, Standing
from mesostw.core.chronos.turn import Turn
from mesostw.core.chronos.words import ChronosEffect, ChronosStimulus, StepDown
from mesostw.core.outcome import (
    Answer,
    Arm,
    Asked,
    Continue,
    Continued,
    Disarm,
    Moment,
    Outcome,
    TimerFired,
)
from mesostw.core.scheduling import (
    AcceptOffers,
    AcknowledgeStatus,
    DeclineOffers,
    KillTask,
    MasterLost,
    Offered,
    ReconcileTasks,
    Registered,
    ReviveOffers,
    StatusCame,
    SuppressOffers,
)
from mesostw.messages.convert import attribute_messages_of, messages_of
from mesostw.messages.ids import AgentID, FrameworkID, OfferID, TaskID
from mesostw.messages.offers import Offer
from mesostw.messages.resources import AllocationInfo
from mesostw.messages.tasks import (
    TaskInfo,
    TaskStatus,
    TaskStatusReason,
    TaskStatusSource,
)
from mesostw.model.attributes import Attributes
from mesostw.model.ids import AgentId, FrameworkId, RequestId, TaskId
from mesostw.model.jobs import JobName, JobSpec
from mesostw.model.resources import Resources
from mesostw.model.tasks import TaskState
from tests.core.chronos.builders import WALL

P = ParamSpec("P")
R = TypeVar("R")

F = FrameworkId("F")
_ENDED = frozenset(
    {
        TaskState.TASK_FINISHED,
        TaskState.TASK_FAILED,
        TaskState.TASK_KILLED,
        TaskState.TASK_ERROR,
    }
)


class Master:
    """Agents that have room for everything, and what was launched on them."""

    def __init__(self, agents: int = 2, attributes: str = "") -> None:
        self.agents = [AgentId(f"S{number}") for number in range(1, agents + 1)]
        self.attributes = attributes
        self.resources = "cpus:100;mem:100000;disk:1000000"
        self.offers: dict[str, AgentId] = {}
        self.tasks: dict[TaskId, TaskInfo] = {}
        self.states: dict[TaskId, TaskState] = {}
        self.suppressed = False
        #: Filters: until when an agent is not offered.
        self.refused: dict[AgentId, float] = {}
        #: Statuses that come again until they are acknowledged, by their uuid.
        self.owed: dict[bytes, TaskStatus] = {}
        self._count = 0

    def offer(self, agent_id: AgentId) -> Offer:
        """What an agent has."""
        self._count += 1
        self.offers[f"O{self._count}"] = agent_id
        return Offer(
            id=OfferID(value=f"O{self._count}"),
            framework_id=FrameworkID(value=F),
            agent_id=AgentID(value=agent_id),
            hostname=f"n{agent_id[1:]}",
            resources=messages_of(Resources.parse(self.resources), "*", refined=False),
            attributes=attribute_messages_of(Attributes.parse(self.attributes)),
            allocation_info=AllocationInfo(role="*"),
        )

    def round(self, steady: float) -> tuple[Offer, ...]:
        """Offers of all agents that nothing is out of, if they are wanted."""
        if self.suppressed:
            return ()
        out = set(self.offers.values())
        return tuple(
            self.offer(agent_id)
            for agent_id in self.agents
            if agent_id not in out and self.refused.get(agent_id, 0.0) <= steady
        )


class World:
    """
    One store, one master, and a life of Chronos after the other.

    :param auto: whether launched tasks say by themselves that they run.
    """

    def __init__(
        self, flags: ChronosFlags | None = None, *, agents: int = 2, auto: bool = True
    ) -> None:
        self.flags = flags or ChronosFlags()
        self.master = Master(agents)
        self.auto = auto
        self.steady, self.wall = 1_000.0, WALL
        self.store: dict[str, Struct] = {}
        self.changes: list[ChronosChange] = []
        self.effects: list[ChronosEffect] = []
        self.acknowledged: list[bytes | None] = []
        self.stepped_down: list[str] = []
        self.answers: dict[RequestId, object] = {}
        self.timers: dict[Struct, float] = {}
        self.pending: deque[ChronosStimulus] = deque()
        #: Of every run, the states that readers saw.
        self.lives: dict[str, list[RunState]] = {}
        #: Whether effects are performed.
        self.performs = True
        self._lives = 0
        self._uuids = 0
        self.restart()

    @property
    def now(self) -> Moment:
        return Moment(self.steady, self.wall)

    @property
    def live(self) -> Any:
        """What the core remembers."""
        return self.core._live

    # --- lives --------------------------------------------------------------------------

    def restart(self, *, registers: bool = True) -> None:
        """Begin a new life with what was kept, and nothing else."""
        self._lives += 1
        seed = self._lives
        self.core = Chronos(self.flags, seed.to_bytes(8, "big"), random.Random(seed))
        self.timers.clear()
        self.pending.clear()
        self.performs = True
        self._took(self.core.restore(dict(self.store).items(), self.now))
        if registers:
            self.register()

    def register(self) -> None:
        """A master knows the framework, and offers what it has."""
        self.master.offers.clear()
        self.master.suppressed = False
        self.hear(Registered(F, None))
        for status in tuple(self.master.owed.values()):
            self.hear(StatusCame(status))
        self.offer()

    def lose_master(self) -> None:
        """The link breaks."""
        self.master.offers.clear()
        self.hear(MasterLost())

    # --- what is heard -------------------------------------------------------------------

    def hear(self, stimulus: ChronosStimulus) -> None:
        """Have the core decide on something, and on all that follows at once."""
        self.pending.append(stimulus)
        self.settle()

    def settle(self) -> None:
        """Decide until nothing is pending at this moment."""
        while self.pending:
            self._took(self.core.hear(self.pending.popleft(), self.now))

    def ask(self, question: Struct) -> Any:
        """The answer to a question."""
        request = RequestId(len(self.answers) + 1)
        self.hear(Asked(request, question))
        return self.answers[request]

    def decide(
        self, function: Callable[Concatenate[Turn, P], R], *given: P.args, **named: P.kwargs
    ) -> R:
        """Call a function of the core in a turn of its own."""
        turn = self.core._turn(self.now)
        answer = function(turn, *given, **named)
        self._took(turn.out)
        self.settle()
        return answer

    def advance(self, seconds: float, step_s: float = 1.0) -> None:
        """Let time pass, with a round of offers every second."""
        end = self.steady + seconds
        while self.steady < end:
            due = min(self.timers.values(), default=end)
            self._pass(min(due, end, self.steady + step_s))
            for timer in [one for one, at in self.timers.items() if at <= self.steady]:
                if timer in self.timers:
                    del self.timers[timer]
                    self.hear(TimerFired(timer))
            self.offer()

    def step_wall(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.wall += seconds

    def _pass(self, until: float) -> None:
        self.wall += until - self.steady
        self.steady = until

    # --- jobs -----------------------------------------------------------------------------

    def put(self, spec: JobSpec, *, by: str = "") -> Job:
        """Have a job be as ``spec`` says; one with the same timetable keeps its place in it."""
        return self.decide(_put, spec, by)

    def remove(self, name: str) -> None:
        """Have a job be no more."""
        self.decide(_remove, JobName(name))

    # --- the master's side ------------------------------------------------------------------

    def offer(self) -> None:
        """A round of offers."""
        offers = self.master.round(self.steady) if self.performs else ()
        if offers:
            self.hear(Offered(offers))

    def say(
        self,
        task_id: TaskId,
        state: TaskState,
        message: str = "",
        *,
        reason: TaskStatusReason | None = None,
        source: TaskStatusSource = TaskStatusSource.SOURCE_EXECUTOR,
        uuid: bytes | None = None,
    ) -> TaskStatus:
        """A status of a task."""
        self._uuids += 1
        status = TaskStatus(
            task_id=TaskID(value=task_id),
            state=state,
            message=message,
            source=source,
            reason=reason,
            uuid=self._uuids.to_bytes(16, "big") if uuid is None else uuid,
        )
        if state in _ENDED:
            self.master.tasks.pop(task_id, None)
            self.master.states.pop(task_id, None)
        elif task_id in self.master.tasks:
            self.master.states[task_id] = state
        assert status.uuid is not None
        self.master.owed[status.uuid] = status
        self.hear(StatusCame(status))
        return status

    def finish(self, run: Run, state: TaskState = TaskState.TASK_FINISHED) -> None:
        """A run's task ends."""
        task_id = self.run(run).task_id
        assert task_id is not None, run
        self.say(task_id, state, "Command exited with status 1" if "FAIL" in state else "")

    def finish_all(self, state: TaskState = TaskState.TASK_FINISHED) -> None:
        """Every task ends."""
        for task_id in tuple(self.master.tasks):
            self.say(task_id, state)

    # --- what is there ------------------------------------------------------------------------

    def run(self, run: Run) -> Run:
        """A run as it is now."""
        return self.core.state.runs[run.id]

    def runs(self, name: str = "a", *states: RunState) -> list[Run]:
        """Runs of a job that are known, in the order they were made."""
        found = [run for run in self.core.state.runs.values() if run.job == name]
        found.sort(key=lambda run: (run.instant, run.attempt, run.made))
        return [run for run in found if not states or run.state in states]

    def states(self, name: str = "a") -> list[str]:
        """The states of a job's runs."""
        return [run.state.value for run in self.runs(name)]

    def standing(self, name: str = "a") -> Standing:
        """How a job stands."""
        return self.core.state.standing_of(JobName(name))

    # --- what comes of it -----------------------------------------------------------------------

    def _took(self, outcome: Outcome[ChronosChange, ChronosEffect]) -> None:
        for change in outcome.changes:
            self.keep(change)
        self.changes.extend(outcome.changes)
        self.core.check()
        self.effects.extend(outcome.effects)
        if self.performs:
            for effect in outcome.effects:
                self._perform(effect)

    def keep(self, change: ChronosChange) -> None:
        """What a store does with a change."""
        write = change.write()
        if write is None:
            return
        if write.value is None:
            self.store.pop(write.key, None)
            return
        kind = RECORDS[write.key.partition("/")[0]]
        # What is kept comes back as bytes, not as the same object.
        raw = msgspec.msgpack.encode(write.value)
        self.store[write.key] = msgspec.msgpack.decode(raw, type=kind)
        if isinstance(write.value, Run):
            seen = self.lives.setdefault(write.value.id, [])
            if not seen or seen[-1] is not write.value.state:
                seen.append(write.value.state)

    def _perform(self, effect: ChronosEffect) -> None:
        match effect:
            case Continue():
                self.pending.append(Continued())
            case Arm(timer, delay_s):
                self.timers[timer] = self.steady + delay_s
            case Disarm(timer):
                self.timers.pop(timer, None)
            case Answer(request, value):
                self.answers[request] = value
            case StepDown(reason):
                self.stepped_down.append(reason)
            case AcknowledgeStatus(status):
                self.acknowledged.append(status.uuid)
                self.master.owed.pop(status.uuid or b"", None)
            case _:
                self._call(effect)

    def _call(self, effect: ChronosEffect) -> None:
        match effect:
            case AcceptOffers(offer_ids, operations):
                for offer_id in offer_ids:
                    self.master.offers.pop(offer_id, None)
                for operation in operations:
                    if operation.launch is not None:
                        self._launch(operation.launch.task_infos)
            case KillTask(task_id):
                self._kill(task_id)
            case ReconcileTasks(tasks):
                for task_id in tasks or self.master.tasks:
                    self._answer(task_id)
            case _:
                self._flow(effect)

    def _flow(self, effect: ChronosEffect) -> None:
        match effect:
            case DeclineOffers(offer_ids, refuse_s):
                for offer_id in offer_ids:
                    agent_id = self.master.offers.pop(offer_id, None)
                    if agent_id is not None:
                        self.master.refused[agent_id] = self.steady + refuse_s
            case ReviveOffers():
                self.master.suppressed = False
                self.master.refused.clear()
                offers = self.master.round(self.steady)
                if offers:
                    self.pending.append(Offered(offers))
            case SuppressOffers():
                self.master.suppressed = True
            case _:
                pass

    def _launch(self, tasks: Iterable[TaskInfo]) -> None:
        for task in tasks:
            task_id = TaskId(task.task_id.value)
            assert task_id not in self.master.tasks, f"{task_id}: launched twice"
            self.master.tasks[task_id] = task
            self.master.states[task_id] = TaskState.TASK_STAGING
            if self.auto:
                self._status(task_id, TaskState.TASK_RUNNING)

    def _kill(self, task_id: TaskId) -> None:
        if task_id in self.master.tasks and self.auto:
            del self.master.tasks[task_id]
            del self.master.states[task_id]
            self._status(task_id, TaskState.TASK_KILLED)

    def _status(self, task_id: TaskId, state: TaskState) -> None:
        self._uuids += 1
        if task_id in self.master.tasks:
            self.master.states[task_id] = state
        status = TaskStatus(
            task_id=TaskID(value=task_id),
            state=state,
            source=TaskStatusSource.SOURCE_EXECUTOR,
            uuid=self._uuids.to_bytes(16, "big"),
        )
        assert status.uuid is not None
        self.master.owed[status.uuid] = status
        self.pending.append(StatusCame(status))

    def _answer(self, task_id: TaskId) -> None:
        state = self.master.states.get(task_id, TaskState.TASK_GONE)
        for owed in self.master.owed.values():
            if owed.task_id.value == task_id:
                state = owed.state
        status = TaskStatus(
            task_id=TaskID(value=task_id),
            state=state,
            source=TaskStatusSource.SOURCE_MASTER,
            reason=TaskStatusReason.REASON_RECONCILIATION,
        )
        self.pending.append(StatusCame(status))


def _put(turn: Turn, spec: JobSpec, by: str) -> Job:
    known = turn.state.jobs.get(spec.name)
    version = turn.stamp()
    job = Job(spec, version, version if known is None else known.created, by)
    turn.change(JobChanged(job))
    turn.change(VersionKept(job))
    standing = turn.state.standing_of(spec.name)
    if known is None or known.spec.timetable != spec.timetable:
        due = None if spec.timetable is None else timetables.first(spec.timetable)
        standing = replace(standing, due=due, passed=0)
    turn.change(StandingChanged(standing))
    changed.job_changed(turn, known, job)
    return job


def _remove(turn: Turn, name: JobName) -> None:
    job = turn.state.jobs[name]
    for run in tuple(turn.state.ended_of(name)):
        turn.change(RunForgotten(run))
    turn.change(StandingForgotten(name))
    turn.change(JobRemoved(name))
    changed.job_changed(turn, job, None)
