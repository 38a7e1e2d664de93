"""Probes over real sockets keep what every prober promises; answers of all kinds."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from typing import Any
from unittest import SkipTest

from twisted.internet import reactor as global_reactor
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import DN, CertificateOptions, KeyPair
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mesostw.core.probes import Probed, ProbeKey, ProbeKind, ProbeSpec
from mesostw.probing.names import Names
from mesostw.probing.network import HOPS_MAX, network_prober
from mesostw.probing.prober import Prober
from mesostw.reactor_time import ReactorClock
from mesostw.testing.clock import HeapClock
from mesostw.testing.contracts import prober as contracts
from mesostw.testing.contracts.prober import K, PeerKind, ProberContract, Told

reactor: Any = global_reactor


def answer(status: str, body: str = "", *headers: str) -> bytes:
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", body]
    return "\r\n".join(lines).encode()


GOOD = answer("200 OK", contracts.BODY, f"Content-Type: {contracts.CONTENT_TYPE}")


class Peer(Protocol):
    """Answers by what is asked for."""

    factory: Any
    transport: Any

    def connectionMade(self) -> None:
        self.factory.connected += 1
        self.factory.open += 1
        self.heard = b""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.open -= 1

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        if data.startswith(b"\x16"):  # somebody begins with TLS
            self.transport.write(answer("400 Bad Request"))
            self.transport.loseConnection()
        if self.heard.endswith(b"\r\n\r\n"):
            self.factory.requests.append(self.heard)
            said = self.factory.answers.get(self.heard.split()[1].decode())
            if said is not None:
                self.transport.write(said)
                if said not in (ENDLESS, KEPT):
                    self.transport.loseConnection()


#: Said by a server that leaves hanging up to others.
KEPT = answer("200 Kept")
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\nand "


class Peers(Factory):
    """One server."""

    protocol = Peer
    noisy = False

    def __init__(self) -> None:
        self.connected = 0
        self.open = 0
        self.requests: list[bytes] = []
        self.answers: dict[str, bytes] = {"/": GOOD, "/fails": answer("503 No", "")}


class OverSockets(TestCase):
    """A server, and probers of this test."""

    def setUp(self) -> None:
        self.clock = ReactorClock(reactor)
        self.peers = Peers()
        self.server = reactor.listenTCP(0, self.peers, interface="127.0.0.1")
        self.port = self.server.getHost().port
        self.addCleanup(self.server.stopListening)
        self.addCleanup(self.pass_time, 0.05)

    def make(self, told: Told, concurrent_max: int = 256) -> Prober:
        prober = network_prober(reactor, self.clock, told.tell, concurrent_max)
        self.addCleanup(prober.close)
        return prober

    async def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(2000):
            if condition():
                return
            await self.pass_time(0.005)
        self.fail("it took too long")

    def pass_time(self, seconds: float) -> Deferred[None]:
        later: Deferred[None] = deferLater(reactor, seconds, lambda: None)
        return later

    async def found(self, kind: ProbeKind = ProbeKind.HTTP, **others: Any) -> Probed:
        """What one probe of the server finds."""
        fields = {"host": "127.0.0.1", "port": self.port, "interval_s": 60.0, "timeout_s": 5.0}
        told = Told()
        prober = self.make(told)
        prober.start(K, ProbeSpec(kind=kind, **{**fields, **others}))
        await self.until(lambda: bool(told))
        prober.stop(K)
        return told[0]


class NetworkProberTests(ProberContract, OverSockets):
    """The contract, with real sockets."""

    make = OverSockets.make
    until = OverSockets.until
    pass_time = OverSockets.pass_time  # type: ignore[assignment]

    def address(self, peer: PeerKind) -> tuple[str, int]:
        match peer:
            case PeerKind.FAILS:
                self.peers.answers["/"] = self.peers.answers["/fails"]
            case PeerKind.SILENT:
                self.peers.answers.pop("/", None)
            case PeerKind.ABSENT:
                with socket.socket() as one:
                    one.bind(("127.0.0.1", 0))
                    return one.getsockname()  # type: ignore[no-any-return]
            case _:
                self.peers.answers["/"] = GOOD
        return "127.0.0.1", self.port

    async def test_replaced(self) -> None:
        """Starting a known key asks as the new spec says, and only so."""
        silent = self.spec(PeerKind.SILENT, timeout_s=0.3)
        told = Told()
        prober = self.make(told)
        prober.start(K, silent)
        await self.until(lambda: self.peers.connected == 1)
        prober.start(K, self.spec(PeerKind.FAILS))
        await self.pass_time(0.6)
        self.assertEqual(told, [Probed(key=K, status=503)])


class AnswersTests(OverSockets):
    """What servers do."""

    async def test_request(self) -> None:
        """A request names the host and asks that the connection be closed."""
        self.peers.answers["/?a=b"] = GOOD
        await self.found(path="/?a=b")
        (request,) = self.peers.requests
        self.assertTrue(request.startswith(b"GET /?a=b HTTP/1.1\r\n"), request)
        self.assertIn(f"\r\nHost: 127.0.0.1:{self.port}\r\n".encode(), request)
        self.assertIn(b"\r\nConnection: close\r\n", request)

    async def test_path_cannot_add_headers(self) -> None:
        """Whatever stands in a path is part of the path."""
        self.peers.answers["/a%20HTTP/1.1%0D%0AEvil:%20yes"] = GOOD
        found = await self.found(path="/a HTTP/1.1\r\nEvil: yes")
        self.assertEqual(found.status, 200)

    async def test_redirect_is_told(self) -> None:
        """A redirect is an answer like others, unless it is to be followed."""
        self.peers.answers["/old"] = answer("302 Found", "", "Location: /")
        self.assertEqual((await self.found(path="/old")).status, 302)

    async def test_redirect_is_followed(self) -> None:
        """Relative and absolute redirects lead on, and without a Location nowhere."""
        self.peers.answers["/a"] = answer("301 Moved", "", "Location: b/c?d=e")
        self.peers.answers["/b/c?d=e"] = answer(
            "307 Moved", "", f"Location: http://127.0.0.1:{self.port}/fails"
        )
        self.peers.answers["/nowhere"] = answer("302 Found", "")
        self.assertEqual((await self.found(path="/a", follow_redirects=True)).status, 503)
        self.assertEqual((await self.found(path="/nowhere", follow_redirects=True)).status, 302)

    async def test_redirect_that_cannot_be(self) -> None:
        """Circles and addresses of no web are errors that name them."""
        self.peers.answers["/circle"] = answer("302 Found", "", "Location: /circle")
        found = await self.found(path="/circle", follow_redirects=True)
        self.assertEqual(len(self.peers.requests), HOPS_MAX + 1)
        self.assertEqual(found.error, f"redirected more than {HOPS_MAX} times")
        for place in ("ftp://host/", "tcp://127.0.0.1:1", "http://h:99999/", "http://[bad"):
            self.peers.answers["/away"] = answer("302 Found", "", f"Location: {place}")
            found = await self.found(path="/away", follow_redirects=True)
            self.assertIn(f"redirected to {place!r}", found.error)

    async def test_endless_answer(self) -> None:
        """The code of an answer counts at once, also if its body never ends."""
        self.peers.answers["/"] = ENDLESS
        started = self.clock.seconds()
        self.assertEqual((await self.found()).status, 200)
        self.assertLess(self.clock.seconds() - started, 0.5)
        await self.pass_time(1.1)

    async def test_hangs_up(self) -> None:
        """Who has its answer hangs up, if the server does not; so does who waits no longer."""
        self.peers.answers["/"] = KEPT
        for spec in ({}, {"kind": ProbeKind.TCP}, {"path": "/silent", "timeout_s": 0.1}):
            await self.found(**spec)
            await self.until(lambda: self.peers.open == 0)
        self.peers.answers["/"] = ENDLESS
        await self.found()
        self.assertEqual(self.peers.open, 1)
        await self.until(lambda: self.peers.open == 0)

    async def test_no_http(self) -> None:
        """A peer that speaks something else, or hangs up, gives no answer."""
        self.peers.answers["/"] = b"220 ftp ready\r\n"
        self.assertIn("no HTTP", (await self.found()).error)
        self.peers.answers["/"] = b""
        self.assertIn("hung up without an answer", (await self.found()).error)

    async def test_connection_to_itself(self) -> None:
        """A connection that the kernel has made to its own end is nobody's answer."""
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        told = Told()
        prober = network_prober(_FromPort(port), self.clock, told.tell)
        self.addCleanup(prober.close)
        spec = ProbeSpec(kind=ProbeKind.TCP, host="127.0.0.1", port=port, interval_s=9, timeout_s=5)
        prober.start(K, spec)
        await self.until(lambda: bool(told))
        self.assertIn("it was our own", told[0].error)

    async def test_no_thread(self) -> None:
        """However many probes ask, nobody starts a thread or a process for them."""
        before = threading.active_count()
        told = Told()
        prober = self.make(told)
        for number in range(200):
            prober.start(
                ProbeKey(str(number)),
                ProbeSpec(
                    kind=ProbeKind.HTTP,
                    host="127.0.0.1",
                    port=self.port,
                    interval_s=0.2,
                    timeout_s=5,
                ),
            )
        await self.until(lambda: len(told) > 600)
        self.assertEqual(threading.active_count(), before)
        children = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
        with open(children) as listed:
            self.assertEqual(listed.read().split(), [])

    async def test_version_6(self) -> None:
        """An address of IPv6 stands in brackets where a port follows."""
        try:
            server = reactor.listenTCP(0, self.peers, interface="::1")
        except CannotListenError:
            raise SkipTest("this machine has no IPv6") from None
        self.addCleanup(server.stopListening)
        port = server.getHost().port
        self.assertEqual((await self.found(host="::1", port=port)).status, 200)
        self.assertIn(f"\r\nHost: [::1]:{port}\r\n".encode(), self.peers.requests[0])

    async def test_name(self) -> None:
        """A host may be a name; one that does not exist is an error that names it."""
        self.assertEqual((await self.found(host="localhost")).status, 200)
        found = await self.found(host="no-such-host.invalid")
        self.assertEqual(found.error, "cannot resolve no-such-host.invalid: no address")


