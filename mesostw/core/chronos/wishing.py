"""
Jobs that are asked for, changed, removed, enabled and disabled.

Each is one turn: the job, its version, where it stands and what follows are kept together or
not at all.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mesostw.core.chronos import changed, documents, graph, notices, timetables
from mesostw.core.chronos.changes import (
    JobChanged,
    JobRemoved,
    RunForgotten,
    StandingChanged,
    StandingForgotten,
    VersionForgotten,
    VersionKept,
)
from mesostw.core.chronos.documents import Judged
from mesostw.core.chronos.flags import JOBS_MAX
from mesostw.core.chronos.records import Job, Standing
from mesostw.core.chronos.turn import Turn
from mesostw.core.chronos.words import (
    Done,
    EnablingAsked,
    JobAsked,
    JobRemovalAsked,
    Kept,
    Removed,
)
from mesostw.core.framework.refusing import Unfit
from mesostw.model.jobs import INSTANT_MAX, Instant, JobName, JobSpec

#: Next instants that are told of a job that was asked for.
_SHOWN: Final = 5


def job_asked(turn: Turn, q: JobAsked) -> Kept | Unfit:
    """Have a job as a document says, or say all that is wrong with it."""
    name = q.patches if q.patches is not None else q.document.get("name")
    known = turn.state.jobs.get(JobName(name)) if isinstance(name, str) else None
    if q.patches is not None and known is None:
        return _unknown(q.patches)
    if (outdated := _outdated(known, q.expects)) is not None:
        return outdated
    judged = documents.judged(q, known, turn.state, turn.flags, turn.instant)
    if isinstance(judged, Unfit):
        return judged
    if known is None and len(turn.state.jobs) >= JOBS_MAX:
        return Unfit("overload", f"there are {JOBS_MAX} jobs, which is the limit: remove one")
    return _wished(turn, q, known, judged)


def _wished(turn: Turn, q: JobAsked, known: Job | None, judged: Judged) -> Kept:
    before = turn.state.standing_of(judged.spec.name)
    after = _standing_of(before, known, judged)
    is_same = known is not None and known.spec == judged.spec
    if known is not None and is_same:
        job = known
    elif q.dry_run:
        # No version is given to what is only judged.
        job = Job(judged.spec, "", "" if known is None else known.created, q.by)
    else:
        stamp = turn.stamp()
        job = Job(judged.spec, stamp, stamp if known is None else known.created, q.by)
    if not q.dry_run and not (is_same and after == before):
        _keep(turn, known, job, after)
    instants = _instants_of(job.spec, after)
    return Kept(job, known is None, instants, judged.ignored)


def _keep(turn: Turn, before: Job | None, after: Job, standing: Standing) -> None:
    if after is not before:
        _change(turn, after)
    if standing != turn.state.standings.get(after.name):
        turn.change(StandingChanged(standing))
    changed.job_changed(turn, before, after)


def _change(turn: Turn, job: Job) -> None:
    """A job has another version; the oldest of too many is forgotten."""
    turn.change(JobChanged(job))
    turn.change(VersionKept(job))
    versions = turn.state.versions[job.name]
    surplus = len(versions) - max(1, turn.flags.versions_max)
    for version in list(versions)[: max(0, surplus)]:
        turn.change(VersionForgotten(job.name, version))


# --- where a job stands -----------------------------------------------------------------


def _standing_of(before: Standing, known: Job | None, judged: Judged) -> Standing:
    """Counters stay; the position too, unless the job has another timetable."""
    spec = judged.spec
    after = before
    if known is None or not judged.is_same_timetable:
        after = _anew(before, known, spec)
    if judged.restored is not None:
        after = replace(
            after,
            success_count=judged.restored.success_count,
            error_count=judged.restored.error_count,
            errors_since_last_success=judged.restored.errors_since_last_success,
            last_success=judged.restored.last_success,
            last_error=judged.restored.last_error,
        )
    return _enabled(after, is_disabled=spec.disabled)


def _enabled(standing: Standing, *, is_disabled: bool) -> Standing:
    """Who is enabled again after failures begins to count them anew."""
    if is_disabled:
        return replace(standing, disabled_because=standing.disabled_because or "asked")
    if standing.disabled_because == "failures":
        standing = replace(standing, errors_since_last_success=0)
    return replace(standing, disabled_because="")


def _anew(before: Standing, known: Job | None, spec: JobSpec) -> Standing:
    """At the beginning of another timetable, but behind what was served of the same anchor."""
    t = spec.timetable
    due = None if t is None else timetables.first(t)
    served = _last_served(before, known, due)
    if t is None or due is None or served is None:
        return replace(before, due=due, passed=0)
    behind = timetables.passing(t, 0, due, served)
    return replace(before, due=behind.due, passed=behind.passed)


def _last_served(before: Standing, known: Job | None, first: Instant | None) -> Instant | None:
    """The last instant of the timetable before, if the new one begins with one of its own."""
    t = None if known is None else known.spec.timetable
    begin = None if t is None else timetables.first(t)
    if t is None or begin is None or first is None or not before.passed:
        return None
    until = INSTANT_MAX if before.due is None else Instant(before.due - 1)
    last = timetables.newest(t, 0, begin, until, 1)
    is_own = timetables.within(t, first, Instant(first + 1), 1) == (first,)
    return last[-1] if last and is_own and first <= last[-1] else None


def _instants_of(spec: JobSpec, standing: Standing) -> tuple[Instant, ...]:
    if spec.timetable is None:
        return ()
    return timetables.upcoming(spec.timetable, standing.passed, standing.due, _SHOWN)


# --- gone -----------------------------------------------------------------------------


def removal_asked(turn: Turn, q: JobRemovalAsked) -> Removed | Unfit:
    """Forget a job; its runs are ended, and its dependents tied anew."""
    job = turn.state.jobs.get(q.name)
    if job is None:
        return _unknown(q.name)
    if (outdated := _outdated(job, q.expects)) is not None:
        return outdated
    dependents = graph.rewired(turn.state, q.name)
    notices.removed(turn, job, q.by)
    for spec in dependents:
        _tie(turn, job, spec, q.by)
    killed = tuple(run.id for run in turn.state.live_of(q.name).values() if run.is_out)
    _forget(turn, job)
    changed.job_changed(turn, job, None)
    return Removed(tuple(spec.name for spec in dependents), killed)


def _tie(turn: Turn, gone: Job, spec: JobSpec, by: str) -> None:
    """A dependent without the one that goes; from its next instant on, if it takes its times."""
    before = turn.state.jobs[spec.name]
    after = Job(spec, turn.stamp(), before.created, by)
    standing = turn.state.standing_of(spec.name)
    if spec.timetable is not None:
        at: Standing | timetables.Passing = turn.state.standing_of(gone.name)
        if gone.spec.disabled:
            # What has passed meanwhile is nobody's.
            at = timetables.passing(spec.timetable, at.passed, at.due, turn.instant)
        standing = replace(standing, due=at.due, passed=at.passed)
    _keep(turn, before, after, standing)


def _forget(turn: Turn, job: Job) -> None:
    """Everything of a job but runs that have not ended, which are forgotten then."""
    for version in tuple(turn.state.versions.get(job.name, ())):
        turn.change(VersionForgotten(job.name, version))
    for run in tuple(turn.state.ended_of(job.name)):
        turn.change(RunForgotten(run))
    turn.change(StandingForgotten(job.name))
    turn.change(JobRemoved(job.name))


# --- enabled and disabled -----------------------------------------------------------------


def enabling_asked(turn: Turn, q: EnablingAsked) -> Done | Unfit:
    """Let a job run, or let it not."""
    job = turn.state.jobs.get(q.name)
    if job is None:
        return _unknown(q.name)
    if job.spec.disabled is not q.enabled:
        return Done(changed=False)
    _switch(turn, job, is_disabled=not q.enabled, because="asked", by=q.by)
    return Done()


def disable(turn: Turn, job: Job, because: str) -> None:
    """
    Let a job run no more by itself, and tell whom that concerns.

    :param because: ``failures`` or ``finished``
    """
    _switch(turn, job, is_disabled=True, because=because, by="")
    notices.disabled(turn, turn.state.jobs[job.name], because)


def _switch(turn: Turn, job: Job, *, is_disabled: bool, because: str, by: str) -> None:
    after = Job(replace(job.spec, disabled=is_disabled), turn.stamp(), job.created, by)
    standing = replace(
        _enabled(turn.state.standing_of(job.name), is_disabled=is_disabled),
        disabled_because=because if is_disabled else "",
    )
    _keep(turn, job, after, standing)


# --- refused ----------------------------------------------------------------------------


def _unknown(name: JobName) -> Unfit:
    return Unfit("unknown", f"there is no job '{name:.200}'")


def _outdated(known: Job | None, expects: str | None) -> Unfit | None:
    """Whether another version is there than somebody thought."""
    there = "" if known is None else known.version
    if expects is None or expects == there:
        return None
    found = f"has version {there}" if there else "is not there"
    wanted = f"version {expects:.100}" if expects else "none"
    return Unfit("outdated", f"the job {found}, where {wanted} was expected: read it again")
