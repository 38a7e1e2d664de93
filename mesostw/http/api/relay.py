"""
A daemon that does not lead passes requests on to the one that does.

Who passes a request on signs it; a daemon that meets its own signature has been sent
in a circle by two that believe in each other, and says so.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse
from twisted.web.server import Request

from mesostw.http.api.manners import Manner
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.proxy import Web, body_of, passed_on

#: Requests that are passed on at a time; as many connections as the original keeps.
RELAYED_MAX: Final = 64
#: The leader has so long to begin its answer, in seconds.
READ_TIMEOUT_S: Final = 10.0
#: The host that the client asked.
FORWARDED_HOST: Final = "X-Forwarded-Host"
#: Headers of one connection, and those that are made anew.
_OWN: Final = frozenset(
    {
        b"connection",
        b"content-length",
        b"host",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)


class Relay:
    """
    Passes requests on.

    :param address: of this daemon, ``host:port``: its signature.
    """

    def __init__(self, web: Web | None, clock: IReactorTime, address: str, manner: Manner) -> None:
        self._web, self._clock, self._address, self._manner = web, clock, address, manner
        self._under_way = 0

    async def pass_on(self, request: Request, leader: str) -> None:
        """
        Answer ``request`` with what ``leader`` answers.

        :raises ApiRefusal: 502 or 503; nothing has been written then.
        """
        signatures = request.requestHeaders.getRawHeaders(self._manner.signature) or []
        if any(self._address in one.split(", ") for one in signatures):
            raise ApiRefusal(502, f"Detected proxying loop: came from {', '.join(signatures)}")
        if self._under_way >= RELAYED_MAX:
            raise ApiRefusal(503, f"{RELAYED_MAX} requests wait for the leader; try again.")
        gone: list[Failure] = []
        _ = request.notifyFinish().addErrback(gone.append)
        self._under_way += 1
        try:
            response = await self._answered(request, leader, (*signatures, self._address))
            if gone:
                return
            _take_head(request, response)
            await passed_on(response, request, self._clock)
        finally:
            self._under_way -= 1
        if not gone:
            request.finish()

    async def _answered(
        self, request: Request, leader: str, signatures: tuple[str, ...]
    ) -> IResponse:
        if self._web is None:
            name = self._manner.name
            raise ApiRefusal(502, f"The leader is {leader}, and this {name} passes nothing on")
        headers = Headers(
            {
                name: list(values)
                for name, values in request.requestHeaders.getAllRawHeaders()
                if name.lower() not in _OWN
            }
        )
        headers.setRawHeaders(self._manner.signature, [", ".join(signatures)])
        asked_host = request.getHeader("host")
        if asked_host is not None and not headers.hasHeader(FORWARDED_HOST):
            # The leader judges by it whether the page that asks is one of ours.
            headers.setRawHeaders(FORWARDED_HOST, [asked_host])
        data = request.content.read() if request.content is not None else b""
        uri = b"http://" + leader.encode() + request.uri
        asked = self._web.request(request.method, uri, headers, body_of(data))
        _ = asked.addTimeout(READ_TIMEOUT_S, self._clock)
        try:
            return await asked
        except Exception as fault:
            # Whatever it was, the leader does not answer, and its text is for a person.
            reason = str(fault)[:200] or type(fault).__name__
            raise ApiRefusal(502, f"The leader {leader} does not answer: {reason}") from fault


def _take_head(request: Request, response: Any) -> None:
    request.setResponseCode(response.code)
    for name, values in response.headers.getAllRawHeaders():
        if name.lower() not in _OWN:
            request.responseHeaders.setRawHeaders(name, list(values))
    if isinstance(response.length, int):
        request.setHeader("content-length", str(response.length))
