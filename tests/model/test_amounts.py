"""Fixed point, ranges and sets."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.model import amounts
from mesostw.model.amounts import ResourcesError

from .strategies import ranges


def numbers(pairs: amounts.Ranges) -> set[int]:
    """Every number of some ranges."""
    return {number for begin, end in pairs for number in range(begin, end + 1)}


class ScalarTests(SynchronousTestCase):
    """A scalar is a whole number of thousandths."""

    def test_rounds_halves_up(self) -> None:
        """0.0005 is a thousandth, as in Mesos; 0.0004 is nothing."""
        self.assertEqual(amounts.thousandths(0.0005, "cpus"), 1)
        self.assertEqual(amounts.thousandths(0.0004, "cpus"), 0)
        self.assertEqual(amounts.thousandths(1.0025, "cpus"), 1003)

    def test_a_thousand_small_ones_are_one(self) -> None:
        """0.001 a thousand times is exactly 1."""
        self.assertEqual(sum(amounts.thousandths(0.001, "cpus") for _ in range(1000)), 1000)

    def test_refused(self) -> None:
        """Negative, endless, huge and no numbers are refused, each with a way out."""
        for value, words in (
            (-1.0, "negative; use 0"),
            (math.inf, "finite"),
            (math.nan, "finite"),
            (-math.inf, "negative"),
            (1e300, "too large; use at most"),
        ):
            with self.assertRaises(ResourcesError) as caught:
                amounts.thousandths(value, "cpus")
            self.assertIn("cpus: ", str(caught.exception))
            self.assertIn(words, str(caught.exception))

    @given(st.integers(0, amounts.SCALAR_MAX * amounts.SCALE))
    def test_number_and_text_round_trip(self, amount: int) -> None:
        """The double and the text of an amount give the same amount again."""
        self.assertEqual(amounts.thousandths(amounts.scalar_number(amount), "x"), amount)
        self.assertEqual(amounts.quantity_of(amounts.scalar_text(amount), "x"), amount)


class RangesTests(SynchronousTestCase):
    """Ranges behave as the sets of numbers that they stand for."""

    @given(ranges, ranges)
    def test_like_sets(self, left: amounts.Ranges, right: amounts.Ranges) -> None:
        """Union, difference, containment and size are those of the numbers."""
        a, b = numbers(left), numbers(right)
        self.assertEqual(numbers(amounts.coalesced(left + right)), a | b)
        self.assertEqual(numbers(amounts.ranges_without(left, right)), a - b)
        self.assertEqual(amounts.ranges_within(left, right), a <= b)
        self.assertEqual(amounts.ranges_size(left), len(a))

    @given(ranges, ranges)
    def test_one_form(self, left: amounts.Ranges, right: amounts.Ranges) -> None:
        """Equal numbers are equal ranges: what touches is joined."""
        for result in (amounts.coalesced(left + right), amounts.ranges_without(left, right)):
            self.assertEqual(result, amounts.coalesced((n, n) for n in numbers(result)))

    @given(ranges)
    def test_text_round_trip(self, pairs: amounts.Ranges) -> None:
        """The text of ranges gives the same ranges."""
        self.assertEqual(amounts.quantity_of(amounts.ranges_text(pairs), "ports"), pairs)

    def test_refused(self) -> None:
        """Backward, overlapping and unbounded ranges are refused."""
        for text, words in (
            ("[5-1]", "ends before it begins"),
            ("[1-5, 5-9]", "overlaps"),
            ("[1-99999999999999999999]", "out of bounds"),
            ("[1]", "no range"),
            ("[1-2", "close it with ]"),
            ("{a", "close it with }"),
            ("1_000", "no amount"),
            ("many", "no amount"),
        ):
            with self.assertRaises(ResourcesError) as caught:
                amounts.quantity_of(text, "ports")
            self.assertIn(words, str(caught.exception))
            self.assertTrue(str(caught.exception).startswith("ports: "))
