"""
Steady time for the reactor and the clock that drivers read.

Twisted's ``reactor.seconds`` is the wall clock: a step back of ten minutes freezes
every ``callLater`` for ten minutes.  A daemon therefore calls
:func:`install_steady_time` before anything is scheduled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from mesostw.interfaces import IClock


def install_steady_time(reactor: Any) -> None:
    """
    Make ``reactor.seconds`` the monotonic clock.

    :raises RuntimeError: something is scheduled already, in wall time.
    """
    if reactor.getDelayedCalls():
        message = "steady time must be installed before anything is scheduled"
        raise RuntimeError(message)
    reactor.seconds = time.monotonic


@implementer(IClock)
class ReactorClock:
    """A reactor's steady time, with the wall clock beside it."""

    def __init__(self, reactor: IReactorTime) -> None:
        self._reactor = reactor

    def seconds(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> IDelayedCall:
        return self._reactor.callLater(delay, callable, *args, **kwargs)

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        return self._reactor.getDelayedCalls()
