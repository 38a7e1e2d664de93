"""
The built dashboard in a real browser: against the simulator of ``web/dev`` and a real cluster.

It shows that what ``pip`` users get works: pages draw, changes arrive with no reload,
a broken socket comes back, logs follow, and nothing that a task writes becomes markup.
"""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.functional.clusters import LocalCluster

ROOT = Path(__file__).resolve().parents[2]
FAKE = ROOT / "web" / "dev" / "fake.mjs"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Milliseconds; the machine may be busy with other tests.
WAIT_MS = 60_000


class BrowserTestCase(SynchronousTestCase):
    """Each test has a browser of its own, ended with it."""

    def open_browser(self, address: str) -> None:
        """Open a page for the dashboard at ``address``; skip the test where there is no browser."""
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        if chromium is None:
            raise SkipTest("no chromium is installed")
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 (needed only with a browser)

        self.address = address
        playwright = sync_playwright().start()
        self.addCleanup(playwright.stop)
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        self.addCleanup(browser.close)
        self.faults: list[str] = []
        self.page = browser.new_page(viewport={"width": 1280, "height": 800})
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def go(self, place: str) -> None:
        """Open a place of the dashboard and wait until it is live."""
        self.page.goto(f"{self.address}#{place}")
        self.page.wait_for_selector('[data-connection="live"]')

    def text(self, selector: str) -> str:
        """What a part of the page says."""
        return str(self.page.inner_text(selector))


