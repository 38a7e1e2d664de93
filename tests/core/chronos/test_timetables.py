"""What is due, has passed and comes next, of timetables of both kinds."""

from __future__ import annotations

from datetime import date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import timetables
from mesostw.core.chronos.flags import WALK_MAX
from mesostw.core.chronos.timetables import Passing
from mesostw.model.jobs import Cron, Instant, Period, Repeating, Timetable
from tests.core.chronos import strategies

MINUTE = 60_000
DAY = 1_440 * MINUTE
#: 2026-01-01T00:00:00Z.
NEW_YEAR = Instant(1_767_225_600_000)


def walk(t: Timetable, until: Instant) -> list[Instant]:
    """Instants one after the other from the first on, up to ``until`` or the 200th."""
    found: list[Instant] = []
    at = timetables.first(t)
    while at is not None and at <= until and len(found) < 200:
        found.append(at)
        at = timetables.after(t, len(found) - 1, at)
    return found


class PositionTests(SynchronousTestCase):
    """A position is how many have passed, and which is due."""

    @settings(max_examples=60, deadline=None)
    @given(strategies.timetables, st.integers(0, 150), st.integers(0, 400 * DAY))
    def test_passing(self, t: Timetable, behind: int, span: int) -> None:
        """What passes between two times is what a walk passes, from any position."""
        begin = timetables.first(t)
        assert begin is not None
        everything = walk(t, Instant(begin + 400 * DAY))
        if len(everything) == 200:
            span = min(span, everything[-1] - begin - 1)
        behind = min(behind, len(everything) - 1)
        due, until = everything[behind], Instant(begin + span)
        passed = [one for one in everything[behind:] if one <= until]
        found = timetables.passing(t, behind, due, until)
        self.assertEqual(found.count, len(passed))
        self.assertEqual(found.newest, passed[-1] if passed else None)
        self.assertEqual(found.passed, behind + len(passed))
        index = behind + len(passed)
        if index < len(everything):
            self.assertEqual(found.due, everything[index])
        self.assertEqual(timetables.newest(t, behind, due, until, 3), tuple(passed[-3:]))
        known = [one for one in timetables.upcoming(t, behind, due, 3) if one <= everything[-1]]
        self.assertEqual(known, everything[behind:][:3])
        inside = tuple(one for one in everything if due <= one < until)[:5]
        self.assertEqual(timetables.within(t, due, until, 5), inside)

    def test_count(self) -> None:
        """A count of n has n instants, and one of 0 none."""
        t = Repeating(datetime.fromisoformat("2026-01-01"), Period(days=1), 3)
        self.assertEqual(len(walk(t, Instant(NEW_YEAR + 100 * DAY))), 3)
        until = Instant(NEW_YEAR + 100 * DAY)
        last = Instant(NEW_YEAR + 2 * DAY)
        self.assertEqual(timetables.passing(t, 1, last, until), Passing(2, last, 3, None))
        never = Repeating(t.anchor, t.period, 0)
        self.assertIsNone(timetables.first(never))
        self.assertEqual(
            timetables.within(Repeating(t.anchor, t.period, 0), NEW_YEAR, until, 9), ()
        )

    def test_within(self) -> None:
        """Of a span are those between the first and the last instant of all."""
        six = datetime.fromisoformat("2026-01-01T06:00")
        once = Repeating(six, Period(days=1), 1)
        daily = Cron(("0 6 * * *",), NEW_YEAR)
        early, begin, end = (Instant(NEW_YEAR + days * DAY) for days in (-5, 1, 4))
        at = Instant(NEW_YEAR + DAY // 4)
        self.assertEqual(timetables.within(once, early, end, 9), (at,))
        self.assertEqual(timetables.within(once, begin, end, 9), ())
        every = tuple(Instant(at + days * DAY) for days in range(4))
        self.assertEqual(timetables.within(daily, early, end, 9), every)
        self.assertEqual(timetables.within(daily, begin, end, 9), every[1:])
        self.assertEqual(timetables.within(daily, early, end, 2), every[:2])

    def test_nothing_due(self) -> None:
        """Before the next instant, and after the last, nothing passes."""
        t = Repeating(datetime.fromisoformat("2026-01-01"), Period(days=1), 1)
        early = Instant(NEW_YEAR - 1)
        self.assertEqual(timetables.passing(t, 0, NEW_YEAR, early), Passing(0, None, 0, NEW_YEAR))
        self.assertEqual(timetables.passing(t, 1, None, NEW_YEAR), Passing(0, None, 1, None))
        self.assertEqual(timetables.newest(t, 1, None, NEW_YEAR, 3), ())
        self.assertEqual(timetables.upcoming(t, 1, None, 3), ())

    def test_long_cron(self) -> None:
        """A cron that nobody looked at for a year is not walked, yet its newest is known."""
        t = Cron(("* * * * *",), NEW_YEAR)
        until = Instant(NEW_YEAR + 365 * DAY + 1)
        found = timetables.passing(t, 0, NEW_YEAR, until)
        newest = Instant(until - 1)
        self.assertEqual(found, Passing(WALK_MAX, newest, WALK_MAX, Instant(newest + MINUTE)))
        self.assertEqual(
            timetables.newest(t, 0, NEW_YEAR, until, 2), (Instant(newest - MINUTE), newest)
        )
        self.assertEqual(
            timetables.passing(t, 0, NEW_YEAR, Instant(NEW_YEAR + MINUTE)),
            Passing(2, Instant(NEW_YEAR + MINUTE), 2, Instant(NEW_YEAR + 2 * MINUTE)),
        )


class TextTests(SynchronousTestCase):
    """The schedule that is left."""

    def test_advanced(self) -> None:
        """The start is the next instant with its offset, and the count what is left."""
        t = Repeating(
            datetime.fromisoformat("2024-03-30T02:15"), Period(days=1), 3, "Europe/Berlin"
        )
        due = timetables.first(t)
        texts = []
        for passed in range(4):
            texts.append(timetables.schedule_text(t, passed, due))
            due = None if due is None else timetables.after(t, passed, due)
        self.assertEqual(
            texts,
            [
                "R3/2024-03-30T02:15:00.000+01:00/P1D",
                "R2/2024-03-31T03:15:00.000+02:00/P1D",
                "R1/2024-04-01T02:15:00.000+02:00/P1D",
                "R0/2024-04-02T02:15:00.000+02:00/P1D",
            ],
        )

    def test_utc(self) -> None:
        """An offset of nothing is Z; other kinds have no such text."""
        t = Repeating(datetime.fromisoformat("2026-01-01"), Period(weeks=1, minutes=90))
        self.assertEqual(
            timetables.schedule_text(t, 0, NEW_YEAR), "R/2026-01-01T00:00:00.000Z/P1WT90M"
        )
        self.assertEqual(timetables.schedule_text(Cron(("* * * * *",), NEW_YEAR), 0, NEW_YEAR), "")


class CronTests(SynchronousTestCase):
    """Crons by their instants."""

    def test_without(self) -> None:
        """Days that are left out have no instants."""
        t = Cron(("0 12 * * *",), NEW_YEAR, without=(date(2026, 1, 2), date(2026, 1, 3)))
        noon = NEW_YEAR + DAY // 2
        self.assertEqual(timetables.upcoming(t, 0, timetables.first(t), 2), (noon, noon + 3 * DAY))

    def test_several(self) -> None:
        """Of several expressions each instant comes once, in the order of time."""
        t = Cron(("0 0 * * *", "0 */12 * * *"), NEW_YEAR)
        self.assertEqual(
            timetables.upcoming(t, 0, timetables.first(t), 3),
            (NEW_YEAR, NEW_YEAR + DAY // 2, NEW_YEAR + DAY),
        )
