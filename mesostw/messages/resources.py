"""Resources as the API writes them; arithmetic is in ``mesostw.model.resources``."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body
from mesostw.messages.ids import ResourceProviderID
from mesostw.messages.values import Labels, Ranges, Scalar, Set, ValueType
from mesostw.messages.volumes import Volume
from mesostw.model.enums import WireEnum


class Resource(Body, frozen=True, kw_only=True):
    """An amount of one resource, with all that tells it from other amounts of that name."""

    provider_id: Annotated[ResourceProviderID | None, 12] = None
    name: Annotated[str, 1]
    #: SCALAR, RANGES or SET.
    type: Annotated[ValueType, 2]
    #: Of three decimals; mem and disk in MB.
    scalar: Annotated[Scalar | None, 3] = None
    ranges: Annotated[Ranges | None, 4] = None
    set: Annotated[Set | None, 5] = None
    #: Of old reservations, before ``reservations``.
    role: Annotated[str, 6] = "*"
    #: Set while offered or used.
    allocation_info: Annotated[AllocationInfo | None, 11] = None
    #: Of old reservations, before ``reservations``.
    reservation: Annotated[ReservationInfo | None, 8] = None
    #: From the widest role to the finest, ``eng`` before ``eng/web``.
    reservations: Annotated[tuple[ReservationInfo, ...], 13] = ()
    disk: Annotated[DiskInfo | None, 7] = None
    #: Set if it can be taken back at any time.
    revocable: Annotated[RevocableInfo | None, 9] = None
    #: Set if several tasks may use it at once.
    shared: Annotated[SharedInfo | None, 10] = None


class AllocationInfo(Body, frozen=True, kw_only=True):
    """To which role of a framework the resource was offered."""

    role: Annotated[str | None, 1] = None


class ReservationType(WireEnum):
    """Set aside by an agent's flag, or by an operation."""

    UNKNOWN = "UNKNOWN", 0
    STATIC = "STATIC", 1
    DYNAMIC = "DYNAMIC", 2


class ReservationInfo(Body, frozen=True, kw_only=True):
    """For which role the resource is set aside; the last of several is the finest."""

    type: Annotated[ReservationType | None, 4] = None
    role: Annotated[str | None, 3] = None
    #: Who reserved it.
    principal: Annotated[str | None, 1] = None
    labels: Annotated[Labels | None, 2] = None


class DiskInfo(Body, frozen=True, kw_only=True):
    """What is special about an amount of disk."""

    persistence: Annotated[Persistence | None, 1] = None
    volume: Annotated[Volume | None, 2] = None
    source: Annotated[DiskSource | None, 3] = None


class Persistence(Body, frozen=True, kw_only=True):
    """The disk is a volume that outlives its tasks."""

    #: Unique for its role on one agent.
    id: Annotated[str, 1]
    principal: Annotated[str | None, 2] = None


class DiskSourceType(WireEnum):
    """Which kind of disk."""

    UNKNOWN = "UNKNOWN", 0
    PATH = "PATH", 1
    MOUNT = "MOUNT", 2
    BLOCK = "BLOCK", 3
    RAW = "RAW", 4


class DiskSource(Body, frozen=True, kw_only=True):
    """The disk is not part of the agent's work directory."""

    type: Annotated[DiskSourceType, 1]
    path: Annotated[DiskPath | None, 2] = None
    mount: Annotated[DiskMount | None, 3] = None
    vendor: Annotated[str | None, 7] = None
    id: Annotated[str | None, 4] = None
    metadata: Annotated[Labels | None, 5] = None
    profile: Annotated[str | None, 6] = None


class DiskPath(Body, frozen=True, kw_only=True):
    """A directory that can be shared out in parts."""

    root: Annotated[str | None, 1] = None


class DiskMount(Body, frozen=True, kw_only=True):
    """A whole file system that is used as one."""

    root: Annotated[str | None, 1] = None


class RevocableInfo(Body, frozen=True, kw_only=True):
    """The resource can be taken back at any time."""


class SharedInfo(Body, frozen=True, kw_only=True):
    """The resource may be used by several tasks at once."""
