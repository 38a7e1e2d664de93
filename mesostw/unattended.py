"""The one place where work is started that nobody awaits."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

_log = Logger()


def unattended(
    work: Coroutine[Deferred[Any], Any, object] | Deferred[Any],
    failed: Callable[[Failure], object],
) -> None:
    """
    Start ``work`` and return at once; ``failed`` hears of its failure, and nobody of its result.

    A failure of ``failed`` itself is logged: it has nowhere else to go.
    """
    started = work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)
    _ = started.addErrback(failed).addErrback(_lost)


def _lost(failure: Failure) -> None:
    _log.failure("unattended work failed twice", failure)
