"""A document with what it is judged by, and what is meant where it is silent."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mesostw.core.chronos.drafts import JobDraft
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.records import Job
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import Dialect, JobAsked
from mesostw.model.jobs import CatchUp, Concurrency, Instant, JobName, JobSpec

#: What only we have: left out under an old prefix, it stays.
OURS: Final = (
    "starting_deadline_seconds",
    "catch_up",
    "catch_up_max",
    "concurrency",
    "trigger",
    "retry_delay_seconds",
    "retry_factor",
    "retry_delay_max_seconds",
    "disable_after_failures",
    "priority",
    "spread_seconds",
    "unreachable_seconds",
    "late_after_seconds",
    "long_after_seconds",
    "labels",
    "hooks",
    "history_limit",
)
#: Fields that are in a job as they are in a document.
PLAIN: Final = (
    "command",
    "shell",
    "executor",
    "executor_flags",
    "task_info_data",
    "retries",
    "owner",
    "owner_name",
    "description",
    "is_async",
    "disabled",
    "soft_error",
    "data_processing_job_type",
    "high_priority",
    "run_as_user",
    "uris",
    "fetch",
    "arguments",
    "max_completion_time",
    *OURS,
)
AMOUNTS: Final = ("cpus", "mem", "disk")
_PARTS: Final = ("constraints", "environment_variables")


class Case(Struct, frozen=True):
    """A document with what it is judged by."""

    asked: JobAsked
    draft: JobDraft
    name: JobName
    known: Job | None
    state: ChronosState
    flags: ChronosFlags
    now: Instant
    cleared: frozenset[str]

    @property
    def is_whole(self) -> bool:
        """Whether everything is replaced, also what no old client knows."""
        return self.asked.dialect is Dialect.OWN and self.asked.patches is None

    @property
    def kept(self) -> JobSpec | None:
        """The job that is changed in parts; ``None`` if it is wished as a whole."""
        return self.known.spec if self.known and self.asked.patches is not None else None


def base_of(case: Case) -> JobSpec:
    """What is left out is as it is here."""
    fresh = fresh_of(case)
    if case.kept is not None:
        return replace(case.kept, **{name: getattr(fresh, name) for name in _cleared(case)})
    if case.known is None or case.asked.dialect is Dialect.OWN:
        return fresh
    stays = {name: getattr(case.known.spec, name) for name in OURS}
    if case.asked.dialect is Dialect.V3:
        stays["is_async"] = case.known.spec.is_async
    return replace(fresh, **stays)


def _cleared(case: Case) -> list[str]:
    """Fields of the job that a change sets to null."""
    found: list[str] = [name for name in PLAIN + AMOUNTS + _PARTS if name in case.cleared]
    return [*found, "starting_deadline_seconds"] if "epsilon" in case.cleared else found


def fresh_of(case: Case) -> JobSpec:
    """A job of which nothing is said, by the defaults of its prefix."""
    flags = case.flags
    spec = JobSpec(
        name=case.name,
        cpus=flags.mesos_task_cpu,
        mem=flags.mesos_task_mem,
        disk=flags.mesos_task_disk,
        run_as_user=flags.user,
    )
    if case.asked.dialect is not Dialect.V2:
        return spec
    return replace(
        spec,
        concurrency=Concurrency.ALLOW,
        catch_up=CatchUp.NONE,
        starting_deadline_seconds=flags.task_epsilon_s,
    )
