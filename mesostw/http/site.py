"""What stands where on a master's and on an agent's site."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

import attrs
from msgspec import Struct
from twisted.web.resource import IResource
from twisted.web.server import Request

from mesostw.core.agent.flags import AgentFlags
from mesostw.core.agent.state import AgentState
from mesostw.core.master.state import ClusterState
from mesostw.core.master.words import FrameworkUpdateAsked
from mesostw.http.agent import AgentPages, Statistics, shown_paths
from mesostw.http.basics import Basics
from mesostw.http.calls import CallResource, not_yet
from mesostw.http.cluster import ClusterPages
from mesostw.http.dashboard import WEBFILES, Dashboard
from mesostw.http.door import Dial, Door
from mesostw.http.errors import HttpRefusal
from mesostw.http.executor import ExecutorApi
from mesostw.http.files import FilesApi, Places
from mesostw.http.identity import Identity
from mesostw.http.metrics import (
    MetricPages,
    agent_metrics,
    cluster_series,
    master_metrics,
    stats_page,
    system_metrics,
)
from mesostw.http.pages import Gate, LeaderPage, Page
from mesostw.http.paths import Nothing, Paths
from mesostw.http.proxy import AgentFiles, Web
from mesostw.http.readiness import Readiness
from mesostw.http.rendering import Query, Reply, query_of
from mesostw.http.scheduler import SchedulerApi
from mesostw.http.serving import HouseSite
from mesostw.http.tasks import TaskRow, TasksApi, Teardown
from mesostw.http.why import Why, WhyApi
from mesostw.interfaces import IClock, IExchange, IFeed, IInbox
from mesostw.messages.scheduler_calls import UpdateFramework
from mesostw.model.ids import AgentId, ExecutorId, FrameworkId


def _no_reason(kind: str, name: str) -> Struct | None:
    return None


def _no_counters() -> Mapping[str, float]:
    return {}


def _no_statistics(container_id: str) -> Mapping[str, object]:
    return {}


@attrs.frozen(kw_only=True)
class MasterParts:
    """What a master's site is joined of."""

    feed: IFeed
    inbox: IInbox
    exchange: IExchange
    clock: IClock
    identity: Identity
    #: For the files of agents: ``twisted.web.client.Agent``.
    web: Web
    #: ``/api/v1/live`` and ``/api/v1/snapshot``, and a task's row: from the room ``feed``.
    live: IResource
    snapshots: IResource
    task_row: TaskRow
    #: The leader's ``host:port``; empty if it is this master, ``None`` if unknown.
    leader: Callable[[], str | None] = lambda: ""
    #: The core's explanation of a kind of thing by its id.
    why: Why = _no_reason
    #: Counters by their Mesos names, beside what the tables tell.
    counters: Callable[[], Mapping[str, float]] = _no_counters
    #: Of the session with ZooKeeper: ``connected``, ``suspended``, ``expired`` or empty.
    session: Callable[[], str] = str
    #: Whether nobody else can lead now, if this master does.
    proven: Callable[[], bool] = lambda: True
    access: Callable[[str], None] | None = None
    #: What ``/files`` shows on the master: virtual paths to real ones, such as its log.
    files: Mapping[str, str] = attrs.field(factory=dict)
    webfiles: Path = WEBFILES
    #: Connects to a framework's WebSocket; without it there is no door.
    dial: Dial | None = None
    #: Of each door, such as ``marathon``, the framework whose API is behind it; empty for none.
    doors: Mapping[str, str] = attrs.field(factory=dict)


def master_site(parts: MasterParts) -> HouseSite:
    """A master's site; the bus' doorway hands it connections."""
    feed, view = parts.feed, _cluster(parts.feed)
    gate = Gate(parts.leader, lambda: bool(feed.epoch))
    scheduler = SchedulerApi(parts.exchange, parts.inbox, parts.clock, _connected(feed), _updating)

    pages = ClusterPages(feed, parts.identity, parts.clock)
    readiness = Readiness(
        leader=parts.leader,
        address=parts.identity.address,
        recovered=lambda: bool(feed.epoch),
        session=parts.session,
        proven=parts.proven,
    )
    dashboard = Dashboard(parts.webfiles)
    exact: dict[str, IResource] = {
        **basics_of(
            parts.identity, MetricPages(partial(_numbers, parts), lambda: cluster_series(view()))
        ),
        "health/leader": Page(readiness.leads),
        "health/ready": Page(readiness.ready),
        "": dashboard,
        "redirect": Page(redirect_of(parts)),
        "api/v1/scheduler": CallResource(gate, scheduler.take),
        "teardown": CallResource(gate, _form(Teardown(parts.inbox).ask)),
        **{
            name: LeaderPage(gate, readiness.is_held, page)
            for name, page in (
                ("state", pages.state),
                ("state-summary", pages.summary),
                ("slaves", pages.slaves),
                ("frameworks", pages.frameworks),
                ("tasks", pages.tasks),
                ("roles", pages.roles),
            )
        },
    }
    exact.update((name, dashboard) for name in dashboard.names)
    deep: dict[str, IResource] = {
        "api/v1": CallResource(gate, not_yet("The operator API")),
        "api/v1/live": parts.live,
        "api/v1/snapshot": parts.snapshots,
        "api/v1/tasks": TasksApi(feed, parts.inbox, parts.task_row).app.resource(),
        "api/v1/why": WhyApi(parts.why).app.resource(),
        "api/v1/agents": AgentFiles(parts.web, parts.clock, agent_addresses(feed)),
        "files": FilesApi(Places(lambda: parts.files)).app.resource(),
        **doors_of(parts),
    }
    return HouseSite(Paths(exact, deep), parts.clock, parts.access)


