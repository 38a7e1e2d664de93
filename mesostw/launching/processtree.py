"""
All processes of a container, also those that left its session and lost their parents.

Note [Markers]: a process that forks twice and makes its own session is, once its parent
has ended, a child of the supervisor (the subreaper) with nothing to tell whose it was;
and if the supervisor has been killed, a child of init.  Without a cgroup the kernel keeps
little that each child inherits, that nobody changes and that others may read.  One such
thing is a resource limit: so the soft ``RLIMIT_RTTIME`` of each container is a random number
of over 2**61 microseconds, its marker.  As a limit it is none: it counts only for
real-time scheduling, and 73,000 years are enough.  A program that sets this limit itself
is found by its session or its parents, and at the latest when no container lives.

Imports little: the supervisor uses it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Container, Iterable
from contextlib import suppress
from typing import Final, NamedTuple

#: Set in every marker, so that no limit which a person would set is taken for one.
MARKER_BIT: Final = 1 << 61
#: Times that a tree is walked to find processes that were made during the walk before.
WALKS_MAX: Final = 100
_LIMIT_NAME: Final = b"Max realtime timeout"


class Stat(NamedTuple):
    """What ``/proc/PID/stat`` says of a process."""

    state: str
    parent: int
    session: int


def new_marker() -> int:
    """A number that no other container has."""
    return MARKER_BIT | (int.from_bytes(os.urandom(8), "big") & (MARKER_BIT - 1))


def children(pid: int) -> list[int]:
    """The children of every thread of a process; none of one that is gone."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
            found += map(int, file.read().split())
    return found


def stat(pid: int) -> Stat | None:
    """What the kernel says of a process; ``None`` of one that is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return Stat(fields[0].decode(), int(fields[1]), int(fields[3]))


def marker(pid: int) -> int:
    """The marker that a process carries; 0 if it has none or is gone."""
    try:
        with open(f"/proc/{pid}/limits", "rb") as file:
            text = file.read()
    except OSError:
        return 0
    soft = text.partition(_LIMIT_NAME)[2].split(None, 1)[0:1]
    number = int(soft[0]) if soft and soft[0].isdigit() else 0
    return number if number & MARKER_BIT else 0


def family(roots: Iterable[int]) -> list[int]:
    """``roots`` and all that descends from them, parents first."""
    found = dict.fromkeys(roots)
    fresh = list(found)
    while fresh:
        fresh = [child for pid in fresh for child in children(pid) if child not in found]
        found.update(dict.fromkeys(fresh))
    return list(found)


def signal_all(pids: Iterable[int], number: int) -> None:
    """Signal each process; those that are gone or not ours are no error."""
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, number)


def end_family(roots: list[int]) -> int:
    """
    Kill ``roots`` and all that descends from them, and say how many that were.

    Each is stopped first, and the walk repeated until it finds nobody new: a stopped
    process makes no children, so nobody slips away while others are killed.
    """
    stopped: dict[int, None] = {}
    for _ in range(WALKS_MAX):
        fresh = [pid for pid in family(roots) if pid not in stopped]
        if not fresh:
            break
        signal_all(fresh, signal.SIGSTOP)
        stopped.update(dict.fromkeys(fresh))
    signal_all(stopped, signal.SIGKILL)
    return len(stopped)


def end_marked(markers: Container[int]) -> int:
    """Kill every process of this machine with one of ``markers``, and say how many."""
    marked = [
        pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if marker(pid) in markers
    ]
    return end_family(marked) if marked else 0
