"""Networks that a container joins, and its addresses there."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body, Uint32, always
from mesostw.messages.values import Labels
from mesostw.model.enums import WireEnum


class NetworkProtocol(WireEnum):
    """Which version of the Internet Protocol."""

    IPv4 = "IPv4", 1
    IPv6 = "IPv6", 2


class NetworkInfo(Body, frozen=True, kw_only=True):
    """A network that a container joins; in statuses, with the addresses it got."""

    ip_addresses: Annotated[tuple[IPAddress, ...], 5] = ()
    #: Of a configured network; unset is the agent's own.
    name: Annotated[str | None, 6] = None
    groups: Annotated[tuple[str, ...], 3] = ()
    labels: Annotated[Labels | None, 4] = None
    port_mappings: Annotated[tuple[PortMapping, ...], 7] = ()


class IPAddress(Body, frozen=True, kw_only=True):
    """An address that is asked for, or that was given."""

    protocol: Annotated[NetworkProtocol, 1] = always(NetworkProtocol.IPv4)
    #: Unset asks for any.
    ip_address: Annotated[str | None, 2] = None


class PortMapping(Body, frozen=True, kw_only=True):
    """A port of the machine that leads to a port of the container."""

    host_port: Annotated[Uint32, 1]
    container_port: Annotated[Uint32, 2]
    protocol: Annotated[str | None, 3] = None
