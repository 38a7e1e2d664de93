"""
Marathon's pages in a real browser: against the simulator of ``web/dev`` and a real cluster.

It shows that apps can be made, seen, changed and ended from the page alone, through the
master's door and on Marathon's own ``/ui/``.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tests.functional.clusters import LocalCluster, wait_until
from tests.functional.test_dashboard import BrowserTestCase, start_fake

#: The page says what it has done.
SETTLED = ".said:not(.unseen)"


class MarathonTestCase(BrowserTestCase):
    """Steps that several tests take."""

    def choose(self, app: str, action: str) -> None:
        """Open an app's menu in the table and choose from it."""
        self.page.click(f'[aria-label="Actions on {app}"]')
        self.page.click(f'.menu [role="menuitem"]:text-is("{action}")')
        self.page.wait_for_selector("dialog.action[open]")


class SimulatedMarathonTests(MarathonTestCase):
    """Apps that do what a test needs."""

    def setUp(self) -> None:
        self.open_browser(f"http://127.0.0.1:{start_fake(self)}/")

    def test_pages(self) -> None:
        """Every page draws, wide and on a phone, and nothing reaches over its edge."""
        places = {
            "/apps": '.grid[aria-label="apps and groups"] [data-index="0"]',
            "/apps/%2Fproxy": '.grid[aria-label="instances"] [data-index="0"]',
            "/apps/%2Fproxy?tab=Deploys": ".plan li",
            "/apps/%2Fshop%2Fdb?tab=Config": ".diff tbody tr",
            "/apps/%2Fml%2Ftrainer?tab=Why": ".funnel tbody tr",
            "/apps/%2Fetl%2Fcleaner?tab=Ends": ".timeline li",
            "/deployments": '.grid[aria-label="deployments"] [data-index="0"]',
            "/queue": '.grid[aria-label="waiting apps"] [data-index="1"]',
            "/mevents": '.grid[aria-label="events"] [data-index="0"]',
            "/edit/%2Fshop%2Fdb": ".editor-json textarea",
        }
        for width in (1280, 360):
            self.page.set_viewport_size({"width": width, "height": 740})
            for place, drawn in places.items():
                self.go(place)
                self.page.wait_for_selector(drawn)
                used = self.page.evaluate("document.documentElement.scrollWidth")
                self.assertLessEqual(used, width, place)
        self.assertEqual(self.faults, [])

    def test_groups_and_search(self) -> None:
        """
        Groups are folders that lead down; a search looks through everything below, flat.

        Both are in the address; the overview names what waits.
        """
        self.go("/apps")
        self.page.click('.grid a:has-text("shop/")')
        self.page.wait_for_selector('h1:text-is("/shop")')
        self.page.wait_for_selector('.grid a:has-text("web/")')
        self.page.keyboard.press("/")
        self.page.keyboard.type("unhealthy>0")
        self.page.wait_for_selector('.grid a:text-is("api")')
        self.assertEqual(self.page.locator(".grid [data-index]").count(), 1)
        self.assertIn("group=%2Fshop&q=unhealthy%3E0", self.page.url)
        label = self.page.get_attribute(".grid .health", "aria-label")
        self.assertIn("2 unhealthy (25 %)", str(label))
        self.go("/")
        self.page.wait_for_selector('.matter-what:text-is("/ml/trainer")')
        self.assertEqual(self.page.get_attribute(".under-way", "href"), "#/deployments")
        self.assertEqual(self.faults, [])

    def test_scale_in_place(self) -> None:
        """Clicks on + are one deployment, and the app is seen to grow."""
        self.go("/apps?q=loader")
        for _ in range(2):
            self.page.click('[aria-label="One instance of /etl/loader more"]')
        self.page.wait_for_selector(SETTLED)
        self.page.wait_for_selector('.stepper:has-text("8/8")')
        self.assertEqual(self.faults, [])

    def test_a_lock(self) -> None:
        """An app that is being deployed is changed only by who says so a second time."""
        self.go("/apps")
        self.choose("/proxy", "Restart")
        self.page.click(".action footer button[type=submit]")
        self.page.wait_for_selector(".trouble")
        button = self.page.inner_text(".action footer button[type=submit]")
        self.assertEqual(button, "Restart, and cancel that deployment")
        self.page.click(".action summary")
        self.assertIn("force=true", self.text(".action .commands"))
        self.assertIn("mesostw app restart /proxy --force", self.text(".action .commands"))
        self.page.click(".action footer button[type=submit]")
        self.page.wait_for_selector(SETTLED)
        self.assertEqual(self.faults, [])

    def test_elsewhere_meanwhile(self) -> None:
        """Who goes to another page before the answer takes no dialog along, and hears it there."""
        held: list[Any] = []

        def hold(route: Any) -> None:
            held.append(route)

        self.page.route("**/restart", hold)
        self.go("/apps")
        self.choose("/proxy", "Restart")
        with self.page.expect_request("**/restart"):
            self.page.click(".action footer button[type=submit]")
        # A page of the master, then one of Marathon's again.
        self.go("/agents")
        self.page.wait_for_selector("dialog.action", state="detached")
        held[0].continue_()
        words = "Restart /proxy: not done: another deployment is working on this."
        self.page.wait_for_selector(f'{SETTLED}:text-is("{words}")')
        self.go("/deployments")
        self.page.wait_for_selector('h1:text-is("Deployments")')
        self.assertEqual(self.page.locator("dialog.action").count(), 0)
        self.assertEqual(self.faults, [])

    def test_form_and_json(self) -> None:
        """
        Either side follows the other, and what the form does not know is kept.

        What the server finds wrong is said at the field; the plan is shown before the deed.
        """
        self.go("/edit/%2Fshop%2Fdb")
        area = self.page.locator(".editor-json textarea")
        self.page.fill("#f-mem", "1024")
        self.assertEqual(json.loads(area.input_value())["mem"], 1024)
        document = {**json.loads(area.input_value()), "cpus": 2, "mystery": {"a": [1]}}
        area.fill(json.dumps(document))
        self.assertEqual(self.page.input_value("#f-cpus"), "2")
        self.page.fill("#f-cmd", "")
        self.assertEqual(json.loads(area.input_value())["mystery"], {"a": [1]})
        self.page.click(".editor-foot button[type=submit]")
        self.page.wait_for_selector(".field.wrong #f-cmd")
        area.fill("{")
        self.assertTrue(self.page.is_disabled(".editor-foot button[type=submit]"))
        area.fill(json.dumps(document))
        self.assertIn("mystery", self.text(".diff"))
        self.page.click('.editor-foot button:text-is("Show the plan")')
        self.page.wait_for_selector('[aria-label="The plan"] li:has-text("replace /shop/db")')
        self.page.click(".editor-foot button[type=submit]")
        self.page.wait_for_selector('h1:text-is("/shop/db")')
        self.assertEqual(self.faults, [])

    def test_keyboard(self) -> None:
        """A menu is opened, walked through and left without a mouse."""
        self.page.goto(f"{self.address}#/")
        self.page.wait_for_selector('[data-connection="live"]')
        self.page.keyboard.press("g")
        self.page.keyboard.press("a")
        self.page.wait_for_selector('[aria-label="Actions on /proxy"]')
        self.page.focus('[aria-label="Actions on /proxy"]')
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(".menu:popover-open")
        self.page.keyboard.press("ArrowDown")
        self.assertEqual(self.page.inner_text(":focus"), "Restart")
        self.page.keyboard.press("Escape")
        self.page.wait_for_selector(".menu", state="detached")
        self.assertEqual(self.page.get_attribute(":focus", "aria-label"), "Actions on /proxy")
        self.assertEqual(self.faults, [])

    def test_marathons_own_page(self) -> None:
        """Served by a Marathon the page has its pages alone, and asks no master."""
        asked: list[str] = []
        self.page.on("request", lambda request: asked.append(request.url))
        self.page.goto(f"{self.address}alone/ui/")
        self.page.wait_for_selector('[data-connection="live"]')
        self.page.wait_for_selector('.grid a:text-is("proxy")')
        names = self.page.locator(".rail a span").all_inner_texts()
        self.assertEqual(names, ["Apps", "Deployments", "Queue", "Events"])
        self.assertEqual([one for one in asked if "/alone/" not in one], [])
        self.assertEqual(self.faults, [])


