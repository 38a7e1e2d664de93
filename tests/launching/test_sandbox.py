"""Sandboxes are where their path plainly says, and nowhere else."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.launching.sandbox import (
    SANDBOX_MODE,
    UnsafeName,
    check_path,
    make_sandbox,
    sandbox_path,
    segment,
)


class PathTests(SynchronousTestCase):
    """The tree of Mesos."""

    def test_tree(self) -> None:
        """The path is that of Mesos."""
        self.assertEqual(
            sandbox_path("/w", "S1", "F1", "t", "c"),
            "/w/slaves/S1/frameworks/F1/executors/t/runs/c",
        )

    def test_bad_names(self) -> None:
        """An id that is no plain directory name is refused."""
        for name in ("", ".", "..", "a/b", "/", "a\0b", "x" * 256, "\N{SNOWMAN}" * 100):
            self.assertRaises(UnsafeName, sandbox_path, "/w", "S1", "F1", name, "c")

    @given(
        st.lists(
            st.text(max_size=12) | st.sampled_from(["..", "../..", "/etc"]), min_size=4, max_size=4
        )
    )
    def test_no_way_out(self, names: list[str]) -> None:
        """Whatever the ids, a path is below the work directory, at its own depth."""
        try:
            path = sandbox_path("/w", *names)
        except UnsafeName:
            return
        self.assertEqual(os.path.normpath(path), path)
        self.assertTrue(path.startswith("/w/slaves/"))
        self.assertEqual(path.count("/"), 9)

    def test_check_path(self) -> None:
        """A path with steps back, doubled slashes or NUL is refused; a plain one is not."""
        check_path("/a/b")
        for path in ("", "a", "/a/../b", "/a//b", "/a/", "/a/./b", "/a\0"):
            self.assertRaises(UnsafeName, check_path, path)

    def test_segment(self) -> None:
        """Names with spaces, dots and letters of any language are fine."""
        for name in ("a b", "...", "äöü", "-rf"):
            self.assertEqual(segment(name), name)


class MakeTests(SynchronousTestCase):
    """Directories on a real disk."""

    def test_made(self) -> None:
        """All of the path is made, closed to others, and ``latest`` names the newest run."""
        top = os.path.abspath(self.mktemp())
        for name in ("c1", "c2", "c2"):
            make_sandbox(sandbox_path(top, "S", "F", "E", name))
        runs = f"{top}/slaves/S/frameworks/F/executors/E/runs"
        self.assertEqual(sorted(os.listdir(runs)), ["c1", "c2", "latest"])
        self.assertEqual(os.readlink(f"{runs}/latest"), "c2")
        self.assertEqual(os.stat(f"{runs}/c1").st_mode & 0o777 & ~SANDBOX_MODE, 0)

    def test_no_latest_elsewhere(self) -> None:
        """Beside a sandbox that is not among runs no link is made."""
        top = os.path.abspath(self.mktemp())
        make_sandbox(f"{top}/a")
        self.assertEqual(os.listdir(top), ["a"])

    def test_in_the_way(self) -> None:
        """A file where a directory should be is an error that names it."""
        top = os.path.abspath(self.mktemp())
        os.makedirs(top)
        with open(f"{top}/runs", "w"):
            pass
        error = self.assertRaises(OSError, make_sandbox, f"{top}/runs/c")
        self.assertIn(top, str(error.filename))
