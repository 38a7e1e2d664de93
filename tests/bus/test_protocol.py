"""One connection of the bus: the contract, its limits, and peers that misbehave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, IOPump
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from mesostw.bus import outgoing, protocol
from mesostw.bus.exchange import Exchange
from mesostw.bus.protocol import PREFACE, BusProtocol
from mesostw.core.outcome import LinkCrowded, LinkEased
from mesostw.interfaces import IFrameLink
from mesostw.messages.agent_master import Ping, Pong
from mesostw.messages.hello import Hello, Unwelcome
from mesostw.messages.scheduler_events import Error
from mesostw.model.ids import LinkId
from mesostw.testing.clock import HeapClock
from mesostw.testing.contracts import link
from mesostw.testing.recorders import RecordingInbox
from mesostw.wire.codec import encode
from mesostw.wire.framing import FRAME_BYTES_MAX, HEADER, Frames, frame

HELLO = encode(Hello(role="agent", id="S1", version="1.2.3"))


def exchange_of(clock: HeapClock, role: str = "master", *welcomes: str) -> Exchange:
    """An exchange with a recording inbox."""
    made = Exchange(clock, role, welcomes or ("agent",))
    made.inbox = RecordingInbox()
    return made


class ProtocolLinkTests(SynchronousTestCase, link.LinkContract):
    """The contract, over Twisted's own simulated connections."""

    def setUp(self) -> None:
        self.clock = HeapClock()
        self.pumps: list[IOPump] = []

    def exchange(self, role: str, welcomes: Sequence[str] = (), *, forwards: bool) -> Exchange:
        made = Exchange(self.clock, role, welcomes, forwards=forwards)
        made.inbox = RecordingInbox()
        return made

    def dial(self, here: Exchange, there: Exchange) -> None:
        client, server = BusProtocol(here, here.hello(), "there:1"), BusProtocol(there)
        at_client, at_server = FakeTransport(client, False), FakeTransport(server, True)
        pump = IOPump(client, server, at_client, at_server, False)
        self.pumps.append(pump)
        server.makeConnection(at_server)
        client.makeConnection(at_client)
        # A doorway would have taken the preface.
        at_client.stream[0] = at_client.stream[0].removeprefix(PREFACE)

    def settle(self) -> None:
        for _ in range(20):
            self.clock.advance(0.001)
            for pump in self.pumps:
                pump.flush()

    def sever(self) -> None:
        for pump in self.pumps:
            pump.clientIO.disconnect_done = pump.serverIO.disconnect_done = True
            for end in (pump.client, pump.server):
                end.connectionLost(Failure(ConnectionLost()))
        self.pumps.clear()


class Wire(StringTransport):
    """A transport that remembers how it was ended."""

    aborted = False
    lost = False

    def abortConnection(self) -> None:
        self.aborted = True

    def loseConnection(self) -> None:
        self.lost = True


class ProtocolTestCase(SynchronousTestCase):
    """The accepting end, on a string."""

    def setUp(self) -> None:
        self.clock = HeapClock()
        self.exchange = exchange_of(self.clock)
        self.wire = Wire()
        self.link = BusProtocol(self.exchange)
        self.link.makeConnection(self.wire)

    @property
    def inbox(self) -> RecordingInbox:
        assert isinstance(self.exchange.inbox, RecordingInbox)
        return self.exchange.inbox

    def open(self) -> None:
        """Have the agent S1 say hello."""
        self.link.dataReceived(HELLO)
        self.wire.clear()
        self.inbox.told.clear()

    def lose(self) -> None:
        """Have the transport notice that it is over."""
        self.link.connectionLost(Failure(ConnectionLost()))


