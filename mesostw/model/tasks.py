"""The states of a task."""

from __future__ import annotations

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
