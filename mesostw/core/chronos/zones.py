"""
Time zones by name, and local times in them.

Notes
-----
A local time that clocks skip is moved forward by as much as they do; of one that comes twice
the first is meant.  Both are what the offset before the change gives, which ``fold=0`` asks
for.

"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from mesostw.core.chronos.periods import MS_PER_DAY
from mesostw.model.jobs import Instant

#: Short names that Java knows, all of them regions with summer times of their own. The zone
#: data have a few of these too, as fixed offsets; ours come first.
ALIASES: Final = {
    "ACT": "Australia/Darwin",
    "AET": "Australia/Sydney",
    "AGT": "America/Argentina/Buenos_Aires",
    "ART": "Africa/Cairo",
    "AST": "America/Anchorage",
    "BET": "America/Sao_Paulo",
    "BST": "Asia/Dhaka",
    "CAT": "Africa/Harare",
    "CNT": "America/St_Johns",
    "CST": "America/Chicago",
    "CTT": "Asia/Shanghai",
    "EAT": "Africa/Addis_Ababa",
    "ECT": "CET",
    "EST": "America/New_York",
    "HST": "Pacific/Honolulu",
    "IET": "America/Indiana/Indianapolis",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "MIT": "Pacific/Apia",
    "MST": "America/Denver",
    "NET": "Asia/Yerevan",
    "NST": "Pacific/Auckland",
    "PLT": "Asia/Karachi",
    "PNT": "America/Phoenix",
    "PRT": "America/Puerto_Rico",
    "PST": "America/Los_Angeles",
    "SST": "Pacific/Guadalcanal",
    "VST": "Asia/Ho_Chi_Minh",
}

#: 1970-01-01 as ``date.toordinal`` counts.
EPOCH_ORDINAL: Final = 719_163
_EPOCH: Final = datetime.fromisoformat("1970-01-01")
_MILLISECOND: Final = timedelta(milliseconds=1)
#: Clocks change by less, except where a whole day is left out.
_LEAP_MIN: Final = timedelta(hours=20)
#: The years in which days were left out, or may be: the zone data know no later changes.
_LEAP_YEARS: Final = range(1970, 2040)


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def named(text: str) -> str | None:
    """The zone that ``text`` means, as the zone data call it; ``None`` if there is none."""
    name = ALIASES.get(text, text)
    return name if name in _names() else None


def offset_ms(zone: str, local: datetime) -> int:
    """How far clocks in ``zone`` are ahead of UTC at a local time, in milliseconds."""
    offset = ZoneInfo(zone).utcoffset(local)
    return 0 if offset is None else offset // _MILLISECOND


def naive_ms(local: datetime) -> int:
    """Milliseconds from 1970 to a time without an offset, as if it were UTC."""
    days = local.toordinal() - EPOCH_ORDINAL
    seconds = (local.hour * 60 + local.minute) * 60 + local.second
    return days * MS_PER_DAY + seconds * 1_000 + local.microsecond // 1_000


def naive_of(milliseconds: int) -> datetime:
    """The time without an offset that :func:`naive_ms` tells."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def local_of(zone: str, instant: Instant) -> datetime:
    """What clocks in ``zone`` show at an instant, with the zone."""
    return datetime.fromtimestamp(instant // 1_000, ZoneInfo(zone)).replace(
        microsecond=instant % 1_000 * 1_000
    )


@cache
def lost_days(zone: str) -> tuple[int, ...]:
    """Days that a zone left out as it went over the date line, as ordinals."""
    found = []
    for year in _LEAP_YEARS:
        begin, end = date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()
        if _noon_offset(zone, end) - _noon_offset(zone, begin) < _LEAP_MIN:
            continue
        while end - begin > 1:
            middle = (begin + end) // 2
            if _noon_offset(zone, middle) - _noon_offset(zone, begin) < _LEAP_MIN:
                begin = middle
            else:
                end = middle
        # Noon of a day that there was not has the offset before.
        found.append(begin)
    return tuple(found)


def _noon_offset(zone: str, ordinal: int) -> timedelta:
    noon = datetime.combine(date.fromordinal(ordinal), time(12))
    return ZoneInfo(zone).utcoffset(noon) or timedelta(0)
