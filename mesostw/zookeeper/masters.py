"""What masters write into ZooKeeper of themselves: MasterInfo in JSON, as in Mesos."""

from __future__ import annotations

from typing import Final

from mesostw.messages.masters import MasterInfo
from mesostw.wire.errors import Malformed
from mesostw.wire.json import decode, encode

#: What is listened on and is nowhere that could be dialled.
EVERYWHERE: Final = ("0.0.0.0", "::")


def announced(info: MasterInfo) -> bytes:
    """What a master's node holds."""
    return encode(info)


def address_of(data: bytes) -> str:
    """
    Where the master listens that a node is of, ``host:port``.

    :raises ValueError: the node holds no MasterInfo.
    """
    try:
        info = decode(MasterInfo, data)
    except Malformed as fault:
        raise ValueError(str(fault)) from fault
    address = info.address
    if address is not None and (address.ip or address.hostname):
        ip = address.ip if address.ip not in EVERYWHERE else None
        return joined(ip or address.hostname or info.hostname or "", address.port)
    # As Mesos before 0.24 wrote it: an IPv4 address as a number, its first byte lowest.
    packed = info.ip.to_bytes(4, "little")
    return joined(".".join(map(str, packed)), info.port)


def joined(host: str, port: int) -> str:
    """``host:port``, with brackets around an address of version 6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
