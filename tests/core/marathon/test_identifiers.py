"""Ids: paths that are resolved, and those that are none."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.framework.faults import Faults
from mesostw.core.marathon.identifiers import PARTS_MAX, app_id, child, group_id, resolved

#: What is written, in which group, and what it means.
RIGHT = [
    ("/a", "/", "/a"),
    ("a", "/", "/a"),
    ("a", "/g", "/g/a"),
    ("/a", "/g", "/a"),
    ("./a", "/g", "/g/a"),
    ("../a", "/g/h", "/g/a"),
    ("a/../b", "/g", "/g/b"),
    ("//a///b/", "/", "/a/b"),
    ("a-b.c-1.2", "/", "/a-b.c-1.2"),
    ("restart/a", "/", "/restart/a"),
    ("/a" * PARTS_MAX, "/", "/a" * PARTS_MAX),
]
#: What is written, in which group, and a part of what is wrong.
WRONG = [
    ("/", "/", "at least one path element"),
    ("", "/", "at least one path element"),
    ("..", "/", "above the root"),
    ("../../a", "/g", "above the root"),
    ("A", "/", "'A' must fully match"),
    ("a_b", "/", "'a_b' must fully match"),
    ("-a", "/", "must fully match"),
    ("a-", "/", "must fully match"),
    ("a..b", "/", "must fully match"),
    ("a/b c", "/", "'b c' must fully match"),
    ("a\n", "/", "must fully match"),
    ("/a/restart", "/", "reserved word"),
    ("tasks", "/a", "reserved word"),
    ("/versions", "/", "reserved word"),
    ("/a" * (PARTS_MAX + 1), "/", f"more than {PARTS_MAX} parts"),
]


class IdTests(SynchronousTestCase):
    """What a text names in a group."""

    def test_right(self) -> None:
        """An id is absolute, or relative to its group."""
        for text, base, expected in RIGHT:
            faults = Faults()
            self.assertEqual(app_id(text, base, "/id", faults), expected, text)
            self.assertFalse(faults, text)

    def test_wrong(self) -> None:
        """What is no id says why, at its place."""
        for text, base, part in WRONG:
            faults = Faults()
            self.assertIsNone(app_id(text, base, "/id", faults), text)
            (fault,) = faults.told()
            self.assertEqual(fault.path, "/id")
            self.assertIn(part, fault.errors[0], text)

    def test_groups(self) -> None:
        """The root is a group, and words that ask something of an app may name one."""
        faults = Faults()
        self.assertEqual(group_id("/", "/a", "/id", faults), "/")
        self.assertEqual(group_id("tasks", "/a", "/id", faults), "/a/tasks")
        self.assertEqual(resolved("..", "/a", "/id", faults), "/")
        self.assertFalse(faults)

    def test_children(self) -> None:
        """What is in a group's document is right in that group, not elsewhere nor further down."""
        rows = [("/g/a", True), ("/g", False), ("/a", False), ("/g/a/b", False), ("/gg/a", False)]
        for found, expected in rows:
            faults = Faults()
            self.assertEqual(child(found, "/g", "/id", faults), expected, found)
            self.assertEqual(bool(faults), not expected, found)
        self.assertFalse(child("/", "/", "/id", Faults()))
        self.assertFalse(child(None, "/", "/id", Faults()))
