"""Three masters in trouble: whoever leads knows all that was said, and nobody acts beside it."""

from __future__ import annotations

from mesostw.interfaces import Deposed, StoreFailed
from mesostw.testing.chronos import ChronosCluster
from mesostw.testing.cluster import Cluster
from mesostw.testing.marathon import MarathonCluster

from .seeds import SeedCase

#: Seeds that fail without what was mended for them.
FOUND = {
    45: "a task that ended unheard, on an agent that was given up then, was said to run for ever",
    121: "the same",
    133: "the same",
    70327: "a master whose node was removed before it led was taken for another by those who check",
}


class SeveralSeedTests(SeedCase):
    """Halves, bridges, zombies, lost sessions and lost answers, and in the end all is done."""

    masters = 3

    def test_found(self) -> None:
        """What was found once stays mended."""
        self.run_seeds(FOUND)

    def test_same_seed(self) -> None:
        """A seed tells the same story each time."""
        first, second = (Cluster(5, masters=3).run().digest for _ in range(2))
        # What the storm does to disks is logged, as it should be.
        self.flushLoggedErrors(Deposed, StoreFailed)
        self.assertEqual(first, second)

    def test_seeds_1(self) -> None:
        """The first seeds."""
        self.run_seeds(range(1, 21))

    def test_long_storms(self) -> None:
        """Trouble that lasts longer than any patience of a master."""
        self.run_seeds(range(300, 301), 400.0)

    def test_fresh_seeds(self) -> None:
        """Seeds of this very run, printed so that they can be run again."""
        self.run_seeds(self.fresh(5))


class SeveralMarathonTests(SeedCase):
    """Marathon finds the leader, whoever that is."""

    cluster = MarathonCluster
    masters = 3

    def test_seeds(self) -> None:
        """The first seeds, and 91281: who had lost its place took the store over."""
        self.run_seeds((*range(1, 6), 91281))


class SeveralChronosTests(SeedCase):
    """So does Chronos."""

    cluster = ChronosCluster
    masters = 3

    def test_seeds(self) -> None:
        """The first seeds, and 80007: a former life was cut off for ever."""
        self.run_seeds((*range(1, 6), 80007))
