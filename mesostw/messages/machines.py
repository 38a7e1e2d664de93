"""Machines, where they are, and when they are not to be used."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body, Int32
from mesostw.messages.values import DurationInfo, Parameter, TimeInfo
from mesostw.model.enums import WireEnum


class Address(Body, frozen=True, kw_only=True):
    """Where a process listens; ``hostname``, ``ip`` or both are set."""

    hostname: Annotated[str | None, 1] = None
    ip: Annotated[str | None, 2] = None
    port: Annotated[Int32, 3]


class URL(Body, frozen=True, kw_only=True):
    """Where something can be asked over HTTP."""

    scheme: Annotated[str, 1]
    address: Annotated[Address, 2]
    path: Annotated[str | None, 3] = None
    query: Annotated[tuple[Parameter, ...], 4] = ()
    fragment: Annotated[str | None, 5] = None


class Unavailability(Body, frozen=True, kw_only=True):
    """A span of planned maintenance; without ``duration`` it has no end."""

    start: Annotated[TimeInfo, 1]
    duration: Annotated[DurationInfo | None, 2] = None


class MachineID(Body, frozen=True, kw_only=True):
    """A machine by its name, its address or both; the name has no regard to case."""

    hostname: Annotated[str | None, 1] = None
    ip: Annotated[str | None, 2] = None


class MachineMode(WireEnum):
    """Whether a machine is in use, about to be taken down, or down."""

    UP = "UP", 1
    DRAINING = "DRAINING", 2
    DOWN = "DOWN", 3


class MachineInfo(Body, frozen=True, kw_only=True):
    """A machine and its planned maintenance."""

    id: Annotated[MachineID, 1]
    mode: Annotated[MachineMode | None, 2] = None
    unavailability: Annotated[Unavailability | None, 3] = None


class DomainInfo(Body, frozen=True, kw_only=True):
    """Where a master or an agent is, as far as failures go."""

    fault_domain: Annotated[FaultDomain | None, 1] = None


class FaultDomain(Body, frozen=True, kw_only=True):
    """Machines that may fail together: a zone of a region."""

    region: Annotated[RegionInfo, 1]
    zone: Annotated[ZoneInfo, 2]


class RegionInfo(Body, frozen=True, kw_only=True):
    """A region: machines near enough to each other for low latency."""

    name: Annotated[str, 1]


class ZoneInfo(Body, frozen=True, kw_only=True):
    """A zone: machines of one region that share power or a switch."""

    name: Annotated[str, 1]
