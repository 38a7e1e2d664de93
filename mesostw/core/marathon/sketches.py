"""
A sketch: the tree as somebody asks for it, while that is worked out.

A sketch knows only what differs.  Drawn, it is a ``TreeChange``: apps that come out as they
were are left alone, ports have numbers, and the whole tree obeys the rules that one document
cannot break alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from msgspec.structs import replace

from mesostw.core.framework.faults import INVALID, Faults
from mesostw.core.marathon import ports, roles, tree
from mesostw.core.marathon.dependencies import cycle_of
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.records import TreeChange
from mesostw.core.marathon.roles import RoleRules
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.words import Unfit
from mesostw.model.apps import (
    ROOT,
    SCALING_FIELDS,
    App,
    AppId,
    AppSpec,
    Group,
    GroupId,
    Stamp,
    groups_above,
    is_below,
)

K = TypeVar("K")
V = TypeVar("V")

_SAME_ID: Final = "Groups and Applications may not have the same identifier."
_CYCLE: Final = "Dependency graph has cyclic dependencies."

#: Of a group in a sketch: it gets one when it is drawn.
_UNDATED: Final = Stamp("")


class Sketch:
    """What is asked for, as differences to what is wished now."""

    def __init__(self, state: MarathonState, flags: MarathonFlags) -> None:
        self.state = state
        self.flags = flags
        #: As they shall be; ``None`` where one goes.
        self.specs: dict[AppId, AppSpec | None] = {}
        self.groups: dict[GroupId, Group | None] = {}
        self.restarted: set[AppId] = set()

    # --- reading ------------------------------------------------------------------

    def spec(self, app_id: AppId) -> AppSpec | None:
        """An app as it shall be, so far."""
        if app_id in self.specs:
            return self.specs[app_id]
        return self.before(app_id)

    def before(self, app_id: AppId) -> AppSpec | None:
        """An app as it is wished now."""
        app = self.state.apps.get(app_id)
        return None if app is None else app.spec

    def group(self, group_id: GroupId) -> Group | None:
        """A group's record as it shall be, so far."""
        if group_id in self.groups:
            return self.groups[group_id]
        return self.state.groups.get(group_id)

    def has_group(self, group_id: GroupId) -> bool:
        """Whether a group is there now."""
        return tree.has_group(self.state.apps, self.state.groups, group_id)

    def roles_of(self, app_id: AppId) -> RoleRules:
        """Which roles an app may have."""
        top = self.group(roles.top_of(app_id))
        return roles.rules_of(app_id, top, self.flags, self.before(app_id))

    # --- asking -------------------------------------------------------------------

    def name_group(
        self, group_id: GroupId, dependencies: tuple[str, ...] | None, enforce_role: bool | None
    ) -> None:
        """Have a group there by name; what is ``None`` stays as it is."""
        record = self.group(group_id)
        if record is None:
            # The flag is for new top-level groups, not for one that its apps had made.
            enforces = roles.is_enforced(None, self.flags) and groups_above(group_id) == (ROOT,)
            is_new = enforces and not self.has_group(group_id)
            record = Group(group_id, _UNDATED, enforce_role=True if is_new else None)
        if dependencies is not None:
            record = replace(record, dependencies=dependencies)
        if enforce_role is not None and (enforce_role or record.enforce_role is not None):
            record = replace(record, enforce_role=enforce_role)
        self.groups[group_id] = record

    def remove_group(self, group_id: GroupId) -> None:
        """Have a group and everything in it go; what has been asked for in it goes too."""
        for app in tree.apps_below(self.state.apps, group_id):
            self.specs[app.id] = None
        for other in self.state.groups:
            if is_below(other, group_id) and other != ROOT:
                self.groups[other] = None

    # --- drawing ------------------------------------------------------------------

    def drawn(self, turn: Turn) -> TreeChange | Unfit:
        """The change that this is, if the tree that it leads to is right."""
        self._name_paths()
        try:
            specs = ports.assigned(
                {app_id: spec for app_id, spec in self.specs.items() if spec is not None},
                self.state.apps,
                self.flags,
            )
        except ports.Exhausted as error:
            return Unfit("invalid", str(error))
        version = turn.stamp()
        apps = self._changed(specs, version)
        change = TreeChange(
            version=version,
            apps=apps,
            groups=self._dated(apps, version),
            restarted=frozenset(self.restarted),
        )
        return self._judged(change) or change

    def _name_paths(self) -> None:
        """The groups around what is new are there from then on, also when that goes."""
        new: set[str] = {
            app_id
            for app_id, spec in self.specs.items()
            if spec is not None and self.before(app_id) is None
        }
        new |= {
            group_id
            for group_id, group in self.groups.items()
            if group is not None and group_id not in self.state.groups
        }
        for group_id in sorted({above for path in new for above in groups_above(path)} - {ROOT}):
            if self.group(group_id) is None:
                self.name_group(group_id, None, None)

    def _changed(self, specs: Mapping[AppId, AppSpec], version: Stamp) -> dict[AppId, App | None]:
        """Every app that differs, at its new version."""
        changed: dict[AppId, App | None] = {
            app_id: None
            for app_id, spec in self.specs.items()
            if spec is None and app_id in self.state.apps
        }
        for app_id, spec in specs.items():
            before = self.state.apps.get(app_id)
            after = _next(before, spec, version, app_id in self.restarted)
            if after is not before:
                changed[app_id] = after
        return changed

    def _dated(
        self, apps: Mapping[AppId, App | None], version: Stamp
    ) -> dict[GroupId, Group | None]:
        """Groups that differ, and those around everything that does: each is at ``version``."""
        changed = {
            group_id: group
            for group_id, group in self.groups.items()
            if not _is_same(group, self.state.groups.get(group_id))
        }
        dated: dict[GroupId, Group | None] = {
            group_id: None for group_id, group in changed.items() if group is None
        }
        there = {ROOT: Group(ROOT, _UNDATED), **self.state.groups, **self.groups}
        kept = {group_id: group for group_id, group in there.items() if group is not None}
        paths = (*apps, *changed)
        inside = {
            group_id: replace(kept[group_id], version=version)
            for group_id in changed.keys() & kept.keys()
        }
        return {**dated, **tree.around(kept, paths, version), **inside}

    def _judged(self, change: TreeChange) -> Unfit | None:
        faults = Faults()
        apps = _merged(self.state.apps, change.apps)
        groups = _merged(self.state.groups, change.groups)
        added = [
            app_id
            for app_id, app in change.apps.items()
            if app is not None and app_id not in self.state.apps
        ]
        self._judge_ids(added, change, apps, groups, faults)
        if self.flags.max_apps is not None and added and len(apps) > self.flags.max_apps:
            return Unfit(
                "invalid",
                f"This Marathon instance may only handle up to {self.flags.max_apps} Apps! "
                f"({len(self.state.apps)} currently)",
            )
        if any(app.spec.dependencies for app in apps.values()) or any(
            group.dependencies for group in groups.values()
        ):
            cycle = cycle_of(apps, groups)
            if cycle is not None:
                faults.add("", _CYCLE)
                faults.add("", "Each waits for the next: " + " -> ".join(cycle))
        return Unfit("invalid", INVALID, faults.told()) if faults else None

    def _judge_ids(
        self,
        added: list[AppId],
        change: TreeChange,
        apps: Mapping[AppId, App],
        groups: Mapping[GroupId, Group],
        faults: Faults,
    ) -> None:
        """No path is both an app and a group; only what is new can break that."""
        new_groups = [path for path in change.groups if path not in self.state.groups]
        both = {AppId(above) for path in (*added, *new_groups) for above in groups_above(path)}
        both |= {AppId(path) for path in new_groups}
        found = both & apps.keys()
        found |= {app_id for app_id in added if GroupId(app_id) in groups}
        found |= _that_have_below(added, apps) | _that_have_below(added, groups)
        for path in sorted(found):
            faults.add("", _SAME_ID)
            faults.add("", f"'{path}' would be an app and a group")


