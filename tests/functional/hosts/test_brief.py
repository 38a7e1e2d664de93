"""One brief run on hosts: several of everything, cut, killed and stopped while clients ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.clusters import ROOT
from tests.functional.hosts.network import NAMED, impediment

#: Any number does; this one cuts the leading Chronos off, stops a master, and halves the hosts.
SEED: Final = os.environ.get("MESOSTW_TEST_SEED", "3")
#: A run takes under two minutes; this is for a machine that does something else too.
PATIENCE_S: Final = 400.0
#: Fewer say nothing.
WISHED_MIN: Final = 15
TASKS_MIN: Final = 20
CHANGES_MIN: Final = 3


class BriefTests(SynchronousTestCase):
    """Every rule, once, at the smallest size."""

    def setUp(self) -> None:
        if find_spec("prctl") is None:
            raise SkipTest("needs python-prctl: pip install 'mesostw[agent]'")
        if reason := impediment():
            raise SkipTest(reason)

    def test_holds(self) -> None:
        """Whatever is cut or killed, nothing is lost, doubled or forgotten, and no host stays."""
        with tempfile.TemporaryDirectory() as directory:
            results = Path(directory) / "results.json"
            words = ("--profile=brief", f"--seeds={SEED}", f"--results={results}")
            # A process of its own: it goes into another network namespace.
            running = subprocess.Popen(
                (sys.executable, "-m", "tests.functional.hosts", *words),
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            try:
                told, _ = running.communicate(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                running.terminate()
                told, _ = running.communicate(timeout=60)
            self.assertEqual(running.returncode, 0, told[-20_000:])
            (verdict,) = json.loads(results.read_text())
        self._judge(verdict["verdict"], told)
        ours = [one.name for one in NAMED.iterdir() if f"-{running.pid}-" in one.name]
        self.assertEqual(ours, [])

    def _judge(self, verdict: dict[str, Any], told: str) -> None:
        """There was enough to judge."""
        self.assertGreater(verdict["chronos"]["wished"], WISHED_MIN, told)
        self.assertGreater(verdict["tasks"], TASKS_MIN, told)
        self.assertGreater(verdict["changes"], CHANGES_MIN, told)
