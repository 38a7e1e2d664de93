"""
Arithmetic of amounts: scalars as whole thousandths, ranges, sets.

A scalar is fixed point with three decimals, kept as an ``int`` of thousandths,
so that a thousand additions of 0.001 give 1 exactly.  Ranges are tuples of
inclusive ``(begin, end)`` pairs, sorted, disjoint and never touching: equal
ranges are equal tuples.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]
#: Thousandths, inclusive ranges, or words.
Quantity: TypeAlias = int | Ranges | frozenset[str]

#: Thousandths in one unit of a scalar.
SCALE: Final = 1000
#: The largest scalar in units: beyond it a double no longer tells thousandths apart.
SCALAR_MAX: Final = 2**40
#: The largest end of a range: ``uint64`` on the wire.
RANGE_END_MAX: Final = 2**64 - 1


class ResourcesError(ValueError):
    """An amount is no amount, or is not there; the message names field, value and fix."""


def thousandths(value: float, field: str) -> int:
    """
    Round ``value`` to whole thousandths, halves away from zero as Mesos does.

    ``field`` names the value in the error that refuses a negative one, NaN,
    an infinity, or one above :data:`SCALAR_MAX`.
    """
    if 0 <= value <= SCALAR_MAX:
        return math.floor(value * SCALE + 0.5)
    if value < 0:
        fault = "is negative; use 0 or more"
    elif math.isfinite(value):
        fault = f"is too large; use at most {SCALAR_MAX}"
    else:
        fault = "is not a finite number; use a decimal such as 0.5"
    raise ResourcesError(f"{field}: {value} {fault}")


def scalar_text(amount: int) -> str:
    """Print thousandths as the shortest decimal: ``1500`` as ``1.5``."""
    units, rest = divmod(amount, SCALE)
    return f"{units}.{rest:03}".rstrip("0") if rest else str(units)


def scalar_number(amount: int) -> float:
    """Turn thousandths into the double that the Mesos API speaks."""
    return amount / SCALE


def coalesced(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """Sort ranges and join those that overlap or touch."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(pairs):
        if joined and begin <= joined[-1][1] + 1:
            if end > joined[-1][1]:
                joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return tuple(joined)


def ranges_of(pairs: Iterable[tuple[int, int]], field: str) -> Ranges:
    """Check ranges as a peer gave them, then join those that touch."""
    ordered = sorted(pairs)
    last = -1
    for begin, end in ordered:
        if begin > end:
            raise ResourcesError(
                f"{field}: range {begin}-{end} ends before it begins; use {end}-{begin}"
            )
        if begin < 0 or end > RANGE_END_MAX:
            raise ResourcesError(
                f"{field}: range {begin}-{end} is out of bounds; use 0 to {RANGE_END_MAX}"
            )
        if begin <= last:
            raise ResourcesError(
                f"{field}: range {begin}-{end} overlaps one that ends at {last}; name each once"
            )
        last = end
    return coalesced(ordered)


def ranges_without(held: Ranges, taken: Ranges) -> Ranges:
    """Cut ``taken`` out of ``held``; what is not there is left out silently."""
    left: list[tuple[int, int]] = []
    cuts = iter(taken)
    cut = next(cuts, None)
    for begin, end in held:
        start = begin
        while cut is not None and cut[0] <= end:
            if cut[1] >= start:
                if cut[0] > start:
                    left.append((start, cut[0] - 1))
                start = cut[1] + 1
            if cut[1] > end:
                break
            cut = next(cuts, None)
        if start <= end:
            left.append((start, end))
    return tuple(left)


def ranges_within(small: Ranges, large: Ranges) -> bool:
    """Whether every number of ``small`` is in ``large``."""
    if small == large:
        return True
    outer = iter(large)
    frame = next(outer, None)
    for begin, end in small:
        while frame is not None and frame[1] < begin:
            frame = next(outer, None)
        if frame is None or begin < frame[0] or end > frame[1]:
            return False
    return True


def ranges_size(ranges: Ranges) -> int:
    """How many numbers are in ``ranges``."""
    return sum(end - begin + 1 for begin, end in ranges)


def ranges_text(ranges: Ranges) -> str:
    """Print ranges as the text form and ``/state`` do: ``[1-2, 5-9]``."""
    return "[" + ", ".join(f"{begin}-{end}" for begin, end in ranges) + "]"


def words_text(words: frozenset[str]) -> str:
    """Print a set as the text form and ``/state`` do, sorted: ``{a, b}``."""
    return "{" + ", ".join(sorted(words)) + "}"


def quantity_text(quantity: Quantity) -> str:
    """Print any amount in the text form."""
    if isinstance(quantity, int):
        return scalar_text(quantity)
    if isinstance(quantity, tuple):
        return ranges_text(quantity)
    return words_text(quantity)


def quantity_of(text: str, field: str) -> Quantity:
    """Read an amount of the text form: ``1.5``, ``[1-2, 5-9]`` or ``{a, b}``."""
    text = text.strip()
    if text.startswith("["):
        return _ranges_read(text, field)
    if text.startswith("{"):
        if not text.endswith("}"):
            raise ResourcesError(f"{field}: {text!r} lacks its end; close it with }}")
        return frozenset(word for word in (w.strip() for w in text[1:-1].split(",")) if word)
    return thousandths(number_of(text, field), field)


def number_of(text: str, field: str) -> float:
    """Read a decimal; digits grouped by ``_``, which Python allows, are refused."""
    try:
        if "_" in text:
            raise ValueError(text)
        return float(text)
    except ValueError:
        raise ResourcesError(
            f"{field}: {text!r} is no amount; use a number, [begin-end] or {{word, word}}"
        ) from None


def _ranges_read(text: str, field: str) -> Ranges:
    if not text.endswith("]"):
        raise ResourcesError(f"{field}: {text!r} lacks its end; close it with ]")
    pairs: list[tuple[int, int]] = []
    for part in text[1:-1].split(","):
        begin, dash, end = part.partition("-")
        if not part.strip():
            continue
        begin, end = begin.strip(), end.strip()
        if not (dash and begin.isdecimal() and end.isdecimal()) or len(begin + end) > 40:
            raise ResourcesError(f"{field}: {part.strip()!r} is no range; use begin-end")
        pairs.append((int(begin), int(end)))
    return ranges_of(pairs, field)
