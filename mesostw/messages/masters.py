"""Masters, and what they say of themselves."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body, Int32, Uint32, Uint64
from mesostw.messages.ids import FrameworkID
from mesostw.messages.machines import Address, DomainInfo
from mesostw.messages.resources import Resource
from mesostw.messages.values import TimeInfo
from mesostw.model.enums import WireEnum


class MasterInfo(Body, frozen=True, kw_only=True):
    """A master: who leads, and where it listens."""

    #: New with each start of a master.
    id: Annotated[str, 1]
    #: Of version 4 in network order, as a number; ``address`` says it better.
    ip: Annotated[Uint32, 2]
    port: Annotated[Uint32, 3]
    #: ``master@ip:port``.
    pid: Annotated[str | None, 4] = None
    hostname: Annotated[str | None, 5] = None
    version: Annotated[str | None, 6] = None
    address: Annotated[Address | None, 7] = None
    domain: Annotated[DomainInfo | None, 8] = None
    capabilities: Annotated[tuple[MasterCapability, ...], 9] = ()


class MasterCapabilityType(WireEnum):
    """What a master is able to do."""

    UNKNOWN = "UNKNOWN", 0
    AGENT_UPDATE = "AGENT_UPDATE", 1
    AGENT_DRAINING = "AGENT_DRAINING", 2
    QUOTA_V2 = "QUOTA_V2", 3


class MasterCapability(Body, frozen=True, kw_only=True):
    """Something that a master is able to do."""

    type: Annotated[MasterCapabilityType | None, 1] = None


class DriverStatus(WireEnum):
    """How a driver of the old C++ library fares."""

    DRIVER_NOT_STARTED = "DRIVER_NOT_STARTED", 1
    DRIVER_RUNNING = "DRIVER_RUNNING", 2
    DRIVER_ABORTED = "DRIVER_ABORTED", 3
    DRIVER_STOPPED = "DRIVER_STOPPED", 4


class VersionInfo(Body, frozen=True, kw_only=True):
    """A version, and how it was built."""

    #: Three numbers with dots and nothing behind them.
    version: Annotated[str, 1]
    build_date: Annotated[str | None, 2] = None
    #: Seconds since 1970.
    build_time: Annotated[float | None, 3] = None
    build_user: Annotated[str | None, 4] = None
    git_sha: Annotated[str | None, 5] = None
    git_branch: Annotated[str | None, 6] = None
    git_tag: Annotated[str | None, 7] = None


class Flag(Body, frozen=True, kw_only=True):
    """A flag that a daemon was started with."""

    name: Annotated[str, 1]
    value: Annotated[str | None, 2] = None


class Role(Body, frozen=True, kw_only=True):
    """A role, its weight, its frameworks and what they hold."""

    name: Annotated[str, 1]
    weight: Annotated[float, 2]
    frameworks: Annotated[tuple[FrameworkID, ...], 3] = ()
    resources: Annotated[tuple[Resource, ...], 4] = ()


class WeightInfo(Body, frozen=True, kw_only=True):
    """The weight of a role: its share beside those of other roles."""

    #: Over 0; 1 is that of a role without one.
    weight: Annotated[float, 1]
    role: Annotated[str | None, 2] = None


class Metric(Body, frozen=True, kw_only=True):
    """A measured value."""

    name: Annotated[str, 1]
    value: Annotated[float | None, 2] = None


class FileInfo(Body, frozen=True, kw_only=True):
    """A file of a daemon, as ``stat`` tells of it."""

    path: Annotated[str, 1]
    nlink: Annotated[Int32 | None, 2] = None
    #: In bytes.
    size: Annotated[Uint64 | None, 3] = None
    mtime: Annotated[TimeInfo | None, 4] = None
    #: As ``stat`` has it: kind and permissions.
    mode: Annotated[Uint32 | None, 5] = None
    #: The owner's name.
    uid: Annotated[str | None, 6] = None
    #: The group's name.
    gid: Annotated[str | None, 7] = None
