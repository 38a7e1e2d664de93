"""How custom executors end: asked to, too late to subscribe, or by themselves."""

from __future__ import annotations

import signal

from msgspec.structs import replace

from mesostw.core.agent import fetching
from mesostw.core.agent.changes import (
    Cause,
    Ending,
    Executor,
    ExecutorChanged,
    ExecutorKey,
    ExecutorPhase,
    ExecutorRemoved,
    Task,
)
from mesostw.core.agent.containers import ContainerExited, ContainerFailed, ContainerStarted
from mesostw.core.agent.endings import signal_now
from mesostw.core.agent.environment import seconds
from mesostw.core.agent.flags import EXECUTOR_DRAIN_S
from mesostw.core.agent.frameworks import settled
from mesostw.core.agent.turn import Turn
from mesostw.core.agent.updates import said
from mesostw.core.agent.words import (
    ExecutorDrained,
    ExecutorTimeOver,
    ForgetContainer,
    GraceOver,
    KillContainer,
)
from mesostw.core.outcome import Arm, Disarm, Send
from mesostw.messages import executor_events
from mesostw.messages.agent_master import ExecutorExited
from mesostw.messages.ids import ExecutorID, FrameworkID
from mesostw.messages.tasks import TaskState, TaskStatusReason, TaskStatusSource
from mesostw.model.ids import LinkId
from mesostw.model.tasks import TERMINAL

_REASONS = {
    Cause.NEVER_SUBSCRIBED: TaskStatusReason.REASON_EXECUTOR_REGISTRATION_TIMEOUT,
    Cause.NEVER_RETURNED: TaskStatusReason.REASON_EXECUTOR_REREGISTRATION_TIMEOUT,
}


def shut_down(turn: Turn, executor: Executor, cause: Cause) -> None:
    """Ask an executor to end, and end it after its grace; one that is not there at once."""
    if executor.phase is ExecutorPhase.TERMINATING:
        return
    link = turn.live.link_of.get(executor.key)
    grace_s = seconds(executor.info.shutdown_grace_period, turn.flags.executor_shutdown_grace_s)
    if executor.phase is ExecutorPhase.REGISTERING:
        grace_s = 0.0
    end(turn, executor, cause, grace_s)
    if link is not None:
        turn.do(Send(link, executor_events.Shutdown()))


def end(turn: Turn, executor: Executor, cause: Cause, grace_s: float) -> None:
    """Have an executor's container end; SIGTERM is not its way, the event Shutdown is."""
    ending = Ending(cause, grace_s)
    executor = replace(executor, phase=ExecutorPhase.TERMINATING, ending=ending)
    turn.change(ExecutorChanged(executor))
    if fetching.cancelled(turn, executor.container_id):
        exited(turn, executor, ContainerFailed(executor.container_id, "FETCH", fetching.KILLED))
        return
    turn.do(Disarm(ExecutorTimeOver(executor.container_id)))
    turn.live.awaited.discard(executor.container_id)
    signal_now(turn, executor.container_id, grace_s, first=False)


def time_over(turn: Turn, timer: ExecutorTimeOver) -> None:
    """An executor has not subscribed in time: end it, and its tasks with it."""
    key = turn.state.executor_containers.get(timer.container_id)
    if key is None or turn.live.link_of.get(key) is not None:
        return
    executor = turn.state.executors[key]
    if executor.phase is ExecutorPhase.REGISTERING:
        end(turn, executor, Cause.NEVER_SUBSCRIBED, 0.0)
    elif executor.phase is ExecutorPhase.RUNNING and timer.container_id in turn.live.awaited:
        end(turn, executor, Cause.NEVER_RETURNED, 0.0)


def started(turn: Turn, executor: Executor, heard: ContainerStarted, *, recovered: bool) -> None:
    """The process of an executor runs, perhaps since an earlier life."""
    if executor.pid != heard.pid:
        executor = replace(executor, pid=heard.pid)
        turn.change(ExecutorChanged(executor))
    if executor.phase is ExecutorPhase.TERMINATING:
        turn.do(KillContainer(executor.container_id, signal.SIGKILL))
    elif not recovered:
        return
    elif executor.phase is ExecutorPhase.REGISTERING:
        # What waited for it was dropped when the agent came back.
        end(turn, executor, Cause.SHUT_DOWN, 0.0)
    elif executor.key not in turn.live.link_of:
        turn.live.awaited.add(executor.container_id)
        timer = ExecutorTimeOver(executor.container_id)
        turn.do(Arm(timer, turn.flags.executor_reregistration_timeout_s))


