"""ISO 8601 durations: ``P1M2DT3H``, ``P1W``, ``PT0.5S``, their parts kept as they were written."""

from __future__ import annotations

import re
from typing import Final

from mesostw.model.jobs import Period

MS_PER_SECOND: Final = 1_000
MS_PER_DAY: Final = 86_400_000
#: Years and months of the Gregorian calendar are so long on the average.
_MS_PER_MONTH: Final = 30.436875 * MS_PER_DAY
#: What the original's library can hold.
_PART_MAX: Final = 2**31 - 1

_PART: Final = re.compile(r"(\d+)(?:[.,](\d+))?([A-Z])", re.ASCII)
_DATE_PARTS: Final = {"Y": "years", "M": "months", "W": "weeks", "D": "days"}
_TIME_PARTS: Final = {"H": "hours", "M": "minutes", "S": "seconds"}


def read(text: str) -> Period | str:
    """
    A duration, or in words what is wrong with it and where.

    Decimals of a second are cut off after the third, as the original does; a duration of
    nothing is one, but ``P`` alone is none.
    """
    if not text.startswith("P"):
        return _fault(text, 0, "the letter P")
    parts: dict[str, int] = {}
    date, mark, time = text[1:].partition("T")
    fault = _read_parts(text, 1, 1 + len(date), _DATE_PARTS, parts)
    if fault is None and mark:
        fault = _read_parts(text, 2 + len(date), len(text), _TIME_PARTS, parts)
    if fault is not None:
        return fault
    if not parts or (mark and not time):
        return _fault(text, len(text), "a number")
    return Period(**parts)


def _read_parts(
    text: str, at: int, end: int, letters: dict[str, str], parts: dict[str, int]
) -> str | None:
    """Add the parts between ``at`` and ``end``, each letter once and in its order."""
    left = list(letters)
    while at < end:
        found = _PART.match(text, at, end)
        if found is None:
            return _fault(text, at, "a number and one of " + ", ".join(left))
        number, decimals, letter = found.groups()
        if letter not in left:
            return _fault(text, found.start(3), "one of " + ", ".join(left or ["nothing more"]))
        if decimals is not None and letter != "S":
            return _fault(text, found.start(2), "no decimals but of seconds")
        if len(number) > 10 or int(number) > _PART_MAX:
            return _fault(text, at, f"a number up to {_PART_MAX}")
        left = left[left.index(letter) + 1 :]
        parts[letters[letter]] = int(number)
        if decimals is not None:
            parts["milliseconds"] = int(decimals[:3].ljust(3, "0"))
        at = found.end()
    return None


def _fault(text: str, at: int, expected: str) -> str:
    found = f"'{text[at]}'" if at < len(text) else "the end"
    return f"expected {expected} at character {at + 1}, not {found}"


def text_of(period: Period) -> str:
    """The duration as it was written; ``PT0S`` is nothing."""
    date = _told((period.years, "Y"), (period.months, "M"), (period.weeks, "W"), (period.days, "D"))
    time = _told((period.hours, "H"), (period.minutes, "M")) + _seconds_of(period)
    if not date and not time:
        return "PT0S"
    return f"P{date}T{time}" if time else f"P{date}"


def _told(*parts: tuple[int, str]) -> str:
    return "".join(f"{number}{letter}" for number, letter in parts if number)


def _seconds_of(period: Period) -> str:
    if not period.milliseconds:
        return _told((period.seconds, "S"))
    seconds, rest = divmod(period.milliseconds, MS_PER_SECOND)
    decimals = f"{rest:03d}".rstrip("0")
    return f"{period.seconds + seconds}" + (f".{decimals}" if decimals else "") + "S"


# --- lengths --------------------------------------------------------------------------


def months_of(period: Period) -> int:
    """What is added to the month."""
    return period.years * 12 + period.months


def days_of(period: Period) -> int:
    """What is added to the date."""
    return period.weeks * 7 + period.days


def clock_ms_of(period: Period) -> int:
    """What is added to the instant, in milliseconds."""
    seconds = (period.hours * 60 + period.minutes) * 60 + period.seconds
    return seconds * MS_PER_SECOND + period.milliseconds


def mean_ms_of(period: Period) -> float:
    """How long it is on the average, in milliseconds."""
    days = days_of(period) * MS_PER_DAY
    return months_of(period) * _MS_PER_MONTH + days + clock_ms_of(period)


def period_of(milliseconds: int) -> Period:
    """A length of time as seconds."""
    seconds, rest = divmod(milliseconds, MS_PER_SECOND)
    return Period(seconds=seconds, milliseconds=rest)
