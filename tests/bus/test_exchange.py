"""The table of links: what the contract of links does not show over a connection."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from mesostw.bus.exchange import Exchange
from mesostw.core.outcome import (
    Heard,
    LinkClosed,
    LinkCrowded,
    LinkEased,
    LinkOpened,
    Route,
    Unroute,
)
from mesostw.interfaces import IBusExchange, IExchange, ILink, Peer
from mesostw.messages.agent_master import Ping, Pong
from mesostw.messages.hello import Hello, Unwelcome, Welcome
from mesostw.model.ids import LinkId, RouteId
from mesostw.testing.clock import HeapClock
from mesostw.testing.recorders import RecordingExchange, RecordingInbox, RecordingLink
from mesostw.wire.codec import encode

PEER = Peer("framework", "F1", "1.2.3", "192.0.2.1:4711")


@implementer(ILink)
class Stream:
    """A link that is no bus connection, as an HTTP event stream."""

    def __init__(self) -> None:
        self.sent: list[Struct] = []

    def send(self, messages: Sequence[Struct]) -> None:
        self.sent.extend(messages)

    def close(self, reason: str) -> None:
        pass


class ExchangeTests(SynchronousTestCase):
    """Links of any kind, and what is passed on between those of the bus."""

    def setUp(self) -> None:
        self.clock = HeapClock()
        self.exchange = Exchange(self.clock, "master", ("framework", "agent"))
        self.inbox = self.exchange.inbox = RecordingInbox()

    def test_provides(self) -> None:
        """Both the exchange and its recorder have every method of the port."""
        verifyObject(IExchange, self.exchange)
        verifyObject(IBusExchange, self.exchange)
        verifyObject(IExchange, RecordingExchange())

    def test_an_inbox_of_their_own(self) -> None:
        """What links of a role do is told to whoever is there for it, and to nobody else."""
        own = self.exchange.inboxes["follower"] = RecordingInbox()
        link = RecordingLink()
        number = self.exchange.admit(link, Peer("follower", "M2", "1.2.3", "192.0.2.2:5050"))
        self.exchange.heard(number, [Pong()])
        self.exchange.crowded(number)
        self.exchange.eased(number)
        self.exchange.send_frames(number, [b"ready"])
        self.exchange.ended(number, "gone")
        self.assertEqual(self.inbox.told, [])
        self.assertEqual([type(one) for one in own.told],
                         [LinkOpened, Heard, LinkCrowded, LinkEased, LinkClosed])  # fmt: skip
        self.assertEqual(link.forwarded, [b"ready"])
        self.exchange.send_frames(number, [b"too late"])
        self.assertEqual(link.forwarded, [b"ready"])

    def test_streams_are_links(self) -> None:
        """An event stream is admitted, spoken to and ended like a bus connection."""
        stream = Stream()
        number = self.exchange.admit(stream, PEER)
        self.exchange.heard(number, [Pong()])
        self.exchange.send(number, [Ping()])
        self.exchange.crowded(number)
        self.exchange.eased(number)
        self.exchange.ended(number, "gone")
        self.assertEqual(stream.sent, [Ping()])
        self.assertEqual(
            self.inbox.told,
            [
                LinkOpened(number, "framework", "F1", "1.2.3", "192.0.2.1:4711"),
                Heard(number, Pong()),
                LinkCrowded(number),
                LinkEased(number),
                LinkClosed(number, "gone"),
            ],
        )

    def test_gone_links_are_not_crowded(self) -> None:
        """Nothing is told of a link after its end."""
        number = self.exchange.admit(Stream(), PEER)
        self.exchange.ended(number, "gone")
        told = len(self.inbox.told)
        self.exchange.crowded(number)
        self.exchange.eased(number)
        self.assertEqual(len(self.inbox.told), told)

    def test_no_routes_through_streams(self) -> None:
        """A route that does not join two bus links, or has number 0, is refused."""
        bus, stream = RecordingLink(), Stream()
        one = self.exchange.admit(bus, PEER)
        two = self.exchange.admit(stream, PEER)
        for route in (
            Route(one, RouteId(1), two, RouteId(1)),
            Route(two, RouteId(1), one, RouteId(1)),
            Route(one, RouteId(0), one, RouteId(1)),
            Route(one, RouteId(1), one, RouteId(0)),
            Route(one, RouteId(1), LinkId(99), RouteId(1)),
        ):
            self.exchange.route(route)
        self.exchange.forward(one, {1: [encode(Ping(), 1)]})
        self.assertEqual((bus.forwarded, self.exchange.void), ([], 1))

    def test_route_is_replaced(self) -> None:
        """A route that is opened again leads to its new target only."""
        links = [RecordingLink() for _ in range(3)]
        source, first, second = (self.exchange.admit(link, PEER) for link in links)
        self.exchange.route(Route(source, RouteId(7), first, RouteId(1)))
        self.exchange.route(Route(source, RouteId(7), second, RouteId(2)))
        self.exchange.ended(first, "gone")
        self.exchange.forward(source, {7: [encode(Ping(), 7)]})
        self.assertEqual([link.forwarded for link in links], [[], [], [encode(Ping(), 2)]])
        self.exchange.unroute(Unroute(source, RouteId(7)))
        self.exchange.unroute(Unroute(source, RouteId(7)))
        self.exchange.ended(second, "gone")
        self.assertEqual((self.exchange._routes, self.exchange._routed_to), ({}, {}))

    def test_answers_to_hellos(self) -> None:
        """Who is answered depends on the role, and on whether this daemon is ready."""
        agent, stranger = Hello(role="agent", version="1"), Hello(role="x" * 999, version="1")
        self.assertIsInstance(self.exchange.greet(agent), Welcome)
        refused = self.exchange.greet(stranger)
        assert isinstance(refused, Unwelcome)
        self.assertEqual(refused.reason, "bad_role")
        self.assertLess(len(refused.message), 200)
        starting = Exchange(self.clock, "master", ("agent",)).greet(agent)
        assert isinstance(starting, Unwelcome)
        self.assertEqual(starting.reason, "recovering")

    def test_close_all(self) -> None:
        """A daemon that stops closes every link."""
        links = [RecordingLink() for _ in range(3)]
        for link in links:
            self.exchange.admit(link, PEER)
        self.exchange.close_all("stops")
        self.assertEqual([link.closed for link in links], ["stops"] * 3)
