"""
Frameworks of the simulation: real clients around schedulers that keep a durable memory.

A :class:`Worker` has jobs.  It keeps each attempt at one before it asks for it, and each
end of an attempt before that is acknowledged, so that a crash at any moment costs nothing:
its next life comes back under the same framework id and asks after what it had running.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from twisted.python.failure import Failure

from mesostw.client.scheduler import Scheduler
from mesostw.interfaces import IClock, IStore
from mesostw.messages import (
    URI,
    AgentID,
    CheckCommand,
    CheckInfo,
    CheckType,
    CommandInfo,
    DurationInfo,
    FrameworkCapability,
    FrameworkCapabilityType,
    FrameworkID,
    FrameworkInfo,
    HealthCheck,
    HealthCheckType,
    HTTPCheckInfo,
    Launch,
    Offer,
    OfferOperation,
    OfferOperationType,
    TaskID,
    TaskInfo,
    TaskStatus,
)
from mesostw.messages.convert import messages_of, resources_of
from mesostw.messages.masters import MasterInfo
from mesostw.model.resources import Resources
from mesostw.model.tasks import TERMINAL, TaskState
from mesostw.unattended import unattended

#: Between two questions after the tasks that have not ended, as frameworks do it.
RECONCILE_S: Final = 20.0
#: What every fourth job wants to have fetched; agents of a simulation only pretend to.
FILES: Final = (URI(value="http://files/a.tgz"),)
#: How some jobs want to be looked at.
HEALTH: Final = HealthCheck(
    type=HealthCheckType.HTTP,
    http=HTTPCheckInfo(port=80),
    delay_seconds=0.2,
    interval_seconds=1.0,
    timeout_seconds=0.5,
    grace_period_seconds=2.0,
)
CHECK: Final = CheckInfo(
    type=CheckType.COMMAND,
    command=CheckCommand(command=CommandInfo(value="check 0")),
    delay_seconds=0.2,
    interval_seconds=0.7,
)
#: How long offers are refused when there is nothing to start.
REFUSE_S: Final = 30.0
#: Ends that are of the task's own; any other has the job tried again.
OWN_ENDS: Final = frozenset({TaskState.TASK_FINISHED, TaskState.TASK_FAILED, TaskState.TASK_KILLED})

#: States in which a task is given up, though it may come back: its agent may never.
AWAY: Final = frozenset({TaskState.TASK_UNKNOWN, TaskState.TASK_UNREACHABLE})


class Job(Struct, frozen=True):
    """Something that a framework wants to have run."""

    number: int
    #: Virtual seconds when the framework comes to want it.
    arrives_s: float
    need: str
    #: ``finish``, ``fail``, ``long`` (it runs until the framework kills it), ``limited``
    #: (until it has run as long as it may), or ``endless`` (until an operator ends it).
    kind: str
    #: How long it runs, or until it is killed, or may run.
    run_s: float

    @property
    def resources(self) -> Resources:
        return Resources.parse(self.need)


class Attempt(Struct, frozen=True):
    """One task that was asked for."""

    job: int
    agent_id: str
    state: TaskState = TaskState.TASK_STAGING
    #: Whether an end that was to be acknowledged has been kept.
    acknowledged: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more is expected of it; it may come back if nobody acknowledged."""
        return self.state in TERMINAL or self.state in AWAY


class Witness(Protocol):
    """Who is shown what a framework hears and does, and remembers it over all its lives."""

    def told(self, worker: Worker, status: TaskStatus) -> None:
        """A status has come in."""

    def acknowledging(self, worker: Worker, status: TaskStatus) -> None:
        """What a status says has been kept, and will be acknowledged now."""

    def awake(self, worker: Worker) -> None:
        """A new life has read its memory."""

    def said(self, worker: Worker, what: str, *values: object) -> None:
        """A call has been made; ``what`` has a ``{}`` for each value."""


def jobs_of(random: Random, count: int, over_s: float) -> list[Job]:
    """So many jobs that arrive within ``over_s``."""
    found = []
    for number in range(count):
        kind = random.choices(("finish", "fail", "long", "limited"), (5, 2, 3, 1))[0]
        cpus, mem = random.choice((0.5, 1.0, 1.5, 2.0)), random.choice((64, 256, 512))
        arrives_s = random.uniform(0, over_s) if random.uniform(0, 1) < 0.6 else 0.0
        run_s = random.choice((0.0, 0.5, 4.0, 15.0)) + random.uniform(0, 2)
        found.append(Job(number, arrives_s, f"cpus:{cpus};mem:{mem}", kind, run_s))
    return found


