"""The live socket over twisted.web, spoken to by a real Autobahn client in memory."""

from __future__ import annotations

import socket as sockets
from typing import Any

import msgspec
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport
from twisted.test.iosim import FakeTransport, IOPump, connect
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Site
from txaio.tx import config as txaio_config

from mesostw.feed.frames import PROTOCOL, framed
from mesostw.feed.socket import LiveFactory, LiveResource, direct_write
from tests.feed.test_live import World


class Transport(FakeTransport):
    """A fake that, as real ones, already has twisted.web's channel as its producer."""

    #: What the transport was told of producers.
    pauses = 0

    def setTcpNoDelay(self, enabled: bool) -> None:
        pass

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if self.producer is not None:
            raise RuntimeError("a producer is registered already")
        super().registerProducer(producer, streaming)

    def abortConnection(self) -> None:
        self.loseConnection()


class Client(WebSocketClientProtocol):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[dict[str, Any]] = []
        self.closed: list[tuple[int | None, str | None]] = []
        self.open = False

    def onOpen(self) -> None:
        self.open = True
        self.say(t="hello", v=1, client="test")

    def say(self, **word: object) -> None:
        self.sendMessage(msgspec.json.encode(word))

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.words.append(msgspec.json.decode(payload))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.closed.append((code, reason))


class SocketTestCase(SynchronousTestCase):
    """A site with the live socket, and connections to it."""

    def setUp(self) -> None:
        self.world = World()
        # Autobahn's timers would go to the real reactor and outlive the test.
        self.patch(txaio_config, "loop", self.world.clock)
        root = Resource()
        resource = LiveResource(LiveFactory(self.world.live, self.world.clock))
        root.putChild(b"live", resource)
        self.site = Site(root, reactor=self.world.clock)

    def dial(
        self, protocols: list[str] | None = None, **headers: str
    ) -> tuple[Client, IOPump, Transport]:
        factory = WebSocketClientFactory(
            "ws://m:5050/live",
            protocols=[PROTOCOL] if protocols is None else protocols,
            headers=headers,
            reactor=self.world.clock,
        )
        client = Client()
        client.factory = factory
        server = self.site.buildProtocol(None)
        assert server is not None
        server_transport = Transport(server, isServer=True)
        client_transport = Transport(client, isServer=False)
        pump = connect(server, server_transport, client, client_transport, clock=self.world.clock)
        pump.flush()
        return client, pump, server_transport

    def turn(self, pump: IOPump, seconds: float = 0.1) -> None:
        self.world.clock.advance(seconds)
        pump.flush()


