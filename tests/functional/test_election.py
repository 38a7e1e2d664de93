"""Elections over a real ZooKeeper."""

from __future__ import annotations

from mesostw.testing.contracts import election
from tests.functional.test_zookeeper import RealCase


class RealElectionTests(RealCase, election.ElectionContract):
    """The contract."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = self.world.clock
