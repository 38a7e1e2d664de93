"""
Instants that have come: each becomes a run, or a record of why it does not.

::

    1  later than its starting deadline     skipped
    2  of the others: one                   the newest runs, it stands for the others
                      none                  all run, since none is later than it may be
                      all                   the newest run, as many as are caught up with

The position in the timetable goes on in the same turn, and never back: no instant is served
twice, whatever the wall clock does.
"""

from __future__ import annotations

from hashlib import blake2b

from msgspec.structs import replace

from mesostw.core.chronos import alarms, runs, timetables
from mesostw.core.chronos.changes import StandingChanged
from mesostw.core.chronos.flags import WAITING_PER_JOB_MAX
from mesostw.core.chronos.records import Cause, Job, Skip
from mesostw.core.chronos.turn import Turn
from mesostw.model.jobs import CatchUp, Instant, JobSpec, Timetable

_DISABLED = "The job was disabled"


def due(turn: Turn, job: Job) -> float | None:
    """
    Serve what has come of a job's timetable.

    :return: the wall second of its next instant; ``None`` if it waits for none
    """
    timetable = job.spec.timetable
    if timetable is None or job.spec.disabled or turn.state.pause is not None:
        return None
    _skip_late(turn, job, timetable)
    _serve(turn, job, timetable)
    following = turn.state.standing_of(job.name).due
    return None if following is None else alarms.wall_of(following)


def enabled(turn: Turn, job: Job) -> None:
    """A job may run again: what has passed meanwhile is skipped, and not caught up with."""
    if job.spec.timetable is not None:
        _skip_until(turn, job, job.spec.timetable, turn.instant, Skip.DISABLED, _DISABLED)


def deadline_s(turn: Turn, spec: JobSpec) -> float | None:
    """How late a run of an instant may start, in seconds; ``None`` if that does not matter."""
    own = spec.starting_deadline_seconds
    if own is None and spec.catch_up is CatchUp.NONE:
        return turn.flags.task_epsilon_s
    return own


def spread_s(spec: JobSpec) -> float:
    """By how much the starts of a job are put off, from its name alone."""
    if not spec.spread_seconds:
        return 0.0
    digest = blake2b(spec.name.encode(), digest_size=8).digest()
    return spec.spread_seconds * int.from_bytes(digest, "big") / 2**64


def _skip_late(turn: Turn, job: Job, timetable: Timetable) -> None:
    limit_s = deadline_s(turn, job.spec)
    if limit_s is not None:
        limit_s += spread_s(job.spec)
        before = Instant(turn.instant - int(limit_s * 1000) - 1)
        message = f"It could not be started within {limit_s:g} s of its instant"
        _skip_until(turn, job, timetable, before, Skip.LATE, message)


def _serve(turn: Turn, job: Job, timetable: Timetable) -> None:
    standing = turn.state.standing_of(job.name)
    if standing.due is None or standing.due > turn.instant:
        return
    most, reason, message = _catch_up(job.spec)
    passed, first = standing.passed, standing.due
    served = timetables.newest(timetable, passed, first, turn.instant, most)
    if served and served[0] > first:
        _skip_until(turn, job, timetable, Instant(served[0] - 1), reason, message)
    _advance(turn, job, timetable, turn.instant)
    for instant in served:
        runs.make(turn, job, instant, Cause.CLOCK, not_before=instant / 1000 + spread_s(job.spec))


def _catch_up(spec: JobSpec) -> tuple[int, Skip, str]:
    """How many instants are caught up with, and what is said of older ones."""
    match spec.catch_up:
        case CatchUp.ONE:
            return 1, Skip.MERGED, "A newer instant stands for it"
        case CatchUp.NONE:
            message = f"More than {WAITING_PER_JOB_MAX} instants of the job waited"
            return WAITING_PER_JOB_MAX, Skip.SURPLUS, message
        case CatchUp.ALL:
            most = spec.catch_up_max
            return most, Skip.SURPLUS, f"The newest {most} are caught up with"


def _skip_until(
    turn: Turn, job: Job, timetable: Timetable, until: Instant, reason: Skip, message: str
) -> None:
    standing = turn.state.standing_of(job.name)
    if standing.due is None or standing.due > until:
        return
    first = standing.due
    passing = timetables.passing(timetable, standing.passed, first, until)
    _advance(turn, job, timetable, until)
    runs.skip(turn, job, first, reason, message, count=passing.count, until=passing.newest)


def _advance(turn: Turn, job: Job, timetable: Timetable, until: Instant) -> None:
    standing = turn.state.standing_of(job.name)
    passing = timetables.passing(timetable, standing.passed, standing.due, until)
    turn.change(StandingChanged(replace(standing, passed=passing.passed, due=passing.due)))
