"""The dashboard's files, at a master's root and at a framework's ``/ui/``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.http.dashboard import Dashboard
from mesostw.http.serving import HouseSite
from tests.http.world import Visit, WallClock

PAGE = b"<!doctype html><html lang=en><p>page about <html>"


class ServedByTests(SynchronousTestCase):
    """Who serves a page is said in it."""

    def served(self, path: str, **named: str) -> str:
        """The body of a path below a dashboard whose files are one page and one script."""
        directory = Path(self.mktemp())
        directory.mkdir()
        _ = (directory / "index.html").write_bytes(PAGE)
        _ = (directory / "a.js").write_bytes(b"'<html'")
        clock: Any = WallClock()
        site = HouseSite(Dashboard(directory, **named), clock)
        return Visit(site, clock).ask("GET", path).text

    def test_framework(self) -> None:
        """The page of a framework names it once, and no other file is touched."""
        page = self.served("/ui/", prefix="ui", served_by="chronos")
        named = '<html data-served-by="chronos" lang=en>'
        self.assertEqual(page, f"<!doctype html>{named}<p>page about <html>")
        self.assertEqual(self.served("/ui/a.js", prefix="ui", served_by="chronos"), "'<html'")

    def test_master(self) -> None:
        """The page of a master is as it was built."""
        self.assertEqual(self.served("/"), PAGE.decode())
