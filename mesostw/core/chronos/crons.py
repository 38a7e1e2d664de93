"""
Cron expressions: what they are, and the instants that they name.

Notes
-----
Stepping is cronsim's, which does as Debian's cron does.  Of expressions with five fields whose
minute and hour are both given (no ``*``), a time that clocks skip is served right after the
change, and one that comes twice is served the first time only; all others follow the clock on
the wall, so they are served in each of the two hours and in none of those that are skipped.

An expression is kept as it was resolved: without names for a whole (``@daily``) and with ``H``
replaced by the number that the job's name gives.

"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from heapq import merge
from typing import Final
from zlib import crc32

from cronsim import CronSim, CronSimError

from mesostw.core.chronos.zones import local_of, naive_ms, offset_ms
from mesostw.model.jobs import Cron, Instant, JobName

EXPRESSIONS_MAX: Final = 50
EXPRESSION_CHARS_MAX: Final = 200
#: Years before the last one are left to step in; nobody plans beyond.
_YEAR_MAX: Final = 9_900

_NAMED: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
#: What ``H`` may be, by field from the seconds on; days that every month has.
_HASHED: Final = ((0, 59), (0, 59), (0, 23), (1, 28), (1, 12), (0, 6))
_HASH: Final = re.compile(r"H(?:\((\d+)-(\d+)\))?(?:/(\d+))?", re.ASCII)
_UTC_NAME: Final = "UTC"
_ANY_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)


def resolved(text: str, name: JobName) -> str:
    """
    An expression without ``@`` and ``H``, checked.

    :raises ValueError: it is none, in words
    """
    if len(text) > EXPRESSION_CHARS_MAX:
        raise ValueError(f"must not be longer than {EXPRESSION_CHARS_MAX} characters")
    if text.startswith("@"):
        if text not in _NAMED:
            raise ValueError(f"'{text}' is none of {', '.join(_NAMED)}")
        return _NAMED[text]
    fields = text.split()
    if len(fields) not in (5, 6):
        raise ValueError(f"'{text}' must have 5 fields, or 6 with seconds first")
    first = 6 - len(fields)
    fields = [_without_hash(one, first + at, name) for at, one in enumerate(fields)]
    try:
        next(CronSim(" ".join(fields), _ANY_TIME))
    except CronSimError as error:
        raise ValueError(f"'{text}': {str(error).lower()}") from error
    except StopIteration as error:
        raise ValueError(f"'{text}' names no time at all") from error
    return " ".join(fields)


def _without_hash(field: str, kind: int, name: JobName) -> str:
    return _HASH.sub(lambda found: _hashed(found, kind, name), field)


def _hashed(found: re.Match[str], kind: int, name: JobName) -> str:
    """
    ``H`` is a number of the field's range, ``H(1-5)`` of another, ``H/15`` begins at one.

    :raises ValueError: the range is empty or too large, in words
    """
    low, high = _HASHED[kind]
    if found[1]:
        low, high = int(found[1]), int(found[2])
    step = int(found[3] or 0)
    if not _HASHED[kind][0] <= low <= high <= max(31, _HASHED[kind][1]):
        raise ValueError(f"'{found[0]}' is no range")
    width = min(step or high - low + 1, high - low + 1)
    # Each field gets a number of its own, for any name the same in every life.
    start = low + crc32(f"{kind}:{name}".encode()) % width
    return f"{start}-{high}/{step}" if step else str(start)


# --- instants -----------------------------------------------------------------------


def following(t: Cron, instant: Instant) -> Iterator[Instant]:
    """All instants later than ``instant``, one after the other."""
    last = max(instant, t.since - 1)
    # What several expressions name is one instant.
    for one in merge(*(_named_by(expression, t, last) for expression in t.expressions)):
        if one > last:
            yield one
            last = one


def after(t: Cron, instant: Instant) -> Instant | None:
    """The first instant later than ``instant``."""
    return next(following(t, instant), None)


class _Steps(CronSim):
    """
    cronsim's, also over a clock that is put back by half an hour.

    It goes from an hour to the next by 3,600 s, and then misses the beginning of the one after.
    """

    def advance_hour(self) -> bool:
        if self.dt.hour in self.hours:
            return False
        self.dt = self.dt.replace(minute=0, second=0)
        while self.dt.hour not in self.hours:
            self.tick(seconds=3_600 - self.dt.minute * 60)
            if self.dt.hour == 0:
                break
        return True


def _named_by(expression: str, t: Cron, floor: int) -> Iterator[Instant]:
    """What one expression names, about from ``floor`` on, in order."""
    begin: datetime | None = local_of(t.zone, Instant(floor))
    if t.zone == _UTC_NAME:
        # cronsim knows UTC by this object alone, and need not ask for offsets then.
        begin = begin.replace(tzinfo=UTC) if begin else None
    while begin is not None and begin.year < _YEAR_MAX:
        sim, begin = _Steps(expression, begin), None
        for found in sim:
            if found.year >= _YEAR_MAX:
                return
            if found.date() in t.without:
                # Nothing on this day: on from its last second.
                begin = datetime.combine(found.date(), time(23, 59, 59), found.tzinfo)
                break
            yield Instant(naive_ms(found) - offset_ms(t.zone, found))
