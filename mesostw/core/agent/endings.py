"""
How tasks end: by themselves, by a kill with its grace, or by running too long.

A kill signals SIGTERM to every process of a container, and SIGKILL after the grace
period, which is the kill event's, else the task's, else 3 s; a later kill may only
shorten it.  After a restart of the agent the whole grace period begins again.
"""

from __future__ import annotations

import signal

from msgspec.structs import replace

from mesostw.core.agent import checking, fetching
from mesostw.core.agent.changes import Cause, Ending, Task, TaskChanged
from mesostw.core.agent.environment import seconds
from mesostw.core.agent.flags import KILL_GRACE_S
from mesostw.core.agent.turn import Turn
from mesostw.core.agent.updates import said
from mesostw.core.agent.words import CompletionTimeOver, GraceOver, KillContainer
from mesostw.core.outcome import Arm, Disarm
from mesostw.messages import (
    FrameworkCapabilityType,
    KillPolicy,
    TaskState,
    TaskStatusReason,
    TaskStatusSource,
)
from mesostw.model.ids import ContainerId

#: Causes that are told beforehand, to frameworks that want to know.
_TOLD = (Cause.KILLED, Cause.UNHEALTHY)


def grace_of(task: Task, asked: KillPolicy | None) -> float:
    """How long ``task`` may take to end, in seconds."""
    for policy in (asked, task.info.kill_policy):
        if policy is not None and policy.grace_period is not None:
            return max(seconds(policy.grace_period, KILL_GRACE_S), 0.0)
    return KILL_GRACE_S


def end_run(turn: Turn, task: Task, cause: Cause, grace_s: float, why: str = "") -> None:
    """End a built-in task; if it is being ended already, perhaps sooner."""
    if fetching.cancelled(turn, task.container_id):
        fetching.killed(turn, task, cause)
        return
    first = task.ending is None
    if first:
        checking.ceased(turn, task.container_id)
        task = replace(task, ending=Ending(cause, grace_s, why))
        if cause in _TOLD and turn.state.capable(
            task.framework_id, FrameworkCapabilityType.TASK_KILLING_STATE
        ):
            said(turn, task, TaskState.TASK_KILLING)
        else:
            turn.change(TaskChanged(task))
    signal_now(turn, task.container_id, grace_s, first=first)


def signal_now(turn: Turn, container_id: ContainerId, grace_s: float, *, first: bool) -> None:
    """SIGTERM now if it is the first time, and SIGKILL no later than after ``grace_s``."""
    due = turn.now.steady + grace_s
    before = turn.live.deadlines.get(container_id)
    if first and grace_s > 0:
        turn.do(KillContainer(container_id, signal.SIGTERM))
    if before is not None and before <= due:
        return
    turn.live.deadlines[container_id] = due
    if grace_s > 0:
        turn.do(Arm(GraceOver(container_id), grace_s))
    else:
        turn.do(KillContainer(container_id, signal.SIGKILL))


def kill_again(turn: Turn, task: Task) -> None:
    """A task that was asked to end before it ran, or in an earlier life: ask once more."""
    if task.ending is None:
        return
    turn.change(TaskChanged(task))
    signal_now(turn, task.container_id, task.ending.grace_s, first=True)


def grace_over(turn: Turn, timer: GraceOver) -> None:
    """A container has had its time."""
    container_id = timer.container_id
    if container_id in turn.state.containers or container_id in turn.state.executor_containers:
        turn.do(KillContainer(container_id, signal.SIGKILL))


def completion_time_over(turn: Turn, timer: CompletionTimeOver) -> None:
    """A built-in task has run as long as it may: it gets no grace."""
    key = turn.state.containers.get(timer.container_id)
    task = None if key is None else turn.state.tasks[key]
    if task is not None and task.ending is None:
        end_run(turn, task, Cause.TOO_LONG, 0.0)


def ended(turn: Turn, task: Task, *, status: int | None, message: str = "") -> None:
    """The container of a built-in task has ended with a wait status, or an unknown one."""
    forget(turn, task)
    if task.ending is None and status is not None and task.state is TaskState.TASK_STARTING:
        # A status is proof that it ran, though its end was faster than the word of its start.
        task = said(turn, task, TaskState.TASK_RUNNING)
    if task.ending is not None:
        _ended_as_asked(turn, task, task.ending, told(status, message))
    elif status is None:
        said(
            turn,
            task,
            TaskState.TASK_FAILED,
            message=told(status, message),
            source=TaskStatusSource.SOURCE_AGENT,
            reason=TaskStatusReason.REASON_EXECUTOR_TERMINATED,
        )
    elif status == 0:
        said(turn, task, TaskState.TASK_FINISHED, message=told(status, message))
    else:
        said(
            turn,
            task,
            TaskState.TASK_FAILED,
            message=told(status, message),
            reason=TaskStatusReason.REASON_COMMAND_EXECUTOR_FAILED,
        )


def told(status: int | None, message: str = "") -> str:
    """A wait status in words, as Mesos says it of a command."""
    if status is None:
        return f"Command ended with a status that is unknown: {message or 'no reason is known'}"
    number = status & 0x7F
    if number:
        return f"Command terminated with signal {signal.strsignal(number) or number}"
    return f"Command exited with status {status >> 8}"


def _ended_as_asked(turn: Turn, task: Task, ending: Ending, message: str) -> None:
    cause = ending.cause
    if cause is Cause.TOO_LONG:
        said(
            turn,
            task,
            TaskState.TASK_FAILED,
            message=message,
            reason=TaskStatusReason.REASON_MAX_COMPLETION_TIME_REACHED,
        )
        return
    reason = TaskStatusReason.REASON_FRAMEWORK_REMOVED
    said(
        turn,
        task,
        TaskState.TASK_KILLED,
        message=f"{ending.why}. {message}" if ending.why else message,
        reason=reason if cause is Cause.FRAMEWORK_REMOVED else None,
        healthy=False if cause is Cause.UNHEALTHY else None,
    )


def forget(turn: Turn, task: Task) -> None:
    """Drop what is only kept while the container of a built-in task is awaited or runs."""
    checking.ceased(turn, task.container_id)
    if turn.live.deadlines.pop(task.container_id, None) is not None:
        turn.do(Disarm(GraceOver(task.container_id)))
    if task.info.max_completion_time is not None:
        turn.do(Disarm(CompletionTimeOver(task.container_id)))
