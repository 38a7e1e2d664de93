"""
Messages of the bus as frames, and back.

The body is one struct in msgpack: a map by field names in which what is unset is
left out and what is not known is ignored. So daemons of different age understand
each other: a kind that the older one lacks is ``None`` here, and a name that its
enum lacks is UNKNOWN, or unset where there is no such member.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from mesostw.messages.kinds import KINDS, NUMBERS
from mesostw.wire.errors import MalformedFrame
from mesostw.wire.framing import (
    COUNTED_HEADER_BYTES,
    FRAME_BYTES_MAX,
    HEADER,
    Frame,
    unfit,
)
from mesostw.wire.mending import fault_of, mended

_body: Final = msgspec.msgpack.Encoder().encode
_header: Final = HEADER.pack
_DECODERS: Final[Mapping[int, Callable[[bytes], Struct]]] = {
    number: msgspec.msgpack.Decoder(kind).decode for number, kind in KINDS.items()
}


def encode(message: Struct, route: int = 0) -> bytes:
    """
    One message as a frame.

    Raises :class:`MalformedFrame` if it is too large for one, and ``KeyError`` if
    its type has no number.
    """
    body = _body(message)
    length = len(body) + COUNTED_HEADER_BYTES
    if length > FRAME_BYTES_MAX:
        raise unfit(length)
    return _header(length, NUMBERS[type(message)], 0, route) + body


def encode_all(messages: Sequence[Struct]) -> bytes:
    """Several messages as frames that follow each other, for one write."""
    if len(messages) == 1:
        return encode(messages[0])
    return b"".join([encode(message) for message in messages])


def decode(kind: int, body: bytes) -> Struct | None:
    """
    Return one message; ``None`` if this program does not know its kind.

    Raises :class:`MalformedFrame` with the path of the field at fault.
    """
    decoder = _DECODERS.get(kind)
    if decoder is None:
        return None
    try:
        return decoder(body)
    except (ValueError, RecursionError) as fault:
        # Every complaint of msgspec is a ValueError.
        return _decode_mended(kind, body, fault)


def decode_all(frames: Sequence[Frame], unknown: Callable[[int], object]) -> list[Struct]:
    """Return the messages of ``frames``; ``unknown`` is called with each kind not known."""
    messages: list[Struct] = []
    append, decoders = messages.append, _DECODERS
    for kind, _flags, _route, body in frames:
        decoder = decoders.get(kind)
        if decoder is None:
            unknown(kind)
            continue
        try:
            append(decoder(body))
        except (ValueError, RecursionError) as fault:
            append(_decode_mended(kind, body, fault))
    return messages


def _decode_mended(kind: int, body: bytes, fault: Exception) -> Struct:
    if isinstance(fault, msgspec.ValidationError) and "enum" in str(fault):
        try:
            value = mended(KINDS[kind], msgspec.msgpack.decode(body), "bus")
            return msgspec.convert(value, KINDS[kind])
        except (ValueError, TypeError, RecursionError) as other:
            fault = other
    message, path = fault_of(fault)
    name = KINDS[kind].__name__
    raise MalformedFrame(f"{name}{path[1:]}: {message}", path) from None
