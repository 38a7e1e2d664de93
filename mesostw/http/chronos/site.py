"""What stands where on Chronos' site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs
from twisted.web.resource import IResource

from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import Dialect, Form
from mesostw.http.api.asking import Call, Patient
from mesostw.http.api.bodies import Bodies
from mesostw.http.api.front import Front
from mesostw.http.api.levels import LevelsApi
from mesostw.http.api.manners import Manner
from mesostw.http.api.routes import Methods, Routes
from mesostw.http.api.system import Self, SystemApi, ping
from mesostw.http.chronos.asking import check_type
from mesostw.http.chronos.events import EventsResource, EventStreams
from mesostw.http.chronos.gauges import gauges, job_lines
from mesostw.http.chronos.graphs import GraphsApi
from mesostw.http.chronos.leading import LeadingApi
from mesostw.http.chronos.old_jobs import OldJobs
from mesostw.http.chronos.old_stats import OldStats
from mesostw.http.chronos.old_tasks import OldTasks
from mesostw.http.chronos.own_clock import OwnClock
from mesostw.http.chronos.own_jobs import OwnJobs
from mesostw.http.chronos.own_runs import OwnRuns
from mesostw.http.chronos.own_views import OwnViews
from mesostw.http.chronos.parts import ChronosParts
from mesostw.http.chronos.refusals import no_leader, said
from mesostw.http.dashboard import Dashboard
from mesostw.http.rendering import Reply
from mesostw.http.serving import HouseSite

MANNER: Final = Manner(
    name="Chronos",
    signature="X-Chronos-Via",
    own_words=frozenset({"ping", "metrics", "help", "ui", "logging"}),
    open_words=frozenset(),
    said=said,
    no_leader=no_leader,
    check=check_type,
)
#: The old prefixes, and whose defaults they mean.
PREFIXES: Final[Mapping[str, Dialect]] = {"scheduler": Dialect.V2, "v1/scheduler": Dialect.V3}
#: What ``/help`` lists; ``OLD`` is both old prefixes, V2 and V3 one of them.
HELP: Final[Mapping[str, str]] = {
    "OLD": "<code>/scheduler</code> (V2) and <code>/v1/scheduler</code> (V3)",
    "OWN": "<code>/v1/chronos</code>",
    "GET OLD/jobs": "every job",
    "GET OLD/jobs/search": "<code>name</code>, <code>command</code>, <code>any</code>",
    "GET V3/jobs/summary": "every job, in short",
    "GET V3/job/NAME": "one job",
    "PUT OLD/job/NAME?arguments=": "run it now",
    "PUT V3/job/success/NAME": "say that it has succeeded",
    "DELETE OLD/job/NAME": "kill its runs and forget it",
    "POST OLD/iso8601 OLD/dependency": "create or replace a job; <code>PUT</code> too with V2",
    "GET OLD/job/stat/NAME": "how long it takes, and its last runs",
    "POST OLD/job/NAME/task/ID/progress": "elements that a run has processed",
    "DELETE OLD/task/kill/NAME": "end its runs",
    "PUT V2/task/ID": "how a run of an asynchronous job ended",
    "DELETE V2/task/all": "forget what waits",
    "GET OLD/graph/dot OLD/graph/csv": "the graph of jobs",
    "GET OLD/stats/WHICH": "every job by how long it takes",
    "GET OLD/leader": "who leads",
    "GET OWN/jobs?label=K=V&amp;q=&amp;state=&amp;limit=&amp;after=": "jobs, page by page",
    "GET PUT PATCH DELETE OWN/jobs/NAME": "one job; <code>If-Match</code> its version",
    "PUT OWN/jobs/NAME/enabled": "let it run, or let it not",
    "GET OWN/jobs/NAME/next?n=": "its next instants",
    "GET OWN/jobs/NAME/versions[/VERSION]": "what it was",
    "GET POST OWN/jobs/NAME/runs": "its runs; one more, with arguments and environment",
    "GET OWN/runs?job=&amp;state=&amp;since=&amp;limit=": "runs, the newest first",
    "GET DELETE OWN/runs/ID": "one run; end it",
    "POST OWN/runs/ID/rerun": "the same again",
    "POST OWN/validate?dialect=": "what would be made of a job",
    "POST OWN/backfill": "run a job for instants of the past",
    "GET PUT OWN/pause": "whether anything is started",
    "GET OWN/queue?limit=": "what waits, and why",
    "GET OWN/why/NAME": "why a job is as it is",
    "GET OWN/graph": "who follows whom",
    "GET OWN/info": "what this Chronos is",
    "GET OWN/events": "what happens, as Server-Sent Events",
    "GET /ping": "whether the reactor turns",
    "GET /metrics /metrics/prometheus": "numbers",
    "GET POST /logging": "how much is logged",
    "GET /config": "every flag",
    "GET /ui/": "the dashboard",
}


def chronos_site(parts: ChronosParts) -> HouseSite:
    """Chronos' site."""
    parts = attrs.evolve(parts, inbox=Patient(parts.inbox, parts.clock))
    special: list[tuple[tuple[str, ...], IResource]] = [
        (("v1", "chronos", "events"), EventsResource(EventStreams(parts), parts.leader)),
        (("ui",), Dashboard(parts.webfiles, prefix="ui", served_by="chronos")),
    ]
    for name, resource in (("live", parts.live), ("snapshot", parts.snapshots)):
        if resource is not None:
            special.append((("api", "v1", name), resource))
    front = Front(parts, MANNER, Routes(_nouns(parts)), special)
    return HouseSite(front, parts.clock, parts.access)


