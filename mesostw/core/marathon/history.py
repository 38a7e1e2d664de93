"""Versions back in time: of apps, which are kept whole, and of groups, by what was replaced."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from mesostw.core.marathon import tree
from mesostw.core.marathon.records import Replaced
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.tree import GroupNode
from mesostw.core.marathon.turn import stamp_of
from mesostw.model.apps import ROOT, App, AppId, Group, GroupId, Stamp, is_below


class Past(Struct, frozen=True):
    """The tables of a tree as it was."""

    apps: dict[AppId, App]
    groups: dict[GroupId, Group]


def stamp_from(text: str) -> Stamp | None:
    """A version as somebody wrote it (ISO 8601, UTC unless said); ``None`` if it is none."""
    try:
        at = datetime.fromisoformat(text)
        return stamp_of((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() + 0.0005)
    except (ValueError, OverflowError):
        return None


def app_versions(state: MarathonState, app_id: AppId) -> tuple[Stamp, ...]:
    """The versions of an app that are kept, the newest first."""
    return tuple(sorted(state.versions.get(app_id, ()), reverse=True))


def app_at(state: MarathonState, app_id: AppId, version: Stamp) -> App | None:
    """An app as it was at one of its versions."""
    return state.versions.get(app_id, {}).get(version)


def group_versions(state: MarathonState, group_id: GroupId) -> tuple[Stamp, ...]:
    """
    The versions of a group that can be told, the newest first.

    Each is one of the whole tree that changed something in the group.  The oldest that can
    be told stands for all before it, if the group was there.
    """
    versions = [
        version
        for version, paths in _newest_first(state)
        if any(is_below(p, group_id) for p in paths)
    ]
    oldest = _before_all(state)
    if oldest is not None and group_at(state, group_id, oldest) is not None:
        versions.append(oldest)
    return tuple(versions)


def group_at(state: MarathonState, group_id: GroupId, version: Stamp) -> GroupNode | None:
    """A group as it was at a version of the tree; ``None`` if either is not known."""
    past = tree_at(state, version)
    return None if past is None else tree.node_of(past.apps, past.groups, group_id)


def tree_at(state: MarathonState, version: Stamp) -> Past | None:
    """The whole tree at one of its versions; ``None`` if that is not kept."""
    if version not in state.root_changes and version != _before_all(state):
        return None
    past = Past(dict(state.apps), dict(state.groups))
    for later, replaced in _newest_first(state):
        if later <= version:
            break
        for one in replaced.values():
            _undo(past, one)
    return past


def _undo(past: Past, replaced: Replaced) -> None:
    app_id, group_id = AppId(replaced.path), GroupId(replaced.path)
    past.apps.pop(app_id, None)
    past.groups.pop(group_id, None)
    if replaced.app is not None:
        past.apps[app_id] = replaced.app
    if replaced.group is not None:
        past.groups[group_id] = replaced.group


def _newest_first(state: MarathonState) -> list[tuple[Stamp, Mapping[str, Replaced]]]:
    return sorted(state.root_changes.items(), key=lambda entry: entry[0], reverse=True)


def _before_all(state: MarathonState) -> Stamp | None:
    """The version of the tree before the oldest change that is kept."""
    if not state.root_changes:
        return None
    root = state.root_changes[min(state.root_changes)].get(ROOT)
    return None if root is None or root.group is None else root.group.version
