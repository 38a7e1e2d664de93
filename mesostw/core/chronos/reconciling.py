"""
Asking the master what became of tasks, so that nothing that was missed stays missed.

Of what an earlier life has launched, or of what went on while no master heard us, nothing is
sure until the master has answered for it: that is asked at once, then after 1, 2, 4, 8, 15,
15 .. seconds.  A master is silent as long as an agent may still come back.
"""

from __future__ import annotations

from mesostw.core.chronos.flags import (
    LAUNCH_CONFIRM_S,
    RECONCILE_RETRY_MAX_S,
    RECONCILE_RETRY_S,
    RECONCILE_TASKS_MAX,
)
from mesostw.core.chronos.live import Asking
from mesostw.core.chronos.records import Run, RunState
from mesostw.core.chronos.turn import Turn
from mesostw.core.chronos.words import ReconcileDue
from mesostw.core.framework.reconciling import EVERYTHING, questions
from mesostw.core.outcome import Arm, Disarm


def restored(turn: Turn) -> None:
    """Nothing of what an earlier life had out is sure."""
    for run_id in turn.state.out.values():
        if _may_be_asked(turn.state.under_way[run_id]):
            turn.live.unsure[run_id] = Asking(RECONCILE_RETRY_S, turn.now.steady)


def begun(turn: Turn) -> None:
    """A master is there: ask at once after all that is out."""
    for run_id in turn.state.out.values():
        if _may_be_asked(turn.state.under_way[run_id]):
            turn.live.unsure[run_id] = Asking(RECONCILE_RETRY_S, turn.now.steady)
    ticked(turn)
    turn.do(Arm(ReconcileDue(), turn.flags.reconciliation_interval_s))


def stopped(turn: Turn) -> None:
    """No master is there to be asked."""
    turn.do(Disarm(ReconcileDue()))


def due(turn: Turn) -> None:
    """Ask after each task that is known, then after those that are not."""
    if not turn.live.registered:
        return
    _ask(turn, [turn.state.under_way[run_id] for run_id in turn.state.out.values()])
    turn.do(EVERYTHING)
    turn.do(Arm(ReconcileDue(), turn.flags.reconciliation_interval_s))


def ticked(turn: Turn) -> None:
    """Ask again after what the master has not answered for."""
    if not turn.live.registered:
        return
    now, live = turn.now.steady, turn.live
    for run_id, at in list(live.launched.items()):
        if now >= at + LAUNCH_CONFIRM_S:
            del live.launched[run_id]
            live.unsure[run_id] = Asking(RECONCILE_RETRY_S, now)
    asked: list[Run] = []
    for run_id, asking in list(live.unsure.items()):
        run = turn.state.under_way.get(run_id)
        if run is None or not _may_be_asked(run):
            del live.unsure[run_id]
        elif now >= asking.due:
            asked.append(run)
            asking.due = now + asking.delay_s
            asking.delay_s = min(RECONCILE_RETRY_MAX_S, asking.delay_s * 2)
    _ask(turn, asked)


def _ask(turn: Turn, runs: list[Run]) -> None:
    tasks = (
        (run.task_id, run.agent_id)
        for run in runs
        if run.task_id is not None and _may_be_asked(run)
    )
    for question in questions(tasks, RECONCILE_TASKS_MAX):
        turn.do(question)


def _may_be_asked(run: Run) -> bool:
    """Whether a run has a task; that of one that is awaited is over."""
    return run.is_out and run.task_id is not None and run.state is not RunState.AWAITED
