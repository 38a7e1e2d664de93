"""The memory network keeps the contract of links, and breaks what it is told to break."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from mesostw.bus.dial import Dialer
from mesostw.bus.doorway import Doorway
from mesostw.bus.exchange import Exchange
from mesostw.core.outcome import LinkClosed
from mesostw.messages.agent_master import Ping, Pong
from mesostw.model.ids import LinkId
from mesostw.testing.clock import HeapClock
from mesostw.testing.contracts import link
from mesostw.testing.network import NOTICE_S_MAX, MemoryNetwork
from mesostw.testing.recorders import RecordingInbox


class NetworkTestCase(SynchronousTestCase):
    """One network, one clock."""

    duplicates = 0.0

    def setUp(self) -> None:
        self.clock = HeapClock()
        self.network = MemoryNetwork(self.clock, Random(1), duplicates=self.duplicates)
        self.stops = []

    def exchange(self, role: str, welcomes: Sequence[str] = (), *, forwards: bool) -> Exchange:
        made = Exchange(self.clock, role, welcomes, forwards=forwards)
        made.inbox = RecordingInbox()
        if welcomes:
            self.network.listen(role, Doorway(made))
        return made

    def dial(self, here: Exchange, there: Exchange) -> None:
        dialer = Dialer(self.clock, here, Random(2), self.network.endpoint_from(here.role))
        self.stops.append(dialer.dial(f"{there.role}:5050"))
        self.clock.advance(0.01)

    def inbox(self, exchange: Exchange) -> RecordingInbox:
        assert isinstance(exchange.inbox, RecordingInbox)
        return exchange.inbox


class NetworkLinkTests(NetworkTestCase, link.LinkContract):
    """The contract, over real dialers and doorways."""

    def settle(self) -> None:
        self.clock.advance(0.1)

    def sever(self) -> None:
        for stop in self.stops:
            stop()
        for connection in self.network.connections:
            connection.cut()
        self.settle()

    def dial(self, here: Exchange, there: Exchange) -> None:
        super().dial(here, there)
        # Once: a dialer that keeps the link up is tested below.
        self.settle()


class FaultTests(NetworkTestCase):
    """Links break in every way that real ones do."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.exchange("agent", forwards=True)
        self.master = self.exchange("master", ("agent",), forwards=True)
        self.dial(self.agent, self.master)

    def closed(self, exchange: Exchange) -> list[LinkClosed]:
        return self.inbox(exchange).closed()

    def test_dialled_again(self) -> None:
        """A dialer brings a broken link back, as another link."""
        self.network.connections[0].cut()
        self.clock.advance(5)
        self.assertEqual(len(self.closed(self.agent)), 1)
        self.assertEqual([one.link for one in self.inbox(self.master).opened()], [1, 2])

    def test_tail_is_lost(self) -> None:
        """What is under way when a connection breaks is lost, and only that."""
        self.agent.send(LinkId(1), [Pong()])
        self.clock.advance(0.01)
        self.agent.send(LinkId(1), [Ping()])
        self.network.connections[0].cut()
        self.clock.advance(0.01)
        self.assertEqual(self.inbox(self.master).messages(), [Pong()])

    def test_half_open(self) -> None:
        """One end may notice long after the other."""
        self.assertTrue(self.network.are_joined("agent", "master"))
        self.network.connections[0].cut(notice_s=(0.0, 30.0))
        self.assertFalse(self.network.are_joined("agent", "master"))
        self.clock.advance(29)
        self.assertTrue(self.network.are_joined("master", "agent"), "by another connection")
        self.assertEqual((len(self.closed(self.agent)), len(self.closed(self.master))), (1, 0))
        self.clock.advance(2)
        self.assertEqual(len(self.closed(self.master)), 1)
        self.assertEqual(len(self.inbox(self.master).opened()), 2)

    def test_standing_still(self) -> None:
        """A process that stands still reads later what has come meanwhile."""
        self.network.freeze("master")
        self.agent.send(LinkId(1), [Ping()])
        self.clock.advance(5.0)
        self.assertEqual(self.inbox(self.master).messages(), [])
        self.network.thaw("master")
        self.assertEqual(self.inbox(self.master).messages(), [Ping()])

    def test_one_way(self) -> None:
        """A cut of one way holds back that way, and heals."""
        self.network.cut_off("agent", "master")
        self.agent.send(LinkId(1), [Pong()])
        self.master.send(LinkId(1), [Ping()])
        self.clock.advance(2)
        self.assertEqual(self.inbox(self.agent).messages(), [Ping()])
        self.assertEqual(self.inbox(self.master).messages(), [])
        self.network.heal()
        self.clock.advance(0.1)
        self.assertEqual(self.inbox(self.master).messages(), [Pong()])

    def test_partition_outlasts_patience(self) -> None:
        """A partition that lasts ends the link at both ends, and heals into a new one."""
        self.network.part("agent", "master")
        self.agent.send(LinkId(1), [Pong()])
        self.clock.advance(NOTICE_S_MAX + 1)
        self.assertEqual((len(self.closed(self.agent)), len(self.closed(self.master))), (1, 1))
        self.network.heal()
        self.clock.advance(30)
        self.assertEqual(len(self.inbox(self.master).opened()), 2)

    def test_crash(self) -> None:
        """A process that is killed hears nothing more; its peer is told by the kernel."""
        told = len(self.inbox(self.master).told)
        self.network.crash("master")
        self.agent.send(LinkId(1), [Pong()])
        self.clock.advance(20)
        self.assertEqual(len(self.inbox(self.master).told), told)
        self.assertEqual(len(self.closed(self.agent)), 1)
        reborn = self.exchange("master", ("agent",), forwards=True)
        self.clock.advance(20)
        self.assertEqual(len(self.inbox(reborn).opened()), 1)

    def test_silent_crash(self) -> None:
        """When the whole machine dies its peer notices only by time."""
        self.network.crash("master", silent=True)
        self.clock.advance(0.9)
        self.assertEqual(self.closed(self.agent), [])
        self.clock.advance(NOTICE_S_MAX)
        self.assertEqual(len(self.closed(self.agent)), 1)

    def test_random_breaks(self) -> None:
        """Broken again and again, the two ends agree in the end."""
        for _ in range(30):
            self.network.break_one()
            self.clock.advance(20)
        self.clock.advance(200)
        self.assertEqual(len(self.agent.links), 1)
        self.assertEqual(len(self.master.links), 1)
        self.assertEqual(len(self.network.connections), 1)

    def test_same_seed_same_run(self) -> None:
        """The same seed gives the same run, to the last number."""

        def run() -> list[object]:
            self.setUp()
            for n in range(50):
                self.agent.send(max(self.agent.links, default=LinkId(1)), [Pong()])
                if n % 10 == 0:
                    self.network.break_one()
                self.clock.advance(1)
            return self.inbox(self.master).told

        self.assertEqual(run(), run())


class DuplicateTests(NetworkTestCase):
    """A network that repeats repeats whole messages, never the hello."""

    duplicates = 0.5

    def test_twice(self) -> None:
        """Some messages come twice, one right after the other, and nothing breaks."""
        agent = self.exchange("agent", forwards=True)
        master = self.exchange("master", ("agent",), forwards=True)
        self.dial(agent, master)
        for _ in range(100):
            agent.send(LinkId(1), [Pong()])
        self.clock.advance(1)
        self.assertGreater(len(self.inbox(master).messages()), 120)
        self.assertEqual(len(self.inbox(master).opened()), 1)
