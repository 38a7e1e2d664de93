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
from twisted.internet.interfaces import IConsumer, IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol as Receiver
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
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
#: An answer that has begun, and of which nothing comes for so long, is broken off, in seconds.
SILENT_S: Final = 30.0
#: A reader that takes nothing for so long is hung up on, in seconds: it holds a place of others.
UNREAD_S: Final = 120.0
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
            await passed_on(response, request, self._clock)
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


def passed_on(
    response: IResponse, request: Request, clock: IReactorTime | None = None
) -> Deferred[None]:
    """
    Copy a body as it comes; fires when all of it has, or its reader's connection has ended.

    An answer that breaks off breaks the reader's connection: half a file must not look like
    a whole one.  Whoever goes on then asks ``notifyFinish`` before whether there is still
    somebody to go on for.

    :param clock: breaks off what is silent for ``SILENT_S``, or not read for ``UNREAD_S``;
        ``None``: a stream, which may be.
    """
    done: Deferred[None] = Deferred()
    response.deliverBody(_Copy(request, done, clock))
    return done


@implementer(IPushProducer)
class _Copy(Receiver):
    _log = Logger()

    def __init__(self, request: Request, done: Deferred[None], clock: IReactorTime | None) -> None:
        self._request, self._done, self._clock = request, done, clock
        self._silence: IDelayedCall | None = None
        self._patience_s = SILENT_S
        #: All has come, or nothing more is wanted.
        self._is_over = False

    def connectionMade(self) -> None:
        _ = self._request.notifyFinish().addErrback(self._reader_gone)
        self._listen()
        self._request.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        if self._is_over:
            return
        if self._silence is not None:
            self._silence.reset(self._patience_s)
        self._request.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._is_over:
            return
        self._leave()
        # Who says no length ends by closing: nobody can tell whether that was the whole.
        if reason.check(ResponseDone, PotentialDataLoss) is None:
            self._request.channel.forceAbortClient()
        else:
            self._done.callback(None)

    def pauseProducing(self) -> None:
        # A reader that is slow is no fault of who answers.
        self._wait(UNREAD_S, "is not read any more")
        self._tell("pauseProducing")

    def resumeProducing(self) -> None:
        self._listen()
        self._tell("resumeProducing")

    def stopProducing(self) -> None:
        # The reader's transport has ended; the request hears of it only after this.
        if not self._is_over:
            self._leave()
            self._tell("stopProducing")

    def _reader_gone(self, _reason: Failure) -> None:
        if not self._is_over:
            self._is_over = True
            self._wait_no_more()
            self._tell("stopProducing")
        self._done.callback(None)

    def _leave(self) -> None:
        self._is_over = True
        self._wait_no_more()
        self._request.unregisterProducer()

    def _listen(self) -> None:
        self._wait(SILENT_S, "goes on no more")

    def _wait(self, patience_s: float, fault: str) -> None:
        self._wait_no_more()
        self._patience_s = patience_s
        if self._clock is not None and not self._is_over:
            self._silence = self._clock.callLater(patience_s, self._give_up, fault)

    def _wait_no_more(self) -> None:
        silence, self._silence = self._silence, None
        if silence is not None:
            silence.cancel()

    def _give_up(self, fault: str) -> None:
        self._silence = None
        self._log.warn(
            "the answer to {uri} {fault}, for {patience_s:g} s: it is broken off",
            uri=self._request.uri,
            fault=fault,
            patience_s=self._patience_s,
        )
        self._leave()
        self._tell("stopProducing")
        self._request.channel.forceAbortClient()

    def _tell(self, hook: str) -> None:
        # A body that is in memory already has nothing that could be paused.
        told = getattr(self.transport, hook, None)
        if told is not None:
            told()
