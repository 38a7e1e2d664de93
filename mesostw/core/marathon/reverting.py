"""
The way back from a deployment: what it changed, changed back in the tree as it is now.

An app gets its old spec under a new version, but keeps the time of its old configuration, so
that instances which were not replaced yet need not be.  Where only a restart was asked for
there is nothing to change back: what is replaced stays so.
"""

from __future__ import annotations

from collections.abc import Mapping

from mesostw.core.marathon.records import Affected, Deployment, TreeChange
from mesostw.core.marathon.state import MarathonState
from mesostw.model.apps import (
    App,
    AppId,
    Group,
    GroupId,
    Stamp,
    groups_above,
    is_below,
)


def reverse_of(state: MarathonState, deployment: Deployment, stamp: Stamp) -> TreeChange:
    """Tell the change that takes ``deployment`` back, as the version ``stamp``."""
    apps: dict[AppId, App | None] = {}
    for affected in state.affected.get(deployment.id, {}).values():
        _take_back(state, affected, stamp, apps)
    groups: dict[GroupId, Group | None] = {}
    # What was new in another new group goes before it.
    for group_id, before in sorted(deployment.groups_before, key=_depth, reverse=True):
        _take_group_back(state, group_id, before, stamp, apps, groups)
    return TreeChange(version=stamp, apps=apps, groups=groups)


def _depth(entry: tuple[GroupId, Group | None]) -> int:
    return entry[0].count("/")


def _take_back(
    state: MarathonState, affected: Affected, stamp: Stamp, apps: dict[AppId, App | None]
) -> None:
    before, now = affected.before, state.apps.get(affected.app_id)
    if before is None:
        if now is not None:
            apps[affected.app_id] = None
    elif now is None:
        if _is_free(state, affected.app_id):
            apps[affected.app_id] = App(before.spec, stamp, stamp, before.last_config_change_at)
    elif now.spec != before.spec:
        is_scaled = now.spec.instances != before.spec.instances
        scaled_at = stamp if is_scaled else now.last_scaling_at
        apps[affected.app_id] = App(before.spec, stamp, scaled_at, before.last_config_change_at)


def _is_free(state: MarathonState, app_id: AppId) -> bool:
    """Whether nothing that came later is in the place of a removed app."""
    if GroupId(app_id) in state.groups or any(is_below(one, app_id) for one in state.apps):
        return False
    return not any(AppId(above) in state.apps for above in groups_above(app_id))


def _take_group_back(
    state: MarathonState,
    group_id: GroupId,
    before: Group | None,
    stamp: Stamp,
    apps: Mapping[AppId, App | None],
    groups: dict[GroupId, Group | None],
) -> None:
    now = state.groups.get(group_id)
    if before is None:
        if now is not None and _is_empty(state, group_id, apps, groups):
            groups[group_id] = None
        return
    if now is None and AppId(group_id) in state.apps:
        return
    wished = (before.dependencies, before.enforce_role)
    if now is None or wished != (now.dependencies, now.enforce_role):
        groups[group_id] = Group(group_id, stamp, *wished)


def _is_empty(
    state: MarathonState,
    group_id: GroupId,
    apps: Mapping[AppId, App | None],
    groups: Mapping[GroupId, Group | None],
) -> bool:
    """Whether nothing is left below a group once ``apps`` and ``groups`` are as they say."""
    below: list[str] = [one for one in state.apps if apps.get(one, one) is not None]
    below += [one for one, app in apps.items() if app is not None]
    below += [one for one in state.groups if groups.get(one, one) is not None]
    return not any(one != group_id and is_below(one, group_id) for one in below)
