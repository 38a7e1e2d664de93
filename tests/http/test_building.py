"""A body is built once for all who ask, in slices, and never older than the asking."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mesostw.http.building import SLICE_S, Body, Build
from mesostw.http.rendering import Reply


class BodyTests(SynchronousTestCase):
    """A body of five parts, of which each takes a whole slice."""

    def setUp(self) -> None:
        self.clock, self.seq, self.builds = Clock(), 0, 0
        self.fails = False
        self.body = Body(self.clock, "b", lambda: ("e", self.seq), self.build)

    def build(self) -> Build:
        self.builds += 1
        text = f"{self.seq}".encode()
        for _ in range(5):
            self.clock.rightNow += SLICE_S
            yield
        if self.fails:
            raise ValueError("broken")
        return text

    def get(self) -> Deferred[Reply]:
        got = self.body.get()
        assert isinstance(got, Deferred)
        return got

    def settle(self) -> None:
        for _ in range(20):
            self.clock.advance(0)

    def test_slices(self) -> None:
        """A long build gives way after each slice."""
        got = self.get()
        self.assertNoResult(got)
        self.settle()
        self.assertEqual(self.successResultOf(got).body, b"0")

    def test_one_build_for_all(self) -> None:
        """Twenty readers of one state cost one build, and later ones none."""
        got = [self.get() for _ in range(20)]
        self.settle()
        self.assertEqual({self.successResultOf(one).body for one in got}, {b"0"})
        later = self.body.get()
        assert isinstance(later, Reply)
        self.assertEqual((later.tag, self.builds), ('"e.0.b"', 1))

    def test_readers_in_the_middle_of_a_build(self) -> None:
        """Who asks after a change sees it, though a build of the state before is under way."""
        first = self.get()
        self.seq = 1
        second, third = self.get(), self.get()
        self.settle()
        self.assertEqual(self.successResultOf(first).body, b"0")
        self.assertEqual(self.successResultOf(second).body, b"1")
        self.assertEqual(self.successResultOf(third).body, b"1")
        self.assertEqual(self.builds, 2)

    def test_constant_change(self) -> None:
        """While every turn changes something, everyone is answered all the same."""
        got = []
        for _ in range(30):
            self.seq += 1
            got.append((self.seq, self.get()))
            self.clock.advance(0)
        self.settle()
        for seq, one in got:
            self.assertGreaterEqual(int(self.successResultOf(one).body), seq)

    def test_failure(self) -> None:
        """A build that fails fails for all who wait, and the next is tried again."""
        self.fails = True
        first, second = self.get(), self.get()
        self.settle()
        for one in (first, second):
            self.failureResultOf(one, ValueError)
        self.fails = False
        third = self.get()
        self.settle()
        self.assertEqual(self.successResultOf(third).body, b"0")
