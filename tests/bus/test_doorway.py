"""One port: the first bytes tell the bus from HTTP."""

from __future__ import annotations

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import Data

from mesostw.bus import doorway as module
from mesostw.bus.doorway import Doorway, Visitor
from mesostw.bus.exchange import Exchange
from mesostw.bus.protocol import PREFACE
from mesostw.messages.agent_master import Pong
from mesostw.testing.clock import HeapClock
from mesostw.testing.recorders import RecordingInbox
from mesostw.wire.codec import encode
from tests.bus.test_protocol import HELLO, Wire

ADDRESS = IPv4Address("TCP", "192.0.2.1", 4711)


class Page(Protocol):
    """A web channel that only remembers."""

    def __init__(self) -> None:
        self.got = b""
        self.lost = 0

    def dataReceived(self, data: bytes) -> None:
        self.got += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost += 1


class Pages(Factory):
    """A web site that only remembers."""

    def __init__(self) -> None:
        self.made: list[Page] = []

    def buildProtocol(self, addr: object) -> Page:
        self.made.append(Page())
        return self.made[-1]


class DoorwayTests(SynchronousTestCase):
    """Visitors are told apart whatever pieces their first bytes come in."""

    def setUp(self) -> None:
        self.clock = HeapClock()
        self.exchange = Exchange(self.clock, "master", ("agent",))
        self.inbox = self.exchange.inbox = RecordingInbox()
        self.pages = Pages()
        self.doorway = Doorway(self.exchange, self.pages)

    def visit(self) -> tuple[Visitor, Wire]:
        visitor, wire = self.doorway.buildProtocol(ADDRESS), Wire()
        visitor.makeConnection(wire)
        return visitor, wire

    def test_bus(self) -> None:
        """The preface opens a link, in one piece or byte by byte, with what follows."""
        said = PREFACE + HELLO + encode(Pong())
        for size in (len(said), 1, 5, len(PREFACE), len(PREFACE) + 1):
            self.setUp()
            visitor, _ = self.visit()
            for start in range(0, len(said), size):
                visitor.dataReceived(said[start : start + size])
            self.assertEqual([one.peer for one in self.inbox.opened()], ["S1"])
            self.assertEqual(self.inbox.messages(), [Pong()])
            visitor.connectionLost(Failure(ConnectionDone()))
            self.assertEqual(len(self.inbox.closed()), 1)

    def test_garbage(self) -> None:
        """What neither may become is turned away at its first byte, with one line in the log."""
        for said in (b"\x16\x03\x01", b"\0\0\0\0", b"\xff", b" GET /"):
            visitor, wire = self.visit()
            visitor.dataReceived(said)
            self.assertTrue(wire.aborted, said)
        self.assertEqual(self.pages.made, [])

    def test_http(self) -> None:
        """Anything else is the web site's, from its first byte on."""
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"mesostw-bus/2\n", b"m", b"\n"):
            self.setUp()
            visitor, wire = self.visit()
            if said == b"m":
                said = b"mes /strange HTTP/1.0\r\n\r\n"  # noqa: PLW2901
            for byte in said:
                visitor.dataReceived(bytes([byte]))
            (page,) = self.pages.made
            self.assertEqual((page.got, wire.aborted), (said, False))
            visitor.connectionLost(Failure(ConnectionDone()))
            self.assertEqual((page.lost, self.inbox.told), (1, []))
            self.assertEqual(list(self.clock.getDelayedCalls()), [])

    def test_silence(self) -> None:
        """Whoever says nothing, or half a preface, is cut off; nobody else is told."""
        for said in (b"", PREFACE[:5]):
            visitor, wire = self.visit()
            if said:
                visitor.dataReceived(said)
            self.clock.advance(module.PREFACE_TIMEOUT_S)
            self.assertTrue(wire.aborted)
            visitor.connectionLost(Failure(ConnectionDone()))
        self.assertEqual((self.pages.made, self.inbox.told), ([], []))

    def test_no_site(self) -> None:
        """Until there is a site HTTP is told to try again; the bus is spoken already."""
        self.doorway = Doorway(self.exchange)
        visitor, wire = self.visit()
        visitor.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
        head, _, body = wire.value().partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 503 "))
        self.assertIn(b"Content-Length: %d" % len(body), head)
        self.assertTrue(wire.lost)
        self.assertEqual(list(self.clock.getDelayedCalls()), [])

    def test_real_site(self) -> None:
        """``twisted.web`` answers through the doorway, several requests on one connection."""
        root = Resource()
        root.putChild(b"health", Data(b"well", "text/plain"))
        self.doorway = Doorway(self.exchange, Site(root, reactor=self.clock))  # type: ignore[arg-type]
        self.doorway.doStart()
        visitor, wire = self.visit()
        for n in range(1, 4):
            visitor.dataReceived(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            self.clock.advance(0)
            self.assertEqual(wire.value().count(b"\r\n\r\nwell"), n)
        visitor.connectionLost(Failure(ConnectionDone()))
        self.doorway.doStop()
