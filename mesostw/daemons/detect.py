"""What this machine has, when nobody says what it should offer."""

from __future__ import annotations

import os
import shutil
from typing import Final

from mesostw.messages.convert import parse
from mesostw.model.names import ANY_ROLE
from mesostw.model.resources import EMPTY, Resources

MB: Final = 1024 * 1024
#: As in Mesos: what is left to the machine itself, where there is twice as much.
MEM_KEPT_MB: Final = 1024
DISK_KEPT_MB: Final = 5 * 1024
#: As in Mesos: offered where the machine does not say what it has.
CPUS_UNKNOWN: Final = 1
MEM_UNKNOWN_MB: Final = 1024
DISK_UNKNOWN_MB: Final = 10 * 1024
PORTS: Final = "[31000-32000]"


def mem_offered_mb(total_mb: int) -> int:
    """All but 1 GB, or half where there is less than 2 GB."""
    return _offered(total_mb, MEM_KEPT_MB)


def disk_offered_mb(total_mb: int) -> int:
    """All but 5 GB, or half where there is less than 10 GB."""
    return _offered(total_mb, DISK_KEPT_MB)


def _offered(total_mb: int, kept_mb: int) -> int:
    return total_mb - kept_mb if total_mb >= 2 * kept_mb else total_mb // 2


def mem_total_mb() -> int | None:
    """The machine's memory in MB, if it says."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MB
    except (ValueError, OSError):
        return None


def disk_total_mb(directory: str) -> int | None:
    """The size in MB of the volume that ``directory`` is on, if it says."""
    try:
        return shutil.disk_usage(directory).total // MB
    except OSError:
        return None


def offered(text: str | None, role: str, work_dir: str) -> Resources:
    """
    What the agent offers: what ``text`` names, and of cpus, mem, disk and ports the rest.

    :raises ValueError: ``text`` is wrong.
    """
    given = parse(text, role) if text else EMPTY
    names = {slot.name for slot, _ in given.items()}
    mem, disk = mem_total_mb(), disk_total_mb(work_dir)
    found = {
        "cpus": str(os.cpu_count() or CPUS_UNKNOWN),
        "mem": str(MEM_UNKNOWN_MB if mem is None else mem_offered_mb(mem)),
        "disk": str(DISK_UNKNOWN_MB if disk is None else disk_offered_mb(disk)),
        "ports": PORTS,
    }
    rest = ";".join(f"{name}:{value}" for name, value in found.items() if name not in names)
    return given + Resources.parse(rest, role or ANY_ROLE) if rest else given
