"""A seat among several: who leads is told, and how it goes is counted."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mesostw.daemons.seat import Alone, Hooks, Seat, unwelcome
from mesostw.model.zookeeper import Acl, Permission
from mesostw.store.measured import MeasuredStore
from mesostw.store.memory import MemoryDisk, MemoryStore
from mesostw.store.zookeeper import ZooKeeperStore
from mesostw.testing.zookeeper.ensemble import Fault
from mesostw.zookeeper.election import MASTERS, REOPEN_S
from mesostw.zookeeper.group import Place
from tests.testing.test_zookeeper import MemoryWorld


class Case(SynchronousTestCase):
    """Seats over one ensemble in memory, and what each is told."""

    def setUp(self) -> None:
        self.world = MemoryWorld()
        self.told: list[tuple[str, Any]] = []

    def seat(self, name: str, place: Place = MASTERS) -> Seat:
        ensemble = self.world.ensemble(name, "/mesos", timeout_s=4.0)
        hooks = Hooks(
            lambda held: self.told.append((f"{name} held", held)),
            lambda _reason: self.told.append((f"{name} lost", None)),
            lambda leader: self.told.append((name, leader)),
        )
        store = ZooKeeperStore("/registry", self.world.clock)
        return Seat(ensemble, self.world.clock, place, store, bytes.decode, hooks)

    def win(self, seat: Seat, name: str) -> Deferred[None]:
        winning = Deferred.fromCoroutine(seat.win(name.encode()))
        self.world.pass_time(None, 2.0)
        return winning


class SeatTests(Case):
    """Two that would lead."""

    def test_numbers(self) -> None:
        """Sessions, elections and what the store takes."""
        first, second = self.seat("one"), self.seat("two")
        self.assertEqual(first.session, "none")
        self.successResultOf(self.win(first, "one:1"))
        waiting = self.win(second, "two:2")
        self.assertEqual(self.told, [("one", ""), ("two", "one:1")])
        self.assertEqual((first.session, second.session), ("connected", "connected"))
        read = first.store.read()
        self.world.pass_time(read, 2.0)
        appended = first.store.append([("k", b"v")], self.successResultOf(read).epoch)
        self.world.pass_time(appended, 2.0)
        numbers = first.numbers()
        self.assertEqual(numbers["store/appends_total"], 1)
        self.assertGreater(numbers["store/log_bytes"], 0)
        self.assertEqual(numbers["store/log_nodes"], 1)
        self.assertEqual((numbers["election/leading"], numbers["election/leaders_total"]), (1, 1))
        self.assertGreater(numbers["election/leading_seconds"], 1)
        self.assertEqual(second.numbers()["election/leading"], 0)
        self.assertEqual(set(second.numbers()), set(numbers))
        self.world.cut("one")
        self.world.pass_time(None, 2.0)
        numbers = first.numbers()
        self.assertEqual(numbers["zookeeper/session_suspensions_total"], 1)
        self.assertEqual(numbers["zookeeper/session_reconnections_total"], 1)
        self.assertEqual(numbers["zookeeper/session_connected"], 1)
        leaving = Deferred.fromCoroutine(first.leave())
        self.world.pass_time(leaving, 5.0)
        self.world.pass_time(waiting, 5.0)
        self.successResultOf(waiting)
        self.assertEqual(self.told[-1], ("two", ""))
        self.assertEqual(second.numbers()["election/leaders_total"], 2)
        self.assertIsNone(unwelcome(second))

    def test_an_earlier_life(self) -> None:
        """The node of a life that was killed is nobody's: whoever asks is not sent to ourselves."""
        killed, again = self.seat("one"), self.seat("again")
        self.successResultOf(self.win(killed, "one:1"))
        self.world.silence("one", silent=True)
        waiting = self.win(again, "one:1")
        self.assertIsNone(again.leader)
        self.world.pass_time(waiting, 10.0)
        self.successResultOf(waiting)
        self.assertEqual(again.leader, "")

    def test_who_waits_enters_again(self) -> None:
        """A session of one that waits ends: it is a candidate again, and comes to lead."""
        first, second = self.seat("one"), self.seat("two")
        self.successResultOf(self.win(first, "one:1"))
        waiting = self.win(second, "two:2")
        self.world.silence("two", silent=True)
        self.world.pass_time(None, 10.0)
        # Who led may lead still.
        self.assertEqual((second.leader, self.told[-1]), ("one:1", ("two", "one:1")))
        self.world.silence("two", silent=False)
        self.world.pass_time(None, 10.0)
        self.assertEqual(second.session, "connected")
        self.assertEqual(second.numbers()["zookeeper/session_expirations_total"], 1)
        self.assertNoResult(waiting)
        leaving = Deferred.fromCoroutine(first.leave())
        self.world.pass_time(leaving, 5.0)
        self.world.pass_time(waiting, 10.0)
        self.successResultOf(waiting)
        self.assertEqual(second.leader, "")
        self.assertNotIn(("two lost", None), self.told)

    def test_who_leads_ends(self) -> None:
        """A session of one that leads ends: it leads no more, for good."""
        first = self.seat("one")
        self.successResultOf(self.win(first, "one:1"))
        self.world.silence("one", silent=True)
        self.world.pass_time(None, 10.0)
        self.assertEqual(self.told[-1], ("one lost", None))
        self.assertIsNone(first.leader)

    def test_leaving_while_it_enters(self) -> None:
        """Whoever stops while ZooKeeper is away is not held up, and enters no more."""
        first = self.seat("one")
        second = self.seat("two")
        self.successResultOf(self.win(first, "one:1"))
        waiting = self.win(second, "two:2")
        self.world.silence("two", silent=True)
        self.world.pass_time(None, 10.0)
        leaving = Deferred.fromCoroutine(second.leave())
        self.world.pass_time(leaving, 10.0)
        self.successResultOf(leaving)
        self.world.silence("two", silent=False)
        self.world.pass_time(None, 10.0)
        self.assertNoResult(waiting)
        self.assertNotEqual(second.session, "connected")

    def test_alone(self) -> None:
        """One alone has a store to tell of, and nothing else."""
        alone = Alone(MeasuredStore(MemoryStore(MemoryDisk()), self.world.clock))
        self.assertEqual((alone.session, alone.leader), ("", ""))
        self.assertTrue(all(name.startswith("store/") for name in alone.numbers()))


