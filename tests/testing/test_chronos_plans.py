"""Jobs of a simulated year: their instants are counted right, without Chronos."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from mesostw.testing.chronos_plans import Planner, Span, of_days, of_hours

SPRING = Span(date(2026, 3, 28), 3)
AUTUMN = Span(date(2026, 10, 24), 3)
BERLIN = "Europe/Berlin"


def told(instants: tuple[int, ...]) -> list[str]:
    """As times of UTC."""
    return [f"{datetime.fromtimestamp(one / 1000, UTC):%d %H:%M}" for one in instants]


class CronTests(SynchronousTestCase):
    """Instants of crons."""

    def test_hour_that_is_left_out(self) -> None:
        """A time of day is served right after the change, every hour is not."""
        found = told(of_days(SPRING, BERLIN, time(2, 30), lambda day: True))
        self.assertEqual(found[:4], ["28 01:30", "29 01:00", "30 00:30", "31 00:30"])
        found = told(of_hours(SPRING, BERLIN, 30, (2,)))
        self.assertEqual(found[:3], ["28 01:30", "30 00:30", "31 00:30"])

    def test_hour_that_comes_twice(self) -> None:
        """A time of day is served the first time, every hour twice."""
        found = told(of_days(AUTUMN, BERLIN, time(2, 30), lambda day: True))
        self.assertEqual(found[:3], ["24 00:30", "25 00:30", "26 01:30"])
        found = told(of_hours(AUTUMN, BERLIN, 30, (2,)))
        self.assertEqual(found[:4], ["24 00:30", "25 00:30", "25 01:30", "26 01:30"])


class PlannerTests(SynchronousTestCase):
    """What jobs there are."""

    def test_all(self) -> None:
        """There are as many as are asked for, of every kind, and parents come first."""
        plans = Planner(Random(1), SPRING).all(200)
        kinds = {name.rpartition(" ")[0] for name in plans}
        self.assertEqual(len(plans), 200)
        self.assertLessEqual({"hourly", "long", "monthly", "weekdays", "after"}, kinds)
        known: set[str] = set()
        for name, plan in plans.items():
            self.assertLessEqual(set(plan.wish.parents), known)
            known.add(name)
