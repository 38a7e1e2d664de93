"""
Two connections made one: a browser's WebSocket and a framework's.

Bytes are passed on unread, each way no faster than the other side takes them.  The
browser's side is a connection that twisted.web has served until now: its channel was the
transport's producer, so that has to be unregistered before ours is registered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IProtocolFactory, IPushProducer, ITransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from mesostw.http.errors import HttpRefusal
from mesostw.http.rendering import JSON, Reply, json_reply, query_of, write

#: Pairs that there may be; as many as a board takes sessions.
SPLICES_MAX: Final = 5_000


class _Side(Protocol):
    """One of the two; what it hears it says to the other."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended
        self.other: _Side | None = None

    def join(self, other: _Side) -> None:
        """Pass on to ``other`` from now on, and let it slow this side down."""
        self.other = other
        assert self.transport is not None
        assert other.transport is not None
        cast(IConsumer, other.transport).registerProducer(cast(IPushProducer, self.transport), True)

    def dataReceived(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        other, self.other = self.other, None
        if other is not None and other.transport is not None:
            cast(IConsumer, other.transport).unregisterProducer()
            other.transport.loseConnection()
        self._ended()


class Splices:
    """
    The pairs of one door.

    :param dial: connects a factory's protocol to a host and port.
    """

    _log = Logger()

    def __init__(self, dial: Callable[[str, int, IProtocolFactory], Deferred[Protocol]]) -> None:
        self._dial = dial
        self._pairs = 0

    def begin(self, request: Request, host: str, port: int, opening: bytes) -> None:
        """
        Join the connection of ``request`` with one to ``host``, which first hears ``opening``.

        :raises HttpRefusal: there are too many.
        """
        if self._pairs >= SPLICES_MAX:
            raise HttpRefusal.unavailable(f"{SPLICES_MAX} pages follow already; try again.")
        self._pairs += 1
        gone: list[object] = []
        _ = request.notifyFinish().addErrback(gone.append)
        far = _Side(self._ended)
        dialled = self._dial(host, port, Factory.forProtocol(lambda: far))

        def connected(_: object) -> None:
            assert far.transport is not None
            if gone:
                far.transport.loseConnection()
                return
            near = _Side(_nothing)
            _take_over(request, near)
            near.join(far)
            far.join(near)
            far.transport.write(opening)

        def failed(fault: Failure) -> None:
            self._ended()
            if not gone:
                text = f"{host}:{port} cannot be reached: {fault.getErrorMessage()[:200]}"
                told = json_reply({"message": text})
                body = write(request, query_of(request), Reply(told.body, JSON, 502))
                request.write(body if isinstance(body, bytes) else b"")
                request.finish()

        _ = dialled.addCallbacks(connected, failed)
        _ = dialled.addErrback(self._broken)

    def _broken(self, fault: Failure) -> None:
        self._log.failure("two connections could not be joined", fault)

    def _ended(self) -> None:
        self._pairs -= 1


def _take_over(request: Request, protocol: Protocol) -> None:
    """Make ``protocol`` the one that hears the request's connection from now on."""
    channel: Any = request.channel
    transport: Any = channel.transport
    # What is written to the request from now on goes nowhere.
    channel.transport = None
    transport.unregisterProducer()
    transport.protocol = protocol
    protocol.makeConnection(cast(ITransport, transport))
    # The channel had paused it while its request was being served.
    network = getattr(channel, "_networkProducer", None) or transport
    network.resumeProducing()


def _nothing() -> None:
    """The other side counts the pair."""