class MisbehaviourTests(ProtocolTestCase):
    """Each fault of a peer ends its link, and no other."""

    def test_provides(self) -> None:
        """It is a link that can pass on frames."""
        verifyObject(IFrameLink, self.link)

    def test_bad_beginnings(self) -> None:
        """Whoever does not begin with a hello is cut off, and the core never hears of it."""
        beginnings: Sequence[bytes] = (
            b"GET / HTTP/1.1\r\n\r\n",
            encode(Pong()),
            frame(60_000, b"\x80"),
            frame(1, b"not msgpack at all"),
            HEADER.pack(FRAME_BYTES_MAX + 1, 1, 0, 0),
            b"\xff\xff\xff\xff",
            b"\x00\x00\x00\x00",
            encode(Unwelcome(reason="no", message="no")),
        )
        for said in beginnings:
            self.setUp()
            self.link.dataReceived(said)
            self.assertTrue(self.wire.aborted, said)
            self.lose()
            self.assertEqual(self.inbox.told, [], said)
            self.assertEqual(list(self.clock.getDelayedCalls()), [], said)

    def test_silence(self) -> None:
        """Whoever says nothing, or half a hello, is cut off after ``HELLO_TIMEOUT_S``."""
        for said in (b"", HELLO[:-1], HELLO[:3]):
            self.setUp()
            self.link.dataReceived(said)
            self.clock.advance(protocol.HELLO_TIMEOUT_S - 1)
            self.assertFalse(self.wire.aborted)
            self.clock.advance(1)
            self.assertTrue(self.wire.aborted)

    def test_slow_frame(self) -> None:
        """A frame that drips in for longer than ``FRAME_TIMEOUT_S`` ends the link."""
        self.open()
        dripping = encode(Error(message="x" * 1000))
        for n in range(70):
            self.link.dataReceived(dripping[n : n + 1])
            self.clock.advance(1)
        self.assertTrue(self.wire.aborted)

    def test_slow_but_alive(self) -> None:
        """Frames that end keep a link alive, even if there is always one unfinished."""
        self.open()
        pong = encode(Pong())
        self.link.dataReceived(pong[:5])
        for _ in range(300):
            self.link.dataReceived(pong[5:] + pong[:5])
            self.clock.advance(1)
        self.link.dataReceived(pong[5:])
        self.clock.advance(1000)
        self.assertFalse(self.wire.aborted)
        self.assertEqual(len(self.inbox.messages()), 301)

    def test_malformed_after_good(self) -> None:
        """What came before a malformed frame is heard; then the link is closed, with why."""
        self.open()
        self.link.dataReceived(encode(Pong()) + frame(105, b"\xc1") + encode(Pong()))
        self.assertEqual(self.inbox.messages(), [Pong()])
        self.assertTrue(self.wire.aborted)
        self.lose()
        (closed,) = self.inbox.closed()
        self.assertIn("malformed", closed.reason)
        self.link.dataReceived(encode(Pong()))
        self.assertEqual(self.inbox.messages(), [Pong()])

    def test_unknown_kind(self) -> None:
        """A kind that is not known is skipped and counted; the rest is heard."""
        self.open()
        strange = frame(60_000, b"\x80")
        self.link.dataReceived(encode(Pong()) + strange + strange + encode(Ping()))
        self.assertEqual(self.inbox.messages(), [Pong(), Ping()])
        self.assertEqual(self.exchange.unknown_kinds, {60_000: 2})
        self.assertFalse(self.wire.aborted)

    def test_hello_twice(self) -> None:
        """A second hello is a message like any other, and opens nothing."""
        self.open()
        self.link.dataReceived(HELLO)
        self.assertEqual(self.inbox.opened(), [])

    def test_unwelcome(self) -> None:
        """While this daemon cannot serve, every hello is told so."""
        said = Unwelcome(reason="not_leading", message="ask m2", leader="m2:5050")
        self.exchange.unwelcome = lambda: said
        self.link.dataReceived(HELLO)
        ((kind, _, _, _),) = Frames().take(self.wire.value())
        self.assertEqual((kind, self.wire.lost), (3, True))
        self.assertEqual(self.inbox.told, [])

    def test_garbage(self) -> None:
        """Any bytes, in any pieces, are heard as messages or end the link; nothing raises."""
        random = Random(7)
        good = encode(Pong()) + encode(Error(message="x" * 50)) + encode(Ping())
        for _ in range(300):
            self.setUp()
            self.open()
            said = bytearray(good * 3)
            for _ in range(random.randrange(1, 6)):
                said[random.randrange(len(said))] = random.randrange(256)
            if random.random() < 0.3:
                del said[random.randrange(len(said)) :]
            while said:
                size = random.randrange(1, 40)
                self.link.dataReceived(bytes(said[:size]))
                del said[:size]
            self.clock.advance(2 * protocol.FRAME_TIMEOUT_S)
            self.assertTrue(self.wire.aborted or not self.link._frames.unfinished)
        self.assertEqual(self.flushLoggedErrors(), [])


class FloodTests(ProtocolTestCase):
    """A peer that says too much is read no faster than it is heard."""

    def test_pause_and_resume(self) -> None:
        """While the inbox is full the connection is not read; then it is again."""
        self.open()
        self.inbox.room = False
        self.link.dataReceived(encode(Pong()) * 1000)
        self.assertEqual(self.wire.producerState, "paused")
        self.inbox.make_room()
        self.assertEqual(self.wire.producerState, "producing")

    def test_ended_meanwhile(self) -> None:
        """A link that ended while it was paused is not read again."""
        self.open()
        self.inbox.room = False
        self.link.dataReceived(encode(Pong()))
        self.lose()
        self.inbox.make_room()
        self.assertEqual(self.wire.producerState, "paused")

    def test_one_list_a_read(self) -> None:
        """All messages of one read are told at once."""
        told: list[int] = []
        self.open()
        self.inbox.tell = lambda stimuli: told.append(len(stimuli))  # type: ignore[method-assign]
        self.link.dataReceived(encode(Pong()) * 1000)
        self.assertEqual(told, [1000])


