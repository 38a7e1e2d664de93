"""The states of a task, and which may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mesostw.model.enums import WireEnum


class TaskState(WireEnum):
    """What a task is doing, or how it ended."""

    TASK_STAGING = "TASK_STAGING", 6
    TASK_STARTING = "TASK_STARTING", 0
    TASK_RUNNING = "TASK_RUNNING", 1
    TASK_KILLING = "TASK_KILLING", 8
    TASK_FINISHED = "TASK_FINISHED", 2
    TASK_FAILED = "TASK_FAILED", 3
    TASK_KILLED = "TASK_KILLED", 4
    TASK_ERROR = "TASK_ERROR", 7
    TASK_LOST = "TASK_LOST", 5
    TASK_DROPPED = "TASK_DROPPED", 9
    TASK_UNREACHABLE = "TASK_UNREACHABLE", 10
    TASK_GONE = "TASK_GONE", 11
    TASK_GONE_BY_OPERATOR = "TASK_GONE_BY_OPERATOR", 12
    TASK_UNKNOWN = "TASK_UNKNOWN", 13


_S: Final = TaskState

#: States that a task never leaves; its resources are free.
TERMINAL: Final = frozenset(
    {
        _S.TASK_FINISHED,
        _S.TASK_FAILED,
        _S.TASK_KILLED,
        _S.TASK_ERROR,
        _S.TASK_LOST,
        _S.TASK_DROPPED,
        _S.TASK_GONE,
        _S.TASK_GONE_BY_OPERATOR,
    }
)

#: States in which nobody knows what the task is doing; it may come back from them.
ABSENT: Final = frozenset({_S.TASK_UNREACHABLE, _S.TASK_UNKNOWN})

#: States that only frameworks with PARTITION_AWARE are told; others hear TASK_LOST.
PARTITION_STATES: Final = frozenset(
    {
        _S.TASK_UNREACHABLE,
        _S.TASK_DROPPED,
        _S.TASK_GONE,
        _S.TASK_GONE_BY_OPERATOR,
        _S.TASK_UNKNOWN,
    }
)

_ENDS: Final = TERMINAL | {_S.TASK_UNREACHABLE}

#: Every legal move. A task may stay as it is, with news (of its health, say), while it is
#: starting, running or being killed. It never goes back, but for an agent that was unreachable
#: and returns: its tasks are then whatever the agent says.
MOVES: Final[Mapping[TaskState, frozenset[TaskState]]] = {
    _S.TASK_STAGING: _ENDS | {_S.TASK_STARTING, _S.TASK_RUNNING, _S.TASK_KILLING},
    _S.TASK_STARTING: _ENDS | {_S.TASK_STARTING, _S.TASK_RUNNING, _S.TASK_KILLING},
    _S.TASK_RUNNING: _ENDS | {_S.TASK_RUNNING, _S.TASK_KILLING},
    _S.TASK_KILLING: _ENDS | {_S.TASK_KILLING},
    _S.TASK_UNREACHABLE: frozenset(TaskState) - {_S.TASK_UNKNOWN},
    _S.TASK_UNKNOWN: frozenset(TaskState),
    _S.TASK_FINISHED: frozenset(),
    _S.TASK_FAILED: frozenset(),
    _S.TASK_KILLED: frozenset(),
    _S.TASK_ERROR: frozenset(),
    _S.TASK_LOST: frozenset(),
    _S.TASK_DROPPED: frozenset(),
    _S.TASK_GONE: frozenset(),
    _S.TASK_GONE_BY_OPERATOR: frozenset(),
}


def told(state: TaskState, partition_aware: bool) -> TaskState:
    """Tell ``state`` as a framework hears it: without PARTITION_AWARE some are TASK_LOST."""
    if partition_aware or state not in PARTITION_STATES:
        return state
    return TaskState.TASK_LOST
