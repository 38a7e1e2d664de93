"""A wall clock that is set while its daemon runs."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.hosts import clocks


class ClockTests(SynchronousTestCase):
    """One file, whoever reads it."""

    def test_set(self) -> None:
        """It is wrong by what the file says now."""
        file = Path(self.mktemp())
        clocks.set_clock(file, 0.0)
        clock = clocks.wrong(file, lambda: 100.0)
        self.assertEqual(clock(), 100.0)
        clocks.set_clock(file, -10.0)
        self.assertEqual(clock(), 90.0)
        clocks.set_clock(file, 3600.0)
        self.assertEqual(clock(), 3700.0)

    def test_daemons(self) -> None:
        """What daemons take for the time is wrong, and what they measure is not."""
        file = Path(self.mktemp())
        clocks.set_clock(file, 3600.0)
        program = (
            "import sys, time; from pathlib import Path; from tests.functional.hosts import clocks;"
            "time.time = clocks.wrong(Path(sys.argv[1]), time.time);"
            "from mesostw.reactor_time import ReactorClock; clock = ReactorClock(None);"
            "print(clock.wall(), clock.seconds())"
        )
        words = (sys.executable, "-c", program, str(file))
        ran = subprocess.run(words, capture_output=True, text=True, check=True)
        wall, steady = map(float, ran.stdout.split())
        self.assertApproximates(wall - time.time(), 3600.0, 30.0)
        self.assertApproximates(steady, time.monotonic(), 30.0)
