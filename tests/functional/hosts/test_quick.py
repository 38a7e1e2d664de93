"""A quick run on hosts: several of everything, cut, killed and stopped while clients ask."""

from __future__ import annotations

import os
from typing import Final

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.hosts.running import run, skip_if_impossible

#: Any number does; this one kills and stops leading masters, has a host flap, and halves them.
SEED: Final = os.environ.get("MESOSTW_TEST_SEED", "12")
#: Fewer say nothing.
WISHED_MIN: Final = 60
TASKS_MIN: Final = 50
CHANGES_MIN: Final = 10


class QuickTests(SynchronousTestCase):
    """Every rule, for about four minutes."""

    def setUp(self) -> None:
        skip_if_impossible()

    def test_holds(self) -> None:
        """Whatever is cut or killed, nothing is lost, doubled or forgotten, and no host stays."""
        # Of one that does not hold the evidence stays, and it is told where.
        ran = run("--profile=quick", "--keep", f"--seeds={SEED}")
        self.assertEqual(ran.status, 0, ran.told)
        # There was enough to judge.
        self.assertGreater(ran.verdict["chronos"]["wished"], WISHED_MIN, ran.told)
        self.assertGreater(ran.verdict["tasks"], TASKS_MIN, ran.told)
        self.assertGreater(ran.verdict["changes"], CHANGES_MIN, ran.told)
        self.assertEqual(ran.left, [])
