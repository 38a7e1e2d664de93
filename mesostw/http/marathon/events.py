"""
``/v2/events``: what happens, as Server-Sent Events.

One follower of the feed renders each event once for all who read it.  Nothing is replayed:
a reader hears what happens from when it came.

Note [Plans]: old clients read a deployment's tree before and after with its plan, and some
fail if it is not there.  By default it is there, without its apps; ``plan-format=heavy`` has
the deployment's own apps in it, which is what it changes, and ``light`` has no trees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

import attrs
from twisted.internet.interfaces import IDelayedCall
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from mesostw.core.marathon.changes import AffectedKept, DeploymentEnded, Told
from mesostw.core.marathon.emitting import app_document
from mesostw.core.marathon.events import AppPosted, Event
from mesostw.core.marathon.records import Affected
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.turn import stamp_of
from mesostw.http.api.asking import Call, call_of
from mesostw.http.api.readers import EVENT_STREAM, HEARTBEAT_S, READERS_MAX, Reader, framed
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.marathon.event_shapes import deployment_of, event_shape, kind_of
from mesostw.interfaces import IClock, IFeed, IFollower
from mesostw.model.apps import ROOT, DeploymentId, Stamp

ATTACHED: Final = "event_stream_attached"
DETACHED: Final = "event_stream_detached"


class PlanFormat(Enum):
    """What of a deployment's plan a reader wants. See Note [Plans]."""

    LIGHT = "light"
    DEFAULT = ""
    HEAVY = "heavy"


class Rendered:
    """
    One event, ready to be sent; made once for all readers of a format, if there are any.

    :param shape: the event with its plan in a format.
    """

    __slots__ = ("_frames", "_shape", "kind")

    def __init__(self, kind: str, shape: Callable[[PlanFormat], dict[str, object]]) -> None:
        self.kind = kind
        self._shape = shape
        self._frames: dict[PlanFormat, bytes] = {}

    def frame(self, plans: PlanFormat) -> bytes:
        """The event as it goes over the wire."""
        found = self._frames.get(plans)
        if found is None:
            found = self._frames[plans] = framed(self.kind, self._shape(plans))
        return found


@attrs.frozen
class Wish:
    """What a client of the stream wants, and where it is."""

    #: The types it wants; empty is all.
    kinds: frozenset[str]
    plans: PlanFormat
    client_ip: str


