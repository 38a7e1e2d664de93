"""
What a log of groups still says: where each key's last value stands, and what may go.

A store that only ever adds groups of changes grows without end, so the oldest groups are cleaned
away: what of them still counts is added again at the log's end.  Nothing older stands before the
oldest group, so removals in it hide nothing any more, and only values are to be saved.

A log is allowed to be as long again as what counts: then each byte that is written costs about
one more that is copied, whatever the mix of records that change and records that do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

import msgspec
from attrs import define

#: Bytes that a log may have beyond twice what counts of it.
SLACK_BYTES: Final = 4_000_000
#: Nodes that a log may have: reading it takes a request for each.
NODES_MAX: Final = 1_000
#: What is cleaned at once at most: bytes that are read, and groups.
CLEANED_BYTES_MAX: Final = 400_000
CLEANED_GROUPS_MAX: Final = 100

Writes = Sequence[tuple[str, bytes | None]]

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[tuple[str, bytes | None]]).decode


def encode_group(writes: Writes) -> bytes:
    """A group of changes as a log has it."""
    return _encode(writes)


def decode_group(data: bytes) -> list[tuple[str, bytes | None]]:
    """
    A group of changes from a log.

    :raises ValueError: these bytes are none.
    """
    return _decode(data)


@define
class Group:
    """One group of a log, in ``nodes`` nodes whose numbers begin with ``first``."""

    first: int
    nodes: int
    bytes: int
    records: int
    #: Keys whose last value stands here.
    live: int = 0
    #: Whether the log has it for certain, so that it can be read.
    kept: bool = True

    @property
    def numbers(self) -> range:
        """Of its nodes."""
        return range(self.first, self.first + self.nodes)

    @property
    def record_bytes(self) -> float:
        """Of one of its records, as they are on the average."""
        return self.bytes / max(1, self.records)


class Ledger:
    """Where the last value of each key stands, and how much of a log counts no more."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._groups: dict[int, Group] = {}
        self._nodes = self._bytes = 0
        self._live_bytes = 0.0

    @property
    def nodes(self) -> int:
        """How many nodes the log has."""
        return self._nodes

    @property
    def size(self) -> int:
        """How long the log is, in bytes."""
        return self._bytes

    def add(self, group: Group, writes: Writes) -> None:
        """Take in a group that stands at the end of the log."""
        self._groups[group.first] = group
        self._nodes += group.nodes
        self._bytes += group.bytes
        for key, value in writes:
            self._outlive(self._at.pop(key, None))
            if value is not None:
                self._at[key] = group.first
                group.live += 1
                self._live_bytes += group.record_bytes

    def _outlive(self, first: int | None) -> None:
        if first is not None:
            group = self._groups[first]
            group.live -= 1
            self._live_bytes -= group.record_bytes

    def needs_cleaning(self) -> bool:
        """Whether the log is too long for what it says, and :meth:`oldest` has what to clean."""
        if len(self._groups) < 2 or not next(iter(self._groups.values())).kept:
            return False
        too_long = self._bytes > 2 * self._live_bytes + SLACK_BYTES
        return too_long or self._nodes > NODES_MAX

    def oldest(self) -> list[Group]:
        """The groups to clean next: never the newest, and only what is kept."""
        found: list[Group] = []
        size = 0
        for group in islice(self._groups.values(), min(CLEANED_GROUPS_MAX, len(self._groups) - 1)):
            if not group.kept:
                break
            # Of groups that say nothing any more nothing is read.
            size += group.bytes if group.live else 0
            if found and size > CLEANED_BYTES_MAX:
                break
            found.append(group)
        return found

    def counting(self, group: Group, writes: Writes) -> list[tuple[str, bytes]]:
        """What of ``writes``, which stand in ``group``, still counts."""
        last = {key: value for key, value in writes if self._at.get(key) == group.first}
        return [(key, value) for key, value in last.items() if value is not None]

    def drop(self, group: Group) -> None:
        """Forget a group of which nothing counts any more."""
        assert not group.live, f"group {group.first}: {group.live} values still count"
        del self._groups[group.first]
        self._nodes -= group.nodes
        self._bytes -= group.bytes
