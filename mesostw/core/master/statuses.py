"""Reports about tasks that the master makes itself, and which state a framework is told."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mesostw.core.master.records import Framework, Task
from mesostw.messages.ids import AgentID, ExecutorID, TaskID
from mesostw.messages.tasks import TaskStatus, TaskStatusReason, TaskStatusSource
from mesostw.messages.values import TimeInfo
from mesostw.model.ids import AgentId, TaskId
from mesostw.model.tasks import TaskState

#: States that only a PARTITION_AWARE framework is told; others hear LOST.
FINER: Final = frozenset(
    {
        TaskState.TASK_UNREACHABLE,
        TaskState.TASK_DROPPED,
        TaskState.TASK_GONE,
        TaskState.TASK_GONE_BY_OPERATOR,
        TaskState.TASK_UNKNOWN,
    }
)
_LOST: Final = TaskState.TASK_LOST
#: Statuses kept of one task; an executor may alternate between states for ever.
STATUSES_MAX: Final = 32


def told(state: TaskState, *, aware: bool) -> TaskState:
    """Which state a framework is told instead of ``state``."""
    return _LOST if not aware and state in FINER else state


def translated(status: TaskStatus, framework: Framework) -> TaskStatus:
    """Put a status into the words of ``framework``."""
    if status.state in FINER and "PARTITION_AWARE" not in framework.capabilities:
        return replace(status, state=_LOST)
    return status


def status_of(
    task_id: TaskId,
    agent_id: AgentId | None,
    state: TaskState,
    reason: TaskStatusReason,
    message: str,
    *,
    wall: float,
    unreachable: float | None = None,
) -> TaskStatus:
    """Make a report of the master's own; it has no uuid and is not acknowledged."""
    return TaskStatus(
        task_id=TaskID(value=task_id),
        state=state,
        message=message,
        source=TaskStatusSource.SOURCE_MASTER,
        reason=reason,
        agent_id=None if agent_id is None else AgentID(value=agent_id),
        timestamp=wall,
        unreachable_time=None if unreachable is None else time_of(unreachable),
    )


def status_of_task(
    task: Task,
    state: TaskState,
    reason: TaskStatusReason,
    message: str,
    *,
    wall: float,
    unreachable: float | None = None,
) -> TaskStatus:
    """Make a report of the master's own about a task that it knows."""
    status = status_of(
        task.id, task.agent_id, state, reason, message, wall=wall, unreachable=unreachable
    )
    if task.executor_id is None:
        return status
    return replace(status, executor_id=ExecutorID(value=task.executor_id))


def time_of(wall: float) -> TimeInfo:
    """Write wall seconds as the API does."""
    return TimeInfo(nanoseconds=round(wall * 1_000_000_000))


def with_status(task: Task, status: TaskStatus, state: TaskState) -> Task:
    """
    Give ``task`` in ``state`` after ``status``.

    Of equal states in a row only the last is kept, and no ``data``: it may be large, and
    only the framework reads it.
    """
    kept = status if status.data is None else replace(status, data=None)
    statuses = task.statuses
    if statuses and statuses[-1].state is kept.state:
        statuses = (*statuses[:-1], kept)
    else:
        statuses = (*statuses[1 - STATUSES_MAX :], kept)
    return Task(
        task.id,
        task.framework_id,
        task.agent_id,
        task.executor_id,
        task.role,
        task.resources,
        state,
        statuses,
        status.state,
        status.uuid,
        task.launched,
        task.spec,
    )
