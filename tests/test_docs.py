"""The documents do not lie about files, links, commands and words."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Final

from twisted.trial.unittest import SynchronousTestCase

from mesostw.cli.main import parser
from mesostw.core.chronos import documents
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import JobAsked
from mesostw.daemons import chronos_flags
from mesostw.daemons.marathon_flags import FLAGS
from mesostw.model.jobs import Instant

ROOT: Final = Path(__file__).resolve().parent.parent
LINK: Final = re.compile(r"\[[^\]]*\]\(([^)#:]+)\)")
#: Of ``mesostw``: at the beginning of a line or in backticks.
COMMAND: Final = re.compile(
    r"(?:^|`)(?:\.venv/bin/)?mesostw ((?!-m |is |takes )[a-z][^`\n#]*)", re.M
)
#: A test, with its directory or in that of the one before it.
TEST: Final = re.compile(r"`((?:tests/)?[\w/]*test_\w+\.py|tests/[\w/]+/)`")
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
        """Every ``mesostw`` command line in the README and the guides is one that it takes."""
        for page in ("README.md", "docs/marathon.md", "docs/chronos.md", "docs/ha.md"):
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

    def test_flags_of_the_guide_to_chronos(self) -> None:
        """Flags in its tables are Chronos', with its defaults."""
        text = (ROOT / "docs" / "chronos.md").read_text()
        known = {flag.name: flag.default for flag in chronos_flags.FLAGS}
        rows = re.findall(r"^\| `--(\w+)` \| (\d+) \|", text, re.M)
        self.assertGreater(len(rows), 4)
        for name, default in rows:
            self.assertEqual(known[name], default, name)
        self.assertEqual(set(re.findall(r"`--(\w+)`", text)) & set(chronos_flags.ABSENT), set())

    def test_job_of_the_guide_to_chronos(self) -> None:
        """Its job is one that Chronos takes, with no field left out of account."""
        text = (ROOT / "docs" / "chronos.md").read_text()
        (document,) = re.findall(r"```json\n(.*?)```", text, re.S)
        question = JobAsked(document=json.loads(document))
        judged = documents.judged(question, None, ChronosState(), ChronosFlags(), Instant(0))
        assert isinstance(judged, documents.Judged), judged
        self.assertEqual(judged.ignored, ())

    def test_named_tests_exist(self) -> None:
        """Each test that the table of compatibility, or another page, names is there."""
        named = [(page, test) for page in PAGES for test in _tests_of(page.read_text())]
        self.assertGreater(len(named), 100)
        dead = [f"{page.name}: {test}" for page, test in named if not (ROOT / test).exists()]
        self.assertEqual(dead, [])

    def test_named_modules_exist(self) -> None:
        """Paths in backticks on the architecture page are paths of the package."""
        text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
        named = re.findall(
            r"`((?:core|bus|launching|feed|http|messages|daemons|tests)/[\w./]+\.py)`", text
        )
        self.assertGreater(len(named), 3)
        for name in named:
            where = ROOT if name.startswith("tests/") else ROOT / "mesostw"
            self.assertTrue((where / name).exists(), name)

    def test_modules_of_cores_exist(self) -> None:
        """So are those in the tables of one core, which leave its directory out."""
        text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
        tables = re.findall(r"look at, in `([\w/]+)/` \|\n((?:\|.*\n)+)", text)
        self.assertEqual(len(tables), 2)
        for room, rows in tables:
            named = re.findall(r"`([\w/]+\.py)`", rows)
            self.assertGreater(len(named), 5)
            for name in named:
                # A name with a directory is of the package and not of this core.
                where = name if "/" in name else f"{room}/{name}"
                self.assertTrue((ROOT / "mesostw" / where).exists(), where)


def _tests_of(text: str) -> list[str]:
    """Paths of tests, in a line's first directory, or that of its section, where they have none."""
    found = []
    room = ""
    for line in text.splitlines():
        if line.startswith("#"):
            room = ""
        here = room
        for name in TEST.findall(line):
            if name.startswith("tests/"):
                here = name.rpartition("/")[0]
                found.append(name)
            else:
                found.append(f"{here}/{name}")
        if not line.startswith("|") and here:
            room = here
    return found
