"""
What Chronos knows beside what jobs are: runs, how each job stands, notices that are due.

Nominal times are :data:`~mesostw.model.jobs.Instant`, in milliseconds; what happened is in
wall seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from mesostw.model.ids import AgentId, FrameworkId, TaskId
from mesostw.model.jobs import Hook, Instant, JobName, JobSpec, NoticeId, Occasion, RunId
from mesostw.model.tasks import TaskState


class RunState(StrEnum):
    """What a run is doing; it only ever goes on in ``RANKS``, and ends once."""

    #: Due: until ``not_before``, for another run of its job, or for an offer.
    WAITING = "waiting"
    #: On its way to an agent: kept before the master is told.
    LAUNCHING = "launching"
    STAGING = "staging"
    STARTING = "starting"
    RUNNING = "running"
    #: The task of an asynchronous job has finished; whether well is yet to be told.
    AWAITED = "awaited"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    #: Ended because somebody wished it: no retry, no dependents.
    KILLED = "killed"
    #: Never begun; ``message`` has the reason.
    SKIPPED = "skipped"


#: The order that runs go through; equal ranks exclude each other.
RANKS: Final[Mapping[RunState, int]] = {
    RunState.WAITING: 0,
    RunState.LAUNCHING: 1,
    RunState.STAGING: 2,
    RunState.STARTING: 3,
    RunState.RUNNING: 4,
    RunState.AWAITED: 5,
    RunState.SUCCEEDED: 6,
    RunState.FAILED: 6,
    RunState.KILLED: 6,
    RunState.SKIPPED: 6,
}

_TERMINAL: Final = 6


class Cause(StrEnum):
    """Why there is a run."""

    CLOCK = "clock"
    PARENTS = "parents"
    MANUAL = "manual"
    RETRY = "retry"
    BACKFILL = "backfill"
    #: A success that somebody only said; nothing ran.
    MARKED = "marked"


class Skip(StrEnum):
    """Why an instant was not served."""

    #: Its starting deadline passed.
    LATE = "late"
    #: A newer instant stands for it.
    MERGED = "merged"
    #: Another run of the job had not ended.
    BUSY = "busy"
    #: More had passed than are caught up with.
    SURPLUS = "surplus"
    DISABLED = "disabled"
    #: It waited when its job was replaced or removed.
    REDEFINED = "redefined"


class Run(Struct, frozen=True, array_like=True, gc=False):
    """
    One attempt at one instant of a job: one task, from when it is due.

    There is at most one of each (job, incarnation, instant, attempt).  Ended ones are the
    job's history until they are forgotten.

    There are more of these than of anything else, so they are kept without the names of their
    fields: the order is the format, and what is new comes last, with a default.
    """

    id: RunId
    job: JobName
    #: ``Job.created`` of the job that it belongs to, which may be removed since.
    incarnation: str
    #: What it is for: of the clock the nominal time, else when it was asked for.
    instant: Instant
    cause: Cause
    #: When it was made, and of its last change of ``state``.
    made: float
    since: float
    #: From 0.
    attempt: int = 0
    state: RunState = RunState.WAITING
    #: Not launched before.
    not_before: float = 0.0
    #: ``Job.version`` that it was launched from; empty before.
    version: str = ""
    #: Launches, of which each has a task of its own: more than one only if the master said
    #: that it knows nothing of the task before.
    launch: int = 0
    task_id: TaskId | None = None
    agent_id: AgentId | None = None
    hostname: str = ""
    #: The last part of the sandbox' path, once it is told.
    container_id: str = ""
    #: Of the life of Chronos that launched it.
    life: int = 0
    launched_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    task_state: TaskState | None = None
    #: Of the last status, or in words why it was skipped.
    message: str = ""
    skip: Skip | None = None
    reason: str = ""
    exit_status: int | None = None
    #: Who asked for it, if anybody did.
    by: str = ""
    #: Instead of the job's, if not ``None``.
    arguments: str | None = None
    #: Beside the job's variables.
    environment: Mapping[str, str] = {}
    #: The runs of parents that it follows.
    parents: tuple[tuple[JobName, RunId], ...] = ()
    #: The attempt before.
    retries: RunId | None = None
    #: Since when its agent is away.
    unreachable_since: float | None = None
    #: Why it is to be ended, since when; empty while nobody wants that.
    doom: str = ""
    doomed_at: float | None = None
    #: Whether its doom is a failure that may be retried (it took too long).
    doom_fails: bool = False
    #: Of a data processing job.
    elements: int = 0
    #: Instants that a skipped one stands for, and the last of them.
    skipped: int = 1
    skipped_until: Instant | None = None
    #: What was told of it already.
    told: tuple[Occasion, ...] = ()

    @property
    def rank(self) -> int:
        return RANKS[self.state]

    @property
    def is_ended(self) -> bool:
        return self.rank == _TERMINAL

    @property
    def is_out(self) -> bool:
        """Whether it has, or may have, a task that has not ended."""
        return RunState.WAITING is not self.state and not self.is_ended

    def may_become(self, state: RunState) -> bool:
        """Whether ``state`` lies ahead."""
        return RANKS[state] > self.rank


class Job(Struct, frozen=True, gc=False):
    """A job at one of its versions."""

    spec: JobSpec
    version: str
    #: The version that it began with; a job that was removed and came back has another one.
    created: str
    #: Who asked for this version.
    by: str = ""

    @property
    def name(self) -> JobName:
        return self.spec.name


class Arrival(Struct, frozen=True, gc=False):
    """An end of a parent's run that its dependent has not followed yet."""

    parent: JobName
    run_id: RunId
    #: In wall seconds.
    at: float


class Standing(Struct, frozen=True, omit_defaults=True, gc=False):
    """How a job stands: what changes with each of its runs, in one small record."""

    job: JobName
    #: The next instant of its timetable; ``None`` at its end, and of dependents.
    due: Instant | None = None
    #: Instants that are behind, served or not.
    passed: int = 0
    success_count: int = 0
    #: Failures after all retries, not attempts.
    error_count: int = 0
    errors_since_last_success: int = 0
    last_success: float | None = None
    last_error: float | None = None
    #: Of its parents, since it was last fired; at most one of each.
    arrived: tuple[Arrival, ...] = ()
    #: How long the last successes took from their instant to their end: milliseconds, four
    #: bytes each, little-endian, the oldest first.
    durations: bytes = b""
    #: Why it is disabled: ``asked``, ``failures`` or ``finished``; empty if it is not.
    disabled_because: str = ""


class Registration(Struct, frozen=True, gc=False):
    """The id under which the master knows us; losing it would leave tasks to nobody."""

    framework_id: FrameworkId


class Life(Struct, frozen=True, gc=False):
    """How often Chronos began with this store; launches of a later life have a higher one."""

    number: int


class Pause(Struct, frozen=True, gc=False):
    """Nothing is started until it is over; what is due meanwhile is caught up with then."""

    since: float
    by: str = ""
    why: str = ""


class Notice(Struct, frozen=True, omit_defaults=True, gc=False):
    """Something that somebody is to be told; kept until that is done, or given up."""

    id: NoticeId
    occasion: Occasion
    job: JobName
    #: In wall seconds.
    at: float
    subject: str
    text: str
    #: ``None``: whom the operator and the job's owner name.
    hook: Hook | None = None
    #: Addresses of mail.
    to: tuple[str, ...] = ()
    run_id: RunId | None = None
    #: The original's form of a call: names and values, all of them text.
    fields: Mapping[str, str] = {}
