"""First probes, apart from each other."""

from __future__ import annotations

from collections import Counter
from time import process_time

from twisted.trial.unittest import SynchronousTestCase

from mesostw.probing.spreading import SLOT_S, SLOT_STARTS_MAX, SLOTS_MAX, Spread


class SpreadTests(SynchronousTestCase):
    """However many are booked."""

    def test_more_than_are_remembered(self) -> None:
        """More probes than slots are remembered for cost no more each than a few do."""
        spread, count = Spread(), (SLOTS_MAX + 1_000) * SLOT_STARTS_MAX
        started = process_time()
        slots = Counter(round(spread.book(15.0, 10.0) / SLOT_S) for _ in range(count))
        self.assertLess(process_time() - started, 2.0)
        self.assertEqual(set(slots.values()), {SLOT_STARTS_MAX})
        first = round(15.0 / SLOT_S)
        self.assertEqual(sorted(slots), list(range(first, first + SLOTS_MAX + 1_000)))

    def test_past(self) -> None:
        """What has passed is forgotten: nothing grows with time."""
        spread = Spread()
        for number in range(SLOTS_MAX * 3):
            now = 10.0 + number * SLOT_S
            spread.book(now, now)
        self.assertLessEqual(len(spread._taken), SLOTS_MAX)
