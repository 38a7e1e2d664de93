"""Groups that somebody asks for: replaced, scaled, set back, and removed."""

from __future__ import annotations

import math

from msgspec import UNSET
from msgspec.structs import replace

from mesostw.core.framework.faults import Faults, unsupported
from mesostw.core.marathon import history, identifiers, roles, tree
from mesostw.core.marathon.asking_apps import want
from mesostw.core.marathon.documents import AppDraft, GroupDraft, group_draft, group_patch_draft
from mesostw.core.marathon.normalising import paths
from mesostw.core.marathon.sketches import Sketch
from mesostw.core.marathon.tree import GroupNode
from mesostw.core.marathon.words import GroupAsked, GroupPatchAsked, Unfit
from mesostw.model.apps import (
    INT_MAX,
    ROOT,
    AppId,
    AppSpec,
    GroupId,
    is_below,
    parent_of,
)

_TOP_ONLY = "can only be enabled for a top-level group"


def group_missing(group_id: GroupId) -> Unfit:
    """There is no such group."""
    return Unfit("unknown", f"Group '{group_id}' does not exist")


def group_asked(sketch: Sketch, question: GroupAsked) -> GroupId | Unfit:
    """Draw a group in a sketch as a document says; its id, or what is wrong."""
    faults = Faults()
    draft = group_draft(question.document, faults)
    if draft is None:
        return faults.malformed()
    group_id = _target(question, draft, faults)
    if group_id is None:
        return faults.invalid()
    return _met(sketch, question, group_id) or _drawn(sketch, group_id, draft, faults)


def _drawn(sketch: Sketch, group_id: GroupId, draft: GroupDraft, faults: Faults) -> GroupId | Unfit:
    """What of the three a document asks for: another size, another version, or all of it."""
    given = draft.given - {"id", "pods"}
    if draft.scale_by is not UNSET:
        if given != {"scale_by"}:
            faults.add("/scaleBy", "may only be given alone")
            return faults.invalid()
        return _scaled(sketch, group_id, draft.scale_by)
    # A version beside apps and groups is an answer of ours sent back, and means nothing.
    if draft.version is not UNSET and not given & {"apps", "groups"}:
        if given != {"version"}:
            faults.add("/version", "may only be given alone")
            return faults.invalid()
        return _set_back(sketch, group_id, draft.version)
    return _replaced(sketch, group_id, draft, faults)


def group_patch_asked(sketch: Sketch, question: GroupPatchAsked) -> Unfit | None:
    """Change whether a group enforces its role; apps that are there keep theirs."""
    faults = Faults()
    draft = group_patch_draft(question.document, faults)
    if draft is None:
        return faults.malformed()
    if not sketch.has_group(question.group_id):
        return group_missing(question.group_id)
    if draft.enforce_role is UNSET:
        return None
    if not _is_top(question.group_id):
        faults.add("/enforceRole", _TOP_ONLY)
        return faults.invalid()
    sketch.name_group(question.group_id, None, draft.enforce_role)
    return None


# --- which group ------------------------------------------------------------------


def _target(question: GroupAsked, draft: GroupDraft, faults: Faults) -> GroupId | None:
    """
    The group that is meant: by the path, or by the document if the path names the root.

    A new one may also be named relative to the path.
    """
    if draft.id is UNSET:
        return identifiers.group_id(question.group_id, ROOT, "/id", faults)
    if question.group_id == ROOT or not question.may_exist:
        return identifiers.group_id(draft.id, question.group_id, "/id", faults)
    named = identifiers.group_id(draft.id, parent_of(question.group_id), "/id", faults)
    if named is not None and named != question.group_id:
        faults.add(
            "/id", f"'{draft.id}' must be '{question.group_id}', as the path says, or left out"
        )
        return None
    return named


def _met(sketch: Sketch, question: GroupAsked, group_id: GroupId) -> Unfit | None:
    """Whether what is there already is in the way."""
    if AppId(group_id) in sketch.state.apps:
        return Unfit("exists", f"An app with the path {group_id} already exists.")
    if not question.may_exist and sketch.has_group(group_id):
        return Unfit(
            "exists", f"Group {group_id} is already created. Use PUT to change this group."
        )
    return None


def _is_top(group_id: GroupId) -> bool:
    return group_id != ROOT and parent_of(group_id) == ROOT


# --- scaled and set back ------------------------------------------------------------


def _scaled(sketch: Sketch, group_id: GroupId, factor: float) -> GroupId | Unfit:
    if not sketch.has_group(group_id):
        return group_missing(group_id)
    faults = Faults()
    for app in tree.apps_below(sketch.state.apps, group_id):
        count = math.ceil(app.spec.instances * factor)
        if count > INT_MAX:
            faults.add("/scaleBy", f"{factor} would make {count} instances of '{app.id}'")
        if app.spec.is_single and count > 1:
            faults.add("/scaleBy", f"'{app.id}' must have at most 1 instance")
        every = app.spec.every_agent and count == app.spec.instances
        sketch.specs[app.id] = replace(app.spec, instances=count, every_agent=every)
    return faults.invalid() if faults else group_id


def _set_back(sketch: Sketch, group_id: GroupId, text: str) -> GroupId | Unfit:
    """Have everything below a group as it was at a version of the tree."""
    if not sketch.has_group(group_id):
        return group_missing(group_id)
    version = history.stamp_from(text)
    past = None if version is None else history.tree_at(sketch.state, version)
    if past is None or not tree.has_group(past.apps, past.groups, group_id):
        return Unfit("unknown", f"Group '{group_id}' does not exist in version {text}")
    sketch.remove_group(group_id)
    for app in tree.apps_below(past.apps, group_id):
        sketch.specs[app.id] = app.spec
    for group in past.groups.values():
        if is_below(group.id, group_id):
            sketch.groups[group.id] = group
    return group_id


