"""
The way back from a deployment: what it changed, changed back in the tree as it is now.

An app gets its old spec under a new version, but keeps the time of its old configuration, so
that instances which were not replaced yet need not be.  Where only a restart was asked for
there is nothing to change back: what is replaced stays so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from mesostw.core.marathon import tree
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
    groups = _groups_back(state, deployment, stamp, apps)
    dated = tree.around(state.groups, (*apps, *groups), stamp)
    return TreeChange(version=stamp, apps=apps, groups={**dated, **groups})


def _groups_back(
    state: MarathonState, deployment: Deployment, stamp: Stamp, apps: Mapping[AppId, App | None]
) -> dict[GroupId, Group | None]:
    groups: dict[GroupId, Group | None] = {}
    filling = _Filling(state, apps)
    # What was new in another new group goes before it.
    for group_id, before in sorted(deployment.groups_before, key=_depth, reverse=True):
        now = state.groups.get(group_id)
        if before is not None:
            _give_back(state, now, before, stamp, groups)
        elif now is not None and filling.is_empty(group_id):
            groups[group_id] = None
            filling.remove(group_id)
    return groups


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


def _give_back(
    state: MarathonState,
    now: Group | None,
    before: Group,
    stamp: Stamp,
    groups: dict[GroupId, Group | None],
) -> None:
    """Have a group again that was there, with what it said, unless an app is in its place."""
    if now is None and AppId(before.id) in state.apps:
        return
    wished = (before.dependencies, before.enforce_role)
    if now is None or wished != (now.dependencies, now.enforce_role):
        groups[before.id] = Group(before.id, stamp, *wished)


class _Filling:
    """How much is in each group once ``apps`` are as they say."""

    def __init__(self, state: MarathonState, apps: Mapping[AppId, App | None]) -> None:
        there: list[str] = [app_id for app_id in state.apps if apps.get(app_id, app_id) is not None]
        there += [app_id for app_id in apps.keys() - state.apps.keys() if apps[app_id] is not None]
        self._counts = Counter(
            above for path in (*there, *state.groups) for above in groups_above(path)
        )

    def is_empty(self, group_id: GroupId) -> bool:
        """Whether nothing is left in a group."""
        return not self._counts[group_id]

    def remove(self, group_id: GroupId) -> None:
        """A group goes."""
        self._counts.subtract(groups_above(group_id))