class _FromPort:
    """A reactor whose connections all come from one port."""

    def __init__(self, port: int) -> None:
        self._port = port

    def connectTCP(self, host: str, port: int, factory: Any, timeout: float | None) -> Any:
        return reactor.connectTCP(host, port, factory, timeout, ("127.0.0.1", self._port))


def certificate() -> CertificateOptions:
    """Of a server that signed for itself."""
    key = KeyPair.generate(size=2048)
    request = key.requestObject(DN(commonName="x"))
    signed = key.signRequestObject(request.getSubject(), request, 1)
    return CertificateOptions(privateKey=key.original, certificate=signed.original)


class TlsTests(OverSockets):
    """HTTPS, whoever has signed."""

    async def test_self_signed(self) -> None:
        """A certificate that nobody knows is no hindrance, and TLS redirects work."""
        secured = reactor.listenSSL(0, self.peers, certificate(), interface="127.0.0.1")
        self.addCleanup(secured.stopListening)
        port = secured.getHost().port
        for host in ("127.0.0.1", "localhost"):
            found = await self.found(ProbeKind.HTTPS, host=host, port=port, body_bytes_max=100)
            self.assertEqual((found.status, found.body), (200, contracts.BODY))
        self.peers.answers["/old"] = answer(
            "302 Found", "", f"Location: https://127.0.0.1:{port}/fails"
        )
        self.assertEqual((await self.found(path="/old", follow_redirects=True)).status, 503)

    async def test_no_tls(self) -> None:
        """A peer without TLS is an error in words."""
        found = await self.found(ProbeKind.HTTPS)
        self.assertIs(found.status, None)
        self.assertIn("wrong version number", found.error)


