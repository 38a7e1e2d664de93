"""Instances on agents that are away: when they are replaced, and when forgotten."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mesostw.core.marathon import everywhere, kills, terminations
from mesostw.core.marathon.changes import InstanceChanged
from mesostw.core.marathon.fitness import spec_of
from mesostw.core.marathon.records import Condition, Instance
from mesostw.core.marathon.turn import Turn
from mesostw.core.scheduling import AgentFailed

#: How often instances are looked through for those that are away, or start too slowly.
LOOK_INTERVAL_S: Final = 5.0


def condition_of(turn: Turn, instance: Instance, since: float) -> Condition:
    """
    What an instance is whose agent has been away ``since`` a wall second.

    ``UNREACHABLE_INACTIVE`` ones are replaced; without a strategy nothing ever is.
    """
    spec = spec_of(turn.state, instance)
    strategy = None if spec is None else spec.unreachable_strategy
    if strategy is None or turn.now.wall - since < strategy.inactive_after_seconds:
        return Condition.UNREACHABLE
    return Condition.UNREACHABLE_INACTIVE


def agent_failed(turn: Turn, heard: AgentFailed) -> None:
    """An agent is lost, or an executor has ended; statuses tell what becomes of their tasks."""
    everywhere.agent_failed(turn, heard)


def connected(turn: Turn) -> None:
    """A master is there: what was away or started may run, so first let it say what it knows."""
    asked = turn.now.steady + turn.flags.reconciliation_initial_delay_s
    turn.live.launches_due = turn.live.away_due = asked + LOOK_INTERVAL_S
    turn.live.expunge_due = asked + turn.flags.task_lost_expunge_interval_s


def ticked(turn: Turn) -> None:
    """
    Have instances replaced, and each ``task_lost_expunge_interval_s`` some forgotten.

    Without a master nobody knows what has come back meanwhile.
    """
    if not turn.live.registered:
        return
    now = turn.now.steady
    forgets = now >= turn.live.expunge_due
    if now < turn.live.away_due and not forgets:
        return
    turn.live.away_due = now + LOOK_INTERVAL_S
    if forgets:
        turn.live.expunge_due = now + turn.flags.task_lost_expunge_interval_s
    away = [one for one in turn.state.instances.values() if one.is_away]
    for instance in away:
        if forgets and _is_over(turn, instance):
            kills.gave_up(turn, instance)
        elif instance.condition is Condition.UNREACHABLE:
            _judge(turn, instance)


def _judge(turn: Turn, instance: Instance) -> None:
    condition = condition_of(turn, instance, _since(turn, instance))
    if condition is not instance.condition:
        turn.change(InstanceChanged(replace(instance, condition=condition, since=turn.now.wall)))
        turn.tell(terminations.moved(turn, instance, condition))
        turn.mark(instance.app_id)


def _is_over(turn: Turn, instance: Instance) -> bool:
    spec = spec_of(turn.state, instance)
    if spec is None:
        # Nobody wishes it any more.
        return True
    strategy = spec.unreachable_strategy
    away_s = turn.now.wall - _since(turn, instance)
    return strategy is not None and away_s >= strategy.expunge_after_seconds


def _since(turn: Turn, instance: Instance) -> float:
    since = instance.unreachable_since
    return turn.now.wall if since is None else since
