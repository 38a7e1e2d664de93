"""The ensemble in memory keeps the contract, and is the same each time."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mesostw.interfaces import IZooKeeper, IZooSession
from mesostw.model.zkurl import Credentials
from mesostw.testing.clock import HeapClock
from mesostw.testing.contracts import zookeeper, zookeeper_sessions
from mesostw.testing.zookeeper.client import MemoryZooKeeper
from mesostw.testing.zookeeper.ensemble import Ensemble


class MemoryWorld(zookeeper.World):
    """The ensemble in memory."""

    def __init__(self, seed: int = 0) -> None:
        self.clock = HeapClock()
        self.servers = Ensemble(self.clock, seed)

    def ensemble(
        self,
        link: str,
        root: str = "/",
        credentials: Credentials | None = None,
        timeout_s: float = 4.0,
    ) -> IZooKeeper:
        return MemoryZooKeeper(self.servers, self.clock, link, root, credentials, timeout_s)

    def pass_time(self, deferred: Deferred[Any] | None, at_most_s: float) -> None:
        end = self.clock.seconds() + at_most_s
        self.clock.run(
            lambda: (
                bool(deferred is not None and deferred.called)
                or (self.clock.next_time() or end) > end
            )
        )
        if deferred is None:
            self.clock.advance(max(0.0, end - self.clock.seconds()))

    def cut(self, link: str) -> None:
        self.servers.cut(link)
        self.servers.weather(link).answers_lost = False

    def silence(self, link: str, silent: bool) -> None:
        if silent:
            self.servers.partition(link)
        else:
            self.servers.heal(link)

    def refuse(self, link: str, refused: bool) -> None:
        self.servers.weather(link).refuses = refused

    def lose_answers(self, link: str) -> None:
        self.servers.weather(link).answers_lost = True

    def expire(self, session: IZooSession) -> None:
        self.servers.expire(int(session.session_id))


class MemoryNodeTests(zookeeper.NodeContract, SynchronousTestCase):
    """The contract."""

    def setUp(self) -> None:
        self.world = MemoryWorld()


class MemoryWatchTests(zookeeper_sessions.WatchContract, SynchronousTestCase):
    """The contract."""

    def setUp(self) -> None:
        self.world = MemoryWorld()


class MemorySessionTests(zookeeper_sessions.SessionContract, SynchronousTestCase):
    """The contract."""

    def setUp(self) -> None:
        self.world = MemoryWorld()
