"""
What a task and its executor may say; the answers are those of Mesos.

Each rule gives the text of a TASK_ERROR, or ``None`` if there is nothing wrong.
"""

from __future__ import annotations

import math

from msgspec import Struct
from msgspec.structs import replace

from mesostw.core.master.records import Agent, Framework
from mesostw.core.master.state import ClusterState
from mesostw.messages.commands import CommandInfo, VariableType
from mesostw.messages.convert import resources_of
from mesostw.messages.health import KillPolicy
from mesostw.messages.ids import FrameworkID
from mesostw.messages.resources import Resource
from mesostw.messages.tasks import ExecutorInfo, ExecutorType, TaskInfo
from mesostw.model.ids import ExecutorId, TaskId
from mesostw.model.names import id_fault
from mesostw.model.resources import EMPTY, Resources, ResourcesError

#: Thousandths of a CPU that the executor of a task group needs at least.
GROUP_EXECUTOR_CPUS_MIN = 10
#: Thousandths of a MB that the executor of a task group needs at least.
GROUP_EXECUTOR_MEM_MIN = 32_000


class Fault(Exception):
    """A task may not be launched; the text goes to its framework."""


class Ground(Struct):
    """Where a task is to be launched, and what it may still use there."""

    state: ClusterState
    framework: Framework
    agent: Agent
    role: str
    #: What is left of the offers.
    free: Resources


class Need(Struct, frozen=True):
    """What a task, and an executor that is started for it, would use."""

    task: Resources
    executor: Resources

    @property
    def whole(self) -> Resources:
        return self.task + self.executor


def need_of(ground: Ground, task: TaskInfo) -> Need:
    """Check a task that is to be launched alone; raise :class:`Fault` if it may not."""
    _check_id(ground, task)
    if (task.executor is None) == (task.command is None):
        raise Fault(
            "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
        )
    _check_times(task)
    wanted = _task_resources(ground, task)
    _check_limits(ground, task, wanted)
    if task.command is not None:
        _check_command(task.command, "Task")
        executor = EMPTY
    else:
        assert task.executor is not None
        if task.executor.type is ExecutorType.DEFAULT:
            raise Fault("'ExecutorInfo.type' must not be 'DEFAULT' in LAUNCH; use LAUNCH_GROUP")
        executor = executor_need(ground, task.executor)
    return _enough(ground, Need(wanted, executor))


def group_need_of(ground: Ground, task: TaskInfo) -> Resources:
    """Check a task of a group, whose executor is checked apart."""
    _check_id(ground, task)
    if task.executor is not None:
        raise Fault("'TaskInfo.executor' must not be set in a task group")
    if task.command is None:
        raise Fault("'TaskInfo.command' must be set in a task group")
    _check_command(task.command, "Task")
    _check_times(task)
    wanted = _task_resources(ground, task)
    _check_limits(ground, task, wanted)
    return wanted


def _enough(ground: Ground, need: Need) -> Need:
    if not ground.free.contains(need.whole):
        raise Fault(
            f"Task uses more resources {need.whole.text()} than available {ground.free.text()}"
        )
    return need


def group_fits(ground: Ground, need: Resources) -> None:
    """Check that a whole group, its executor included, has enough."""
    if not ground.free.contains(need):
        raise Fault(
            f"Task group uses more resources {need.text()} than available {ground.free.text()}"
        )


# --- one task -------------------------------------------------------------------


def _check_id(ground: Ground, task: TaskInfo) -> None:
    fault = id_fault(task.task_id.value)
    if fault is not None:
        raise Fault(f"'TaskInfo.task_id' {fault}")
    task_id = TaskId(task.task_id.value)
    load = ground.state.load_of(ground.framework.id)
    if task_id in load.tasks or task_id in load.unreachable:
        raise Fault(f"Task has duplicate ID: {task_id}")
    if task.agent_id.value != ground.agent.id:
        raise Fault(
            f"Task uses invalid agent {task.agent_id.value} while agent {ground.agent.id}"
            " is expected"
        )


def _check_times(task: TaskInfo) -> None:
    _check_grace(task.kill_policy)
    if task.max_completion_time is not None and task.max_completion_time.nanoseconds < 0:
        raise Fault("Task's `max_completion_time` must be non-negative")
    for check in (task.health_check, task.check):
        if check is None:
            continue
        for name in ("delay_seconds", "interval_seconds", "timeout_seconds"):
            seconds: float = getattr(check, name)
            if not (math.isfinite(seconds) and seconds >= 0):
                kind = "HealthCheck" if check is task.health_check else "CheckInfo"
                raise Fault(f"Task uses invalid {kind}: Expecting '{name}' to be non-negative")


def _check_grace(policy: KillPolicy | None) -> None:
    grace = None if policy is None else policy.grace_period
    if grace is not None and grace.nanoseconds < 0:
        raise Fault("Task's 'kill_policy.grace_period' must be non-negative")


