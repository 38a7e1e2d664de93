"""Calls over HTTP: what an answer means, and that nothing is left of one."""

from __future__ import annotations

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import TestCase
from twisted.web.client import RequestGenerationFailed, ResponseNeverReceived

from mesostw.model.jobs import NoticeId
from mesostw.notices.calls import ANSWER_TIMEOUT_S, Caller
from mesostw.notices.deliveries import Call, Undeliverable
from mesostw.testing.clock import HeapClock

CALL = Call(NoticeId("n1"), "http://127.0.0.1:8000/hook", {"a": 1})


class Link(StringTransport):
    """One that, as those of real reactors, is not read from any more once it is being lost."""

    def resumeProducing(self) -> None:
        """Read again, unless it is being lost."""
        if not self.disconnecting:
            super().resumeProducing()


class AnswerTests(TestCase):
    """A peer in memory."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.transport = Link()

    def _answered(self, *pieces: bytes) -> Deferred[None]:
        """A call that is answered piece by piece."""
        caller = Caller(self.reactor, HeapClock(), None)
        called = Deferred.fromCoroutine(caller.call(CALL))
        self.reactor.advance(0)
        factory = self.reactor.tcpClients[0][2]
        link = factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 8000))
        assert link is not None
        link.makeConnection(self.transport)
        for piece in pieces:
            link.dataReceived(piece)
        return called

    async def test_a_body_that_comes_late(self) -> None:
        """The answer is its head; the connection does not wait for the rest of it."""
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        await self._answered(head)
        self.assertTrue(self.transport.disconnecting)

    async def test_refused(self) -> None:
        """Also one that refuses is not kept."""
        head = b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
        with self.assertRaises(Undeliverable):
            await self._answered(head)
        self.assertTrue(self.transport.disconnecting)

    async def test_silence(self) -> None:
        """One that does not answer in time is given up, and may be called again."""
        called = self._answered()
        self.reactor.advance(ANSWER_TIMEOUT_S + 1)
        with self.assertRaises((RequestGenerationFailed, ResponseNeverReceived)):
            await called
