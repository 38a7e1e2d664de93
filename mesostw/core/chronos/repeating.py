"""
Instants of a repeating interval: anchor + k x period, for any k at once.

Notes
-----
Years and months are added to the anchor's local time first (a day that the month has not is
its last one), then weeks and days; the zone then says which instant that is, and hours to
milliseconds are added to it.  Nothing is ever added to an instant before, so neither ends of
months nor changes of clocks add up.

Two instants could be the same only where a zone left out a whole day and the period is one
day: the day that there was not has no instant of its own then, and counts for none.

"""

from __future__ import annotations

from calendar import monthrange
from datetime import MAXYEAR, date, datetime, timedelta, timezone
from typing import Final

from mesostw.core.chronos.periods import clock_ms_of, days_of, mean_ms_of, months_of
from mesostw.core.chronos.zones import local_of, lost_days, naive_ms, naive_of, offset_ms
from mesostw.model.jobs import INSTANT_MAX, Instant, Period, Repeating

_ORDINAL_MAX: Final = date.max.toordinal()
_DAY: Final = Period(days=1)


def instant_at(t: Repeating, index: int) -> Instant | None:
    """Instant ``index``, as if there were no count; ``None`` is beyond the year 9999."""
    position = _position_of(t, index)
    base = _calendar_ms(t, position)
    if base is None:
        return None
    found = base + position * clock_ms_of(t.period)
    return Instant(found) if found <= INSTANT_MAX else None


def reached(t: Repeating, until: Instant) -> int:
    """How many instants there are up to ``until``, as if there were no count."""
    first = instant_at(t, 0)
    if first is None or first > until:
        return 0
    index = int((until - first) // mean_ms_of(t.period))
    while index > 0 and _is_after(t, index, until):
        index -= 1
    while not _is_after(t, index + 1, until):
        index += 1
    return index + 1


def shown_at(t: Repeating, instant: Instant) -> datetime:
    """What the clocks of a timetable show at an instant, with their offset."""
    if t.zone:
        return local_of(t.zone, instant)
    offset = timedelta(seconds=t.offset_s)
    return naive_of(instant + t.offset_s * 1_000).replace(tzinfo=timezone(offset))


def _is_after(t: Repeating, index: int, until: Instant) -> bool:
    found = instant_at(t, index)
    return found is None or found > until


def _position_of(t: Repeating, index: int) -> int:
    """How often the period is added for instant ``index``: more than that after lost days."""
    if not t.zone or t.period != _DAY:
        return index
    for lost in lost_days(t.zone):
        if 0 <= lost - t.anchor.toordinal() <= index:
            index += 1
    return index


def _calendar_ms(t: Repeating, position: int) -> int | None:
    """The instant that the calendar's parts of the period lead to, in milliseconds."""
    months, days = months_of(t.period), days_of(t.period)
    local = (
        t.anchor if not months and not days else _local_at(t, position * months, position * days)
    )
    return None if local is None else naive_ms(local) - _offset_at(t, local)


def _local_at(t: Repeating, months: int, days: int) -> datetime | None:
    """The anchor's local time, so many months and then days later."""
    year, month = divmod(t.anchor.year * 12 + t.anchor.month - 1 + months, 12)
    if year > MAXYEAR:
        return None
    day = min(t.anchor.day, monthrange(year, month + 1)[1])
    ordinal = date(year, month + 1, day).toordinal() + days
    if ordinal > _ORDINAL_MAX:
        return None
    return datetime.combine(date.fromordinal(ordinal), t.anchor.time())


def _offset_at(t: Repeating, local: datetime) -> int:
    """In milliseconds."""
    return offset_ms(t.zone, local) if t.zone else t.offset_s * 1_000


def anchor_of(instant: Instant, zone: str, offset_s: int) -> datetime:
    """The local time that an instant is, as an anchor has it."""
    if zone:
        return local_of(zone, instant).replace(tzinfo=None, fold=0)
    return naive_of(instant + offset_s * 1_000)
