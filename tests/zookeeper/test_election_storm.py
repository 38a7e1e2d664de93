"""Elections in any weather: two never act at once, and in the end exactly one does."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mesostw.interfaces import IZooSession
from mesostw.model.zookeeper import Check
from mesostw.testing.contracts.election import Rival
from tests.testing.test_zookeeper import MemoryWorld

SEEDS = range(40)
STEPS = 150
LINKS = ("a", "b", "c")


class Witnessed(Rival):
    """A candidate that looks around whenever it may act."""

    def __init__(self, storm: Storm, link: str) -> None:
        super().__init__(storm.world, storm.world.clock, link)
        self.storm = storm

    def elected(self, session: IZooSession, standing: Sequence[Check]) -> None:
        super().elected(session, standing)
        self.storm.acting(self)

    def held(self, held: bool) -> None:
        super().held(held)
        if not held:
            self.storm.acting(self)


class Storm:
    """Three links, a candidate on each, and another when one has lost."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.world = MemoryWorld(seed)
        self.rivals: list[Witnessed] = []
        self.faults: list[str] = []
        #: Who stands on each link now.
        self.standing = {link: self._enter(link) for link in LINKS}

    def _enter(self, link: str) -> Witnessed:
        rival = Witnessed(self, link)
        self.rivals.append(rival)
        entering = Deferred.fromCoroutine(rival.candidacy.start())
        _ = entering.addErrback(lambda failure: self.faults.append(failure.getErrorMessage()))
        return rival

    def acting(self, rival: Witnessed) -> None:
        """Somebody has begun to act: nobody else does."""
        others = [one.name for one in self.rivals if one.acts and one is not rival]
        if others:
            now_s = self.world.clock.seconds()
            self.faults.append(f"at {now_s:.3f} s {rival.name} acts beside {others}")

    def blow(self) -> None:
        """One step."""
        link = self.random.choice(LINKS)
        if self.standing[link].reason and self.random.random() < 0.5:
            self.standing[link] = self._enter(link)
        match self.random.randrange(10):
            case 0:
                self.world.cut(link)
            case 1:
                self.world.lose_answers(link)
            case 2:
                self.world.silence(link, True)
            case 3:
                self.world.refuse(link, True)
                self.world.cut(link)
            case 4 | 5 | 6:
                self.calm(link)
            case 7 if self.random.random() < 0.2:
                self.world.servers.stop()
                self.world.pass_time(None, self.random.uniform(0, 6))
                self.world.servers.start()
            case _:
                pass
        self.world.pass_time(None, self.random.choice([0.01, 0.1, 0.5, 2.0, 5.0]))

    def calm(self, link: str) -> None:
        """Nothing is wrong with a link any more."""
        self.world.cut(link)
        self.world.silence(link, False)
        self.world.refuse(link, False)

    def settle(self) -> list[str]:
        """Calm everything, let who has lost stand again, and see who acts."""
        for link in LINKS:
            self.calm(link)
        for _ in range(3):
            for link in LINKS:
                if self.standing[link].reason:
                    self.standing[link] = self._enter(link)
            self.world.pass_time(None, 10.0)
        return [one.name for one in self.rivals if one.acts]


class ElectionStormTests(SynchronousTestCase):
    """By seeds, on the ensemble in memory."""

    def test_storms(self) -> None:
        """Whoever was cut off has stopped before another begins; in the end one leads."""
        elected = 0
        for seed in SEEDS:
            storm = Storm(seed)
            for _ in range(STEPS):
                storm.blow()
            acting = storm.settle()
            self.assertEqual(storm.faults, [], f"seed {seed}")
            self.assertEqual(len(acting), 1, f"seed {seed}: {acting}")
            elected += sum(one.session is not None for one in storm.rivals)
        self.assertGreater(elected, len(SEEDS) * 3)
