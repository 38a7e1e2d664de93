"""
Which apps come before which.

A dependency on a group is one on every app below it, and an app has the dependencies of
every group that it is in.  Between the apps stand points that are no apps ("all below
``/db``", "all that ``/shop`` waits for"), so that a group of a thousand apps that waits for
another such group makes two thousand lines and not a million.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from mesostw.model.apps import App, AppId, Group, GroupId, groups_above


class _Point(NamedTuple):
    """An app, or what stands for all below a group or for all that a group waits for."""

    kind: str
    id: str


class _Graph:
    """Points, and the points that each waits for."""

    def __init__(self, apps: Mapping[AppId, App], groups: Mapping[GroupId, Group]) -> None:
        self._apps = apps
        self._groups = groups
        self._below: dict[str, list[AppId]] | None = None

    def _apps_below(self, group_id: str) -> Iterable[AppId]:
        if self._below is None:
            self._below = {}
            for app_id in self._apps:
                for above in groups_above(app_id):
                    self._below.setdefault(above, []).append(app_id)
        return self._below.get(group_id, ())

    def _named(self, dependencies: Iterable[str]) -> list[_Point]:
        """What ids mean; one that is nothing yet is waited for by nobody."""
        return [
            _Point("app" if AppId(name) in self._apps else "below", name) for name in dependencies
        ]

    def after(self, point: _Point) -> list[_Point]:
        """What must be there before ``point``."""
        if point.kind == "below":
            return [_Point("app", app_id) for app_id in self._apps_below(point.id)]
        if point.kind == "group":
            return self._named(self._groups[GroupId(point.id)].dependencies)
        app_id = AppId(point.id)
        found = self._named(self._apps[app_id].spec.dependencies)
        for above in groups_above(app_id):
            group = self._groups.get(above)
            if group is not None and group.dependencies:
                found.append(_Point("group", above))
        return found


class _Walk:
    """Depths of apps, found in one walk that does not recurse; stops for nothing but a cycle."""

    def __init__(self, graph: _Graph) -> None:
        self._graph = graph
        #: Of finished points: apps on the longest way down from it, itself included.
        self.depths: dict[_Point, int] = {}
        self.cycle: tuple[str, ...] | None = None

    def down(self, start: _Point) -> None:
        """Find the depth of ``start`` and all below it; a way back counts for nothing."""
        if start in self.depths:
            return
        path = {start: iter(self._graph.after(start))}
        while path:
            point = next(reversed(path))
            below = next((one for one in path[point] if one not in self.depths), None)
            if below is None:
                del path[point]
                self._finish(point)
            elif below in path:
                self.cycle = self.cycle or _apps_from(tuple(path), below)
            else:
                path[below] = iter(self._graph.after(below))

    def _finish(self, point: _Point) -> None:
        deepest = max((self.depths.get(one, 0) for one in self._graph.after(point)), default=0)
        self.depths[point] = deepest + (point.kind == "app")


def _apps_from(path: tuple[_Point, ...], start: _Point) -> tuple[str, ...]:
    return tuple(point.id for point in path[path.index(start) :] if point.kind == "app")


def cycle_of(apps: Mapping[AppId, App], groups: Mapping[GroupId, Group]) -> tuple[str, ...] | None:
    """Find apps that wait for each other, each for the next and the last for the first."""
    walk = _Walk(_Graph(apps, groups))
    for app_id in apps:
        walk.down(_Point("app", app_id))
        if walk.cycle is not None:
            return walk.cycle
    return None


def layers(
    apps: Mapping[AppId, App], groups: Mapping[GroupId, Group], wanted: Collection[AppId]
) -> list[list[AppId]]:
    """
    Sort ``wanted`` apps into layers, what others wait for first.

    The layer of an app is the length of its longest way to one that waits for nothing; layers
    without a wanted app are left out.
    """
    walk = _Walk(_Graph(apps, groups))
    found: dict[int, list[AppId]] = {}
    for app_id in sorted(wanted):
        point = _Point("app", app_id)
        walk.down(point)
        found.setdefault(walk.depths[point], []).append(app_id)
    return [found[depth] for depth in sorted(found)]
