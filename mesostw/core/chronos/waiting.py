"""
Which of a job's runs that wait may be launched: by its concurrency, one look at a time.

A run is in the way of others while it has a task or may have one, and while it waits to be
tried again.  Backfills and runs that somebody asked for wait beside the others: they are
neither merged nor skipped.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from mesostw.core.chronos import kills, runs
from mesostw.core.chronos.changes import RunChanged
from mesostw.core.chronos.instants import deadline_s, spread_s
from mesostw.core.chronos.records import Cause, Job, Run, RunState, Skip
from mesostw.core.chronos.turn import Turn
from mesostw.model.jobs import CatchUp, Concurrency

#: Causes of which a newer run may stand for an older one.
_MERGED = frozenset({Cause.CLOCK, Cause.PARENTS})
REPLACED = "Replaced by a newer run"


def settle(turn: Turn, job: Job) -> float | None:
    """
    Decide on a job's runs that wait.

    :return: the wall second at which there is more to decide; ``None`` if nothing waits for
        a time
    """
    _launch_again(turn, job)
    waiting = _waiting(turn, job)
    if not waiting:
        return None
    if job.spec.disabled:
        for run in waiting:
            runs.drop(turn, job, run, Skip.DISABLED, "The job was disabled while it waited")
        return None
    if turn.state.pause is not None:
        for run in waiting:
            _set_ready(turn, run, ready=False)
        return None
    times = [one for run in waiting if (one := _deadline(turn, job, run)) is not None]
    waiting = _waiting(turn, job)
    wall = turn.now.wall
    left = {run.id: _left_s(turn, run) for run in waiting}
    times.extend(wall + left_s for left_s in left.values() if left_s > 0.0)
    _decide(turn, job, [run for run in waiting if left[run.id] <= 0.0])
    return min(times, default=None)


def _launch_again(turn: Turn, job: Job) -> None:
    """
    Runs that were launched, of which the master has said that it knows nothing.

    They may have been allowed to overlap when their job was another: one at a time by now.
    """
    live = turn.state.live_of(job.name).values()
    again = [run for run in live if run.state is RunState.LAUNCHING and run.task_id is None]
    most = len(again)
    if again and job.spec.concurrency is not Concurrency.ALLOW:
        again.sort(key=lambda run: (run.instant, run.made))
        is_taken = sum(is_out(turn, run) for run in live) > len(again)
        most = 0 if is_taken else 1
    if turn.state.pause is not None:
        most = 0
    for number, run in enumerate(again):
        _set_ready(turn, run, ready=number < most)


def is_out(turn: Turn, run: Run) -> bool:
    """Whether a run has a task, or may have one."""
    return run.is_out or run.id in turn.live.unsure


def is_busy(turn: Turn, job: Job) -> bool:
    """Whether a run is in the way of others of its job."""
    return any(
        is_out(turn, run) or run.cause is Cause.RETRY
        for run in turn.state.live_of(job.name).values()
        if run.incarnation == job.created
    )


def _waiting(turn: Turn, job: Job) -> list[Run]:
    """Runs that wait, retries first, then by their instant."""
    found = [
        run
        for run in turn.state.live_of(job.name).values()
        if run.state is RunState.WAITING and run.incarnation == job.created
    ]
    found.sort(key=lambda run: (run.cause is not Cause.RETRY, run.instant, run.made))
    return found


def _left_s(turn: Turn, run: Run) -> float:
    """How long a run has to wait yet: a distance, which no wall clock that is set changes."""
    if not run.not_before:
        return 0.0
    start = turn.live.starts_at.get(run.id)
    if start is None:
        whole_s = max(0.0, run.not_before - run.made)
        left_s = min(whole_s, max(0.0, run.not_before - turn.now.wall))
        start = turn.live.starts_at[run.id] = turn.now.steady + left_s
    # Less than this is lost in sums of floats.
    return left_s if (left_s := start - turn.now.steady) > 0.001 else 0.0


def _deadline(turn: Turn, job: Job, run: Run) -> float | None:
    """Skip a run that is too late by now; else tell when it will be."""
    if run.cause is not Cause.CLOCK or run.attempt:
        return None
    limit_s = deadline_s(turn, job.spec)
    if limit_s is None:
        return None
    limit_s += spread_s(job.spec)
    last = run.instant / 1000 + limit_s
    if turn.now.wall > last:
        message = f"It could not be started within {limit_s:g} s of its instant"
        runs.drop(turn, job, run, Skip.LATE, message)
        return None
    return last + 0.001


# --- by concurrency -------------------------------------------------------------------


def _decide(turn: Turn, job: Job, waiting: list[Run]) -> None:
    chosen = {run.id for run in _chosen(turn, job, waiting)}
    for run in waiting:
        _set_ready(turn, run, ready=run.id in chosen)


def _chosen(turn: Turn, job: Job, waiting: list[Run]) -> list[Run]:
    """What may be launched; what is stood for or skipped by that ends here."""
    match job.spec.concurrency:
        case Concurrency.ALLOW:
            return waiting
        case Concurrency.SKIP:
            return _skipping(turn, job, waiting)
        case Concurrency.QUEUE if job.spec.catch_up is CatchUp.ALL:
            return _one(turn, job, waiting)
        case Concurrency.QUEUE:
            return _one(turn, job, _merged(turn, job, waiting))
        case Concurrency.REPLACE:
            return _replacing(turn, job, _merged(turn, job, waiting))


def _one(turn: Turn, job: Job, waiting: list[Run]) -> list[Run]:
    """The first, if nothing is in its way."""
    live = turn.state.live_of(job.name).values()
    mine = [run for run in live if run.incarnation == job.created]
    if not waiting or any(is_out(turn, run) for run in mine):
        return []
    retries = any(run.cause is Cause.RETRY for run in mine)
    if retries and waiting[0].cause is not Cause.RETRY:
        return []
    return waiting[:1]


def _skipping(turn: Turn, job: Job, waiting: list[Run]) -> list[Run]:
    if is_busy(turn, job):
        for run in waiting:
            if run.cause in _MERGED:
                runs.drop(turn, job, run, Skip.BUSY, "Another run of the job had not ended")
    return _one(turn, job, _still(turn, waiting))


def _merged(turn: Turn, job: Job, waiting: list[Run]) -> list[Run]:
    """Have the newest stand for all; it follows the parents of all."""
    older = [run for run in waiting if run.cause in _MERGED]
    if len(older) < 2:
        return waiting
    newest = older.pop()
    parents = dict(pair for run in (*older, newest) for pair in run.parents)
    for run in older:
        runs.drop(turn, job, run, Skip.MERGED, "A newer instant stands for it")
    joined = replace(newest, parents=tuple(parents.items()))
    if joined != newest:
        turn.change(RunChanged(joined))
    return _still(turn, waiting)


def _replacing(turn: Turn, job: Job, waiting: list[Run]) -> list[Run]:
    if any(run.cause is not Cause.RETRY for run in waiting):
        for run in list(turn.state.live_of(job.name).values()):
            if run.incarnation != job.created:
                continue
            if is_out(turn, run):
                kills.kill(turn, run, REPLACED)
            elif run.cause is Cause.RETRY:
                runs.drop(turn, job, run, Skip.MERGED, REPLACED)
    return _one(turn, job, _still(turn, waiting))


def _still(turn: Turn, waiting: Iterable[Run]) -> list[Run]:
    known = turn.state.under_way
    return [
        known[run.id]
        for run in waiting
        if run.id in known and known[run.id].state is RunState.WAITING
    ]


def _set_ready(turn: Turn, run: Run, *, ready: bool) -> None:
    if not ready:
        turn.live.ready.pop(run.id, None)
    elif run.id in turn.state.under_way and run.id not in turn.live.ready:
        turn.live.ready[run.id] = None
        turn.live.wishes = True
