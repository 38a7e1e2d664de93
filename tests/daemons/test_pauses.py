"""The garbage collector of a daemon works, but seldom on everything."""

from __future__ import annotations

import gc

from twisted.trial.unittest import SynchronousTestCase

from mesostw.daemons.pauses import THRESHOLDS, keep_pauses_short


class PausesTests(SynchronousTestCase):
    """What was there before is left alone, and full collections are far apart."""

    def test_thresholds(self) -> None:
        """The collector stays on, with the thresholds that keep pauses short."""
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        self.addCleanup(gc.unfreeze)
        keep_pauses_short()
        self.assertTrue(gc.isenabled())
        self.assertEqual(gc.get_threshold(), THRESHOLDS)
        self.assertGreater(gc.get_freeze_count(), 0)
