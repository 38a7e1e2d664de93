"""
What became of each container, one small file for each until it is forgotten.

A record is written before its container starts, large enough for all that can become
of it; an exit status is then written over it in place.  So a disk that has filled up
in between loses no status: a container without room for its record does not start.

Note [No fsync]: records are not flushed to the disk.  They have to outlive processes
(the agent, the supervisor), and what is in the kernel's cache does, whoever is killed.
Only the end of the machine loses it; that ends all containers too, and an agent comes
back to containers of which nobody knows, and says so.  What an agent has made of an exit
it flushes itself, some milliseconds later.  A flush here would cost 0.1 to 10 ms for each
container and save nothing but those milliseconds.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Final, NamedTuple

#: Room that each record takes: state, marker, status, then reason and message.
RECORD_BYTES: Final = 512
_HEAD: Final = "{:<6} {:>20} {:>10}\n"
_HEAD_BYTES: Final = 39
#: The status that is written when nobody knows it; no wait status is negative.
_UNKNOWN: Final = -1
_WRITE: Final = os.O_WRONLY | os.O_CLOEXEC


class Record(NamedTuple):
    """What is on disk of one container."""

    #: ``live``, ``exited`` or ``failed``.
    state: str
    #: The number that its processes carry (Note [Markers] in ``processtree``).
    marker: int
    status: int | None
    #: Of one that failed: a ``LaunchFault`` and a message.
    reason: str
    message: str


class Records:
    """The records in one directory; written by one process at a time."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        os.makedirs(directory, 0o700, exist_ok=True)

    def path(self, container_id: str) -> str:
        return f"{self._directory}/{container_id}"

    def begun(self, container_id: str, marker: int) -> None:
        """
        Keep that a container is about to start.

        :raises OSError: if there is no room; then there is no record either.
        """
        path = self.path(container_id)
        text = _HEAD.format("live", marker, 0).encode().ljust(RECORD_BYTES)
        fd = os.open(path, _WRITE | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(fd, text)
        except OSError:
            os.unlink(path)
            raise
        finally:
            os.close(fd)

    def exited(self, container_id: str, marker: int, status: int | None) -> None:
        """Keep how a container ended."""
        shown = _UNKNOWN if status is None else status
        self._overwrite(container_id, _HEAD.format("exited", marker, shown).encode())

    def failed(self, container_id: str, marker: int, reason: str, message: str) -> None:
        """Keep why a container never ran; a long message is cut to the room there is."""
        while True:
            text = _HEAD.format("failed", marker, 0) + json.dumps([reason, message])
            if len(text) <= RECORD_BYTES:
                break
            message = message[: len(message) // 2]
        self._overwrite(container_id, text.encode().ljust(RECORD_BYTES))

    def _overwrite(self, container_id: str, text: bytes) -> None:
        fd = os.open(self.path(container_id), _WRITE | os.O_CREAT, 0o600)
        try:
            os.pwrite(fd, text, 0)
        finally:
            os.close(fd)

    def forget(self, container_id: str) -> None:
        """Remove a record; one that is not there is no error."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(container_id))

    def read(self) -> dict[str, Record]:
        """Every record that is there, by container."""
        return {name: self._record(name) for name in sorted(os.listdir(self._directory))}

    def _record(self, container_id: str) -> Record:
        with open(self.path(container_id), "rb") as file:
            text = file.read(RECORD_BYTES).decode()
        try:
            state, marker, status = text[:_HEAD_BYTES].split()
            reason, message = json.loads(text[_HEAD_BYTES:]) if state == "failed" else ("", "")
            known = None if int(status) == _UNKNOWN else int(status)
            return Record(state, int(marker), known, reason, message)
        except ValueError:  # a machine that went down while this was written
            return Record("live", 0, None, "", "")
