"""The documents do not lie about files, links, commands and words."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Final

from twisted.trial.unittest import SynchronousTestCase

from mesostw.cli.main import parser
from mesostw.daemons.marathon_flags import FLAGS

ROOT: Final = Path(__file__).resolve().parent.parent
LINK: Final = re.compile(r"\[[^\]]*\]\(([^)#:]+)\)")
#: Of ``mesostw``: at the beginning of a line or in backticks.
COMMAND: Final = re.compile(
    r"(?:^|`)(?:\.venv/bin/)?mesostw ((?!-m |is |takes )[a-z][^`\n#]*)", re.M
)
PAGES: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


class DocsTests(SynchronousTestCase):
    """What a page points at is there."""

    def test_links(self) -> None:
        """Every relative link leads somewhere."""
        dead = [
            f"{page.relative_to(ROOT)}: {target}"
            for page in PAGES
            for target in LINK.findall(page.read_text())
            if not (page.parent / target).exists()
        ]
        self.assertEqual(dead, [])

    def test_decisions_are_numbered(self) -> None:
        """Each decision has a number of its own, in its name and in its title."""
        for page in sorted((ROOT / "docs" / "adr").glob("*.md")):
            number = int(page.name[:4])
            self.assertTrue(page.read_text().startswith(f"# {number}. "), page.name)

    def test_commands(self) -> None:
        """Every ``mesostw`` command line in the README and the guide is one that it takes."""
        for page in ("README.md", "docs/marathon.md"):
            text = (ROOT / page).read_text()
            lines = COMMAND.findall(text)
            self.assertGreater(len(lines), 5, page)
            for line in lines:
                parser().parse_args(shlex.split(line))

    def test_documents(self) -> None:
        """JSON in a page is JSON."""
        for page in PAGES:
            for text in re.findall(r"```json\n(.*?)```", page.read_text(), re.S):
                json.loads(text)

    def test_flags_of_the_guide(self) -> None:
        """Flags in the guide's table are Marathon's, with its defaults."""
        text = (ROOT / "docs" / "marathon.md").read_text()
        known = {flag.name: flag.default for flag in FLAGS}
        rows = re.findall(r"^\| (`--.*?) \| ([\d, ms]+) \|", text, re.M)
        self.assertGreater(len(rows), 4)
        for names, defaults in rows:
            found = re.findall(r"--(\w+)", names)
            self.assertEqual([known[name] for name in found], re.findall(r"\d+", defaults))

    def test_named_modules_exist(self) -> None:
        """Paths in backticks on the architecture page are paths of the package."""
        text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
        named = re.findall(r"`((?:core|bus|launching|feed|tests)/[\w./]+\.py)`", text)
        self.assertGreater(len(named), 3)
        for name in named:
            where = ROOT if name.startswith("tests/") else ROOT / "mesostw"
            self.assertTrue((where / name).exists(), name)
