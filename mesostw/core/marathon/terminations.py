"""How instances end, and which of their ends are remembered."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from mesostw.core.framework.exits import exit_status_of
from mesostw.core.marathon import watching
from mesostw.core.marathon.changes import (
    InstanceRemoved,
    TerminationForgotten,
    TerminationKept,
)
from mesostw.core.marathon.events import InstanceMoved
from mesostw.core.marathon.flags import MESSAGE_CHARS_MAX, TERMINATIONS_MAX
from mesostw.core.marathon.records import Condition, Instance, Termination
from mesostw.core.marathon.turn import Turn
from mesostw.model.apps import AppId
from mesostw.model.tasks import TaskState

#: How the reason of a kill for bad health begins; such an end counts as a failure.
UNHEALTHY: Final = "Task was killed since health check failed. Reason: "

#: Ends that the API shows as ``lastTaskFailure``.
_FAILURES: Final = frozenset(
    {
        TaskState.TASK_FAILED,
        TaskState.TASK_ERROR,
        TaskState.TASK_LOST,
        TaskState.TASK_DROPPED,
        TaskState.TASK_GONE,
        TaskState.TASK_GONE_BY_OPERATOR,
        TaskState.TASK_UNKNOWN,
    }
)


class End(Struct, frozen=True, gc=False):
    """What is known of an end, from a status or from our own decision to wait no longer."""

    condition: Condition
    state: TaskState
    message: str = ""
    reason: str = ""
    #: Whether the agent's executor killed it for bad health.
    unhealthy: bool = False


def ended(turn: Turn, instance: Instance, end: End) -> None:
    """Forget an instance, and remember how it ended if its app is still wished."""
    watching.ended(turn, instance)
    turn.live.earned.discard(instance.id)
    turn.live.health_told.pop(instance.id, None)
    turn.live.health_said.pop(instance.id, None)
    turn.live.kills_said.pop(instance.id, None)
    if instance.app_id in turn.state.apps:
        _keep(turn, instance, end)
    turn.change(InstanceRemoved(instance))
    turn.tell(moved(turn, instance, end.condition))
    turn.mark(instance.app_id)


def moved(turn: Turn, instance: Instance, condition: Condition) -> InstanceMoved:
    """What the event stream tells of an instance that is in another condition."""
    return InstanceMoved(
        at=turn.now.wall,
        instance_id=instance.id,
        condition=condition,
        app_id=instance.app_id,
        agent_id=instance.agent_id,
        hostname=instance.hostname,
        version=instance.version,
    )


def forgotten(turn: Turn, app_id: AppId) -> None:
    """Forget every end of an app that goes."""
    for number in tuple(turn.state.terminations.get(app_id, ())):
        turn.change(TerminationForgotten(app_id, number))


def _keep(turn: Turn, instance: Instance, end: End) -> None:
    kept = turn.state.terminations.get(instance.app_id, {})
    for_health = instance.doom.startswith(UNHEALTHY)
    message = instance.doom if for_health else end.message
    termination = Termination(
        app_id=instance.app_id,
        number=max(kept, default=0) + 1,
        instance_id=instance.id,
        task_id=instance.task_id,
        agent_id=instance.agent_id,
        hostname=instance.hostname,
        version=instance.version,
        state=end.state,
        message=message[:MESSAGE_CHARS_MAX],
        reason=end.reason,
        ended=turn.now.wall,
        started=instance.started_at,
        doom=instance.doom,
        exit_status=exit_status_of(end.state, end.message),
        is_failure=for_health or end.unhealthy or end.state in _FAILURES,
    )
    turn.change(TerminationKept(termination))
    for number in sorted(kept)[: max(0, len(kept) - TERMINATIONS_MAX)]:
        turn.change(TerminationForgotten(instance.app_id, number))
