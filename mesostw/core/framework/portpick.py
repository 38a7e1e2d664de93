"""Choosing an instance's ports from what an offer has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from mesostw.model.amounts import Ranges, ranges_size
from mesostw.model.slots import Slot

#: A port that any number will do for.
ANY_PORT: Final = 0


#: Gives a number from 0 up to its argument, which is left out.
Draw: TypeAlias = Callable[[int], int]


class Picked(Struct, frozen=True):
    """Ports in the order they were asked for, and where they come from."""

    ports: tuple[int, ...]
    slots: Mapping[Slot, tuple[int, ...]]


def is_possible(offered: Mapping[Slot, Ranges], wanted: Sequence[int]) -> bool:
    """Whether :func:`picked` finds something."""
    fixed = [port for port in wanted if port != ANY_PORT]
    if any(_slot_with(offered, port) is None for port in fixed):
        return False
    if len(set(fixed)) != len(fixed):
        return False
    return sum(ranges_size(ranges) for ranges in offered.values()) >= len(wanted)


def picked(offered: Mapping[Slot, Ranges], wanted: Sequence[int], draw: Draw) -> Picked | None:
    """
    Find a port for each of ``wanted``: that very number, or any for ``ANY_PORT``.

    Any means consecutive ones from a start by chance, around the end to the beginning, so
    that two instances in one place seldom get the port that another has just given up.
    """
    if not is_possible(offered, wanted):
        return None
    fixed = frozenset(port for port in wanted if port != ANY_PORT)
    free = _from_anywhere(offered, draw)
    slot: Slot | None
    ports: list[int] = []
    slots: dict[Slot, list[int]] = {}
    for number in wanted:
        if number == ANY_PORT:
            slot, port = next(pair for pair in free if pair[1] not in fixed)
        else:
            slot, port = _slot_with(offered, number), number
        if slot is not None:
            ports.append(port)
            slots.setdefault(slot, []).append(port)
    return Picked(tuple(ports), {slot: tuple(taken) for slot, taken in slots.items()})


def _slot_with(offered: Mapping[Slot, Ranges], port: int) -> Slot | None:
    for slot, ranges in offered.items():
        if any(begin <= port <= end for begin, end in ranges):
            return slot
    return None


def _from_anywhere(offered: Mapping[Slot, Ranges], draw: Draw) -> Iterator[tuple[Slot, int]]:
    """Every offered port once: shuffled ranges, the first from somewhere within it."""
    ranges = [(slot, pair) for slot, pairs in offered.items() for pair in pairs]
    if not ranges:
        return
    for last in range(len(ranges) - 1, 0, -1):
        other = draw(last + 1)
        ranges[last], ranges[other] = ranges[other], ranges[last]
    slot, (begin, end) = ranges[0]
    start = begin + draw(end - begin + 1)
    yield from ((slot, port) for port in range(start, end + 1))
    for other_slot, (first, final) in ranges[1:]:
        yield from ((other_slot, port) for port in range(first, final + 1))
    yield from ((slot, port) for port in range(begin, start))
