"""What was refused, until when."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.allocator.filters import (
    REFUSE_S_MAX,
    ROUNDING,
    Filters,
    Wheel,
    deadline_of,
    refuse_seconds,
)
from mesostw.model.resources import Resources

R = Resources.parse


class FiltersTests(SynchronousTestCase):
    """Filters of one agent."""

    def test_within(self) -> None:
        """A filter stands for what was refused and anything less, not for more."""
        filters = Filters()
        filters.add(R("cpus:2;mem:64"), 10.0, 0b01)
        filters.add(R("cpus:4;mem:64"), 10.0, 0b10)
        self.assertEqual(filters.refused(R("cpus:2;mem:64")), 0b11)
        self.assertEqual(filters.refused(R("cpus:3;mem:64")), 0b10)
        self.assertEqual(filters.refused(R("cpus:3;mem:65")), 0)
        self.assertEqual(filters.until(0b10, R("cpus:3;mem:64")), 10.0)
        self.assertIsNone(filters.until(0b01, R("cpus:3;mem:64")))

    def test_answer_kept_is_kept_right(self) -> None:
        """The answer to a repeated question follows what is added, dropped and stripped."""
        filters, offer = Filters(), R("cpus:2")
        group = filters.add(offer, 10.0, 0b01)
        assert group is not None
        self.assertEqual(filters.refused(offer), 0b01)
        self.assertIsNone(filters.add(offer, 10.0, 0b10))
        self.assertEqual(filters.refused(offer), 0b11)
        filters.add(R("cpus:1"), 10.0, 0b100)
        self.assertEqual(filters.refused(offer), 0b11)
        self.assertEqual(filters.strip(0b01), [])
        self.assertEqual(filters.refused(offer), 0b10)
        filters.drop(group)
        self.assertEqual(filters.refused(offer), 0)
        self.assertEqual([one.resources for one in filters.strip(0b100)], [R("cpus:1")])
        self.assertEqual(len(filters), 0)

    @given(st.floats(0, 1e7), st.floats(1e-3, REFUSE_S_MAX))
    def test_deadlines(self, now: float, refuse_s: float) -> None:
        """A deadline is never early, and late by at most the rounding."""
        late = deadline_of(now, refuse_s) - (now + refuse_s)
        self.assertTrue(-1e-6 <= late <= refuse_s * ROUNDING + 1e-6, late)

    def test_refuse_seconds(self) -> None:
        """Nonsense is the default of 5 s; more than a year is a year; 0 is no filter."""
        self.assertEqual(refuse_seconds(None), 5.0)
        self.assertEqual(refuse_seconds(-1.0), 5.0)
        self.assertEqual(refuse_seconds(math.nan), 5.0)
        self.assertEqual(refuse_seconds(math.inf), REFUSE_S_MAX)
        self.assertEqual(refuse_seconds(0.0), 0.0)


class WheelTests(SynchronousTestCase):
    """Which groups end when."""

    def test_in_order(self) -> None:
        """Groups end at their deadlines; one taken out does not end."""
        wheel: Wheel[str] = Wheel()
        groups = []
        for deadline, name in ((3.0, "c"), (1.0, "a"), (1.0, "b"), (2.0, "x")):
            group = Filters().add(R("cpus:1"), deadline, 1)
            assert group is not None
            groups.append(group)
            wheel.add(group, name)
        wheel.remove(groups[3])
        self.assertEqual([name for _, name in wheel.ended(0.5)], [])
        self.assertEqual([name for _, name in wheel.ended(2.5)], ["a", "b"])
        self.assertEqual(wheel.next_deadline(), 3.0)
        self.assertEqual([name for _, name in wheel.ended(3.0)], ["c"])
        self.assertIsNone(wheel.next_deadline())