def _nouns(parts: ChronosParts) -> dict[str, Methods]:
    bodies = Bodies(parts.feed, parts.clock, tags=True)
    nouns: dict[str, Methods] = {}
    for prefix, dialect in PREFIXES.items():
        for noun, methods in _old_nouns(parts, bodies, dialect).items():
            nouns[f"{prefix}/{noun}"] = methods
    for noun, methods in _own_nouns(parts, bodies).items():
        nouns[f"v1/chronos/{noun}"] = methods
    return {**nouns, **_system_nouns(parts)}


def _old_nouns(parts: ChronosParts, bodies: Bodies, dialect: Dialect) -> dict[str, Methods]:
    """What stands under one of the old prefixes."""

    def view() -> ChronosState:
        return parts.view

    jobs = OldJobs(view, parts.inbox, bodies, dialect)
    tasks, graphs = OldTasks(parts.inbox, dialect), GraphsApi(view)
    stats = OldStats(view, parts.flags.job_history_limit)
    is_new = dialect is Dialect.V3
    posting = {
        noun: dict.fromkeys(("POST",) if is_new else ("POST", "PUT"), jobs.posting(form))
        for noun, form in (("iso8601", Form.SCHEDULED), ("dependency", Form.DEPENDENT))
    }
    job: dict[str, Methods] = {
        "job": {"PUT": jobs.put, "DELETE": jobs.delete, "POST": tasks.post},
        "task": {"DELETE": tasks.delete},
    }
    if is_new:
        job["job"] = {**job["job"], "GET": jobs.get}
    else:
        job["task"] = {**job["task"], "PUT": tasks.put}
    return {
        **posting,
        **job,
        "jobs": {"GET": jobs.list},
        "job/stat": {"GET": stats.of_job},
        "stats": {"GET": stats.all},
        "graph": {"GET": graphs.get},
        "leader": {"GET": LeadingApi(parts).get},
    }


def _own_nouns(parts: ChronosParts, bodies: Bodies) -> dict[str, Methods]:
    """What stands under ``/v1/chronos``."""

    def view() -> ChronosState:
        return parts.view

    clock = OwnClock(view, parts.inbox)
    runs = OwnRuns(view, parts.inbox, bodies, parts.reports)
    jobs, views = OwnJobs(view, parts.inbox, bodies, runs), OwnViews(parts, bodies)
    return {
        "jobs": {
            "GET": jobs.get,
            "PUT": jobs.put,
            "PATCH": jobs.patch,
            "POST": jobs.post,
            "DELETE": jobs.delete,
        },
        "runs": {"GET": runs.get, "POST": runs.post, "DELETE": runs.delete},
        "validate": {"POST": clock.validate},
        "backfill": {"POST": clock.backfill},
        "pause": {"GET": clock.paused, "PUT": clock.pause},
        "queue": {"GET": views.queue},
        "why": {"GET": views.why},
        "graph": {"GET": views.graph},
        "info": {"GET": views.info},
    }


def _system_nouns(parts: ChronosParts) -> dict[str, Methods]:
    """What stands outside of any prefix."""
    system = SystemApi(
        Self(
            name=MANNER.name,
            gauges=lambda: gauges(parts),
            counters=parts.counters,
            numbers=parts.numbers,
            flags=parts.identity.flags,
            routes=HELP,
            lines=lambda: job_lines(parts),
        )
    )
    levels = LevelsApi(parts.levels, parts.clock)
    return {
        "ping": {"GET": ping},
        "metrics": {"GET": system.metrics},
        "logging": {"GET": levels.get, "POST": levels.post},
        "config": {"GET": system.config},
        "help": {"GET": system.help},
        "": {"GET": _to_dashboard},
    }


async def _to_dashboard(call: Call, words: tuple[str, ...]) -> Reply:
    """``/`` leads to the dashboard."""
    return Reply(status=302, headers={"Location": "/ui/"})
