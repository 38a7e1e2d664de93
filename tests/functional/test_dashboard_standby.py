"""The dashboard through a failover: at a master that waits, and at the leader that is killed."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SkipTest

from mesostw.testing.zookeeper import server
from tests.functional.clusters import wait_until
from tests.functional.several import Several
from tests.functional.test_dashboard import BrowserTestCase


class FailoverTests(BrowserTestCase):
    """Two masters and two agents."""

    def setUp(self) -> None:
        if not server.is_installed():
            raise SkipTest("zookeeper is not installed; script/bootstrap installs it")
        self.all = Several(2, 2)
        self.addCleanup(self.all.stop)
        self.leader = self.wait("a master that leads", self.all.leading_master)
        self.standby = next(one for one in self.all.masters if one is not self.leader)
        self.wait("both agents", lambda: len(self.all.state()["slaves"]) == 2)

    def wait(self, what: str, met: Any) -> Any:
        """Wait, and tell what everyone logged if it does not come."""
        try:
            return wait_until(what, met)
        except AssertionError as fault:
            raise AssertionError(f"{fault}\n{self.all.logs()}") from fault

    def test_at_the_standby(self) -> None:
        """A copy that says so; when its master comes to lead, the page is its own by itself."""
        self.open_browser(f"http://{self.standby.address}/")
        self.go("/agents")
        self.page.wait_for_selector(f'[data-copy="following"]:has-text("{self.leader.address}")')
        self.page.wait_for_selector('.grid[aria-label="agents"] [data-index="1"]')
        self.leader.kill()
        self.page.wait_for_selector('[data-leader="changed"]')
        self.assertIn(self.standby.address, self.text('[data-leader="changed"]'))
        self.page.wait_for_selector("[data-copy]", state="detached")
        self.page.wait_for_selector('[data-connection="live"]')
        self.page.wait_for_selector('.grid[aria-label="agents"] [data-index="1"]')
        self.assertEqual(self.faults, [])

    def test_at_the_leader(self) -> None:
        """It does not answer, and the page says so and where else to look; then it is a copy."""
        self.wait("a copy", lambda: self.standby.ask("GET", "/state?standby_reads=true")[0] == 200)
        self.open_browser(f"http://{self.leader.address}/")
        self.go("/agents")
        self.page.wait_for_selector('.grid[aria-label="agents"] [data-index="1"]')
        self.leader.kill()
        self.page.wait_for_selector('.old-data:has-text("This master does not answer")')
        self.wait("another leader", self.all.leading_master)
        self.leader.start()
        self.page.wait_for_selector(f'[data-copy="following"]:has-text("{self.standby.address}")')
        self.page.wait_for_selector('[data-leader="changed"]')
        self.page.wait_for_selector('.old-data:has-text("does not answer")', state="detached")
        self.assertEqual(self.faults, [])
