"""The ensemble in memory keeps the contract, and is the same each time."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mesostw.interfaces import IZooKeeper, IZooSession
from mesostw.model.zkurl import Credentials
from mesostw.model.zookeeper import (
    ConnectionLost,
    Happening,
    SessionExpired,
    SessionState,
    Watched,
)
from mesostw.testing.clock import HeapClock, LifeClock
from mesostw.testing.contracts import zookeeper, zookeeper_sessions, zookeeper_storm
from mesostw.testing.zookeeper.client import MemoryZooKeeper
from mesostw.testing.zookeeper.ensemble import Ensemble, Fault
from tests.testing.zookeeper_programs import Program, Run, programs


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


class MemoryStormTests(zookeeper_storm.StormContract, SynchronousTestCase):
    """The contract in bad weather."""

    seeds = range(30)

    def new_world(self, seed: int) -> MemoryWorld:
        return MemoryWorld(seed)


class FaultTests(zookeeper.ContractCase, SynchronousTestCase):
    """What only a model can do: faults at the moment that a test wants them."""

    def setUp(self) -> None:
        self.world: MemoryWorld = MemoryWorld()

    def test_before(self) -> None:
        """The link breaks at the next change, which is not done."""
        client = self.open()
        self.world.servers.weather("a").next_fault = Fault.BEFORE
        lost = client.create("/x")
        later = client.create("/y")
        self.fault(lost, ConnectionLost)
        self.fault(later, ConnectionLost)
        self.until(lambda: client.state is SessionState.CONNECTED)
        self.assertEqual(self.result(client.children("/"))[0], ("zookeeper",))

    def test_after(self) -> None:
        """The link breaks when the change has been done, and no other after it."""
        client = self.open()
        self.world.servers.weather("a").next_fault = Fault.AFTER
        lost = client.create("/x")
        later = client.create("/y")
        self.fault(lost, ConnectionLost)
        self.fault(later, ConnectionLost)
        self.until(lambda: client.state is SessionState.CONNECTED)
        self.assertEqual(self.result(client.children("/"))[0], ("x", "zookeeper"))

    def test_closed_while_a_link_breaks(self) -> None:
        """Whoever hears that a link broke may close the session, which ends once."""
        client = self.open()
        self.world.servers.weather("a").next_fault = Fault.BEFORE
        closed: list[Deferred[None]] = []

        def ask_again(_: Failure) -> None:
            client.get("/").addErrback(lambda _: closed.append(client.close()))

        client.create("/x").addErrback(ask_again)
        self.until(lambda: bool(closed))
        self.result(closed[0])
        self.assertIs(client.state, SessionState.EXPIRED)

    def test_partition(self) -> None:
        """Who is cut off knows it before anybody else may take its place."""
        client, other = self.open("a"), self.open("b")
        self.result(client.create("/e", ephemeral=True))
        self.world.servers.partition("a")
        began = self.world.clock.seconds()
        self.until(lambda: client.states == [SessionState.SUSPENDED])
        knew_s = self.world.clock.seconds() - began
        self.until(lambda: self.result(other.exists("/e")) is None)
        gone_s = self.world.clock.seconds() - began
        self.assertLess(knew_s, 4.0 - 0.1)
        # From the last that was heard of it, which may have been a ping some time before.
        self.assertGreater(gone_s, 4.0 * 2 / 3)
        self.assertLess(gone_s, 4.0 * 1.2)
        self.world.servers.heal("a")
        self.until(lambda: client.states[-1] is SessionState.EXPIRED)

    def test_short_partition(self) -> None:
        """What was under way in a short partition arrives after it."""
        client = self.open()
        self.world.servers.partition("a")
        held = client.create("/x")
        self.world.pass_time(None, 1.0)
        self.assertNoResult(held)
        self.world.servers.heal("a")
        self.assertEqual(self.result(held), "/x")
        self.assertEqual(client.states, [])

    def test_servers_restart(self) -> None:
        """Sessions outlive the servers, whose time does not pass while they are down."""
        client = self.open()
        self.result(client.create("/e", ephemeral=True))
        self.world.servers.stop()
        self.until_told(client, SessionState.SUSPENDED)
        self.world.pass_time(None, 3.0)
        self.world.servers.start()
        self.until_told(client, SessionState.SUSPENDED, SessionState.CONNECTED)
        self.assertIsNotNone(self.result(client.exists("/e")))

    def test_servers_away(self) -> None:
        """Who gave up while they were down leaves its node behind for a while."""
        client = self.open()
        self.result(client.create("/e", ephemeral=True))
        self.world.servers.stop()
        self.until_told(client, SessionState.SUSPENDED, SessionState.EXPIRED)
        self.fault(client.exists("/e"), SessionExpired)
        self.world.servers.start()
        other = self.open("b")
        self.result(other.exists("/e", other.watched.append))
        self.until(lambda: other.watched == [Watched(Happening.DELETED, "/e")])

    def test_death(self) -> None:
        """A process that dies is heard of no more: its session ends with its time."""
        life, states = LifeClock(self.world.clock), []
        ensemble = MemoryZooKeeper(self.world.servers, life, "dying", timeout_s=4.0)
        session = self.result(ensemble.connect(states.append))
        self.result(session.create("/e", ephemeral=True))
        other = self.open("b")
        life.end()
        self.world.pass_time(None, 2.0)
        self.assertIsNotNone(self.result(other.exists("/e")))
        self.world.pass_time(None, 4.0)
        self.assertIsNone(self.result(other.exists("/e")))
        self.assertEqual(states, [])


class SameTests(SynchronousTestCase):
    """A run is its program and its seed."""

    @settings(max_examples=50, deadline=None)
    @given(programs)
    def test_same(self, program: Program) -> None:
        """The same program gives the same trace; other delays change nothing that is promised."""
        first, again, other = (Run(MemoryWorld(seed)).trace(program) for seed in (1, 1, 2))
        self.assertEqual(first, again)
        self.assertEqual(first, other)
