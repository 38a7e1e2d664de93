"""Transactions in ZooKeeper that are done once and in order, however often links break."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from attrs import define
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from mesostw.interfaces import Deposed, IClock, IZooSession, StoreFailed
from mesostw.model.zookeeper import (
    BadVersion,
    ConnectionLost,
    NodeExists,
    NoNode,
    NotConnected,
    Operation,
)

#: Faults of a link: what failed so can be tried again.
BROKEN: Final = (ConnectionLost, NotConnected)
#: Seconds until what a broken link took with it is sent again.
RETRY_S: Final = 0.1


@define(eq=False)
class Request:
    """
    A transaction that will be done once, however often it is sent.

    Its first operation is a check; the second, if there is one, makes or removes a node, so
    that it cannot be done twice.
    """

    operations: Sequence[Operation]
    done: Callable[[], None]
    was_sent: bool = False


class Line:
    """
    Transactions in order, sent again when a link breaks.

    :param failed: told once why nothing more will be done.
    """

    def __init__(
        self, session: IZooSession, clock: IClock, failed: Callable[[Exception], None]
    ) -> None:
        self._session, self._clock, self._failed = session, clock, failed
        self._requests: deque[Request] = deque()
        #: Of those, how many are sent and not answered: the first, or none.
        self._out = 0
        self._again: IDelayedCall | None = None
        self._closed = False
        #: Whether all that is not done will be sent again.
        self.broken = False

    def __len__(self) -> int:
        return len(self._requests)

    def send(self, request: Request) -> None:
        """Have it done after all before it."""
        self._requests.append(request)
        if not self.broken:
            self._send(request)

    def close(self) -> None:
        """Do nothing more."""
        self._closed = True
        self._requests.clear()
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def _send(self, request: Request) -> None:
        self._out += 1
        answer = self._session.multi(request.operations)
        _ = answer.addCallbacks(
            lambda _: self._answered(request, None),
            lambda failure: self._answered(request, failure),
        )

    def _answered(self, request: Request, failure: Failure | None) -> None:
        self._out -= 1
        if self._closed:
            return
        if failure is not None and failure.check(*BROKEN):
            self.broken = True
            request.was_sent = request.was_sent or failure.check(ConnectionLost) is not None
        elif failure is not None and not _was_done(request, failure):
            self.close()
            self._failed(_why(failure))
            return
        elif self._requests[0] is request:
            self._requests.popleft()
            request.done()
        else:
            self.close()
            self._failed(StoreFailed("ZooKeeper has answered out of order"))
            return
        if self.broken and not self._out and not self._closed:
            self._again = self._clock.callLater(RETRY_S, self._send_again)

    def _send_again(self) -> None:
        self._again, self.broken = None, False
        for request in tuple(self._requests):
            if not self.broken:
                self._send(request)


def nothing() -> None:
    """Of a request whose end says nothing to anybody yet."""


def _was_done(request: Request, failure: Failure) -> bool:
    """Whether it had been done by the time its link broke: what it makes is there, or gone."""
    fault = failure.value
    return request.was_sent and isinstance(fault, NodeExists | NoNode) and fault.index == 1


def _why(failure: Failure) -> Exception:
    fault = failure.value
    if isinstance(fault, BadVersion) and fault.index == 0:
        return Deposed("another writer has read the store since")
    return StoreFailed(f"ZooKeeper: {fault}")
