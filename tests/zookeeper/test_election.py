"""Elections over the ensemble in memory."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.testing.contracts import election
from tests.testing.test_zookeeper import MemoryWorld


class MemoryElectionTests(election.ElectionContract, SynchronousTestCase):
    """The contract."""

    def setUp(self) -> None:
        self.world = MemoryWorld()
        self.clock = self.world.clock
