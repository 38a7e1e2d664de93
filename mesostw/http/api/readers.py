"""
Server-Sent Events: how they look on the wire, and one client that reads them.

A client that does not read holds up nobody: its events wait, up to a number, then it is cut
off.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

from mesostw.http.api.asking import encode

EVENT_STREAM: Final = "text/event-stream"
#: Seconds between two signs of life.
HEARTBEAT_S: Final = 10.0
HEARTBEAT: Final = b"\r\n"
#: Readers at a time.
READERS_MAX: Final = 2_000


def framed(kind: str, shape: dict[str, object], number: str = "") -> bytes:
    """
    An event as Server-Sent Events have it.

    :param number: what a reader that comes back names as the last that it has; empty is none.
    """
    named = b"id: %b\r\n" % number.encode() if number else b""
    return b"%bevent: %b\r\ndata: %b\r\n\r\n" % (named, kind.encode(), encode(shape))


@implementer(IPushProducer)
class Reader:
    """
    One client of the stream.

    :param waiting_max: events that may wait for it before it is cut off.
    """

    def __init__(self, request: Request, waiting_max: int) -> None:
        self._request, self._waiting_max = request, waiting_max
        self._waiting: deque[bytes] = deque()
        self._paused = self._ended = False

    def open(self, gone: Callable[[], None]) -> None:
        """Send the head of the answer; ``gone`` is told once when the client has left."""
        _ = self._request.notifyFinish().addBoth(lambda _result: self._left(gone))
        self._request.setHeader("content-type", EVENT_STREAM + "; charset=utf-8")
        self._request.write(b"")
        self._request.registerProducer(self, True)

    def _left(self, gone: Callable[[], None]) -> None:
        self._ended = True
        self._waiting.clear()
        gone()

    def tell(self, frame: bytes) -> None:
        """Send an event, or have it wait while the client does not read."""
        if self._ended:
            return
        if not self._paused:
            self._request.write(frame)
            return
        self._waiting.append(frame)
        if len(self._waiting) > self._waiting_max:
            self._ended = True
            self._waiting.clear()
            self._request.channel.forceAbortClient()

    def beat(self) -> None:
        """Show that the stream lives; one that waits is shown by what it waits for."""
        if not self._paused and not self._ended:
            self._request.write(HEARTBEAT)

    # --- IPushProducer

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        while self._waiting and not self._paused:
            self._request.write(self._waiting.popleft())

    def stopProducing(self) -> None:
        self._paused = True