def _check_command(command: CommandInfo, whose: str) -> None:
    if command.shell and command.value is None:
        raise Fault(f"{whose} uses invalid CommandInfo: 'value' must be set for a shell command")
    texts = (command.value or "", command.user or "", *command.arguments)
    if any("\0" in text for text in texts):
        raise Fault(f"{whose} uses invalid CommandInfo: a text contains a zero byte")
    for variable in () if command.environment is None else command.environment.variables:
        if variable.type is VariableType.VALUE and variable.value is None:
            raise Fault(
                f"{whose} uses invalid CommandInfo: Environment variable '{variable.name}'"
                " of type 'VALUE' must have a value set"
            )


def _task_resources(ground: Ground, task: TaskInfo) -> Resources:
    if not task.resources:
        raise Fault("Task uses no resources")
    return _resources(task.resources, "Task", ground)


def _resources(messages: tuple[Resource, ...], whose: str, ground: Ground) -> Resources:
    try:
        wanted = resources_of(messages)
    except ResourcesError as fault:
        raise Fault(f"{whose} uses invalid resources: {fault}") from None
    for one in messages:
        allocation = one.allocation_info
        if allocation is not None and allocation.role not in {None, ground.role}:
            raise Fault(
                f"{whose} uses invalid resources: allocated to role {allocation.role!r},"
                f" but the offer is for {ground.role!r}"
            )
    return wanted


def _check_limits(ground: Ground, task: TaskInfo, wanted: Resources) -> None:
    for name, limit in task.limits.items():
        if name not in {"cpus", "mem"}:
            raise Fault(f"Task uses invalid limits: no limit can be set for {name}")
        if math.isnan(limit.value) or limit.value < wanted.number(name):
            raise Fault(
                f"Task uses invalid limits: the {name} limit {limit.value} is less than the"
                f" request {wanted.number(name)}"
            )
    if task.limits and "TASK_RESOURCE_LIMITS" not in ground.agent.capabilities:
        raise Fault(f"Agent {ground.agent.id} is not capable of enforcing task resource limits")


# --- executors ------------------------------------------------------------------


def owned(info: ExecutorInfo, framework: Framework) -> ExecutorInfo:
    """Give an executor that says whose it is."""
    if info.framework_id is not None:
        return info
    return replace(info, framework_id=FrameworkID(value=framework.id))


def executor_need(ground: Ground, info: ExecutorInfo) -> Resources:
    """Check an executor; nothing is needed for one that is there already."""
    _check_executor_info(ground, info)
    wanted = _resources(info.resources, "Executor", ground)
    key = ground.agent.id, ground.framework.id, ExecutorId(info.executor_id.value)
    running = ground.state.executors.get(key)
    if running is None:
        return wanted
    if not _alike(running.info, owned(info, ground.framework)):
        raise Fault(
            "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID:"
            f" {info.executor_id.value} on agent {ground.agent.id}"
        )
    return EMPTY


def _check_executor_info(ground: Ground, info: ExecutorInfo) -> None:
    fault = id_fault(info.executor_id.value)
    if fault is not None:
        raise Fault(f"'ExecutorInfo.executor_id' {fault}")
    expected = ground.framework.id
    if info.framework_id is not None and info.framework_id.value != expected:
        raise Fault(
            "ExecutorInfo has an invalid FrameworkID"
            f" (Actual: {info.framework_id.value} vs Expected: {expected})"
        )
    if info.type is ExecutorType.DEFAULT:
        if info.command is not None:
            raise Fault("'ExecutorInfo.command' must not be set for 'DEFAULT' executor")
    elif info.type is ExecutorType.UNKNOWN:
        raise Fault("Unknown executor type")
    elif info.command is None:
        raise Fault("'ExecutorInfo.command' must be set for 'CUSTOM' executor")
    else:
        _check_command(info.command, "Executor")
    grace = info.shutdown_grace_period
    if grace is not None and grace.nanoseconds < 0:
        raise Fault("ExecutorInfo's 'shutdown_grace_period' must be non-negative")


def _alike(one: ExecutorInfo, other: ExecutorInfo) -> bool:
    """Compare all but resources by their message; those by what they mean."""
    if replace(one, resources=()) != replace(other, resources=()):
        return False
    return resources_of(one.resources) == resources_of(other.resources)


def check_group_executor(ground: Ground, info: ExecutorInfo) -> Resources:
    """Check the executor of a task group, which needs a little of its own."""
    if info.type is None or info.type is ExecutorType.UNKNOWN:
        raise Fault("'ExecutorInfo.type' must be set for a task group")
    need = executor_need(ground, info)
    own = resources_of(info.resources)
    if own.scalar("cpus") < GROUP_EXECUTOR_CPUS_MIN or own.scalar("mem") < GROUP_EXECUTOR_MEM_MIN:
        raise Fault(
            "Executor of a task group uses less CPUs or memory than the minimum"
            " required (0.01 cpus, 32 MB)"
        )
    return need
