"""
``/v1/chronos/events``: what happens, as Server-Sent Events.

Every event has the number of its change.  A reader that comes back with ``Last-Event-ID``
hears what it missed; if that is not known any more, ``resync`` tells it to read anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import attrs
from twisted.internet.interfaces import IDelayedCall
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from mesostw.core.chronos.state import ChronosState
from mesostw.http.api.asking import Call, call_of
from mesostw.http.api.readers import EVENT_STREAM, HEARTBEAT_S, READERS_MAX, Reader, framed
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.chronos.event_shapes import event_of
from mesostw.http.chronos.parts import ChronosParts
from mesostw.http.chronos.refusals import no_leader, said
from mesostw.interfaces import IFollower

RESYNC: Final = "resync"
#: Changes that are told again to one who comes back; the stream is for who keeps up.
REPLAYED_MAX: Final = 10_000


@attrs.frozen
class Wish:
    """What a reader wants to hear of; empty is all."""

    kinds: frozenset[str]
    jobs: frozenset[str]

    def takes(self, event: Event) -> bool:
        """Whether an event is told."""
        is_of_job = not self.jobs or (event.job is not None and event.job in self.jobs)
        return is_of_job and (not self.kinds or event.kind in self.kinds)


class Event(NamedTuple):
    """One event, rendered once for all who read it."""

    kind: str
    #: Of which job; ``None`` for Chronos itself.
    job: str | None
    frame: bytes


@implementer(IFollower)
class EventStreams:
    """Every reader of the feed's events."""

    def __init__(self, parts: ChronosParts) -> None:
        self._parts = parts
        self._readers: dict[Reader, Wish] = {}
        self._beating: IDelayedCall | None = None
        parts.feed.follow(self)

    @property
    def count(self) -> int:
        """How many read now."""
        return len(self._readers)

    def attach(self, request: Request, call: Call) -> None:
        """Begin to answer a client, with what it missed first."""
        if len(self._readers) >= READERS_MAX:
            raise ApiRefusal(503, f"{READERS_MAX} clients read events already; try again later")
        wish = Wish(frozenset(_named(call, "event_type")), frozenset(call.all_of("job")))
        reader = Reader(request, self._parts.waiting_events_max)
        missed = tuple(self._missed(call.headers("last-event-id") or ""))
        self._readers[reader] = wish
        reader.open(lambda: self._gone(reader))
        for event in missed:
            if event.kind == RESYNC or wish.takes(event):
                reader.tell(event.frame)
        if self._beating is None:
            self._beating = self._parts.clock.callLater(HEARTBEAT_S, self._beat)

    def _missed(self, last: str) -> Iterator[Event]:
        """What happened since ``EPOCH/NUMBER``."""
        if not last:
            return
        feed = self._parts.feed
        epoch, _, text = last.rpartition("/")
        number = int(text) if text.isdigit() else -1
        changes = feed.since(epoch, number)
        if changes is None or len(changes) > REPLAYED_MAX:
            shape = {"at": self._parts.clock.wall(), "why": "what was missed is not known any more"}
            yield Event(RESYNC, None, framed(RESYNC, shape, self._number(feed.seq)))
            return
        yield from self._events(feed.seq, changes)

    def _gone(self, reader: Reader) -> None:
        self._readers.pop(reader, None)

    def _beat(self) -> None:
        self._beating = None
        for reader in tuple(self._readers):
            reader.beat()
        if self._readers:
            self._beating = self._parts.clock.callLater(HEARTBEAT_S, self._beat)

    # --- IFollower ----------------------------------------------------------------

    def changed(self, seq: int, changes: Sequence[object]) -> None:
        if not self._readers:
            return
        for event in self._events(seq, changes):
            for reader, wish in tuple(self._readers.items()):
                if wish.takes(event):
                    reader.tell(event.frame)

    def _events(self, seq: int, changes: Sequence[object]) -> Iterator[Event]:
        view: ChronosState = self._parts.view
        for number, change in enumerate(changes, seq - len(changes) + 1):
            told = event_of(view, change)
            if told is not None:
                kind, job, shape = told
                yield Event(kind, job, framed(kind, shape, self._number(number)))

    def _number(self, seq: int) -> str:
        return f"{self._parts.feed.epoch}/{seq}"


def _named(call: Call, name: str) -> Iterator[str]:
    for text in call.all_of(name):
        yield from filter(None, text.split(","))


class EventsResource(Resource):
    """``GET /v1/chronos/events``."""

    def __init__(self, streams: EventStreams, leader: Callable[[], str | None]) -> None:
        super().__init__()
        self.isLeaf = True
        self._streams, self._leader = streams, leader

    def render(self, request: Request) -> bytes | int:
        try:
            self._attach(request)
        except ApiRefusal as refusal:
            reply = said(refusal)
            request.setResponseCode(reply.status)
            request.setHeader("content-type", reply.content_type)
            for name, value in reply.headers.items():
                request.setHeader(name, value)
            return reply.body
        return NOT_DONE_YET

    def _attach(self, request: Request) -> None:
        call = call_of(request)
        if call.method != "GET":
            raise ApiRefusal.not_allowed("GET")
        accept = call.headers("accept")
        if accept and not any(call.accepts(one) for one in (EVENT_STREAM, "*/*", "text/*")):
            raise ApiRefusal(406, f"This is a stream of events: accept {EVENT_STREAM}")
        leader = self._leader()
        if leader is None:
            raise no_leader()
        if leader:
            where = f"http://{leader}{request.uri.decode('ascii', 'replace')}"
            raise ApiRefusal(302, f"The leader is {leader}", headers={"Location": where})
        self._streams.attach(request, call)
