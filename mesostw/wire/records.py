"""
Durable values as bytes: what a store keeps, typed by the first part of a key.

The form is msgpack under one leading byte, its version, so that a later daemon
can tell old records from its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

#: The form that this program writes, and the only one that it reads.
RECORD_VERSION: Final = 1

#: Where a value that cannot be read is moved: kept for a person, ignored by daemons.
QUARANTINE: Final = "quarantine"

_PREFIX: Final = bytes([RECORD_VERSION])
_encode: Final = msgspec.msgpack.Encoder().encode


def encode_record(value: Struct) -> bytes:
    """One durable value as a store keeps it."""
    return _PREFIX + _encode(value)


class Decoded(Struct, frozen=True):
    """What could be read of a store's records, and what could not."""

    records: Mapping[str, Struct]
    #: Why each unreadable key could not be read.
    unreadable: Mapping[str, str]
    #: Keys of a kind that this program does not know; left where they are.
    unknown: tuple[str, ...]


def decode_records(stored: Mapping[str, bytes], types: Mapping[str, type[Struct]]) -> Decoded:
    """Read every record by the type that ``types`` gives for its key's first part."""
    decoders = {name: msgspec.msgpack.Decoder(kind) for name, kind in types.items()}
    records: dict[str, Struct] = {}
    unreadable: dict[str, str] = {}
    unknown: list[str] = []
    for key, value in stored.items():
        kind = key.partition("/")[0]
        if kind == QUARANTINE:
            continue
        decoder = decoders.get(kind)
        if decoder is None:
            unknown.append(key)
            continue
        try:
            records[key] = _decode(decoder, value)
        except (ValueError, RecursionError) as fault:
            unreadable[key] = str(fault)
    return Decoded(records, unreadable, tuple(unknown))


def _decode(decoder: msgspec.msgpack.Decoder[Struct], value: bytes) -> Struct:
    if value[:1] != _PREFIX:
        message = f"form {value[:1].hex() or 'nothing'} is not {RECORD_VERSION}"
        raise ValueError(message)
    return decoder.decode(memoryview(value)[1:])
