"""
Which steps a change of the tree takes.

First what is removed stops, all at once; then what is new is named; then one step for each
layer of dependencies, lowest first.  The actions of a step go side by side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
    restarted = change.restarted | _half_replaced(state, change.apps)
    moved = {
        after.id: action
        for after in change.apps.values()
        if after is not None and (action := _action(state, change, after, restarted)) is not None
    }
    apps, groups = _with(state.apps, change.apps), _with(state.groups, change.groups)
    later = [tuple(moved[one] for one in layer) for layer in layers(apps, groups, moved)]
    return tuple(step for step in (tuple(removed), tuple(added), *later) if step)


def _action(
    state: MarathonState, change: TreeChange, after: App, restarted: Collection[AppId]
) -> Action | None:
    """What a change does with an app that is there after it."""
    before = state.apps.get(after.id)
    spec = after.spec
    scale = Action(ActionKind.SCALE, after.id, spec.instances)
    if before is None:
        return scale
    is_other = before.last_config_change_at != after.last_config_change_at or after.id in restarted
    if is_other and (spec.instances or spec.every_agent):
        return Action(ActionKind.RESTART, after.id, spec.instances)
    counts = (before.spec.instances, before.spec.every_agent)
    if is_other or counts != (spec.instances, spec.every_agent):
        return scale
    return None


def _half_replaced(state: MarathonState, apps: Iterable[AppId]) -> frozenset[AppId]:
    """
    Apps of which a deployment under way has not yet replaced all former instances.

    One that takes its place by force must finish that, also if it only scales: else an app
    would stay half-way for ever, with nobody having asked for that.
    """
    others = {state.locks[app_id] for app_id in apps if app_id in state.locks}
    deployments = (state.deployments[other] for other in others)
    return frozenset(
        action.app_id
        for deployment in deployments
        for step in deployment.steps[deployment.step :]
        for action in step
        if action.kind is ActionKind.RESTART
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
