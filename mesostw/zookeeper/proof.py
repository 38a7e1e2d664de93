"""
That nobody else can lead yet: what a leader answers its readers by.

Writes need no such thing, they carry their epoch.  But a leader that was stopped, or cut off,
goes on before it hears that its session has ended, and what it remembers may be old then.  So
it has its session proved again and again, and counts from when it *asked*: whatever was
answered, no other can come to lead before the session's time has passed since then.  Whose
session or node somebody else takes away hears of that from its watch, a moment later.

Note [Why a transaction]
    A server that is cut off from the others answers reads and pings for some seconds more,
    while those may end our session.  A transaction is answered once most of them have it,
    and not for a session that has ended.  This one only checks that our node is there.

Note [Two thirds]
    Servers tell the one among them that leads which sessions they have heard of every half
    tick, and sessions last at least two: what the last third leaves is more than that.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw.interfaces import IClock
from mesostw.model.zookeeper import ConnectionLost, NoNode, NotConnected, SessionExpired

#: For which part of its session's time a proof holds.  See Note [Two thirds].
PROOF_SHARE: Final = 2 / 3
#: How often one is asked for, as a part of the same.
ASK_SHARE: Final = 1 / 6


class Proof:
    """
    That a session lasts, and our node with it.

    :param ask: asks most servers; fires if it is so.  See Note [Why a transaction].
    :param timeout_s: the session's.
    """

    _log = Logger()

    def __init__(self, clock: IClock, ask: Callable[[], Deferred[Any]], timeout_s: float) -> None:
        self._clock, self._ask, self._timeout_s = clock, ask, timeout_s
        self._until = -inf
        self._asked: Deferred[None] | None = None
        self._next: IDelayedCall | None = None

    def holds(self) -> bool:
        """Whether nobody else can lead now."""
        return self._clock.seconds() < self._until

    def renew(self) -> None:
        """Ask now, and from now on."""
        if self._next is not None:
            self._next.cancel()
        self._renew()

    def _renew(self) -> None:
        self._next = self._clock.callLater(self._timeout_s * ASK_SHARE, self._renew)
        if self._asked is None:
            asked: Deferred[None] = self._ask().addCallback(self._proved, self._clock.seconds())
            self._asked = asked
            _ = asked.addErrback(self._failed).addBoth(self._answered)

    def end(self) -> None:
        """Ask no more; it holds no longer."""
        self._until = -inf
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._asked is not None:
            self._asked.cancel()

    def _proved(self, _: object, asked_at: float) -> None:
        if self._next is not None:
            self._until = asked_at + self._timeout_s * PROOF_SHARE

    def _failed(self, failure: Failure) -> None:
        if failure.check(ConnectionLost, NotConnected, CancelledError):
            # It may be so for all that.
            return
        self._until = -inf
        # That the session, or our node, is gone is told to those who look after them.
        if not failure.check(SessionExpired, NoNode):
            self._log.failure("whether we lead cannot be asked", failure)

    def _answered(self, _: None) -> None:
        self._asked = None
