"""Direct sending keeps the order and survives what sockets do."""

from __future__ import annotations

import errno
from typing import Any

from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from mesostw.bus.sending import set_up_socket, writer_for


class Socket:
    """A socket that takes so many bytes, then would block, then breaks."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.sent = b""

    def fileno(self) -> int:
        return -1

    def setblocking(self, flag: bool) -> None:
        pass

    def send(self, written: bytes) -> int:
        if self.room < 0:
            raise ConnectionResetError(errno.ECONNRESET, "reset")
        if self.room == 0:
            raise BlockingIOError(errno.EAGAIN, "full")
        taken = bytes(written[: self.room])
        self.sent += taken
        self.room -= len(taken)
        return len(taken)


class Reactor:
    """Remembers who waits to write."""

    def __init__(self) -> None:
        self.writers: set[object] = set()

    def addWriter(self, writer: object) -> None:
        self.writers.add(writer)

    def removeWriter(self, writer: object) -> None:
        self.writers.discard(writer)


class DirectTests(SynchronousTestCase):
    """Twisted's own TCP connection, over a socket of ours."""

    def make(self, room: int) -> Any:
        self.socket, self.reactor = Socket(room), Reactor()
        connection: Any = Connection(self.socket, None, self.reactor)  # type: ignore[arg-type]
        connection.connected = 1
        self.write = writer_for(connection)
        self.assertNotEqual(self.write, connection.write)
        return connection

    def drain(self, connection: Any, room: int) -> None:
        self.socket.room = room
        while self.reactor.writers and self.socket.room > 0:
            connection.doWrite()

    def test_at_once(self) -> None:
        """With room in the socket bytes are sent in the call, and nobody waits."""
        self.make(100)
        self.write(b"one")
        self.write(b"two")
        self.assertEqual((self.socket.sent, self.reactor.writers), (b"onetwo", set()))

    def test_order(self) -> None:
        """Whatever the socket takes at a time, bytes go out once and in order."""
        said = [bytes([65 + n]) * (n + 1) for n in range(26)]
        for room in range(0, 120, 7):
            connection = self.make(room)
            for n, piece in enumerate(said):
                if n % 5 == 4:
                    connection.write(piece)
                else:
                    self.write(piece)
                self.drain(connection, 3)
                self.socket.room = room if n % 3 else 0
            self.drain(connection, 10_000)
            self.assertEqual(self.socket.sent, b"".join(said))

    def test_broken(self) -> None:
        """An error of the socket is left to the transport, which finds it when it writes."""
        connection = self.make(-1)
        self.write(b"lost")
        self.assertEqual(self.reactor.writers, {connection})
        self.assertIsInstance(connection.doWrite(), Exception)

    def test_closing(self) -> None:
        """On a connection that closes, or has closed, the transport decides."""
        connection = self.make(100)
        connection.disconnecting = True
        self.write(b"late")
        self.assertEqual(self.socket.sent, b"")
        connection.connected = 0
        self.write(b"later")
        self.assertEqual(self.socket.sent, b"")

    def test_other_transports(self) -> None:
        """Any other transport is written to in its own way."""
        transport = StringTransport()
        writer_for(transport)(b"plain")
        self.assertEqual(transport.value(), b"plain")
        set_up_socket(transport)

    def test_tls(self) -> None:
        """A connection that speaks TLS is never sent past its encryption."""
        connection = self.make(100)
        connection.TLS = True
        self.assertEqual(writer_for(connection), connection.write)
