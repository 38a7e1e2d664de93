"""One quick run: real processes, killed and stopped while clients ask for jobs."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Final
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.chronos import report
from tests.functional.chronos.campaign import Campaign
from tests.functional.chronos.judging import judge
from tests.functional.chronos.profiles import QUICK

#: Any number does; this one fills a disk, kills and stops many, and all at once.
SEED: Final = int(os.environ.get("MESOSTW_TEST_SEED", "2"))
#: Fewer windows say nothing.
WISHED_MIN: Final = 30


class QuickTests(SynchronousTestCase):
    """Every rule, once, at the smallest size."""

    def setUp(self) -> None:
        if find_spec("prctl") is None:
            raise SkipTest("needs python-prctl: pip install 'mesostw[agent]'")

    def test_holds(self) -> None:
        """Whatever goes wrong, every instant is served and nothing runs that should not."""
        campaign = Campaign(QUICK, SEED, commands={})
        self.addCleanup(campaign.remove)
        try:
            evidence = campaign.evidence()
        except Exception as fault:
            raise AssertionError(f"{fault}; the logs end:\n{campaign.tails()}") from fault
        verdict = judge(evidence, QUICK)
        told = f"{report.table(SEED, evidence, verdict)}\n{report.story(evidence)}"
        self.assertEqual(verdict.findings, [], f"\n{told}\n{campaign.tails()}")
        self.assertEqual(campaign.left, [])
        self.assertGreater(verdict.wished, WISHED_MIN, told)
        self.assertEqual(len(evidence.harms), len(campaign.plan.faults))
