"""
That nobody else can lead yet: what a leader answers by.

A write carries its epoch, and needs nothing else to be harmless.  But a leader that was stopped,
or cut off, goes on before it hears that its session has ended, and what it remembers may be old
then.  So it asks again and again whether its session lasts, and counts from a question that
ZooKeeper has certainly heard of, not from an answer, which may have waited for us.

Whose session or node somebody else takes away, as an operator can, hears of it by its watch.

Note [Why a transaction]
    A server that is cut off from the others answers reads and pings for some seconds more,
    while those may end our session.  A transaction is answered once most of them have it,
    and not for a session that has ended.  This one only checks that our node is there.

Note [When it counts]
    Sessions are ended by the one server that leads the others, and it may be another than ours.
    Ours passes a transaction on at once, but that it has *heard* of us it tells only when it is
    pinged, each half tick, which is a quarter of a session at most.  So a session that was nearly
    over when it asked is answered well, and may end a moment later: with ticks of 2 s and
    sessions of 4 s, after 4 to 90 hundredths of a second, and not rarely.

    Requests, pings and their answers go one way in one order.  So when the question before the
    last was answered, and it had been asked a quarter of a session after an earlier one, then the
    answer to the last says that the earlier one was passed on: the session lasts for its
    whole time from then.  The same goes for the moment at which its link was dialled: a server
    takes a session, new or old, when the one that leads has said that it lasts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw.interfaces import IClock, IZooSession
from mesostw.model.zookeeper import ConnectionLost, NoNode, NotConnected, SessionExpired

#: How often it is asked, as a part of the session's time: what is proved is half of that time.
ASK_SHARE: Final = 1 / 12
#: After which part of it a question was passed on.  See Note [When it counts].
PASSED_SHARE: Final = 1 / 3


class Proof:
    """
    That a session lasts, and our node with it.

    :param ask: asks most servers; fires if it is so.  See Note [Why a transaction].
    """

    _log = Logger()

    def __init__(
        self, clock: IClock, session: IZooSession, ask: Callable[[], Deferred[Any]]
    ) -> None:
        self._clock, self._session, self._ask = clock, session, ask
        self._refuted = False
        #: From when on the session lasts for its whole time, if not since it was dialled.
        self._since = -inf
        #: When questions were asked that have been answered since.
        self._answered: deque[float] = deque()
        self._asked: Deferred[None] | None = None
        self._next: IDelayedCall | None = None

    def holds(self) -> bool:
        """Whether nobody else can lead now."""
        since = max(self._since, self._session.dialled_at)
        return not self._refuted and self._clock.seconds() < since + self._session.timeout_s

    def renew(self) -> None:
        """Ask now, and from now on."""
        if self._next is not None:
            self._next.cancel()
        self._renew()

    def _renew(self) -> None:
        every_s = self._session.timeout_s * ASK_SHARE
        self._next = self._clock.callLater(every_s, self._renew)
        if self._asked is None:
            asked_at = self._clock.seconds()
            asked: Deferred[None] = self._ask().addCallback(self._proved, asked_at)
            self._asked = asked
            _ = asked.addErrback(self._failed).addBoth(self._done, asked_at)

    def end(self) -> None:
        """Ask no more; it holds no longer."""
        self._refuted = True
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._asked is not None:
            self._asked.cancel()

    def _proved(self, _: object, asked_at: float) -> None:
        if self._next is None:
            return
        answered = self._answered
        if answered:
            # The one before was answered before this was asked.
            passed_on = answered[-1] - self._session.timeout_s * PASSED_SHARE
            while len(answered) > 1 and answered[1] <= passed_on:
                answered.popleft()
            if answered[0] <= passed_on:
                self._since = answered[0]
        answered.append(asked_at)

    def _failed(self, failure: Failure) -> None:
        if failure.check(SessionExpired, NoNode):
            # Those who look after the session and the node hear of it too.
            self._refuted = True
        elif not failure.check(ConnectionLost, NotConnected, CancelledError):
            self._log.failure("whether we lead cannot be asked", failure)

    def _done(self, _: None, asked_at: float) -> None:
        self._asked = None
        late_s = self._clock.seconds() - asked_at
        if self._next is not None and late_s > self._session.timeout_s * ASK_SHARE:
            # Its successor was due meanwhile: we stood still, or the answer took that long.
            self.renew()
