"""Durations and intervals as text."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import intervals, periods
from mesostw.core.chronos.intervals import Interval, Start
from mesostw.model.jobs import Period
from tests.core.chronos import strategies


class PeriodTests(SynchronousTestCase):
    """ISO 8601 durations."""

    def test_kept(self) -> None:
        """Parts stay as they were written."""
        for text, expected in (
            ("P1W", Period(weeks=1)),
            ("PT90S", Period(seconds=90)),
            ("P1Y2M3W4DT5H6M7.089S", Period(1, 2, 3, 4, 5, 6, 7, 89)),
            ("PT0.5S", Period(milliseconds=500)),
            ("PT24H", Period(hours=24)),
        ):
            self.assertEqual(periods.read(text), expected)
            self.assertEqual(periods.text_of(expected), text)
        self.assertEqual(periods.read("PT0,0019S"), Period(milliseconds=1))
        self.assertEqual(periods.text_of(Period()), "PT0S")

    @given(strategies.periods)
    def test_again(self, period: Period) -> None:
        """What is told is read as the same."""
        self.assertEqual(periods.read(periods.text_of(period)), period)

    def test_faults(self) -> None:
        """What is wrong is told with its place."""
        for text, place in (
            ("", 1),
            ("1D", 1),
            ("P", 2),
            ("PT", 3),
            ("P1DT", 5),
            ("P1H", 3),
            ("P1D2Y", 5),
            ("P1M1M", 5),
            ("P-1D", 2),
            ("P1.5D", 4),
            ("PT1X", 4),
            ("P1DT2HT", 7),
            ("P99999999999D", 2),
            ("p1d", 1),
            ("P١D", 2),
        ):
            found = periods.read(text)
            assert isinstance(found, str), text
            self.assertIn(f"at character {place},", found, text)


class IntervalTests(SynchronousTestCase):
    """ISO 8601 repeating intervals."""

    def test_starts(self) -> None:
        """Dates of months, weeks and years, times with less, offsets of each form."""
        for text, local, offset_s in (
            ("2026-01-31T06:07:08.009Z", "2026-01-31T06:07:08.009", 0),
            ("2026-01-31T06:07+01:30", "2026-01-31T06:07", 5400),
            ("2026-01-31T06:07:08-0800", "2026-01-31T06:07:08", -28800),
            ("2026-01-31T06", "2026-01-31T06:00", None),
            ("2026-01-31T06.5", "2026-01-31T06:30", None),
            ("2026-01-31", "2026-01-31", None),
            ("2026-01", "2026-01-01", None),
            ("2026-1-5T6:7", "2026-01-05T06:07", None),
            ("2026-W05-6T06:00Z", "2026-01-31T06:00", 0),
            ("2026-W05", "2026-01-26", None),
            ("2026-031T06:00", "2026-01-31T06:00", None),
        ):
            found = intervals.read(f"R/{text}/P1D")
            expected = Start(datetime.fromisoformat(local), offset_s)
            self.assertEqual(found, Interval(None, expected, Period(days=1)), text)

    def test_counts(self) -> None:
        """The count is optional, and so is the start."""
        self.assertEqual(intervals.read("R0//PT1H"), Interval(0, None, Period(hours=1)))
        self.assertEqual(intervals.read("R//PT1H"), Interval(None, None, Period(hours=1)))

    def test_faults(self) -> None:
        """What is wrong with a start or a count is told with its place."""
        for text, said in (
            ("R/2026-01-01T25:00/P1D", "character 13"),
            ("R/2026-01-01T06:00x/P1D", "character 19"),
            ("R/2026-01-01T06:00+19:00/P1D", "character 19"),
            ("R/2026/01/P1D", "character 7"),
            ("R/monday/P1D", "character 3"),
            ("R/2026-02-30/P1D", "no date"),
            ("R/2026-366/P1D", "2026 has no day 366"),
            ("R/2026-W54/P1D", "no date"),
            ("R99999999999//P1D", "character 2"),
            ("R5/2026-01-01T00:00Z", "R[n]/[start]/period"),
            ("R/2026-01-01T00:00Z/P1X", "not 'X' of 'P1X'"),
        ):
            found = intervals.read(text)
            assert isinstance(found, str), text
            self.assertIn(said, found)
