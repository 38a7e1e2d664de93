"""
What became of each container, in one file of slots of equal size.

A slot is written before its container starts, large enough for all that can become of
it; an exit status is then written over it in place.  So a disk that has filled up in
between loses no status: a container without room for its record does not start.  And a
slot that is free again is used again: making and deleting a file for each container would
slow down all file systems like ext4, which shun inodes deleted in the last minute.

Note [No fsync]: records are not flushed to the disk.  They have to outlive processes
(the agent, the supervisor), and what is in the kernel's cache does, whoever is killed.
Only the end of the machine loses it; that ends all containers too, and an agent comes
back to containers of which nobody knows, and says so.  What an agent has made of an exit
it flushes itself, some milliseconds later.  A flush here would cost 0.1 to 10 ms for each
container and save nothing but those milliseconds.

No slot crosses a page, so no process that is killed leaves half of one.
"""

from __future__ import annotations

import json
import os
from typing import Final, NamedTuple

#: The size of a slot: the longest id (255 ASCII characters) and a message of some lines.
RECORD_BYTES: Final = 1024
#: State, marker, status: then a JSON array of id, reason and message.
_HEAD: Final = "{:<6} {:>20} {:>10}\n"
_HEAD_BYTES: Final = 39
_FREE: Final = _HEAD.format("free", 0, 0).encode()
#: The status that is written when nobody knows it; no wait status is negative.
_UNKNOWN: Final = -1


class Record(NamedTuple):
    """What is kept of one container."""

    #: ``live``, ``exited`` or ``failed``.
    state: str
    #: The number that its processes carry (Note [Markers] in ``processtree``).
    marker: int
    status: int | None
    #: Of one that failed: a ``LaunchFault`` and a message.
    reason: str
    message: str


class Records:
    """The records of one supervisor; read once, when it starts."""

    def __init__(self, path: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        self._slots: dict[str, int] = {}
        self._free: list[int] = []
        self._count = 0

    def read(self) -> dict[str, Record]:
        """Every record that is there, by container."""
        self._count = os.fstat(self._fd).st_size // RECORD_BYTES
        records = {}
        for slot in range(self._count):
            text = os.pread(self._fd, RECORD_BYTES, slot * RECORD_BYTES)
            found = _parsed(text)
            if found is None:
                self._free.append(slot)
            else:
                container_id, records[container_id] = found
                self._slots[container_id] = slot
        return records

    def begun(self, container_id: str, marker: int) -> None:
        """
        Keep that a container is about to start.

        :raises OSError: if there is no room; then there is no record either.
        """
        slot = self._free.pop() if self._free else self._count
        text = _HEAD.format("live", marker, 0) + json.dumps([container_id, "", ""])
        try:
            self._write(slot, text.encode().ljust(RECORD_BYTES))
        except OSError:
            if slot < self._count:
                self._free.append(slot)
            raise
        self._count = max(self._count, slot + 1)
        self._slots[container_id] = slot

    def exited(self, container_id: str, marker: int, status: int | None) -> None:
        """Keep how a container ended."""
        shown = _UNKNOWN if status is None else status
        self._overwrite(container_id, _HEAD.format("exited", marker, shown).encode())

    def failed(self, container_id: str, marker: int, reason: str, message: str) -> None:
        """Keep why a container never ran; a long message is cut to the room there is."""
        while True:
            text = _HEAD.format("failed", marker, 0) + json.dumps([container_id, reason, message])
            if len(text) <= RECORD_BYTES:
                break
            message = message[: len(message) // 2]
        self._overwrite(container_id, text.encode().ljust(RECORD_BYTES))

    def forget(self, container_id: str) -> None:
        """Free a record; one that is not there is no error."""
        slot = self._slots.pop(container_id, None)
        if slot is not None:
            self._write(slot, _FREE)
            self._free.append(slot)

    def _overwrite(self, container_id: str, text: bytes) -> None:
        slot = self._slots.get(container_id)
        if slot is not None:
            self._write(slot, text)

    def _write(self, slot: int, text: bytes) -> None:
        written = os.pwrite(self._fd, text, slot * RECORD_BYTES)
        if written < len(text):  # the disk became full within it: the next write says so
            os.pwrite(self._fd, text[written:], slot * RECORD_BYTES + written)


def _parsed(text: bytes) -> tuple[str, Record] | None:
    """One slot: an id and its record, or ``None`` if it is free or was never whole."""
    try:
        state, marker, status = text[:_HEAD_BYTES].split()
        if state == b"free":
            return None
        container_id, reason, message = json.loads(text[_HEAD_BYTES:])
        known = None if int(status) == _UNKNOWN else int(status)
        return container_id, Record(state.decode(), int(marker), known, reason, message)
    except ValueError:
        return None
