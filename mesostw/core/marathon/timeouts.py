"""Launches that take too long are given up, and tried again."""

from __future__ import annotations

from mesostw.core.marathon import kills
from mesostw.core.marathon.records import Condition, Instance
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.unreachable import LOOK_INTERVAL_S


def ticked(turn: Turn) -> None:
    """
    Kill what nobody has confirmed, or what has not become running, in its time.

    Without a master nothing could have been confirmed.
    """
    if not turn.live.registered or turn.now.steady < turn.live.launches_due:
        return
    turn.live.launches_due = turn.now.steady + LOOK_INTERVAL_S
    for instance in tuple(turn.state.instances.values()):
        if not instance.is_doomed and _is_overdue(turn, instance):
            kills.kill(turn, instance, f"Not running in time: {instance.condition.value}")


def _is_overdue(turn: Turn, instance: Instance) -> bool:
    if instance.condition is Condition.PROVISIONED:
        waited_s = turn.now.wall - instance.since
        return waited_s > turn.flags.task_launch_confirm_timeout_s
    if instance.condition in (Condition.STAGING, Condition.STARTING):
        return turn.now.wall - instance.staged_at > turn.flags.task_launch_timeout_s
    return False
