"""
What every ``POST /api/v1...`` has in common: the checks, their order, and their words.

The order and the texts are those of Mesos, since clients match on both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from mesostw.http.errors import HttpRefusal
from mesostw.http.pages import Gate
from mesostw.http.rendering import JSON, Reply, failed, query_of, refused, write
from mesostw.interfaces import IInbox
from mesostw.unattended import unattended
from mesostw.wire.envelopes import answer_of
from mesostw.wire.errors import Malformed, UnsupportedCall

PROTOBUF: Final = "application/x-protobuf"
ACCEPTED: Final = Reply(b"", status=202)

C = TypeVar("C")


def read_call(request: Request, decode: Callable[[bytes], C], kind: str) -> C:
    """
    The call in a request's body.

    :param kind: what Mesos calls it, as in ``Failed to validate scheduler::Call``.
    :raises HttpRefusal: it cannot be read, or is not fit; 400, 406, 415 or 501.
    """
    content_type = request.getHeader("content-type")
    if content_type is None:
        raise HttpRefusal.bad_request("Expecting 'Content-Type' to be present")
    if content_type == PROTOBUF:
        raise HttpRefusal(415, f"'{PROTOBUF}' is not spoken yet: send the call as '{JSON}'")
    if content_type != JSON:
        raise HttpRefusal(415, f"Expecting 'Content-Type' of {JSON} or {PROTOBUF}")
    try:
        call = decode(request.content.read() if request.content is not None else b"")
    except UnsupportedCall as fault:
        raise HttpRefusal(501, f"Calls of type {fault} are not answered") from None
    except Malformed as fault:
        raise HttpRefusal.bad_request(answer_of(fault, kind)) from None
    if not accepts_json(request.getHeader("accept")):
        raise HttpRefusal(406, f"Expecting 'Accept' to allow '{JSON}'")
    return call


def accepts_json(accept: str | None) -> bool:
    """Whether an ``Accept`` header allows JSON; none at all does."""
    if accept is None or not accept.strip():
        return True
    kinds = {one.split(";")[0].strip().lower() for one in accept.split(",")}
    return bool(kinds & {JSON, "application/*", "*/*"})


async def room(inbox: IInbox) -> None:
    """Wait until more may be told."""
    while True:
        free: Deferred[None] = Deferred()
        if inbox.has_room(_once(free)):
            return
        await free


def _once(free: Deferred[None]) -> Callable[[], None]:
    def resume() -> None:
        if not free.called:
            free.callback(None)

    return resume


class CallResource(Resource):
    """
    A path that takes calls by POST.

    :param gate: where only a leader may answer; ``None`` if everyone may.
    :param take: answers a call with a reply, or ``None`` if it has begun a stream.
    """

    def __init__(
        self, gate: Gate | None, take: Callable[[Request], Awaitable[Reply | None]]
    ) -> None:
        super().__init__()
        self.isLeaf = True
        self._gate, self._take = gate, take

    def render(self, request: Request) -> bytes | int:
        unattended(self._answer(request), lambda fault: self._failed(request, fault))
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> None:
        gone: list[object] = []
        _ = request.notifyFinish().addBoth(gone.append)
        try:
            if self._gate is not None:
                self._gate.check(request.uri.decode("ascii", "replace"))
            if request.method != b"POST":
                method = request.method.decode("ascii", "replace")
                text = f"Expecting one of {{ 'POST' }}, but received '{method}'"
                raise HttpRefusal(405, text, {"Allow": "POST"})
            reply = await self._take(request)
        except HttpRefusal as refusal:
            reply = refused(refusal)
        if reply is None or gone:
            return
        body = write(request, query_of(request), reply)
        if isinstance(body, bytes):
            request.setHeader("content-length", str(len(body)))
            request.write(body)
            request.finish()

    def _failed(self, request: Request, fault: Failure) -> None:
        failed(request, fault)


def not_yet(what: str) -> Callable[[Request], Awaitable[Reply | None]]:
    """Answers every call with 501 and a text that says what is missing."""

    async def take(request: Request) -> Reply | None:
        raise HttpRefusal(501, f"{what} is not served by this version.\n")

    return take
