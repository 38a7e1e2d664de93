"""The documents do not lie about files, links, commands and words."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

from twisted.trial.unittest import SynchronousTestCase

from mesostw.cli.main import parser

ROOT: Final = Path(__file__).resolve().parent.parent
LINK: Final = re.compile(r"\[[^\]]*\]\(([^)#:]+)\)")
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

    def test_commands_of_the_readme(self) -> None:
        """Every ``mesostw`` command line in the README is one that the program takes."""
        text = (ROOT / "README.md").read_text()
        lines = re.findall(r"(?:^|`)(?:\.venv/bin/)?mesostw ((?!-m |is )[a-z][^`\n#]*)", text, re.M)
        self.assertGreater(len(lines), 5)
        for line in lines:
            parser().parse_args(shlex.split(line))

    def test_named_modules_exist(self) -> None:
        """Paths in backticks on the architecture page are paths of the package."""
        text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
        named = re.findall(r"`((?:core|bus|launching|feed|tests)/[\w./]+\.py)`", text)
        self.assertGreater(len(named), 3)
        for name in named:
            where = ROOT if name.startswith("tests/") else ROOT / "mesostw"
            self.assertTrue((where / name).exists(), name)
