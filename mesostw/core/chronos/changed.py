"""What follows from a job that is new, another, or gone; the rest is seen at its next look."""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.chronos import instants, runs
from mesostw.core.chronos.changes import StandingChanged
from mesostw.core.chronos.records import Cause, Job, RunState, Skip
from mesostw.core.chronos.turn import Turn
from mesostw.model.jobs import JobName


def job_changed(turn: Turn, before: Job | None, after: Job | None) -> None:
    """
    Follow what has become of a job; its records, and its standing, are as they are to be.

    :param before: what it was; ``None`` if it is new.
    :param after: what it is now; ``None`` if it is gone.
    """
    job = after or before
    if job is None:
        return
    # What was ready is so no more until it has been looked at.
    for run_id in turn.state.live_of(job.name):
        turn.live.ready.pop(run_id, None)
    turn.mark(job.name)
    if before is None or after is None or before.created != after.created:
        return
    _forget_parents(turn, before, after)
    if before.spec.timetable != after.spec.timetable:
        _forget_instants(turn, after)
    if before.spec.disabled and not after.spec.disabled:
        instants.enabled(turn, after)


def _forget_parents(turn: Turn, before: Job, after: Job) -> None:
    gone: set[JobName] = set(before.spec.parents) - set(after.spec.parents)
    standing = turn.state.standing_of(after.name)
    arrived = tuple(one for one in standing.arrived if one.parent not in gone)
    if arrived != standing.arrived:
        turn.change(StandingChanged(replace(standing, arrived=arrived)))


def _forget_instants(turn: Turn, job: Job) -> None:
    for run in list(turn.state.live_of(job.name).values()):
        if run.state is RunState.WAITING and run.cause is Cause.CLOCK:
            runs.drop(turn, job, run, Skip.REDEFINED, "The job has another timetable now")
