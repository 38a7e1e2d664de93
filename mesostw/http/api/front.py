"""
The root of a framework's site: who may ask, who answers, and what every answer has.

::

    CORS -> credentials -> the dashboard, the stream of events, or the API
    API: this daemon's own pages -> the leader, here or elsewhere -> the noun's answer
"""

from __future__ import annotations

import hmac
import zlib
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request

from mesostw.http.api.asking import call_of, words_of
from mesostw.http.api.manners import Manner, SiteParts
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.api.relay import Relay
from mesostw.http.api.routes import Routes
from mesostw.http.rendering import Query, Reply, write
from mesostw.unattended import unattended

#: On every answer.
HEADERS: Final = (("X-Frame-Options", "DENY"), ("X-XSS-Protection", "1; mode=block"))
#: On every answer but the dashboard's files, which say for themselves how long they last.
UNCACHED: Final = (
    ("Cache-Control", "no-cache, no-store, must-revalidate"),
    ("Pragma", "no-cache"),
    ("Expires", "0"),
)
REALM: Final = 'Basic realm="Mesosphere"'
CORS_AGE_S: Final = 86_400
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: How long a request waits for a leader to be elected, and how often it looks, in seconds.
LEADER_WAIT_S: Final = 2.5
LEADER_LOOK_S: Final = 0.25
#: Bodies from this size on are compressed for who takes that, in bytes.
GZIP_BYTES_MIN: Final = 512
#: Compressed between two turns of the reactor: some 3 ms.
GZIP_PIECE_BYTES: Final = 256 * 1024
GZIP_LEVEL: Final = 4

_NO_QUERY: Final = Query("GET", "", {}, lambda name: None)


class Front(Resource):
    """
    Everything under ``/``.

    :param special: resources by the first words of a path, the longest first, that answer
        for themselves.
    """

    def __init__(
        self,
        parts: SiteParts,
        manner: Manner,
        routes: Routes,
        special: Iterable[tuple[tuple[str, ...], IResource]],
    ) -> None:
        super().__init__()
        self._parts, self._manner = parts, manner
        self._api = Api(parts, manner, routes)
        self._special = tuple(special)

    def getChild(self, path: bytes, request: Request) -> IResource:
        words = words_of(request.uri.partition(b"?")[0].decode("utf-8", "replace"))
        for name, value in (*HEADERS, *(() if words[:1] == ("ui",) else UNCACHED)):
            request.setHeader(name, value)
        header = self._manner.leader_header
        if header and self._parts.leader() == "":
            request.setHeader(header, f"http://{self._parts.address}")
        try:
            self._allow_origin(request)
            self._check_credentials(request, words)
        except ApiRefusal as refusal:
            return Said(self._manner.said(refusal))
        for prefix, resource in self._special:
            if words[: len(prefix)] == prefix:
                if words[0] not in self._manner.own_words and self._is_unsure():
                    return Said(self._manner.said(self._manner.no_leader()))
                request.postpath = [one.encode() for one in words[len(prefix) :]]
                return resource
        request.postpath = []
        return self._api

    def _is_unsure(self) -> bool:
        """Whether we have led, and cannot prove that we do: what we would show may be old."""
        return bool(self._parts.feed.epoch) and self._parts.leader() is None

    def _check_credentials(self, request: Request, words: tuple[str, ...]) -> None:
        wanted = self._parts.credentials
        is_preflight = (
            request.method == b"OPTIONS"
            and request.getHeader("access-control-request-method") is not None
        )
        # Browsers ask whether they may ask without saying who asks.
        is_open = len(words) == 1 and words[0] in self._manner.open_words
        if not wanted or is_open or is_preflight:
            return
        scheme, _, given = (request.getHeader("authorization") or "").partition(" ")
        shown = _decoded(given) if scheme.lower() == "basic" else b""
        if not hmac.compare_digest(shown, wanted.encode()):
            raise ApiRefusal(
                401, "Invalid username or password", headers={"WWW-Authenticate": REALM}
            )

    def _allow_origin(self, request: Request) -> None:
        """Tell browsers whose pages may read here, and let no other page change anything."""
        origin, allowed = request.getHeader("origin"), self._parts.allowed_origins
        may_read = origin is not None and ("*" in allowed or origin in allowed)
        if allowed:
            request.setHeader("Vary", "Origin")
            shown = "*" if "*" in allowed else origin if may_read and origin else allowed[0]
            request.setHeader("Access-Control-Allow-Origin", shown)
            request.setHeader("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
            request.setHeader("Access-Control-Max-Age", str(CORS_AGE_S))
            wanted = request.getHeader("access-control-request-headers")
            if wanted:
                request.setHeader("Access-Control-Allow-Headers", wanted)
        method = request.method.decode("ascii", "replace")
        if origin is not None and method not in READING and not _is_own(request, origin):
            raise ApiRefusal(403, "Pages of another origin may change nothing here.")


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text.strip(), validate=True)
    except (NotBase64, ValueError):
        return b""


