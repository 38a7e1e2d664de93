"""Chronos in trouble: every instant is accounted for, nothing is lost, early or twice."""

from __future__ import annotations

from mesostw.interfaces import Deposed, StoreFailed
from mesostw.testing.chronos import ChronosCluster

from .seeds import SeedCase

#: Seeds that fail without what was mended for them.
FOUND = {
    82: "the delay of a retry that was made in a pause followed the wall clock",
    95: "the same",
}


class ChronosSeedTests(SeedCase):
    """After any trouble there is what was wished, and jobs run in time again."""

    cluster = ChronosCluster

    def test_found(self) -> None:
        """What was found once stays mended."""
        self.run_seeds(FOUND)

    def test_same_seed(self) -> None:
        """A seed tells the same story each time."""
        first, second = (ChronosCluster(5).run().digest for _ in range(2))
        # What the storm does to disks is logged, as it should be.
        self.flushLoggedErrors(Deposed, StoreFailed)
        self.assertEqual(first, second)

    def test_seeds_1(self) -> None:
        """The first seeds."""
        self.run_seeds(range(1, 51))

    def test_long_storms(self) -> None:
        """Trouble that lasts longer than any patience of a master."""
        self.run_seeds(range(300, 303), 400.0)

    def test_fresh_seeds(self) -> None:
        """Seeds of this very run, printed so that they can be run again."""
        self.run_seeds(self.fresh(5))
