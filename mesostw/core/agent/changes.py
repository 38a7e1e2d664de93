"""
The facts of an agent: records, and the changes that put them into its tables.

A change names one record and its whole new value.  Those of identity,
frameworks, executors and tasks are durable; the others are only for readers.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

from msgspec import Struct

from mesostw.messages.agents import AgentInfo
from mesostw.messages.frameworks import FrameworkInfo
from mesostw.messages.tasks import ExecutorInfo, TaskInfo, TaskState, TaskStatus
from mesostw.model.ids import AgentId, ContainerId, ExecutorId, FrameworkId, TaskId

TaskKey: TypeAlias = tuple[FrameworkId, TaskId]
ExecutorKey: TypeAlias = tuple[FrameworkId, ExecutorId]


class Cause(Enum):
    """Why something is being ended; it decides what is said when it has ended."""

    KILLED = "killed"
    TOO_LONG = "max_completion_time"
    UNHEALTHY = "unhealthy"
    FRAMEWORK_REMOVED = "framework_removed"
    SHUT_DOWN = "shut_down"
    NEVER_SUBSCRIBED = "executor_registration_timeout"
    NEVER_RETURNED = "executor_reregistration_timeout"


class Ending(Struct, frozen=True, omit_defaults=True):
    """A task or an executor has been asked to end; SIGKILL follows after ``grace_s``."""

    cause: Cause
    grace_s: float
    #: More than the cause says, for people.
    why: str = ""


class Identity(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who this agent is to its master, over all its lives."""

    #: Empty until a master has admitted the agent.
    agent_id: AgentId = AgentId("")
    #: As last told to a master that admitted it; what a restart may change is checked against it.
    info: AgentInfo | None = None
    #: The newest master's epoch heard; commands of an older one are refused.
    epoch: int = 0


class MasterSeen(Struct, frozen=True):
    """The master this agent is registered with, if any; for readers."""

    address: str
    since: float


class Framework(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A framework with tasks or executors here."""

    id: FrameworkId
    info: FrameworkInfo
    #: It has been removed: what it has here is ended and nothing is reported.
    terminating: bool = False


class ExecutorPhase(Enum):
    """Where a custom executor is in its life."""

    REGISTERING = "registering"
    RUNNING = "running"
    TERMINATING = "terminating"


class Executor(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A process of a framework's own that runs tasks."""

    framework_id: FrameworkId
    info: ExecutorInfo
    container_id: ContainerId
    directory: str
    user: str | None = None
    phase: ExecutorPhase = ExecutorPhase.REGISTERING
    ending: Ending | None = None
    #: Seconds since 1970 when its container was asked for.
    launched: float
    pid: int | None = None

    @property
    def key(self) -> ExecutorKey:
        return self.framework_id, ExecutorId(self.info.executor_id.value)


class Task(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """
    A task that was sent here, until its last status has been acknowledged.

    ``built_in`` tasks have a container of their own and no executor process;
    others share the container of their executor.
    """

    framework_id: FrameworkId
    info: TaskInfo
    executor_id: ExecutorId
    #: Empty if the task never came to have a container.
    container_id: ContainerId = ContainerId("")
    directory: str = ""
    user: str | None = None
    built_in: bool = False
    #: The first task of the group it came in; tasks of a group are delivered together.
    group: TaskId = TaskId("")
    #: Whether its executor has been given it; always true of built-in ones.
    delivered: bool = False
    state: TaskState
    ending: Ending | None = None
    #: Seconds since 1970 when it arrived.
    launched: float
    pid: int | None = None
    #: What the framework has not acknowledged, oldest first; only the first is under way.
    pending: tuple[TaskStatus, ...] = ()
    #: All that was said, of equal neighbours only the last.
    statuses: tuple[TaskStatus, ...] = ()
    #: The uuids last heard from its executor, to know a repetition by.
    seen: tuple[bytes, ...] = ()

    @property
    def key(self) -> TaskKey:
        return self.framework_id, TaskId(self.info.task_id.value)

    @property
    def executor_key(self) -> ExecutorKey:
        return self.framework_id, self.executor_id


class IdentityChanged(Struct, frozen=True):
    """The agent was admitted, or has heard a newer epoch."""

    identity: Identity


class MasterChanged(Struct, frozen=True):
    """The agent is registered with another master, or with none."""

    master: MasterSeen | None


class FrameworkChanged(Struct, frozen=True):
    """A framework is new here, or its description is."""

    framework: Framework


class FrameworkRemoved(Struct, frozen=True):
    """A framework has nothing here any more."""

    framework_id: FrameworkId


class ExecutorChanged(Struct, frozen=True):
    """An executor is new, or has moved in its life."""

    executor: Executor


class ExecutorRemoved(Struct, frozen=True):
    """An executor's process has ended."""

    key: ExecutorKey


class TaskChanged(Struct, frozen=True):
    """A task is new, or something was said of it or to it."""

    task: Task


class TaskRemoved(Struct, frozen=True):
    """A task has ended and its framework knows."""

    key: TaskKey


class Counted(Struct, frozen=True):
    """Something happened that only metrics tell of."""

    name: str


class RoomChanged(Struct, frozen=True):
    """Whether there is room on disk for records of new tasks."""

    full: bool


AgentChange: TypeAlias = (
    IdentityChanged
    | MasterChanged
    | FrameworkChanged
    | FrameworkRemoved
    | ExecutorChanged
    | ExecutorRemoved
    | TaskChanged
    | TaskRemoved
    | Counted
    | RoomChanged
)
