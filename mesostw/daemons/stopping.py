"""How a daemon ends its own process."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred


def stop_with(reactor: Any, status: int) -> None:
    """End the process with ``status`` after its services have stopped."""
    reactor.addSystemEventTrigger("after", "shutdown", os._exit, status)
    if reactor.running:
        reactor.stop()
    else:
        reactor.callWhenRunning(reactor.stop)


async def settled(result: object) -> None:
    """Wait for what ``stopListening`` answers: a Deferred, or nothing."""
    if isinstance(result, Deferred):
        await result
