"""
The supervisor's end of the socket: at most one agent, heard to the end before the next.

Imports little: the supervisor uses it.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, Final

from mesostw.launching.frames import BadFrame, FrameReader, frame
from mesostw.launching.watch import READ, READ_AND_WRITE, Watch

#: More unsent bytes end the connection; the agent comes back and is told everything.
UNSENT_BYTES_MAX: Final = 16 * 1024 * 1024
READ_BYTES: Final = 256 * 1024
_CREDENTIALS: Final = struct.Struct("3i")


class AgentLink:
    """
    Hears and answers whoever connected last.

    :param opened: called when an agent has connected; it says hello.
    :param heard: called with each sentence.
    """

    def __init__(
        self,
        watch: Watch,
        listener: socket.socket,
        opened: Callable[[], None],
        heard: Callable[[list[Any]], None],
    ) -> None:
        self._watch = watch
        self._listener = listener
        self._opened = opened
        self._heard = heard
        self._socket: socket.socket | None = None
        self._reader = FrameReader()
        self._unsent: list[bytes] = []
        self._stuck = False
        listener.setblocking(False)
        watch.add(listener.fileno(), self._accept)

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def tell(self, *words: object) -> None:
        """Say something at the end of this round; to nobody if no agent is there."""
        if self._socket is not None:
            self._unsent.append(frame(*words))

    def flush(self) -> None:
        """Send what was said, as far as the agent takes it."""
        if self._socket is None or not self._unsent:
            return
        unsent = b"".join(self._unsent)
        try:
            unsent = unsent[self._socket.send(unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._drop()
            return
        if len(unsent) > UNSENT_BYTES_MAX:
            self._drop()
            return
        self._unsent = [unsent] if unsent else []
        if self._stuck != bool(unsent):
            self._stuck = bool(unsent)
            self._watch.change(self._socket.fileno(), READ_AND_WRITE if unsent else READ)

    def _accept(self) -> None:
        try:
            fresh, _ = self._listener.accept()
        except OSError:
            return
        credentials = fresh.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        if _CREDENTIALS.unpack(credentials)[1] not in (0, os.geteuid()):
            fresh.close()
            return
        while self._hear():
            pass
        self.tell("replaced")
        self.flush()
        self._drop()
        fresh.setblocking(False)
        self._socket = fresh
        self._reader = FrameReader()
        self._watch.add(fresh.fileno(), self._react)
        self._opened()

    def _react(self) -> None:
        self._hear()

    def _hear(self) -> bool:
        """Read once; whether there may be more."""
        if self._socket is None:
            return False
        try:
            received = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            received = b""
        if not received:
            self._drop()
            return False
        try:
            sentences = self._reader.feed(received)
        except BadFrame as fault:
            sys.stderr.write(f"the agent does not speak our protocol: {fault}\n")
            self._drop()
            return False
        for sentence in sentences:
            self._heard(sentence)
        return True

    def _drop(self) -> None:
        if self._socket is not None:
            self._watch.remove(self._socket.fileno())
            self._socket.close()
        self._socket = None
        self._unsent = []
        self._stuck = False
