"""
The tree of groups, from the flat tables in which apps and groups are kept.

A group is there if it has a record, or if something is below it; the root always is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from mesostw.core.marathon.state import MarathonState
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

#: The version of a root in which nothing ever changed.
NEVER = Stamp("1970-01-01T00:00:00.000Z")


class GroupNode(Struct, frozen=True):
    """A group with all that is in it, each sorted by id."""

    id: GroupId
    #: Of the newest change inside.
    version: Stamp
    apps: tuple[App, ...]
    groups: tuple[GroupNode, ...]
    dependencies: tuple[str, ...] = ()
    enforce_role: bool | None = None


def group_now(state: MarathonState, group_id: GroupId) -> GroupNode | None:
    """A group as it is wished; ``None`` if there is none."""
    return node_of(state.apps, state.groups, group_id)


def groups_below(state: MarathonState, group_id: GroupId) -> tuple[GroupId, ...]:
    """Every group in a group, however deep and without itself, sorted."""
    found = _all_groups(state.apps, state.groups, group_id)
    return tuple(sorted(found - {group_id}))


def apps_below(apps: Mapping[AppId, App], group_id: GroupId) -> Iterator[App]:
    """Every app in a group, however deep."""
    return (app for app in apps.values() if is_below(app.id, group_id))


def has_group(
    apps: Mapping[AppId, App], groups: Mapping[GroupId, Group], group_id: GroupId
) -> bool:
    """Whether a group is there."""
    return (
        group_id == ROOT
        or group_id in groups
        or has_below(apps, group_id)
        or has_below(groups, group_id)
    )


def has_below(paths: Iterable[str], path: str) -> bool:
    """Whether one of ``paths`` is below ``path``."""
    head = path + "/"
    return any(other.startswith(head) for other in paths)


def around(
    groups: Mapping[GroupId, Group], changed: Iterable[str], version: Stamp
) -> dict[GroupId, Group]:
    """Every group that something changes in, at the version of that change."""
    above = {group_id for path in changed for group_id in groups_above(path)}
    return {
        group_id: replace(groups[group_id], version=version)
        for group_id in sorted(above & groups.keys())
    }


def node_of(
    apps: Mapping[AppId, App], groups: Mapping[GroupId, Group], top: GroupId
) -> GroupNode | None:
    """The tree below ``top``; ``None`` if there is no such group."""
    if AppId(top) in apps:
        return None
    inside = _all_groups(apps, groups, top)
    if top not in inside and top != ROOT:
        return None
    apps_of: dict[GroupId, list[App]] = {}
    for app in apps_below(apps, top):
        apps_of.setdefault(parent_of(app.id), []).append(app)
    groups_of: dict[GroupId, list[GroupId]] = {}
    for group_id in inside - {top}:
        groups_of.setdefault(parent_of(group_id), []).append(group_id)

    def node(group_id: GroupId) -> GroupNode:
        return _node(
            group_id,
            groups.get(group_id),
            tuple(sorted(apps_of.get(group_id, ()), key=lambda app: app.id)),
            tuple(node(child) for child in sorted(groups_of.get(group_id, ()))),
        )

    return node(top)


def _node(
    group_id: GroupId,
    record: Group | None,
    apps: tuple[App, ...],
    groups: tuple[GroupNode, ...],
) -> GroupNode:
    if record is not None:
        return GroupNode(
            group_id, record.version, apps, groups, record.dependencies, record.enforce_role
        )
    versions = [*(app.version for app in apps), *(group.version for group in groups)]
    return GroupNode(group_id, max(versions, default=NEVER), apps, groups)


def _all_groups(
    apps: Mapping[AppId, App], groups: Mapping[GroupId, Group], top: GroupId
) -> set[GroupId]:
    """Every group in ``top``, with itself if it is there."""
    found = {group_id for group_id in groups if is_below(group_id, top)}
    for path in (*apps, *groups):
        # Most apps share their group: the rest of the way up is known then.
        if is_below(path, top) and parent_of(path) not in found:
            found.update(above for above in groups_above(path) if is_below(above, top))
    return found
