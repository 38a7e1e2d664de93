"""
The bridge keeps the contract with a real ZooKeeper.

``MESOSTW_ZOOKEEPER_STORMS=50`` sails through that many storms instead of a few.
"""

from __future__ import annotations

import os
import threading
from itertools import count
from typing import ClassVar

from twisted.internet import reactor
from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from mesostw.model.zkurl import ZkUrl
from mesostw.model.zookeeper import SessionState
from mesostw.testing.contracts import zookeeper, zookeeper_sessions, zookeeper_storm
from mesostw.testing.zookeeper import server
from mesostw.zookeeper.ensemble import KazooEnsemble
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


class BridgeStormTests(RealCase, zookeeper_storm.StormContract):
    """The contract in bad weather."""

    seeds = range(int(os.environ.get("MESOSTW_ZOOKEEPER_STORMS", "3")))

    def new_world(self, seed: int) -> RealWorld:
        world = RealWorld(self.server, f"/storm-{seed}")
        self.addCleanup(world.close)
        return world


class ServerTests(RealCase, zookeeper.ContractCase):
    """What happens to the server itself, and what the bridge leaves behind."""

    def test_killed(self) -> None:
        """A server that is killed and comes back has kept sessions and what it confirmed."""
        # So that its sessions outlive even a slow start of it.
        own = server.ZooKeeperServer(tick_ms=1_000)
        self.addCleanup(own.remove)
        world = RealWorld(own, "/r")
        self.addCleanup(world.close)
        self.world = world
        client = self.open(timeout_s=20.0)
        self.result(client.create("/e", b"kept", ephemeral=True))
        own.kill()
        self.until_told(client, SessionState.SUSPENDED)
        own.start()
        self.until_told(client, SessionState.SUSPENDED, SessionState.CONNECTED)
        self.assertEqual(self.result(client.get("/e"))[0], b"kept")
        self.result(client.close())

    def test_leader_killed(self) -> None:
        """A session outlives the leader of three servers, wherever it was connected."""
        ensemble = server.ZooKeeperServers(tick_ms=500)
        self.addCleanup(ensemble.remove)
        self.world = world = RealWorld(ensemble.servers[0], "/")
        url = ZkUrl(tuple(("127.0.0.1", one.port) for one in ensemble.servers), "/three")
        states: list[SessionState] = []
        connecting = KazooEnsemble(url, world.clock, world.post, 10.0).connect(states.append)
        session = self.result(connecting)
        self.result(session.create("/e", ephemeral=True))
        number = session.session_id
        ensemble.leader().kill()
        # It notices when its server does, which drops everybody while there is no leader.
        self.until(lambda: SessionState.SUSPENDED in states)
        self.until(lambda: session.state is SessionState.CONNECTED)
        stat = self.result(session.exists("/e"))
        self.assertEqual((stat.ephemeral_owner, session.session_id), (number, number))
        self.result(session.close())

    def test_nothing_left(self) -> None:
        """Sessions that were closed, expired, given up or never opened leave nothing behind."""
        before = self.resources()
        for number in range(5):
            client = self.open(f"a{number}")
            self.result(client.exists("/x", client.watched.append))
            if number % 2:
                self.world.cut(f"a{number}")
            self.result(client.close())
        expired = self.open("b")
        self.world.expire(expired.session)
        self.until(lambda: expired.state is SessionState.EXPIRED)
        self.world.refuse("c", True)
        never = self.world.ensemble("c").connect(lambda _: None)
        self.world.pass_time(None, 0.2)
        never.cancel()
        self.failureResultOf(never, CancelledError)
        self.world.close()
        self.until(lambda: self.resources() <= before)

    @staticmethod
    def resources() -> tuple[int, int]:
        """How many threads and open files this process has."""
        return threading.active_count(), len(os.listdir("/proc/self/fd"))

    def test_much(self) -> None:
        """Ten thousand changes are asked for in one turn; the last can still be taken back."""
        client = self.open()
        self.result(client.create("/n"))
        asked = [client.set("/n", b"%d" % number) for number in range(10_000)]
        last = client.create("/last")
        self.result(asked[0])
        last.cancel()
        self.failureResultOf(last, CancelledError)
        self.assertEqual(self.result(asked[-1]).version, 10_000)
        self.assertIsNone(self.result(client.exists("/last")))
