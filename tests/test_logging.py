"""Logs are lines, whatever is in them."""

from __future__ import annotations

import io
import json
from typing import Any

from twisted.logger import ILogObserver, Logger
from twisted.trial.unittest import SynchronousTestCase

from mesostw.logging import LOGGERS_MAX, TEXT_CHARACTERS_MAX, Levels, log_to
from mesostw.model.ids import LinkId


class LogTests(SynchronousTestCase):
    """One line an event, as text or as JSON."""

    def logged(self, namespace: str = "mesostw.bus", **options: Any) -> tuple[Logger, io.StringIO]:
        stream = io.StringIO()
        observer = log_to(stream, **options)
        self.assertTrue(ILogObserver.providedBy(observer))
        return Logger(namespace, observer=observer), stream

    def test_text(self) -> None:
        """A line has the time, the level, the place and the text."""
        log, stream = self.logged()
        log.info("link {link} opens: {role}", link=LinkId(3), role="agent")
        line = stream.getvalue()
        self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info +mesostw.bus: ")
        self.assertTrue(line.endswith("link 3 opens: agent\n"))

    def test_one_line(self) -> None:
        """A peer's words cannot make another line, or clear the screen, or fill the disk."""
        log, stream = self.logged()
        log.warn("{said}", said="a\nERROR: fake\r\x1b[2J" + "x" * 100_000)
        self.assertEqual(stream.getvalue().count("\n"), 1)
        self.assertNotIn("\x1b", stream.getvalue())
        self.assertLess(len(stream.getvalue()), TEXT_CHARACTERS_MAX + 200)

    def test_failure(self) -> None:
        """What failed follows below, with its story and its traceback."""
        log, stream = self.logged()
        try:
            raise ZeroDivisionError("by zero")
        except ZeroDivisionError:
            log.failure("the core failed on {stimulus}\n{story}", stimulus="S", story="one\ntwo")
        head, *below = stream.getvalue().splitlines()
        self.assertTrue(head.endswith("the core failed on S"))
        self.assertEqual(below[:2], ["    one", "    two"])
        self.assertIn("ZeroDivisionError: by zero", below[-1])

    def test_json(self) -> None:
        """As JSON an event has its fields, and what failed."""
        log, stream = self.logged(as_json=True)
        log.info("link {link} opens\n", link=3, what=object)
        try:
            raise ZeroDivisionError("by zero")
        except ZeroDivisionError:
            log.failure("bad")
        first, second = map(json.loads, stream.getvalue().splitlines())
        self.assertEqual(first["fields"]["link"], 3)
        self.assertEqual((first["level"], first["from"]), ("info", "mesostw.bus"))
        self.assertEqual(second["failure"]["type"], "ZeroDivisionError")
        self.assertNotIn("failure", first)

    def test_changed_levels(self) -> None:
        """Levels change while the log is written: of all, or of a part and what is below it."""
        levels = Levels("WARNING")
        log, stream = self.logged(levels=levels)
        self.assertEqual(levels.levels()["ROOT"], "warn")
        log.info("no")
        levels.set_level("mesostw", "trace")
        log.debug("yes")
        levels.set_level("mesostw.bus", "error")
        log.warn("no")
        self.assertEqual(stream.getvalue().count("\n"), 1)
        levels.set_level("root", "info")
        shown = levels.levels()
        self.assertEqual(
            [shown[one] for one in ("ROOT", "mesostw", "mesostw.bus")], ["info", "trace", "error"]
        )

    def test_too_many_levels(self) -> None:
        """Names that somebody makes up do not fill the memory; known ones still change."""
        levels = Levels("DEBUG")
        for number in range(LOGGERS_MAX):
            levels.set_level(f"l{number}", "info")
        self.assertRaises(LookupError, levels.set_level, "more", "info")
        levels.set_level("l0", "error")
        levels.set_level("ROOT", "error")
        self.assertEqual(levels.levels()["l0"], "error")

    def test_levels(self) -> None:
        """What is below the level is left out; Twisted's own chatter needs debug."""
        for level, lines in (("DEBUG", 3), ("INFO", 2), ("WARNING", 1), ("ERROR", 0)):
            log, stream = self.logged(level=level)
            log.debug("one")
            log.info("two")
            log.warn("three")
            self.assertEqual(stream.getvalue().count("\n"), lines)
        log, stream = self.logged("twisted.application._client_service")
        log.info("Scheduling retry")
        log.error("trouble")
        self.assertEqual(stream.getvalue().count("\n"), 1)
