"""What Chronos' core is asked, how it answers, its timers, and what it has done for it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from mesostw.core.chronos.records import Job, Notice, Run
from mesostw.core.outcome import CommonEffect, CommonStimulus
from mesostw.core.scheduling import FrameworkEffect, FrameworkStimulus
from mesostw.model.ids import TaskId
from mesostw.model.jobs import Instant, JobName, NoticeId, RunId

#: A JSON object as it came: read and judged by ``documents``.
Document: TypeAlias = Mapping[str, object]


class Dialect(StrEnum):
    """Whose defaults a document means where it is silent."""

    #: ``/scheduler``: may overlap, may be late by ``task_epsilon``, then is skipped.
    V2 = "v2"
    #: ``/v1/scheduler``: never overlaps, may be late, one run for all that passed.
    V3 = "v3"
    #: Ours: as V3, and what is no field of a job is refused.
    OWN = "own"


class Form(StrEnum):
    """What a document must have."""

    SCHEDULED = "scheduled"
    DEPENDENT = "dependent"
    #: By what it has.
    EITHER = "either"


# --- questions --------------------------------------------------------------------


class JobAsked(Struct, frozen=True, kw_only=True):
    """Have a job as ``document`` says; one of the same name is replaced, its counters stay."""

    document: Document
    dialect: Dialect = Dialect.OWN
    form: Form = Form.EITHER
    #: Take counters and last results from the document too, as an import does.
    restores: bool = False
    #: What the document leaves out stays as it is; it need not have a name then.
    patches: JobName | None = None
    #: The version that is to be replaced, if that matters; empty: there is to be none.
    expects: str | None = None
    by: str = ""
    #: Only judge it.
    dry_run: bool = False


class JobRemovalAsked(Struct, frozen=True, kw_only=True):
    """Kill a job's runs and forget it; its dependents are tied to its parents, or freed."""

    name: JobName
    expects: str | None = None
    by: str = ""


class RunAsked(Struct, frozen=True, kw_only=True):
    """
    Run a job now.

    With ``lenient`` one that cannot run now is answered as if it did, as the API does.
    """

    name: JobName
    #: Instead of the job's; ``None`` leaves those.
    arguments: str | None = None
    environment: Mapping[str, str] = {}
    lenient: bool = False
    by: str = ""


class RerunAsked(Struct, frozen=True, kw_only=True):
    """Run again what an ended run was for."""

    run_id: RunId
    by: str = ""


class JobKillAsked(Struct, frozen=True, kw_only=True):
    """End all runs of a job that have a task; those that wait go on waiting."""

    name: JobName
    by: str = ""


class RunKillAsked(Struct, frozen=True, kw_only=True):
    """End one run, whether it waits or runs."""

    run_id: RunId
    by: str = ""


class MarkAsked(Struct, frozen=True, kw_only=True):
    """Say that a job has succeeded, without a run."""

    name: JobName
    by: str = ""


class VerdictAsked(Struct, frozen=True, kw_only=True):
    """How a run of an asynchronous job ended; 0 is well."""

    task_id: TaskId
    status_code: int


class ProgressAsked(Struct, frozen=True, kw_only=True):
    """A run of a data processing job did ``elements`` more."""

    name: JobName
    task_id: TaskId
    elements: int


class EnablingAsked(Struct, frozen=True, kw_only=True):
    """Let a job run, or let it not; instants meanwhile are skipped."""

    name: JobName
    enabled: bool
    by: str = ""


class PauseAsked(Struct, frozen=True, kw_only=True):
    """Start nothing until it is asked for again; what runs goes on."""

    paused: bool
    by: str = ""
    why: str = ""


class BackfillAsked(Struct, frozen=True, kw_only=True):
    """Run a job for its instants in [``start``, ``end``) that had no success."""

    name: JobName
    start: Instant
    end: Instant
    #: Also those that had one.
    again: bool = False
    dry_run: bool = False
    by: str = ""


class AllTasksDropAsked(Struct, frozen=True, kw_only=True):
    """Forget everything that waits (``DELETE task/all`` of Chronos 2)."""

    by: str = ""


ChronosQuestion: TypeAlias = (
    JobAsked
    | JobRemovalAsked
    | RunAsked
    | RerunAsked
    | JobKillAsked
    | RunKillAsked
    | MarkAsked
    | VerdictAsked
    | ProgressAsked
    | EnablingAsked
    | PauseAsked
    | BackfillAsked
    | AllTasksDropAsked
)

# --- answers (and ``refusing.Unfit``) -------------------------------------------------


class Kept(Struct, frozen=True):
    """A job is as it was asked for, or (``dry_run``) would be."""

    job: Job
    created: bool
    #: Its next instants.
    instants: tuple[Instant, ...] = ()
    #: What was left out of account, for people: unknown fields by name.
    ignored: tuple[str, ...] = ()


class Removed(Struct, frozen=True):
    """A job is gone; these were tied anew, and these runs are being ended."""

    dependents: tuple[JobName, ...]
    killed: tuple[RunId, ...]


class Begun(Struct, frozen=True):
    """Runs that wait now; ``note`` says why there is none, if that was no fault."""

    runs: tuple[Run, ...]
    note: str = ""


class Planned(Struct, frozen=True):
    """The instants that a backfill would serve."""

    instants: tuple[Instant, ...]


class Ending(Struct, frozen=True):
    """Runs that are being ended, or have been."""

    runs: tuple[RunId, ...]


class Done(Struct, frozen=True):
    """It is so now; ``changed`` if it was not before."""

    changed: bool = True


# --- timers -----------------------------------------------------------------------


class InstantsDue(Struct, frozen=True):
    """
    The first of all that waits for a time may be due.

    It is armed for a distance of the wall clock, but runs on the steady one: it is looked
    at again once a second, so that a step of the wall clock is seen in time.
    """


class Tick(Struct, frozen=True):
    """Once a second: time-outs, deadlines, agents that are away, a wall clock that stepped."""


class ReviveDue(Struct, frozen=True):
    """Offers may be revived again."""


class ReconcileDue(Struct, frozen=True):
    """Time to compare what we and the master believe."""


ChronosTimer: TypeAlias = InstantsDue | Tick | ReviveDue | ReconcileDue

# --- from and to the shell ------------------------------------------------------------


class Notified(Struct, frozen=True):
    """Somebody was told, or will not be: every attempt failed."""

    notice_id: NoticeId
    delivered: bool
    detail: str


class Notify(Struct, frozen=True):
    """Tell somebody, trying again for a while; ``Notified`` is the answer."""

    notice: Notice


class StepDown(Struct, frozen=True):
    """Stop the daemon: going on could start things twice, or nothing at all."""

    reason: str


ChronosStimulus: TypeAlias = CommonStimulus | FrameworkStimulus | Notified
ChronosEffect: TypeAlias = CommonEffect | FrameworkEffect | Notify | StepDown
