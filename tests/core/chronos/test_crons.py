"""Cron expressions, and what becomes of them when clocks change."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import crons, timetables
from mesostw.core.chronos.zones import local_of
from mesostw.model.jobs import Cron, Instant, JobName

A = JobName("a")
BERLIN = "Europe/Berlin"


def instant(text: str) -> Instant:
    """A time in Berlin."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        at = at.replace(tzinfo=ZoneInfo(BERLIN))
    return Instant(int(at.timestamp() * 1000))


def shown(expression: str, since: str, count: int) -> list[str]:
    """The first instants in Berlin."""
    t = Cron((expression,), instant(since), BERLIN)
    found = timetables.upcoming(t, 0, timetables.first(t), count)
    return [local_of(BERLIN, one).isoformat(timespec="minutes") for one in found]


class ResolvedTests(SynchronousTestCase):
    """Expressions as people write them."""

    def test_kept(self) -> None:
        """Five fields, or six with seconds; names for a whole; names of days and months."""
        for text, expected in (
            ("*/5 * * * *", "*/5 * * * *"),
            ("  0  7 * * mon-fri ", "0 7 * * mon-fri"),
            ("30 0 7 1,15 JAN *", "30 0 7 1,15 JAN *"),
            ("@daily", "0 0 * * *"),
            ("@hourly", "0 * * * *"),
            ("0 0 L * *", "0 0 L * *"),
        ):
            self.assertEqual(crons.resolved(text, A), expected)

    def test_hashed(self) -> None:
        """H is a number of the name, the same for ever, in its range, and spread over it."""
        self.assertEqual(crons.resolved("H H * * *", A), crons.resolved("H H * * *", A))
        minutes = set()
        for number in range(200):
            name = JobName(f"job {number}")
            minute, hour, *_ = crons.resolved("H H(2-4) * * *", name).split()
            minutes.add(int(minute))
            self.assertIn(int(hour), (2, 3, 4))
            step = crons.resolved("H/15 * * * *", name).split()[0]
            first, _, rest = step.partition("-")
            self.assertEqual(rest, "59/15")
            self.assertLess(int(first), 15)
        self.assertGreater(len(minutes), 50)
        self.assertLessEqual(max(minutes), 59)

    def test_refused(self) -> None:
        """What is no expression, or names no time, is refused in words."""
        for text in (
            "",
            "* * * *",
            "60 * * * *",
            "* * * * * * *",
            "@reboot",
            "0 0 31 2 *",
            "0 0 30 2 *",
            "H(5-2) * * * *",
            "H(0-99) * * * *",
            "*/0 * * * *",
            "x * * * *",
            "1" * 5_000 + " * * * *",
        ):
            with self.assertRaises(ValueError, msg=text[:20]) as caught:
                crons.resolved(text, A)
            self.assertTrue(str(caught.exception))


class ClockTests(SynchronousTestCase):
    """Clocks that are changed: at 2:00 to 3:00 on 2026-03-29, at 3:00 to 2:00 on 2026-10-25."""

    def test_gap(self) -> None:
        """A time that is skipped is served once, right after."""
        self.assertEqual(
            shown("30 2 * * *", "2026-03-28T12:00", 2),
            ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"],
        )

    def test_gap_without_hour(self) -> None:
        """What goes by every hour is served in none that is skipped."""
        self.assertEqual(
            shown("30 * * * *", "2026-03-29T01:00", 2),
            ["2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00"],
        )

    def test_overlap(self) -> None:
        """A time that comes twice is served the first time."""
        self.assertEqual(
            shown("30 2 * * *", "2026-10-25T00:00", 2),
            ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
        )

    def test_overlap_without_hour(self) -> None:
        """What goes by every hour is served in both."""
        self.assertEqual(
            shown("30 * * * *", "2026-10-25T02:00", 3),
            ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00", "2026-10-25T03:30+01:00"],
        )

    def test_half_an_hour(self) -> None:
        """Hours that begin after a change by half an hour only are not missed."""
        zone = "Australia/Lord_Howe"
        for expression, since, expected in (
            ("0 */2 * * *", "2024-04-06T13:30:00+00:00", "2024-04-07T02:00+10:30"),
            ("0 */3 * * *", "2024-10-05T14:00:00+00:00", "2024-10-06T03:00+11:00"),
        ):
            first = timetables.first(Cron((expression,), instant(since), zone))
            assert first is not None
            self.assertEqual(local_of(zone, first).isoformat(timespec="minutes"), expected)

    def test_between(self) -> None:
        """Asked in the second of two hours, the first is over."""
        self.assertEqual(
            shown("30 2 * * *", "2026-10-25T02:15:00+01:00", 1), ["2026-10-26T02:30+01:00"]
        )