class EnteringTests(Case):
    """Entering is begun again whenever it must be, and only once each time."""

    PLACE = Place("/leader", "member_")

    def members(self) -> list[bytes]:
        """What the members say of themselves, in the order in which they came."""
        nodes = self.world.servers.tree.nodes
        return [nodes[path].data for path in sorted(nodes) if "member_" in path]

    def break_at_directory(self, name: str) -> None:
        """The link of one that enters breaks when it makes the directory, for a session's time."""
        weather = self.world.servers.weather(name)
        for _ in range(500):
            if weather.next_fault is None:
                break
            self.world.pass_time(None, 0.01)
        self.assertIsNone(weather.next_fault)
        weather.refuses = True
        self.world.pass_time(None, 8.0)
        weather.refuses = False
        self.world.pass_time(None, 3 * REOPEN_S)

    def test_a_session_that_ends_while_it_enters_again(self) -> None:
        """Whoever loses a second session while it enters again is one candidate, not two."""
        first, second = self.seat("one", self.PLACE), self.seat("two", self.PLACE)
        self.successResultOf(self.win(first, "one:1"))
        waiting = self.win(second, "two:2")
        self.world.servers.weather("two").next_fault = Fault.BEFORE
        self.world.servers.expire(self.session_of(b"two:2"))
        self.break_at_directory("two")
        self.assertEqual(self.members(), [b"one:1", b"two:2"])
        self.assertEqual(len(self.world.servers.sessions), 2)
        for seat in (first, second):
            leaving = Deferred.fromCoroutine(seat.leave())
            self.world.pass_time(leaving, 5.0)
            self.world.pass_time(None, 5.0)
        self.assertEqual((self.members(), len(self.world.servers.sessions)), ([], 0))
        self.successResultOf(waiting)
        self.assertNotIn(("two lost", None), self.told)

    def session_of(self, data: bytes) -> int:
        """The session that a member's node is of."""
        nodes = self.world.servers.tree.nodes.items()
        return next(
            node.stat().ephemeral_owner
            for path, node in nodes
            if "member_" in path and node.data == data
        )

    def test_a_session_that_ends_while_it_enters_first(self) -> None:
        """Nobody has to start a daemon again whose first session ended too soon."""
        first, second = self.seat("one", self.PLACE), self.seat("two", self.PLACE)
        self.successResultOf(self.win(first, "one:1"))
        self.world.servers.weather("two").next_fault = Fault.BEFORE
        waiting = Deferred.fromCoroutine(second.win(b"two:2"))
        self.break_at_directory("two")
        self.assertNoResult(waiting)
        self.assertEqual(self.members(), [b"one:1", b"two:2"])

    def test_what_cannot_be_entered(self) -> None:
        """A place that takes nobody costs no session each time it is tried."""
        second = self.seat("two", self.PLACE)
        first = self.seat("one", self.PLACE)
        self.successResultOf(self.win(first, "one:1"))
        waiting = self.win(second, "two:2")
        connecting = self.world.ensemble("hand", "/mesos").connect(lambda _state: None)
        self.world.pass_time(connecting, 5.0)
        hand = self.successResultOf(connecting)
        closed = hand.set_acl("/leader", [Acl(Permission.READ, "world", "anyone")])
        self.world.pass_time(closed, 5.0)
        self.world.servers.expire(self.session_of(b"two:2"))
        self.world.pass_time(None, 6 * REOPEN_S)
        self.assertEqual(self.members(), [b"one:1"])
        # Of the first, of the hand, and of the attempt that is under way if there is one.
        self.assertLessEqual(len(self.world.servers.sessions), 3)
        self.assertNoResult(waiting)
