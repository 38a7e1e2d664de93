"""
Which steps a change of the tree takes.

First what is removed stops, all at once; then what is new is named; then one step for each
layer of dependencies, lowest first.  The actions of a step go side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, TypeVar

from mesostw.core.marathon.dependencies import layers
from mesostw.core.marathon.records import Action, ActionKind, TreeChange
from mesostw.core.marathon.state import MarathonState
from mesostw.model.apps import App, AppId

K = TypeVar("K")
V = TypeVar("V")

Steps: TypeAlias = tuple[tuple[Action, ...], ...]


def steps_of(state: MarathonState, change: TreeChange) -> Steps:
    """Tell the steps from the tree as it is to the tree as it will be; none if nothing moves."""
    removed = [
        Action(ActionKind.STOP, app_id)
        for app_id, after in sorted(change.apps.items())
        if after is None and app_id in state.apps
    ]
    added = [
        Action(ActionKind.START, app_id)
        for app_id, after in sorted(change.apps.items())
        if after is not None and app_id not in state.apps
    ]
    moved = {
        after.id: action
        for after in change.apps.values()
        if after is not None and (action := _action(state, change, after)) is not None
    }
    apps, groups = _with(state.apps, change.apps), _with(state.groups, change.groups)
    later = [tuple(moved[one] for one in layer) for layer in layers(apps, groups, moved)]
    return tuple(step for step in (tuple(removed), tuple(added), *later) if step)


def _action(state: MarathonState, change: TreeChange, after: App) -> Action | None:
    """What a change does with an app that is there after it."""
    before = state.apps.get(after.id)
    spec = after.spec
    scale = Action(ActionKind.SCALE, after.id, spec.instances, change.victims.get(after.id, ()))
    if before is None:
        return scale
    is_other = (
        before.last_config_change_at != after.last_config_change_at
        or after.id in change.restarted
        or _is_replacing(state, after.id)
    )
    if is_other and (spec.instances or spec.every_agent):
        return Action(ActionKind.RESTART, after.id, spec.instances)
    counts = (before.spec.instances, before.spec.every_agent)
    if is_other or counts != (spec.instances, spec.every_agent):
        return scale
    return None


def _is_replacing(state: MarathonState, app_id: AppId) -> bool:
    """
    Whether a deployment under way has not yet replaced all former instances of an app.

    One that takes its place by force must finish that, also if it only scales: else the app
    would stay half-way for ever, with nobody having asked for that.
    """
    deployment = state.deployment_of(app_id)
    return deployment is not None and any(
        action.app_id == app_id and action.kind is ActionKind.RESTART
        for step in deployment.steps[deployment.step :]
        for action in step
    )


def _with(table: Mapping[K, V], changed: Mapping[K, V | None]) -> dict[K, V]:
    """``table`` as it will be."""
    after = dict(table)
    for key, value in changed.items():
        if value is None:
            after.pop(key, None)
        else:
            after[key] = value
    return after
