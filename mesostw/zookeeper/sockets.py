"""
The two sockets that kazoo's thread waits for: its link, and the bell that wakes it.

Kazoo makes four to six system calls a request, each of which lets go of the interpreter
and has to win it back from a busy reactor.  These gather: one write for all requests of a
turn, one read for all answers that have come.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import threading
from collections import deque
from contextlib import suppress
from typing import Final, NamedTuple

#: Read from a link at once.
READ_BYTES_MAX: Final = 256 * 1024
#: Requests are gathered up to this size before they are written.
UNSENT_BYTES_MAX: Final = 256 * 1024

#: How a server's first answer begins: size, protocol, milliseconds agreed, session.
_GREETING: Final = struct.Struct("!iiiq")


class Agreed(NamedTuple):
    """What a server and a session have agreed."""

    timeout_s: float
    session_id: int
    dialled_at: float


class Bell:
    """
    Both ends of the pair of sockets by which kazoo tells its thread of a request.

    Kazoo writes one byte a request into a pair that holds fewer than 300 of them, and
    then its caller, here the reactor, would wait.  A bell is rung without waiting, at
    any time and by any thread; what is due is only counted.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fd, self._hammer = os.pipe()
        os.set_blocking(self._fd, False)
        self._rung = False
        # A list's length is a count that two threads may change.
        self._due: deque[None] = deque()

    def fileno(self) -> int:
        return self._fd

    def ring(self) -> None:
        """Wake whoever waits for this; once until it has been heard."""
        with self._lock:
            if self._fd >= 0 and not self._rung:
                # Once until it has been heard: the pipe is never full.
                self._rung = True
                os.write(self._hammer, b"!")

    def hush(self) -> None:
        """It was heard: whoever rings from now on wakes again."""
        with self._lock:
            self._rung = False
            if self._fd >= 0:
                with suppress(BlockingIOError):
                    os.read(self._fd, 1)

    def pending(self) -> int:
        """How many requests are due."""
        return len(self._due)

    def send(self, content: bytes) -> int:
        """Count one request; kazoo says so with one byte."""
        self._due.append(None)
        self.ring()
        return len(content)

    def recv(self, size: int) -> bytes:
        """One request is dealt with."""
        if self._due:
            self._due.popleft()
        return b"\0" * size

    def close(self) -> None:
        """Both ends are this one: the second closing does nothing."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                os.close(self._hammer)
                self._fd = -1


class Wire:
    """
    A link's socket, buffered both ways.

    :param patience_s: how long the other side may say nothing at first, or take nothing
        later, before the link is dead.
    """

    def __init__(self, plain: socket.socket, patience_s: float, dialled_at: float) -> None:
        self._socket = plain
        self.patience_s = patience_s
        #: When it was dialled, in steady seconds.
        self.dialled_at = dialled_at
        self._unread = b""
        self._read = 0
        self._unsent = bytearray()
        #: Everything that the first read gave: the server's answer to the connection.
        self.greeting = b""

    def fileno(self) -> int:
        return self._socket.fileno()

    def setblocking(self, blocking: int) -> None:
        """As of a socket; kazoo says 0."""
        self._socket.setblocking(bool(blocking))

    def pending(self) -> int:
        """How many bytes can be read without asking the system."""
        return len(self._unread) - self._read

    def recv(self, size: int) -> bytes:
        """At most ``size`` bytes, none if the other side has closed."""
        if self._read == len(self._unread):
            self._unread = self._socket.recv(READ_BYTES_MAX)
            self._read = 0
            self.greeting = self.greeting or self._unread
        chunk = self._unread[self._read : self._read + size]
        self._read += len(chunk)
        return chunk

    def agreed(self) -> Agreed | None:
        """What the server said when it took the session; ``None`` if it has not, or refused."""
        if len(self.greeting) < _GREETING.size:
            return None
        _, _, timeout_ms, session = _GREETING.unpack_from(self.greeting)
        return Agreed(timeout_ms / 1000, session, self.dialled_at) if timeout_ms > 0 else None

    def send(self, content: bytes) -> int:
        """Take all of ``content``; it is written at the next :meth:`flush`."""
        self._unsent += content
        if len(self._unsent) > UNSENT_BYTES_MAX:
            self.flush()
        return len(content)

    def flush(self) -> None:
        """
        Write what was gathered.

        :raises OSError: the link is broken, or the other side takes nothing.
        """
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent)
            except BlockingIOError:
                if not poll([self.fileno()], select.POLLOUT, self.patience_s):
                    raise OSError(errno.ETIMEDOUT, "the server takes no more") from None
            else:
                del self._unsent[:sent]

    def abort(self) -> None:
        """Have the thread that reads find the link broken; any thread may say so."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()


def poll(fds: list[int], events: int, timeout_s: float | None) -> list[int]:
    """Wait until one of ``fds`` is ready; none of them after ``timeout_s``."""
    poller = select.poll()
    for fd in fds:
        poller.register(fd, events)
    return [
        fd for fd, _ in poller.poll(None if timeout_s is None else max(0, int(timeout_s * 1000)))
    ]