class SlowReaderTests(ProtocolTestCase):
    """A peer that does not read is told of, then cut off; its bytes are bounded."""

    def setUp(self) -> None:
        super().setUp()
        self.open()
        self.megabyte = Error(message="x" * (1024 * 1024))
        assert self.wire.producer is not None
        self.producer: Any = self.wire.producer

    def test_crowded_then_eased(self) -> None:
        """Past the soft limit the core hears once that it is crowded, and then that it eased."""
        self.producer.pauseProducing()
        for _ in range(5):
            self.link.send([self.megabyte])
        self.assertEqual(self.inbox.told, [LinkCrowded(LinkId(1))])
        self.assertEqual(self.wire.value(), b"")
        self.producer.resumeProducing()
        self.assertEqual(self.inbox.told, [LinkCrowded(LinkId(1)), LinkEased(LinkId(1))])
        self.assertEqual(len(Frames().take(self.wire.value())), 5)

    def test_hard_limit(self) -> None:
        """Past the hard limit the link ends, and what waited is let go."""
        self.producer.pauseProducing()
        for _ in range(100):
            self.link.send([self.megabyte])
        self.assertTrue(self.wire.aborted)
        self.assertEqual(self.producer.bytes, 0)
        self.lose()
        self.assertIn("wait to be sent", self.inbox.closed()[0].reason)

    def test_passed_on_is_counted(self) -> None:
        """Frames that are passed on count as well."""
        self.producer.pauseProducing()
        for _ in range(100):
            self.link.forward([b"x" * 1024 * 1024])
            self.clock.advance(0)
        self.assertTrue(self.wire.aborted)

    def test_never_closes(self) -> None:
        """A peer that does not even let itself be closed is cut off after a while."""
        self.producer.pauseProducing()
        self.link.send([Ping()])
        self.link.close("enough")
        self.assertEqual((self.wire.lost, self.wire.aborted), (True, False))
        self.clock.advance(protocol.CLOSE_TIMEOUT_S)
        self.assertTrue(self.wire.aborted)

    def test_others_untouched(self) -> None:
        """Another link of the same exchange goes on."""
        other, wire = BusProtocol(self.exchange), Wire()
        other.makeConnection(wire)
        other.dataReceived(HELLO)
        wire.clear()
        self.producer.pauseProducing()
        for _ in range(100):
            self.link.send([self.megabyte])
        self.lose()
        self.exchange.send(LinkId(2), [Ping()])
        self.assertEqual(wire.value(), encode(Ping()))
        other.dataReceived(encode(Pong()))
        self.assertEqual(self.inbox.messages(), [Pong()])

    def test_too_large_a_message(self) -> None:
        """A message too large for a frame is left out and logged; the others are sent."""
        self.link.send([Ping(), Error(message="x" * FRAME_BYTES_MAX), Pong()])
        self.assertEqual(self.wire.value(), encode(Ping()) + encode(Pong()))


class WritingTests(ProtocolTestCase):
    """What is said in one turn is one write."""

    def writes(self, act: Callable[[], object]) -> list[bytes]:
        written: list[bytes] = []
        self.open()
        self.link._outgoing._write = written.append
        act()
        self.clock.advance(0)
        return written

    def test_send(self) -> None:
        """All messages of one ``send`` are one write."""
        written = self.writes(lambda: self.link.send([Ping(), Pong(), Ping()]))
        self.assertEqual(written, [encode(Ping()) + encode(Pong()) + encode(Ping())])

    def test_forward(self) -> None:
        """All frames that are passed on in one turn are one write."""

        def forward() -> None:
            self.link.forward([b"a", b"b"])
            self.link.forward([b"c"])

        self.assertEqual(self.writes(forward), [b"abc"])

    def test_limits(self) -> None:
        """The limits are in order."""
        self.assertLess(outgoing.LINK_UNSENT_BYTES_SOFT, outgoing.LINK_UNSENT_BYTES_MAX)
        self.assertGreater(outgoing.LINK_UNSENT_BYTES_MAX, FRAME_BYTES_MAX)

    def test_ended(self) -> None:
        """A link that ended says nothing."""
        self.open()
        self.lose()
        self.link.send([Ping()])
        self.link.forward([b"x"])
        self.link.close("late")
        self.clock.advance(10)
        self.assertEqual((self.wire.value(), self.wire.lost), (b"", False))
