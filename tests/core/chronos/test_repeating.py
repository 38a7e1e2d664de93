"""Instants of repeating intervals, held against a walk that adds one period after the other."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import repeating
from mesostw.core.chronos.zones import lost_days
from mesostw.model.jobs import INSTANT_MAX, Instant, Period, Repeating
from tests.core.chronos import strategies

#: Steps that the walk takes at most.
STEPS = 150


def walked(t: Repeating) -> list[int]:
    """The first instants, by way of UTC and back instead of offsets; equal ones once."""
    found: list[int] = []
    for step in range(STEPS):
        instant = _walked_one(t, step)
        if instant is not None and instant not in found[-1:]:
            found.append(instant)
    return found


def _walked_one(t: Repeating, step: int) -> int | None:
    month, year, day = t.anchor.month, t.anchor.year, t.anchor.day
    for _ in range(step * (t.period.years * 12 + t.period.months)):
        month, year = (1, year + 1) if month == 12 else (month + 1, year)
    if year > 9999:
        return None
    local = t.anchor.replace(
        year=year, month=month, day=min(day, calendar.monthrange(year, month)[1])
    )
    local += timedelta(days=step * (t.period.weeks * 7 + t.period.days))
    clock = timedelta(
        hours=t.period.hours,
        minutes=t.period.minutes,
        seconds=t.period.seconds,
        milliseconds=t.period.milliseconds,
    )
    at = _resolved(local, t) + step * clock
    return round((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def _resolved(local: datetime, t: Repeating) -> datetime:
    """The instants whose clock shows ``local``, tried one after the other; of two the first."""
    if not t.zone:
        return local.replace(tzinfo=UTC) - timedelta(seconds=t.offset_s)
    zone = ZoneInfo(t.zone)
    as_utc = local.replace(tzinfo=UTC)
    around = [as_utc + timedelta(minutes=30 * half) for half in range(-52, 53)]
    offsets = {at.astimezone(zone).utcoffset() or timedelta(0) for at in around}
    fitting = [
        as_utc - offset
        for offset in offsets
        if (as_utc - offset).astimezone(zone).replace(tzinfo=None) == local
    ]
    # In a gap no clock shows it: what it would be had the clocks not been changed.
    return min(fitting) if fitting else as_utc - min(offsets)


class RepeatingTests(SynchronousTestCase):
    """Instant k is anchor + k periods."""

    @settings(max_examples=60, deadline=None)
    @given(strategies.repeatings)
    def test_walk(self, t: Repeating) -> None:
        """Each instant is where a walk gets to, they strictly increase, and are found again."""
        expected = walked(t)
        found = [repeating.instant_at(t, index) for index in range(len(expected))]
        self.assertEqual(found, expected)
        for one, other in pairwise(expected):
            self.assertLess(one, other)
        for index in (0, 1, len(expected) // 2, len(expected) - 1):
            at = expected[index]
            self.assertEqual(repeating.reached(t, Instant(at)), index + 1)
            self.assertEqual(repeating.reached(t, Instant(at - 1)), index)

    @settings(max_examples=100, deadline=None)
    @given(strategies.repeatings, strategies.instants)
    def test_reached(self, t: Repeating, until: Instant) -> None:
        """At any time exactly those instants are behind that are not later."""
        reached = repeating.reached(t, until)
        after = repeating.instant_at(t, reached)
        self.assertTrue(after is None or after > until)
        if reached:
            before = repeating.instant_at(t, reached - 1)
            assert before is not None
            self.assertLessEqual(before, until)

    def test_month_ends(self) -> None:
        """From the 31st every month has its last day, and from a leap day each fourth year it."""
        monthly = Repeating(datetime.fromisoformat("2024-01-31T06:00"), Period(months=1))
        self.assertEqual(
            _days(monthly, 5),
            ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"],
        )
        yearly = Repeating(datetime.fromisoformat("2024-02-29T06:00"), Period(years=1))
        self.assertEqual(
            _days(yearly, 5), ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]
        )

    def test_clocks(self) -> None:
        """P1D keeps the time of day but in a gap; PT24H keeps the distance."""
        anchor = datetime.fromisoformat("2024-03-30T02:15")
        daily = Repeating(anchor, Period(days=1), zone="Europe/Berlin")
        self.assertEqual(_times(daily, 3), ["02:15+01:00", "03:15+02:00", "02:15+02:00"])
        distant = Repeating(anchor, Period(hours=24), zone="Europe/Berlin")
        self.assertEqual(_times(distant, 3), ["02:15+01:00", "03:15+02:00", "03:15+02:00"])
        half = Repeating(
            datetime.fromisoformat("2024-10-05T02:10"), Period(days=1), zone="Australia/Lord_Howe"
        )
        self.assertEqual(_times(half, 3), ["02:10+10:30", "02:40+11:00", "02:10+11:00"])
        twice = Repeating(
            datetime.fromisoformat("2024-11-02T01:30"), Period(days=1), zone="America/New_York"
        )
        self.assertEqual(_times(twice, 3), ["01:30-04:00", "01:30-04:00", "01:30-05:00"])

    def test_lost_day(self) -> None:
        """A day that a zone left out has no instant, and the count does not pay for it."""
        daily = Repeating(
            datetime.fromisoformat("2011-12-28T10:00"), Period(days=1), zone="Pacific/Apia"
        )
        self.assertEqual(_days(daily, 4), ["2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"])
        self.assertEqual(len(lost_days("Pacific/Apia")), 1)
        self.assertEqual(lost_days("Europe/Berlin"), ())

    def test_end_of_time(self) -> None:
        """There is nothing after the year 9999, and nothing fails close to it."""
        for period in (Period(months=1), Period(days=1), Period(hours=1), Period(years=8_000)):
            t = Repeating(datetime.fromisoformat("9999-12-31T22:30"), period, offset_s=-3600)
            self.assertEqual(repeating.instant_at(t, 0), INSTANT_MAX - 1_799_999)
            self.assertIsNone(repeating.instant_at(t, 1))
            self.assertEqual(repeating.reached(t, INSTANT_MAX), 1)

    def test_far(self) -> None:
        """After 56 years of seconds the next one is known at once."""
        t = Repeating(datetime.fromisoformat("1970-01-01"), Period(seconds=1))
        self.assertEqual(repeating.reached(t, Instant(1_767_225_600_999)), 1_767_225_601)


def _shown(t: Repeating, count: int) -> list[datetime]:
    found = (repeating.instant_at(t, index) for index in range(count))
    return [repeating.shown_at(t, one) for one in islice(found, count) if one is not None]


def _days(t: Repeating, count: int) -> list[str]:
    return [f"{at:%Y-%m-%d}" for at in _shown(t, count)]


def _times(t: Repeating, count: int) -> list[str]:
    return [at.isoformat(timespec="minutes").partition("T")[2] for at in _shown(t, count)]