def start_fake(case: SynchronousTestCase) -> int:
    """Start a simulated cluster that changes only when told; the port it listens on."""
    fake = subprocess.Popen(
        ["node", str(FAKE), "--port", "0", "--tasks", "2000", "--agents", "60", "--quiet"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert fake.stdout is not None
    case.addCleanup(fake.stdout.close)
    case.addCleanup(fake.wait)
    case.addCleanup(fake.kill)
    return int(fake.stdout.readline().split()[1])


class SimulatedClusterTests(BrowserTestCase):
    """Many tasks that change only when told."""

    def setUp(self) -> None:
        self.open_browser(f"http://127.0.0.1:{start_fake(self)}/")

    def tell_fake(self, command: str) -> Any:
        """Give the simulated cluster a command."""
        with urllib.request.urlopen(f"{self.address}fake/{command}", data=b"") as answer:
            return json.loads(gzip.decompress(answer.read()))

    def test_pages(self) -> None:
        """Every page draws its rows, wide and on a phone; the theme is kept over a reload."""
        self.go("/")
        self.page.wait_for_selector(".matters li")
        self.assertIn("running", self.text(".strip"))
        for width in (1280, 360):
            self.page.set_viewport_size({"width": width, "height": 740})
            for name in ("tasks", "agents", "frameworks", "offers", "events"):
                self.page.click(f'.rail a[href="#/{name}"]')
                self.page.wait_for_selector(f'.grid[aria-label="{name}"] [data-index="0"]')
                used = self.page.evaluate("document.documentElement.scrollWidth")
                self.assertLessEqual(used, width, name)
        for _ in range(2):
            self.page.click('button[aria-label^="Theme"]')
        self.page.reload()
        self.page.wait_for_selector('[data-connection="live"]')
        background = self.page.evaluate("getComputedStyle(document.body).backgroundColor")
        self.assertEqual(background, "rgb(14, 17, 22)")
        self.assertEqual(self.faults, [])

    def test_live(self) -> None:
        """
        A change shows at once with no reload.

        After a broken socket the page is caught up, and in a new epoch it is refreshed.
        """
        self.go("/")
        task = self.tell_fake("fail")
        self.page.wait_for_selector(f'.matter-what:text-is("{task["id"]}")')
        self.tell_fake("drop")
        self.page.wait_for_selector('[data-connection="caught-up"]')
        self.tell_fake("epoch")
        self.page.wait_for_selector('[data-connection="refreshed"]')
        self.page.click('.rail a[href="#/agents"]')
        self.page.wait_for_selector(".grid [data-index]")
        self.assertEqual(self.page.get_attribute(".grid", "aria-rowcount"), "61")
        self.assertEqual(self.faults, [])

    def test_search_and_keyboard(self) -> None:
        """
        A task is found, looked at and opened without a mouse.

        The search is in the address; only a window of many rows is in the document.
        """
        self.go("/")
        self.page.keyboard.press("g")
        self.page.keyboard.press("t")
        self.page.wait_for_selector(".grid [data-index]")
        self.assertEqual(self.page.get_attribute(".grid", "aria-rowcount"), "2001")
        self.assertLess(self.page.locator(".grid [data-index]").count(), 80)
        self.page.keyboard.press("/")
        self.page.keyboard.type("state=running cpu>0")
        self.page.wait_for_selector('.count:has-text("→")')
        self.assertIn("q=state%3Drunning+cpu%3E0", self.page.url)
        words = set(self.page.locator(".grid [data-index] .word").all_inner_texts())
        self.assertEqual(words, {"running"})
        for key in ("Enter", "j", "j", "Space"):
            self.page.keyboard.press(key)
        self.page.wait_for_selector(".drawer")
        self.assertIn("mesostw kill", self.text(".drawer"))
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(".object-head h1")
        self.assertRegex(self.page.url, r"#/tasks/[^/]+/[^/]+$")
        self.assertEqual(self.faults, [])

    def test_task(self) -> None:
        """
        The open log follows, as text and never as markup.

        A task tells its states in order, and why it is as it is.
        """
        self.go("/tasks?q=state:failed")
        self.page.click('.grid [data-index="0"] a')
        self.page.wait_for_selector(".log-text pre")
        self.tell_fake("log")
        self.page.wait_for_selector('.log-text pre:has-text("<b>not bold</b>")')
        self.assertEqual(self.page.locator(".log-text b").count(), 0)
        hidden_below = self.page.evaluate(
            "(box => box.scrollHeight - box.scrollTop - box.clientHeight)"
            "(document.querySelector('.log-text'))"
        )
        self.assertLess(hidden_below, 30)
        self.page.fill(".log [data-search]", "heap")
        self.page.wait_for_selector(".log mark")
        self.page.click('.tabs a:text-is("Timeline")')
        self.page.wait_for_selector(".timeline li")
        states = self.page.locator(".timeline b").all_inner_texts()
        self.assertEqual(states, ["staging", "starting", "running", "failed"])
        self.page.click('.tabs a:text-is("Why")')
        self.page.wait_for_selector(".why-sentence")
        self.assertEqual(self.faults, [])


class RealClusterTests(BrowserTestCase):
    """A master, its agents and real processes."""

    def setUp(self) -> None:
        self.cluster = LocalCluster(2)
        self.addCleanup(self.cluster.stop)
        self.open_browser(f"http://{self.cluster.master}/")

    def test_tasks_and_failover(self) -> None:
        """
        Tasks that are run are seen to come and to finish, with their output.

        When the master is killed the page says so, and is live again with the next one.
        """
        self.go("/tasks?q=state:finished")
        done = self.cluster.mesostw("run", "--instances", "20", "--", "echo said by a task")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.page.wait_for_selector('.count:text-is("20 tasks → 20")')
        self.page.click('.grid [data-index="0"] a')
        self.page.wait_for_selector('.log-text pre:has-text("said by a task")')
        self.page.click('.tabs a:text-is("Timeline")')
        self.page.wait_for_selector('.timeline b:text-is("finished")')
        self.page.click('.rail a[href="#/agents"]')
        self.page.wait_for_selector('.grid [data-index="1"]')
        self.cluster.kill("master")
        self.page.wait_for_selector('[data-connection="reconnecting"]')
        self.page.wait_for_selector('[data-connection="live"]')
        self.page.wait_for_selector('.grid [data-index="1"] .word:text-is("active")')
        self.assertEqual(self.faults, [])
