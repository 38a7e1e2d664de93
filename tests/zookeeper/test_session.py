"""The bridge against a server that says what a test wants, and what it lets be seen."""

from __future__ import annotations

import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mesostw.model.zkurl import Credentials, ZkUrl
from mesostw.model.zookeeper import (
    AuthFailed,
    ConnectionLost,
    NoNode,
    Refused,
    SessionExpired,
    SessionState,
    ZooKeeperFault,
)
from mesostw.testing.clock import HeapClock
from mesostw.zookeeper.crossing import Crossing
from mesostw.zookeeper.ensemble import KazooEnsemble

#: ``FINE`` is what a server says to a request that it has done.
FINE, NO_NODE, AUTH_FAILED, UNKNOWN = 0, -101, -115, -6
STAT = struct.pack("!qqqqiiiqiiq", 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1)
PATIENCE_S = 20.0


class Scripted:
    """
    A server of one session that answers each request with the next error of a script.

    :param answers: one a request, authentication included; ``None`` closes the link.
    """

    def __init__(self, answers: Sequence[int | None]) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._answers = list(answers)
        self.links = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more connections."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                link, _ = self._listening.accept()
            except OSError:
                return
            self.links += 1
            with link, link.makefile("rb") as requests:
                self._serve(link, requests)

    def _serve(self, link: socket.socket, requests: Any) -> None:
        def read() -> bytes:
            head = requests.read(4)
            return requests.read(struct.unpack("!i", head)[0]) if head else b""

        def write(content: bytes) -> None:
            link.sendall(struct.pack("!i", len(content)) + content)

        read()
        write(struct.pack("!iiqi16sB", 0, 4000, 77, 16, b"p" * 16, 0))
        while request := read():
            xid, kind = struct.unpack_from("!ii", request)
            if kind == -11:
                write(struct.pack("!iqi", xid, 1, 0))
                return
            if kind != 11:
                answer = self._answers.pop(0) if self._answers else FINE
                if answer is None:
                    return
                write(struct.pack("!iqi", xid, 1, answer) + (STAT if answer == FINE else b""))


class ScriptCase(SynchronousTestCase):
    """The test is the reactor."""

    def setUp(self) -> None:
        self.clock = HeapClock()
        self.calls: queue.Queue[tuple[Callable[..., object], tuple[Any, ...]]] = queue.Queue()
        self.states: list[SessionState] = []

    def post(self, call: Callable[..., object], *arguments: object) -> None:
        self.calls.put((call, arguments))

    def wait(self, met: Callable[[], object]) -> None:
        end, looked = time.monotonic() + PATIENCE_S, time.monotonic()
        while not met() and time.monotonic() < end:
            now = time.monotonic()
            self.clock.advance(now - looked)
            looked = now
            try:
                call, arguments = self.calls.get(timeout=0.005)
            except queue.Empty:
                continue
            call(*arguments)

    def settled(self, deferred: Deferred[Any]) -> Deferred[Any]:
        self.wait(lambda: deferred.called)
        return deferred

    def ensemble(self, server: Scripted, credentials: Credentials | None = None) -> KazooEnsemble:
        self.addCleanup(server.close)
        url = ZkUrl((("127.0.0.1", server.port),), "/", credentials)
        return KazooEnsemble(url, self.clock, self.post, 4.0)

    def connect(self, server: Scripted, credentials: Credentials | None = None) -> Deferred[Any]:
        return self.settled(self.ensemble(server, credentials).connect(self.states.append))


