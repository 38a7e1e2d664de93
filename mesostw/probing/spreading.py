"""
When first probes are made, so that thousands started in one turn do not fire in one.

A leader that takes over starts a probe for each of its instances at once, with the same
delay.  Time is cut into slots; a slot takes so many first probes, and the next takes the
rest.  Those with a fixed beat keep their place from then on.
"""

from __future__ import annotations

from typing import Final

#: One slot.
SLOT_S: Final = 0.01
#: First probes of one slot: 500 a second, about a fifth of a processor.
SLOT_STARTS_MAX: Final = 5
#: Slots that are remembered before those in the past are forgotten.
SLOTS_MAX: Final = 10_000


class Spread:
    """Gives each first probe its time."""

    def __init__(self) -> None:
        self._taken: dict[int, int] = {}
        #: From a full slot to a later one that may have room.
        self._later: dict[int, int] = {}
        #: Slots before this one were forgotten.
        self._first = 0

    def book(self, due: float, now: float) -> float:
        """The time for a probe that is due at ``due``: then, or in a slot that has room."""
        wanted = slot = int(due / SLOT_S)
        passed = []
        while (later := self._later.get(slot)) is not None:
            passed.append(slot)
            slot = later
        for one in passed:
            self._later[one] = slot
        taken = self._taken[slot] = self._taken.get(slot, 0) + 1
        if taken == SLOT_STARTS_MAX:
            self._later[slot] = slot + 1
        present = int(now / SLOT_S)
        if len(self._taken) > SLOTS_MAX and present > self._first:
            self._forget(present)
        return due if slot == wanted else slot * SLOT_S

    def _forget(self, first: int) -> None:
        self._first = first
        self._taken = {slot: taken for slot, taken in self._taken.items() if slot >= first}
        self._later = {slot: later for slot, later in self._later.items() if slot >= first}
