"""
One connection of the bus: frames outside, messages inside.

What messages mean is for a core to say; who is connected is for the exchange.

Note [Fast writers]
    All frames of one read are told at once.  If the inbox has no room after that, the
    connection is not read until there is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.bus.outgoing import LINK_UNSENT_BYTES_MAX, Outgoing
from mesostw.bus.sending import set_up_socket
from mesostw.interfaces import IFrameLink, Peer
from mesostw.messages.hello import Hello, Unwelcome, Welcome
from mesostw.model.ids import LinkId
from mesostw.wire.codec import decode, encode, encode_all
from mesostw.wire.errors import MalformedFrame
from mesostw.wire.framing import Frame, Frames

if TYPE_CHECKING:
    from mesostw.bus.exchange import Exchange

#: The first bytes of whoever dials; no HTTP method begins so.
PREFACE: Final = b"mesostw-bus/1\n"
#: Seconds until a new connection must have said who it is.
HELLO_TIMEOUT_S: Final = 10.0
#: Seconds that one frame may take to come in whole.
FRAME_TIMEOUT_S: Final = 60.0
#: Seconds that a closed link may take to send what was said before.
CLOSE_TIMEOUT_S: Final = 5.0


@implementer(IFrameLink)
class BusProtocol(Protocol):
    """
    A link over a stream transport.

    :param greeting: what the end that dialled says at once; ``None`` for the other, whose
        transport gives what follows the preface.
    :param address: what was dialled.
    """

    _log = Logger()
    transport: Any
    _outgoing: Outgoing

    def __init__(
        self, exchange: Exchange, greeting: Hello | None = None, address: str = ""
    ) -> None:
        self._exchange = exchange
        self._greeting = greeting
        self._address = address
        self._frames = Frames()
        self._number: LinkId | None = None
        self._reason = ""
        self._open = False
        self._timeout: IDelayedCall | None = None
        # Frames that are passed on and wait for the end of this reactor turn.
        self._passed: list[bytes] = []
        # Reads in which a frame ended, and how many there were when a frame was last seen
        # unfinished: so the watch on slow frames costs nothing a frame.
        self._ended = 0
        self._ended_before = 0
        self._answered: Deferred[Welcome | Unwelcome | None] | None = None

    @property
    def remote(self) -> str:
        """``ip:port`` of the peer."""
        peer = self.transport.getPeer()
        host, port = getattr(peer, "host", None), getattr(peer, "port", None)
        return str(peer) if host is None else f"{host}:{port}"

    # --- its life -------------------------------------------------------------

    def connectionMade(self) -> None:
        if self._greeting is not None:
            # The other end's doorway has done it there.
            set_up_socket(self.transport)
        self._outgoing = Outgoing(self.transport, self)
        self._open = True
        self._timeout = self._exchange.clock.callLater(HELLO_TIMEOUT_S, self._too_slow)
        if self._greeting is not None:
            self._outgoing.write(PREFACE + encode(self._greeting))

    def _too_slow(self) -> None:
        self._timeout = None
        self.abort(f"no hello within {HELLO_TIMEOUT_S:g} s")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._open = False
        self._passed = []
        self._outgoing.drop()
        self._cancel_timeout()
        if self._number is not None:
            self._exchange.ended(self._number, self._reason or reason.getErrorMessage())
        self._tell_answer(None)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def abort(self, reason: str) -> None:
        """End the connection now, for a fault of the peer; it is logged once, here."""
        if not self._open:
            return
        self._open = False
        self._reason = reason
        self._outgoing.drop()
        self._log.warn(
            "link {link} with {remote} is cut: {reason}",
            link=self._number or "(no hello)",
            remote=self.remote,
            reason=reason,
        )
        self.transport.abortConnection()

    def close(self, reason: str) -> None:
        if not self._open:
            return
        self.flush()
        self._open = False
        self._reason = reason
        self._outgoing.finish()
        self._cancel_timeout()
        self._timeout = self._exchange.clock.callLater(CLOSE_TIMEOUT_S, self._close_now)
        self.transport.loseConnection()

    def _close_now(self) -> None:
        self._timeout = None
        self.transport.abortConnection()

    # --- reading --------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        if not self._open:
            return
        exchange = self._exchange
        routed: defaultdict[int, list[bytes]] | None = None
        if exchange.forwards:
            routed = defaultdict(list)
        try:
            frames = self._frames.take(data, routed)
            if frames:
                self._read(frames)
        except MalformedFrame as fault:
            self.abort(f"malformed: {fault}")
            return
        if frames or routed:
            self._ended += 1
            if routed and self._number is not None:
                exchange.forward(self._number, routed)
            # See Note [Fast writers].
            if not exchange.inbox.has_room(self._resume_reading):
                self._pause_reading()
        if self._timeout is None and self._frames.unfinished:
            self._watch_frame()

    def _read(self, frames: list[Frame]) -> None:
        number = self._number
        if number is None:
            kind, _, _, body = frames.pop(0)
            number = self._greet(decode(kind, body))
        if number is not None and frames:
            self._exchange.read(number, frames)

    def _pause_reading(self) -> None:
        if self._open:
            self.transport.pauseProducing()

    def _resume_reading(self) -> None:
        if self._open:
            self.transport.resumeProducing()

    def _watch_frame(self) -> None:
        if not self._open:
            return
        self._ended_before = self._ended
        self._timeout = self._exchange.clock.callLater(FRAME_TIMEOUT_S, self._check_frame)

    def _check_frame(self) -> None:
        self._timeout = None
        if self._frames.unfinished:
            if self._ended == self._ended_before:
                self.abort(f"a frame took over {FRAME_TIMEOUT_S:g} s")
            else:
                self._watch_frame()

    # --- hello ----------------------------------------------------------------

    def _greet(self, first: Struct | None) -> LinkId | None:
        """Settle who the peer is; gives the link's number if it may be used."""
        match first:
            case Hello() if self._greeting is None:
                answer = self._exchange.greet(first)
                self._outgoing.write(encode(answer))
                if isinstance(answer, Unwelcome):
                    self.close(answer.message)
                    return None
                peer = Peer(first.role, first.id, first.version, first.address or self.remote)
            case Welcome() if self._greeting is not None:
                self._tell_answer(first)
                peer = Peer(first.role, first.id, first.version, self._address or self.remote)
            case Unwelcome() if self._greeting is not None:
                self._tell_answer(first)
                self.close(f"unwelcome: {first.message}")
                return None
            case _:
                said = "nothing known" if first is None else type(first).__name__
                message = f"{said} where a hello belongs"
                raise MalformedFrame(message)
        self._cancel_timeout()
        self._number = self._exchange.admit(self, peer)
        return self._number

    def _tell_answer(self, answer: Welcome | Unwelcome | None) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            answered.callback(answer)

    def when_answered(self) -> Deferred[Welcome | Unwelcome | None]:
        """Fires with what answers our hello; with ``None`` if the link ends without."""
        self._answered = Deferred()
        return self._answered

    # --- writing --------------------------------------------------------------

    def send(self, messages: Sequence[Struct]) -> None:
        if not self._open:
            return
        try:
            parts = [*self._passed, encode_all(messages)]
        except MalformedFrame as fault:
            parts = [*self._passed, *self._sendable(messages)]
            self._log.error("not sent on link {link}: {fault}", link=self._number, fault=fault)
        self._passed = []
        self._outgoing.write(parts[0] if len(parts) == 1 else b"".join(parts))

    def _sendable(self, messages: Sequence[Struct]) -> Iterator[bytes]:
        """The frames of those messages that are not too large for one."""
        for message in messages:
            with suppress(MalformedFrame):
                yield encode(message)

    def forward(self, frames: Sequence[bytes]) -> None:
        if not self._open:
            return
        if not self._passed:
            self._exchange.flush_soon(self.flush)
        self._passed += frames

    def flush(self) -> None:
        """Write what was passed on in this reactor turn."""
        passed = self._passed
        if passed and self._open:
            self._passed = []
            self._outgoing.write(b"".join(passed))

    def crowded(self) -> None:
        """Tell the core; called by what waits to be sent."""
        if self._number is not None:
            self._exchange.crowded(self._number)

    def eased(self) -> None:
        """Tell the core; called by what waits to be sent."""
        if self._number is not None:
            self._exchange.eased(self._number)

    def overflowed(self) -> None:
        """End the link, whose peer does not read."""
        self.abort(f"over {LINK_UNSENT_BYTES_MAX} bytes wait to be sent")
