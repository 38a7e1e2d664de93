"""How a fetching process writes: only below the sandbox, and no more than it may."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import IO, Final, Protocol

from mesostw.launching.child import Fault

#: What is read and written at once.
CHUNK_BYTES: Final = 256 * 1024
#: All that one order may write, unpacked files included: a limit against endless files and
#: archives that unfold without end, far above what anybody runs.
WRITTEN_BYTES_MAX: Final = 64 * 1024**3
#: Files, links and directories that the archives of one order may make: each takes room on the
#: disk, however empty it is.
NAMES_MAX: Final = 1_000_000
#: Directories above a file, and files of an archive without a mode of their own.
DIRECTORY_MODE: Final = 0o755
FILE_MODE: Final = 0o644
EXECUTABLE_MODE: Final = 0o755
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Reads(Protocol):
    """Whatever bytes are read from."""

    def read(self, size: int, /) -> bytes: ...


class Budget:
    """How much may still be written."""

    def __init__(self, bytes_max: int = WRITTEN_BYTES_MAX, names_max: int = NAMES_MAX) -> None:
        self._bytes_max, self._names_max = bytes_max, names_max
        self._left, self._names_left = bytes_max, names_max

    def take(self, count: int) -> None:
        """
        Count bytes that are about to be written.

        :raises Fault: if they are too many.
        """
        self._left -= count
        if self._left < 0:
            raise Fault("TOO_LARGE", f"more than {self._bytes_max} bytes")

    def take_names(self, count: int) -> None:
        """
        Count files, links and directories that are about to be made.

        :raises Fault: if they are too many.
        """
        self._names_left -= count
        if self._names_left < 0:
            raise Fault("TOO_LARGE", f"more than {self._names_max} files and directories")


def path_in(directory: str, name: str, budget: Budget) -> str:
    """
    The path of ``name`` below ``directory``, with the directories above it made.

    :raises Fault: if a step above it leads out of ``directory``, for instance by a link, or
        the budget is used up.
    """
    top = os.path.realpath(directory)
    above, last = os.path.split(os.path.join(top, name))
    real = os.path.realpath(above)
    if last in ("", ".", "..") or not is_inside(top, real):
        raise Fault("UNSAFE", f"{name!r} would be written outside of the sandbox")
    budget.take_names(_missing(real))
    os.makedirs(real, DIRECTORY_MODE, exist_ok=True)
    return os.path.join(real, last)


def _missing(directory: str) -> int:
    """How many directories there are to make for ``directory`` to be there."""
    count = 0
    while not os.path.lexists(directory):
        directory = os.path.dirname(directory)
        count += 1
    return count


def is_inside(top: str, real: str) -> bool:
    """
    Whether a path that was resolved is in ``top``, and is resolved indeed.

    ``os.path.realpath`` gives up at links that go round in a circle: what it gives then may
    have links in it that lead anywhere.
    """
    if os.path.commonpath((top, real)) != top:
        return False
    while real != top:
        if os.path.islink(real):
            return False
        real = os.path.dirname(real)
    return True


def write(directory: str, name: str, source: Reads, budget: Budget, mode: int = FILE_MODE) -> int:
    """
    Write a new file below ``directory`` in place of one that may be there; its size.

    :raises Fault: if the budget is used up or ``name`` leads out of ``directory``.
    """
    path = path_in(directory, name, budget)
    with suppress(FileNotFoundError):
        os.unlink(path)
    with os.fdopen(os.open(path, _NEW, mode), "wb", buffering=0) as target:
        size = copy(source, target, budget)
        os.fchmod(target.fileno(), mode)
    return size


def copy(source: Reads, target: IO[bytes], budget: Budget) -> int:
    """
    Copy to the end; how many bytes there were.

    :raises Fault: if the budget is used up.
    """
    size = 0
    while chunk := source.read(CHUNK_BYTES):
        budget.take(len(chunk))
        size += len(chunk)
        rest = memoryview(chunk)
        while rest:
            rest = rest[target.write(rest) :]
    return size
