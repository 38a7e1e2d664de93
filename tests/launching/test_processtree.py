"""The walk over processes, on this process itself."""

from __future__ import annotations

import os
import resource

from twisted.trial.unittest import SynchronousTestCase

from mesostw.launching import processtree


class WalkTests(SynchronousTestCase):
    """What the kernel says of a process."""

    def test_stat(self) -> None:
        """State, parent and session are those of the kernel; nothing of one that is gone."""
        found = processtree.stat(os.getpid())
        assert found is not None
        self.assertEqual(found.parent, os.getppid())
        self.assertEqual(found.session, os.getsid(0))
        self.assertIsNone(processtree.stat(2**31 - 1))

    def test_gone(self) -> None:
        """A process that is gone has no children, no marker and cannot be signalled."""
        self.assertEqual(processtree.children(2**31 - 1), [])
        self.assertEqual(processtree.marker(2**31 - 1), 0)
        processtree.signal_all([2**31 - 1], 0)

    def test_family(self) -> None:
        """A parent's family has its child."""
        self.assertIn(os.getpid(), processtree.family([os.getppid()]))

    def test_marker(self) -> None:
        """A marker is read back from the limit that carries it; a usual limit is none."""
        usual = resource.getrlimit(resource.RLIMIT_RTTIME)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_RTTIME, usual)
        self.assertEqual(processtree.marker(os.getpid()), 0)
        resource.setrlimit(resource.RLIMIT_RTTIME, (1_000_000, usual[1]))
        self.assertEqual(processtree.marker(os.getpid()), 0)
        marker = processtree.new_marker()
        resource.setrlimit(resource.RLIMIT_RTTIME, (marker, usual[1]))
        self.assertEqual(processtree.marker(os.getpid()), marker)

    def test_markers_differ(self) -> None:
        """No two containers have the same marker."""
        markers = {processtree.new_marker() for _ in range(1000)}
        self.assertEqual(len(markers), 1000)
        self.assertTrue(all(marker & processtree.MARKER_BIT for marker in markers))
