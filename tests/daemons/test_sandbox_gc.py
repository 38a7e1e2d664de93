"""Old sandboxes go, live ones stay."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from mesostw.daemons.sandbox_gc import SandboxSweeper, age_s, sweep
from mesostw.interfaces import IClock


@implementer(IClock)
class Wall(Clock):
    """Virtual time."""

    def wall(self) -> float:
        return 1_000_000.0 + self.seconds()


class SweepTests(SynchronousTestCase):
    """By age, and never what is in use."""

    def setUp(self) -> None:
        self.work_dir = Path(self.mktemp()).absolute()

    def run_of(self, executor: str, container: str, changed: float) -> Path:
        """A run that was last changed then."""
        path = self.work_dir / "slaves/S/frameworks/F/executors" / executor / "runs" / container
        path.mkdir(parents=True)
        (path / "stdout").write_text("x")
        latest = path.parent / "latest"
        latest.unlink(missing_ok=True)
        latest.symlink_to(path)
        os.utime(path, (changed, changed))
        return path

    def test_age(self) -> None:
        """The fuller the disk, the sooner; beyond the headroom at once."""
        ages = [age_s(100.0, 0.1, used) for used in (0.0, 0.5, 0.9, 1.0)]
        self.assertEqual([round(age, 6) for age in ages], [90.0, 40.0, 0.0, 0.0])

    def test_sweep(self) -> None:
        """Old runs go with parents that are empty then; young and live ones stay."""
        old, young = self.run_of("e", "old", 10.0), self.run_of("e", "young", 30.0)
        live, alone = self.run_of("f", "live", 10.0), self.run_of("g", "alone", 10.0)
        self.assertEqual(sweep(str(self.work_dir), {str(live)}, 20.0), 2)
        self.assertEqual([one.exists() for one in (old, young, live)], [False, True, True])
        self.assertFalse(alone.parent.parent.exists())
        self.assertTrue((young.parent / "latest").exists())

    def test_nothing_there(self) -> None:
        """A new agent has nothing to sweep."""
        self.assertEqual(sweep(str(self.work_dir), (), 20.0), 0)

    def test_every_interval(self) -> None:
        """It goes on, and a failure ends nothing."""
        clock = Wall()
        swept: list[object] = []

        def in_thread(call: object, *given: object) -> Deferred[int]:
            swept.append(given)
            return execute(int, "x" if len(swept) == 1 else "1")

        self.work_dir.mkdir()
        sweeper = SandboxSweeper(
            clock,
            str(self.work_dir),
            lambda: ["d"],
            in_thread,
            gc_delay_s=100.0,
            headroom=0.1,
            interval_s=60.0,
        )
        sweeper.start()
        clock.pump([60.0, 60.0])
        self.assertEqual(len(swept), 2)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        sweeper.stop()
        self.assertEqual(clock.getDelayedCalls(), [])