class RealMarathonTests(MarathonTestCase):
    """A master, agents, Marathon and real processes."""

    def setUp(self) -> None:
        self.cluster = LocalCluster(2)
        self.addCleanup(self.cluster.stop)
        self.open_browser(f"http://{self.cluster.master}/")

    def ask(self, path: str) -> Any:
        """What Marathon answers through the master's door."""
        with urllib.request.urlopen(f"{self.address}marathon/{path}", timeout=30) as answer:
            return json.loads(answer.read())

    def test_the_life_of_an_app(self) -> None:
        """
        An app is made, seen to run with its output, scaled, changed, rolled back and ended.

        An app that nothing fits says why it waits.
        """
        self.create("/shop/web", "while echo tick; do sleep 1; done")
        self.page.wait_for_selector('.object-head .word:text-is("Running")')
        self.page.wait_for_selector('.grid a:text-is("stdout")')
        self.page.click('.object-head [aria-label="One instance of /shop/web more"]')
        self.page.wait_for_selector('.stepper:has-text("2/2")')
        self.give_memory("48")
        self.page.click('.tabs a:text-is("Config")')
        self.page.wait_for_selector('.diff th:text-is("mem")')
        self.page.click('.versions button:has-text("Roll back")')
        self.page.click(".action footer button[type=submit]")
        self.page.wait_for_selector(SETTLED)
        wait_until("the roll-back", lambda: self.memory() == 32)
        wait_until("its end", lambda: self.ask("v2/deployments") == [])
        self.go("/apps/%2Fshop%2Fweb")
        self.page.click('.grid a:text-is("stdout") >> nth=0')
        self.page.wait_for_selector('.log-text pre:has-text("tick")')
        self.go("/apps?group=/shop")
        self.choose("/shop/web", "Destroy")
        self.page.click(".action footer button[type=submit]")
        wait_until("the end of the app", lambda: self.ask("v2/apps")["apps"] == [])
        self.create("/shop/big", "true", cpus="500")
        self.page.click('.tabs a:text-is("Why")')
        self.page.wait_for_selector('.why-sentence:has-text("no agent has 500 cpus free")')
        self.page.wait_for_selector('.funnel tr:has-text("CPU") .tone-warn')
        self.take_back("/shop/big")
        self.assertEqual(self.faults, [])

    def take_back(self, app: str) -> None:
        """Pause the deployment that cannot end, continue it, and cancel it: the app is gone."""
        self.page.click('.tabs a:text-is("Deploys")')
        for button, shown in (("Pause", "Paused"), ("Continue", "Under way")):
            self.page.click(f'.panel .buttons button:text-is("{button}")')
            self.page.click(".action footer button[type=submit]")
            self.page.wait_for_selector(f'.panel h2:has-text("{shown}")')
        self.page.click('.panel .buttons button:text-is("Cancel and roll back")')
        self.page.click(".action footer button[type=submit]")
        self.page.wait_for_selector(f'h1:text-is("No app {app}")')

    def memory(self) -> float:
        """What each instance of the app is to have, in MiB."""
        return float(self.ask("v2/apps/shop/web")["app"]["mem"])

    def test_marathons_own_page(self) -> None:
        """Marathon's own page leads to the logs at the master's."""
        self.create("/alone", "echo said; sleep 1000")
        self.page.goto(f"http://{self.cluster.marathon}/ui/#/apps/%2Falone")
        self.page.click('.grid a:text-is("stdout")')
        self.page.wait_for_selector('.log-text pre:has-text("said")')
        self.assertTrue(self.page.url.startswith(self.address))
        self.assertEqual(self.faults, [])

    def test_marathon_killed(self) -> None:
        """While Marathon is away the page keeps what it showed, says so, and recovers by itself."""
        self.create("/stays", "sleep 1000")
        self.go("/apps")
        self.page.wait_for_selector('.grid [data-index="0"] a:text-is("stays")')
        self.cluster.kill("marathon")
        self.page.wait_for_selector('.old-data:has-text("Marathon does not answer")')
        self.assertEqual(self.page.locator('.grid a:text-is("stays")').count(), 1)
        self.page.wait_for_selector(".old-data", state="detached")
        self.page.wait_for_selector('.grid [data-index="0"] a:text-is("stays")')
        self.assertEqual(self.faults, [])

    def create(self, app: str, command: str, cpus: str = "0.1") -> None:
        """Have an app from the form."""
        self.go("/edit")
        for field, value in (("id", app), ("cmd", command), ("cpus", cpus), ("mem", "32")):
            self.page.fill(f"#f-{field}", value)
        self.page.click(".editor-foot button[type=submit]")
        self.page.wait_for_selector(f'h1:text-is("{app}")')

    def give_memory(self, mebibytes: str) -> None:
        """Change the app's memory, and wait until that is done."""
        self.page.click('.object-head a:text-is("Edit")')
        self.page.fill("#f-mem", mebibytes)
        self.page.click('.editor-foot button:text-is("Show the plan")')
        self.page.wait_for_selector('[aria-label="The plan"] li:has-text("replace /shop/web")')
        self.page.click(".editor-foot button[type=submit]")
        self.page.wait_for_selector('h1:text-is("/shop/web")')
        wait_until("the change", lambda: self.memory() == float(mebibytes))
        wait_until("its end", lambda: self.ask("v2/deployments") == [])
