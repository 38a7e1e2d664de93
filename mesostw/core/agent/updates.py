"""
Statuses on their way to frameworks: at least once, in order, one at a time.

Each task has a stream of statuses that its framework has not acknowledged.  A status
is kept before it is said, and only the oldest of a stream is under way: said again
after 10 s, doubling to 10 minutes, and at once when a master has admitted us anew, or
the framework is back.
"""

from __future__ import annotations

from heapq import heappop, heappush

from msgspec.structs import replace

from mesostw.core.agent.changes import Task, TaskChanged, TaskKey, TaskRemoved
from mesostw.core.agent.flags import PENDING_MAX, RETRY_GAP_S, RETRY_MAX_S, RETRY_MIN_S
from mesostw.core.agent.frameworks import settled
from mesostw.core.agent.turn import Live, Outstanding, Turn
from mesostw.core.agent.words import RetryDue
from mesostw.core.outcome import Arm
from mesostw.messages import (
    AgentID,
    ContainerID,
    ContainerStatus,
    ExecutorID,
    IPAddress,
    NetworkInfo,
    TaskID,
    TaskState,
    TaskStatus,
    TaskStatusReason,
    TaskStatusSource,
)
from mesostw.messages.agent_master import AcknowledgeStatus, FrameworkReturned, StatusUpdated
from mesostw.messages.health import (
    CheckInfo,
    CheckStatusCommand,
    CheckStatusHttp,
    CheckStatusInfo,
    CheckStatusTcp,
    CheckType,
)
from mesostw.messages.ids import FrameworkID
from mesostw.model.ids import FrameworkId, TaskId
from mesostw.model.tasks import TERMINAL

#: States in which a task may be healthy.
_ALIVE = (TaskState.TASK_RUNNING, TaskState.TASK_KILLING)


def said(
    turn: Turn,
    task: Task,
    state: TaskState,
    *,
    message: str | None = None,
    reason: TaskStatusReason | None = None,
    source: TaskStatusSource = TaskStatusSource.SOURCE_EXECUTOR,
    healthy: bool | None = None,
    check_status: CheckStatusInfo | None = None,
) -> Task:
    """Give ``task`` a status of our own making; the task as it is now."""
    status = TaskStatus(
        task_id=task.info.task_id,
        state=state,
        message=message,
        source=source,
        reason=reason,
        healthy=healthy,
        check_status=check_status,
        uuid=turn.names.uuid(),
    )
    return joined(turn, task, status)


def joined(turn: Turn, task: Task, status: TaskStatus) -> Task:
    """Fill ``status`` in, add it to the stream of ``task``, and say it if nothing is before it."""
    status = _filled(turn, task, status)
    if task.built_in:
        status = _carried(task, status)
    before = task.statuses
    if before and before[-1].state is status.state:
        before = before[:-1]
    pending = task.pending
    if task.built_in and len(pending) >= PENDING_MAX and pending[-1].state is status.state:
        # It has not been said yet, and there is newer of the same.
        pending = pending[:-1]
    task = replace(
        task,
        state=status.state,
        pending=(*pending, status),
        statuses=(*before, status),
    )
    turn.change(TaskChanged(task))
    framework = turn.state.frameworks.get(task.framework_id)
    if framework is not None and framework.terminating:
        if status.state in TERMINAL:
            removed(turn, task)
    elif len(task.pending) == 1:
        _say(turn, task)
    return task


def acknowledged(turn: Turn, heard: AcknowledgeStatus) -> None:
    """Take the oldest status off its stream and say the next; any other uuid changes nothing."""
    key = FrameworkId(heard.framework_id.value), TaskId(heard.task_id.value)
    task = turn.state.tasks.get(key)
    if task is None or not task.pending or task.pending[0].uuid != heard.uuid:
        turn.count("invalid_status_update_acknowledgements")
        return
    turn.count("valid_status_update_acknowledgements")
    turn.live.outstanding.pop(key, None)
    rest = task.pending[1:]
    if not rest and task.state in TERMINAL:
        removed(turn, task)
        return
    task = replace(task, pending=rest)
    turn.change(TaskChanged(task))
    if rest:
        _say(turn, task)


def removed(turn: Turn, task: Task) -> None:
    """Forget ``task``: its framework knows its end, or is gone itself."""
    turn.live.outstanding.pop(task.key, None)
    turn.change(TaskRemoved(task.key))
    settled(turn, task.framework_id)


def resumed(turn: Turn) -> None:
    """A master has admitted us: say the head of every stream, from the shortest wait."""
    turn.live.outstanding.clear()
    turn.live.retries.clear()
    for task in turn.state.tasks.values():
        framework = turn.state.frameworks.get(task.framework_id)
        if task.pending and framework is not None and not framework.terminating:
            _say(turn, task)


