"""
Daemons whose wall clock is set while they run.

``python -m tests.functional.hosts.clocks FILE ...``: the other words are those of
``mesostw.daemons.part``.  The file has the seconds that the clock is wrong by; it is read
whenever the time is.  Time that is measured is not touched, as by a step of a real clock, and
what is logged keeps the right one.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from mesostw.daemons import part

#: How the seconds are written down.
_SECONDS: Final = struct.Struct("d")


def set_clock(file: Path, wrong_s: float) -> None:
    """Have whoever lives by ``file`` be wrong by so many seconds."""
    # In place: it is mapped.
    with file.open("r+b" if file.exists() else "wb") as written:
        written.write(_SECONDS.pack(wrong_s))


def command_of(file: Path, farewell: int, *words: str) -> tuple[str, ...]:
    """Makes the command line of a daemon that lives by ``file``."""
    set_clock(file, 0.0)
    ours = (sys.executable, "-m", __name__, str(file), str(int(farewell)), str(os.getpid()))
    return (*ours, "--nodaemon", "--pidfile=", *words)


def wrong(file: Path, right: Callable[[], float]) -> Callable[[], float]:
    """A clock that is wrong by what ``file`` says."""
    with file.open("rb") as read:
        seconds = mmap.mmap(read.fileno(), _SECONDS.size, prot=mmap.PROT_READ)
    return lambda: right() + float(_SECONDS.unpack_from(seconds)[0])


def main(words: Sequence[str]) -> None:
    """Have the clock be wrong, then be the daemon."""
    time.time = wrong(Path(words[0]), time.time)
    part.main(words[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
