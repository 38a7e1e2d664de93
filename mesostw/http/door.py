"""
``/marathon/...`` and ``/chronos/...``: a framework's API through the master's own origin.

The dashboard is one page for the whole cluster, so a browser needs to reach the master
only.  The framework is the connected one of a name that the operator chose, at the address
that it registered as its ``webui_url``; no request can name another.

Note [Guests]: what a framework answers would be a page of the master's origin, and could
then do all that an operator can.  So only the API is let through, never a page; every
answer comes with ``Content-Security-Policy: sandbox`` and no cookies either way; and who
asks from a page of another origin is refused, for a form on any web site could post here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote, urlsplit

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocolFactory, IReactorTime
from twisted.internet.protocol import Protocol
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from mesostw.http.errors import HttpRefusal
from mesostw.http.proxy import Web, body_of, passed_on
from mesostw.http.rendering import JSON, Query, Reply, failed, json_reply, query_of, write
from mesostw.http.splice import Splices
from mesostw.unattended import unattended

#: Requests that are passed on at a time; event streams are among them.
PASSED_MAX: Final = 256
#: A framework has so long to begin its answer, in seconds.
ANSWER_TIMEOUT_S: Final = 30.0
#: Who passed a request on before; one that comes back has gone in a circle.
SIGNATURE: Final = "X-Mesostw-Via"
#: Of each door the API behind it, by its first words; see Note [Guests].
OPENINGS: Final[Mapping[str, frozenset[str]]] = {
    "marathon": frozenset({"v2", "why", "ping", "metrics"}),
    "chronos": frozenset({"scheduler", "v1", "ping", "metrics"}),
}
LIVE: Final = ("api", "v1", "live")
SNAPSHOT: Final = ("api", "v1", "snapshot")

_ASKED: Final = (
    "accept",
    "accept-encoding",
    "authorization",
    "content-type",
    "if-match",
    "if-none-match",
    "x-chronos-actor",
)
_ANSWERED: Final = (
    "allow",
    "cache-control",
    "content-encoding",
    "content-type",
    "etag",
    "marathon-deployment-id",
    "retry-after",
    "vary",
    "warning",
    "www-authenticate",
    "x-marathon-leader",
)

#: Connects a factory's protocol to a host and port.
Dial = Callable[[str, int, IProtocolFactory], Deferred[Protocol]]


@attrs.frozen
class House:
    """Where a framework's pages are."""

    host: str
    port: int
    #: Before every path, without a slash at its end.
    path: str

    @classmethod
    def of(cls, url: str) -> House | None:
        """What a ``webui_url`` names; ``None`` if it is no plain ``http`` address."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return None
        if parts.scheme != "http" or not parts.hostname or "@" in parts.netloc:
            return None
        if parts.query or parts.fragment or " " in url or not (url.isascii() and url.isprintable()):
            return None
        return cls(parts.hostname, 80 if port is None else port, parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """``host:port`` as in an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def address(self, words: tuple[str, ...], query: bytes) -> bytes:
        """Of a path below; ``query`` is as it came."""
        path = "/".join(quote(word, safe="*:@!$&'()+,;=~") for word in words)
        mark = b"?" + query if query else b""
        return f"http://{self.authority}{self.path}/{path}".encode() + mark


