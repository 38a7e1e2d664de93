"""``POST /api/v1/scheduler``: frameworks that speak HTTP, for a core that knows links only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias
from uuid import uuid4

from msgspec import Struct
from twisted.internet.interfaces import IReactorTime
from twisted.web.server import Request

from mesostw.core.outcome import Refusal
from mesostw.http.calls import ACCEPTED, read_call, room
from mesostw.http.errors import HttpRefusal
from mesostw.http.rendering import JSON, Reply
from mesostw.http.streams import EventStream
from mesostw.interfaces import IExchange, IInbox, Peer
from mesostw.messages import scheduler_calls, scheduler_events
from mesostw.wire.envelopes import SchedulerCall, decode_scheduler_call, encode_scheduler_event

STREAM_ID: Final = "Mesos-Stream-Id"


#: Whether a framework is connected, as readers know it; ``None`` if there is no such one.
Frameworks: TypeAlias = Callable[[str], bool | None]


class SchedulerApi:
    """
    Takes calls, and owns the streams that were subscribed by them.

    :param frameworks: what is known of a framework by its id.
    :param updating: the question that UPDATE_FRAMEWORK puts to the core.
    """

    def __init__(
        self,
        exchange: IExchange,
        inbox: IInbox,
        clock: IReactorTime,
        frameworks: Frameworks,
        updating: Callable[[str, scheduler_calls.UpdateFramework], Struct],
    ) -> None:
        self._exchange, self._inbox, self._clock = exchange, inbox, clock
        self._frameworks, self._updating = frameworks, updating
        self._stream_ids: dict[EventStream, str] = {}
        self._by_framework: dict[str, EventStream] = {}

    @property
    def streams(self) -> int:
        """How many frameworks are subscribed over HTTP now."""
        return len(self._stream_ids)

    def take(self, request: Request) -> Awaitable[Reply | None]:
        """
        Answer one call, or begin the stream of a SUBSCRIBE.

        :raises HttpRefusal: the call is not taken.
        """
        return self._take(request)

    async def _take(self, request: Request) -> Reply | None:
        call = read_call(request, decode_scheduler_call, "scheduler::Call")
        gone: list[object] = []
        _ = request.notifyFinish().addErrback(gone.append)
        await room(self._inbox)
        if gone:
            return None
        if isinstance(call.body, scheduler_calls.Subscribe):
            self._subscribe(request, call, call.body)
            return None
        stream = self._stream_of(request, call)
        if isinstance(call.body, scheduler_calls.UpdateFramework):
            return await self._update(call, call.body)
        self._exchange.heard(stream.link, (call.body,))
        return ACCEPTED

    def _subscribe(
        self, request: Request, call: SchedulerCall, body: scheduler_calls.Subscribe
    ) -> None:
        if request.getHeader(STREAM_ID) is not None:
            text = f"Subscribe calls should not include the '{STREAM_ID}' header"
            raise HttpRefusal.bad_request(text)
        stream = EventStream(
            request,
            self._exchange,
            self._clock,
            encode_scheduler_event,
            sending=self._sending,
            gone=self._gone,
        )
        stream_id = self._stream_ids[stream] = str(uuid4())
        client = request.getClientAddress()
        peer = Peer(
            role="framework",
            id=call.framework_id.value if call.framework_id is not None else "",
            version="http",
            address=f"{getattr(client, 'host', '')}:{getattr(client, 'port', '')}",
        )
        link = stream.open(peer, {"content-type": JSON, STREAM_ID: stream_id})
        self._exchange.heard(link, (body,))

    def _stream_of(self, request: Request, call: SchedulerCall) -> EventStream:
        assert call.framework_id is not None
        framework_id = call.framework_id.value
        stream = self._by_framework.get(framework_id)
        if stream is None:
            connected = self._frameworks(framework_id)
            if connected is None:
                raise HttpRefusal.bad_request("Framework cannot be found")
            if not connected:
                raise HttpRefusal.forbidden("Framework is not subscribed")
            raise HttpRefusal.forbidden("Framework is not connected via HTTP")
        stream_id = request.getHeader(STREAM_ID)
        if stream_id is None:
            text = f"All non-subscribe calls should include the '{STREAM_ID}' header"
            raise HttpRefusal.bad_request(text)
        if stream_id != self._stream_ids.get(stream):
            text = (
                f"The stream ID '{stream_id[:100]}' included in this request didn't match "
                f"the stream ID currently associated with framework ID '{framework_id}'"
            )
            raise HttpRefusal.bad_request(text)
        return stream

    async def _update(self, call: SchedulerCall, body: scheduler_calls.UpdateFramework) -> Reply:
        assert call.framework_id is not None
        answer = await self._inbox.ask(self._updating(call.framework_id.value, body))
        if isinstance(answer, Refusal):
            raise HttpRefusal.of(answer)
        return Reply()

    def _sending(self, stream: EventStream, event: Struct) -> None:
        if isinstance(event, scheduler_events.Subscribed):
            self._by_framework[event.framework_id.value] = stream

    def _gone(self, stream: EventStream) -> None:
        self._stream_ids.pop(stream, None)
        for framework_id, one in tuple(self._by_framework.items()):
            if one is stream:
                del self._by_framework[framework_id]
