"""
Durable values as bytes: what a store keeps, typed by the first part of a key.

The form is msgpack under one leading byte, its version, so that a later daemon
can tell old records from its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


class Decoding:
    """
    A store's records, read one by one as somebody goes through them: there may be many.

    :param types: of a record, by the first part of its key.
    """

    def __init__(self, stored: Mapping[str, bytes], types: Mapping[str, type[Struct]]) -> None:
        self._stored = stored
        self._decoders = {name: msgspec.msgpack.Decoder(kind) for name, kind in types.items()}
        #: Why each unreadable key that was come to could not be read.
        self.unreadable: dict[str, str] = {}
        #: Keys of kinds that this program does not know; left where they are.
        self.unknown: list[str] = []

    def __iter__(self) -> Iterator[tuple[str, Struct]]:
        """Go through all that can be read; the others are noted."""
        for key, value in self._stored.items():
            kind = key.partition("/")[0]
            if kind == QUARANTINE:
                continue
            decoder = self._decoders.get(kind)
            if decoder is None:
                self.unknown.append(key)
                continue
            try:
                record = _decode(decoder, value)
            except (ValueError, RecursionError) as fault:
                self.unreadable[key] = str(fault)
            else:
                yield key, record


def _decode(decoder: msgspec.msgpack.Decoder[Struct], value: bytes) -> Struct:
    if value[:1] != _PREFIX:
        message = f"form {value[:1].hex() or 'nothing'} is not {RECORD_VERSION}"
        raise ValueError(message)
    return decoder.decode(memoryview(value)[1:])
