"""What kazoo's thread waits for."""

from __future__ import annotations

import select
import socket
import threading

from twisted.trial.unittest import SynchronousTestCase

from mesostw.zookeeper.sockets import UNSENT_BYTES_MAX, Bell, Wire, poll


class BellTests(SynchronousTestCase):
    """A bell never makes anybody wait."""

    def setUp(self) -> None:
        self.bell = Bell()
        self.addCleanup(self.bell.close)

    def rings(self) -> bool:
        return bool(poll([self.bell.fileno()], select.POLLIN, 0))

    def test_ring(self) -> None:
        """It rings until it was heard, however often it was rung."""
        self.assertFalse(self.rings())
        for _ in range(3):
            self.bell.ring()
        self.assertTrue(self.rings())
        self.bell.hush()
        self.assertFalse(self.rings())
        self.bell.ring()
        self.assertTrue(self.rings())

    def test_due(self) -> None:
        """Any number of requests can be due, where a pair of sockets would be full."""
        for _ in range(100_000):
            self.bell.send(b"\0")
        self.assertEqual(self.bell.pending(), 100_000)
        self.assertTrue(self.rings())
        self.bell.recv(1)
        self.assertEqual(self.bell.pending(), 99_999)

    def test_nothing_due(self) -> None:
        """What kazoo reads when nothing is due does not block or fail."""
        self.assertEqual(self.bell.recv(1), b"\0")
        self.assertEqual(self.bell.pending(), 0)

    def test_closed(self) -> None:
        """A closed bell may be rung, heard and closed again: it has no descriptor any more."""
        self.bell.close()
        self.bell.ring()
        self.bell.hush()
        self.bell.close()
        self.assertEqual(self.bell.fileno(), -1)


class WireTests(SynchronousTestCase):
    """A link reads and writes in large pieces."""

    def setUp(self) -> None:
        ours, self.theirs = socket.socketpair()
        self.wire = Wire(ours, 0.2, 0.0)
        self.wire.setblocking(0)
        self.addCleanup(self.wire.close)
        self.addCleanup(self.theirs.close)

    def test_reading(self) -> None:
        """What came at once is read at once, and given out in any pieces."""
        self.theirs.sendall(b"greeting, more")
        self.assertEqual(self.wire.recv(8), b"greeting")
        self.assertEqual(self.wire.pending(), 6)
        self.assertEqual(self.wire.recv(100), b", more")
        self.assertEqual(self.wire.pending(), 0)
        self.assertEqual(self.wire.greeting, b"greeting, more")

    def test_end(self) -> None:
        """The end is no bytes."""
        self.theirs.close()
        self.assertEqual(self.wire.recv(4), b"")

    def test_writing(self) -> None:
        """What is sent waits for a flush, and then goes in one piece."""
        self.wire.send(b"a")
        self.wire.send(b"b")
        self.assertEqual(poll([self.theirs.fileno()], select.POLLIN, 0), [])
        self.wire.flush()
        self.assertEqual(self.theirs.recv(10), b"ab")

    def test_much(self) -> None:
        """What is large is written as it comes, as fast as the other side takes it."""
        got = bytearray()

        def take() -> None:
            while len(got) < 40 * UNSENT_BYTES_MAX:
                got.extend(self.theirs.recv(1 << 20))

        taker = threading.Thread(target=take)
        taker.start()
        for number in range(40):
            self.wire.send(bytes([number]) * UNSENT_BYTES_MAX)
        self.wire.flush()
        taker.join(10)
        self.assertEqual(got[::UNSENT_BYTES_MAX], bytes(range(40)))

    def test_nobody_takes(self) -> None:
        """Who takes nothing has a broken link, after a while."""
        with self.assertRaises(OSError):
            for _ in range(100):
                self.wire.send(b"x" * UNSENT_BYTES_MAX)

    def test_abort(self) -> None:
        """Breaking it wakes whoever reads, with the end."""
        self.wire.abort()
        self.assertEqual(poll([self.wire.fileno()], select.POLLIN, 0), [self.wire.fileno()])
        self.assertEqual(self.wire.recv(1), b"")