class _Resolver:
    """A reactor whose resolver answers when told to."""

    def __init__(self) -> None:
        self.nameResolver = self
        self.asked: list[Any] = []

    def resolveHostName(self, receiver: Any, name: str) -> None:
        self.asked.append(receiver)


class NamesTests(SynchronousTestCase):
    """Names are asked for seldom."""

    def test_remembered(self) -> None:
        """A name is asked for once, by however many, until its age is over."""
        clock, resolver = HeapClock(), _Resolver()
        names = Names(resolver, clock)
        told: list[str | None] = []
        for _ in range(3):
            names.resolve("h", lambda address, error: told.append(address))
        self.assertEqual(len(resolver.asked), 1)
        resolver.asked[0].addressResolved(IPv6Address("TCP", "::1", 0))
        resolver.asked[0].addressResolved(IPv4Address("TCP", "10.0.0.1", 0))
        resolver.asked[0].resolutionComplete()
        names.resolve("h", lambda address, error: told.append(address))
        self.assertEqual(told, ["10.0.0.1"] * 4)
        clock.advance(31.0)
        names.resolve("h", lambda address, error: told.append(address))
        self.assertEqual(len(resolver.asked), 2)

    def test_no_name(self) -> None:
        """What the system's resolver would choke on, and never answer, is not asked for."""
        resolver = _Resolver()
        names = Names(resolver, HeapClock())
        told: list[tuple[str | None, str]] = []
        for name in ("a..b", "x" * 64, "\udcff"):
            names.resolve(name, lambda address, error: told.append((address, error)))
            self.assertEqual(
                told.pop(), (None, f"cannot resolve {name!r}: it is no name of a host")
            )
        self.assertEqual(resolver.asked, [])
