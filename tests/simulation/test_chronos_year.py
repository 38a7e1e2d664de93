"""
Chronos through the weeks in which clocks change, as a year has them.

A whole one is ``python -m mesostw.testing.simulate --chronos --year --seed 7``.
"""

from __future__ import annotations

import os
import sys
from datetime import date

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.machine import Chronos
from mesostw.testing.chronos_year import DAY_S, ChronosYear

from . import broken

#: In these days clocks change in all zones of the jobs where they do.
SPRING, AUTUMN, DAYS = date(2026, 3, 1), date(2026, 10, 1), 37


class Patient(ChronosYear):
    """Leaves nothing out after its first days."""

    def _is_idle(self) -> bool:
        return self.clock.seconds() < 2.5 * DAY_S and super()._is_idle()


class YearTests(SynchronousTestCase):
    """Two hundred jobs, and now and then some trouble."""

    def run_days(self, seed: int, begin: date, days: int, chronos: type[Chronos] = Chronos) -> str:
        """What is wrong after so many days, in lines."""
        report = ChronosYear(seed, begin=begin, days=days, chronos=chronos).run()
        return "\n".join(report.faults[:10])

    def test_spring(self) -> None:
        """Every instant is served, also of hours that are left out."""
        self.assertEqual(self.run_days(1, SPRING, DAYS), "")

    def test_autumn(self) -> None:
        """Every instant is served once, also of hours that come twice."""
        self.assertEqual(self.run_days(2, AUTUMN, DAYS), "")

    def test_end_of_february(self) -> None:
        """Jobs of the 29th, 30th and 31st have an end of February, a leap year's too."""
        for seed, year in ((3, 2027), (4, 2028)):
            self.assertEqual(self.run_days(seed, date(year, 2, 20), 12), "")

    def test_fresh_seed(self) -> None:
        """A seed of this very run, printed so that it can be run again."""
        seed = int.from_bytes(os.urandom(4), "big")
        sys.stderr.write(f" fresh seed {seed} ")
        self.assertEqual(self.run_days(seed, SPRING, 10), "")

    def test_same_seed(self) -> None:
        """A seed tells the same story each time."""
        first, second = (ChronosYear(5, days=2).run().digest for _ in range(2))
        self.assertEqual(first, second)

    def test_nothing_left_out(self) -> None:
        """A time in which every second is lived through has the same story."""
        first, second = (kind(7, days=3).run().digest for kind in (ChronosYear, Patient))
        self.assertEqual(first, second)

    def test_chronos_that_begins_anew(self) -> None:
        """One that forgets where timetables are is found out."""
        found = self.run_days(6, SPRING, 10, broken.AmnesiacChronos)
        self.assertRegex(found, "unserved|uncounted")
