"""What a daemon says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from mesostw import API_VERSION

#: Told where Mesos tells of its build; ours has no build.
BUILD_TIME: Final = 0.0
MASTER_CAPABILITIES: Final = ("AGENT_UPDATE",)


@attrs.frozen(kw_only=True)
class Identity:
    """A master or an agent as its pages show it."""

    #: Empty for an agent that no master has admitted yet.
    id: Callable[[], str]
    ip: str
    port: int
    hostname: str
    #: In wall seconds.
    started: float
    #: ``--flag`` to its text, as they were given or defaulted.
    flags: Mapping[str, str] = attrs.field(factory=dict)
    cluster: str = ""
    #: Since when this master leads, in wall seconds.
    elected: Callable[[], float | None] = lambda: None

    @property
    def address(self) -> str:
        return f"{self.ip}:{self.port}"

    def build(self) -> dict[str, object]:
        """What every daemon says of the program that it is."""
        return {
            "version": API_VERSION,
            "build_date": "",
            "build_time": BUILD_TIME,
            "build_user": "",
        }

    def is_ipv4(self) -> bool:
        return self.ip.count(".") == 3

    def packed_ip(self) -> int:
        """An IPv4 address as ``MasterInfo`` has it: network byte order read as a little-endian."""
        if not self.is_ipv4():
            return 0
        return int.from_bytes(bytes(int(part) for part in self.ip.split(".")), "little")