def with_endless(jobs: Sequence[Job]) -> list[Job]:
    """The same jobs, but that some are only done when an operator has ended their tasks."""
    return [replace(job, kind="endless") if job.number % 6 == 5 else job for job in jobs]


def framework_info(name: str, random: Random) -> FrameworkInfo:
    """What a framework says of itself; capabilities differ by chance."""
    kinds = FrameworkCapabilityType
    capabilities = [kinds.MULTI_ROLE]
    if random.uniform(0, 1) < 0.7:
        capabilities.append(kinds.PARTITION_AWARE)
    if random.uniform(0, 1) < 0.5:
        capabilities.append(kinds.TASK_KILLING_STATE)
    return FrameworkInfo(
        user="nobody",
        name=name,
        roles=(random.choice(("*", "ops")),),
        failover_timeout=86_400.0,
        checkpoint=random.uniform(0, 1) < 0.75,
        capabilities=tuple(FrameworkCapability(type=kind) for kind in capabilities),
    )


class Worker(Scheduler):
    """
    Gets its jobs done, whatever happens.

    :param store: its memory, which outlives it.
    """

    def __init__(
        self,
        name: str,
        info: FrameworkInfo,
        jobs: Sequence[Job],
        clock: IClock,
        random: Random,
        store: IStore,
        witness: Witness,
    ) -> None:
        self.name, self.info, self.jobs = name, info, jobs
        self._clock, self._random, self._store = clock, random, store
        self._witness = witness
        self._epoch = 0
        self.framework_id = ""
        #: The master of the present subscription.
        self.master_id = ""
        self.attempts: dict[str, Attempt] = {}
        #: Attempts that are kept and have not been asked for yet.
        self._unsaid: dict[str, None] = {}
        self._arrived: dict[int, None] = {}
        #: What went wrong beside the callbacks.
        self.failure: Failure | None = None

    # --- memory -----------------------------------------------------------------

    async def wake(self) -> FrameworkInfo:
        """Read the memory; what to subscribe with."""
        stored = await self._store.read()
        self._epoch = stored.epoch
        for key, value in stored.records.items():
            kind, _, name = key.partition("/")
            if kind == "id":
                self.framework_id = value.decode()
            else:
                self.attempts[name] = msgspec.msgpack.decode(value, type=Attempt)
        self._witness.awake(self)
        for job in self.jobs:
            late_s = max(0.0, job.arrives_s - self._clock.seconds())
            self._clock.callLater(late_s, self._arrive, job)
        for task_id, attempt in self.attempts.items():
            self._kill_later(task_id, attempt)
        self._clock.callLater(RECONCILE_S, self._ask_after)
        if not self.framework_id:
            return self.info
        return replace(self.info, id=FrameworkID(value=self.framework_id))

    def _failed(self, failure: Failure) -> None:
        self.failure = failure
        self.driver.stop()

    async def _keep(self, task_ids: Sequence[str]) -> None:
        writes = [(f"task/{one}", msgspec.msgpack.encode(self.attempts[one])) for one in task_ids]
        await self._store.append(writes, self._epoch)

    # --- what is wanted -----------------------------------------------------------

    def job_of(self, task_id: str) -> Job:
        """The job that a task is an attempt at."""
        return self.jobs[int(task_id.split("-")[1])]

    def _arrive(self, job: Job) -> None:
        self._arrived[job.number] = None
        self._wake_offers()

    def waiting(self) -> list[Job]:
        """Jobs that have arrived and of which no attempt runs or has come to its own end."""
        served = {
            attempt.job
            for attempt in self.attempts.values()
            if not attempt.over or attempt.state in OWN_ENDS
        }
        return [self.jobs[number] for number in self._arrived if number not in served]

    @property
    def done(self) -> bool:
        """Whether every job has come to its own end and nothing is left to wait for."""
        return (
            len(self._arrived) == len(self.jobs)
            and not self.waiting()
            and all(attempt.over for attempt in self.attempts.values())
        )

    def _wake_offers(self) -> None:
        if self.waiting():
            self.driver.revive()

    def _kill_later(self, task_id: str, attempt: Attempt) -> None:
        job = self.job_of(task_id)
        if job.kind == "long" and not attempt.over:
            self._clock.callLater(job.run_s, self._kill, task_id)

    def _kill(self, task_id: str) -> None:
        attempt = self.attempts[task_id]
        if not attempt.over:
            self._witness.said(self, "kills {}", task_id)
            self.driver.kill(task_id, attempt.agent_id)

    def _ask_after(self) -> None:
        self._clock.callLater(RECONCILE_S, self._ask_after)
        # What was suppressed while a link broke may have been heard by the next master.
        self._wake_offers()
        # A task that was given up for lost may be there even so: hear of all that are.
        self.driver.reconcile()
        asked = {
            task_id: attempt.agent_id
            for task_id, attempt in self.attempts.items()
            if not attempt.over and task_id not in self._unsaid
        }
        if asked:
            self.driver.reconcile(asked)

    # --- callbacks ------------------------------------------------------------------

    async def subscribed(self, framework_id: str, master: MasterInfo | None) -> None:
        self.master_id = "" if master is None else master.id
        self._witness.said(self, "is subscribed as {}", framework_id)
        if not self.framework_id:
            self.framework_id = framework_id
            await self._store.append([("id/self", framework_id.encode())], self._epoch)
        live = {
            task_id: attempt.agent_id
            for task_id, attempt in self.attempts.items()
            if not attempt.over and task_id not in self._unsaid
        }
        if live:
            self.driver.reconcile(live)

    async def offers(self, offers: Sequence[Offer]) -> None:
        for offer in offers:
            whim = self._random.uniform(0, 1)
            if whim < 0.1:
                self.driver.decline([offer.id], 1.0)
            elif whim < 0.2:
                late_s = self._random.uniform(0, 5)
                self._clock.callLater(late_s, self._use_late, offer)
            else:
                await self._use(offer)
        if not self.waiting():
            self.driver.suppress()

    def _use_late(self, offer: Offer) -> None:
        """Come back to an offer that may be void by now."""
        unattended(self._use(offer), self._failed)

    async def _use(self, offer: Offer) -> None:
        role = None if offer.allocation_info is None else offer.allocation_info.role
        left = resources_of(offer.resources)
        tasks: dict[str, TaskInfo] = {}
        for job in self.waiting():
            need = job.resources
            if left.contains(need):
                left = left - need
                task_id = self._next_id(job)
                self.attempts[task_id] = Attempt(job.number, offer.agent_id.value)
                tasks[task_id] = _task(task_id, offer.agent_id.value, job, role)
        if not tasks:
            self.driver.decline([offer.id], None if self.waiting() else REFUSE_S)
            return
        self._unsaid.update(dict.fromkeys(tasks))
        await self._keep(list(tasks))
        for task_id in tasks:
            del self._unsaid[task_id]
            self._kill_later(task_id, self.attempts[task_id])
        launch = OfferOperation(
            type=OfferOperationType.LAUNCH, launch=Launch(task_infos=tuple(tasks.values()))
        )
        self._witness.said(self, "wants {} of {}", ", ".join(tasks), offer.agent_id.value)
        self.driver.accept([offer.id], [launch], 0.0)

    def _next_id(self, job: Job) -> str:
        tries = sum(attempt.job == job.number for attempt in self.attempts.values())
        return f"{self.name}-{job.number}-{tries}"

    async def updated(self, status: TaskStatus) -> None:
        self._witness.told(self, status)
        task_id = status.task_id.value
        attempt = self.attempts.get(task_id)
        if attempt is None:
            return
        if not attempt.acknowledged:
            final = status.state in TERMINAL and status.uuid is not None
            moved = replace(attempt, state=status.state, acknowledged=final)
            if moved != attempt:
                self.attempts[task_id] = moved
                await self._keep([task_id])
            if attempt.over and not moved.over:
                # It was given up and another runs in its place.
                self.driver.kill(task_id, attempt.agent_id)
            if moved.over and not attempt.over and moved.state not in OWN_ENDS:
                self._wake_offers()
        self._witness.acknowledging(self, status)


def _task(task_id: str, agent_id: str, job: Job, role: str | None) -> TaskInfo:
    limit = DurationInfo(nanoseconds=int(job.run_s * 1e9))
    return TaskInfo(
        name=task_id,
        task_id=TaskID(value=task_id),
        agent_id=AgentID(value=agent_id),
        resources=messages_of(job.resources, role),
        # Without a die of its own, so that the other chances of a seed stay as they are.
        command=CommandInfo(
            value=f"{job.kind} {job.run_s}", uris=FILES if job.number % 4 == 1 else ()
        ),
        max_completion_time=limit if job.kind == "limited" else None,
        health_check=HEALTH if job.number % 4 == 2 else None,
        check=CHECK if job.number % 4 == 3 else None,
    )
