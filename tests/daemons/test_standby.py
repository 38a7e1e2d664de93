"""A master that waits comes to lead: what it tells whoever asked it just before."""

from __future__ import annotations

from random import Random
from typing import Any
from weakref import ref

from twisted.trial.unittest import SynchronousTestCase

from mesostw.bus.dial import Dialer
from mesostw.core.master.changes import AgentKept
from mesostw.daemons import standby as module
from mesostw.daemons.standby import Standby
from mesostw.http.building import SLICE_S
from mesostw.http.site import MasterParts
from tests.feed.test_following import Leader, World
from tests.http.test_proxy import Web
from tests.http.world import MasterWorld, Visit, WallClock, agent, small_cluster

COPY = "/state?standby_reads=true"


class Working(WallClock):
    """A clock that goes on while somebody works: two looks at it are a slice apart."""

    def seconds(self) -> float:
        self.rightNow += SLICE_S / 2
        return super().seconds()


class HandOverTests(SynchronousTestCase):
    """One leader with a small cluster, and one that waits and has a copy."""

    def setUp(self) -> None:
        self.network = World()
        self.leader = Leader(self.network, "one", 1)
        self.leader.feed.publish(small_cluster())
        self.own = MasterWorld()

        def dialer(reactor: Any, exchange: Any, random: Random) -> Dialer:
            return Dialer(reactor, exchange, random, self.network.network.endpoint_from("two"))

        self.patch(module, "Dialer", dialer)
        self.clock = Working()
        parts = MasterParts(
            feed=self.own.feed,
            inbox=self.own.inbox,
            exchange=self.own.exchange,
            clock=self.clock,
            identity=self.own.identity,
            web=Web(),
            live=self.own.parts.socket,
            snapshots=self.own.parts.snapshots,
            task_row=self.own.parts.task_row,
            leader=lambda: "one:5050",
        )
        clock = self.network.clock
        self.standby = Standby(clock, clock, Random(4), parts, always=False)
        self.addCleanup(self.standby.stop)
        self.standby.lead("one:5050")
        clock.advance(0.5)

    def ask(self, path: str) -> Visit:
        """Ask, and wait for nothing."""
        visit = Visit(self.standby.site, self.clock)
        visit.channel.dataReceived(f"GET {path} HTTP/1.1\r\nHost: m\r\n\r\n".encode())  # type: ignore[union-attr]
        return visit

    def publish(self, *changes: object) -> None:
        self.leader.feed.publish(changes)
        self.network.clock.advance(0.5)

    def settle(self) -> None:
        for _ in range(100):
            self.clock.advance(0)

    def copy(self) -> Any:
        """What is let go of, without holding it."""
        return ref(self.standby._following.feed.view)

    def check_nobody_reads_an_empty_cluster(self, path: str) -> None:
        """Not whose body is being made, and not who waits for the next one."""
        first = self.ask(path)
        self.publish(AgentKept(agent(2)))
        second = self.ask(path)
        self.assertEqual((first.transport.value(), second.transport.value()), (b"", b""))
        self.standby.hand_over(self.own.site)
        self.settle()
        for visit, agents in ((first, 1), (second, 2)):
            answer = visit.now()
            self.assertEqual((answer.code, answer.headers["x-mesos-standby"]), (200, "following"))
            if "slaves" in answer.json:
                self.assertEqual(len(answer.json["slaves"]), agents)
            if "frameworks" in answer.json:
                frameworks = answer.json["frameworks"]
                self.assertEqual([len(one["tasks"]) for one in frameworks], [1])

    def test_state(self) -> None:
        """``/state``: agents and frameworks, which are made one after the other."""
        self.check_nobody_reads_an_empty_cluster(COPY)

    def test_slaves(self) -> None:
        """``/slaves``."""
        self.check_nobody_reads_an_empty_cluster("/slaves?standby_reads=true")

    def test_frameworks(self) -> None:
        """``/frameworks``."""
        self.check_nobody_reads_an_empty_cluster("/frameworks?standby_reads=true")

    def test_the_next_request(self) -> None:
        """Whoever is connected is answered by the leader's site from then on."""
        visit = self.ask(COPY)
        self.standby.hand_over(self.own.site)
        self.settle()
        self.own.publish(AgentKept(agent(7)))
        visit.transport.clear()
        visit.channel.dataReceived(b"GET /state HTTP/1.1\r\nHost: m\r\n\r\n")  # type: ignore[union-attr]
        for _ in range(10):
            self.own.clock.advance(0)
        answer = visit.now()
        self.assertNotIn("x-mesos-standby", answer.headers)
        self.assertEqual([one["id"] for one in answer.json["slaves"]], ["m-1-S7"])

    def test_the_copy_is_let_go_at_once(self) -> None:
        """So it is while nobody reads; the copy is large."""
        copy = self.copy()
        self.standby.hand_over(self.own.site)
        self.assertIsNone(copy())

    def test_the_copy_is_let_go_when_it_has_been_read(self) -> None:
        """When the last body is made, also if whoever asked for that has left."""
        copy = self.copy()
        first = self.ask(COPY)
        self.publish(AgentKept(agent(2)))
        second = self.ask(COPY)
        self.standby.hand_over(self.own.site)
        self.assertIsNotNone(copy())
        second.hang_up()
        self.settle()
        self.assertEqual(first.now().code, 200)
        self.assertIsNone(copy())