class AnswerTests(ScriptCase):
    """What servers say."""

    def test_agreed(self) -> None:
        """The session's number and time are the server's; since when there is a link is ours."""
        begun = self.clock.seconds()
        session = self.successResultOf(self.connect(Scripted([])))
        self.assertEqual((session.session_id, session.timeout_s), (77, 4.0))
        self.assertTrue(begun <= session.dialled_at <= self.clock.seconds())
        self.successResultOf(self.settled(session.close()))

    def test_credentials_refused(self) -> None:
        """Who is not taken for who they say gets no session, and tries no more."""
        server = Scripted([AUTH_FAILED])
        self.failureResultOf(self.connect(server, Credentials("me", "secret")), AuthFailed)
        self.assertEqual(server.links, 1)
        self.assertEqual(self.states, [])

    def test_kazoo_ends(self) -> None:
        """If kazoo gives up by a fault of its own, whoever waits for a session is told."""
        self.patch(Crossing, "create_connection", self._fail)
        self.failureResultOf(self.connect(Scripted([])), SessionExpired)
        self.assertEqual(self.states, [])
        (fault,) = self.flushLoggedErrors(UnicodeError)
        self.assertIn("no such codec", fault.getErrorMessage())

    @staticmethod
    def _fail(*_: object, **_more: object) -> None:
        raise UnicodeError("no such codec")

    def test_garbage(self) -> None:
        """An answer that cannot be read is logged without what was asked: it has passwords."""
        lines: list[str] = []

        def note(event: LogEvent) -> None:
            lines.append(formatEvent(event))

        globalLogPublisher.addObserver(note)
        self.addCleanup(globalLogPublisher.removeObserver, note)
        garbage = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(garbage.close)
        ensemble = KazooEnsemble(
            ZkUrl((("127.0.0.1", garbage.getsockname()[1]),)), self.clock, self.post, 4.0
        )
        connecting = ensemble.connect(self.states.append)
        link, _ = garbage.accept()
        with link:
            link.sendall(struct.pack("!i", 2) + b"ab")
            self.wait(lambda: any("deserialization" in line for line in lines))
        connecting.cancel()
        self.failureResultOf(connecting, CancelledError)
        (line,) = [line for line in lines if "deserialization" in line][:1]
        self.assertNotIn("passwd", line)
        self.assertIn("Connect", line)

    def test_errors(self) -> None:
        """What has no name of its own was refused; what has one is told by it."""
        server = Scripted([FINE, NO_NODE, UNKNOWN, None])
        session = self.successResultOf(self.connect(server))
        kinds = [NoNode, Refused, ConnectionLost]
        asked = [session.get("/x") for _ in kinds]
        for deferred, kind in zip(asked, kinds, strict=True):
            fault: ZooKeeperFault = self.failureResultOf(self.settled(deferred), kind).value
            self.assertEqual((type(fault), fault.path), (kind, "/x"))
        self.wait(lambda: SessionState.CONNECTED in self.states)
        self.successResultOf(self.settled(session.close()))

    def test_silent_server(self) -> None:
        """A server that takes connections and never answers is passed over."""
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        server = Scripted([])
        self.addCleanup(server.close)
        servers = (("127.0.0.1", silent.getsockname()[1]), ("127.0.0.1", server.port))
        ensemble = KazooEnsemble(ZkUrl(servers), self.clock, self.post, 3.0)
        for _ in range(2):
            session = self.successResultOf(self.settled(ensemble.connect(self.states.append)))
            self.successResultOf(self.settled(session.close()))

    def test_mistake(self) -> None:
        """A mistake of the program's is told as one, in its turn, and sends nothing."""
        session = self.successResultOf(self.connect(Scripted([])))
        before, mistake = session.exists("/1"), session.set("/2", "text")
        after = session.exists("/3")
        self.failureResultOf(self.settled(mistake), TypeError)
        self.successResultOf(before)
        self.successResultOf(self.settled(after))
        self.successResultOf(self.settled(session.close()))

    def behind_a_loss(self, session: Any, server: Scripted) -> Deferred[Any]:
        """Ask something when the link has broken and nobody has heard of that."""
        self.clock.advance(0)
        end = time.monotonic() + PATIENCE_S
        while server.links < 2 and time.monotonic() < end:
            time.sleep(0.01)
        asked = session.get("/behind")
        self.clock.advance(0)
        time.sleep(0.1)
        return asked

    def test_gate(self) -> None:
        """What is asked before a loss is heard of is not sent over the next link."""
        server = Scripted([FINE, None])
        session = self.successResultOf(self.connect(server))
        fired: list[str] = []
        asked = [session.get("/1"), session.get("/2")]
        asked.append(self.behind_a_loss(session, server))
        for one in asked:
            _ = one.addErrback(lambda failure: fired.append(failure.type.__name__))
        self.wait(lambda: session.state is SessionState.CONNECTED and self.states)
        self.assertEqual(self.states, [SessionState.SUSPENDED, SessionState.CONNECTED])
        self.assertEqual(fired, ["ConnectionLost", "ConnectionLost", "NotConnected"])
        self.successResultOf(self.settled(session.close()))

    def test_closed_by_who_hears_of_a_loss(self) -> None:
        """Whoever is told that it was not sent may close the session, which ends once."""
        server = Scripted([FINE, None])
        session = self.successResultOf(self.connect(server))
        first = session.get("/1")
        closed: list[Deferred[None]] = []
        behind = self.behind_a_loss(session, server)
        _ = behind.addErrback(lambda _: closed.append(session.close()))
        self.failureResultOf(self.settled(first), ConnectionLost)
        self.wait(lambda: closed and closed[0].called)
        self.successResultOf(closed[0])
        self.assertEqual((session.state, self.states), (SessionState.EXPIRED, []))

    def test_listener_faulty(self) -> None:
        """What a listener raises is logged, and harms nobody."""

        def faulty(_: SessionState) -> None:
            raise ZeroDivisionError

        server = Scripted([FINE, None])
        session = self.successResultOf(self.settled(self.ensemble(server).connect(faulty)))
        self.failureResultOf(self.settled(session.exists("/")), ConnectionLost)
        self.wait(lambda: session.state is SessionState.CONNECTED)
        self.assertIsNotNone(self.successResultOf(self.settled(session.exists("/"))))
        self.successResultOf(self.settled(session.close()))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)


class SecretTests(ScriptCase):
    """A password is for the server alone."""

    def test_logs(self) -> None:
        """It is in no log, whatever happens to the link; what happened is."""
        texts: list[str] = []

        def observe(event: LogEvent) -> None:
            texts.append(f"{formatEvent(event)} {event!r}")

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        server = Scripted([FINE, FINE, None])
        ensemble = self.ensemble(server, Credentials("me", "hush-hush"))
        session = self.successResultOf(self.settled(ensemble.connect(self.states.append)))
        self.failureResultOf(self.settled(session.exists("/")), ConnectionLost)
        self.wait(lambda: SessionState.CONNECTED in self.states)
        self.successResultOf(self.settled(session.close()))
        shown = "\n".join([*texts, repr(ensemble), repr(session)])
        self.assertNotIn("hush-hush", shown)
        self.assertIn("Connection dropped", shown)