@implementer(IFollower)
class EventStreams:
    """Every reader of one feed's events."""

    def __init__(self, feed: IFeed, clock: IClock, waiting_max: int) -> None:
        self._feed, self._clock, self._waiting_max = feed, clock, waiting_max
        self._readers: dict[Reader, Wish] = {}
        self._affected: dict[DeploymentId, list[Affected]] = {}
        self._beating: IDelayedCall | None = None
        feed.follow(self)

    # --- readers ------------------------------------------------------------------

    @property
    def count(self) -> int:
        """How many read now."""
        return len(self._readers)

    def attach(self, request: Request, call: Call) -> None:
        """Begin to answer a client; the first that it hears is that it is here."""
        if len(self._readers) >= READERS_MAX:
            raise ApiRefusal(503, f"{READERS_MAX} clients read events already; try again later.")
        kinds = frozenset(
            kind for one in call.all_of("event_type") for kind in one.split(",") if kind
        )
        plans = _PLAN_FORMATS.get(call.first("plan-format").lower(), PlanFormat.DEFAULT)
        reader = Reader(request, self._waiting_max)
        self._readers[reader] = Wish(kinds, plans, call.client_ip)
        reader.open(lambda: self._gone(reader))
        self._tell(self._about(ATTACHED, call.client_ip))
        if self._beating is None:
            self._beating = self._clock.callLater(HEARTBEAT_S, self._beat)

    def _gone(self, reader: Reader) -> None:
        wish = self._readers.pop(reader)
        self._tell(self._about(DETACHED, wish.client_ip))

    def _about(self, kind: str, address: str) -> Rendered:
        at = stamp_of(self._clock.wall())
        shape: dict[str, object] = {"remoteAddress": address, "eventType": kind, "timestamp": at}
        return Rendered(kind, lambda _plans: shape)

    def _tell(self, event: Rendered) -> None:
        for reader, wish in tuple(self._readers.items()):
            if not wish.kinds or event.kind in wish.kinds:
                reader.tell(event.frame(wish.plans))

    def _beat(self) -> None:
        self._beating = None
        for reader in tuple(self._readers):
            reader.beat()
        if self._readers:
            self._beating = self._clock.callLater(HEARTBEAT_S, self._beat)

    # --- IFollower ----------------------------------------------------------------

    def changed(self, seq: int, changes: Sequence[object]) -> None:
        ended = []
        for change in changes:
            match change:
                case Told(event):
                    if self._readers:
                        self._tell(self._rendered(event))
                case AffectedKept(affected):
                    self._affected.setdefault(affected.deployment_id, []).append(affected)
                case DeploymentEnded(deployment_id):
                    ended.append(deployment_id)
                case _:
                    pass
        # Its last event may come in the same group as its end.
        for deployment_id in ended:
            self._affected.pop(deployment_id, None)

    def _posted(self, event: Event) -> dict[str, object]:
        """The app that was posted with its version, which it got with the same change."""
        view: MarathonState = self._feed.view
        app = view.apps.get(event.spec.id) if isinstance(event, AppPosted) else None
        return {} if app is None else {"appDefinition": app_document(app)}

    def _rendered(self, event: Event) -> Rendered:
        kind, deployment = kind_of(event), deployment_of(event)
        if deployment is None:
            shape: dict[str, object] = {**event_shape(event), **self._posted(event)}
            return Rendered(kind, lambda _plans: shape)
        affected = tuple(self._affected.get(deployment.id, ()))
        return Rendered(
            kind, lambda plans: event_shape(event, _trees(plans, deployment.version, affected))
        )


def _trees(
    plans: PlanFormat, version: Stamp, affected: Sequence[Affected]
) -> dict[str, object] | None:
    """The tree before and after a deployment. See Note [Plans]."""
    if plans is PlanFormat.LIGHT:
        return None
    known = affected if plans is PlanFormat.HEAVY else ()
    before = [app_document(one.before) for one in known if one.before is not None]
    after = [app_document(one.after) for one in known if one.after is not None]
    return {
        "original": {**_ROOT, "version": version, "apps": before},
        "target": {**_ROOT, "version": version, "apps": after},
    }


_PLAN_FORMATS: Final = {one.value: one for one in PlanFormat}
_ROOT: Final[dict[str, object]] = {"id": ROOT, "groups": (), "dependencies": (), "pods": ()}


class EventsResource(Resource):
    """
    ``GET /v2/events``.

    :param leader: the leader's ``host:port``, empty if it is this daemon, ``None`` if unknown.
    """

    def __init__(self, streams: EventStreams, leader: Callable[[], str | None]) -> None:
        super().__init__()
        self.isLeaf = True
        self._streams, self._leader = streams, leader

    def render(self, request: Request) -> bytes | int:
        try:
            self._attach(request)
        except ApiRefusal as refusal:
            reply = refusal.reply()
            request.setResponseCode(reply.status)
            request.setHeader("content-type", reply.content_type)
            for name, value in reply.headers.items():
                request.setHeader(name, value)
            return reply.body
        return NOT_DONE_YET

    def _attach(self, request: Request) -> None:
        call = call_of(request)
        if call.method != "GET" or not call.accepts(EVENT_STREAM):
            # So the original, also for what others would call 406.
            raise ApiRefusal.not_allowed("GET")
        leader = self._leader()
        if leader is None:
            raise ApiRefusal(502, "Could not determine the current leader")
        if leader:
            where = f"http://{leader}{request.uri.decode('ascii', 'replace')}"
            raise ApiRefusal(302, f"The leader is {leader}", headers={"Location": where})
        self._streams.attach(request, call)
