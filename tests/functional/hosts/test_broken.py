"""A broken master comes out red on hosts, or runs there are worth nothing."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.hosts.running import run, skip_if_impossible


class BrokenTests(SynchronousTestCase):
    """Masters that do not care for their sessions."""

    def setUp(self) -> None:
        skip_if_impossible()

    def test_proofless(self) -> None:
        """One that is cut off and goes on to say that it leads is found out."""
        ran = run("--profile=brief", "--broken=proofless", "--only=leading master apart")
        self.assertEqual(ran.status, 1, ran.told)
        broken = {one["rule"] for one in ran.verdict["rulings"] if one["findings"]}
        self.assertIn("two masters", broken, ran.told)