def exited(turn: Turn, executor: Executor, heard: ContainerExited | ContainerFailed) -> None:
    """
    The process of an executor has ended.

    Its last words may still be on their way: they are awaited until its link ends.
    """
    live = turn.live
    if executor.key in live.link_of and executor.container_id not in live.exits:
        live.exits[executor.container_id] = heard
        turn.do(Arm(ExecutorDrained(executor.container_id), EXECUTOR_DRAIN_S))
    else:
        _gone(turn, executor, heard)


def drained(turn: Turn, timer: ExecutorDrained) -> None:
    """Nothing more can come from an executor that has ended."""
    heard = turn.live.exits.get(timer.container_id)
    key = turn.state.executor_containers.get(timer.container_id)
    if heard is not None and key is not None:
        _gone(turn, turn.state.executors[key], heard)


def link_closed(turn: Turn, link: LinkId) -> None:
    """An executor's link has ended; the executor is expected back, or has ended too."""
    key = turn.live.executor_of.pop(link, None)
    turn.live.streams.discard(link)
    if key is None or turn.live.link_of.get(key) != link:
        return
    del turn.live.link_of[key]
    executor = turn.state.executors.get(key)
    if executor is not None and executor.container_id in turn.live.exits:
        turn.do(Disarm(ExecutorDrained(executor.container_id)))
        drained(turn, ExecutorDrained(executor.container_id))


def _gone(turn: Turn, executor: Executor, heard: ContainerExited | ContainerFailed) -> None:
    live, key = turn.live, executor.key
    for task in turn.state.tasks_of(key):
        if task.state not in TERMINAL and task.container_id == executor.container_id:
            _task_gone(turn, task, executor, heard)
    live.exits.pop(executor.container_id, None)
    live.awaited.discard(executor.container_id)
    if live.deadlines.pop(executor.container_id, None) is not None:
        turn.do(Disarm(GraceOver(executor.container_id)))
    turn.do(Disarm(ExecutorTimeOver(executor.container_id)))
    link = live.link_of.pop(key, None)
    if link is not None:
        live.executor_of.pop(link, None)
    turn.change(ExecutorRemoved(key))
    turn.do(ForgetContainer(executor.container_id))
    turn.tell_master(_exit_of(key, heard))
    settled(turn, key[0])


def _exit_of(key: ExecutorKey, heard: ContainerExited | ContainerFailed) -> ExecutorExited:
    return ExecutorExited(
        framework_id=FrameworkID(value=key[0]),
        executor_id=ExecutorID(value=key[1]),
        status=heard.status if isinstance(heard, ContainerExited) else None,
    )


def _task_gone(
    turn: Turn, task: Task, executor: Executor, heard: ContainerExited | ContainerFailed
) -> None:
    state = TaskState.TASK_FAILED
    cause = None if executor.ending is None else executor.ending.cause
    reason = TaskStatusReason.REASON_EXECUTOR_TERMINATED
    if cause is not None and cause in _REASONS:
        reason = _REASONS[cause]
        message = "The executor did not subscribe in time"
    elif isinstance(heard, ContainerFailed):
        reason = TaskStatusReason.REASON_CONTAINER_LAUNCH_FAILED
        message = f"Failed to launch container: {heard.message}"
    else:
        message = f"The executor ended: {_status(heard)}"
    if task.ending is not None:
        state = TaskState.TASK_KILLED
    said(turn, task, state, message=message, reason=reason, source=TaskStatusSource.SOURCE_AGENT)


def _status(heard: ContainerExited) -> str:
    if heard.status is None:
        return heard.message or "nobody knows how"
    number = heard.status & 0x7F
    return f"signal {number}" if number else f"status {heard.status >> 8}"
