"""
Siblings in the order of their shares, searchable by mask.

A member stands for a set of bits of a mask; siblings' bits are disjoint.  The
question asked most is "the first member that has one of these bits".  So the
order is cut into blocks and each block knows all its bits: a thousand members
that nobody may choose are passed over in a few dozen steps.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

#: Members of a block when an order is built; a block of twice as many is split.
BLOCK_MEMBERS: Final = 32


class Masked(Protocol):
    """Something that stands for bits of a mask."""

    mask: int


M = TypeVar("M", bound=Masked)

#: Share, allocations so far, name (unique among siblings), member.
Entry: TypeAlias = tuple[float, int, str, M]


class FairOrder(Generic[M]):
    """A sorted list of entries; changing one costs the logarithm of their number."""

    __slots__ = ("_blocks", "_count", "_lasts", "_masks")

    def __init__(self) -> None:
        self._blocks: list[list[Entry[M]]] = []
        #: The last entry of each block.
        self._lasts: list[Entry[M]] = []
        #: The bits of all members of each block.
        self._masks: list[int] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Entry[M]]:
        for block in self._blocks:
            yield from block

    def rebuild(self, entries: Iterable[Entry[M]]) -> None:
        """Start again with ``entries``."""
        ordered = sorted(entries)
        self._count = len(ordered)
        starts = range(0, len(ordered), BLOCK_MEMBERS)
        self._blocks = [ordered[start : start + BLOCK_MEMBERS] for start in starts]
        self._lasts = [block[-1] for block in self._blocks]
        self._masks = [_bits(block) for block in self._blocks]

    def add(self, entry: Entry[M]) -> None:
        """Put a new entry in its place."""
        lasts = self._lasts
        self._count += 1
        if not lasts:
            self._blocks.append([entry])
            lasts.append(entry)
            self._masks.append(entry[3].mask)
            return
        at = bisect_left(lasts, entry)
        if at == len(lasts):
            at -= 1
            lasts[at] = entry
        block = self._blocks[at]
        insort(block, entry)
        self._masks[at] |= entry[3].mask
        if len(block) > 2 * BLOCK_MEMBERS:
            self._split(at)

    def remove(self, entry: Entry[M]) -> None:
        """Take out an entry, whose member has the bits that it had when it was added."""
        at = bisect_left(self._lasts, entry)
        block = self._blocks[at]
        place = bisect_left(block, entry)
        del block[place]
        self._count -= 1
        self._masks[at] ^= entry[3].mask
        if not block:
            del self._blocks[at], self._lasts[at], self._masks[at]
        elif place == len(block):
            self._lasts[at] = block[-1]
        if len(self._blocks) > 4 + self._count // (BLOCK_MEMBERS // 4):
            self.rebuild(list(self))

    def replace(self, old: Entry[M], new: Entry[M]) -> None:
        """Move one member to its new place."""
        if self._count == 1:
            self._blocks[0][0] = self._lasts[0] = new
        else:
            self.remove(old)
            self.add(new)

    def remask(self, entry: Entry[M], change: int) -> None:
        """Note that the bits ``change`` of an entry's member are flipped."""
        self._masks[bisect_left(self._lasts, entry)] ^= change

    def first(self, wanted: int) -> M | None:
        """Find the first member with a bit of ``wanted``."""
        for at, mask in enumerate(self._masks):
            if mask & wanted:
                for entry in self._blocks[at]:
                    if entry[3].mask & wanted:
                        return entry[3]
        return None

    def check(self) -> None:
        """Raise ``AssertionError`` if the order is not one."""
        entries = list(self)
        assert entries == sorted(entries), "entries are not in order"
        assert len(entries) == self._count, "the count is wrong"
        assert self._lasts == [block[-1] for block in self._blocks], "a last entry is wrong"
        assert self._masks == [_bits(block) for block in self._blocks], "a block's bits are wrong"

    def _split(self, at: int) -> None:
        block = self._blocks[at]
        halves = [block[:BLOCK_MEMBERS], block[BLOCK_MEMBERS:]]
        self._blocks[at : at + 1] = halves
        self._lasts[at : at + 1] = [half[-1] for half in halves]
        self._masks[at : at + 1] = [_bits(half) for half in halves]


def _bits(entries: Iterable[Entry[M]]) -> int:
    mask = 0
    for entry in entries:
        mask |= entry[3].mask
    return mask
