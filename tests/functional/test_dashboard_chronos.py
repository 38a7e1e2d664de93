"""
Chronos' pages in a real browser, against a real cluster.

It shows that jobs can be made, seen to run, changed, stopped and deleted from the page alone,
through the master's door and on Chronos' own ``/ui/``.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tests.functional.clusters import LocalCluster, wait_until
from tests.functional.test_dashboard import BrowserTestCase
from tests.functional.test_dashboard_marathon import SETTLED

#: A schedule that begins at once.
EVERY_3_S = "R//PT3S"
PLACES = {
    "/jobs": '.grid[aria-label="jobs"] [data-index="0"]',
    "/jobs/first": ".run-grid td a",
    "/jobs/first?tab=Graph": ".dag .node.here",
    "/jobs/first?tab=Calendar": ".calendar td.today .day-good",
    "/jobs/first?tab=Runs": '.grid[aria-label="runs"] [data-index="0"]',
    "/jobs/first?tab=Config": ".facts dt",
    "/jobs/first?tab=Why": ".why-sentence",
    "/jobs/first?tab=Events": '.grid[aria-label="events"] [data-index="0"]',
    "/runs": '.grid[aria-label="runs"] [data-index="0"]',
    "/schedule": ".lanes .lane i",
    "/jevents": '.grid[aria-label="events"] [data-index="0"]',
    "/job-edit/first": ".upcoming li",
}


class ChronosPageTests(BrowserTestCase):
    """A master, an agent, Chronos and real processes."""

    def setUp(self) -> None:
        self.cluster = LocalCluster(1, "--chronos=true")
        self.addCleanup(self.cluster.stop)
        self.open_browser(f"http://{self.cluster.master}/")

    def ask(self, path: str) -> Any:
        """What Chronos answers through the master's door."""
        with urllib.request.urlopen(f"{self.address}chronos/v1/chronos/{path}") as answer:
            return json.loads(answer.read())

    def names(self) -> list[str]:
        """The jobs that Chronos has."""
        return [one["name"] for one in self.ask("jobs")["jobs"]]

    def create(self, name: str, command: str, **fields: str) -> None:
        """Have a job from the form."""
        self.go("/job-edit")
        self.page.wait_for_selector(".editor-json textarea")
        for section in ("Resources", "Late, long, failed"):
            self.page.click(f'.editor-form summary:text-is("{section}")')
        given = {"name": name, "command": command, "mem": "32", "disk": "1", **fields}
        for field, value in given.items():
            self.page.fill(f"#f-{field}", value)
            self.page.press(f"#f-{field}", "Tab")
        self.page.click(".editor-foot button[type=submit]")
        self.page.wait_for_selector(f'h1:text-is("{name}")')

    def act(self, button: str) -> None:
        """Press a button of the job's page and say yes."""
        self.page.click(f'.object-head button:text-is("{button}")')
        self.page.wait_for_selector("dialog.action[open]")
        self.page.click(".action footer button[type=submit]")
        # What was said before may be there still.
        self.page.wait_for_selector("dialog.action", state="detached")
        self.page.wait_for_selector(SETTLED)

    def test_the_life_of_jobs(self) -> None:
        """
        A job and one that follows it are made, run, and are seen in every view with their output.

        What is changed is in the versions; a disabled job stops, a deleted one is gone.
        """
        self.create("first", "echo said", schedule=EVERY_3_S)
        self.create("second", "exit 3", schedule="", parents="first", retries="0")
        self.page.wait_for_selector('.run-grid [aria-label*="failed"]')
        self.draws_everywhere()
        self.go("/")
        self.page.wait_for_selector('.matters li:has-text("second"):has-text("failed")')
        self.go("/jobs/first")
        self.page.wait_for_selector('.run-grid tr:has-text("second") [aria-label*="failed, "]')
        self.page.click('.run-grid tr:has-text("first") td a >> nth=0')
        self.page.wait_for_selector('.log-text pre:has-text("said")')
        self.change_command()
        self.go("/jobs/first")
        self.act("Disable")
        self.page.wait_for_selector('.object-head .word:text-is("disabled")')
        self.go("/jobs?q=state:disabled")
        self.page.wait_for_selector('.grid s:text-is("first")')
        self.assertEqual(self.page.locator(".grid [data-index]").count(), 1)
        self.go("/jobs/second")
        self.act("Delete")
        wait_until("its end", lambda: self.names() == ["first"])
        self.assertEqual(self.faults, [])

    def draws_everywhere(self) -> None:
        """Every page draws, wide and on a phone, and nothing reaches over its edge."""
        for width in (1440, 390):
            self.page.set_viewport_size({"width": width, "height": 800})
            for place, drawn in PLACES.items():
                self.go(place)
                self.page.wait_for_selector(drawn, state="attached")
                used = self.page.evaluate("document.documentElement.scrollWidth")
                self.assertLessEqual(used, width, place)
        self.page.set_viewport_size({"width": 1280, "height": 800})

    def change_command(self) -> None:
        """Change the job in its JSON; what the form does not have is kept, both versions shown."""
        self.go("/job-edit/first")
        area = self.page.locator(".editor-json textarea")
        document = {**json.loads(area.input_value()), "historyLimit": 33}
        area.fill(json.dumps(document))
        self.page.fill("#f-command", "echo changed")
        self.assertEqual(json.loads(area.input_value())["historyLimit"], 33)
        self.page.wait_for_selector('[aria-label="What changes"] th:text-is("historyLimit")')
        self.page.click(".editor-foot button[type=submit]")
        self.page.wait_for_selector('h1:text-is("first")')
        self.assertEqual(self.ask("jobs/first")["job"]["historyLimit"], 33)
        self.page.click('.tabs a:text-is("Config")')
        self.page.wait_for_selector('.diff th:text-is("command")')

    def test_faults_and_run_now(self) -> None:
        """
        What is wrong is said at its field before anything is sent.

        Without a schedule that is due, a job runs when somebody says so, with their arguments.
        """
        self.go("/job-edit")
        self.page.fill("#f-schedule", "R/tomorrow/PT1H")
        self.page.wait_for_selector(".wrong #f-schedule")
        self.create("by hand", "echo", schedule="R1/2199-01-01T00:00:00Z/P1D")
        self.page.click('.object-head button:text-is("Run now")')
        self.page.fill(".action input[type=text]", "hello there")
        self.page.click(".action summary")
        self.assertIn("mesostw job run 'by hand' --arguments 'hello there'", self.text(".action"))
        self.page.click(".action footer button[type=submit]")
        self.page.click('.tabs a:text-is("Runs")')
        self.page.wait_for_selector('.grid .word:text-is("succeeded")')
        self.page.click('.grid a:text-is("stdout")')
        self.page.wait_for_selector('.log-text pre:has-text("hello there")')
        self.assertEqual(self.faults, [])

    def test_pause_on_its_own_page(self) -> None:
        """Served by Chronos the page has its pages alone, and can pause everything."""
        asked: list[str] = []
        self.page.on("request", lambda request: asked.append(request.url))
        self.page.goto(f"http://{self.cluster.chronos}/ui/")
        self.page.wait_for_selector('.empty, .grid[aria-label="jobs"]')
        names = self.page.locator(".rail a span").all_inner_texts()
        self.assertEqual(names, ["Jobs", "Runs", "Schedule", "Events"])
        self.page.click('button:text-is("Pause everything")')
        self.page.fill(".action input[type=text]", "upgrade")
        self.page.click(".action footer button[type=submit]")
        self.page.wait_for_selector('.old-data:has-text("upgrade")')
        self.page.click('.old-data button:text-is("Resume")')
        self.page.click(".action footer button[type=submit]")
        self.page.wait_for_selector(".old-data", state="detached")
        self.assertFalse(self.ask("pause")["paused"])
        self.assertEqual([one for one in asked if self.cluster.chronos not in one], [])
        self.assertEqual(self.faults, [])
