"""Tasks and executors: what to run, and what became of it."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from mesostw.messages.commands import CommandInfo
from mesostw.messages.containers import ContainerInfo, ContainerStatus
from mesostw.messages.fields import Body, Uint32
from mesostw.messages.health import CheckInfo, CheckStatusInfo, HealthCheck, KillPolicy
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID, TaskID
from mesostw.messages.resources import Resource
from mesostw.messages.values import DurationInfo, Labels, Scalar, TimeInfo
from mesostw.model.enums import WireEnum
from mesostw.model.tasks import TaskState

__all__ = [
    "DiscoveryInfo",
    "ExecutorInfo",
    "ExecutorType",
    "Port",
    "Ports",
    "Task",
    "TaskGroupInfo",
    "TaskInfo",
    "TaskResourceLimitation",
    "TaskState",
    "TaskStatus",
    "TaskStatusReason",
    "TaskStatusSource",
    "Visibility",
]


class TaskInfo(Body, frozen=True, kw_only=True):
    """A task that a framework wants run; it has a ``command`` or an ``executor``, not both."""

    #: For people; need not be unique.
    name: Annotated[str, 1]
    #: At most 255 bytes; no ``/`` and ``\``, no control characters, not ``.`` or ``..``.
    task_id: Annotated[TaskID, 2]
    #: The agent whose offers it is launched with.
    agent_id: Annotated[AgentID, 3]
    #: Must be within the offers; an executor of its own needs the rest.
    resources: Annotated[tuple[Resource, ...], 4] = ()
    executor: Annotated[ExecutorInfo | None, 5] = None
    #: Run by the agent's own executor.
    command: Annotated[CommandInfo | None, 7] = None
    #: Around the task, or around the command's executor.
    container: Annotated[ContainerInfo | None, 9] = None
    health_check: Annotated[HealthCheck | None, 8] = None
    check: Annotated[CheckInfo | None, 13] = None
    kill_policy: Annotated[KillPolicy | None, 12] = None
    #: For the executor, of any bytes.
    data: Annotated[bytes | None, 6] = None
    labels: Annotated[Labels | None, 10] = None
    discovery: Annotated[DiscoveryInfo | None, 11] = None
    #: From its start on; then it is killed at once and fails.
    max_completion_time: Annotated[DurationInfo | None, 14] = None
    #: At most these; by ``cpus`` and ``mem``, ``Infinity`` is no limit. Not below ``resources``.
    limits: Annotated[dict[str, Scalar], 15] = field(default_factory=dict)


class TaskGroupInfo(Body, frozen=True, kw_only=True):
    """Tasks that start together and, if one fails, are killed together."""

    tasks: Annotated[tuple[TaskInfo, ...], 1] = ()


class ExecutorType(WireEnum):
    """The agent's own executor for task groups, or the framework's."""

    UNKNOWN = "UNKNOWN", 0
    DEFAULT = "DEFAULT", 1
    CUSTOM = "CUSTOM", 2


class ExecutorInfo(Body, frozen=True, kw_only=True):
    """A program that runs tasks of a framework on an agent."""

    type: Annotated[ExecutorType | None, 15] = None
    executor_id: Annotated[ExecutorID, 1]
    #: Filled in by the master if it is unset.
    framework_id: Annotated[FrameworkID | None, 8] = None
    command: Annotated[CommandInfo | None, 7] = None
    container: Annotated[ContainerInfo | None, 11] = None
    #: Its own, beside those of its tasks; the default executor needs cpus, mem and disk.
    resources: Annotated[tuple[Resource, ...], 5] = ()
    name: Annotated[str | None, 9] = None
    source: Annotated[str | None, 10] = None
    #: For the executor, of any bytes.
    data: Annotated[bytes | None, 4] = None
    discovery: Annotated[DiscoveryInfo | None, 12] = None
    #: Between the asking and the killing; unset is the agent's flag, 5 s.
    shutdown_grace_period: Annotated[DurationInfo | None, 13] = None
    labels: Annotated[Labels | None, 14] = None


class Task(Body, frozen=True, kw_only=True):
    """A task as masters and agents know it after its launch."""

    name: Annotated[str, 1]
    task_id: Annotated[TaskID, 2]
    framework_id: Annotated[FrameworkID, 3]
    #: Unset for a command task.
    executor_id: Annotated[ExecutorID | None, 4] = None
    agent_id: Annotated[AgentID, 5]
    #: The newest that the agent has told of.
    state: Annotated[TaskState, 6]
    resources: Annotated[tuple[Resource, ...], 7] = ()
    #: Oldest first.
    statuses: Annotated[tuple[TaskStatus, ...], 8] = ()
    #: The newest that the framework has been sent; behind ``state`` until it acknowledges.
    status_update_state: Annotated[TaskState | None, 9] = None
    #: The id of that report.
    status_update_uuid: Annotated[bytes | None, 10] = None
    labels: Annotated[Labels | None, 11] = None
    discovery: Annotated[DiscoveryInfo | None, 12] = None
    container: Annotated[ContainerInfo | None, 13] = None
    health_check: Annotated[HealthCheck | None, 15] = None
    kill_policy: Annotated[KillPolicy | None, 16] = None
    #: Whom the task runs as.
    user: Annotated[str | None, 14] = None
    limits: Annotated[dict[str, Scalar], 17] = field(default_factory=dict)


class TaskStatusSource(WireEnum):
    """Who made the report."""

    SOURCE_MASTER = "SOURCE_MASTER", 0
    SOURCE_AGENT = "SOURCE_AGENT", 1
    SOURCE_EXECUTOR = "SOURCE_EXECUTOR", 2


class TaskStatusReason(WireEnum):
    """Why the state is what it is, for programs."""

    REASON_COMMAND_EXECUTOR_FAILED = "REASON_COMMAND_EXECUTOR_FAILED", 0
    REASON_CONTAINER_LAUNCH_FAILED = "REASON_CONTAINER_LAUNCH_FAILED", 21
    REASON_CONTAINER_LIMITATION = "REASON_CONTAINER_LIMITATION", 19
    REASON_CONTAINER_LIMITATION_DISK = "REASON_CONTAINER_LIMITATION_DISK", 20
    REASON_CONTAINER_LIMITATION_MEMORY = "REASON_CONTAINER_LIMITATION_MEMORY", 8
    REASON_CONTAINER_PREEMPTED = "REASON_CONTAINER_PREEMPTED", 17
    REASON_CONTAINER_UPDATE_FAILED = "REASON_CONTAINER_UPDATE_FAILED", 22
    REASON_MAX_COMPLETION_TIME_REACHED = "REASON_MAX_COMPLETION_TIME_REACHED", 33
    REASON_EXECUTOR_REGISTRATION_TIMEOUT = "REASON_EXECUTOR_REGISTRATION_TIMEOUT", 23
    REASON_EXECUTOR_REREGISTRATION_TIMEOUT = "REASON_EXECUTOR_REREGISTRATION_TIMEOUT", 24
    REASON_EXECUTOR_TERMINATED = "REASON_EXECUTOR_TERMINATED", 1
    REASON_EXECUTOR_UNREGISTERED = "REASON_EXECUTOR_UNREGISTERED", 2
    REASON_FRAMEWORK_REMOVED = "REASON_FRAMEWORK_REMOVED", 3
    REASON_GC_ERROR = "REASON_GC_ERROR", 4
    REASON_INVALID_FRAMEWORKID = "REASON_INVALID_FRAMEWORKID", 5
    REASON_INVALID_OFFERS = "REASON_INVALID_OFFERS", 6
    REASON_IO_SWITCHBOARD_EXITED = "REASON_IO_SWITCHBOARD_EXITED", 27
    REASON_MASTER_DISCONNECTED = "REASON_MASTER_DISCONNECTED", 7
    REASON_RECONCILIATION = "REASON_RECONCILIATION", 9
    REASON_RESOURCES_UNKNOWN = "REASON_RESOURCES_UNKNOWN", 18
    REASON_AGENT_DISCONNECTED = "REASON_AGENT_DISCONNECTED", 10
    REASON_AGENT_DRAINING = "REASON_AGENT_DRAINING", 34
    REASON_AGENT_REMOVED = "REASON_AGENT_REMOVED", 11
    REASON_AGENT_REMOVED_BY_OPERATOR = "REASON_AGENT_REMOVED_BY_OPERATOR", 31
    REASON_AGENT_REREGISTERED = "REASON_AGENT_REREGISTERED", 32
    REASON_AGENT_RESTARTED = "REASON_AGENT_RESTARTED", 12
    REASON_AGENT_UNKNOWN = "REASON_AGENT_UNKNOWN", 13
    REASON_TASK_KILLED_DURING_LAUNCH = "REASON_TASK_KILLED_DURING_LAUNCH", 30
    REASON_TASK_CHECK_STATUS_UPDATED = "REASON_TASK_CHECK_STATUS_UPDATED", 28
    REASON_TASK_HEALTH_CHECK_STATUS_UPDATED = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED", 29
    REASON_TASK_GROUP_INVALID = "REASON_TASK_GROUP_INVALID", 25
    REASON_TASK_GROUP_UNAUTHORIZED = "REASON_TASK_GROUP_UNAUTHORIZED", 26
    REASON_TASK_INVALID = "REASON_TASK_INVALID", 14
    REASON_TASK_UNAUTHORIZED = "REASON_TASK_UNAUTHORIZED", 15
    REASON_TASK_UNKNOWN = "REASON_TASK_UNKNOWN", 16


class TaskStatus(Body, frozen=True, kw_only=True):
    """One report about a task; the framework acknowledges it if ``uuid`` is set."""

    task_id: Annotated[TaskID, 1]
    state: Annotated[TaskState, 2]
    #: For people.
    message: Annotated[str | None, 4] = None
    source: Annotated[TaskStatusSource | None, 9] = None
    reason: Annotated[TaskStatusReason | None, 10] = None
    #: From the executor to the framework, of any bytes.
    data: Annotated[bytes | None, 3] = None
    agent_id: Annotated[AgentID | None, 5] = None
    executor_id: Annotated[ExecutorID | None, 7] = None
    #: Seconds since 1970, of who made the report.
    timestamp: Annotated[float | None, 6] = None
    #: Sixteen bytes; unset if the report is not repeated and not to be acknowledged.
    uuid: Annotated[bytes | None, 11] = None
    #: What the last health check found; unset if there is none.
    healthy: Annotated[bool | None, 8] = None
    check_status: Annotated[CheckStatusInfo | None, 15] = None
    labels: Annotated[Labels | None, 12] = None
    container_status: Annotated[ContainerStatus | None, 13] = None
    #: When the agent became unreachable; set with TASK_UNREACHABLE.
    unreachable_time: Annotated[TimeInfo | None, 14] = None
    #: Set if the task ended because it broke a limit.
    limitation: Annotated[TaskResourceLimitation | None, 16] = None


class TaskResourceLimitation(Body, frozen=True, kw_only=True):
    """The resources whose limit a task broke."""

    resources: Annotated[tuple[Resource, ...], 1] = ()


class Visibility(WireEnum):
    """Who is to find a task."""

    FRAMEWORK = "FRAMEWORK", 0
    CLUSTER = "CLUSTER", 1
    EXTERNAL = "EXTERNAL", 2


class DiscoveryInfo(Body, frozen=True, kw_only=True):
    """How others are to find a task; carried for service discovery, never read by Mesos."""

    visibility: Annotated[Visibility, 1]
    name: Annotated[str | None, 2] = None
    environment: Annotated[str | None, 3] = None
    location: Annotated[str | None, 4] = None
    version: Annotated[str | None, 5] = None
    ports: Annotated[Ports | None, 6] = None
    labels: Annotated[Labels | None, 7] = None


class Port(Body, frozen=True, kw_only=True):
    """A port that a task offers."""

    number: Annotated[Uint32, 1]
    name: Annotated[str | None, 2] = None
    protocol: Annotated[str | None, 3] = None
    visibility: Annotated[Visibility | None, 4] = None
    labels: Annotated[Labels | None, 5] = None


class Ports(Body, frozen=True, kw_only=True):
    """Several ports."""

    ports: Annotated[tuple[Port, ...], 1] = ()