class Door(Resource):
    """
    Passes a framework's API on.

    :param door: its path at this master; one of ``OPENINGS``.
    :param web_page: the ``webui_url`` of the framework that this leads to, if there is one.
    :param name: of that framework, for texts.
    :param signature: names this master to the others that a request may pass.
    """

    def __init__(
        self,
        web: Web,
        dial: Dial,
        clock: IReactorTime,
        door: str,
        name: str,
        web_page: Callable[[], str | None],
        signature: Callable[[], str],
    ) -> None:
        super().__init__()
        self.isLeaf = True
        self._web, self._clock = web, clock
        self._door, self._openings = door, OPENINGS[door]
        self._name, self._web_page, self._signature = name, web_page, signature
        self._splices = Splices(dial)
        self._under_way = 0

    def render(self, request: Request) -> bytes | int:
        query = query_of(request)
        words = tuple(word for word in query.rest.split("/") if word)
        try:
            house = self._house(request, words)
            if words == LIVE and _is_upgrade(request):
                self._splices.begin(request, house.host, house.port, self._opening(request, house))
                return NOT_DONE_YET
        except HttpRefusal as refusal:
            return write(request, query, _refused(refusal))
        unattended(
            self._pass_on(request, query, house, words), lambda fault: failed(request, fault)
        )
        return NOT_DONE_YET

    def _house(self, request: Request, words: tuple[str, ...]) -> House:
        if not is_of_this_origin(request):
            raise HttpRefusal.forbidden("Pages of another origin may not ask through this master.")
        known = words[:1] and words[0] in self._openings
        if not (known or words == LIVE or words[:3] == SNAPSHOT) or {".", ".."} & set(words):
            raise HttpRefusal.not_found(f"Only the API of {self._name} is behind this door.")
        if self._signature() in ", ".join(request.requestHeaders.getRawHeaders(SIGNATURE) or ()):
            raise HttpRefusal(508, f"{self._name} has sent this request back here.")
        url = self._web_page()
        if url is None:
            raise HttpRefusal.unavailable(
                f"No framework named '{self._name}' with a webui_url is connected to this master."
            )
        house = House.of(url)
        if house is None:
            raise HttpRefusal(
                502, f"{self._name} registered webui_url '{url[:200]}', which is no http address."
            )
        return house

    # --- one answer

    async def _pass_on(
        self, request: Request, query: Query, house: House, words: tuple[str, ...]
    ) -> None:
        gone: list[object] = []
        _ = request.notifyFinish().addErrback(gone.append)
        self._under_way += 1
        try:
            response = await self._answered(request, house, words)
            if gone:
                return
            self._take_head(request, response, house)
            await passed_on(response, request)
        except HttpRefusal as refusal:
            if not gone:
                body = write(request, query, _refused(refusal))
                request.write(body if isinstance(body, bytes) else b"")
        finally:
            self._under_way -= 1
        if not gone:
            request.finish()

    async def _answered(self, request: Request, house: House, words: tuple[str, ...]) -> IResponse:
        if self._under_way > PASSED_MAX:
            raise HttpRefusal.unavailable(f"{PASSED_MAX} requests are under way; try again.")
        data = request.content.read() if request.content is not None else b""
        _, _, query = request.uri.partition(b"?")
        asked = self._web.request(
            request.method, house.address(words, query), self._head(request), body_of(data)
        )
        _ = asked.addTimeout(ANSWER_TIMEOUT_S, self._clock)
        try:
            return await asked
        except Exception as fault:
            # Whatever it was, the framework does not answer, and its text is for a person.
            reason = str(fault)[:200] or type(fault).__name__
            text = f"{self._name} at {house.authority} does not answer: {reason}"
            raise HttpRefusal(502, text) from fault

    def _head(self, request: Request) -> Headers:
        headers = Headers({"user-agent": ["mesostw"]})
        for name in _ASKED:
            values = request.requestHeaders.getRawHeaders(name)
            if values:
                headers.setRawHeaders(name, values)
        before = request.requestHeaders.getRawHeaders(SIGNATURE) or []
        headers.setRawHeaders(SIGNATURE, [", ".join((*before, self._signature()))])
        return headers

    def _take_head(self, request: Request, response: IResponse, house: House) -> None:
        request.setResponseCode(response.code)
        for name in _ANSWERED:
            for value in response.headers.getRawHeaders(name) or ():
                request.responseHeaders.addRawHeader(name, value)
        for value in response.headers.getRawHeaders("location") or ():
            inside = value.removeprefix(f"http://{house.authority}").removeprefix(house.path)
            if inside.startswith("/"):
                request.setHeader("location", f"/{self._door}{inside}")
        if isinstance(response.length, int):
            request.setHeader("content-length", str(response.length))
        # See Note [Guests].
        request.setHeader("content-security-policy", "sandbox; default-src 'none'")
        request.setHeader("x-content-type-options", "nosniff")

    # --- a WebSocket

    def _opening(self, request: Request, house: House) -> bytes:
        """The request that asks the framework for the same WebSocket."""
        lines = [
            f"GET {house.path}/{'/'.join(LIVE)} HTTP/1.1",
            f"Host: {house.authority}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            f"{SIGNATURE}: {self._signature()}",
        ]
        for name, values in request.requestHeaders.getAllRawHeaders():
            told = name.decode("latin-1").lower()
            if told.startswith("sec-websocket-") or told == "authorization":
                lines += [f"{told}: {value.decode('latin-1')}" for value in values]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def is_of_this_origin(request: Request) -> bool:
    """Whether no page, or a page of the host that was asked, asks."""
    origin = request.getHeader("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == (request.getHeader("host") or "").lower()
    except ValueError:
        return False


def _is_upgrade(request: Request) -> bool:
    return (request.getHeader("upgrade") or "").lower() == "websocket"


def _refused(refusal: HttpRefusal) -> Reply:
    told = json_reply({"message": refusal.text})
    return Reply(told.body, JSON, refusal.status, headers=refusal.headers)
