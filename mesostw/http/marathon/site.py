"""What stands where on Marathon's site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs
from twisted.web.resource import IResource

from mesostw.core.marathon.state import MarathonState
from mesostw.http.api.asking import Call, Patient
from mesostw.http.api.bodies import Bodies
from mesostw.http.api.front import Front
from mesostw.http.api.levels import LevelsApi
from mesostw.http.api.manners import Manner
from mesostw.http.api.routes import Methods, Routes
from mesostw.http.api.system import Self, SystemApi, ping
from mesostw.http.dashboard import Dashboard
from mesostw.http.marathon.absent import change_pods, gone, list_pods, probe_pods
from mesostw.http.marathon.app_changes import AppChanges
from mesostw.http.marathon.app_shapes import AppShapes
from mesostw.http.marathon.apps import AppsApi
from mesostw.http.marathon.deployments import DeploymentsApi
from mesostw.http.marathon.events import EventsResource, EventStreams
from mesostw.http.marathon.gauges import gauges
from mesostw.http.marathon.group_changes import GroupChanges
from mesostw.http.marathon.groups import GroupsApi
from mesostw.http.marathon.info import InfoApi
from mesostw.http.marathon.parts import MarathonParts
from mesostw.http.marathon.queue import QueueApi
from mesostw.http.marathon.tasks import TasksApi
from mesostw.http.marathon.why import WhyApi
from mesostw.http.rendering import Reply
from mesostw.http.serving import HouseSite

MANNER: Final = Manner(
    name="Marathon", signature="X-Marathon-Via", leader_header="X-Marathon-Leader"
)
#: What ``/help`` lists.
HELP: Final[Mapping[str, str]] = {
    "GET POST PUT PATCH /v2/apps": "every app; create, change several",
    "GET PUT PATCH DELETE /v2/apps/ID": "one app; <code>ID/*</code> is all in a group",
    "POST /v2/apps/ID/restart": "replace every instance",
    "GET DELETE /v2/apps/ID/tasks[/TASK]": "its tasks; end them",
    "GET /v2/apps/ID/versions[/VERSION]": "what it was",
    "GET /v2/tasks": "every task",
    "POST /v2/tasks/delete": "end the tasks that the body names",
    "GET POST PUT PATCH DELETE /v2/groups[/ID]": "the tree",
    "GET /v2/groups[/ID]/versions[/VERSION]": "the tree as it was",
    "GET /v2/deployments": "changes under way",
    "DELETE /v2/deployments/ID": "take one back; with <code>force=true</code> only stop it",
    "POST /v2/deployments/ID/pause": "have one wait; <code>continue</code> has it go on",
    "GET /v2/queue": "what waits to be launched, and why offers did not do",
    "DELETE /v2/queue/ID/delay": "launch a backed-off app at once",
    "GET /v2/events": "what happens, as Server-Sent Events",
    "GET /v2/info": "what this Marathon is",
    "GET DELETE /v2/leader": "who leads; give it up",
    "GET /why/apps/ID": "why an app is as it is",
    "GET /why/terminations/ID": "how its instances ended",
    "GET /ping": "whether the reactor turns",
    "GET /metrics /metrics/prometheus": "numbers",
    "GET POST /logging": "how much is logged",
    "GET /config": "every flag",
    "GET /ui/": "the dashboard",
}


def marathon_site(parts: MarathonParts) -> HouseSite:
    """Marathon's site."""
    parts = attrs.evolve(parts, inbox=Patient(parts.inbox, parts.clock))
    streams = EventStreams(parts.feed, parts.clock, parts.waiting_events_max)
    dashboard = Dashboard(parts.webfiles, prefix="ui", served_by="marathon")
    special: list[tuple[tuple[str, ...], IResource]] = [
        (("v2", "events"), EventsResource(streams, parts.leader)),
        (("ui",), dashboard),
    ]
    for name, resource in (("live", parts.live), ("snapshot", parts.snapshots)):
        if resource is not None:
            special.append((("api", "v1", name), resource))
    return HouseSite(
        Front(parts, MANNER, Routes(_nouns(parts)), special), parts.clock, parts.access
    )


def _nouns(parts: MarathonParts) -> dict[str, Methods]:
    info, levels = InfoApi(parts), LevelsApi(parts.levels, parts.clock)
    queue = QueueApi(parts)
    system = SystemApi(
        Self(
            name=MANNER.name,
            gauges=lambda: gauges(parts),
            counters=parts.counters,
            numbers=parts.numbers,
            flags=parts.identity.flags,
            routes=HELP,
        )
    )
    return {
        **_tree_nouns(parts),
        "v2/queue": {"GET": queue.get, "DELETE": queue.delete},
        "v2/info": {"GET": info.info},
        "v2/leader": {"GET": info.get_leader, "DELETE": info.delete_leader},
        "v2/plugins": dict.fromkeys(("GET", "HEAD", "PUT", "POST", "DELETE"), info.plugins),
        "v2/pods": {
            "HEAD": probe_pods,
            "GET": list_pods,
            **dict.fromkeys(("POST", "PUT", "DELETE"), change_pods),
        },
        **{
            f"v2/{name}": dict.fromkeys(("GET", "POST", "PUT", "DELETE"), gone(f"/v2/{name}"))
            for name in ("artifacts", "eventSubscriptions", "schemas")
        },
        "why": {"GET": WhyApi(parts).get},
        "ping": {"GET": ping},
        "metrics": {"GET": system.metrics},
        "logging": {"GET": levels.get, "POST": levels.post},
        "config": {"GET": system.config},
        "help": {"GET": system.help},
        "": {"GET": _to_dashboard},
    }


def _tree_nouns(parts: MarathonParts) -> dict[str, Methods]:
    """Apps, groups, tasks and deployments."""

    def view() -> MarathonState:
        return parts.view

    shapes = AppShapes(view, parts.clock.wall)
    bodies = Bodies(parts.feed, parts.clock)
    apps, tasks = AppsApi(view, shapes, bodies), TasksApi(view, parts.inbox, shapes, bodies)
    changes = AppChanges(parts.inbox, apps, tasks)
    groups, group_changes = GroupsApi(view, shapes, bodies), GroupChanges(view, parts.inbox)
    deployments = DeploymentsApi(view, parts.inbox)
    return {
        "v2/apps": {
            "GET": apps.get,
            "POST": changes.post,
            "PUT": changes.put,
            "PATCH": changes.patch,
            "DELETE": changes.delete,
        },
        "v2/tasks": {"GET": tasks.get, "POST": tasks.post},
        "v2/groups": {
            "GET": groups.get,
            "POST": group_changes.post,
            "PUT": group_changes.put,
            "PATCH": group_changes.patch,
            "DELETE": group_changes.delete,
        },
        "v2/deployments": {
            "GET": deployments.get,
            "POST": deployments.post,
            "DELETE": deployments.delete,
        },
    }


async def _to_dashboard(call: Call, words: tuple[str, ...]) -> Reply:
    """``/`` leads to the dashboard."""
    return Reply(status=302, headers={"Location": "/ui/"})
