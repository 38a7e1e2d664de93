"""Running seeds of a kind of cluster."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from mesostw.interfaces import Deposed, StoreFailed
from mesostw.testing.cluster import Cluster


class SeedCase(SynchronousTestCase):
    """After any trouble a cluster comes to rest, and nothing was ever wrong."""

    cluster: ClassVar[type[Cluster]] = Cluster
    masters: ClassVar[int] = 1

    def run_seeds(self, seeds: Iterable[int], storm_s: float = 60.0) -> None:
        """Run each; the first that fails tells its story."""
        try:
            for seed in seeds:
                report = self.cluster(seed, storm_s=storm_s, masters=self.masters).run()
                if report.faults:
                    story = "\n".join(report.lines[-60:])
                    self.fail(f"seed {seed} (storm of {storm_s:g} s):\n{story}")
        finally:
            self.flushLoggedErrors(Deposed, StoreFailed)

    def fresh(self, count: int) -> range:
        """Seeds that nobody has seen before, printed."""
        first = int.from_bytes(os.urandom(4), "big")
        sys.stderr.write(f" fresh seeds {first}-{first + count - 1} ")
        return range(first, first + count)
