"""
A session with a real ensemble: the reactor's side of :mod:`mesostw.zookeeper.crossing`.

Note [Silence]
~~~~~~~~~~~~~~
Kazoo looks for a dead link only when it has nothing to send: who asks something every
second of a server that has vanished waits for the kernel to give up, a quarter of an hour.
So a link on which something is under way and nothing has come for two thirds of the
session's time is broken here, as kazoo itself would do in a quiet moment.

A session without a link for its whole time is over, for us.  A server may still know it,
if all of them were down; but nobody here uses it again, so it ends there too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, Generic, TypeVar

from kazoo.client import KazooClient
from kazoo.exceptions import WriterNotClosedException
from kazoo.protocol.states import KazooState, KeeperState
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from mesostw.interfaces import IZooSession
from mesostw.model.zookeeper import (
    Acl,
    AuthFailed,
    NotConnected,
    SessionExpired,
    SessionState,
    ZooKeeperFault,
    check_path,
)
from mesostw.zookeeper import words
from mesostw.zookeeper.crossing import Answer, Call, Crossing
from mesostw.zookeeper.operations import Operations, Watch
from mesostw.zookeeper.watches import Watches

T = TypeVar("T")

#: The part of the session's time without an answer after which a link is broken.
SILENCE_SHARE: Final = 2 / 3
#: How often that is looked at, as a part of the session's time.
LOOK_SHARE: Final = 1 / 6
#: How long to wait for what has come and was not heard yet.
UNHEARD_S: Final = 0.01


class Asked(Call, Generic[T]):
    """
    A call with a Deferred.

    :param made: makes the result of what kazoo says.
    :param answered: called before the Deferred fires, and also if it was cancelled.
    """

    __slots__ = ("_answered", "_made", "_path", "asked")

    def __init__(
        self,
        start: Callable[[], Answer],
        made: Callable[[Any], T],
        path: str,
        answered: Callable[[], object],
    ) -> None:
        super().__init__(start, self._done, self._failed)
        self._made = made
        self._path = path
        self._answered = answered
        self.asked: Deferred[T] = Deferred(self._take_back)

    def _take_back(self, _: Deferred[T]) -> None:
        self.taken_back = True

    def _done(self, value: Any) -> None:
        self._answered()
        if self.taken_back:
            return
        try:
            result = self._made(value)
        except Exception as fault:  # noqa: BLE001
            # Of a transaction, or a mistake of ours: whoever waits must hear of it.
            self.asked.errback(fault)
        else:
            self.asked.callback(result)

    def _failed(self, fault: Exception) -> None:
        self._answered()
        if not self.taken_back:
            self.asked.errback(words.translated(fault, self._path))


@implementer(IZooSession)
class Session(Operations):
    """
    One session; its client must not have been started.

    :ivar opened: fires when there is a session; fails with ``AuthFailed``, and with
        ``SessionExpired`` if there will never be one, for a reason that has been logged.
    """

    _log = Logger()
    session_id = 0
    dialled_at = 0.0

    def __init__(
        self,
        clock: IReactorTime,
        crossing: Crossing,
        client: KazooClient,
        acl: Sequence[Acl],
        timeout_s: float,
    ) -> None:
        self._clock = clock
        self._crossing = crossing
        self._client = client
        self._acl = tuple(acl)
        self.timeout_s = timeout_s
        self.state = SessionState.SUSPENDED
        self.listener: Callable[[SessionState], None] = lambda _: None
        self.opened: Deferred[Session] = Deferred(lambda _: self._shut())
        self._closing: Deferred[None] | None = None
        self._ended = False
        self._shutting = False
        self._ring: IDelayedCall | None = None
        self._look: IDelayedCall | None = None
        self._giving_up: IDelayedCall | None = None
        self._under_way = 0
        self._heard_at = 0.0
        self._late: list[tuple[Deferred[Any], str]] = []
        self._watches = Watches(crossing.put)
        crossing.unlinked = self._watches.lose

    # --- what is asked ------------------------------------------------------------

    def _ask(
        self,
        path: str,
        start: Callable[[], Answer],
        made: Callable[[Any], T],
        watch: tuple[str, Watch] | None = None,
        size: int = 0,
    ) -> Deferred[T]:
        if path:
            check_path(path)
        if self._ended:
            return fail(SessionExpired(path))
        if self.state is not SessionState.CONNECTED:
            return fail(NotConnected(path))
        if self._closing is not None:
            # After what was asked before: that may still be under way.
            late: Deferred[T] = Deferred()
            self._late.append((late, path))
            return late

        call = Asked(start, made, path, self._answered)
        call.size = size
        if watch is not None:
            call.watched = partial(self._watches.add, watch[0], path, call, watch[1])
        self._send(call)
        return call.asked

    def _send(self, call: Call) -> None:
        if not self._under_way:
            self._heard_at = self._clock.seconds()
        self._under_way += 1
        self._crossing.inbox.append(call)
        if self._ring is None:
            # One wake-up for all that is asked in this turn.
            self._ring = self._clock.callLater(0, self._rung)

    def _rung(self) -> None:
        self._ring = None
        self._crossing.bell.ring()

    def _answered(self) -> None:
        self._under_way -= 1
        self._heard_at = self._clock.seconds()

    # --- the link -------------------------------------------------------------------

    def changed(self, state: str | None) -> None:
        """Kazoo's state has changed, or its thread has ended; called in order with answers."""
        if self._ended:
            return
        match state:
            case KazooState.CONNECTED:
                self._connected()
            case KazooState.SUSPENDED:
                self._suspended()
            case _:
                self._thread_ended()

    def _connected(self) -> None:
        agreed = self._crossing.agreed()
        if agreed is not None:
            self.timeout_s, self.session_id, self.dialled_at = agreed
        self._stop(self._giving_up)
        self._heard_at = self._clock.seconds()
        if self._look is None:
            self._look = self._clock.callLater(self.timeout_s * LOOK_SHARE, self._look_at_link)
        self.state = SessionState.CONNECTED
        if self.opened.called:
            self.listener(self.state)
        else:
            self.opened.callback(self)

    def _suspended(self) -> None:
        self.state = SessionState.SUSPENDED
        self._giving_up = self._clock.callLater(self.timeout_s, self._give_up)
        self._fail_untaken(self._crossing.loss_heard(), NotConnected)
        if self._closing is not None:
            self._finish()
        elif not self._ended:
            self.listener(self.state)

    def _fail_untaken(self, calls: Sequence[Call], meaning: type[ZooKeeperFault]) -> None:
        for call in calls:
            call.failed(meaning())

    def _look_at_link(self) -> None:
        """See Note [Silence]; what has come and was not heard yet is no silence."""
        self._look = self._clock.callLater(self.timeout_s * LOOK_SHARE, self._look_at_link)
        silent_s = self._clock.seconds() - self._heard_at
        if (
            self._under_way
            and self.state is SessionState.CONNECTED
            and silent_s > self.timeout_s * SILENCE_SHARE
            and not self._crossing.outbox
        ):
            self._log.warn("no answer for {silent_s:.1f} s: the link is broken", silent_s=silent_s)
            self._crossing.abort()

    def _give_up(self) -> None:
        """No link for the session's whole time."""
        if self._crossing.outbox:
            # Perhaps there is a link, and we are about to hear of it.
            self._giving_up = self._clock.callLater(UNHEARD_S, self._give_up)
            return
        self._finish()

    # --- the end ----------------------------------------------------------------------

    def close(self) -> Deferred[None]:
        closed: Deferred[None] = Deferred()
        if self._ended:
            closed.callback(None)
            return closed
        if self._closing is not None:
            _ = self._closing.addCallback(_and_fire, closed)
            return closed
        self._closing = closed
        if self.state is SessionState.CONNECTED:
            # In its turn, and from then on nothing more is sent.
            self._send(Call(self._start_closing, words.nothing, words.nothing))
        else:
            self._finish()
        return closed

    def _start_closing(self) -> Answer:
        self._shut()
        return Answer()

    def _thread_ended(self) -> None:
        refused = self._crossing.ending == KeeperState.AUTH_FAILED
        meaning = AuthFailed if refused else SessionExpired
        if not self.opened.called:
            self.opened.errback(meaning())
        self._finish(meaning)

    def _finish(self, meaning: type[ZooKeeperFault] = SessionExpired) -> None:
        """There is no session any more; whoever waits hears of it, the listener last."""
        if self._ended:
            # Somebody who was told that a link broke has closed it.
            return
        self._ended = True
        self._crossing.end()
        for timer in (self._ring, self._look, self._giving_up):
            self._stop(timer)
        self._fail_untaken(self._crossing.drained(), meaning)
        late, self._late = self._late, []
        for asked, path in late:
            if not asked.called:
                asked.errback(SessionExpired(path))
        self.state = SessionState.EXPIRED
        self._shut()
        if self._closing is not None:
            self._closing.callback(None)
        elif self.opened.called:
            self.listener(self.state)

    def _shut(self) -> None:
        """
        Have kazoo end, from a thread of its own: it waits for the one it has.

        Any thread may say so.
        """
        self._crossing.end()
        if not self._shutting:
            self._shutting = True
            name = "mesostw-zookeeper-end"
            threading.Thread(target=self._stop_kazoo, name=name, daemon=True).start()

    def _stop_kazoo(self) -> None:
        with suppress(WriterNotClosedException):
            self._client.stop()
        if self._crossing.thread is not None:
            self._crossing.thread.join()
        self._client.close()

    @staticmethod
    def _stop(timer: IDelayedCall | None) -> None:
        if timer is not None and timer.active():
            timer.cancel()


def _and_fire(result: None, waiting: Deferred[None]) -> None:
    waiting.callback(result)