def _is_own(request: Request, origin: str) -> bool:
    """Whether a page of this site asks, perhaps through a proxy that says so."""
    try:
        place = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    # A page of another origin cannot add a header that has not been allowed before.
    hosts = (request.getHeader("host"), request.getHeader("x-forwarded-host"))
    return any(place == host.lower() for host in hosts if host)


class Said(Resource):
    """An answer that is known."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.isLeaf = True
        self._reply = reply

    def render(self, request: Request) -> bytes | int:
        return write(request, _NO_QUERY, self._reply)


class Api(Resource):
    """The API: a request is a :class:`Call`, an answer is a :class:`Reply`."""

    _log = Logger()

    def __init__(self, parts: SiteParts, manner: Manner, routes: Routes) -> None:
        super().__init__()
        self.isLeaf = True
        self._parts, self._manner, self._routes = parts, manner, routes
        self._relay = Relay(parts.web, parts.clock, parts.address, manner)
        self._under_way = 0

    def render(self, request: Request) -> bytes | int:
        unattended(self._answer(request), lambda fault: self._failed(request, fault))
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> None:
        gone: list[object] = []
        _ = request.notifyFinish().addErrback(gone.append)
        self._under_way += 1
        try:
            reply = await self._replied(request)
        except ApiRefusal as refusal:
            reply = self._manner.said(refusal)
        finally:
            self._under_way -= 1
        if reply is None or gone:
            return
        if self._parts.compress:
            reply = await packed(self._parts.clock, request, reply)
        if not gone:
            _written(request, reply)

    async def _replied(self, request: Request) -> Reply | None:
        """The reply; ``None`` if the leader's has been passed on."""
        limit = self._parts.requests_max
        if limit is not None and self._under_way > limit:
            raise ApiRefusal(503, f"{limit} requests are under way already; try again.")
        words = words_of(request.uri.partition(b"?")[0].decode("utf-8", "replace"))
        if words and words[0] not in self._manner.own_words:
            leader = await self._leader()
            if leader not in ("", self._parts.address):
                await self._relay.pass_on(request, leader)
                return None
            if not self._parts.feed.epoch:
                raise ApiRefusal(503, f"{self._manner.name} has not finished its recovery")
        call = call_of(request)
        self._manner.check(call)
        return await self._routes.answer(call)

    async def _leader(self) -> str:
        """
        The leader's address, empty if that is this daemon.

        :raises ApiRefusal: there is none, also after some waiting.
        """
        clock = self._parts.clock
        until = clock.seconds() + LEADER_WAIT_S
        while (leader := self._parts.leader()) is None:
            if clock.seconds() >= until:
                raise self._manner.no_leader()
            await turn(clock, LEADER_LOOK_S)
        return leader

    def _failed(self, request: Request, fault: Failure) -> None:
        """A bug of ours: the log has it all, the client hears 500."""
        self._log.failure("{method} {uri} failed", fault, method=request.method, uri=request.uri)
        if not request.startedWriting:
            text = "Internal error; the log of this daemon says more"
            _written(request, self._manner.said(ApiRefusal(500, text)))
        else:
            request.channel.forceAbortClient()


def turn(clock: IReactorTime, seconds: float = 0.0) -> Deferred[None]:
    """Fires in a later turn of the reactor."""
    later: Deferred[None] = Deferred()
    clock.callLater(seconds, later.callback, None)
    return later


async def packed(clock: IReactorTime, request: Request, reply: Reply) -> Reply:
    """A reply as small as its reader takes it; large ones are compressed piece by piece."""
    if len(reply.body) < GZIP_BYTES_MIN or "Content-Encoding" in reply.headers:
        return reply
    if "gzip" not in (request.getHeader("accept-encoding") or "").lower():
        return reply
    body, packer = memoryview(reply.body), zlib.compressobj(GZIP_LEVEL, wbits=31)
    pieces = []
    for at in range(0, len(body), GZIP_PIECE_BYTES):
        if at:
            await turn(clock)
        pieces.append(packer.compress(body[at : at + GZIP_PIECE_BYTES]))
    pieces.append(packer.flush())
    headers = {**reply.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return attrs.evolve(reply, body=b"".join(pieces), headers=headers)


def _written(request: Request, reply: Reply) -> None:
    body = write(request, _NO_QUERY, reply)
    if isinstance(body, bytes):
        request.setHeader("content-length", str(len(body)))
        request.write(body)
        request.finish()
