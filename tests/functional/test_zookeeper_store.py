"""The store in ZooKeeper keeps the contract with a real server, also when that is killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from mesostw.cli import store_places
from mesostw.cli.peer import ClusterError
from mesostw.daemons.local_parts import free_ports
from mesostw.interfaces import IStore, IZooSession, Stored
from mesostw.store import sqlite
from mesostw.store.zookeeper import ZooKeeperStore
from mesostw.testing.contracts import store
from tests.functional.test_zookeeper import RealCase
from tests.functional.zookeeper_world import RealWorld

PATIENCE_S = 30.0


class StoreCase(RealCase):
    """Stores over sessions of their own, on one server."""

    def settled(self, deferred: Deferred[Any]) -> Deferred[Any]:
        """``deferred`` once it has fired."""
        self.world.pass_time(deferred, PATIENCE_S)
        return deferred

    def made(self, link: str) -> ZooKeeperStore:
        """A store over a new session."""
        connecting = self.world.ensemble(link).connect(lambda _state: None)
        session: IZooSession = self.successResultOf(self.settled(connecting))
        self.addCleanup(self._close, session.close)
        made = ZooKeeperStore("/mesos/registry", self.world.clock)
        made.use(session)
        return made

    def _close(self, close: Callable[[], Deferred[None]]) -> None:
        self.successResultOf(self.settled(close()))


class RealStoreTests(StoreCase, store.StoreContract):
    """The contract."""

    stores = 0

    def make(self) -> IStore:
        self.stores += 1
        return self.made(f"link-{self.stores}")


class BrokenLinkTests(StoreCase):
    """Real links break."""

    def test_cut(self) -> None:
        """What was under way when a link broke is kept once, and in order."""
        one = self.made("link")
        stored: Stored = self.successResultOf(self.settled(one.read()))
        fired: list[int] = []
        for number in range(60):
            appended = one.append([(f"k{number}", b"x" * 200)], stored.epoch)
            store.note(appended, fired, number)
            if number % 20 == 10:
                if number > 20:
                    self.world.lose_answers("link")
                self.world.pass_time(None, 0.01)
                self.world.cut("link")
            self.world.pass_time(None, 0.002)
        self.successResultOf(self.settled(one.close()))
        self.assertEqual(fired, list(range(60)))
        again: Stored = self.successResultOf(self.settled(self.made("other").read()))
        self.assertEqual(set(again.records), {f"k{number}" for number in range(60)})


class Turning:
    """The part of a reactor that a place needs, turned by the test's world."""

    def __init__(self, world: RealWorld) -> None:
        self.callFromThread = world.post
        self.callLater = world.clock.callLater
        self.seconds = world.clock.seconds


class CommandTests(RealCase):
    """``mesostw store`` between files and ZooKeeper."""

    def mesostw(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        command = [sys.executable, "-m", "mesostw.cli", "store", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def test_there_and_back(self) -> None:
        """What a file has comes into ZooKeeper, and from there into another file, unchanged."""
        top = Path(self.mktemp()).absolute()
        records = {f"weights/r{number}": b"\1\x81\xa6weight" + b"\xcb" + bytes(8)
                   for number in range(3_000)}  # fmt: skip
        for name in ("old", "new"):
            (top / name).mkdir(parents=True)
        database = sqlite.Database(str(top / "old" / "registry.db"))
        database.keep([(list(records.items()), database.take_over().epoch)])
        database.close()
        url = f"zk://{self.server.address}/{top.parent.name}"
        for words in (
            ("export", str(top / "old"), str(top / "first")),
            ("import", str(top / "first"), url),
            ("verify", url),
            ("export", url, str(top / "second")),
            ("import", str(top / "second"), str(top / "new")),
        ):
            ran = self.mesostw(*words)
            self.assertEqual(ran.returncode, 0, ran.stderr)
        kept = sqlite.peek(str(top / "new" / "registry.db"))
        self.assertEqual(dict(kept.records), records)
        self.assertGreater(kept.epoch, 2)
        again = self.mesostw("import", str(top / "first"), url)
        self.assertEqual(again.returncode, 1)
        self.assertIn("has 3000 records; --replace", again.stderr)

    def test_nobody_answers(self) -> None:
        """A ZooKeeper that is away is said to be, after a while."""
        self.patch(store_places, "PATIENCE_S", 0.5)
        (port,) = free_ports("127.0.0.1", 1)
        text = f"zk://127.0.0.1:{port}/mesos"
        place = store_places.place_of(text, "master", Turning(self.world))
        looking = Deferred.fromCoroutine(place.peek())
        self.world.pass_time(looking, 30)
        fault = self.failureResultOf(looking, ClusterError).value
        self.assertIn(f"{text} does not answer within 0.5 seconds", str(fault))

    def test_looking_makes_nothing(self) -> None:
        """A path with a slip in it is said to have nothing, and is not made by that."""
        ran = self.mesostw("verify", f"zk://{self.server.address}/no/such/place")
        self.assertEqual(ran.returncode, 1, ran.stdout)
        self.assertIn("/no/such/place", ran.stderr)
        connecting = self.world.ensemble("eyes").connect(lambda _state: None)
        self.world.pass_time(connecting, 30)
        session = self.successResultOf(connecting)
        looking = session.exists("/no")
        self.world.pass_time(looking, 30)
        self.assertIsNone(self.successResultOf(looking))
        closing = session.close()
        self.world.pass_time(closing, 30)
