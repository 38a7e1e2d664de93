"""The bridge keeps the contract with a real ZooKeeper."""

from __future__ import annotations

from itertools import count
from typing import ClassVar

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase

from mesostw.testing.contracts import zookeeper, zookeeper_sessions
from mesostw.testing.zookeeper import server
from tests.functional.zookeeper_world import RealWorld


class RealCase(SynchronousTestCase):
    """Each test has a root of its own on one server for all."""

    if not server.is_installed():
        skip = "zookeeper is not installed; script/bootstrap installs it"

    roots: ClassVar = count()

    def setUp(self) -> None:
        self.server = server.shared(
            lambda stop: reactor.addSystemEventTrigger("after", "shutdown", stop)
        )
        self.world = RealWorld(self.server, f"/test-{next(self.roots)}")
        self.addCleanup(self.world.close)


class BridgeNodeTests(RealCase, zookeeper.NodeContract):
    """The contract."""


class BridgeWatchTests(RealCase, zookeeper_sessions.WatchContract):
    """The contract."""


class BridgeSessionTests(RealCase, zookeeper_sessions.SessionContract):
    """The contract."""
