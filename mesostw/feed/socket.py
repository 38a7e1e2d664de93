"""
``GET /api/v1/live``: sessions over WebSockets, under twisted.web on the one port.

Note [Producer]: twisted.web has registered its channel as the transport's producer.
Autobahn takes the transport over without taking that back, so ``registerProducer``
would raise, and without a producer one reader that stalls grows the daemon without
limit.  We unregister first, then are told by ``pauseProducing`` that a client is slow.

Note [Direct]: a frame is written straight to an idle socket, which costs a third of
what the transport's queue costs (9 against 25 us); anything else goes the plain way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast
from urllib.parse import urlsplit

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny
from twisted.internet.interfaces import IConsumer, IPushProducer, ITCPTransport
from twisted.internet.tcp import Connection
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import Request
from zope.interface import implementer

from mesostw.feed.frames import PROTOCOL, Frame
from mesostw.feed.live import Live
from mesostw.feed.sessions import Session

MESSAGE_BYTES_MAX: Final = 65_536
#: A handshake or a closing handshake that takes longer is dropped, in seconds.
HANDSHAKE_TIMEOUT_S: Final = 5
CLOSE_TIMEOUT_S: Final = 2
#: A ping that is not answered ends the session, in seconds.
PING_INTERVAL_S: Final = 20
PING_TIMEOUT_S: Final = 20


@implementer(IPushProducer)
class LiveSocket(WebSocketServerProtocol):
    """One browser, or anything else that speaks ``mesostw.live.v1``."""

    # Autobahn owns the name ``log``, and swallows what its hooks raise.
    _said = Logger()
    transport: ITCPTransport

    def __init__(self, live: Live) -> None:
        super().__init__()
        self._live = live
        self._session: Session | None = None
        self._direct: Callable[[bytes], int] | None = None

    # --- Autobahn's hooks

    def onConnect(self, request: Any) -> str | None:
        if PROTOCOL not in request.protocols:
            raise ConnectionDeny(400, f"subprotocol {PROTOCOL} is required")
        return PROTOCOL

    def onOpen(self) -> None:
        try:
            self._direct = direct_write(self.transport)
            # See Note [Producer].
            consumer = cast(IConsumer, self.transport)
            consumer.unregisterProducer()
            consumer.registerProducer(self, True)
            self._session = self._live.opened(self)
        except Exception:  # noqa: BLE001 (logged; Autobahn would swallow it)
            self._said.failure("a live socket could not be opened")
            self.sendClose(4500, "internal error")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        session = self._session
        if session is None:
            return
        if isBinary:
            self.end(4400, "text only")
            return
        try:
            self._live.heard(session, payload)
        except Exception:  # noqa: BLE001 (logged; Autobahn would swallow it)
            self._said.failure("a live message failed: {payload}", payload=payload[:200])
            self.end(4500, "internal error")

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        # Before anything flushes again: a frame to a closed socket raises Disconnected.
        session, self._session = self._session, None
        if session is not None:
            self._live.closed(session)

    # --- IPushProducer: the transport's buffer is full, or has drained

    def pauseProducing(self) -> None:
        if self._session is not None:
            self._live.paused(self._session)

    def resumeProducing(self) -> None:
        if self._session is not None:
            self._live.resumed(self._session)

    def stopProducing(self) -> None:
        pass

    # --- Outlet

    def say(self, frame: Frame) -> None:
        if self.state != self.STATE_OPEN:
            return
        framed = frame.framed
        if self._direct is not None and not self.send_queue:
            sent = self._direct(framed)
            if sent == len(framed):
                return
            framed = framed[sent:]
        self.transport.write(framed)

    def end(self, code: int, reason: str) -> None:
        if self.state == self.STATE_OPEN:
            self.sendClose(code, reason[:120])


def direct_write(transport: object) -> Callable[[bytes], int] | None:
    """
    A call that writes what it can of some bytes to an idle socket, now.

    ``None`` where there is no plain socket below (TLS, a test's transport).  Uses two
    private names of Twisted; ``tests.feed.test_socket`` holds them to what is assumed here.
    """
    if not isinstance(transport, Connection) or getattr(transport, "TLS", False):
        return None
    connection = cast(Any, transport)

    def write(framed: bytes) -> int:
        if connection.dataBuffer or connection._tempDataBuffer or not connection.connected:
            return 0
        try:
            return int(connection.socket.send(framed))
        except OSError:
            # Full, or broken: the transport finds out which by its own write.
            return 0

    return write


class LiveFactory(WebSocketServerFactory):
    """Makes sockets that belong to one :class:`Live`."""

    def __init__(self, live: Live, reactor: object) -> None:
        super().__init__(protocols=[PROTOCOL], reactor=reactor, server="mesostw")
        self._live = live
        self.setProtocolOptions(
            versions=[13],
            maxFramePayloadSize=MESSAGE_BYTES_MAX,
            maxMessagePayloadSize=MESSAGE_BYTES_MAX,
            openHandshakeTimeout=HANDSHAKE_TIMEOUT_S,
            closeHandshakeTimeout=CLOSE_TIMEOUT_S,
            autoPingInterval=PING_INTERVAL_S,
            autoPingTimeout=PING_TIMEOUT_S,
            perMessageCompressionAccept=lambda _offers: None,
            tcpNoDelay=True,
            # Who breaks the rules is told which, by a close frame.
            failByDrop=False,
        )

    def buildProtocol(self, addr: object) -> LiveSocket:
        socket = LiveSocket(self._live)
        socket.factory = self
        return socket


class LiveResource(Resource):
    """
    The upgrade to a WebSocket, for pages of this origin only.

    :param origins: further origins (``https://ops.example``) whose pages may look.
    """

    def __init__(self, factory: LiveFactory, origins: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.isLeaf = True
        self._sockets = WebSocketResource(factory)
        self._origins = origins

    def render_GET(self, request: Request) -> bytes | int:
        upgrade = (request.getHeader(b"upgrade") or b"").lower()
        if upgrade != b"websocket":
            request.setResponseCode(426)
            request.setHeader(b"upgrade", b"websocket")
            request.setHeader(b"content-type", b"text/plain; charset=utf-8")
            return f"This is a WebSocket of subprotocol {PROTOCOL}.\n".encode()
        if not self._is_welcome(request):
            request.setResponseCode(403)
            request.setHeader(b"content-type", b"text/plain; charset=utf-8")
            return b"Pages of another origin may not follow this cluster.\n"
        answer: bytes | int = self._sockets.render(request)
        return answer

    def _is_welcome(self, request: Request) -> bool:
        # Without this any web page that an operator visits could read the cluster.
        # What is no browser sends no Origin.
        origin = request.getHeader(b"origin")
        if origin is None:
            return True
        text = origin.decode("utf-8", "replace")
        host = (request.getHeader(b"host") or b"").decode("utf-8", "replace")
        try:
            return text in self._origins or urlsplit(text).netloc.lower() == host.lower()
        except ValueError:
            return False
