"""The tree of groups, as the paths of apps and the groups with records make it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mesostw.core.marathon.state import MarathonState
from mesostw.http.marathon.refusals import ApiRefusal
from mesostw.model.apps import (
    ROOT,
    App,
    AppId,
    Group,
    GroupId,
    Stamp,
    groups_above,
    is_below,
    parent_of,
)


def apps_below(view: MarathonState, group_id: GroupId) -> list[App]:
    """Every app somewhere in a group."""
    return [app for app in view.apps.values() if is_below(app.id, group_id)]


def check_group(view: MarathonState, group_id: GroupId) -> None:
    """
    Pass if there is such a group.

    :raises ApiRefusal: 404.
    """
    if group_id == ROOT or group_id in view.groups:
        return
    inside = group_id + "/"
    if any(one.startswith(inside) for table in (view.apps, view.groups) for one in table):
        return
    raise ApiRefusal.no_group(group_id)


def touched_below(view: MarathonState) -> dict[GroupId, set[Stamp]]:
    """Versions at which something in each group changed, as far as that is remembered."""
    found: dict[GroupId, set[Stamp]] = {}
    for change in view.root_changes.values():
        ids = [one for one, _ in (*change.apps_before, *change.groups_before)]
        named = [GroupId(one) for one, _ in change.groups_before]
        for group_id in {ROOT, *named, *(above for one in ids for above in groups_above(one))}:
            found.setdefault(group_id, set()).add(change.version)
    return found


def rewound(
    view: MarathonState, version: Stamp
) -> tuple[Mapping[AppId, App], Mapping[GroupId, Group]]:
    """Apps and groups as they were at a version, by undoing what came after it."""
    apps: dict[AppId, App | None] = dict(view.apps)
    groups: dict[GroupId, Group | None] = dict(view.groups)
    for change in sorted(view.root_changes.values(), key=lambda one: one.version, reverse=True):
        if change.version <= version:
            break
        apps.update(change.apps_before)
        groups.update(change.groups_before)
    return (
        {key: app for key, app in apps.items() if app is not None},
        {key: group for key, group in groups.items() if group is not None},
    )


class Tree:
    """
    Groups with what is directly in each.

    :param touched: when something below a group last changed, where that is known.
    """

    def __init__(
        self,
        apps: Iterable[App],
        groups: Mapping[GroupId, Group],
        touched: Mapping[GroupId, Stamp],
    ) -> None:
        self.groups = groups
        self.children: dict[GroupId, list[GroupId]] = {ROOT: []}
        self.apps: dict[GroupId, list[App]] = {}
        self._versions: dict[GroupId, Stamp] = dict(touched)
        for app in apps:
            parent = parent_of(app.id)
            self._grow(parent)
            self.apps.setdefault(parent, []).append(app)
            self._touch(app.id, app.version)
        for group in groups.values():
            self._grow(group.id)
            self._touch(group.id, group.version)
            self._versions[group.id] = max(self.version(group.id), group.version)

    @classmethod
    def now(cls, view: MarathonState) -> Tree:
        """The tree as it is wished now."""
        newest = {key: max(stamps) for key, stamps in touched_below(view).items()}
        return cls(view.apps.values(), view.groups, newest)

    @classmethod
    def at(cls, view: MarathonState, version: Stamp) -> Tree:
        """The tree as it was wished at a version."""
        apps, groups = rewound(view, version)
        earlier = {
            key: max(before)
            for key, stamps in touched_below(view).items()
            if (before := {one for one in stamps if one <= version})
        }
        return cls(apps.values(), groups, earlier)

    def __contains__(self, group_id: object) -> bool:
        return group_id in self.children

    def _grow(self, group_id: GroupId) -> None:
        while group_id not in self.children:
            self.children[group_id] = []
            parent = parent_of(group_id)
            if parent in self.children:
                self.children[parent].append(group_id)
                return
            # The parent is new as well: it is told of this child once it is there.
            self._grow(parent)
            self.children[parent].append(group_id)

    def _touch(self, path: AppId | GroupId, version: Stamp) -> None:
        for group_id in groups_above(path):
            if version > self._versions.get(group_id, ""):
                self._versions[group_id] = version

    def version(self, group_id: GroupId) -> Stamp:
        """When something in a group last changed."""
        return self._versions.get(group_id, Stamp(""))
