"""Patterns of constraints: what people write fits as ever, and no pattern takes long."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.framework.faults import Faults
from mesostw.core.framework.patterns import fault_of, fits
from mesostw.core.marathon import placements

#: Python's own matcher needs longer than anybody lives for each of them.
SLOW = ("(.|.)*!", "(a+)+!", "(a|aa)+!", "([a-z]+)*[0-9]", "(.*)*(.*)*(.*)*!")


class PatternTests(SynchronousTestCase):
    """A pattern is of the whole value."""

    def test_usual(self) -> None:
        """Classes, alternatives, repetitions and case are as everywhere."""
        usual = (
            ("rack-[1-3]", "rack-2", "rack-22"),
            ("a|b", "b", "ab"),
            (r"web\d{1,2}\..*", "web12.example", "web.example"),
            ("(?i)EU-.*", "eu-1", "us-1"),
            ("", "", "x"),
            ("ü+", "üü", "u"),
        )
        for pattern, good, bad in usual:
            self.assertEqual((fits(pattern, good), fits(pattern, bad)), (True, False), pattern)

    def test_no_pattern_is_slow(self) -> None:
        """Patterns that take for ever elsewhere have an answer in no time."""
        begun = time.process_time()
        for pattern in SLOW:
            self.assertFalse(fits(pattern, "a" * 2_000))
        self.assertLess(time.process_time() - begun, 1.0)

    @given(
        st.text(alphabet="ab.*+?()|[]{}\\1,^$-", max_size=12), st.text(alphabet="ab1", max_size=9)
    )
    def test_anything(self, pattern: str, value: str) -> None:
        """Any text is refused for a reason, or has an answer."""
        fault = fault_of(pattern)
        if fault is None:
            self.assertIsInstance(fits(pattern, value), bool)
        else:
            self.assertNotEqual(fault, "")

    def test_refused(self) -> None:
        """What cannot be matched in linear time, or is too large, is refused with a reason."""
        refused = {
            "(?=a)b": "invalid perl operator: (?=",
            r"(a)\1": r"invalid escape sequence: \1",
            "[": "missing ]: [",
            "((a{100}){100}){100}": "invalid repetition size: {100}",
            "a" * 1_000_000: "pattern too large - compile failed",
            "\ud800": "it has half a character",
        }
        for pattern, fault in refused.items():
            self.assertEqual(fault_of(pattern), fault)

    def test_told(self) -> None:
        """The answer names the place, the pattern and what is wrong with it."""
        faults = Faults()
        placements.constraints((("rack", "LIKE", "(?=a)b"),), "/constraints", faults)
        (fault,) = faults.told()
        self.assertEqual(fault.path, "/constraints(0)")
        self.assertIn("'(?=a)b' is not a valid regular expression of RE2", fault.errors[0])
        self.assertIn("(?=", fault.errors[0])
