"""Requests as plain values, replies as plain values, and the one way to write a reply."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import attrs
import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from mesostw.http.errors import HttpRefusal
from mesostw.unattended import unattended

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
#: Bodies above this are written piece by piece as the client reads, in bytes.
PIECE_BYTES: Final = 256 * 1024
#: What may be called in a page by ``?jsonp=``: names, dots and indexes, nothing else.
_CALLBACK: Final = re.compile(r"[A-Za-z_$][\w$.\[\]]{0,199}")

_log = Logger()
_json: Final = msgspec.json.Encoder()


@attrs.frozen
class Query:
    """What was asked, without the request it came in."""

    method: str
    #: The path behind the resource, without slashes at its ends.
    rest: str
    arguments: Mapping[str, str]
    headers: Callable[[str], str | None]

    def get(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.arguments.get(name, default)

    def whole(self, name: str, default: int) -> int:
        """
        A query parameter as an integer.

        :raises HttpRefusal: it is no integer.
        """
        text = self.arguments.get(name)
        if text is None or text == "":
            return default
        try:
            return int(text)
        except ValueError:
            raise HttpRefusal.bad_request(f"Failed to parse {name}: '{text[:100]}'.\n") from None


@attrs.frozen
class Reply:
    """What is answered."""

    body: bytes = b""
    content_type: str = JSON
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)
    #: With a tag, a client that has this body already is told so with 304.
    tag: str | None = None


def json_reply(value: object) -> Reply:
    """A reply of any value that msgspec can write."""
    return Reply(_json.encode(value))


def query_of(request: Request) -> Query:
    """The plain form of a request's line and headers."""
    arguments = {
        name.decode("utf-8", "replace"): values[0].decode("utf-8", "replace")
        for name, values in (request.args or {}).items()
    }
    rest = b"/".join(request.postpath or []).decode("utf-8", "replace").strip("/")
    return Query(request.method.decode("ascii", "replace"), rest, arguments, request.getHeader)


def answer(request: Request, asked: Callable[[Query], Reply | Awaitable[Reply]]) -> bytes | int:
    """Have ``asked`` reply to a request, now or later; what it refuses is rendered here."""
    query = query_of(request)
    try:
        reply = asked(query)
    except HttpRefusal as refusal:
        return write(request, query, refused(refusal))
    if isinstance(reply, Reply):
        return write(request, query, reply)
    unattended(_later(request, query, reply), lambda fault: failed(request, fault))
    return NOT_DONE_YET


async def _later(request: Request, query: Query, awaited: Awaitable[Reply]) -> None:
    gone: list[object] = []
    _ = request.notifyFinish().addErrback(gone.append)
    try:
        reply = await awaited
    except HttpRefusal as refusal:
        reply = refused(refusal)
    if gone:
        return
    body = write(request, query, reply)
    if isinstance(body, bytes):
        request.setHeader("content-length", str(len(body)))
        if request.method != b"HEAD":
            request.write(body)
        request.finish()


def failed(request: Request, fault: Any) -> None:
    """
    A bug of ours: the log has it all, the client hears 500.

    A body that has begun breaks its connection: half of one must not look like a whole one.
    """
    _log.failure("{method} {uri} failed", fault, method=request.method, uri=request.uri)
    if request.startedWriting:
        if request.channel is not None:
            request.channel.forceAbortClient()
        return
    request.setResponseCode(500)
    request.setHeader("content-type", TEXT)
    request.write(b"Internal error; the log of this daemon says more.\n")
    request.finish()


def refused(refusal: HttpRefusal) -> Reply:
    """The reply that says why not."""
    return Reply(refusal.text.encode(), TEXT, refusal.status, refusal.headers)


def write(request: Request, query: Query, reply: Reply) -> bytes | int:
    """Write ``reply``: its head now, and its body as the client reads it if it is large."""
    request.setResponseCode(reply.status)
    for name, value in reply.headers.items():
        request.setHeader(name, value)
    if reply.tag is not None and request.setETag(reply.tag.encode()):
        return b""
    body, content_type = reply.body, reply.content_type
    callback = query.get("jsonp")
    if callback and content_type == JSON and reply.status == 200:
        if not _CALLBACK.fullmatch(callback):
            request.setResponseCode(400)
            request.setHeader("content-type", TEXT)
            return b"'jsonp' must be the name of a function.\n"
        body = callback.encode() + b"(" + body + b");"
        content_type = "text/javascript"
    request.setHeader("content-type", content_type)
    if len(body) <= PIECE_BYTES or request.method == b"HEAD":
        return body
    request.setHeader("content-length", str(len(body)))
    pieces = _Pieces(request, body)
    request.registerProducer(pieces, True)
    pieces.start()
    return NOT_DONE_YET


@implementer(IPushProducer)
class _Pieces:
    """
    A large body, written as its reader takes it.

    Twenty readers of one ``/state`` share its bytes, and none of them holds up the others.
    """

    def __init__(self, request: Request, body: bytes) -> None:
        self._request, self._body, self._at = request, memoryview(body), 0
        self._paused = False

    def start(self) -> None:
        """Begin, unless the transport was full at once: then it says when."""
        if not self._paused:
            self.resumeProducing()

    def resumeProducing(self) -> None:
        self._paused = False
        while not self._paused and self._at < len(self._body):
            piece = bytes(self._body[self._at : self._at + PIECE_BYTES])
            self._at += len(piece)
            self._request.write(piece)
        if not self._paused and self._at >= len(self._body):
            self._paused = True
            self._request.unregisterProducer()
            self._request.finish()

    def pauseProducing(self) -> None:
        self._paused = True

    def stopProducing(self) -> None:
        self._paused = True
        self._at = len(self._body)


P = ParamSpec("P")
Api = TypeVar("Api")


def as_json(
    method: Callable[Concatenate[Api, Query, P], Coroutine[Any, Any, object]],
) -> Callable[Concatenate[Api, Request, P], Coroutine[Any, Any, bytes | None]]:
    """A Klein method that is given a :class:`Query` and returns a value, or a :class:`Reply`."""

    async def routed(
        api: Api, request: Request, /, *args: P.args, **kwargs: P.kwargs
    ) -> bytes | None:
        query = query_of(request)
        ended: Deferred[None] = request.notifyFinish().addErrback(lambda _gone: None)
        try:
            value = await method(api, query, *args, **kwargs)
            reply = value if isinstance(value, Reply) else json_reply(value)
        except HttpRefusal as refusal:
            reply = refused(refusal)
        body = write(request, query, reply)
        if isinstance(body, bytes):
            request.setHeader("content-length", str(len(body)))
            return body
        await ended
        return None

    routed.__name__, routed.__doc__ = method.__name__, method.__doc__
    return routed
