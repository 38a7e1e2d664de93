"""A daemon's own directory: made, closed to others where it holds secrets, used by one only."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final, NoReturn

from twisted.internet.error import CannotListenError
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw.interfaces import Deposed, StoreFailed
from mesostw.launching.starting import SupervisorUnavailable

#: Faults of the surroundings, not of this program: their text says all, a traceback nothing.
EXPECTED: Final = (CannotListenError, Deposed, StoreFailed, SupervisorUnavailable)


class Taken(OSError):
    """Another daemon works in the directory."""


def claim(directory: Path, *, mode: int = 0o755) -> int:
    """
    Make ``directory`` and hold it against a second daemon until this process ends.

    The kernel lets go of it however the process ends.  The answer is the descriptor that
    holds it; nobody needs to close it.

    :raises OSError: if it cannot be used; :class:`Taken` if another daemon does.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if mode != 0o755:
        directory.chmod(mode)
    held = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise Taken("another daemon works in this directory; give each its own") from None
    return held


def refuse(fault: str) -> NoReturn:
    """End a daemon that cannot start, with one line for whoever started it."""
    raise SystemExit(f"twistd: {fault}")


def say_why(log: Logger, who: str, failure: Failure) -> None:
    """Log why a daemon stops: in a line if that says it all, else with its traceback."""
    if failure.check(*EXPECTED):
        log.critical("{who} stops: {reason}", who=who, reason=failure.getErrorMessage())
    else:
        log.failure(f"{who} stops", failure)
