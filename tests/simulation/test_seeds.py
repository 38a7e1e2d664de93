"""Clusters in trouble: fixed seeds, seeds that once found something, and a few new ones."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from twisted.trial.unittest import SynchronousTestCase

from mesostw.interfaces import Deposed, StoreFailed
from mesostw.testing.cluster import Cluster

#: Seeds that fail without what was mended for them.
FOUND = {
    2: "a kill that a new master heard before the task's agent came back was lost",
    8: "the same",
    11: "the same",
}
#: How many seeds nobody has seen before.
FRESH = 5


class SeedTests(SynchronousTestCase):
    """After any trouble a cluster comes to rest, and nothing was ever wrong."""

    def run_seeds(self, seeds: Iterable[int], storm_s: float = 60.0) -> None:
        """Run each; the first that fails tells its story."""
        try:
            for seed in seeds:
                report = Cluster(seed, storm_s=storm_s).run()
                if report.faults:
                    story = "\n".join(report.lines[-60:])
                    self.fail(f"seed {seed} (storm of {storm_s:g} s):\n{story}")
        finally:
            self.flushLoggedErrors(Deposed, StoreFailed)

    def test_found(self) -> None:
        """What was found once stays mended."""
        self.run_seeds(FOUND)

    def test_seeds_1(self) -> None:
        """The first seeds."""
        self.run_seeds(range(1, 51))

    def test_seeds_2(self) -> None:
        """More seeds."""
        self.run_seeds(range(51, 101))

    def test_seeds_3(self) -> None:
        """Still more seeds."""
        self.run_seeds(range(101, 151))

    def test_seeds_4(self) -> None:
        """The last of them."""
        self.run_seeds(range(151, 201))

    def test_long_storms(self) -> None:
        """Trouble that lasts longer than any patience of a master."""
        self.run_seeds(range(300, 305), 400.0)

    def test_fresh_seeds(self) -> None:
        """Seeds of this very run, printed so that they can be run again."""
        first = int.from_bytes(os.urandom(4), "big")
        sys.stderr.write(f" fresh seeds {first}-{first + FRESH - 1} ")
        self.run_seeds(range(first, first + FRESH))
