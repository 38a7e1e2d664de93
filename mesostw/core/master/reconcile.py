"""
What a framework is told when it asks after its tasks: no uuid, REASON_RECONCILIATION.

::

    1  the task is known                        its latest state
    2  its agent is still expected back, or     silence: it will be known later
       no agent is named and some are
    3  its agent is registered                  GONE
    4  its agent, or it, is unreachable         UNREACHABLE, with the time since when
    5  its agent is gone                        GONE_BY_OPERATOR
    6  nobody knows its agent                   UNKNOWN

GONE, UNREACHABLE, GONE_BY_OPERATOR and UNKNOWN are LOST to a framework that is not
PARTITION_AWARE.  Mesos answers 3 or 6 also for a completed task; its real end is told
here as long as it is remembered.
"""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.master.records import AgentState, Framework, Task
from mesostw.core.master.statuses import status_of, told
from mesostw.core.master.turn import Turn
from mesostw.core.outcome import Send
from mesostw.messages.ids import AgentID, ExecutorID, TaskID
from mesostw.messages.operations import OperationState, OperationStatus
from mesostw.messages.scheduler_calls import Reconcile, ReconcileOperations, ReconcileTask
from mesostw.messages.scheduler_events import Update, UpdateOperationStatus
from mesostw.messages.tasks import TaskStatus, TaskStatusReason, TaskStatusSource
from mesostw.model.ids import AgentId, TaskId
from mesostw.model.tasks import TaskState

_REASON = TaskStatusReason.REASON_RECONCILIATION


def asked(turn: Turn, framework: Framework, heard: Reconcile) -> None:
    """Answer for the named tasks, or for all that are there if none is named."""
    turn.count("messages_reconcile_tasks")
    if heard.tasks:
        for one in heard.tasks:
            explicit(turn, framework, one)
        return
    for task in turn.state.load_of(framework.id).tasks.values():
        _say(turn, framework, _latest(turn, framework, task))


def explicit(turn: Turn, framework: Framework, asked: ReconcileTask) -> None:
    """Answer for one task by the six cases."""
    task_id = TaskId(asked.task_id.value)
    agent_id = None if asked.agent_id is None else AgentId(asked.agent_id.value)
    load = turn.state.load_of(framework.id)
    known = load.tasks.get(task_id)
    if known is None and task_id not in load.unreachable:
        known = load.completed.get(task_id)
        if known is not None and _is_lost(turn, known.agent_id):
            # Not what its agent had said of it so far: nothing more will come.
            known = replace(known, update_state=known.state)
    if known is not None:
        _say(turn, framework, _latest(turn, framework, known))
        return
    strayed = load.unreachable.get(task_id)
    if strayed is not None:
        agent_id = strayed.agent_id
    found = _unknown(turn, agent_id)
    if found is None:
        return
    state, message, since = found
    status = status_of(
        task_id,
        agent_id,
        told(state, aware=framework.is_partition_aware),
        _REASON,
        f"Reconciliation: {message}",
        wall=turn.now.wall,
        unreachable=since,
    )
    _say(turn, framework, status)


def _is_lost(turn: Turn, agent_id: AgentId) -> bool:
    """Whether an agent never comes back."""
    agent = turn.state.agents.get(agent_id)
    return agent is None or agent.state is AgentState.GONE


def _unknown(turn: Turn, agent_id: AgentId | None) -> tuple[TaskState, str, float | None] | None:
    """State, message and time for a task that is not known; ``None`` for silence."""
    agent = None if agent_id is None else turn.state.agents.get(agent_id)
    if agent is None:
        if agent_id is None and turn.live.recovered:
            return None
        return TaskState.TASK_UNKNOWN, "Task is unknown", None
    match agent.state:
        case AgentState.RECOVERED:
            return None
        case AgentState.UNREACHABLE:
            return TaskState.TASK_UNREACHABLE, "Task is unreachable", agent.away
        case AgentState.GONE:
            return TaskState.TASK_GONE_BY_OPERATOR, "Task is gone by operator", None
        case AgentState.ACTIVE | AgentState.INACTIVE | AgentState.DISCONNECTED:
            return TaskState.TASK_GONE, "Task is unknown to the agent", None


def _latest(turn: Turn, framework: Framework, task: Task) -> TaskStatus:
    """What the framework was told last, without asking for an acknowledgement."""
    last = task.statuses[-1] if task.statuses else None
    state = task.update_state or task.state
    return TaskStatus(
        task_id=TaskID(value=task.id),
        state=told(state, aware=framework.is_partition_aware),
        message="Reconciliation: Latest task state" + _how(last, state),
        source=TaskStatusSource.SOURCE_MASTER,
        reason=_REASON,
        agent_id=AgentID(value=task.agent_id),
        executor_id=None if task.executor_id is None else ExecutorID(value=task.executor_id),
        timestamp=turn.now.wall,
        healthy=None if last is None else last.healthy,
        check_status=None if last is None else last.check_status,
        container_status=None if last is None else last.container_status,
    )


def _how(last: TaskStatus | None, state: TaskState) -> str:
    """How it came to that state: this may be the first that its framework hears of it."""
    return f": {last.message}" if last and last.state is state and last.message else ""


def _say(turn: Turn, framework: Framework, status: TaskStatus) -> None:
    if framework.link is not None:
        turn.effects.append(Send(framework.link, Update(status=status)))


def operations_asked(turn: Turn, framework: Framework, heard: ReconcileOperations) -> None:
    """Answer that no operation is known: none that would last is done in this version."""
    turn.count("messages_reconcile_operations")
    for one in heard.operations:
        status = OperationStatus(
            operation_id=one.operation_id,
            state=OperationState.OPERATION_UNKNOWN,
            message="Reconciliation: Operation is unknown",
            agent_id=one.agent_id,
            resource_provider_id=one.resource_provider_id,
        )
        turn.send(framework.link, UpdateOperationStatus(status=status))
