"""
``/api/v1/agents/ID/files/...``: an agent's files through the master's own origin.

So a browser needs to reach the master only, and no page needs rights in two origins.
Bodies are passed on as they come, and no faster than the reader takes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer, IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol as Receiver
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IResponse
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from mesostw.http.errors import HttpRefusal
from mesostw.http.rendering import failed, query_of, refused, write
from mesostw.unattended import unattended

#: Requests that are passed on at a time.
PROXIED_MAX: Final = 256
#: An agent has so long to begin its answer, in seconds.
ANSWER_TIMEOUT_S: Final = 10.0
NAMES: Final = frozenset({"browse", "read", "download"})
PARAMETERS: Final = ("path", "offset", "length", "jsonp")
_PASSED: Final = (
    b"content-type",
    b"content-disposition",
    b"content-security-policy",
    b"x-content-type-options",
)


class Web(Protocol):
    """The part of ``twisted.web.iweb.IAgent`` that is used here."""

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: Any = None,
    ) -> Deferred[IResponse]:
        """Fires with the answer when its head has come."""


class AgentFiles(Resource):
    """
    Passes reads of files on to their agent.

    :param address_of: where an agent's HTTP answers; ``None`` if it is not connected.
    """

    def __init__(
        self, web: Web, clock: IReactorTime, address_of: Callable[[str], str | None]
    ) -> None:
        super().__init__()
        self.isLeaf = True
        self._web, self._clock, self._address_of = web, clock, address_of
        self._under_way = 0

    def render_GET(self, request: Request) -> bytes | int:
        query = query_of(request)
        try:
            url = self._url(query.rest, query.arguments)
        except HttpRefusal as refusal:
            return write(request, query, refused(refusal))
        unattended(self._pass_on(request, url), lambda fault: failed(request, fault))
        return NOT_DONE_YET

    def _url(self, rest: str, arguments: Any) -> bytes:
        parts = rest.split("/")
        if len(parts) != 3 or parts[1] != "files" or parts[2] not in NAMES:
            raise HttpRefusal.not_found()
        address = self._address_of(parts[0])
        if address is None:
            raise HttpRefusal.not_found("No such agent, or it is not connected.\n")
        if self._under_way >= PROXIED_MAX:
            raise HttpRefusal.unavailable("Too many files are being read; try again.\n")
        asked = {name: arguments[name] for name in PARAMETERS if name in arguments}
        return f"http://{address}/files/{parts[2]}?{urlencode(asked)}".encode()

    async def _pass_on(self, request: Request, url: bytes) -> None:
        gone: list[object] = []
        _ = request.notifyFinish().addErrback(gone.append)
        self._under_way += 1
        try:
            response = await self._answered(url)
            if gone:
                return
            request.setResponseCode(response.code)
            for name in _PASSED:
                for value in response.headers.getRawHeaders(name) or ():
                    request.setHeader(name, value)
            if isinstance(response.length, int):
                request.setHeader(b"content-length", str(response.length).encode())
            await passed_on(response, request)
        except HttpRefusal as refusal:
            if not gone:
                body = write(request, query_of(request), refused(refusal))
                request.write(body if isinstance(body, bytes) else b"")
        finally:
            self._under_way -= 1
        if not gone:
            request.finish()

    async def _answered(self, url: bytes) -> IResponse:
        asked = self._web.request(b"GET", url, Headers({b"user-agent": [b"mesostw"]}))
        _ = asked.addTimeout(ANSWER_TIMEOUT_S, self._clock)
        try:
            return await asked
        except Exception as fault:
            # Whatever it was, the agent does not answer, and its text is for a person.
            reason = str(fault)[:200] or type(fault).__name__
            raise HttpRefusal(502, f"The agent does not answer: {reason}\n") from fault


def body_of(data: bytes) -> IBodyProducer | None:
    """What is sent with a request; ``None`` if there is nothing."""
    return _Ready(data) if data else None


@implementer(IBodyProducer)
class _Ready:
    """A body that is here already."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length = len(data)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._data)
        return succeed(None)

    def pauseProducing(self) -> None:
        pass

    def resumeProducing(self) -> None:
        pass

    def stopProducing(self) -> None:
        pass


def passed_on(response: IResponse, request: Request) -> Deferred[None]:
    """Copy a body as it comes; fires when all of it has, or its reader has gone."""
    done: Deferred[None] = Deferred()
    response.deliverBody(_Copy(request, done))
    return done


@implementer(IPushProducer)
class _Copy(Receiver):
    def __init__(self, request: Request, done: Deferred[None]) -> None:
        self._request, self._done = request, done

    def connectionMade(self) -> None:
        self._request.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        self._request.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._request.unregisterProducer()
        if not self._done.called:
            if reason.check(ResponseDone) is None and self._request.channel is not None:
                # Half a file must not look like a whole one.
                self._request.channel.forceAbortClient()
            self._done.callback(None)

    def pauseProducing(self) -> None:
        self._tell("pauseProducing")

    def resumeProducing(self) -> None:
        self._tell("resumeProducing")

    def stopProducing(self) -> None:
        self._tell("stopProducing")
        if not self._done.called:
            self._done.callback(None)

    def _tell(self, hook: str) -> None:
        # A body that is in memory already has nothing that could be paused.
        told = getattr(self.transport, hook, None)
        if told is not None:
            told()
