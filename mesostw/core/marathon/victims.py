"""
Which instances go first when there are too many.

Those that keep the spread of ``GROUP_BY`` most even; then those that do least: away, staging,
starting, running; then by age as the app wishes.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from mesostw.core.marathon.records import Condition, Instance
from mesostw.model.apps import AppSpec, KillSelection, Operator

_WEIGHTS: Final = {
    Condition.UNREACHABLE: 0,
    Condition.UNREACHABLE_INACTIVE: 0,
    Condition.PROVISIONED: 1,
    Condition.STAGING: 1,
    Condition.STARTING: 2,
    Condition.RUNNING: 3,
}
_OTHER: Final = 4


def chosen(spec: AppSpec, instances: Iterable[Instance], count: int) -> list[Instance]:
    """Choose ``count`` of an app's instances, or all if there are fewer, the first first."""
    if count <= 0:
        return []
    return _evenly(spec, sorted(instances, key=order(spec)), count)


def order(spec: AppSpec) -> Callable[[Instance], tuple[int, float, str]]:
    """How two instances compare: the lesser one goes first."""
    sign = 1.0 if spec.kill_selection is KillSelection.OLDEST_FIRST else -1.0

    def key(instance: Instance) -> tuple[int, float, str]:
        since = instance.staged_at if instance.started_at is None else instance.started_at
        return _WEIGHTS.get(instance.condition, _OTHER), sign * since, instance.id

    return key


def _evenly(spec: AppSpec, ordered: Sequence[Instance], count: int) -> list[Instance]:
    """Take from the fullest places first; in ``ordered`` where places are equally full."""
    fields = [one.field for one in spec.constraints if one.operator is Operator.GROUP_BY]
    if not fields or count >= len(ordered):
        return list(ordered[: max(0, count)])
    spread = _Spread(ordered, fields)
    return [spread.take() for _ in range(count)]


class _Spread:
    """Instances by where they are; a cell is one value for each field that they spread over."""

    def __init__(self, ordered: Sequence[Instance], fields: Sequence[str]) -> None:
        self._ordered = ordered
        #: Of each cell, places in ``ordered``: the first at the end, where it is cheap to take.
        self._cells: dict[tuple[str, ...], list[int]] = {}
        self._counts = [Counter[str]() for _ in fields]
        for place in range(len(ordered) - 1, -1, -1):
            cell = tuple(_value(ordered[place], field) for field in fields)
            self._cells.setdefault(cell, []).append(place)
            self._count(cell, 1)
        self._heap = [self._key(cell) for cell in self._cells]
        heapq.heapify(self._heap)

    def _count(self, cell: tuple[str, ...], more: int) -> None:
        for counts, value in zip(self._counts, cell, strict=True):
            counts[value] += more

    def _key(self, cell: tuple[str, ...]) -> tuple[tuple[int, ...], int, tuple[str, ...]]:
        full = tuple(-counts[value] for counts, value in zip(self._counts, cell, strict=True))
        return full, self._cells[cell][-1], cell

    def take(self) -> Instance:
        """Take the first of the fullest cell; there must be one."""
        while True:
            entry = heapq.heappop(self._heap)
            cell = entry[2]
            # Taking from one cell can make others less full, never fuller: an old entry is
            # too far in front, and is put back where it belongs.
            if (now := self._key(cell)) != entry:
                heapq.heappush(self._heap, now)
                continue
            place = self._cells[cell].pop()
            self._count(cell, -1)
            if self._cells[cell]:
                heapq.heappush(self._heap, self._key(cell))
            return self._ordered[place]


def _value(instance: Instance, field: str) -> str:
    """What ``GROUP_BY`` compares; an instance whose agent lacks the attribute is with its like."""
    match field:
        case "hostname" | "@hostname":
            return instance.hostname
        case "@region":
            return instance.region
        case "@zone":
            return instance.zone
        case _:
            return instance.attributes.get(field, "")
