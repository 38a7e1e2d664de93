"""
Backfills: a job is run for instants that are behind it.

Only instants before the next one that is due are served, since that one still comes by itself.
An instant has been served if a run of it that is still kept has succeeded; older ones than the
job keeps are not known to have been, and run again.
"""

from __future__ import annotations

from mesostw.core.chronos import runs, timetables
from mesostw.core.chronos.flags import BACKFILL_MAX, WAITING_PER_JOB_MAX
from mesostw.core.chronos.records import Cause, Job, RunState
from mesostw.core.chronos.turn import Turn
from mesostw.core.chronos.words import BackfillAsked, Begun, Planned
from mesostw.core.framework.refusing import Fault, Unfit
from mesostw.model.jobs import Instant


def asked(turn: Turn, question: BackfillAsked) -> Planned | Begun | Unfit:
    """Run a job for the instants of a span, or tell which they are."""
    job = turn.state.jobs.get(question.name)
    if job is None:
        return Unfit("unknown", f"There is no job '{question.name}'")
    unfit = _unfit(job, question)
    if unfit is not None:
        return unfit
    instants = _served(turn, job, question)
    if len(instants) > BACKFILL_MAX:
        return _invalid("/end", f"more than {BACKFILL_MAX} instants: give a shorter span")
    return Planned(instants) if question.dry_run else _begun(turn, job, instants, question.by)


def _unfit(job: Job, question: BackfillAsked) -> Unfit | None:
    if job.spec.timetable is None:
        return _invalid("/job", f"job '{job.name}' runs after others: it has no instants")
    if question.end <= question.start:
        return _invalid("/end", "end is not after start: give a later end")
    if job.spec.disabled and not question.dry_run:
        return Unfit("locked", f"Job '{job.name}' is disabled: enable it first")
    return None


def _begun(turn: Turn, job: Job, instants: tuple[Instant, ...], by: str) -> Begun | Unfit:
    waiting = len(turn.state.live_of(job.name))
    if waiting + len(instants) > WAITING_PER_JOB_MAX:
        return Unfit(
            "overload",
            f"Job '{job.name}' has {waiting} runs already, and may have "
            f"{WAITING_PER_JOB_MAX}: give a shorter span, or wait",
        )
    made = tuple(runs.make(turn, job, one, Cause.BACKFILL, by=by) for one in instants)
    return Begun(made, "" if made else "Every instant of the span has been served")


def _served(turn: Turn, job: Job, question: BackfillAsked) -> tuple[Instant, ...]:
    """The instants that are to be run; one more than may be, if there are more."""
    timetable = job.spec.timetable
    assert timetable is not None
    due = turn.state.standing_of(job.name).due
    end = question.end if due is None else Instant(min(question.end, due))
    known = _known(turn, job, again=question.again)
    found: list[Instant] = []
    start = question.start
    # Instants that have been served do not count, so the span is gone through piece by piece.
    while len(found) <= BACKFILL_MAX:
        piece = timetables.within(timetable, start, end, BACKFILL_MAX + 1)
        found.extend(one for one in piece if one not in known)
        if len(piece) <= BACKFILL_MAX:
            break
        start = Instant(piece[-1] + 1)
    return tuple(found[: BACKFILL_MAX + 1])


def _known(turn: Turn, job: Job, *, again: bool) -> frozenset[Instant]:
    """Instants that a run is under way for, or (unless ``again``) one has succeeded."""
    live = turn.state.live_of(job.name).values()
    ended = () if again else turn.state.ended_of(job.name)
    return frozenset(
        run.instant
        for run in (*live, *ended)
        if run.incarnation == job.created and (not run.is_ended or run.state is RunState.SUCCEEDED)
    )


def _invalid(path: str, error: str) -> Unfit:
    return Unfit("invalid", error, (Fault(path, (error,)),))