def _next(before: App | None, spec: AppSpec, version: Stamp, restart: bool) -> App:
    """
    An app at its next version: the same if nothing differs.

    ``instances`` alone is scaling; everything else replaces what runs, as a restart does.
    """
    if before is None:
        return App(spec, version, version, version)
    if restart:
        return App(spec, version, before.last_scaling_at, version)
    if spec == before.spec:
        return before
    if _unscaled(spec) == _unscaled(before.spec):
        return App(spec, version, version, before.last_config_change_at)
    return App(spec, version, version, version)


def _unscaled(spec: AppSpec) -> AppSpec:
    return replace(spec, **_SCALED_AWAY)


_SCALED_AWAY: Final[dict[str, int]] = dict.fromkeys(sorted(SCALING_FIELDS), 0)


def _is_same(group: Group | None, before: Group | None) -> bool:
    if group is None or before is None:
        return group is before
    return replace(group, version=before.version) == before


def _merged(before: Mapping[K, V], change: Mapping[K, V | None]) -> dict[K, V]:
    merged = dict(before)
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged


def _that_have_below(added: list[AppId], paths: Iterable[str]) -> set[AppId]:
    """Those of ``added`` that something is below."""
    if len(added) <= 4:
        return {app_id for app_id in added if tree.has_below(paths, app_id)}
    above = {AppId(group) for path in paths for group in groups_above(path)}
    return above & set(added)
