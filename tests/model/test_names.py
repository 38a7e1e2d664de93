"""Ids, roles and weights."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.model import names


class IdTests(SynchronousTestCase):
    """An id is safe as the name of a directory."""

    def test_refused(self) -> None:
        """Empty, dotted, long and slashed ids, and control characters, are refused."""
        for value in ("", ".", "..", "a/b", "a\\b", "a\n", "\x7f", "\x00", "x" * 256, "é" * 128):
            with self.assertRaises(names.NameRefused) as caught:
                names.check_id(value, "task_id")
            self.assertTrue(str(caught.exception).startswith("task_id "))

    def test_allowed(self) -> None:
        """Dots, spaces, other alphabets and 255 bytes are fine."""
        for value in ("a", "...", "task 1", "x" * 255, "é" * 127, "a.b-c_d:e"):
            self.assertEqual(names.check_id(value, "task_id"), value)

    @given(st.text())
    def test_what_is_allowed_is_a_file_name(self, value: str) -> None:
        """Whatever is allowed encodes, and has no separator and no zero."""
        if names.id_fault(value) is None:
            encoded = value.encode()
            self.assertTrue(0 < len(encoded) <= names.ID_BYTES_MAX)
            self.assertNotIn(b"/", encoded)
            self.assertNotIn(b"\x00", encoded)


class RoleTests(SynchronousTestCase):
    """A role is a path of plain words, or ``*``."""

    def test_refused(self) -> None:
        """Empty parts, dots, stars in paths, dashes in front and spaces are refused."""
        for role in ("", "/a", "a/", "a//b", "a/./b", "..", "a/*", "-a", "a/-b", "a b", "a\tb"):
            self.assertRaises(names.NameRefused, names.check_role, role)

    def test_allowed(self) -> None:
        """Words, paths and the star are roles."""
        for role in ("*", "web", "web/front", "a-b", "a.b"):
            self.assertEqual(names.check_role(role), role)

    def test_family(self) -> None:
        """A role is within itself and what is above it, not within a longer word."""
        self.assertEqual(names.ancestors("a/b/c"), ("a", "a/b"))
        self.assertTrue(names.is_within("a/b", "a") and names.is_within("a", "a"))
        self.assertFalse(names.is_within("ab", "a") or names.is_within("a", "a/b"))

    def test_weights(self) -> None:
        """A weight is finite and above 0."""
        self.assertEqual(names.check_weight("web", 2.5), 2.5)
        for weight in (0.0, -1.0, math.nan, math.inf):
            self.assertRaises(names.NameRefused, names.check_weight, "web", weight)
