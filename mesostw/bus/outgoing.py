"""
What waits to be sent on one connection, counted and bounded.

The transport says by ``pauseProducing`` that it holds enough.  From then on what is to
be sent waits here: past the soft limit the link is crowded, past the hard limit it must
end, and its peer comes back and reconciles.  Nobody's slowness grows a daemon's memory.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final, Protocol

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from mesostw.bus.sending import writer_for

#: Bytes waiting for a peer past which its core hears that the link is crowded.
LINK_UNSENT_BYTES_SOFT: Final = 2 * 1024 * 1024
#: Bytes waiting for a peer past which its link ends: six times all offers of 10,000 agents.
LINK_UNSENT_BYTES_MAX: Final = 64 * 1024 * 1024


class Pressed(Protocol):
    """Who is told how full it is."""

    def crowded(self) -> None:
        """The soft limit was passed."""

    def eased(self) -> None:
        """Nothing waits any more, after :meth:`crowded`."""

    def overflowed(self) -> None:
        """The hard limit was passed; what was written last is dropped."""


@implementer(IPushProducer)
class Outgoing:
    """Writes to ``transport`` in order, at once if it can."""

    __slots__ = ("_crowded", "_paused", "_pressed", "_transport", "_waiting", "_write", "bytes")

    def __init__(self, transport: Any, pressed: Pressed) -> None:
        self._transport = transport
        self._pressed = pressed
        self._write = writer_for(transport)
        self._paused = False
        self._crowded = False
        self._waiting: deque[bytes] = deque()
        #: How many bytes wait here, beside the 64 KiB that the transport takes.
        self.bytes = 0
        transport.registerProducer(self, True)

    def write(self, written: bytes) -> None:
        """Send ``written`` after all before it."""
        if not self._paused:
            self._write(written)
            return
        if self.bytes + len(written) > LINK_UNSENT_BYTES_MAX:
            self._pressed.overflowed()
            return
        self._waiting.append(written)
        self.bytes += len(written)
        if self.bytes > LINK_UNSENT_BYTES_SOFT and not self._crowded:
            self._crowded = True
            self._pressed.crowded()

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        waiting = self._waiting
        while waiting and not self._paused:
            written = waiting.popleft()
            self.bytes -= len(written)
            self._transport.write(written)
        if self._crowded and not waiting:
            self._crowded = False
            self._pressed.eased()

    def stopProducing(self) -> None:
        self.drop()

    def finish(self) -> None:
        """Hand over all that waits; the transport sends it before it closes."""
        self._paused = False
        while self._waiting:
            self._transport.write(self._waiting.popleft())
        self.drop()
        self._transport.unregisterProducer()

    def drop(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self.bytes = 0
