"""
Ends of runs: the one place where counters, retries, dependents, history and notices follow.

Everything that follows from an end is kept with it, so each end counts once.
"""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.chronos import firing, notices, runs, statistics, wishing
from mesostw.core.chronos.changes import RunChanged, RunForgotten, StandingChanged
from mesostw.core.chronos.flags import MESSAGE_CHARS_MAX
from mesostw.core.chronos.records import Cause, Job, Run, RunState, Standing
from mesostw.core.chronos.turn import Turn
from mesostw.core.framework.exits import exit_status_of
from mesostw.model.jobs import JobSpec
from mesostw.model.tasks import TaskState

#: Of the delay before a retry that waits longer each time: by chance so much longer at most,
#: that what failed together does not come back together.
_JITTER = 0.1


def end(
    turn: Turn,
    run: Run,
    state: RunState,
    message: str = "",
    *,
    reason: str = "",
    task_state: TaskState | None = None,
) -> None:
    """End a run as ``SUCCEEDED``, ``FAILED`` or ``KILLED``."""
    ended = replace(
        run,
        state=state,
        since=turn.now.wall,
        ended_at=turn.now.wall,
        message=message[:MESSAGE_CHARS_MAX],
        reason=reason,
        task_state=task_state or run.task_state,
        exit_status=None if task_state is None else exit_status_of(task_state, message),
        unreachable_since=None,
    )
    turn.change(RunChanged(ended))
    _forget_live(turn, run)
    turn.mark(run.job)
    job = turn.state.jobs.get(run.job)
    if job is None or job.created != run.incarnation:
        turn.change(RunForgotten(ended))
        return
    _count(turn, job, ended)
    runs.prune(turn, job)


def marked(turn: Turn, job: Job, by: str) -> Run:
    """Count a success that somebody only says."""
    run = runs.make(turn, job, turn.instant, Cause.MARKED, by=by)
    end(turn, run, RunState.SUCCEEDED, f"Marked as a success{f' by {by}' if by else ''}")
    return turn.state.run_of(job.name, run.id) or run


def _forget_live(turn: Turn, run: Run) -> None:
    live = turn.live
    for table in (
        live.ready,
        live.unsure,
        live.kills_said,
        live.heard,
        live.launched,
        live.starts_at,
        live.away_until,
        live.runs_until,
    ):
        table.pop(run.id, None)


# --- what follows -------------------------------------------------------------------


def _count(turn: Turn, job: Job, run: Run) -> None:
    before = turn.state.standing_of(job.name)
    match run.state:
        case RunState.SUCCEEDED:
            _settle(turn, job, run, before, _succeeded(before, run))
            firing.arrived(turn, run, well=True)
        case RunState.FAILED if run.attempt < job.spec.retries and not job.spec.disabled:
            _retry(turn, job, run)
            notices.ended(turn, job, before, before, run)
        case RunState.FAILED:
            after = replace(
                before,
                error_count=before.error_count + 1,
                errors_since_last_success=before.errors_since_last_success + 1,
                last_error=turn.now.wall,
            )
            _settle(turn, job, run, before, after)
            firing.arrived(turn, run, well=job.spec.soft_error)
            _disable(turn, job, after)
        case _:
            notices.ended(turn, job, before, before, run)


def _settle(turn: Turn, job: Job, run: Run, before: Standing, after: Standing) -> None:
    turn.change(StandingChanged(after))
    notices.ended(turn, job, before, after, run)


def _succeeded(before: Standing, run: Run) -> Standing:
    at = run.since
    durations = before.durations
    if run.cause is not Cause.MARKED:
        durations = statistics.with_duration(durations, at * 1000 - run.instant)
    return replace(
        before,
        success_count=before.success_count + 1,
        errors_since_last_success=0,
        last_success=at,
        durations=durations,
    )


def _retry(turn: Turn, job: Job, run: Run) -> None:
    delay_s = _delay_s(turn, job.spec, run.attempt)
    runs.make(
        turn,
        job,
        run.instant,
        Cause.RETRY,
        attempt=run.attempt + 1,
        not_before=turn.now.wall + delay_s,
        by=run.by,
        arguments=run.arguments,
        environment=run.environment,
        parents=run.parents,
        retries=run.id,
    )


def _delay_s(turn: Turn, spec: JobSpec, attempt: int) -> float:
    base = spec.retry_delay_seconds
    delay_s = turn.flags.failure_retry_s if base is None else base
    if spec.retry_factor == 1.0:
        return delay_s
    for _ in range(attempt):
        delay_s *= spec.retry_factor
        if delay_s >= spec.retry_delay_max_seconds:
            break
    delay_s = min(delay_s, spec.retry_delay_max_seconds)
    return delay_s * (1.0 + _JITTER * turn.chance.random())


def _disable(turn: Turn, job: Job, standing: Standing) -> None:
    own = job.spec.disable_after_failures
    limit = turn.flags.disable_after_failures if own is None else own
    if limit and standing.errors_since_last_success >= limit and not job.spec.disabled:
        wishing.disable(turn, job, "failures")
