"""
ACCEPT: from offers to tasks.

The offers end; their operations are done in order, each with what those before it left;
what is left at last is free again, under the filter that the framework gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from mesostw.core.master import offers
from mesostw.core.master.changes import ExecutorChanged, TaskChanged
from mesostw.core.master.records import (
    AgentState,
    Executor,
    Framework,
    Offer,
    Task,
    TaskSpec,
)
from mesostw.core.master.statuses import status_of, told
from mesostw.core.master.task_rules import (
    Fault,
    Ground,
    Need,
    check_group_executor,
    group_fits,
    group_need_of,
    need_of,
    owned,
)
from mesostw.core.master.turn import Turn
from mesostw.messages.agent_master import RunTask, RunTaskGroup
from mesostw.messages.commands import CommandInfo
from mesostw.messages.convert import messages_of, resources_of
from mesostw.messages.offers import Filters
from mesostw.messages.operations import (
    LaunchGroup,
    OfferOperation,
    OfferOperationType,
    OperationState,
    OperationStatus,
)
from mesostw.messages.resources import Resource
from mesostw.messages.scheduler_calls import Accept
from mesostw.messages.scheduler_events import Update, UpdateOperationStatus
from mesostw.messages.tasks import ExecutorInfo, TaskGroupInfo, TaskInfo, TaskStatusReason
from mesostw.model.ids import AgentId, ExecutorId, OfferId, TaskId
from mesostw.model.resources import EMPTY, Resources
from mesostw.model.tasks import TaskState

#: Characters of a command that are kept to be shown.
COMMAND_SHOWN_MAX: Final = 1024
_LAUNCHES: Final = frozenset({OfferOperationType.LAUNCH, OfferOperationType.LAUNCH_GROUP})
#: Why tasks are dropped that were launched with offers which ended so.
_REASONS: Final = {
    "agent_removed": TaskStatusReason.REASON_AGENT_REMOVED,
    "agent_disconnected": TaskStatusReason.REASON_AGENT_DISCONNECTED,
}


def accepted(turn: Turn, framework: Framework, heard: Accept) -> None:
    """Do what a framework wants done with offers."""
    turn.count("messages_launch_tasks")
    found, fault = _found(turn, framework, heard)
    if fault is not None:
        for offer in found:
            offers.given_back(turn, offer, "declined")
        _dropped(turn, framework, heard, fault)
        return
    for offer in found:
        offers.ended(turn, offer, "accepted")
    first = found[0]
    pool: Resources = EMPTY
    for offer in found:
        pool = pool + offer.resources
    agent = turn.state.agents[first.agent_id]
    ground = Ground(turn.state, framework, agent, first.role, pool)
    for operation in heard.operations:
        _operated(turn, ground, operation)
    turn.allocator.give_back(
        agent.id,
        framework.id,
        first.role,
        ground.free,
        refuse_s=offers.refusal_of(heard.filters or Filters()),
        now=turn.now.steady,
    )


# --- offers -------------------------------------------------------------------


def _found(turn: Turn, framework: Framework, heard: Accept) -> tuple[list[Offer], str | None]:
    """Find the offers that are still there, and say what is wrong with them."""
    found: dict[OfferId, Offer] = {}
    fault: str | None = None if heard.offer_ids else "No offers specified"
    for one in heard.offer_ids:
        offer_id = OfferId(one.value)
        offer = turn.state.offers.get(offer_id)
        if offer is None or offer.framework_id != framework.id:
            fault = fault or f"Offer {offer_id} is no longer valid"
        elif offer_id in found:
            fault = fault or f"Duplicate offer {offer_id} in offer list"
        else:
            found[offer_id] = offer
    if fault is None:
        fault = _mixed(list(found.values()))
    return list(found.values()), fault


def _mixed(found: list[Offer]) -> str | None:
    if len({offer.agent_id for offer in found}) > 1:
        return "Aggregated offers must belong to one single agent"
    if len({offer.role for offer in found}) > 1:
        return "Aggregated offers must be allocated to the same role"
    return None


def _dropped(turn: Turn, framework: Framework, heard: Accept, fault: str) -> None:
    """Say of each task that it was not launched, unless it was: the call is a repeated one."""
    hows = {turn.live.ended_offers.get(OfferId(one.value), "") for one in heard.offer_ids}
    reason = TaskStatusReason.REASON_INVALID_OFFERS
    for how, better in _REASONS.items():
        if how in hows:
            reason = better
    state = told(TaskState.TASK_DROPPED, aware=framework.is_partition_aware)
    for task in _tasks_of(heard.operations):
        if not _may_be_there(turn, framework, task, repeated="accepted" in hows):
            message = f"Task launched with invalid offers: {fault}"
            _report(turn, framework, task, state, reason, message)
    for operation in heard.operations:
        if operation.type not in _LAUNCHES and operation.id is not None:
            _refuse(turn, framework, operation, OperationState.OPERATION_DROPPED, fault)


def _may_be_there(turn: Turn, framework: Framework, task: TaskInfo, *, repeated: bool) -> bool:
    load = turn.state.load_of(framework.id)
    task_id = TaskId(task.task_id.value)
    if task_id in load.tasks or task_id in load.unreachable:
        return True
    if repeated and task_id in load.completed:
        return True
    agent = turn.state.agents.get(AgentId(task.agent_id.value))
    # An agent that has not come back yet may have it from an earlier life of the master.
    return agent is not None and agent.state is AgentState.RECOVERED


def _tasks_of(operations: Iterable[OfferOperation]) -> Iterator[TaskInfo]:
    for operation in operations:
        if operation.launch is not None:
            yield from operation.launch.task_infos
        if operation.launch_group is not None:
            yield from operation.launch_group.task_group.tasks


# --- operations ---------------------------------------------------------------


def _operated(turn: Turn, ground: Ground, operation: OfferOperation) -> None:
    if operation.type is OfferOperationType.LAUNCH:
        # Without its part it is a launch of nothing.
        for task in () if operation.launch is None else operation.launch.task_infos:
            _launched(turn, ground, task)
    elif operation.type is OfferOperationType.LAUNCH_GROUP and operation.launch_group is not None:
        _group_launched(turn, ground, operation.launch_group)
    else:
        name = "UNKNOWN" if operation.type is None else operation.type.value
        turn.count("operations/dropped")
        turn.count(f"operations/{name.lower()}/dropped")
        if operation.id is not None:
            message = f"{name} is not supported by this version of mesostw"
            _refuse(turn, ground.framework, operation, OperationState.OPERATION_ERROR, message)
        # Without an id there is no status to say it with: it is dropped and counted, as the
        # original does.  An ERROR would end the framework, and with it all its tasks.


def _refuse(
    turn: Turn,
    framework: Framework,
    operation: OfferOperation,
    state: OperationState,
    message: str,
) -> None:
    status = OperationStatus(operation_id=operation.id, state=state, message=message)
    turn.send(framework.link, UpdateOperationStatus(status=status))


def _launched(turn: Turn, ground: Ground, info: TaskInfo) -> None:
    framework = ground.framework
    try:
        need = need_of(ground, info)
    except Fault as fault:
        error, reason = TaskState.TASK_ERROR, TaskStatusReason.REASON_TASK_INVALID
        turn.count("tasks_error")
        _report(turn, framework, info, error, reason, str(fault))
        return
    ground.free = ground.free - need.whole
    executor = None if info.executor is None else owned(info.executor, framework)
    if executor is not None:
        executor = _allocated_executor(ground, executor)
        _executor_added(turn, ground, executor, need.executor)
    sent = replace(info, resources=_allocated(ground, need.task), executor=executor)
    _task_added(turn, ground, sent, executor, need.task)
    turn.send(ground.agent.link, RunTask(framework=framework.info, task=sent, epoch=turn.epoch))


def _group_launched(turn: Turn, ground: Ground, group: LaunchGroup) -> None:
    """Launch all tasks of a group, or none."""
    framework = ground.framework
    try:
        needs = _group_needs(ground, group)
    except Fault as fault:
        for info in group.task_group.tasks:
            error, reason = TaskState.TASK_ERROR, TaskStatusReason.REASON_TASK_GROUP_INVALID
            turn.count("tasks_error")
            _report(turn, framework, info, error, reason, str(fault))
        return
    executor = _allocated_executor(ground, owned(group.executor, framework))
    sent: list[TaskInfo] = []
    for info, need in zip(group.task_group.tasks, needs, strict=True):
        ground.free = ground.free - need.whole
        if need.executor or not sent:
            _executor_added(turn, ground, executor, need.executor)
        task = replace(info, resources=_allocated(ground, need.task))
        sent.append(task)
        _task_added(turn, ground, task, executor, need.task)
    turn.send(
        ground.agent.link,
        RunTaskGroup(
            framework=framework.info,
            executor=executor,
            group=TaskGroupInfo(tasks=tuple(sent)),
            epoch=turn.epoch,
        ),
    )


def _group_needs(ground: Ground, group: LaunchGroup) -> list[Need]:
    """Check a whole group; what its executor needs stands with the first task."""
    if not group.task_group.tasks:
        raise Fault("Task group cannot be empty")
    executor = check_group_executor(ground, group.executor)
    names = [task.task_id.value for task in group.task_group.tasks]
    if len(set(names)) != len(names):
        raise Fault("Task group contains tasks with the same ID")
    tasks = [group_need_of(ground, task) for task in group.task_group.tasks]
    whole = executor
    for one in tasks:
        whole = whole + one
    group_fits(ground, whole)
    return [Need(one, EMPTY if at else executor) for at, one in enumerate(tasks)]


def _allocated(ground: Ground, resources: Resources) -> tuple[Resource, ...]:
    refined = "RESERVATION_REFINEMENT" in ground.framework.capabilities
    return messages_of(resources, ground.role, refined=refined)


def _allocated_executor(ground: Ground, info: ExecutorInfo) -> ExecutorInfo:
    if not info.resources:
        return info
    return replace(info, resources=_allocated(ground, resources_of(info.resources)))


def _executor_added(turn: Turn, ground: Ground, info: ExecutorInfo, resources: Resources) -> None:
    executor = Executor(
        ExecutorId(info.executor_id.value),
        ground.framework.id,
        ground.agent.id,
        info,
        ground.role,
        resources,
    )
    if executor.key not in turn.state.executors:
        turn.change(ExecutorChanged(executor))


def _task_added(
    turn: Turn,
    ground: Ground,
    info: TaskInfo,
    executor: ExecutorInfo | None,
    resources: Resources,
) -> None:
    framework = ground.framework
    task = Task(
        TaskId(info.task_id.value),
        framework.id,
        ground.agent.id,
        None if executor is None else ExecutorId(executor.executor_id.value),
        ground.role,
        resources,
        TaskState.TASK_STAGING,
        (),
        None,
        None,
        turn.now.wall,
        TaskSpec(
            info.name,
            _user_of(framework, info, executor),
            command_text(info.command),
            info.labels,
            info.discovery,
            info.container,
            info.health_check,
            info.kill_policy,
            info.limits,
        ),
    )
    turn.change(TaskChanged(task))


def _user_of(framework: Framework, info: TaskInfo, executor: ExecutorInfo | None) -> str:
    for command in (info.command, None if executor is None else executor.command):
        if command is not None and command.user:
            return command.user
    return framework.info.user


def command_text(command: CommandInfo | None) -> str:
    """Print a command for people."""
    if command is None:
        return ""
    words = [command.value or ""] if command.shell else list(command.arguments)
    return (" ".join(words) or command.value or "")[:COMMAND_SHOWN_MAX]


def _report(
    turn: Turn,
    framework: Framework,
    task: TaskInfo,
    state: TaskState,
    reason: TaskStatusReason,
    message: str,
) -> None:
    """Say of a task that never was what became of it."""
    status = status_of(
        TaskId(task.task_id.value),
        AgentId(task.agent_id.value),
        state,
        reason,
        message,
        wall=turn.now.wall,
    )
    turn.send(framework.link, Update(status=status))
