"""
JSON by the rules of Mesos, in both directions.

Read: members that are not known are ignored; ``bytes`` are base64; one value
stands for a list of it; ``null`` is unset; numbers and booleans may be text; a
name that an enum lacks is unset in an optional field and refused in a required one.
What is well-formed takes one typed pass and none of these rules.

Written: what is unset is left out, but not a default that the API names; numbers
of 64 bits are numbers; what is not finite is text.
"""

from __future__ import annotations

import json
import math
import re
from functools import cache
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from mesostw.wire.errors import MalformedMessage, MalformedText
from mesostw.wire.mending import fault_of, mended

T = TypeVar("T", bound=Struct)

# A pattern is found twice as quickly as the same bytes by ``in``.
_null: Final = re.compile(b":null").search
_encode: Final = msgspec.json.Encoder().encode


def decode(kind: type[T], text: bytes) -> T:
    """
    Read one message.

    Raises :class:`MalformedText` if ``text`` is no JSON, and
    :class:`MalformedMessage` with the field's path if it does not fit ``kind``.
    """
    try:
        value: T = _decoder(kind).decode(text)
    except (ValueError, RecursionError):
        # Every complaint of msgspec is a ValueError.
        return convert(kind, parse(text))
    return value


def parse(text: bytes) -> object:
    """Read any JSON; ``Infinity`` and ``NaN`` may stand as numbers."""
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError) as fault:
        if b"Infinity" in text or b"NaN" in text:
            return _parse_with_infinities(text)
        raise MalformedText(fault_of(fault)[0]) from None


def convert(kind: type[T], value: object) -> T:
    """Make a message of what :func:`parse` has read."""
    try:
        return msgspec.convert(mended(kind, value, "json"), kind)
    except (ValueError, RecursionError, OverflowError) as fault:
        message, path = fault_of(fault)
        where = f" at {path}" if path else ""
        raise MalformedMessage(f"{message}{where}", path, message) from None


def encode(value: Struct) -> bytes:
    """Write one message."""
    text = _encode(value)
    if _null(text) is not None:
        # Nothing unset is written, so this is a number that JSON lacks, or a text.
        text = _encode(_with_names_of_infinities(msgspec.to_builtins(value)))
    return text


@cache
def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(kind)


def _parse_with_infinities(text: bytes) -> object:
    try:
        value = json.loads(text)
        _refuse_half_characters(value)
    except (ValueError, RecursionError) as fault:
        raise MalformedText(fault_of(fault)[0]) from None
    return value


def _refuse_half_characters(value: object) -> None:
    # The standard library lets the half of a surrogate pair through, which no
    # encoder takes again: it would fail where the message is passed on.
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, dict):
        for name, part in value.items():
            name.encode()
            _refuse_half_characters(part)
    elif isinstance(value, list):
        for part in value:
            _refuse_half_characters(part)


def _with_names_of_infinities(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {name: _with_names_of_infinities(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_with_names_of_infinities(part) for part in value]
    return value
