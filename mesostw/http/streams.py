"""
Event streams: an answer that never ends, as a link.

One event is one RecordIO record is one HTTP chunk, written at once: there are clients
that read chunk by chunk and take each for a record.

Note [Slow streams]: the transport says when its buffer is full.  From then on what is
sent waits here, is counted, and past ``STREAM_UNSENT_BYTES_MAX`` ends the stream: its
client comes back and reconciles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.web.server import Request
from zope.interface import implementer

from mesostw.interfaces import IExchange, ILink, Peer
from mesostw.model.ids import LinkId

#: As for links of the bus: past this the core is told, and makes no new offers; in bytes.
STREAM_UNSENT_BYTES_SOFT: Final = 2 * 1024 * 1024
STREAM_UNSENT_BYTES_MAX: Final = 64 * 1024 * 1024
#: A stream that is closed has so long to take what it was sent, in seconds.
CLOSE_TIMEOUT_S: Final = 5.0


@implementer(ILink, IPushProducer)
class EventStream:
    """
    The answer to one SUBSCRIBE.

    :param encode: one event as JSON.
    :param sending: is told of each event before it is sent.
    :param gone: is told when the stream has ended, whoever ended it.
    """

    link: LinkId

    def __init__(
        self,
        request: Request,
        exchange: IExchange,
        clock: IReactorTime,
        encode: Callable[[Struct], bytes],
        *,
        sending: Callable[[EventStream, Struct], None],
        gone: Callable[[EventStream], None],
    ) -> None:
        self._request, self._exchange, self._clock = request, exchange, clock
        self._encode, self._sending, self._gone = encode, sending, gone
        self._waiting: list[bytes] = []
        self._unsent = 0
        self._paused = self._crowded = self._finished = False
        self._closing: str | None = None
        self._abort: IDelayedCall | None = None

    def open(self, peer: Peer, headers: dict[str, str]) -> LinkId:
        """Send the head of the answer and become a link of the exchange."""
        request = self._request
        for name, value in headers.items():
            request.setHeader(name, value)
        request.write(b"")
        request.registerProducer(self, True)
        _ = request.notifyFinish().addBoth(self._ended)
        self.link = self._exchange.admit(self, peer)
        return self.link

    # --- ILink

    def send(self, messages: Sequence[Struct]) -> None:
        if self._finished or self._closing is not None:
            return
        encode, sending, chunked = self._encode, self._sending, self._request.chunked
        parts = []
        for message in messages:
            sending(self, message)
            text = encode(message)
            record = b"%d\n%b" % (len(text), text)
            parts.append(b"%x\r\n%b\r\n" % (len(record), record) if chunked else record)
        written = b"".join(parts)
        if not self._paused:
            self._request.channel.write(written)
            return
        self._waiting.append(written)
        self._unsent += len(written)
        if self._unsent > STREAM_UNSENT_BYTES_MAX:
            self._drop(f"over {STREAM_UNSENT_BYTES_MAX} bytes wait to be sent")
        elif self._unsent > STREAM_UNSENT_BYTES_SOFT and not self._crowded:
            self._crowded = True
            # Not in this call: a link never calls back while it is spoken to.
            self._clock.callLater(0, self._exchange.crowded, self.link)

    def close(self, reason: str) -> None:
        if self._closing is not None or self._finished:
            return
        self._closing = reason
        if self._paused:
            self._abort = self._clock.callLater(CLOSE_TIMEOUT_S, self._drop, reason)
        else:
            self._clock.callLater(0, self._finish)

    # --- IPushProducer

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        waiting, self._waiting, self._unsent = self._waiting, [], 0
        if waiting:
            # This may pause again at once; what follows then waits for the next time.
            self._request.channel.write(b"".join(waiting))
        if self._paused:
            return
        if self._crowded:
            self._crowded = False
            self._exchange.eased(self.link)
        if self._closing is not None:
            self._finish()

    def stopProducing(self) -> None:
        self._paused = True

    # --- endings

    def _finish(self) -> None:
        if not self._finished:
            self._request.unregisterProducer()
            self._request.finish()

    def _drop(self, reason: str) -> None:
        if self._finished:
            return
        self._closing, self._waiting, self._unsent = reason, [], 0
        self._clock.callLater(0, self._cut)

    def _cut(self) -> None:
        if not self._finished:
            self._request.channel.forceAbortClient()

    def _ended(self, _result: object) -> None:
        self._finished, self._waiting = True, []
        if self._abort is not None and self._abort.active():
            self._abort.cancel()
        self._gone(self)
        self._exchange.ended(self.link, self._closing or "the client has gone")
