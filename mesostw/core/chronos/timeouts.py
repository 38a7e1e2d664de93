"""
Runs that are away for too long, or take too long, by the steady clock.

What is left of either when a life begins is told by the wall clock; a wall clock that was set
meanwhile makes neither longer than it is.
"""

from __future__ import annotations

from mesostw.core.chronos import ends, kills
from mesostw.core.chronos.flags import COMPLETION_GRACE_S
from mesostw.core.chronos.records import Run, RunState
from mesostw.core.chronos.turn import Turn
from mesostw.core.scheduling import KillTask
from mesostw.model.jobs import JobSpec

_UNREACHABLE_S = 300.0


def restored(turn: Turn) -> None:
    """Go on with what an earlier life was waiting for."""
    for run_id in tuple(turn.state.out.values()):
        run = turn.state.under_way[run_id]
        went_away(turn, run)
        started(turn, run)


def went_away(turn: Turn, run: Run) -> None:
    """The agent of a run is away: it is waited for."""
    if run.unreachable_since is None:
        return
    spec = _spec_of(turn, run)
    limit_s = _UNREACHABLE_S if spec is None else spec.unreachable_seconds
    turn.live.away_until[run.id] = turn.now.steady + _left_s(turn, run.unreachable_since, limit_s)


def came_back(turn: Turn, run: Run) -> None:
    """It is known again what a run does."""
    if run.unreachable_since is None:
        turn.live.away_until.pop(run.id, None)


def started(turn: Turn, run: Run) -> None:
    """A run's time begins when it runs; its agent is the first to end it."""
    spec = _spec_of(turn, run)
    if run.started_at is None or spec is None or not spec.max_completion_time:
        return
    if run.id not in turn.live.runs_until:
        limit_s = spec.max_completion_time + COMPLETION_GRACE_S
        turn.live.runs_until[run.id] = turn.now.steady + _left_s(turn, run.started_at, limit_s)


def ticked(turn: Turn) -> None:
    """End what has been away, or has run, for too long."""
    now = turn.now.steady
    for run_id, until in list(turn.live.runs_until.items()):
        run = turn.state.under_way.get(run_id)
        if run is None or not run.is_out:
            del turn.live.runs_until[run_id]
        elif now >= until:
            kills.kill(turn, run, _too_long(turn, run), fails=True)
    if not turn.live.registered:
        # Nobody knows what has come back meanwhile.
        return
    for run_id, until in list(turn.live.away_until.items()):
        run = turn.state.under_way.get(run_id)
        if run is None or not run.is_out:
            del turn.live.away_until[run_id]
        elif now >= until:
            _gave_up(turn, run)


def _gave_up(turn: Turn, run: Run) -> None:
    """Wait no longer for an agent; should it come back, the task is a stranger and killed."""
    if run.task_id is not None:
        turn.do(KillTask(run.task_id, run.agent_id))
    is_wished = run.doom and not run.doom_fails
    message = f"Its agent {run.hostname} was away for too long"
    ends.end(turn, run, RunState.KILLED if is_wished else RunState.FAILED, message)


def _too_long(turn: Turn, run: Run) -> str:
    spec = _spec_of(turn, run)
    limit_s = 0 if spec is None else spec.max_completion_time
    return f"It took longer than maxCompletionTime, {limit_s} s"


def _spec_of(turn: Turn, run: Run) -> JobSpec | None:
    job = turn.state.jobs.get(run.job)
    return None if job is None or job.created != run.incarnation else job.spec


def _left_s(turn: Turn, since: float, limit_s: float) -> float:
    return min(limit_s, max(0.0, limit_s - (turn.now.wall - since)))
