"""The bus over real sockets: peers that misbehave leave every other peer untouched."""

from __future__ import annotations

import socket
from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import Data

from mesostw.bus.dial import Dialer
from mesostw.bus.doorway import BACKLOG, Doorway
from mesostw.bus.exchange import Exchange
from mesostw.bus.protocol import PREFACE
from mesostw.core.outcome import LinkClosed, LinkCrowded
from mesostw.messages.agent_master import Ping, Pong
from mesostw.messages.hello import Hello
from mesostw.messages.scheduler_events import Error
from mesostw.model.ids import LinkId
from mesostw.testing.recorders import RecordingInbox
from mesostw.wire.codec import encode
from mesostw.wire.framing import FRAME_BYTES_MAX, HEADER

#: What a person would call at once, with room for a busy machine.
PATIENCE_S = 20.0

reactor: Any = _reactor
HELLO = PREFACE + encode(Hello(role="agent", id="bad", version="1.0.0"))


class BusOverTcpTests(TestCase):
    """One master's port, one good agent, and others."""

    async def setUp(self) -> None:
        self.master = Exchange(reactor, "master", ("agent",))
        self.agent = Exchange(reactor, "agent")
        self.at_master = self.master.inbox = RecordingInbox()
        self.at_agent = self.agent.inbox = RecordingInbox()
        root = Resource()
        root.putChild(b"health", Data(b"well", "text/plain"))
        doorway = Doorway(self.master, Site(root))
        self.port = reactor.listenTCP(0, doorway, BACKLOG, "127.0.0.1")
        self.number = self.port.getHost().port
        self.sockets: list[socket.socket] = []
        self.agent.id = "good"
        self.stop = Dialer(reactor, self.agent, Random(1)).dial(f"127.0.0.1:{self.number}")
        await self.until(lambda: len(self.at_agent.opened()) == 1)

    async def tearDown(self) -> None:
        self.stop()
        for one in self.sockets:
            one.close()
        await self.until(lambda: not self.master.links and not self.agent.links)
        await self.port.stopListening()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until ``true``, while the reactor runs."""
        end = reactor.seconds() + PATIENCE_S
        while not true():
            if reactor.seconds() > end:
                self.fail("it never happened")
            await deferLater(reactor, 0.005)

    def visitor(self, said: bytes) -> socket.socket:
        """A raw connection that has said something."""
        made = socket.create_connection(("127.0.0.1", self.number))
        made.setblocking(False)
        self.sockets.append(made)
        if said:
            made.send(said)
        return made

    async def closed(self, visitor: socket.socket) -> bytes:
        """What a visitor gets until its connection is closed."""
        got = b""
        end = reactor.seconds() + PATIENCE_S
        while reactor.seconds() < end:
            try:
                piece = visitor.recv(65536)
            except BlockingIOError:
                await deferLater(reactor, 0.005)
                continue
            except ConnectionResetError:
                return got
            if not piece:
                return got
            got += piece
        return self.fail("it was never closed")

    async def all_is_well(self) -> None:
        """The good agent is still on its first link, and both hear each other."""
        self.assertEqual(len(self.at_agent.opened()), 1)
        before = len(self.at_agent.messages()), len(self.at_master.messages())
        self.master.send(LinkId(1), [Ping()])
        self.agent.send(LinkId(1), [Pong()])
        await self.until(
            lambda: (
                len(self.at_agent.messages()) > before[0]
                and len(self.at_master.messages()) > before[1]
            )
        )

    async def test_garbage(self) -> None:
        """Garbage, wrong prefaces and impossible lengths are cut off; the core hears nothing."""
        for said in (
            PREFACE + b"\xff" * 100,
            PREFACE + HEADER.pack(FRAME_BYTES_MAX + 1, 1, 0, 0),
            PREFACE + HEADER.pack(3, 1, 0, 0),
            PREFACE + encode(Pong()),
            PREFACE + PREFACE,
        ):
            await self.closed(self.visitor(said))
            await self.all_is_well()
        self.assertEqual(len(self.at_master.opened()), 1)

    async def test_http_beside_it(self) -> None:
        """The same port answers HTTP, and hangs up on garbage that is neither."""
        got = await self.closed(self.visitor(b"GET /health HTTP/1.0\r\n\r\n"))
        self.assertTrue(got.endswith(b"well"), got)
        self.assertEqual(await self.closed(self.visitor(b"\x00\x01\x02\r\n\r\n")), b"")
        await self.all_is_well()

    async def test_half_frames(self) -> None:
        """Connections that say half and stay, or half and go, disturb nobody."""
        for size in (1, len(PREFACE), len(PREFACE) + 5, len(HELLO) - 1, len(HELLO)):
            self.visitor(HELLO[:size])
            self.visitor(HELLO[:size]).close()
        await self.all_is_well()

    async def test_never_reads(self) -> None:
        """A peer that never reads is first called crowded, then cut off, with bounded memory."""
        self.visitor(HELLO)
        await self.until(lambda: len(self.at_master.opened()) == 2)
        megabyte = Error(message="x" * (1024 * 1024))
        for _ in range(200):
            self.master.send(LinkId(2), [megabyte])
            await deferLater(reactor, 0)
            if LinkId(2) not in self.master.links:
                break
        await self.until(lambda: LinkId(2) not in self.master.links)
        self.assertIn(LinkCrowded(LinkId(2)), self.at_master.told)
        (closed,) = [one for one in self.at_master.told if isinstance(one, LinkClosed)]
        self.assertIn("wait to be sent", closed.reason)
        await self.all_is_well()

    async def test_flood(self) -> None:
        """A flood is not read while the inbox is full; others are heard as before."""
        flood = self.visitor(HELLO)
        await self.until(lambda: len(self.at_master.opened()) == 2)
        self.at_master.room = False
        block = encode(Pong()) * 10_000
        stuck = 0
        while stuck < 50:
            try:
                flood.send(block)
                stuck = 0
            except BlockingIOError:
                stuck += 1
                await deferLater(reactor, 0.001)
        heard = len(self.at_master.messages()) * len(encode(Pong()))
        self.assertLess(heard, 2 * 1024 * 1024)
        self.at_master.make_room()
        await self.all_is_well()