# --- replaced -------------------------------------------------------------------------


def _replaced(
    sketch: Sketch, group_id: GroupId, draft: GroupDraft, faults: Faults
) -> GroupId | Unfit:
    state = sketch.state
    node = tree.node_of(state.apps, state.groups, group_id)
    enforced = roles.is_enforced(sketch.group(group_id), sketch.flags)
    _draw(sketch, group_id, draft, node, "", faults)
    if _is_top(group_id) and node is not None and draft.enforce_role is not UNSET:
        changes = draft.enforce_role != enforced
        if changes and any(spec != sketch.before(app) for app, spec in _numbered(sketch)):
            faults.add("/enforceRole", "must not be changed together with apps")
    return faults.invalid() if faults else group_id


def _numbered(sketch: Sketch) -> list[tuple[AppId, AppSpec | None]]:
    """The apps of a sketch with the ports they had, where they leave them open."""
    return [
        (app_id, _with_ports_of(sketch.before(app_id), spec))
        for app_id, spec in sketch.specs.items()
    ]


def _with_ports_of(before: AppSpec | None, spec: AppSpec | None) -> AppSpec | None:
    if before is None or spec is None:
        return spec
    had = before.port_definitions
    if len(had) != len(spec.port_definitions):
        return spec
    return replace(
        spec,
        port_definitions=tuple(
            port if port.port else replace(port, port=old.port)
            for port, old in zip(spec.port_definitions, had, strict=True)
        ),
    )


def _draw(
    sketch: Sketch,
    group_id: GroupId,
    draft: GroupDraft,
    node: GroupNode | None,
    path: str,
    faults: Faults,
) -> None:
    """One group as its document says, and those in it; lists that it has replace what is there."""
    _name(sketch, group_id, draft, path, faults)
    if draft.apps is not UNSET:
        _draw_apps(sketch, group_id, draft.apps, node, path, faults)
    if draft.groups is not UNSET:
        _draw_groups(sketch, group_id, draft.groups, node, path, faults)


def _name(sketch: Sketch, group_id: GroupId, draft: GroupDraft, path: str, faults: Faults) -> None:
    dependencies = enforce_role = None
    if draft.dependencies is not UNSET:
        dependencies = paths(draft.dependencies, group_id, f"{path}/dependencies", faults)
    if draft.enforce_role is not UNSET:
        if draft.enforce_role and not _is_top(group_id):
            faults.add(f"{path}/enforceRole", _TOP_ONLY)
        elif _is_top(group_id):
            enforce_role = draft.enforce_role
    if path and draft.scale_by is not UNSET:
        faults.add(f"{path}/scaleBy", "may only be given alone, for the group that is asked for")
    if draft.pods:
        faults.add(f"{path}/pods", unsupported("a pod"))
    sketch.name_group(group_id, dependencies, enforce_role)


def _draw_apps(
    sketch: Sketch,
    group_id: GroupId,
    drafts: tuple[AppDraft, ...],
    node: GroupNode | None,
    path: str,
    faults: Faults,
) -> None:
    for app in () if node is None else node.apps:
        sketch.specs[app.id] = None
    seen: set[AppId] = set()
    for index, draft in enumerate(drafts):
        app_path = f"{path}/apps({index})"
        # One without a right id is judged too, so that all that is wrong is told.
        named = _app_id(draft, group_id, app_path, faults)
        app_id = AppId(group_id) if named is None else named
        if named in seen:
            faults.add(f"{app_path}/id", f"'{named}' is there twice")
        elif named is not None:
            seen.add(named)
        wrong = Faults()
        # It stays, and what it was counts; the removal above is of those that are left out.
        sketch.specs.pop(app_id, None)
        sketch.specs[app_id] = want(sketch, app_id, draft, partial=False, faults=wrong)
        faults.below(app_path, wrong)


def _app_id(draft: AppDraft, group_id: GroupId, path: str, faults: Faults) -> AppId | None:
    if draft.id is UNSET:
        faults.add(f"{path}/id", "error.path.missing")
        return None
    app_id = identifiers.app_id(draft.id, group_id, f"{path}/id", faults)
    return app_id if identifiers.child(app_id, group_id, f"{path}/id", faults) else None


def _draw_groups(
    sketch: Sketch,
    group_id: GroupId,
    drafts: tuple[GroupDraft, ...],
    node: GroupNode | None,
    path: str,
    faults: Faults,
) -> None:
    there = {} if node is None else {child.id: child for child in node.groups}
    seen: set[GroupId] = set()
    for index, draft in enumerate(drafts):
        child_path = f"{path}/groups({index})"
        child_id = _child_id(draft, group_id, child_path, faults)
        if child_id is None:
            continue
        if child_id in seen:
            faults.add(f"{child_path}/id", f"'{child_id}' is there twice")
        seen.add(child_id)
        _draw(sketch, child_id, draft, there.get(child_id), child_path, faults)
    for child_id in sorted(there.keys() - seen):
        sketch.remove_group(child_id)


def _child_id(draft: GroupDraft, group_id: GroupId, path: str, faults: Faults) -> GroupId | None:
    if draft.id is UNSET:
        faults.add(f"{path}/id", "error.path.missing")
        return None
    child_id = identifiers.group_id(draft.id, group_id, f"{path}/id", faults)
    return child_id if identifiers.child(child_id, group_id, f"{path}/id", faults) else None