class ConversationTests(SocketTestCase):
    """Handshake, frames both ways, and endings."""

    def test_hello_and_deltas(self) -> None:
        """A client is welcomed, subscribes, and hears what changes."""
        client, pump, _ = self.dial()
        self.turn(pump)
        self.assertEqual(client.words[0]["t"], "welcome")
        client.say(t="sub", id=1, topic="small")
        self.turn(pump)
        self.world.change("a", 3)
        self.turn(pump)
        self.assertEqual(
            [word["t"] for word in client.words], ["welcome", "ok", "d", "d"], client.words
        )
        self.assertEqual(client.words[-1]["c"], [[1, [1, {"id": "a", "n": 3, "odd": 1}]]])

    def test_large_frames(self) -> None:
        """Frames of every length form arrive whole."""
        for size in (0, 125, 126, 65_535, 65_536, 200_000):
            payload = b"x" * size
            head = framed(payload)[: len(framed(payload)) - size]
            self.assertEqual(len(head), 2 if size < 126 else 4 if size < 65_536 else 10)
        client, pump, _ = self.dial()
        client.say(t="sub", id=1, topic="small")
        self.turn(pump)
        self.world.feed.publish([(f"a{n:09}", n) for n in range(3000)])
        for _ in range(20):
            self.turn(pump)
        self.assertEqual(len(client.words[-1]["c"]), 3000)

    def test_pages_of_other_origins(self) -> None:
        """A page of another site cannot follow; one of this site, or no page at all, can."""
        self.assertFalse(self.dial(Origin="http://evil.example")[0].open)
        self.assertFalse(self.dial(Origin="http://[broken")[0].open)
        self.assertFalse(self.dial(Origin="null")[0].open)
        self.assertTrue(self.dial(Origin="http://m:5050")[0].open)

    def test_subprotocol(self) -> None:
        """Who does not name the protocol is refused in the handshake."""
        self.assertFalse(self.dial(protocols=[])[0].open)
        self.assertFalse(self.dial(protocols=["wamp.2.json"])[0].open)

    def test_no_websocket(self) -> None:
        """A plain GET is told what this is."""
        server = self.site.buildProtocol(None)
        assert server is not None
        transport = StringTransport()
        server.makeConnection(transport)
        server.dataReceived(b"GET /live HTTP/1.1\r\nHost: m\r\n\r\n")
        self.assertIn(b"426", transport.value())
        self.assertIn(PROTOCOL.encode(), transport.value())

    def test_the_client_goes(self) -> None:
        """A session ends with its connection, and nothing is sent to it any more."""
        client, pump, _ = self.dial()
        self.turn(pump)
        client.transport.loseConnection()
        self.turn(pump)
        self.assertEqual(len(self.world.live.sessions), 0)
        self.world.change("a", 1)
        self.turn(pump)

    def test_rules(self) -> None:
        """Binary, garbage and messages that are too large end the session with a code."""
        for send, code in (
            (lambda one: one.sendMessage(b"x", isBinary=True), 4400),
            (lambda one: one.sendMessage(b"garbage"), 4400),
            (lambda one: one.sendMessage(b'"' + b"x" * 70_000 + b'"'), 1009),
        ):
            client, pump, _ = self.dial()
            self.turn(pump)
            send(client)
            self.turn(pump)
            self.turn(pump, 3.0)
            self.assertEqual([ended for ended, _ in client.closed], [code])
            self.assertEqual(len(self.world.live.sessions), 0)

    def test_a_slow_reader_pauses_its_session(self) -> None:
        """The transport tells the session, not twisted.web's channel, that its buffer is full."""
        client, pump, transport = self.dial()
        client.say(t="sub", id=1, topic="small")
        self.turn(pump)
        (session,) = self.world.live.sessions
        assert transport.producer is not None
        transport.producer.pauseProducing()
        self.assertTrue(session.is_late)
        for value in range(100):
            self.world.change("a", value)
            self.turn(pump, 0.01)
        self.assertEqual([word["t"] for word in client.words].count("d"), 1)
        transport.producer.resumeProducing()
        self.turn(pump)
        told = [word["c"] for word in client.words if word["t"] == "d"][1:]
        self.assertEqual(told[0][0][1][0], 1)
        self.assertEqual(told[-1], [[1, {"n": 99}]])


class DirectWriteTests(SynchronousTestCase):
    """What we assume of Twisted's private names holds."""

    def test_idle_and_busy(self) -> None:
        """An idle socket is written to at once; one with anything queued is not."""
        ours, theirs = sockets.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        ours.setblocking(False)
        connection = Connection(ours, None)
        connection.connected = True
        write = direct_write(connection)
        assert write is not None
        self.assertEqual(write(b"abc"), 3)
        self.assertEqual(theirs.recv(10), b"abc")
        connection._tempDataBuffer.append(b"queued")
        self.assertEqual(write(b"abc"), 0)
        connection._tempDataBuffer.clear()
        connection.dataBuffer = b"queued"
        self.assertEqual(write(b"abc"), 0)
        connection.dataBuffer = b""
        self.assertLess(write(b"x" * 50_000_000), 50_000_000)
        self.assertEqual(write(b"x" * 50_000_000), 0)

    def test_no_socket(self) -> None:
        """Where there is no plain socket there is no direct way."""
        self.assertIsNone(direct_write(StringTransport()))
