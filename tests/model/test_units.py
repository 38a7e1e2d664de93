"""Durations and sizes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.model import units


class UnitTests(SynchronousTestCase):
    """Amounts carry their unit."""

    def test_durations(self) -> None:
        """Every unit of Mesos is read."""
        for text, seconds in (
            ("10secs", 10.0),
            ("1.5mins", 90.0),
            ("1hrs", 3600.0),
            ("1days", 86400.0),
            ("2weeks", 1209600.0),
            ("500ms", 0.5),
            ("0ns", 0.0),
        ):
            self.assertAlmostEqual(units.duration(text), seconds)

    def test_sizes(self) -> None:
        """Sizes are 1024-based and whole."""
        self.assertEqual(units.size("10MB"), 10 * 2**20)
        self.assertEqual(units.size("1.5KB"), 1536)
        self.assertEqual(units.size("7B"), 7)

    def test_refused(self) -> None:
        """A bare number, an unknown unit, a negative or endless one is refused by name."""
        for text in ("10", "10 parsecs", "-1secs", "secs", "", "1" * 100 + "secs", "9999999weeks"):
            with self.assertRaises(units.UnitRefused) as caught:
                units.duration(text, "gc_delay")
            self.assertIn("gc_delay: ", str(caught.exception))
        for text in ("10", "10mb", "-1MB", "99999999999TB"):
            self.assertRaises(units.UnitRefused, units.size, text)

    @given(st.integers(0, 2**63))
    def test_size_round_trip(self, count: int) -> None:
        """The text of a size is read as the same size."""
        self.assertEqual(units.size(units.size_text(count)), count)

    @given(st.floats(1e-9, 1e8))
    def test_duration_round_trip(self, seconds: float) -> None:
        """The text of a duration is read as nearly the same one."""
        self.assertAlmostEqual(units.duration(units.duration_text(seconds)) / seconds, 1, places=6)
