"""Times in our own API: always UTC with milliseconds, and local ones beside where that helps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from mesostw.core.framework.naming import stamp_of
from mesostw.http.api.asking import quoted
from mesostw.http.api.refusals import ApiRefusal
from mesostw.model.jobs import INSTANT_MAX, Instant, Repeating, Timetable

_MS: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant_text(instant: Instant) -> str:
    """``2026-03-29T02:30:00.000Z``."""
    return f"{_moment(instant):%Y-%m-%dT%H:%M:%S}.{instant % _MS:03d}Z"


def wall_text(wall: float | None) -> str | None:
    """The same of a wall second; ``None`` of none."""
    return None if wall is None else stamp_of(wall)


def local_text(instant: Instant, zone: tzinfo) -> str:
    """``2026-03-29T04:30:00.000+02:00``."""
    return _moment(instant).astimezone(zone).isoformat(timespec="milliseconds")


def zone_of(timetable: Timetable | None) -> tzinfo:
    """The zone that a timetable is written in; UTC without one."""
    if timetable is None:
        return UTC
    if timetable.zone:
        return ZoneInfo(timetable.zone)
    if isinstance(timetable, Repeating):
        return timezone(timedelta(seconds=timetable.offset_s))
    return UTC


def _moment(instant: Instant) -> datetime:
    return _EPOCH + timedelta(milliseconds=instant)


def read_instant(name: str, value: object) -> Instant:
    """
    A time that a client gives: ISO 8601 with an offset, or milliseconds since 1970.

    :raises ApiRefusal: 422.
    """
    found = _read(value)
    if found is None or not 0 <= found <= INSTANT_MAX:
        raise ApiRefusal(
            422,
            f"{name} is {_shown(value)}: give a time such as '2026-03-29T02:30:00Z', "
            "with its offset, or milliseconds since 1970",
        )
    return Instant(found)


def _shown(value: object) -> str:
    return "absent" if value is None else f"'{quoted(str(value))}'"


def _read(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    return (at - _EPOCH) // timedelta(milliseconds=1)
