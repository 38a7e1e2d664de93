"""
The site under every daemon's one port: limits, timeouts, and the access log.

Dates of the access log come from our own formatter: twisted.web's reads
``reactor.seconds``, which is steady time here and no date at all.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from mesostw.interfaces import IClock

#: A body over this is refused by its length, in bytes; that of the largest bus frame.
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
#: A connection without a request is closed after this, in seconds.
IDLE_TIMEOUT_S: Final = 60.0
#: A request that has not come whole by then is dropped, however it dribbles in.
REQUEST_TIMEOUT_S: Final = 60.0


class HouseRequest(Request):
    """A request with a limited body and a limited time to arrive."""

    def __init__(self, channel: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(channel, *args, **kwargs)
        self._bytes, self._refused = 0, False
        self._too_late: IDelayedCall | None = channel.callLater(REQUEST_TIMEOUT_S, self._expire)

    def _expire(self) -> None:
        self._too_late = None
        self.channel.forceAbortClient()

    def _arrived(self) -> None:
        if self._too_late is not None and self._too_late.active():
            self._too_late.cancel()
        self._too_late = None

    def gotLength(self, length: int | None) -> None:
        if length is not None and length > BODY_BYTES_MAX:
            self._refuse_size()
            length = 0
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > BODY_BYTES_MAX:
            self._refuse_size()
            return
        super().handleContentChunk(data)

    def _refuse_size(self) -> None:
        if self._refused:
            return
        self._refused = True
        text = f"A body may have at most {BODY_BYTES_MAX} bytes.\n".encode()
        self._arrived()
        self.channel.write(
            b"HTTP/1.1 413 Request Entity Too Large\r\nConnection: close\r\n"
            b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
        )
        self.channel.loseConnection()

    def process(self) -> None:
        self._arrived()
        if self._refused:
            return
        super().process()

    def connectionLost(self, reason: Any) -> None:
        self._arrived()
        super().connectionLost(reason)


class HouseSite(Site):
    """A site with one log line a request, through the daemon's own log."""

    _said = Logger()

    def __init__(
        self,
        root: IResource,
        clock: IClock,
        access: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(root, timeout=IDLE_TIMEOUT_S, reactor=clock)
        self.displayTracebacks = False
        self.requestFactory = HouseRequest
        self._clock, self._access = clock, access

    def startFactory(self) -> None:
        # Twisted's would keep a date up to date by the reactor's clock.
        pass

    def stopFactory(self) -> None:
        pass

    def getResourceFor(self, request: Any) -> IResource:
        # Nobody needs to know which release of which library this is.
        request.setHeader(b"server", b"mesostw")
        found: IResource = super().getResourceFor(request)
        return found

    def log(self, request: Any) -> None:
        line = AccessLine(request, self._clock.wall())
        if self._access is not None:
            self._access(str(line))
        else:
            self._said.debug("{line}", line=line)


class AccessLine:
    """A line that is made when it is written; at most levels it never is."""

    __slots__ = ("_request", "_wall")

    def __init__(self, request: Any, wall: float) -> None:
        self._request, self._wall = request, wall

    def __str__(self) -> str:
        return access_line(self._request, self._wall)


def access_line(request: Any, wall: float) -> str:
    """One request in the combined log format, dated by the wall clock in UTC."""
    date = datetime.fromtimestamp(wall, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    peer = request.getClientAddress()
    line = b" ".join((request.method, request.uri, request.clientproto))
    agent = _quoted(request.getHeader(b"user-agent") or b"-")
    referer = _quoted(request.getHeader(b"referer") or b"-")
    return (
        f'{getattr(peer, "host", "-")} - - [{date}] "{_quoted(line)}" {request.code} '
        f'{request.sentLength or "-"} "{referer}" "{agent}"'
    )


def _quoted(text: bytes) -> str:
    # A log line is one line, whatever a client puts in its headers.
    return text.decode("utf-8", "backslashreplace").translate(_ESCAPES)


_ESCAPES: Final = {code: f"\\x{code:02x}" for code in (*range(32), 127, ord('"'), ord("\\"))}
