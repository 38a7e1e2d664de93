"""
Durations and sizes as operators write them: ``10secs``, ``1.5hrs``, ``512MB``.

A bare number is refused, as in Mesos: nobody can tell which unit was meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

#: Seconds in one unit of time, largest first.
DURATIONS: Final[Mapping[str, float]] = {
    "weeks": 604800.0,
    "days": 86400.0,
    "hrs": 3600.0,
    "mins": 60.0,
    "secs": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "ns": 1e-9,
}
#: Bytes in one unit of size, largest first; 1024-based.
SIZES: Final[Mapping[str, int]] = {"TB": 2**40, "GB": 2**30, "MB": 2**20, "KB": 2**10, "B": 1}
#: Seconds of the longest duration: Mesos counts nanoseconds in 64 bits.
DURATION_S_MAX: Final = 2**63 / 1e9
#: Bytes of the largest size: 64 bits.
SIZE_BYTES_MAX: Final = 2**64 - 1
#: Characters of a text worth looking at.
TEXT_LENGTH_MAX: Final = 64

_AMOUNT: Final = re.compile(r"\s*(-?[0-9]+(?:\.[0-9]*)?|-?\.[0-9]+)\s*([A-Za-z]*)\s*", re.ASCII)


class UnitRefused(ValueError):
    """A duration or size is none; the message names field, value and fix."""


def duration(text: str, field: str = "duration") -> float:
    """Read ``10secs`` as seconds, 0 to :data:`DURATION_S_MAX`; ``field`` is for the refusal."""
    number, unit = _split(text, field, DURATIONS, "10secs")
    seconds = float(number) * DURATIONS[unit]
    if seconds > DURATION_S_MAX:
        raise UnitRefused(f"{field}: {text!r} is too long; use at most 15000 weeks")
    return seconds


def size(text: str, field: str = "size") -> int:
    """Read ``10MB`` as whole bytes, rounded down; ``field`` is for the refusal."""
    number, unit = _split(text, field, SIZES, "10MB")
    factor = SIZES[unit]
    count = int(number) * factor if number.isdecimal() else int(float(number) * factor)
    if count > SIZE_BYTES_MAX:
        raise UnitRefused(f"{field}: {text!r} is too large; use at most 16000000TB")
    return count


def duration_text(seconds: float) -> str:
    """Print seconds in the largest unit that gives at least 1: ``1.5hrs``."""
    for unit, factor in DURATIONS.items():
        if abs(seconds) >= factor:
            return f"{_decimal(seconds / factor)}{unit}"
    return f"{_decimal(seconds / DURATIONS['ns'])}ns"


def size_text(count: int) -> str:
    """Print bytes exactly, in the largest unit that divides them."""
    for unit, factor in SIZES.items():
        if count and count % factor == 0:
            return f"{count // factor}{unit}"
    return f"{count}B"


def _split(
    text: str, field: str, units: Mapping[str, float] | Mapping[str, int], example: str
) -> tuple[str, str]:
    found = _AMOUNT.fullmatch(text) if len(text) <= TEXT_LENGTH_MAX else None
    if found is None:
        raise UnitRefused(f"{field}: {text[:TEXT_LENGTH_MAX]!r} is no amount; use {example}")
    number, unit = found.groups()
    if unit not in units:
        known = ", ".join(units)
        fault = f"has the unknown unit {unit!r}" if unit else "has no unit"
        raise UnitRefused(f"{field}: {text!r} {fault}; use {example} (units: {known})")
    if number.startswith("-"):
        raise UnitRefused(f"{field}: {text!r} is negative; use 0 or more, as in {example}")
    return number, unit


def _decimal(number: float) -> str:
    return f"{number:.9f}".rstrip("0").rstrip(".")
