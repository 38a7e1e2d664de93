"""
Probes over real sockets: a connection each, no process and no thread.

Note [Lean]
    Most of what a probe costs is the connection itself.  So the request is one write, the
    answer is read by ``answers``, the context of TLS is made once, and a name is resolved
    once in a while.

Note [Talking to oneself]
    A connection to a local port where nobody listens can be given that very port as its own
    and then succeeds, with itself.  It would make a dead service look alive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.core.probes import ProbeKind, ProbeSpec
from mesostw.interfaces import IClock
from mesostw.probing.answers import Answer, BadAnswer
from mesostw.probing.names import Names
from mesostw.probing.prober import CONCURRENT_MAX, Finding, Prober, Tell

#: Redirects that are followed in one probe.
HOPS_MAX: Final = 10
#: How long what is left of an answer is listened to once its code is known.
DRAIN_S: Final = 1.0
#: What a path and its query may have as it is; a space or a line end may not.
PATH_SAFE: Final = "/?&=%:;,@!$'()*+~[]"
_REDIRECTS: Final = (301, 302, 303, 307, 308)


def network_prober(
    reactor: Any, clock: IClock, tell: Tell, concurrent_max: int = CONCURRENT_MAX
) -> Prober:
    """A prober over sockets of ``reactor``."""
    net = _Net(reactor, clock)

    def ask(spec: ProbeSpec, found: Callable[[Finding], None]) -> _Asking:
        return _Asking(net, spec, found)

    return Prober(clock, ask, tell, concurrent_max)


class _Net:
    """What all probes of one prober share."""

    def __init__(self, reactor: Any, clock: IClock) -> None:
        self.reactor, self.clock = reactor, clock
        self.names = Names(reactor, clock)
        self._context: SSL.Context | None = None

    def secured(self, factory: ClientFactory, name: str) -> Any:
        """``factory`` over TLS, with a peer whose certificate may be anybody's."""
        if self._context is None:
            self._context = CertificateOptions().getContext()
        creator = _Unverified(self._context, name)
        return TLSMemoryBIOFactory(creator, True, factory, clock=self.reactor)


@implementer(IOpenSSLClientConnectionCreator)
class _Unverified:
    """Connections to whoever answers; the name is for servers that have several."""

    def __init__(self, context: SSL.Context, name: str) -> None:
        self._context, self._name = context, name

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        connection = SSL.Connection(self._context, None)
        if not self._name.replace(".", "").isdigit() and ":" not in self._name:
            connection.set_tlsext_host_name(self._name.encode("idna"))
        return connection


