"""
Files that several tasks want, brought once.

A file is kept under the user and the URI that it was brought for: what one user may read is
never given to another.  Its size is asked for first, so that room is made before anything is
brought; files that nobody uses make room, the longest unused first.  When anything here does
not work out, a task brings its file by itself, as if there were no cache.

Nobody but the agent opens a kept file: processes are handed descriptors.  What is kept does not
outlive the agent, since nobody knows then whether it is whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw.core.agent.fetches import local_path
from mesostw.launching.fetching.processes import FetchFault
from mesostw.messages.commands import shown
from mesostw.unattended import unattended

Key: TypeAlias = tuple[str, str]
Send: TypeAlias = Callable[[Mapping[str, Any], Sequence[int]], Deferred[int | None]]

_OURS: Final = re.compile(r"file-\d+")
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Entry:
    """One file, kept or on its way."""

    def __init__(self, key: Key, name: str) -> None:
        self.key = key
        self.name = name
        self.size = 0
        #: Tasks that wait for it or read it.
        self.users = 0
        self.ready = False
        self.coming: Deferred[None] | None = None
        self.waiting: list[Deferred[None]] = []


class Held:
    """A kept file, open for reading until it is released."""

    def __init__(self, fd: int, release: Callable[[], None]) -> None:
        self.fd = fd
        self._release = release

    def release(self) -> None:
        """Close it; once."""
        os.close(self.fd)
        self._release()


class Cache:
    """
    The kept files of one agent.

    :param directory: the agent's own; what an earlier life left in it is removed.
    :param bytes_max: what all files together may take; 0 keeps none.
    :param send: starts a fetching process.
    :raises OSError: if the directory cannot be used.
    """

    _log = Logger()

    def __init__(self, directory: str, bytes_max: int, stall_s: float, send: Send) -> None:
        os.makedirs(directory, 0o700, exist_ok=True)
        os.chmod(directory, 0o700)
        self._fd = os.open(directory, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        for name in os.listdir(self._fd):
            if _OURS.fullmatch(name):
                os.unlink(name, dir_fd=self._fd)
        self.bytes_max = bytes_max
        self._stall_s, self._send = stall_s, send
        #: The longest unused first.
        self._entries: dict[Key, Entry] = {}
        self._last = 0
        self.used_bytes = 0

    async def hold(self, user: str, value: str) -> Held | None:
        """The file of a URI, brought if it is not there; ``None`` if it cannot be kept."""
        key = user, value
        entry = self._entries.pop(key, None)
        if entry is None:
            self._last += 1
            entry = Entry(key, f"file-{self._last}")
        self._entries[key] = entry
        entry.users += 1
        try:
            await self._come(entry)
            fd = os.open(entry.name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._fd)
        except (FetchFault, OSError) as fault:
            self._left(entry)
            if isinstance(fault, FileNotFoundError):
                # Somebody else has removed it: the next who wants it has it brought.
                self._drop(entry)
            self._log.info("{uri} is not cached: {fault}", uri=shown(value), fault=str(fault))
            return None
        except CancelledError:
            self._left(entry)
            raise
        return Held(fd, lambda: self._left(entry))

    def _come(self, entry: Entry) -> Deferred[None]:
        """Fires when the file is there; who waits may be cancelled without the others."""
        waits: Deferred[None] = Deferred(entry.waiting.remove)
        if entry.ready:
            waits.callback(None)
            return waits
        entry.waiting.append(waits)
        if entry.coming is None:
            entry.coming = Deferred.fromCoroutine(self._bring(entry))
            unattended(entry.coming, lambda failure: self._broken(entry, failure))
        return waits

    async def _bring(self, entry: Entry) -> None:
        try:
            await self._load(entry)
        except (FetchFault, OSError, CancelledError) as fault:
            self._drop(entry)
            self._came(entry, FetchFault(str(fault)))
        else:
            self._came(entry, None)

    def _broken(self, entry: Entry, failure: Failure) -> None:
        """A fault of ours: tasks go on without the cache."""
        self._log.failure("a file could not be cached", failure)
        self._drop(entry)
        self._came(entry, FetchFault("the cache is at fault"))

    def _came(self, entry: Entry, fault: FetchFault | None) -> None:
        entry.ready = fault is None
        waiting, entry.waiting = entry.waiting, []
        for one in waiting:
            if fault is None:
                one.callback(None)
            else:
                one.errback(fault)

    def _left(self, entry: Entry) -> None:
        """One user less; what is on its way for nobody is given up."""
        entry.users -= 1
        if entry.users == 0 and not entry.ready and entry.coming is not None:
            entry.coming.cancel()

    async def _load(self, entry: Entry) -> None:
        user, value = entry.key
        job = {
            "user": user or None,
            "value": value,
            "path": local_path(value),
            "stall_s": self._stall_s,
        }
        size = await self._send({**job, "kind": "measure"}, ())
        if size is None:
            raise FetchFault("its size is not told")
        self._make_room(size)
        entry.size = size
        self.used_bytes += size
        fd = os.open(entry.name, _NEW, 0o600, dir_fd=self._fd)
        try:
            await self._send({**job, "kind": "store", "size": size, "fd": fd}, (fd,))
            if os.fstat(fd).st_size != size:
                raise FetchFault("it is not as large as was said")
        finally:
            os.close(fd)

    def _make_room(self, size: int) -> None:
        """
        Remove unused files until ``size`` more bytes fit.

        :raises FetchFault: if they cannot fit; then nothing is removed.
        """
        unused = [one for one in self._entries.values() if one.ready and not one.users]
        room = self.bytes_max - self.used_bytes
        if size > room + sum(one.size for one in unused):
            raise FetchFault(f"{size} bytes do not fit into {self.bytes_max}")
        for one in unused:
            if size <= self.bytes_max - self.used_bytes:
                break
            self._drop(one)

    def _drop(self, entry: Entry) -> None:
        if self._entries.get(entry.key) is entry:
            del self._entries[entry.key]
        self.used_bytes -= entry.size
        entry.size = 0
        with suppress(FileNotFoundError):
            os.unlink(entry.name, dir_fd=self._fd)

    def close(self) -> None:
        """Release the directory; nothing is held any more."""
        os.close(self._fd)
