"""
What a master knows of one thing: frozen records, replaced as a whole.

Wall seconds since 1970 are for people and calendars; nothing is timed by them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

from msgspec import Struct, field

from mesostw.messages.agents import AgentInfo
from mesostw.messages.containers import ContainerInfo
from mesostw.messages.frameworks import FrameworkInfo
from mesostw.messages.health import HealthCheck, KillPolicy
from mesostw.messages.tasks import DiscoveryInfo, ExecutorInfo, TaskStatus
from mesostw.messages.values import Labels, Scalar
from mesostw.model.ids import AgentId, ExecutorId, FrameworkId, LinkId, OfferId, TaskId
from mesostw.model.resources import EMPTY, Resources
from mesostw.model.tasks import TaskState

#: A task of a framework, anywhere in the cluster.
TaskKey: TypeAlias = tuple[FrameworkId, TaskId]
#: An executor; its id may repeat over frameworks and agents.
ExecutorKey: TypeAlias = tuple[AgentId, FrameworkId, ExecutorId]

#: A task in one of these moves no more and holds no resources.
TERMINAL: Final = frozenset(
    {
        TaskState.TASK_FINISHED,
        TaskState.TASK_FAILED,
        TaskState.TASK_KILLED,
        TaskState.TASK_ERROR,
        TaskState.TASK_LOST,
        TaskState.TASK_DROPPED,
        TaskState.TASK_GONE,
        TaskState.TASK_GONE_BY_OPERATOR,
    }
)


class AgentState(StrEnum):
    """How a master stands to an agent."""

    #: Connected; what is free is offered.
    ACTIVE = "active"
    #: Connected, but an operator wants no offers of it.
    INACTIVE = "inactive"
    #: Its link has ended; it has ``agent_reregister_timeout`` to come back.
    DISCONNECTED = "disconnected"
    #: Silent for too long; its tasks are unreachable until it comes back.
    UNREACHABLE = "unreachable"
    #: Admitted in an earlier life of the master and not heard of in this one.
    RECOVERED = "recovered"
    #: Never to come back: an operator said so.
    GONE = "gone"


#: States of agents that have a link.
CONNECTED: Final = frozenset({AgentState.ACTIVE, AgentState.INACTIVE})
#: States of agents whose tasks and resources are known.
REGISTERED: Final = frozenset({AgentState.ACTIVE, AgentState.INACTIVE, AgentState.DISCONNECTED})


class Agent(Struct, frozen=True, gc=False):
    """An agent that was admitted once."""

    id: AgentId
    info: AgentInfo
    #: ``info.resources`` as values; nothing while it is only recovered or unreachable.
    total: Resources
    state: AgentState
    link: LinkId | None
    version: str
    capabilities: tuple[str, ...]
    #: Where its HTTP answers, ``ip:port``.
    address: str
    #: First admitted, in wall seconds.
    registered: float
    #: Came back, in wall seconds; ``None`` if it never did.
    reregistered: float | None = None
    #: Since when it is unreachable or gone, in wall seconds.
    away: float | None = None

    @property
    def is_registered(self) -> bool:
        """Whether its tasks and resources are known."""
        return self.state in REGISTERED

    @property
    def is_connected(self) -> bool:
        """Whether it has a link."""
        return self.state in CONNECTED


class FrameworkState(StrEnum):
    """How a master stands to a framework."""

    ACTIVE = "active"
    #: Connected, but it reads too slowly to be given offers.
    INACTIVE = "inactive"
    #: Its link has ended; it has its ``failover_timeout`` to come back.
    DISCONNECTED = "disconnected"
    #: Known from an earlier life of the master or from agents; not heard of in this life.
    RECOVERED = "recovered"
    #: Removed for good.
    COMPLETED = "completed"


class Framework(Struct, frozen=True, gc=False):
    """A framework; ``info.id`` is always set."""

    id: FrameworkId
    info: FrameworkInfo
    #: ``info.roles``, or ``info.role`` of a framework without MULTI_ROLE.
    roles: tuple[str, ...]
    #: Names of its capabilities.
    capabilities: frozenset[str]
    state: FrameworkState
    link: LinkId | None
    #: ``bus`` or ``http``; empty while it has not been heard of.
    connection: str
    #: Roles in which it wants no offers.
    suppressed: frozenset[str]
    registered: float
    reregistered: float | None = None
    unregistered: float | None = None

    @property
    def is_connected(self) -> bool:
        """Whether it has a link."""
        return self.link is not None

    @property
    def is_partition_aware(self) -> bool:
        """Whether it is told finer states than LOST."""
        return "PARTITION_AWARE" in self.capabilities


class TaskSpec(Struct, frozen=True, gc=False):
    """What of a task never changes after its launch."""

    name: str
    user: str
    #: The command line as text, for people; empty for tasks of custom executors.
    command: str = ""
    labels: Labels | None = None
    discovery: DiscoveryInfo | None = None
    container: ContainerInfo | None = None
    health_check: HealthCheck | None = None
    kill_policy: KillPolicy | None = None
    limits: dict[str, Scalar] = field(default_factory=dict)


class Task(Struct, frozen=True, gc=False):
    """A task: running, unreachable, or ended."""

    id: TaskId
    framework_id: FrameworkId
    agent_id: AgentId
    #: ``None`` for a task of the agent's built-in command executor.
    executor_id: ExecutorId | None
    #: The role of the offer that it was launched from.
    role: str
    resources: Resources
    #: The newest state that its agent told of; may be ahead of ``update_state``.
    state: TaskState
    #: What the framework was told, oldest first; of equal states in a row only the last.
    statuses: tuple[TaskStatus, ...]
    #: State and uuid of the status that the framework is to acknowledge next, or did last.
    update_state: TaskState | None
    update_uuid: bytes | None
    #: When the master first knew of it, in wall seconds.
    launched: float
    spec: TaskSpec

    @property
    def key(self) -> TaskKey:
        return self.framework_id, self.id

    @property
    def is_terminal(self) -> bool:
        """Whether it has ended and holds nothing, acknowledged or not."""
        return self.state in TERMINAL

    @property
    def held(self) -> Resources:
        """What it keeps from others: nothing once it has ended."""
        return EMPTY if self.state in TERMINAL else self.resources


class Executor(Struct, frozen=True, gc=False):
    """A custom or default executor on an agent."""

    id: ExecutorId
    framework_id: FrameworkId
    agent_id: AgentId
    info: ExecutorInfo
    role: str
    resources: Resources

    @property
    def key(self) -> ExecutorKey:
        return self.agent_id, self.framework_id, self.id


class Offer(Struct, frozen=True, gc=False):
    """Resources of one agent that one framework may use now, in one role."""

    id: OfferId
    framework_id: FrameworkId
    agent_id: AgentId
    role: str
    resources: Resources
    #: In wall seconds.
    made: float


# --- what a store keeps ---------------------------------------------------------


class AgentRecord(Struct, frozen=True, omit_defaults=True, gc=False):
    """An admitted agent as the registry keeps it."""

    info: AgentInfo
    version: str
    registered: float
    #: ``unreachable`` or ``gone``; empty if neither.
    standing: str = ""
    away: float | None = None


class FrameworkRecord(Struct, frozen=True, omit_defaults=True, gc=False):
    """A framework as the registry keeps it; a removed one so that it cannot come back."""

    info: FrameworkInfo
    registered: float
    unregistered: float | None = None


class KillRecord(Struct, frozen=True, omit_defaults=True, gc=False):
    """A task that an operator wants ended, until it is certain that it has."""

    agent_id: AgentId
    framework_id: FrameworkId
    task_id: TaskId
    kill_policy: KillPolicy | None = None

    @property
    def key(self) -> TaskKey:
        return self.framework_id, self.task_id


class WeightRecord(Struct, frozen=True, gc=False):
    """The weight of a role, beside the default of 1."""

    weight: float
