"""Elections over the ensemble in memory."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from mesostw.testing.contracts import election
from mesostw.zookeeper.group import Group, Place
from tests.testing.test_zookeeper import MemoryWorld


class MemoryElectionTests(election.ElectionContract, SynchronousTestCase):
    """The contract."""

    def setUp(self) -> None:
        self.world = MemoryWorld()
        self.clock = self.world.clock


class EndTests(SynchronousTestCase):
    """Whoever ends before it has begun leaves nothing behind."""

    def setUp(self) -> None:
        self.world = MemoryWorld()

    def sessions(self) -> int:
        """How many the ensemble knows after as long as one outlives whoever has it."""
        self.world.pass_time(None, 10.0)
        return len(self.world.servers.sessions)

    def test_withdrawn_before_the_session(self) -> None:
        """Whoever has withdrawn does not enter when its session begins."""
        self.world.silence("a", silent=True)
        rival = election.Rival(self.world, self.world.clock, "a")
        entering = Deferred.fromCoroutine(rival.candidacy.start())
        self.world.pass_time(None, 0.5)
        self.successResultOf(Deferred.fromCoroutine(rival.candidacy.stop()))
        self.world.silence("a", silent=False)
        self.world.pass_time(entering, 20.0)
        self.successResultOf(entering)
        self.assertEqual((self.sessions(), rival.acts), (0, False))

    def test_cancelled_before_the_directory(self) -> None:
        """Who gives up while the members' directory is made ends the session it had."""
        for steps in range(60):
            world = self.world = MemoryWorld()
            place = Place("/chronos", "member_")
            group = Group(world.ensemble("a"), world.clock, place, lambda _state: None)
            opening = Deferred.fromCoroutine(group.open())
            world.pass_time(opening, steps * 0.0005)
            if opening.called:
                break
            opening.cancel()
            self.failureResultOf(opening, CancelledError)
            self.assertEqual(self.sessions(), 0, steps)
        self.assertGreater(steps, 5)
