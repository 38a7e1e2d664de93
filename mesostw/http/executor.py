"""``POST /api/v1/executor``: custom executors that speak HTTP to their agent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from msgspec import Struct
from twisted.internet.interfaces import IReactorTime
from twisted.web.server import Request

from mesostw.http.calls import ACCEPTED, read_call, room
from mesostw.http.errors import HttpRefusal
from mesostw.http.rendering import JSON, Reply
from mesostw.http.streams import EventStream
from mesostw.interfaces import IExchange, IInbox, Peer
from mesostw.messages import executor_calls
from mesostw.wire.envelopes import ExecutorCall, decode_executor_call, encode_executor_event

#: Which of a framework and its executor readers do not know: ``Framework``, ``Executor`` or none.
Executors: TypeAlias = Callable[[str, str], str]


class ExecutorApi:
    """Takes calls, and owns the streams that were subscribed by them."""

    def __init__(
        self, exchange: IExchange, inbox: IInbox, clock: IReactorTime, executors: Executors
    ) -> None:
        self._exchange, self._inbox, self._clock = exchange, inbox, clock
        self._executors = executors
        self._streams: dict[tuple[str, str], EventStream] = {}

    @property
    def streams(self) -> int:
        """How many executors are subscribed over HTTP now."""
        return len(self._streams)

    def take(self, request: Request) -> Awaitable[Reply | None]:
        """
        Answer one call, or begin the stream of a SUBSCRIBE.

        :raises HttpRefusal: the call is not taken.
        """
        return self._take(request)

    async def _take(self, request: Request) -> Reply | None:
        call = read_call(request, decode_executor_call, "Executor::Call")
        gone: list[object] = []
        _ = request.notifyFinish().addErrback(gone.append)
        await room(self._inbox)
        if gone:
            return None
        unknown = self._executors(call.framework_id.value, call.executor_id.value)
        if unknown:
            raise HttpRefusal.bad_request(f"{unknown} cannot be found")
        if isinstance(call.body, executor_calls.Subscribe):
            self._subscribe(request, call)
            return None
        stream = self._streams.get((call.framework_id.value, call.executor_id.value))
        if stream is None:
            raise HttpRefusal.forbidden("Executor is not subscribed")
        self._exchange.heard(stream.link, (call.body,))
        return ACCEPTED

    def _subscribe(self, request: Request, call: ExecutorCall) -> None:
        stream = EventStream(
            request,
            self._exchange,
            self._clock,
            encode_executor_event,
            sending=_unwatched,
            gone=self._gone,
        )
        key = (call.framework_id.value, call.executor_id.value)
        client = request.getClientAddress()
        peer = Peer(
            role="executor",
            id="/".join(key),
            version="http",
            address=f"{getattr(client, 'host', '')}:{getattr(client, 'port', '')}",
        )
        link = stream.open(peer, {"content-type": JSON})
        # The last one to subscribe is the executor; the core closes the one before.
        self._streams[key] = stream
        self._exchange.heard(link, (call.body,))

    def _gone(self, stream: EventStream) -> None:
        for key, one in tuple(self._streams.items()):
            if one is stream:
                del self._streams[key]


def _unwatched(stream: EventStream, event: Struct) -> None:
    """Nothing here depends on what an executor is told."""
