"""
What a scheduler's and an executor's conversations have in common.

One link at a time, dialled again after each end; events delivered to the user's
callbacks one at a time in the order of arrival; one end, for good.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.core.outcome import Heard, LinkClosed, LinkOpened
from mesostw.interfaces import IDialer, IExchange, IInbox
from mesostw.model.ids import LinkId
from mesostw.unattended import unattended


class Disconnected(Struct, frozen=True):
    """The link broke, in its place among the events."""


@implementer(IInbox)
class Conversation:
    """A client's side of a conversation that begins with a subscription."""

    _log = Logger()

    def __init__(self, exchange: IExchange, dialer: IDialer) -> None:
        self._exchange, self._dialer = exchange, dialer
        self._link: LinkId | None = None
        #: Whether the subscription was said on the present link, and answered.
        self._greeted = self._subscribed = False
        self._held = self._stopped = False
        self._events: deque[Struct] = deque()
        self._delivering = False
        self._hang_up: Callable[[], None] = _nothing
        self._ended: Deferred[None] = Deferred()
        exchange.inbox = self

    # --- what each conversation says for itself -------------------------------
    # It must have the first three: who forgets one hears of it, not the master or the user.

    def _greeting(self) -> Struct:
        """Return the subscription, which is said first on every link."""
        raise NotImplementedError

    def _heard(self, message: Struct) -> None:
        """Deal with a message, or deliver it to the user."""
        raise NotImplementedError

    async def _tell_user(self, event: Struct) -> None:
        """Call the user's callback; what it raises ends the conversation."""
        raise NotImplementedError

    def _link_opened(self) -> None:
        """Begin to watch a new link."""

    def _link_closed(self) -> None:
        """Stop to watch a link that has ended."""

    def _finished(self) -> None:
        """Let go of timers: the conversation is over."""

    # --- life -------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the subscription was answered on the present link."""
        return self._subscribed

    def _dial(self, address: str) -> Deferred[None]:
        self._hang_up = self._dialer.dial(address)
        return self._ended

    def _end(self, failure: Failure | None) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._events.clear()
        self._finished()
        self._hang_up()
        if self._link is not None:
            self._exchange.close(self._link, "the conversation is over")
        if failure is None:
            self._ended.callback(None)
        else:
            self._ended.errback(failure)

    def _say(self, call: Struct) -> None:
        if self._link is not None and self._subscribed:
            self._exchange.send(self._link, [call])

    def hold(self, *, held: bool) -> None:
        """
        Subscribe no more, or (``False``) do so again.

        Whoever may have been replaced, and cannot know, would take the master from who has.
        """
        self._held = held
        self._greet()

    # --- what the exchange tells ---------------------------------------------------

    def tell(self, stimuli: Sequence[object]) -> None:
        """Hear what the link does; part of :class:`IInbox`."""
        for stimulus in stimuli:
            match stimulus:
                case Heard(link=link, message=message) if link == self._link:
                    self._heard(message)
                case LinkOpened(link=link):
                    self._opened(link)
                case LinkClosed(link=link) if link == self._link:
                    self._closed()
                case _:
                    pass

    def ask(self, question: Struct) -> Deferred[Struct | None]:
        """Nobody asks a client; part of :class:`IInbox`."""
        raise NotImplementedError(f"a client answers no questions: {question!r}")

    def has_room(self, resume: Callable[[], None]) -> bool:
        """Whether the client keeps up; part of :class:`IInbox`."""
        return True

    def _opened(self, link: LinkId) -> None:
        if self._stopped:
            self._exchange.close(link, "the conversation is over")
            return
        if self._link is not None:
            # Another master leads, and the end of the link to the last one is yet to be heard.
            old = self._link
            self._closed()
            self._exchange.close(old, "another master leads")
        self._link = link
        self._link_opened()
        self._greet()

    def _greet(self) -> None:
        if self._link is not None and not self._held and not self._greeted:
            self._greeted = True
            self._exchange.send(self._link, [self._greeting()])

    def _closed(self) -> None:
        self._link, self._greeted = None, False
        self._link_closed()
        if self._subscribed:
            self._subscribed = False
            self._deliver(Disconnected())

    # --- callbacks, one at a time -----------------------------------------------------

    def _deliver(self, event: Struct) -> None:
        if self._stopped:
            return
        self._events.append(event)
        if not self._delivering:
            self._delivering = True
            # The one failure that can come out of this is the user's own.
            unattended(self._deliver_all(), self._end)

    async def _deliver_all(self) -> None:
        try:
            while self._events:
                await self._tell_user(self._events.popleft())
        finally:
            self._delivering = False


def _nothing() -> None:
    """Before the first dial there is nothing to hang up."""
