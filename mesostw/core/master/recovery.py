"""What the master learns of frameworks and tasks from agents: its own memory of them is lost."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from mesostw.core.master.changes import FrameworkKept
from mesostw.core.master.live import Live
from mesostw.core.master.records import (
    TERMINAL,
    Framework,
    FrameworkState,
    Task,
    TaskSpec,
)
from mesostw.core.master.turn import Turn
from mesostw.messages.frameworks import FrameworkCapabilityType, FrameworkInfo
from mesostw.messages.resources import Resource
from mesostw.messages.tasks import Task as TaskMessage
from mesostw.model.ids import AgentId, ExecutorId, FrameworkId, TaskId
from mesostw.model.names import id_fault
from mesostw.model.resources import Resources, ResourcesError


def capabilities_of(info: FrameworkInfo) -> frozenset[str]:
    """Names of what a framework is able to deal with."""
    return frozenset(one.type.value for one in info.capabilities if one.type is not None)


def roles_of(info: FrameworkInfo) -> tuple[str, ...]:
    """Roles of a framework: ``roles`` with MULTI_ROLE, else the one ``role``."""
    multi = any(one.type is FrameworkCapabilityType.MULTI_ROLE for one in info.capabilities)
    return info.roles if multi else (info.role,)


def framework_told(turn: Turn, info: FrameworkInfo) -> None:
    """An agent has tasks of a framework: know it until it subscribes or time is over."""
    framework_id = FrameworkId("" if info.id is None else info.id.value)
    state = turn.state
    if id_fault(framework_id) is not None or framework_id in state.frameworks:
        return
    if framework_id in state.completed_frameworks:
        return
    turn.change(FrameworkKept(recovered(framework_id, info, turn.now.wall)))
    turn.live.framework_deadlines[framework_id] = turn.now.steady + patience(turn, info)


def patience(turn: Turn, info: FrameworkInfo) -> float:
    """
    How long a framework of an earlier life of the master may take to come back.

    At least as long as an agent may: with the default ``failover_timeout`` of 0 a restart
    of the master would end every framework's tasks.
    """
    return max(info.failover_timeout, turn.flags.agent_reregister_timeout_s)


def recovered(framework_id: FrameworkId, info: FrameworkInfo, registered: float) -> Framework:
    """Give a framework that is known and has not been heard of."""
    return Framework(
        framework_id,
        info,
        roles_of(info),
        capabilities_of(info),
        FrameworkState.RECOVERED,
        None,
        "",
        frozenset(),
        registered,
    )


def role_told(turn: Turn, framework_id: FrameworkId, resources: Iterable[Resource]) -> str:
    """In which role resources were allocated; an agent tells it with each of them."""
    for one in resources:
        if one.allocation_info is not None and one.allocation_info.role:
            return one.allocation_info.role
    roles = turn.state.frameworks[framework_id].roles
    return roles[0] if roles else "*"


def task_told(
    turn: Turn,
    agent_id: AgentId,
    framework_id: FrameworkId,
    message: TaskMessage,
    resources: Resources,
) -> Task:
    """Give an agent's task as the master's record; nonsense raises ``ResourcesError``."""
    task_id = TaskId(message.task_id.value)
    fault = id_fault(task_id)
    if fault is not None:
        raise ResourcesError(f"tasks: task_id {fault}")
    load = turn.state.framework_loads.get(framework_id)
    known = None
    if load is not None:
        known = load.unreachable.get(task_id) or load.completed.get(task_id)
    return Task(
        task_id,
        framework_id,
        agent_id,
        None if message.executor_id is None else ExecutorId(message.executor_id.value),
        role_told(turn, framework_id, message.resources),
        resources,
        message.state,
        message.statuses,
        message.status_update_state,
        message.status_update_uuid,
        _launched(turn, message) if known is None else known.launched,
        _spec_told(message) if known is None else known.spec,
    )


def _launched(turn: Turn, message: TaskMessage) -> float:
    """When it was launched, as far as its first status tells."""
    first = message.statuses[0].timestamp if message.statuses else None
    return turn.now.wall if first is None else first


def _spec_told(message: TaskMessage) -> TaskSpec:
    return TaskSpec(
        message.name,
        message.user or "",
        "",
        message.labels,
        message.discovery,
        message.container,
        message.health_check,
        message.kill_policy,
        message.limits,
    )


def caught_up(known: Task, message: TaskMessage) -> Task:
    """
    Give ``known`` with the newest state that its agent has; itself if that is no other.

    If no status has come yet, the one that comes next is the agent's oldest: the framework is
    not told of an end before it.
    """
    if known.state in TERMINAL or message.state is known.state:
        return known
    caught = replace(known, state=message.state)
    if known.update_state is not None:
        return caught
    return replace(
        caught,
        update_state=message.status_update_state,
        update_uuid=message.status_update_uuid,
    )


def forget(live: Live, framework_id: FrameworkId) -> None:
    """Drop what waits for a framework."""
    live.framework_deadlines.pop(framework_id, None)
    live.beats.remove(framework_id)
