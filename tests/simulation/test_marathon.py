"""Marathon in trouble: what a user was told is done, capacity is kept, nothing runs twice."""

from __future__ import annotations

from mesostw.testing.marathon import MarathonCluster

from .seeds import SeedCase


class MarathonSeedTests(SeedCase):
    """After any trouble there is exactly what was wished."""

    cluster = MarathonCluster

    def test_found(self) -> None:
        """What was found once stays mended."""
        self.run_seeds(
            {
                33: "a forced change of the number alone left an app between two versions",
                44: "a deposed master counted a port twice that another task has by now",
                435349917: "a cancelled deployment whose answer was lost counted as not cancelled",
                435349920: "an instance of an earlier life counted as launched when it moved",
            }
        )

    def test_seeds_1(self) -> None:
        """The first seeds."""
        self.run_seeds(range(1, 76))

    def test_seeds_2(self) -> None:
        """More seeds."""
        self.run_seeds(range(76, 151))

    def test_long_storms(self) -> None:
        """Trouble that lasts longer than any patience of a master."""
        self.run_seeds(range(300, 305), 400.0)

    def test_fresh_seeds(self) -> None:
        """Seeds of this very run, printed so that they can be run again."""
        self.run_seeds(self.fresh(10))
