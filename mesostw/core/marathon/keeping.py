"""
Making a change of the tree true: apps, groups, their versions, and the way back in time.

Versions over ``zk_max_versions`` are forgotten, oldest first, but never one that an instance
was started from: its checks, its grace and its ports are read there.
"""

from __future__ import annotations

from mesostw.core.marathon import queue, terminations
from mesostw.core.marathon.changes import (
    AppChanged,
    AppRemoved,
    GroupChanged,
    GroupRemoved,
    ReplacedForgotten,
    ReplacedKept,
    VersionForgotten,
    VersionKept,
)
from mesostw.core.marathon.records import Replaced, TreeChange
from mesostw.core.marathon.turn import Turn
from mesostw.model.apps import App, AppId, GroupId


def keep(turn: Turn, change: TreeChange) -> None:
    """Have the tree be as ``change`` says, and every app in it looked at."""
    if not change.apps and not change.groups:
        return
    _keep_way_back(turn, change)
    for group_id, group in change.groups.items():
        if group is not None:
            turn.change(GroupChanged(group))
        elif group_id in turn.state.groups:
            turn.change(GroupRemoved(group_id))
    for app_id, app in change.apps.items():
        before = turn.state.apps.get(app_id)
        if app is not None:
            _put(turn, app, before)
        elif before is not None:
            _remove(turn, before)
        turn.unsettle(app_id)


def _keep_way_back(turn: Turn, change: TreeChange) -> None:
    state = turn.state
    for path in sorted({*change.apps, *change.groups}):
        app, group = state.apps.get(AppId(path)), state.groups.get(GroupId(path))
        turn.change(ReplacedKept(Replaced(change.version, path, app, group)))
    surplus = len(state.root_changes) - turn.flags.zk_max_versions
    for version in sorted(state.root_changes)[: max(0, surplus)]:
        for path in tuple(state.root_changes[version]):
            turn.change(ReplacedForgotten(version, path))


def _put(turn: Turn, app: App, before: App | None) -> None:
    if before is None:
        # What is left of an app of that name is not a version of this one.
        _forget_versions(turn, app.id, None, 0)
    turn.change(AppChanged(app))
    turn.change(VersionKept(app))
    _forget_versions(turn, app.id, before, turn.flags.zk_max_versions)


def _remove(turn: Turn, before: App) -> None:
    queue.dropped(turn, before.id)
    terminations.forgotten(turn, before.id)
    # The last version tells that the app is not gone yet: ``removed`` forgets it.
    _forget_versions(turn, before.id, before, 0)
    turn.change(AppRemoved(before.id))


def _forget_versions(turn: Turn, app_id: AppId, before: App | None, most: int) -> None:
    """Forget old versions over ``most``; what runs, what is and what was ``before`` stays."""
    versions = turn.state.versions.get(app_id, {})
    surplus = len(versions) - most
    if surplus <= 0:
        return
    needed = {instance.version for instance in turn.state.of_app(app_id).values()}
    needed |= {one.version for one in (before, turn.state.apps.get(app_id)) if one is not None}
    old = [version for version in sorted(versions) if version not in needed]
    for version in old[:surplus]:
        turn.change(VersionForgotten(app_id, version))


def removed(turn: Turn, app_id: AppId) -> bool:
    """Forget the rest of a removed app whose instances have ended; tell whether there was any."""
    versions = tuple(turn.state.versions.get(app_id, ()))
    for version in versions:
        turn.change(VersionForgotten(app_id, version))
    return bool(versions)
