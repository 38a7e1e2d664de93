"""
The site of a master that waits: what it reads comes from its copy of the leader.

::

    /health /version /flags /metrics /redirect     for itself, as every master
    the dashboard, its live socket and snapshots   from the copy, which says so
    agents' files, the frameworks' doors           through here: the copy knows where they are
    /api/v1/tasks, /api/v1/why                     what the leader answers, passed on
    /state, /slaves, /tasks, /frameworks, /roles   307 to the leader; from the copy if asked
    all else                                       307 to the leader; 503 if nobody leads

Note [Who asks]
    Clients of Mesos find the leader by being sent from one that waits, ``/state`` too, so
    that stays as it is.  A reader that is content with a copy says so: by
    ``?standby_reads=true``, by the header ``X-Mesos-Standby-Reads: true``, or the operator
    says it for all by the flag.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import attrs
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request

from mesostw.core.master.state import ClusterState
from mesostw.http.api.manners import Manner
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.api.relay import Relay
from mesostw.http.cluster import ClusterPages
from mesostw.http.dashboard import Dashboard
from mesostw.http.errors import HttpRefusal
from mesostw.http.files import FilesApi, Places
from mesostw.http.identity import Identity
from mesostw.http.metrics import MetricPages, master_metrics, system_metrics
from mesostw.http.pages import STANDBY, Ask, Gate, Page
from mesostw.http.paths import Paths
from mesostw.http.proxy import AgentFiles
from mesostw.http.readiness import Readiness
from mesostw.http.rendering import Query, Reply, failed, query_of, refused, write
from mesostw.http.serving import HouseSite
from mesostw.http.site import MasterParts, agent_addresses, basics_of, doors_of, redirect_of
from mesostw.interfaces import Freshness
from mesostw.unattended import unattended

#: A query parameter and a header that say: a copy will do.
ASKED: Final = "standby_reads"
ASKED_HEADER: Final = "X-Mesos-Standby-Reads"
#: On every answer from the copy, beside how good it is: how late at most, and of whom.
LAG: Final = "X-Mesos-Standby-Lag-Seconds"
LEADER: Final = "X-Mesos-Leader"

MANNER: Final = Manner(name="master", signature="X-Mesos-Via")
_TRUE: Final = frozenset({"true", "1", "yes"})


class Reading:
    """The bodies that are made of the copy now; whoever takes the copy away waits for them."""

    def __init__(self) -> None:
        self._under_way = 0
        self._then: Callable[[], None] | None = None

    def of(self, reply: Reply | Awaitable[Reply]) -> Reply | Awaitable[Reply]:
        """``reply``, counted until it is there, also if its reader leaves before."""
        return reply if isinstance(reply, Reply) else self._made(reply)

    async def _made(self, reply: Awaitable[Reply]) -> Reply:
        self._under_way += 1
        try:
            return await reply
        finally:
            self._under_way -= 1
            self._look()

    def afterwards(self, call: Callable[[], None]) -> None:
        """Make ``call`` once, as soon as no body is being made; at once if none is."""
        self._then = call
        self._look()

    def _look(self) -> None:
        if not self._under_way and self._then is not None:
            call, self._then = self._then, None
            call()


@attrs.frozen(kw_only=True)
class StandbyParts:
    """What the site of one that waits has beside a leader's."""

    #: How good the copy is; ``None`` while there is none.
    freshness: Callable[[], Freshness | None]
    #: The leader as its own pages show it; ``None`` before the first copy.
    shown: Callable[[], Identity | None]
    #: Whether readers get the copy who did not ask for it.
    always: bool = False
    reading: Reading = attrs.field(factory=Reading)


def standby_site(parts: MasterParts, standby: StandbyParts, readiness: Readiness) -> HouseSite:
    """
    The site of a master that waits.

    :param parts: those of a leader's site, but ``feed`` is the copy's.
    """
    gate = Gate(parts.leader, lambda: False)
    elsewhere = Elsewhere(gate)
    metrics = MetricPages(partial(_numbers, parts))
    dashboard = Dashboard(parts.webfiles)
    copied = CopiedPages(parts, standby)
    exact: dict[str, IResource] = {
        **basics_of(parts.identity, metrics),
        "health/leader": Page(readiness.leads),
        "health/ready": Page(readiness.ready),
        "": dashboard,
        "redirect": Page(redirect_of(parts)),
        "api/v1/scheduler": elsewhere,
        "teardown": elsewhere,
        **{
            name: CopyPage(gate, standby, page)
            for name, page in (
                ("state", copied.state),
                ("state-summary", copied.summary),
                ("slaves", copied.slaves),
                ("frameworks", copied.frameworks),
                ("tasks", copied.tasks),
                ("roles", copied.roles),
            )
        },
    }
    exact.update((name, dashboard) for name in dashboard.names)
    relayed = Relayed(gate, parts)
    deep: dict[str, IResource] = {
        "api/v1": elsewhere,
        "api/v1/live": parts.live,
        "api/v1/snapshot": parts.snapshots,
        "api/v1/tasks": relayed,
        "api/v1/why": relayed,
        "api/v1/agents": AgentFiles(parts.web, parts.clock, agent_addresses(parts.feed)),
        "files": FilesApi(Places(lambda: parts.files)).app.resource(),
        **doors_of(parts),
    }
    return HouseSite(Paths(exact, deep), parts.clock, parts.access)


