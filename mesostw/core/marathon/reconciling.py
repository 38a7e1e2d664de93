"""Asking the master what it believes, so that nothing that was missed stays missed."""

from __future__ import annotations

from mesostw.core.framework.reconciling import EVERYTHING, questions
from mesostw.core.marathon.flags import RECONCILE_TASKS_MAX
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.words import ReconcileDue
from mesostw.core.outcome import Arm, Disarm


def begun(turn: Turn) -> None:
    """A master is there: ask once agents have had time to return to it."""
    turn.do(Arm(ReconcileDue(), turn.flags.reconciliation_initial_delay_s))


def stopped(turn: Turn) -> None:
    """No master is there to be asked."""
    turn.do(Disarm(ReconcileDue()))


def due(turn: Turn) -> None:
    """Ask after each task that is known, then after those that are not."""
    if not turn.live.registered:
        return
    tasks = ((one.task_id, one.agent_id) for one in turn.state.instances.values())
    for question in questions(tasks, RECONCILE_TASKS_MAX):
        turn.do(question)
    turn.do(EVERYTHING)
    turn.do(Arm(ReconcileDue(), turn.flags.reconciliation_interval_s))
