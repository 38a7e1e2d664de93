"""The feed numbers every change once, without gaps."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from mesostw.feed.changes import Feed
from mesostw.interfaces import IFeed
from mesostw.testing.recorders import RecordingFollower


class Sum:
    """A state of one number."""

    def __init__(self) -> None:
        self.total = 0

    def apply(self, change: int) -> None:
        self.total += change


class FeedTests(SynchronousTestCase):
    """Snapshot as of n, then n + 1 and so on."""

    def setUp(self) -> None:
        self.feed: Feed[Sum, int] = Feed(Sum(), "m1", changes_max=5)
        self.feed.begin(7)

    def test_provides(self) -> None:
        """It is an ``IFeed`` whose epoch names the state and the store's epoch."""
        verifyObject(IFeed, self.feed)
        self.assertEqual(self.feed.epoch, "m1-7")

    def test_folds(self) -> None:
        """What is published is in the view, and counted, before anyone is told."""
        seen: list[tuple[int, int, int]] = []
        feed = self.feed

        class Looking:
            def changed(self, seq: int, changes: Sequence[object]) -> None:
                seen.append((seq, feed.seq, feed.view.total))

        feed.follow(Looking())  # type: ignore[arg-type]
        feed.publish([1, 2])
        feed.publish([3])
        self.assertEqual(seen, [(2, 2, 3), (3, 3, 6)])

    def test_snapshot_then_changes(self) -> None:
        """A follower that reads the view as it starts to follow misses and repeats nothing."""
        self.feed.publish([1, 2])
        snapshot, follower = self.feed.view.total, RecordingFollower(self.feed.seq)
        self.feed.follow(follower)
        self.feed.publish([3])
        self.feed.publish([4, 5])
        self.assertEqual(snapshot + sum(follower.changes), self.feed.view.total)  # type: ignore[arg-type]

    def test_leave(self) -> None:
        """Who leaves, also while being told, hears no more; the others do."""
        first, second = RecordingFollower(), RecordingFollower()
        leave = self.feed.follow(first)
        self.feed.follow(second)
        self.feed.publish([1])
        leave()
        leave()
        self.feed.publish([2])
        self.assertEqual((first.changes, second.changes), ([1], [1, 2]))

    def test_resume(self) -> None:
        """``since`` gives exactly what was missed, as long as it is remembered."""
        for number in range(1, 9):
            self.feed.publish([number])
        epoch = self.feed.epoch
        self.assertEqual(self.feed.since(epoch, 8), ())
        self.assertEqual(self.feed.since(epoch, 5), (6, 7, 8))
        self.assertEqual(self.feed.since(epoch, 3), (4, 5, 6, 7, 8))
        self.assertIsNone(self.feed.since(epoch, 2))
        self.assertIsNone(self.feed.since(epoch, 9))
        self.assertIsNone(self.feed.since(epoch, -1))
        self.assertIsNone(self.feed.since("m1-6", 8))

    def test_bug_of_one(self) -> None:
        """A follower that raises is logged and dropped; the others are told."""

        class Broken:
            def changed(self, seq: int, changes: Sequence[object]) -> None:
                raise ZeroDivisionError

        good = RecordingFollower()
        self.feed.follow(Broken())  # type: ignore[arg-type]
        self.feed.follow(good)
        self.feed.publish([1])
        self.feed.publish([2])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(good.changes, [1, 2])
