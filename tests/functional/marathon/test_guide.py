"""The first app of the guide, typed as it stands there."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.functional.clusters import ROOT
from tests.functional.marathon.cases import OnTown

GUIDE = ROOT / "docs" / "marathon.md"


class GuideTests(OnTown):
    """What a newcomer copies does what it says."""

    def test_first_app(self) -> None:
        """Each command of the first section succeeds, one after the other."""
        text = GUIDE.read_text().partition("## A first app")[2].partition("\n## ")[0]
        document, commands = re.findall(r"```(?:json|sh)\n(.*?)```", text, re.S)
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        file = Path(directory.name) / "web.json"
        file.write_text(document.replace("/shop/", f"{self.group}/"))
        for line in commands.replace("/shop/", f"{self.group}/").splitlines():
            _, *words = shlex.split(line, comments=True)
            ran = self._ran([str(file) if word == file.name else word for word in words])
            self.assertEqual(ran.returncode, 0, f"{line}\n{ran.stdout}{ran.stderr}")
            if words[1] == "show":
                self.assertIn("2 of 2 run, 2/2 healthy", ran.stdout)
        self.refused(404, "GET", f"/v2/apps{self.group}/web")

    def _ran(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mesostw.cli", *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, "MARATHON": self.marathon.address},
        )

    def test_groups(self) -> None:
        """The tree in the guide is one that Marathon takes, and plans in its order."""
        text = GUIDE.read_text().partition("## Groups")[2]
        document = re.findall(r"```json\n(.*?)```", text, re.S)[0]
        planned = self.done("PUT", "/v2/groups/shop?dryRun=true", json.loads(document))
        scaled = [
            action["app"]
            for step in planned["steps"]
            for action in step["actions"]
            if action["action"] == "ScaleApplication"
        ]
        self.assertEqual(scaled, ["/shop/data/db", "/shop/front/api"])
