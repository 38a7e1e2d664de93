"""How a daemon begins, and how it ends: its own process, and what it has begun."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.python.failure import Failure

from mesostw.unattended import unattended


def stop_with(reactor: Any, status: int) -> None:
    """End the process with ``status`` after its services have stopped; the first status counts."""
    reactor.addSystemEventTrigger("after", "shutdown", os._exit, status)
    if reactor.running:
        _stop(reactor)
    else:
        reactor.callWhenRunning(_stop, reactor)


def _stop(reactor: Any) -> None:
    # Who has lost its store has often lost its session too, and each says so.
    with suppress(ReactorNotRunning):
        reactor.stop()


class Beginning:
    """What a daemon does before it serves, which its end cancels."""

    def __init__(self) -> None:
        self._work: Deferred[None] | None = None
        self._is_over = False

    def begin(
        self,
        work: Coroutine[Deferred[Any], Any, None],
        failed: Callable[[Failure], object],
    ) -> None:
        """Do ``work``; ``failed`` hears of its failure, if nobody has ended it before."""
        self._work = Deferred.fromCoroutine(work)
        unattended(self._work, lambda failure: None if self._is_over else failed(failure))

    def end(self) -> None:
        """Go no further, wherever it is."""
        self._is_over = True
        if self._work is not None:
            self._work.cancel()


async def settled(result: object) -> None:
    """Wait for what ``stopListening`` answers: a Deferred, or nothing."""
    if isinstance(result, Deferred):
        await result
