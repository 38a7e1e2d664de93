"""Rows as a table for a terminal, and values as people read them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Final

import msgspec

#: Shown for what is not known.
NOTHING: Final = "-"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """
    Columns as wide as their widest value, numbers to the right.

    On a terminal the last column is cut to what fits.
    """
    cells = [[heading.upper() for heading in headings], *[list(row) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    numeric = [
        bool(rows) and all(_is_number(row[column]) for row in rows)
        for column in range(len(headings))
    ]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    lines = []
    for row in cells:
        parts = [
            value.rjust(width) if right else value.ljust(width)
            for value, width, right in zip(row, widths, numeric, strict=True)
        ]
        lines.append("  ".join(parts).rstrip()[:room])
    return "\n".join(lines)


def _is_number(value: str) -> bool:
    return value.replace(".", "", 1).isdigit() or value == NOTHING


def number(value: float) -> str:
    """At most three decimals, none when whole."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def share(used: float, total: float) -> str:
    """Used of total."""
    return f"{number(used)}/{number(total)}"


def age(then: float | None, now: float) -> str:
    """How long ago ``then`` (seconds since 1970) was, in its largest unit."""
    if not then:
        return NOTHING
    seconds = max(0.0, now - then)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def short(value: object) -> str:
    """A value in one line."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def print_json(value: object) -> None:
    """For programs, and for a person who wants to see it all."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def note(text: str) -> None:
    """A line for the person, beside what a program may read."""
    print(f"mesostw: {text}", file=sys.stderr)
