"""Frameworks: who they are, and which offers they want."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from mesostw.messages.fields import Body, always
from mesostw.messages.ids import FrameworkID
from mesostw.messages.values import Labels, Scalar
from mesostw.model.enums import WireEnum


class FrameworkInfo(Body, frozen=True, kw_only=True):
    """A framework as it subscribes."""

    #: The Unix user of its tasks; empty means the one that the scheduler runs as.
    user: Annotated[str, 1]
    name: Annotated[str, 2]
    #: Set to come back under an id that it had.
    id: Annotated[FrameworkID | None, 3] = None
    #: Seconds that the master keeps tasks after the scheduler has gone; up to 2**63 - 1 ns.
    failover_timeout: Annotated[float, 4] = always(0.0)
    #: Whether its tasks and executors outlive a restart of their agent.
    checkpoint: Annotated[bool, 5] = always(False)
    #: Its only role, if it lacks the capability MULTI_ROLE; then ``roles`` is empty.
    role: Annotated[str, 6] = "*"
    #: Its roles, each once, if it has the capability MULTI_ROLE.
    roles: Annotated[tuple[str, ...], 12] = ()
    #: Where the scheduler runs; for people.
    hostname: Annotated[str | None, 7] = None
    #: Who it is, as it authenticates.
    principal: Annotated[str | None, 8] = None
    #: Linked from the dashboard.
    webui_url: Annotated[str | None, 9] = None
    capabilities: Annotated[tuple[FrameworkCapability, ...], 10] = ()
    labels: Annotated[Labels | None, 11] = None
    #: By role.
    offer_filters: Annotated[dict[str, OfferFilters], 13] = field(default_factory=dict)


class FrameworkCapabilityType(WireEnum):
    """What a framework is able to deal with."""

    UNKNOWN = "UNKNOWN", 0
    REVOCABLE_RESOURCES = "REVOCABLE_RESOURCES", 1
    TASK_KILLING_STATE = "TASK_KILLING_STATE", 2
    GPU_RESOURCES = "GPU_RESOURCES", 3
    SHARED_RESOURCES = "SHARED_RESOURCES", 4
    PARTITION_AWARE = "PARTITION_AWARE", 5
    MULTI_ROLE = "MULTI_ROLE", 6
    RESERVATION_REFINEMENT = "RESERVATION_REFINEMENT", 7
    REGION_AWARE = "REGION_AWARE", 8


class FrameworkCapability(Body, frozen=True, kw_only=True):
    """Something that a framework is able to deal with."""

    type: Annotated[FrameworkCapabilityType | None, 1] = None


class OfferFilters(Body, frozen=True, kw_only=True):
    """Which offers of a role are too small for the framework."""

    min_allocatable_resources: Annotated[MinAllocatableResources | None, 1] = None


class ResourceQuantities(Body, frozen=True, kw_only=True):
    """Amounts of resources by their name."""

    quantities: Annotated[dict[str, Scalar], 1] = field(default_factory=dict)


class MinAllocatableResources(Body, frozen=True, kw_only=True):
    """An offer must hold at least one of ``quantities``."""

    quantities: Annotated[tuple[ResourceQuantities, ...], 1] = ()
