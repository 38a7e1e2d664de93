"""
When nobody could have served anything, and when nothing was wrong.

Both follow from who was away, and from how many of each role it takes: the same for one master
and for five.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from mesostw.testing.chronos_checks import Trouble
from tests.functional.chronos.evidence import Away, Evidence
from tests.functional.chronos.profiles import Topology

#: What is due so shortly before a fault may still be on its way, in seconds.
AFTER_S: Final = 0.5


def troubles(topology: Topology, away: Sequence[Away]) -> list[Trouble]:
    """Times in which a role had fewer parts than it takes."""
    return joined(
        trouble
        for role, needed in topology.needed.items()
        for trouble in _short(topology.names(role), needed, away)
    )


def _short(names: Sequence[str], needed: int, away: Sequence[Away]) -> list[Trouble]:
    """Times in which fewer than ``needed`` of ``names`` were there."""
    moves = []
    for name in names:
        for one in joined(Trouble(one.start, one.end) for one in away if one.part == name):
            moves += [(one.start, 1), (one.end, -1)]
    found, missing, since = [], 0, 0.0
    for at, move in sorted(moves):
        was_short = len(names) - missing < needed
        missing += move
        is_short = len(names) - missing < needed
        if is_short and not was_short:
            since = at
        elif was_short and not is_short:
            found.append(Trouble(since, at))
    return found


def joined(some: Iterable[Trouble]) -> list[Trouble]:
    """The same times, of which none touch."""
    found: list[Trouble] = []
    for one in sorted(some, key=lambda trouble: trouble.start):
        if found and one.start <= found[-1].end:
            found[-1] = Trouble(found[-1].start, max(found[-1].end, one.end))
        else:
            found.append(one)
    return found


def is_quiet(evidence: Evidence, wall: float, recovery_s: float) -> bool:
    """Whether nothing was wrong at a moment, nor shortly before, nor just after."""
    times = [(one.start, one.end) for one in evidence.harms]
    # Who is lost for good is missed only at first.
    times += [(one.start, one.end) for one in evidence.away if one.end < evidence.read]
    return not any(start - AFTER_S <= wall < end + recovery_s for start, end in times)
