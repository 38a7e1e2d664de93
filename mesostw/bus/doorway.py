"""
One port a daemon: the first bytes tell the bus from HTTP.

Whoever begins with the bus preface gets a link; all others get the web site.  With TLS
the same bytes come after the handshake, and nothing here changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from twisted.internet.interfaces import IAddress, IDelayedCall, IProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw.bus.protocol import PREFACE, BusProtocol
from mesostw.bus.sending import set_up_socket

if TYPE_CHECKING:
    from mesostw.bus.exchange import Exchange

#: Seconds until a visitor must have said enough to tell the bus from HTTP.
PREFACE_TIMEOUT_S: Final = 10.0
#: Connections that may wait to be accepted; with Twisted's 50 ten thousand agents that
#: come at once take three times as long and the kernel speaks of a flood.
BACKLOG: Final = 4096
#: What HTTP is answered while there is no site yet: a daemon listens before it has read its store.
NOT_YET: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 41\r\n\r\n"
    b"This daemon is starting; try again soon.\n"
)


class Visitor(Protocol):
    """A connection that has not said what it is; afterwards it only hands bytes on."""

    _log = Logger()
    transport: Any

    def __init__(self, doorway: Doorway, address: IAddress) -> None:
        self._doorway = doorway
        self._address = address
        self._said = b""
        self._inner: IProtocol | None = None
        self._timeout: IDelayedCall | None = None

    def connectionMade(self) -> None:
        set_up_socket(self.transport)
        clock = self._doorway.exchange.clock
        self._timeout = clock.callLater(PREFACE_TIMEOUT_S, self._too_slow)

    def _too_slow(self) -> None:
        self._timeout = None
        self._turn_away(f"said nothing for {PREFACE_TIMEOUT_S:g} s")

    def _turn_away(self, reason: str) -> None:
        peer = self.transport.getPeer()
        self._log.warn("{peer} is turned away: {reason}", peer=peer, reason=reason)
        self.transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.dataReceived(data)
            return
        self._said += data
        if self._said.startswith(PREFACE):
            self._enter(BusProtocol(self._doorway.exchange), self._said[len(PREFACE) :])
        elif PREFACE.startswith(self._said):
            return
        elif not _may_be_http(self._said):
            self._cancel_timeout()
            self._turn_away("does not speak the bus or HTTP")
        elif self._doorway.site is None:
            self._cancel_timeout()
            self.transport.write(NOT_YET)
            self.transport.loseConnection()
        else:
            channel = self._doorway.site.buildProtocol(self._address)
            if channel is not None:
                self._enter(channel, self._said)

    def _enter(self, inner: IProtocol, said: bytes) -> None:
        self._cancel_timeout()
        self._inner = inner
        self._said = b""
        inner.makeConnection(self.transport)
        if said:
            inner.dataReceived(said)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._cancel_timeout()
        if self._inner is not None:
            self._inner.connectionLost(reason)


def _may_be_http(said: bytes) -> bool:
    """Whether a request may begin so: with a letter, or an empty line that nobody minds."""
    return said[:1].isalpha() or said[:1] in b"\r\n"


class Doorway(Factory):
    """
    What listens on a daemon's port, with a backlog of ``BACKLOG``.

    :param site: the web site's factory; as long as there is none HTTP is answered by 503.
    """

    # Two lines in the log for each connection would say less than the exchange does.
    noisy = False

    def __init__(self, exchange: Exchange, site: Factory[Any] | None = None) -> None:
        self.exchange = exchange
        self.site = site

    def startFactory(self) -> None:
        if self.site is not None:
            self.site.doStart()

    def stopFactory(self) -> None:
        if self.site is not None:
            self.site.doStop()

    def buildProtocol(self, addr: IAddress | None) -> Visitor:
        assert addr is not None
        return Visitor(self, addr)
