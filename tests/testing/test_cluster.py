"""The simulation itself: the same seed is the same run, and its command says what happened."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from mesostw.interfaces import Deposed, StoreFailed
from mesostw.testing import simulate
from mesostw.testing.cluster import Cluster


class DeterminismTests(SynchronousTestCase):
    """A failure that cannot be repeated cannot be mended."""

    def test_same_seed(self) -> None:
        """The same seed gives the same story, word for word; another gives another."""
        first, second, other = (Cluster(seed, storm_s=20.0).run() for seed in (5, 5, 6))
        self.flushLoggedErrors(Deposed, StoreFailed)
        self.assertEqual(first.lines, second.lines)
        self.assertNotEqual(first.digest, other.digest)

    def test_other_hashes(self) -> None:
        """No order of a set or of hashes gets into a run."""
        digests = {
            subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "mesostw.testing.simulate",
                    "--seed",
                    "7",
                    "--seconds",
                    "30",
                ],
                env={**os.environ, "PYTHONHASHSEED": hashes},
                check=True,
                capture_output=True,
            ).stdout.splitlines()[0]
            for hashes in ("1", "2")
        }
        self.assertEqual(len(digests), 1, digests)


class CalmTests(SynchronousTestCase):
    """Without trouble nothing is ever said twice or given up."""

    def test_no_storm(self) -> None:
        """Every job gets done with one attempt, and one container."""
        cluster = Cluster(3, jobs=6, storm_s=0.0)
        report = cluster.run()
        self.assertEqual(report.faults, ())
        self.assertEqual(report.tasks, 12)
        self.assertEqual(report.trouble.total(), 0)

    def test_larger(self) -> None:
        """A cluster of more agents and frameworks comes to rest as well."""
        report = Cluster(4, agents=8, frameworks=4, jobs=6, storm_s=20.0).run()
        self.flushLoggedErrors(Deposed, StoreFailed)
        self.assertEqual(report.faults, ())

    def test_full_disk(self) -> None:
        """Whose disk is full has another at the calm, and does not die of it at its next word."""
        cluster = Cluster(3, jobs=0)
        cluster.start_dead()
        cluster.around.clock.advance(10.0)
        cluster.weather._fail_disk()
        (victim,) = cluster.weather._failing
        cluster.weather.end()
        self.assertFalse(victim.alive)
        self.assertTrue(all(life.alive for life in cluster.daemons()))


class SimulateTests(SynchronousTestCase):
    """``python -m mesostw.testing.simulate``."""

    def test_seeds(self) -> None:
        """Several seeds are told in a line each, and how many failed."""
        out = StringIO()
        status = simulate.main(["--seeds", "1-2", "--seconds", "5"], out)
        self.flushLoggedErrors(Deposed, StoreFailed)
        lines = out.getvalue().splitlines()
        self.assertEqual(status, 0, out.getvalue())
        self.assertEqual([line.split(":")[0] for line in lines[:2]], ["seed 1", "seed 2"])
        self.assertIn("2 seeds in", lines[-1])
        self.assertIn("0 failed", lines[-1])

    def test_story(self) -> None:
        """The story is told when asked for."""
        out = StringIO()
        simulate.main(["--seed", "1", "--seconds", "5", "--story"], out)
        self.flushLoggedErrors(Deposed, StoreFailed)
        self.assertIn("m1 starts its life 1", out.getvalue())
        self.assertIn("CALM", out.getvalue())
