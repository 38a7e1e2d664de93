"""Time zones by the names that people have for them."""

from __future__ import annotations

from zoneinfo import available_timezones

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.zones import ALIASES, local_of, lost_days, named
from mesostw.model.jobs import Instant


class NameTests(SynchronousTestCase):
    """Names of zones."""

    def test_regions(self) -> None:
        """Regions are known as the zone data call them, in their own case."""
        self.assertEqual(named("Europe/Berlin"), "Europe/Berlin")
        self.assertEqual(named("UTC"), "UTC")
        for text in ("", "europe/berlin", "Mars/Olympus", "+02:00", "../../etc/passwd", "/etc/x"):
            self.assertIsNone(named(text), text)

    def test_short(self) -> None:
        """Short names are regions with summer times, though the data have some as offsets."""
        self.assertEqual(named("EST"), "America/New_York")
        july = Instant(1_783_000_000_000)
        self.assertEqual(local_of("America/New_York", july).strftime("%z"), "-0400")
        self.assertLessEqual(set(ALIASES.values()), available_timezones())


class LostDayTests(SynchronousTestCase):
    """Days that a zone left out."""

    def test_whole_days(self) -> None:
        """No zone ever left out more than one day, nor another time of about a day."""
        lost = {zone: lost_days(zone) for zone in available_timezones()}
        self.assertEqual(max(len(days) for days in lost.values()), 1)
        self.assertIn("Pacific/Kiritimati", [zone for zone, days in lost.items() if days])
