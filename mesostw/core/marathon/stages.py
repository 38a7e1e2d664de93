"""Where an app stands in its deployment: before its step, in it, or after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from msgspec import Struct

from mesostw.core.marathon.records import Action, ActionKind, Affected, Deployment
from mesostw.model.apps import AppId


class Stage(Enum):
    """How far a deployment has got with one app."""

    #: What was before is kept.
    BEFORE = "before"
    ACTIVE = "active"
    #: The app is as it is wished, and stays so.
    AFTER = "after"


class Part(Struct, frozen=True, gc=False):
    """What a deployment does with one app."""

    action: Action
    #: Of the deployment's steps, the one that does it.
    step: int
    #: The step that only names a new app; it is done as soon as it has come.
    named_in: int | None = None


def parts_of(deployment: Deployment) -> Mapping[AppId, Part]:
    """Tell of each app what is done with it."""
    parts: dict[AppId, Part] = {}
    for step, actions in enumerate(deployment.steps):
        for action in actions:
            before = parts.get(action.app_id)
            if action.kind is ActionKind.START:
                parts[action.app_id] = Part(action, step, step)
            else:
                named_in = None if before is None else before.named_in
                parts[action.app_id] = Part(action, step, named_in)
    return parts


def planned_in(
    steps: Iterable[Iterable[Action]],
) -> Mapping[AppId, tuple[tuple[int, Action], ...]]:
    """Tell of each app its actions, each with the number of its step."""
    planned: dict[AppId, tuple[tuple[int, Action], ...]] = {}
    for step, actions in enumerate(steps):
        for action in actions:
            planned[action.app_id] = (*planned.get(action.app_id, ()), (step, action))
    return planned


def steps_from(affected: Iterable[Affected]) -> tuple[tuple[Action, ...], ...]:
    """The steps again, from what each app keeps of them; in a step apps are sorted by id."""
    steps: dict[int, list[Action]] = {}
    for one in sorted(affected, key=lambda one: one.app_id):
        for step, action in one.planned:
            steps.setdefault(step, []).append(action)
    return tuple(tuple(steps[step]) for step in sorted(steps))


def stage_of(deployment: Deployment, part: Part) -> Stage:
    """How far a deployment has got with the app of ``part``."""
    if part.step > deployment.step:
        return Stage.BEFORE
    if part.step < deployment.step or part.action.app_id in deployment.done:
        return Stage.AFTER
    return Stage.ACTIVE
