"""
Making runs, and records of instants that no run is made for.

There is at most one run of each (job, incarnation, instant, attempt): whoever makes one looks
there first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from mesostw.core.chronos import notices
from mesostw.core.chronos.changes import RunChanged, RunForgotten
from mesostw.core.chronos.records import Cause, Job, Run, RunState, Skip
from mesostw.core.chronos.state import Attempt
from mesostw.core.chronos.turn import Turn
from mesostw.model.jobs import Instant, JobName, RunId

#: Causes of which the instant is nominal; that of others moves on until it is free.
_NOMINAL: Final = frozenset({Cause.CLOCK, Cause.BACKFILL, Cause.RETRY})
_NO_VARIABLES: Final[Mapping[str, str]] = {}


def make(
    turn: Turn,
    job: Job,
    instant: Instant,
    cause: Cause,
    *,
    attempt: int = 0,
    keeps_instant: bool = False,
    not_before: float = 0.0,
    by: str = "",
    arguments: str | None = None,
    environment: Mapping[str, str] = _NO_VARIABLES,
    parents: tuple[tuple[JobName, RunId], ...] = (),
    retries: RunId | None = None,
) -> Run:
    """
    Have a job run once; it waits for what it needs.

    :param attempt: the least that it may be, if the instant is nominal
    :param keeps_instant: the instant is nominal, though the cause is not the clock
    """
    if keeps_instant or cause in _NOMINAL:
        attempt = _free_attempt(turn, job, instant, attempt)
    else:
        instant = _free_instant(turn, job, instant, attempt)
    wall = turn.now.wall
    run = Run(
        id=RunId(turn.names.next()),
        job=job.name,
        incarnation=job.created,
        instant=instant,
        cause=cause,
        made=wall,
        since=wall,
        attempt=attempt,
        not_before=not_before,
        by=by,
        arguments=arguments,
        environment=environment,
        parents=parents,
        retries=retries,
    )
    turn.change(RunChanged(run))
    if not_before > wall:
        # From here on it is a distance, whatever becomes of the wall clock until it is looked at.
        turn.live.starts_at[run.id] = turn.now.steady + not_before - wall
    turn.mark(job.name)
    return run


def _free_attempt(turn: Turn, job: Job, instant: Instant, attempt: int) -> int:
    while turn.state.at(Attempt(job.name, job.created, instant, attempt)) is not None:
        attempt += 1
    return attempt


def _free_instant(turn: Turn, job: Job, instant: Instant, attempt: int) -> Instant:
    while turn.state.at(Attempt(job.name, job.created, instant, attempt)) is not None:
        instant = Instant(instant + 1)
    return instant


# --- what is not served -------------------------------------------------------------


def skip(
    turn: Turn,
    job: Job,
    instant: Instant,
    reason: Skip,
    message: str,
    *,
    count: int = 1,
    until: Instant | None = None,
) -> None:
    """
    Keep that instants passed: ``count`` of them, from ``instant`` to ``until``.

    If the last that ended was skipped for the same reason, it stands for these too.
    """
    last = _last_ended(turn, job)
    if last is not None and last.skip is reason and last.cause is Cause.CLOCK:
        extended = replace(
            last,
            skipped=last.skipped + count,
            skipped_until=until or instant,
            message=message,
        )
        turn.change(RunChanged(extended))
        return
    wall = turn.now.wall
    run = Run(
        id=RunId(turn.names.next()),
        job=job.name,
        incarnation=job.created,
        instant=instant,
        cause=Cause.CLOCK,
        made=wall,
        since=wall,
        attempt=_free_attempt(turn, job, instant, 0),
        state=RunState.SKIPPED,
        ended_at=wall,
        message=message,
        skip=reason,
        skipped=count,
        skipped_until=until,
    )
    turn.change(RunChanged(run))
    _told(turn, job, run)
    prune(turn, job)


def drop(turn: Turn, job: Job, run: Run, reason: Skip, message: str) -> None:
    """Skip a run that waited, and was never launched."""
    wall = turn.now.wall
    turn.live.ready.pop(run.id, None)
    turn.live.starts_at.pop(run.id, None)
    dropped = replace(
        run, state=RunState.SKIPPED, since=wall, ended_at=wall, skip=reason, message=message
    )
    turn.change(RunChanged(dropped))
    _told(turn, job, dropped)
    prune(turn, job)


def prune(turn: Turn, job: Job) -> None:
    """Forget ended runs beyond those that a job keeps, the first to end first."""
    ended = turn.state.ended_of(job.name)
    surplus = len(ended) - job.spec.history_limit
    for run in ended.first(surplus):
        turn.change(RunForgotten(run))


def _last_ended(turn: Turn, job: Job) -> Run | None:
    last = next(reversed(turn.state.ended_of(job.name)), None)
    return last if last is not None and last.incarnation == job.created else None


def _told(turn: Turn, job: Job, run: Run) -> None:
    standing = turn.state.standing_of(job.name)
    notices.ended(turn, job, standing, standing, run)
