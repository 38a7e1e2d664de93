"""ISO 8601 repeating intervals, ``R[n]/[start]/period``, as the original reads them."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from msgspec import Struct

from mesostw.core.chronos import periods
from mesostw.model.jobs import Period

#: The period is the last part that begins with P.
_SHAPE: Final = re.compile(r"R(\d*)/(.*)/(P.*)", re.ASCII | re.DOTALL)
_DATE: Final = re.compile(
    r"(?P<year>\d{4})(?:-W(?P<week>\d{1,2})(?:-(?P<weekday>\d))?"
    r"|-(?P<ordinal>\d{3})|-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?)?(?![\d-])",
    re.ASCII,
)
_TIME: Final = re.compile(
    r"T(?:(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2}))?)?"
    r"(?:[.,](?P<decimals>\d+))?)?(?!\d)",
    re.ASCII,
)
_OFFSET: Final = re.compile(
    r"Z|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>[0-5]\d)(?::?(?P<seconds>[0-5]\d))?)?",
    re.ASCII,
)
_COUNT_MAX: Final = 2**31 - 1
_OFFSET_HOURS_MAX: Final = 18


class Start(Struct, frozen=True):
    """A start as it was written: local time, and its offset in seconds, if it had one."""

    local: datetime
    offset_s: int | None


class Interval(Struct, frozen=True):
    """A repeating interval as it was written."""

    #: ``None`` never ends.
    count: int | None
    #: ``None`` is now.
    start: Start | None
    period: Period


def read(text: str) -> Interval | str:
    """A repeating interval, or in words what is wrong with it and where."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        return "must be R[n]/[start]/period, as in R5/2026-01-31T06:00:00Z/P1D"
    if len(found[1]) > 10 or int(found[1] or 0) > _COUNT_MAX:
        return f"expected a number up to {_COUNT_MAX} at character 2"
    start = _read_start(found[2], found.start(2)) if found[2] else None
    if isinstance(start, str):
        return start
    period = periods.read(found[3])
    if isinstance(period, str):
        return f"its period: {period} of '{found[3]}'"
    return Interval(int(found[1]) if found[1] else None, start, period)


def _read_start(text: str, before: int) -> Start | str:
    """A date, a time of day unless that is midnight, and an offset, if there is one."""
    at = 0
    offset_s = None
    moment = timedelta(0)
    if (day := _DATE.match(text)) is None:
        return _fault(before, "a date, as 2026-01-31")
    at = day.end()
    if clock := _TIME.match(text, at):
        at = clock.end()
        if (taken := _moment_of(clock)) is None:
            return _fault(before + day.end(), "a time of day, from 00:00 to 23:59:59.999")
        moment = taken
        if zone := _OFFSET.match(text, at):
            if int(zone["hours"] or 0) > _OFFSET_HOURS_MAX:
                return _fault(before + at, f"an offset up to {_OFFSET_HOURS_MAX} hours")
            at = zone.end()
            offset_s = _offset_of(zone)
    if at < len(text):
        return _fault(before + at, f"the end of the start, not '{text[at]}'")
    try:
        return Start(datetime.combine(_date_of(day), time()) + moment, offset_s)
    except ValueError as error:
        return f"its start is no date: {error}"


def _date_of(found: re.Match[str]) -> date:
    """
    Of a month, of a week, or of a year.

    :raises ValueError: there is no such day
    """
    year = int(found["year"])
    if found["week"]:
        return date.fromisocalendar(year, int(found["week"]), int(found["weekday"] or 1))
    if found["ordinal"]:
        day = date(year, 1, 1) + timedelta(days=int(found["ordinal"]) - 1)
        if day.year != year:
            raise ValueError(f"{year} has no day {found['ordinal']}")
        return day
    return date(year, int(found["month"] or 1), int(found["day"] or 1))


def _moment_of(found: re.Match[str]) -> timedelta | None:
    """The time of day; decimals are of its last part, to the millisecond."""
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if hour > 23 or minute > 59 or second > 59:
        return None
    unit = 1_000 if found["second"] else 60_000 if found["minute"] else 3_600_000
    decimals = (found["decimals"] or "0")[:9]
    rest = int(decimals) * unit // 10 ** len(decimals)
    return timedelta(hours=hour, minutes=minute, seconds=second, milliseconds=rest)


def _offset_of(found: re.Match[str]) -> int:
    """In seconds, east of Greenwich."""
    hours, minutes, seconds = (int(found[name] or 0) for name in ("hours", "minutes", "seconds"))
    size = (hours * 60 + minutes) * 60 + seconds
    return -size if found["sign"] == "-" else size


def _fault(at: int, expected: str) -> str:
    return f"expected {expected} at character {at + 1}"
