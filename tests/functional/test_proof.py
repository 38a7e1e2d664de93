"""How long sessions last with three real servers, counted as leaders count: see ADR 22."""

from __future__ import annotations

import random
import socket
import struct
import time
from typing import Any, Final

from kazoo.client import KazooClient
from kazoo.protocol.serialization import CheckVersion, Connect, Create, Transaction
from kazoo.security import OPEN_ACL_UNSAFE
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mesostw.model.zookeeper import SessionExpired
from mesostw.testing.zookeeper import server
from mesostw.zookeeper.proof import ASK_SHARE, Proof

#: The least that a session is of a tick of this length: then it counts most who heard of it.
TICK_MS: Final = 1000
SESSION_S: Final = 2.0
SESSIONS: Final = 60
NO_PASSWORD: Final = b"\0" * 16
EPHEMERAL: Final = 1


class Quiet:
    """A session that says nothing but what it is told to, and its node."""

    def __init__(self, port: int, number: int) -> None:
        self.path = f"/n{number:03}"
        self.timeout_s, self.dialled_at = SESSION_S, 0.0
        self.link: socket.socket
        self._id, self._password, self._requests = 0, NO_PASSWORD, 0
        #: By what it was told last.
        self.is_there = True
        #: When its node was not there any more.
        self.gone: float | None = None
        self.dial(port)
        self._ask(Create(self.path, b"", OPEN_ACL_UNSAFE, EPHEMERAL))

    def dial(self, port: int) -> bool:
        """Come to a server with the session; whether it takes that."""
        self.dialled_at = time.monotonic()
        self.link = socket.create_connection(("127.0.0.1", port), 10)
        hello = Connect(0, 0, int(SESSION_S * 1000), self._id, self._password, False)
        self.link.sendall(struct.pack("!i", len(hello.serialize())) + hello.serialize())
        try:
            answer = self._frame()
        except ConnectionResetError:
            return False  # as is said, or not, to a session that ends just now
        _, timeout_ms, session, length = struct.unpack_from("!iiqi", answer)
        self._id, self._password = session, answer[20 : 20 + length]
        return timeout_ms > 0

    def ask(self) -> Deferred[Any]:
        """Whether the node is there; in a transaction, as leaders ask."""
        try:
            self._ask(Transaction([CheckVersion(self.path, -1)]))
        except (OSError, SessionExpired):
            self.is_there = False
            return fail(SessionExpired(self.path))
        return succeed(None)

    def _ask(self, request: Any) -> None:
        self._requests += 1
        body = struct.pack("!ii", self._requests, request.type) + request.serialize()
        self.link.sendall(struct.pack("!i", len(body)) + body)
        _, _, fault = struct.unpack_from("!iqi", self._frame())
        if fault:
            raise SessionExpired(self.path)

    def _frame(self) -> bytes:
        return self._read(struct.unpack("!i", self._read(4))[0])

    def _read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            more = self.link.recv(size - len(found))
            if not more:
                raise ConnectionResetError
            found += more
        return found


class Asking:
    """A proof whose questions are asked when the test says so: its clock is set, not advanced."""

    def __init__(self, session: Quiet, begun: float, chance: random.Random) -> None:
        self.session, self._clock = session, Clock()
        self._proof = Proof(self._clock, session, session.ask)
        # Every other one asks a little when its session is nearly over; the others go on for long.
        is_last = chance.random() < 0.5
        self._due = begun + chance.uniform(1.0 if is_last else 0.0, 1.7) * SESSION_S
        self._left = chance.randint(1, 3) if is_last else chance.randint(6, 14)
        #: Whether it held for longer than the session would have been known by its link.
        self.was_proved = False
        #: Whether it held and the node was gone.
        self.was_wrong = False

    def look(self, now: float) -> None:
        """Ask if it is time for it, and see what is known."""
        self._clock.rightNow = now
        held = self._proof.holds()
        self.was_proved |= held and now > self.session.dialled_at + SESSION_S
        gone = self.session.gone
        if gone is None and self._left and now >= self._due:
            self._left -= 1
            self._due = now + SESSION_S * ASK_SHARE
            self._proof.renew()
            is_there = self.session.is_there
            self._left *= is_there
            self.was_wrong |= held and not is_there
        self.was_wrong |= held and gone is not None


class LastingTests(SynchronousTestCase):
    """No node is gone while its owner would take for proved that it is there."""

    if not server.is_installed():
        skip = "zookeeper is not installed; script/bootstrap installs it"

    def setUp(self) -> None:
        self.servers = server.ZooKeeperServers(3, TICK_MS)
        self.addCleanup(self.servers.remove)
        leader = self.servers.leader()
        self.others = [one.port for one in self.servers.servers if one is not leader]
        self.eyes = KazooClient(leader.address)
        self.eyes.start()
        self.addCleanup(self.eyes.close)
        self.addCleanup(self.eyes.stop)
        self.sessions = [Quiet(self.others[0], number) for number in range(SESSIONS)]
        for one in self.sessions:
            self.addCleanup(lambda one=one: one.link.close())

    def watch(self, do: Any) -> None:
        """Look who is there until nobody is, and ``do`` something at each look."""
        until = time.monotonic() + 30
        while any(one.gone is None for one in self.sessions) and time.monotonic() < until:
            do(time.monotonic())
            there, now = set(self.eyes.get_children("/")), time.monotonic()
            for one in self.sessions:
                if one.gone is None and one.path[1:] not in there:
                    one.gone = now
        self.assertEqual([one.path for one in self.sessions if one.gone is None], [])

    def test_questions(self) -> None:
        """After a silence, however many questions follow it, and silence again."""
        chance, begun = random.Random(1), time.monotonic()
        asking = [Asking(one, begun, chance) for one in self.sessions]
        self.watch(lambda now: [one.look(now) for one in asking])
        self.assertEqual([one.session.path for one in asking if one.was_wrong], [])
        # There was something to see: some were proved by questions, not by their links.
        self.assertGreater(sum(one.was_proved for one in asking), SESSIONS // 10)

    def test_another_server(self) -> None:
        """Who comes to another server at the last moment is believed from when it dialled."""
        begun = time.monotonic()
        due = [begun + SESSION_S * (0.7 + 0.8 * number / SESSIONS) for number in range(SESSIONS)]
        taken: dict[int, float] = {}
        tried: set[int] = set()

        def move(now: float) -> None:
            for number, one in enumerate(self.sessions):
                if number not in tried and now >= due[number]:
                    tried.add(number)
                    one.link.close()
                    if one.dial(self.others[1]):
                        taken[number] = one.dialled_at

        self.watch(move)
        lives = [(self.sessions[number].gone or 0.0) - at for number, at in taken.items()]
        self.assertGreater(len(lives), SESSIONS // 4)
        self.assertGreaterEqual(min(lives), SESSION_S)