def _numbers(parts: MasterParts) -> Mapping[str, float]:
    """Of the cluster nothing: whoever adds up what all masters tell counts it once."""
    uptime = parts.clock.wall() - parts.identity.started
    tables = master_metrics(ClusterState(), uptime)
    return {**system_metrics(), **tables, **parts.counters(), "master/elected": 0.0}


class CopiedPages:
    """The pages of a cluster as the leader's would be; made anew when another leads."""

    def __init__(self, parts: MasterParts, standby: StandbyParts) -> None:
        self._parts, self._standby = parts, standby
        self._of: Identity | None = None
        self._pages = ClusterPages(parts.feed, parts.identity, parts.clock)

    @property
    def _now(self) -> ClusterPages:
        shown = self._standby.shown()
        if shown is not None and shown is not self._of:
            self._of = shown
            self._pages = ClusterPages(self._parts.feed, shown, self._parts.clock)
        return self._pages

    def state(self, query: Query) -> Reply | Awaitable[Reply]:
        return self._now.state(query)

    def summary(self, query: Query) -> Reply:
        return self._now.summary(query)

    def slaves(self, query: Query) -> Reply | Awaitable[Reply]:
        return self._now.slaves(query)

    def frameworks(self, query: Query) -> Reply | Awaitable[Reply]:
        return self._now.frameworks(query)

    def tasks(self, query: Query) -> Reply:
        return self._now.tasks(query)

    def roles(self, query: Query) -> Reply:
        return self._now.roles(query)


class Elsewhere(Resource):
    """What only a leader answers."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self.isLeaf = True
        self._gate = gate

    def render(self, request: Request) -> bytes | int:
        try:
            self._gate.check(request.uri.decode("ascii", "replace"))
        except HttpRefusal as refusal:
            return write(request, query_of(request), refused(refusal))
        raise AssertionError("a master that waits is no leader")


class CopyPage(Resource):
    """A page that is read from the copy by who asks for that; see Note [Who asks]."""

    def __init__(self, gate: Gate, standby: StandbyParts, get: Ask) -> None:
        super().__init__()
        self.isLeaf = True
        self._elsewhere, self._standby, self._get = Elsewhere(gate), standby, get

    def render(self, request: Request) -> bytes | int:
        freshness = self._standby.freshness()
        if freshness is None or not self._is_asked(query_of(request)):
            return self._elsewhere.render(request)
        request.setHeader(STANDBY, "following" if freshness.is_fresh else "stale")
        request.setHeader(LAG, f"{freshness.lag_s:.3f}")
        request.setHeader(LEADER, freshness.leader)
        return Page(lambda query: self._standby.reading.of(self._get(query))).render(request)

    def _is_asked(self, query: Query) -> bool:
        said = query.get(ASKED) or query.headers(ASKED_HEADER) or ""
        return said.lower() in _TRUE if said else self._standby.always


class Relayed(Resource):
    """What the leader answers, passed on: a page of this origin can reach no other."""

    def __init__(self, gate: Gate, parts: MasterParts) -> None:
        super().__init__()
        self.isLeaf = True
        self._elsewhere, self._leader = Elsewhere(gate), parts.leader
        self._relay = Relay(parts.web, parts.clock, parts.identity.address, MANNER)

    def render(self, request: Request) -> bytes | int:
        leader = self._leader()
        if not leader:
            return self._elsewhere.render(request)
        unattended(self._pass_on(request, leader), lambda fault: failed(request, fault))
        return NOT_DONE_YET

    async def _pass_on(self, request: Request, leader: str) -> None:
        gone: list[object] = []
        _ = request.notifyFinish().addErrback(gone.append)
        try:
            await self._relay.pass_on(request, leader)
        except ApiRefusal as refusal:
            if gone:
                return
            body = write(request, query_of(request), refusal.reply())
            if isinstance(body, bytes):
                request.setHeader("content-length", str(len(body)))
                request.write(body)
                request.finish()