class _Asking:
    """One probe under way, over as many connections as there are redirects."""

    def __init__(self, net: _Net, spec: ProbeSpec, found: Callable[[Finding], None]) -> None:
        self._net, self._spec, self._found = net, spec, found
        self._hops = 0
        self._over = False
        self._connection: _Connection | None = None
        self.go(spec.kind, spec.host, spec.port, spec.path)

    def go(self, kind: ProbeKind, host: str, port: int, path: str) -> None:
        """Open a connection to ask on, once the address is known."""
        connection = _Connection(self, kind, host, port, path, self._spec.body_bytes_max)
        self._connection = connection

        def resolved(address: str | None, error: str) -> None:
            if self._over or self._connection is not connection:
                return
            if address is None:
                self._net.clock.callLater(0, self.failed, connection, error)
                return
            factory: Any = connection
            if kind is ProbeKind.HTTPS:
                factory = self._net.secured(connection, host)
            # Its own timeout would be one more; the prober has one for all of it.
            connection.connector = self._net.reactor.connectTCP(address, port, factory, None)

        self._net.names.resolve(host, resolved)

    def cancel(self) -> None:
        """Hang up, or do not even connect."""
        self._over = True
        if self._connection is not None:
            self._connection.hang_up()

    def failed(self, connection: _Connection, error: str) -> None:
        """There is no connection, or no answer on it."""
        if not self._over and connection is self._connection:
            self._tell(Finding(error=error))

    def connected(self) -> None:
        """Somebody takes connections; that was the question."""
        self._tell(Finding())

    def answered(self, connection: _Connection, answer: Answer) -> None:
        """There is an answer, perhaps one that sends us elsewhere."""
        if self._over:
            return
        spec = self._spec
        if spec.follow_redirects and answer.status in _REDIRECTS and answer.location:
            connection.hang_up()
            self._redirected(connection.url, answer.location)
            return
        kind = answer.content_type if spec.body_bytes_max else ""
        body = answer.body.decode(errors="replace")
        self._tell(Finding(answer.status, "", kind, body))
        if answer.complete:
            connection.leave()
        else:
            self._net.clock.callLater(DRAIN_S, connection.hang_up)

    def _redirected(self, asked: str, location: str) -> None:
        self._hops += 1
        url = location
        try:
            url = urljoin(asked, location)
            parts = urlsplit(url)
            kind = ProbeKind(parts.scheme.upper())
            port = parts.port or (443 if kind is ProbeKind.HTTPS else 80)
            host = parts.hostname or ""
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        except ValueError:
            self._tell(Finding(error=f"redirected to {url[:200]!r}, which cannot be asked"))
            return
        if kind is ProbeKind.TCP or not host:
            self._tell(Finding(error=f"redirected to {url[:200]!r}, which cannot be asked"))
        elif self._hops > HOPS_MAX:
            self._tell(Finding(error=f"redirected more than {HOPS_MAX} times"))
        else:
            self.go(kind, host, port, path)

    def _tell(self, finding: Finding) -> None:
        self._over = True
        self._found(finding)


class _Connection(ClientFactory, Protocol):
    """One connection, made once: its own factory, to have an object less."""

    noisy = False
    transport: Any

    def __init__(
        self, asking: _Asking, kind: ProbeKind, host: str, port: int, path: str, body_max: int
    ) -> None:
        self._asking, self._kind = asking, kind
        self._path = quote(path, PATH_SAFE)
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._body_max = body_max
        self._answer = Answer(body_max)
        self._told = False
        self._gone = False
        self.connector: Any = None

    @property
    def url(self) -> str:
        """What is asked for."""
        return f"{self._kind.lower()}://{self._address}{self._path}"

    def buildProtocol(self, addr: object) -> _Connection:
        return self

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        self._gone = True
        self._fail(f"cannot connect to {self._address}: {reason.getErrorMessage()}")

    def connectionMade(self) -> None:
        if self.transport.getHost() == self.transport.getPeer():
            # See Note [Talking to oneself].
            self._fail(f"cannot connect to {self._address}: connection refused (it was our own)")
            self.hang_up()
        elif self._kind is ProbeKind.TCP:
            self._told = True
            self._asking.connected()
            self.leave()
        else:
            self.transport.write(
                f"GET {self._path} HTTP/1.1\r\nHost: {self._address}\r\n"
                "User-Agent: mesostw\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode()
            )

    def dataReceived(self, data: bytes) -> None:
        try:
            self._answer.receive(data)
        except BadAnswer as fault:
            self._fail(f"{self._address} answers with {fault}")
            self.hang_up()
            return
        if self._told:
            if self._answer.complete:
                self.leave()
        elif self._answer.complete or (self._answer.status is not None and not self._body_max):
            self._tell()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._gone = True
        if self._told:
            return
        try:
            self._answer.ended()
        except BadAnswer as fault:
            self._fail(f"{self._address}: {fault} ({reason.getErrorMessage()})")
        else:
            self._tell()

    def leave(self) -> None:
        """Hang up with good manners."""
        if not self._gone:
            self.transport.loseConnection()

    def hang_up(self) -> None:
        """Have no connection, at once."""
        if self._gone:
            return
        self._told = True
        if self.transport is not None:
            self.transport.abortConnection()
        elif self.connector is not None:
            self.connector.stopConnecting()

    def _tell(self) -> None:
        self._told = True
        self._asking.answered(self, self._answer)

    def _fail(self, error: str) -> None:
        if not self._told:
            self._told = True
            self._asking.failed(self, error)
