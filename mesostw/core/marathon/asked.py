"""What is asked of the tree: worked out as a sketch, drawn, and deployed."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from msgspec.structs import replace

from mesostw.core.marathon import asking_apps, asking_groups, deployments
from mesostw.core.marathon.events import AppPosted, GroupChangeFailed, GroupChangeSucceeded
from mesostw.core.marathon.sketches import Sketch
from mesostw.core.marathon.turn import Turn, stamp_of
from mesostw.core.marathon.words import (
    AppRemovalAsked,
    AppRestartAsked,
    AppsAsked,
    DryRun,
    GroupAsked,
    GroupPatchAsked,
    GroupRemovalAsked,
    Planned,
    Terms,
    Unfit,
)
from mesostw.model.apps import ROOT, AppId, AppSpec, GroupId, parent_of

AppQuestion: TypeAlias = AppsAsked | AppRestartAsked | AppRemovalAsked
GroupQuestion: TypeAlias = GroupAsked | GroupPatchAsked | GroupRemovalAsked


def asked(turn: Turn, question: AppQuestion | GroupQuestion) -> Planned | DryRun | Unfit:
    """Change the tree as ``question`` says, or nothing at all."""
    sketch = Sketch(turn.state, turn.flags)
    match question:
        case AppsAsked() | AppRestartAsked() | AppRemovalAsked():
            return _of_apps(turn, sketch, question)
        case GroupAsked() | GroupPatchAsked() | GroupRemovalAsked():
            return _of_groups(turn, sketch, question)
        case _:
            assert_never(question)


def _of_apps(turn: Turn, sketch: Sketch, question: AppQuestion) -> Planned | Unfit:
    match question:
        case AppsAsked():
            return _apps(turn, sketch, question, question.terms)
        case AppRestartAsked(app_id, terms):
            return _restart(turn, sketch, app_id, terms)
        case AppRemovalAsked(app_id, terms):
            return _removal(turn, sketch, app_id, terms)
        case _:
            assert_never(question)


def _of_groups(turn: Turn, sketch: Sketch, question: GroupQuestion) -> Planned | DryRun | Unfit:
    match question:
        case GroupAsked():
            return _group(turn, sketch, question)
        case GroupPatchAsked(group_id):
            refused = asking_groups.group_patch_asked(sketch, question)
            return refused or _deployed(turn, sketch, group_id, Terms())
        case GroupRemovalAsked(group_id, terms):
            if not sketch.has_group(group_id):
                return asking_groups.group_missing(group_id)
            sketch.remove_group(group_id)
            return _deployed(turn, sketch, group_id, terms)
        case _:
            assert_never(question)


def _apps(turn: Turn, sketch: Sketch, question: AppsAsked, terms: Terms) -> Planned | Unfit:
    ids = asking_apps.apps_asked(sketch, question)
    if isinstance(ids, Unfit):
        return ids
    created = frozenset(ids) - turn.state.apps.keys()
    group_id = parent_of(ids[0]) if len(ids) == 1 else ROOT
    planned = _deployed(turn, sketch, group_id, terms)
    return planned if isinstance(planned, Unfit) else _shown(turn, planned, ids, created, terms)


def _restart(turn: Turn, sketch: Sketch, app_id: AppId, terms: Terms) -> Planned | Unfit:
    spec = sketch.before(app_id)
    if spec is None:
        return asking_apps.app_missing(app_id)
    sketch.specs[app_id] = spec
    sketch.restarted.add(app_id)
    planned = _deployed(turn, sketch, parent_of(app_id), terms)
    if isinstance(planned, Unfit):
        return planned
    return replace(planned, apps=(turn.state.apps[app_id],))


def _removal(turn: Turn, sketch: Sketch, app_id: AppId, terms: Terms) -> Planned | Unfit:
    app = turn.state.apps.get(app_id)
    if app is None:
        return asking_apps.app_missing(app_id)
    sketch.specs[app_id] = None
    planned = _deployed(turn, sketch, parent_of(app_id), terms)
    if isinstance(planned, Unfit):
        return planned
    _post(turn, app.spec, terms)
    return replace(planned, apps=(app,))


def _group(turn: Turn, sketch: Sketch, question: GroupAsked) -> Planned | DryRun | Unfit:
    group_id = asking_groups.group_asked(sketch, question)
    if isinstance(group_id, Unfit):
        return group_id
    if not question.dry_run:
        return _deployed(turn, sketch, group_id, question.terms)
    change = sketch.drawn(turn)
    return change if isinstance(change, Unfit) else deployments.dry_run(turn, change)


def _deployed(turn: Turn, sketch: Sketch, group_id: GroupId, terms: Terms) -> Planned | Unfit:
    """Have what a sketch shows; the event stream hears whether it may be, and of which group."""
    change = sketch.drawn(turn)
    answer = change if isinstance(change, Unfit) else deployments.begin(turn, change, terms)
    at = turn.now.wall
    if isinstance(answer, Unfit):
        reason = "; ".join((answer.message, *(text for f in answer.faults for text in f.errors)))
        turn.tell(GroupChangeFailed(at=at, group_id=group_id, version=stamp_of(at), reason=reason))
    else:
        turn.tell(GroupChangeSucceeded(at=at, group_id=group_id, version=answer.version))
    return answer


def _shown(
    turn: Turn, planned: Planned, ids: tuple[AppId, ...], created: frozenset[AppId], terms: Terms
) -> Planned:
    apps = tuple(turn.state.apps[app_id] for app_id in ids)
    for app in apps:
        _post(turn, app.spec, terms)
    return replace(planned, apps=apps, created=created)


def _post(turn: Turn, spec: AppSpec, terms: Terms) -> None:
    at = turn.now.wall
    turn.tell(AppPosted(at=at, client_ip=terms.client_ip, uri=terms.uri, spec=spec))
