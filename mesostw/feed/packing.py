"""
Changes of a master as bytes, for whoever keeps a copy in another process.

Each is its number and its fields by name, so that daemons of different age understand each
other: a kind that the older one lacks is skipped, a field that it lacks is ignored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from twisted.logger import Logger

from mesostw.core.master import changes as said
from mesostw.core.master.changes import MasterChange
from mesostw.messages.convert import messages_of, resources_of
from mesostw.messages.resources import Resource
from mesostw.model.resources import EMPTY, Resources
from mesostw.model.slots import plain

#: The type of each number; a number is never used for another type.
CHANGES: Final[Mapping[int, type[MasterChange]]] = {
    1: said.AgentKept,
    2: said.AgentChanged,
    3: said.AgentRemoved,
    4: said.FrameworkKept,
    5: said.FrameworkChanged,
    6: said.FrameworkRemoved,
    7: said.FrameworkForgotten,
    8: said.TaskChanged,
    9: said.TaskStrayed,
    10: said.TaskRemoved,
    11: said.TaskForgotten,
    12: said.OfferMade,
    13: said.OfferEnded,
    14: said.ExecutorChanged,
    15: said.ExecutorRemoved,
    16: said.WeightChanged,
    17: said.EndedCounted,
    18: said.KillKept,
    19: said.KillDropped,
}
_NUMBERS: Final = {kind: number for number, kind in CHANGES.items()}


class Unpackable(ValueError):
    """Bytes that are no packed changes, or of a version that this one cannot read."""


def pack(changes: Sequence[MasterChange]) -> bytes:
    """``changes`` as bytes."""
    numbers = _NUMBERS
    return _encode([(numbers[type(change)], change) for change in changes])


def _packed(value: object) -> object:
    """What the packer does not know by itself: resources."""
    if not isinstance(value, Resources):
        raise NotImplementedError
    amounts = [
        (where.name, amount) for where, amount in value.items() if where is plain(where.name)
    ]
    if len(amounts) == len(value.items()):
        return amounts
    # Whatever is reserved, shared or on a disk is said in full.
    return messages_of(value)


def _unpacked(kind: type, value: Any) -> object:
    if kind is not Resources:
        raise NotImplementedError
    if not value:
        return EMPTY
    if isinstance(value[0], dict):
        return resources_of(msgspec.convert(value, tuple[Resource, ...]))
    return Resources({plain(name): _quantity(amount) for name, amount in value})


def _quantity(amount: Any) -> Any:
    if isinstance(amount, int):
        return amount
    if isinstance(amount[0], str):
        return frozenset(amount)
    return tuple((begin, end) for begin, end in amount)


_encode: Final = msgspec.msgpack.Encoder(enc_hook=_packed).encode
_frames: Final = msgspec.msgpack.Decoder(list[tuple[int, msgspec.Raw]])
_DECODERS: Final = {
    number: msgspec.msgpack.Decoder(kind, dec_hook=_unpacked) for number, kind in CHANGES.items()
}


class Unpacking:
    """Reads what :func:`pack` wrote, and counts what it does not know."""

    _log = Logger()

    def __init__(self) -> None:
        #: How often each number came that this program does not know.
        self.unknown: Counter[int] = Counter()

    def unpack(self, packed: bytes) -> list[MasterChange]:
        """
        The changes in their order.

        :raises Unpackable: somebody else's bytes.
        """
        found: list[MasterChange] = []
        try:
            for number, raw in _frames.decode(packed):
                decoder = _DECODERS.get(number)
                if decoder is None:
                    self._skip(number)
                else:
                    found.append(decoder.decode(raw))
        except (ValueError, TypeError, LookupError, RecursionError) as fault:
            raise Unpackable(str(fault)) from fault
        return found

    def _skip(self, number: int) -> None:
        self.unknown[number] += 1
        if self.unknown[number] == 1:
            self._log.warn("changes of the unknown kind {number} are skipped", number=number)
