"""Ending runs that somebody, or a rule, wants no more: said again until they have ended."""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.chronos import ends
from mesostw.core.chronos.changes import RunChanged
from mesostw.core.chronos.flags import KILL_RETRY_S
from mesostw.core.chronos.records import Run, RunState
from mesostw.core.chronos.turn import Turn
from mesostw.core.scheduling import KillTask

#: Runs without a task that could be ended.
_TASKLESS = frozenset({RunState.WAITING, RunState.AWAITED})


def kill(turn: Turn, run: Run, doom: str, *, fails: bool = False) -> None:
    """
    End a run; saying it again changes nothing.

    :param doom: why, for people; not empty.
    :param fails: it counts as a failure, that may be tried again.
    """
    found = turn.state.under_way.get(run.id)
    if found is None or found.is_ended:
        return
    if found.state in _TASKLESS or found.task_id is None:
        ends.end(turn, found, RunState.FAILED if fails else RunState.KILLED, doom)
        return
    if found.doom and (fails or not found.doom_fails):
        return
    doomed = replace(found, doom=doom, doomed_at=found.doomed_at or turn.now.wall, doom_fails=fails)
    turn.change(RunChanged(doomed))
    turn.mark(run.job)
    _say(turn, doomed)


def connected(turn: Turn) -> None:
    """A master knows us: what was said to one before may have been lost on the way."""
    for run in _doomed(turn):
        _say(turn, run)


def ticked(turn: Turn) -> None:
    """Say again what has not led to an end in ``KILL_RETRY_S``."""
    if not turn.live.registered:
        return
    for run_id, at in list(turn.live.kills_said.items()):
        run = turn.state.under_way.get(run_id)
        if run is not None and run.is_out and turn.now.steady >= at + KILL_RETRY_S:
            _say(turn, run)


def _doomed(turn: Turn) -> list[Run]:
    found = (turn.state.under_way[run_id] for run_id in turn.state.out.values())
    return [run for run in found if run.doom]


def _say(turn: Turn, run: Run) -> None:
    if run.task_id is not None and turn.live.registered:
        turn.live.kills_said[run.id] = turn.now.steady
        turn.do(KillTask(run.task_id, run.agent_id))
