"""What a framework does with an offer, and what became of it."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body
from mesostw.messages.ids import UUID, AgentID, FrameworkID, OperationID, ResourceProviderID
from mesostw.messages.resources import DiskSourceType, Resource
from mesostw.messages.tasks import ExecutorInfo, TaskGroupInfo, TaskInfo
from mesostw.messages.values import Scalar
from mesostw.model.enums import WireEnum


class OfferOperationType(WireEnum):
    """What to do with an offer."""

    UNKNOWN = "UNKNOWN", 0
    LAUNCH = "LAUNCH", 1
    LAUNCH_GROUP = "LAUNCH_GROUP", 6
    RESERVE = "RESERVE", 2
    UNRESERVE = "UNRESERVE", 3
    CREATE = "CREATE", 4
    DESTROY = "DESTROY", 5
    GROW_VOLUME = "GROW_VOLUME", 11
    SHRINK_VOLUME = "SHRINK_VOLUME", 12
    CREATE_DISK = "CREATE_DISK", 13
    DESTROY_DISK = "DESTROY_DISK", 14


class OfferOperation(Body, frozen=True, kw_only=True):
    """One thing to do with an offer; ``type`` says which part is set."""

    type: Annotated[OfferOperationType | None, 1] = None
    id: Annotated[OperationID | None, 12] = None
    launch: Annotated[Launch | None, 2] = None
    launch_group: Annotated[LaunchGroup | None, 7] = None
    reserve: Annotated[Reserve | None, 3] = None
    unreserve: Annotated[Unreserve | None, 4] = None
    create: Annotated[Create | None, 5] = None
    destroy: Annotated[Destroy | None, 6] = None
    grow_volume: Annotated[GrowVolume | None, 13] = None
    shrink_volume: Annotated[ShrinkVolume | None, 14] = None
    create_disk: Annotated[CreateDisk | None, 15] = None
    destroy_disk: Annotated[DestroyDisk | None, 16] = None


class Launch(Body, frozen=True, kw_only=True):
    """Run tasks, each in the executor it names or in one of its own."""

    task_infos: Annotated[tuple[TaskInfo, ...], 1] = ()


class LaunchGroup(Body, frozen=True, kw_only=True):
    """Run tasks together in one executor, or none of them."""

    executor: Annotated[ExecutorInfo, 1]
    task_group: Annotated[TaskGroupInfo, 2]


class Reserve(Body, frozen=True, kw_only=True):
    """Set resources aside for a role."""

    source: Annotated[tuple[Resource, ...], 2] = ()
    resources: Annotated[tuple[Resource, ...], 1] = ()


class Unreserve(Body, frozen=True, kw_only=True):
    """Give up the finest reservation of resources."""

    resources: Annotated[tuple[Resource, ...], 1] = ()


class Create(Body, frozen=True, kw_only=True):
    """Make persistent volumes."""

    volumes: Annotated[tuple[Resource, ...], 1] = ()


class Destroy(Body, frozen=True, kw_only=True):
    """Delete persistent volumes and their content."""

    volumes: Annotated[tuple[Resource, ...], 1] = ()


class GrowVolume(Body, frozen=True, kw_only=True):
    """Make a persistent volume larger."""

    volume: Annotated[Resource, 1]
    addition: Annotated[Resource, 2]


class ShrinkVolume(Body, frozen=True, kw_only=True):
    """Make a persistent volume smaller."""

    volume: Annotated[Resource, 1]
    subtract: Annotated[Scalar, 2]


class CreateDisk(Body, frozen=True, kw_only=True):
    """Have a provider turn raw storage into a disk."""

    source: Annotated[Resource, 1]
    target_type: Annotated[DiskSourceType, 2]
    target_profile: Annotated[str | None, 3] = None


class DestroyDisk(Body, frozen=True, kw_only=True):
    """Have a provider turn a disk back into raw storage."""

    source: Annotated[Resource, 1]


class Operation(Body, frozen=True, kw_only=True):
    """An operation as masters and agents know it."""

    framework_id: Annotated[FrameworkID | None, 1] = None
    agent_id: Annotated[AgentID | None, 2] = None
    info: Annotated[OfferOperation, 3]
    latest_status: Annotated[OperationStatus, 4]
    statuses: Annotated[tuple[OperationStatus, ...], 5] = ()
    uuid: Annotated[UUID, 6]


class OperationStatus(Body, frozen=True, kw_only=True):
    """One report about an operation."""

    operation_id: Annotated[OperationID | None, 1] = None
    state: Annotated[OperationState, 2]
    message: Annotated[str | None, 3] = None
    converted_resources: Annotated[tuple[Resource, ...], 4] = ()
    uuid: Annotated[UUID | None, 5] = None
    agent_id: Annotated[AgentID | None, 6] = None
    resource_provider_id: Annotated[ResourceProviderID | None, 7] = None


class OperationState(WireEnum):
    """How an operation fares."""

    OPERATION_UNSUPPORTED = "OPERATION_UNSUPPORTED", 0
    OPERATION_PENDING = "OPERATION_PENDING", 1
    OPERATION_FINISHED = "OPERATION_FINISHED", 2
    OPERATION_FAILED = "OPERATION_FAILED", 3
    OPERATION_ERROR = "OPERATION_ERROR", 4
    OPERATION_DROPPED = "OPERATION_DROPPED", 5
    OPERATION_UNREACHABLE = "OPERATION_UNREACHABLE", 6
    OPERATION_GONE_BY_OPERATOR = "OPERATION_GONE_BY_OPERATOR", 7
    OPERATION_RECOVERING = "OPERATION_RECOVERING", 8
    OPERATION_UNKNOWN = "OPERATION_UNKNOWN", 9
