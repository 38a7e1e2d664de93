"""
What was refused, by whom, until when.

A filter stands while what would be offered is within what was refused.  There
may be ten million of them (10,000 agents refused by 1,000 frameworks), so they
are kept by agent as groups: the same resources until the same deadline, and a
mask of all who refused them.

Note [Deadlines]: a deadline is rounded up by at most 1/64 of the filter's time,
so that filters set one after the other end together, in one group.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from mesostw.model.resources import Resources

#: Seconds of the longest filter: 365 days, as in Mesos.
REFUSE_S_MAX: Final = 365 * 86400.0
#: Seconds that a framework refuses an offer if it does not say, or says nonsense.
REFUSE_S_DEFAULT: Final = 5.0
#: Groups of one agent; the one that ends first makes room for another.
FILTER_GROUPS_MAX: Final = 64
#: A deadline is rounded up by at most this part of the filter's time.
ROUNDING: Final = 1 / 64


class Group:
    """Filters of one agent for the same resources until the same deadline."""

    __slots__ = ("deadline", "mask", "resources")

    def __init__(self, resources: Resources, deadline: float) -> None:
        self.resources = resources
        self.deadline = deadline
        self.mask = 0


def refuse_seconds(asked: float | None) -> float:
    """Read ``Filters.refuse_seconds`` as Mesos does: nonsense is 5 s, too long is 365 days."""
    if asked is None or math.isnan(asked) or asked < 0:
        return REFUSE_S_DEFAULT
    return min(asked, REFUSE_S_MAX)


def deadline_of(now: float, refuse_s: float) -> float:
    """When a filter of ``refuse_s`` seconds ends; see Note [Deadlines]."""
    grain = math.ldexp(1.0, math.frexp(refuse_s * ROUNDING)[1] - 1)
    return math.ceil((now + refuse_s) / grain) * grain


class Filters:
    """The filters of one agent."""

    __slots__ = ("_groups", "_refused", "_refused_of")

    def __init__(self) -> None:
        self._groups: dict[tuple[Resources, float], Group] = {}
        #: The answer to the last question, kept while it is the same question.
        self._refused_of: Resources | None = None
        self._refused = 0

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups.values())

    def __len__(self) -> int:
        return len(self._groups)

    def refused(self, offer: Resources) -> int:
        """Tell the bits of all who have refused what contains ``offer``."""
        if not self._groups:
            return 0
        if self._refused_of is not offer:
            mask = 0
            for group in self._groups.values():
                if group.resources.contains(offer):
                    mask |= group.mask
            self._refused, self._refused_of = mask, offer
        return self._refused

    def add(self, resources: Resources, deadline: float, bit: int) -> Group | None:
        """Let ``bit`` refuse ``resources``; gives the group if it is a new one."""
        group = self._groups.get((resources, deadline))
        made = None
        if group is None:
            made = group = self._groups[resources, deadline] = Group(resources, deadline)
        group.mask |= bit
        if self._refused_of is not None and resources.contains(self._refused_of):
            self._refused |= bit
        return made

    def drop(self, group: Group) -> None:
        """Forget a group."""
        del self._groups[group.resources, group.deadline]
        self._refused_of = None

    def soonest(self) -> Group:
        """Find the group that ends first."""
        return min(self._groups.values(), key=lambda group: group.deadline)

    def until(self, bit: int, offer: Resources) -> float | None:
        """When ``bit`` no longer refuses ``offer``, ``None`` if it does not."""
        ends = [
            group.deadline
            for group in self._groups.values()
            if group.mask & bit and group.resources.contains(offer)
        ]
        return max(ends, default=None)

    def strip(self, bits: int) -> list[Group]:
        """Forget what ``bits`` refused; gives the groups that nobody is left in."""
        self._refused_of = None
        keep = ~bits
        empty = []
        for group in self._groups.values():
            group.mask &= keep
            if not group.mask:
                empty.append(group)
        for group in empty:
            del self._groups[group.resources, group.deadline]
        return empty


O = TypeVar("O")  # noqa: E741 -- the owner of a group


class Wheel(Generic[O]):
    """Which groups end when; a group that ended early is taken out at once."""

    def __init__(self) -> None:
        self._deadlines: list[float] = []
        self._spokes: dict[float, dict[Group, O]] = {}

    def add(self, group: Group, owner: O) -> None:
        """Remember when ``group`` of ``owner`` ends."""
        spoke = self._spokes.get(group.deadline)
        if spoke is None:
            spoke = self._spokes[group.deadline] = {}
            heapq.heappush(self._deadlines, group.deadline)
        spoke[group] = owner

    def remove(self, group: Group) -> None:
        """Forget a group; its deadline stays, so that it is never there twice."""
        del self._spokes[group.deadline][group]

    def ended(self, now: float) -> Iterator[tuple[Group, O]]:
        """Take out every group that has ended by ``now``."""
        while self._deadlines and self._deadlines[0] <= now:
            yield from self._spokes.pop(heapq.heappop(self._deadlines)).items()

    def next_deadline(self) -> float | None:
        """When the next group ends; ``None`` if there is none."""
        return self._deadlines[0] if self._deadlines else None