def doors_of(parts: MasterParts) -> dict[str, IResource]:
    """The frameworks' APIs by the names of their doors."""
    found: dict[str, IResource] = {}
    for door, name in parts.doors.items():
        if parts.dial is not None and name:
            page = _web_page(parts.feed, name)
            found[door] = Door(
                parts.web, parts.dial, parts.clock, door, name, page, parts.identity.id
            )
    return found


@attrs.frozen(kw_only=True)
class AgentParts:
    """What an agent's site is joined of."""

    feed: IFeed
    inbox: IInbox
    exchange: IExchange
    clock: IClock
    identity: Identity
    flags: AgentFlags
    statistics: Statistics = _no_statistics
    counters: Callable[[], Mapping[str, float]] = _no_counters
    access: Callable[[str], None] | None = None
    #: The agent's log file, if it writes one.
    log: str | None = None


def agent_site(parts: AgentParts) -> HouseSite:
    """An agent's site."""
    feed = parts.feed

    def view() -> AgentState:
        found: AgentState = feed.view
        return found

    def numbers() -> Mapping[str, float]:
        uptime = parts.clock.wall() - parts.identity.started
        return {**system_metrics(), **agent_metrics(view(), uptime), **parts.counters()}

    executors = ExecutorApi(parts.exchange, parts.inbox, parts.clock, _executors(feed))
    pages = AgentPages(feed, parts.identity, parts.flags, parts.clock, parts.statistics)
    places = Places(lambda: shown_paths(view(), parts.log))
    exact: dict[str, IResource] = {
        **basics_of(parts.identity, MetricPages(numbers)),
        "state": Page(pages.state),
        "containers": Page(pages.containers),
        "monitor/statistics": Page(pages.statistics),
        "api/v1/executor": CallResource(None, executors.take),
    }
    deep: dict[str, IResource] = {
        "api/v1": CallResource(None, not_yet("The agent's operator API")),
        "files": FilesApi(places).app.resource(),
    }
    return HouseSite(Paths(exact, deep), parts.clock, parts.access)


def basics_of(identity: Identity, metrics: MetricPages) -> dict[str, IResource]:
    """What every daemon answers for itself."""
    basics = Basics(identity)
    return {
        "health": Page(basics.health),
        "version": Page(basics.version),
        "flags": Page(basics.flags),
        "metrics/snapshot": Page(metrics.snapshot),
        "metrics": Page(metrics.prometheus),
        "metrics/prometheus": Page(metrics.prometheus),
        "system/stats": Page(stats_page),
        "favicon.ico": Nothing(),
    }


def _cluster(feed: IFeed) -> Callable[[], ClusterState]:
    def view() -> ClusterState:
        found: ClusterState = feed.view
        return found

    return view


def _connected(feed: IFeed) -> Callable[[str], bool | None]:
    view = _cluster(feed)

    def connected(framework_id: str) -> bool | None:
        found = view().frameworks.get(FrameworkId(framework_id))
        return None if found is None else found.is_connected

    return connected


def _web_page(feed: IFeed, name: str) -> Callable[[], str | None]:
    view = _cluster(feed)

    def page() -> str | None:
        # The newest: one that took over from another of its name stands behind it.
        for framework in reversed(view().frameworks.values()):
            if framework.info.name == name and framework.is_connected and framework.info.webui_url:
                return framework.info.webui_url
        return None

    return page


def _updating(framework_id: str, call: UpdateFramework) -> Struct:
    return FrameworkUpdateAsked(FrameworkId(framework_id), call)


def agent_addresses(feed: IFeed) -> Callable[[str], str | None]:
    """Where each agent's HTTP answers, by its id."""
    view = _cluster(feed)

    def address_of(agent_id: str) -> str | None:
        found = view().agents.get(AgentId(agent_id))
        return found.address if found is not None and found.address else None

    return address_of


def _executors(feed: IFeed) -> Callable[[str, str], str]:
    def unknown(framework_id: str, executor_id: str) -> str:
        view: AgentState = feed.view
        if framework_id not in view.frameworks:
            return "Framework"
        key = (FrameworkId(framework_id), ExecutorId(executor_id))
        return "" if key in view.executors else "Executor"

    return unknown


def _numbers(parts: MasterParts) -> Mapping[str, float]:
    """What ``/metrics/snapshot`` tells."""
    uptime = parts.clock.wall() - parts.identity.started
    elected = {"master/elected": float(parts.leader() == "")}
    tables = master_metrics(_cluster(parts.feed)(), uptime)
    return {**system_metrics(), **tables, **parts.counters(), **elected}


def redirect_of(parts: MasterParts) -> Callable[[Query], Reply]:
    """``/redirect``: to the leader, this master too."""

    def redirect(query: Query) -> Reply:
        leader = parts.leader()
        if leader is None:
            raise HttpRefusal.unavailable("No leader elected")
        where = leader or parts.identity.address
        return Reply(status=307, headers={"Location": f"//{where}"})

    return redirect


def _form(ask: Callable[[Query], Awaitable[Reply]]) -> Callable[[Request], Awaitable[Reply]]:
    def take(request: Request) -> Awaitable[Reply]:
        return ask(query_of(request))

    return take
