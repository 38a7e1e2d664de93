"""The dashboard through a failover: at a master that waits, and at the leader that is killed."""

from __future__ import annotations

from tests.functional.several import SeveralCase
from tests.functional.test_dashboard import BrowserTestCase


class FailoverTests(SeveralCase, BrowserTestCase):
    """Two masters and two agents."""

    parts = (2, 2)

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