def framework_returned(turn: Turn, heard: FrameworkReturned) -> None:
    """A framework may have missed what was said: say it again, from the shortest wait."""
    framework = turn.state.frameworks.get(FrameworkId(heard.framework_id.value))
    if framework is None or framework.terminating:
        return
    for task in turn.state.tasks.values():
        if task.pending and task.framework_id == framework.id:
            _say(turn, task)


def retry_due(turn: Turn) -> None:
    """Say again what has waited long enough, and wait for the next."""
    live, now = turn.live, turn.now.steady
    while live.retries and live.retries[0][0] <= now:
        entry = heappop(live.retries)
        if _stale(live, entry):
            continue
        turn.count("retried_status_updates")
        interval_s = min(live.outstanding[entry[1]].interval_s * 2, RETRY_MAX_S)
        _say(turn, turn.state.tasks[entry[1]], interval_s)
    while live.retries and _stale(live, live.retries[0]):
        heappop(live.retries)
    if live.retries:
        turn.do(Arm(RetryDue(), max(live.retries[0][0] - now, RETRY_GAP_S)))


def unknown(
    turn: Turn, key: TaskKey, *, aware: bool, reason: TaskStatusReason, message: str
) -> None:
    """Tell the master once that there is no such task here; it needs no acknowledgement."""
    state = TaskState.TASK_DROPPED if aware else TaskState.TASK_LOST
    status = TaskStatus(
        task_id=TaskID(value=key[1]),
        state=state,
        message=message,
        source=TaskStatusSource.SOURCE_AGENT,
        reason=reason,
        agent_id=AgentID(value=turn.state.identity.agent_id),
        timestamp=turn.now.wall,
    )
    turn.tell_master(
        StatusUpdated(framework_id=FrameworkID(value=key[0]), status=status, latest_state=state)
    )


def lost_state(turn: Turn, framework_id: FrameworkId) -> TaskState:
    """How the framework is told of a task that never ran."""
    if turn.state.partition_aware(framework_id):
        return TaskState.TASK_DROPPED
    return TaskState.TASK_LOST


def _stale(live: Live, entry: tuple[float, TaskKey]) -> bool:
    waiting = live.outstanding.get(entry[1])
    return waiting is None or waiting.due != entry[0]


def _say(turn: Turn, task: Task, interval_s: float = RETRY_MIN_S) -> None:
    live = turn.live
    if not live.registered:
        return
    turn.tell_master(
        StatusUpdated(
            framework_id=FrameworkID(value=task.framework_id),
            status=task.pending[0],
            latest_state=task.state,
        )
    )
    due = turn.now.steady + interval_s
    if not live.retries or due < live.retries[0][0]:
        # Others may have been said so often that they wait for minutes.
        turn.do(Arm(RetryDue(), interval_s))
    key = task.key
    live.outstanding[key] = Outstanding(due, interval_s)
    heappush(live.retries, (due, key))


def _carried(task: Task, status: TaskStatus) -> TaskStatus:
    """What checks have found last, in every status: frameworks keep only the newest."""
    last = task.statuses[-1] if task.statuses else None
    if task.info.check is not None and status.check_status is None:
        found = None if last is None else last.check_status
        status = replace(status, check_status=found or nothing_found(task.info.check))
    if last is not None and status.healthy is None and status.state in _ALIVE:
        status = replace(status, healthy=last.healthy)
    return status


def nothing_found(check: CheckInfo) -> CheckStatusInfo:
    """The status of a check that has found nothing: its own part is there, and empty."""
    kind = check.type
    return CheckStatusInfo(
        type=kind,
        command=CheckStatusCommand() if kind is CheckType.COMMAND else None,
        http=CheckStatusHttp() if kind is CheckType.HTTP else None,
        tcp=CheckStatusTcp() if kind is CheckType.TCP else None,
    )


def _filled(turn: Turn, task: Task, status: TaskStatus) -> TaskStatus:
    container = status.container_status
    if container is None:
        container = ContainerStatus(
            network_infos=(NetworkInfo(ip_addresses=(IPAddress(ip_address=turn.flags.ip),)),)
        )
    if task.container_id and container.container_id is None:
        container = replace(container, container_id=ContainerID(value=task.container_id))
    return replace(
        status,
        agent_id=AgentID(value=turn.state.identity.agent_id),
        executor_id=ExecutorID(value=task.executor_id),
        timestamp=status.timestamp or turn.now.wall,
        container_status=container,
    )
