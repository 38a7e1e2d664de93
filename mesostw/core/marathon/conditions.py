"""What a task's status says of its instance, and which word may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mesostw.core.marathon.records import TERMINAL_CONDITIONS, Condition
from mesostw.messages.tasks import TaskStatus, TaskStatusReason
from mesostw.model.tasks import TaskState

_C: Final = Condition
_S: Final = TaskState

_CONDITIONS: Final[Mapping[TaskState, Condition]] = {
    _S.TASK_STAGING: _C.STAGING,
    _S.TASK_STARTING: _C.STARTING,
    _S.TASK_RUNNING: _C.RUNNING,
    _S.TASK_KILLING: _C.KILLING,
    _S.TASK_FINISHED: _C.FINISHED,
    _S.TASK_FAILED: _C.FAILED,
    _S.TASK_KILLED: _C.KILLED,
    _S.TASK_ERROR: _C.ERROR,
    _S.TASK_DROPPED: _C.DROPPED,
    _S.TASK_UNREACHABLE: _C.UNREACHABLE,
    _S.TASK_GONE: _C.GONE,
    _S.TASK_GONE_BY_OPERATOR: _C.GONE,
    _S.TASK_UNKNOWN: _C.UNKNOWN,
}

#: Reasons of TASK_LOST after which the task may come back.
_MAY_COME_BACK: Final = frozenset(
    {
        TaskStatusReason.REASON_RECONCILIATION,
        TaskStatusReason.REASON_AGENT_DISCONNECTED,
        TaskStatusReason.REASON_AGENT_REMOVED,
    }
)

#: How a master says in words that a lost task will not come back.
_UNKNOWN_TASK: Final = "Reconciliation: Task is unknown to the"

#: A life in order; nothing goes back in it.
_ORDER: Final = (_C.PROVISIONED, _C.STAGING, _C.STARTING, _C.RUNNING, _C.KILLING)
_AWAY: Final = frozenset({_C.UNREACHABLE, _C.UNREACHABLE_INACTIVE})


def _followers(condition: Condition) -> frozenset[Condition]:
    if condition in TERMINAL_CONDITIONS:
        return frozenset()
    if condition in _AWAY:
        # An agent that comes back says what its tasks are.
        return TERMINAL_CONDITIONS | frozenset(_ORDER[1:]) | {_C.UNREACHABLE}
    later = _ORDER[max(1, _ORDER.index(condition)) :]
    return TERMINAL_CONDITIONS | frozenset(later) | {_C.UNREACHABLE}


#: What may be said of an instance in each condition, the same again included; everything else
#: is late, and changes nothing.
MOVES: Final[Mapping[Condition, frozenset[Condition]]] = {
    condition: _followers(condition) for condition in Condition
}


def condition_of(status: TaskStatus) -> Condition:
    """What ``status`` says of an instance; away is told as ``UNREACHABLE`` here."""
    if status.state is not TaskState.TASK_LOST:
        return _CONDITIONS[status.state]
    if (status.message or "").startswith(_UNKNOWN_TASK):
        return Condition.UNKNOWN
    if status.reason in _MAY_COME_BACK:
        return Condition.UNREACHABLE
    if status.reason is TaskStatusReason.REASON_TASK_UNKNOWN:
        return Condition.UNKNOWN
    return Condition.GONE
