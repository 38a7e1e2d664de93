"""Which live topics a Marathon has, and which of their rows each change touches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Final, cast

import attrs

from mesostw.core.marathon import changes
from mesostw.core.marathon.records import Deployment, Instance
from mesostw.core.marathon.state import MarathonState
from mesostw.feed import marathon_rows as rows
from mesostw.feed.banner import FrameworkBanner
from mesostw.feed.marathon_events import MEVENT_COLUMNS, MarathonEvents
from mesostw.feed.tables import Row, Table
from mesostw.interfaces import IFeed
from mesostw.model.apps import AppId, DeploymentId, GroupId, InstanceId

#: The one key of the one row of ``marathon``.
ALL: Final = "marathon"
_ALL: Final = ("marathon", ALL)

MARATHON_COLUMNS: Final = (
    "name",
    "leader",
    "version",
    "started",
    "framework_id",
    "apps",
    "groups",
    "instances",
    *rows.COUNTED,
    "deployments",
    "waiting",
    "live_clients",
)
_CONDITION_AT: Final = rows.INSTANCE_COLUMNS.index("condition")
_HEALTHY_AT: Final = rows.INSTANCE_COLUMNS.index("healthy")
_DOOM_AT: Final = rows.INSTANCE_COLUMNS.index("doom")
_APP_AT: Final = rows.INSTANCE_COLUMNS.index("app_id")
_CONFIG_AT: Final = rows.INSTANCE_COLUMNS.index("config")
_READY_AT: Final = rows.INSTANCE_COLUMNS.index("ready")


@attrs.frozen(kw_only=True)
class Judgement:
    """Rules of the core that rows are made with."""

    is_healthy: Callable[[MarathonState, Instance], bool | None]
    is_ready: Callable[[MarathonState, Instance], bool]


class MarathonLayout:
    """
    Topics: what Marathon is, apps, groups, instances, deployments, what waits, and events.

    Instances are counted by the differences of their rows, so that one update among ten
    thousand instances of an app costs two rows.  Whether an app is delayed or waiting depends
    on the time of day; pages tell it from ``delay_until`` by the clock that they show.
    """

    def __init__(
        self,
        feed: IFeed,
        banner: Callable[[], FrameworkBanner],
        judgement: Judgement,
        wall: Callable[[], float],
        live_clients: Callable[[], int] = lambda: 0,
    ) -> None:
        self._feed, self._banner, self._live_clients = feed, banner, live_clients
        self._judgement = judgement
        self._counts: dict[object, Counter[str]] = {}
        #: By app and configuration: how far a change of it has got.
        self._present: dict[tuple[object, object], Counter[str]] = {}
        self._total: Counter[str] = Counter()
        self.events = MarathonEvents(wall)
        self.tables = [
            Table(
                "instances",
                rows.INSTANCE_COLUMNS,
                self._instance,
                enums={"condition": rows.CONDITIONS},
                watch=self._count,
            ),
            Table("deployments", rows.DEPLOYMENT_COLUMNS, self._deployment),
            Table("queue", rows.QUEUE_COLUMNS, self._queued),
            Table("groups", rows.GROUP_COLUMNS, self._group),
            Table("mevents", MEVENT_COLUMNS, self.events.row),
            # Last: their counts are those of the rows above.
            Table("apps", rows.APP_COLUMNS, self._app),
            Table("marathon", MARATHON_COLUMNS, self._marathon),
        ]

    @property
    def _view(self) -> MarathonState:
        view: MarathonState = self._feed.view
        return view

    # --- changes ------------------------------------------------------------

    def noted(self, change: object) -> None:
        """Remember ``change`` as an event, if it is one that people want to know."""
        self.events.noted(change)

    def touched(self, change: object) -> Iterable[tuple[str, Hashable]]:
        for key in self.events.fresh():
            yield "mevents", key
        match change:
            case changes.InstanceChanged(instance) | changes.InstanceRemoved(instance):
                yield "instances", instance.id
                yield "apps", instance.app_id
            case changes.HealthChanged(instance_id) | changes.ReadinessChanged(instance_id):
                yield "instances", instance_id
                known = self._view.instances.get(instance_id)
                if known is not None:
                    yield "apps", known.app_id
            case changes.AppChanged(app):
                yield "apps", app.id
            case changes.AppRemoved(app_id):
                yield "apps", app_id
                yield "queue", app_id
            case changes.TerminationKept(end):
                yield "apps", end.app_id
            case changes.GroupChanged(group):
                yield "groups", group.id
            case changes.GroupRemoved(group_id):
                yield "groups", group_id
            case _:
                yield from self._touched_plans(change)
        yield _ALL

    def _touched_plans(self, change: object) -> Iterator[tuple[str, Hashable]]:
        match change:
            case changes.WaitingChanged(app_id) | changes.DelayChanged(app_id):
                yield "queue", app_id
                yield "apps", app_id
            case changes.DeploymentChanged(deployment):
                yield from _of_deployment(deployment)
            case changes.ActionsDone(deployment_id):
                yield "deployments", deployment_id
            case changes.DeploymentEnded(deployment_id):
                yield "deployments", deployment_id
                # The record has gone; the apps that it locked are those that say so.
                table = next(one for one in self.tables if one.name == "apps")
                at = rows.APP_COLUMNS.index("deployment")
                for row in table.rows.values():
                    if row[at] == deployment_id:
                        yield "apps", row[0]
            case _:
                pass

    def everything(self) -> Iterable[tuple[str, Hashable]]:
        view = self._view
        yield from (("instances", key) for key in view.instances)
        yield from (("deployments", key) for key in view.deployments)
        yield from (("queue", key) for key in view.waiting)
        yield from (("groups", key) for key in view.groups)
        yield from (("mevents", key) for key in self.events.kept())
        yield from (("apps", key) for key in view.apps)
        yield _ALL

    def cleared(self) -> None:
        self._counts.clear()
        self._present.clear()
        self._total.clear()

    # --- rows -----------------------------------------------------------------

    def _instance(self, key: Hashable) -> Row | None:
        view, judgement = self._view, self._judgement
        instance = view.instances.get(cast(InstanceId, key))
        if instance is None:
            return None
        return rows.instance_row(
            instance,
            judgement.is_healthy(view, instance),
            judgement.is_ready(view, instance),
            view.health.get(instance.id, ()),
        )

    def _app(self, key: Hashable) -> Row | None:
        view = self._view
        app = view.apps.get(cast(AppId, key))
        if app is None:
            return None
        present = self._present.get((app.id, app.last_config_change_at), _NOTHING)
        return rows.app_row(view, app, self._counts.get(app.id, _NOTHING), present)

    def _deployment(self, key: Hashable) -> Row | None:
        deployment = self._view.deployments.get(cast(DeploymentId, key))
        return None if deployment is None else rows.deployment_row(deployment)

    def _queued(self, key: Hashable) -> Row | None:
        view = self._view
        waiting = view.waiting.get(cast(AppId, key))
        return None if waiting is None else rows.queue_row(waiting, view.delays.get(waiting.app_id))

    def _group(self, key: Hashable) -> Row | None:
        group = self._view.groups.get(cast(GroupId, key))
        return None if group is None else rows.group_row(group)

    def _marathon(self, key: Hashable) -> Row:
        view, banner = self._view, self._banner()
        return (
            banner.name,
            banner.leader,
            banner.version,
            banner.started,
            view.framework_id,
            len(view.apps),
            len(view.groups),
            len(view.instances),
            *(self._total[name] for name in rows.COUNTED),
            len(view.deployments),
            len(view.waiting),
            self._live_clients(),
        )

    def _count(self, old: Row | None, new: Row | None) -> None:
        for row, sign in ((old, -1), (new, 1)):
            if row is None:
                continue
            self._count_present(row, sign)
            counts = self._counts.setdefault(row[_APP_AT], Counter())
            condition = rows.CONDITIONS[cast(int, row[_CONDITION_AT])]
            healthy, doom = cast("bool | None", row[_HEALTHY_AT]), cast(str, row[_DOOM_AT])
            for place in rows.standing(condition, healthy, doom):
                counts[place] += sign
                self._total[place] += sign
            if new is None and not any(counts.values()):
                del self._counts[row[_APP_AT]]

    def _count_present(self, row: Row, sign: int) -> None:
        if row[_DOOM_AT]:
            return
        key = (row[_APP_AT], row[_CONFIG_AT])
        present = self._present.setdefault(key, Counter())
        present["fresh"] += sign
        present["ready"] += sign * bool(row[_READY_AT])
        if not any(present.values()):
            del self._present[key]


_NOTHING: Final[Counter[str]] = Counter()


def _of_deployment(deployment: Deployment) -> Iterator[tuple[str, Hashable]]:
    yield "deployments", deployment.id
    for app_id in deployment.app_ids:
        yield "apps", app_id
