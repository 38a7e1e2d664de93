"""What last happened to each app, deployment and group, for ``why`` and failure reports."""

from __future__ import annotations

from collections.abc import Iterable

from mesostw.core.marathon.changes import (
    AppChanged,
    AppRemoved,
    DelayChanged,
    DeploymentChanged,
    DeploymentEnded,
    GroupChanged,
    GroupRemoved,
    InstanceChanged,
    InstanceRemoved,
    MarathonChange,
    TerminationKept,
    WaitingChanged,
)
from mesostw.core.outcome import Asked, TimerFired
from mesostw.core.story import Line, Story


def noted(story: Story, stimulus: object, changes: Iterable[MarathonChange], wall: float) -> None:
    """Remember what ``stimulus`` led to."""
    heard = _name(stimulus)
    for change in changes:
        for key, said in _lines(change):
            story.note(key, Line(wall, heard, said))


def _name(stimulus: object) -> str:
    match stimulus:
        case Asked(question=what) | TimerFired(timer=what):
            return type(what).__name__
        case _:
            return type(stimulus).__name__


def _lines(change: MarathonChange) -> Iterable[tuple[str, str]]:
    match change:
        case InstanceChanged(one):
            doom = f", to be ended: {one.doom}" if one.doom else ""
            yield f"app{one.app_id}", f"{one.id} is {one.condition.value} on {one.hostname}{doom}"
        case TerminationKept(end):
            said = f"{end.task_id} ended as {end.state.value}: {end.message or end.reason}"
            yield f"app{end.app_id}", said
        case WaitingChanged(app_id, waiting):
            count = 0 if waiting is None else waiting.count
            yield f"app{app_id}", f"{count} to launch"
        case DelayChanged(app_id, delay) if delay is not None:
            yield f"app{app_id}", f"backed off for {delay.delay_s:g} s"
        case InstanceRemoved(one):
            yield f"app{one.app_id}", f"{one.id} is gone"
        case _:
            yield from _lines_of_tree(change)


def _lines_of_tree(change: MarathonChange) -> Iterable[tuple[str, str]]:
    match change:
        case AppChanged(app):
            yield f"app{app.id}", f"version {app.version}, {app.spec.instances} instances"
        case AppRemoved(app_id):
            yield f"app{app_id}", "removed"
        case GroupChanged(group):
            yield f"group{group.id}", f"version {group.version}"
        case GroupRemoved(group_id):
            yield f"group{group_id}", "removed"
        case DeploymentChanged(one):
            said = f"step {one.step + 1} of {len(one.steps)}, {len(one.done)} actions done"
            yield f"deployment/{one.id}", said
        case DeploymentEnded(deployment_id):
            yield f"deployment/{deployment_id}", "over"
        case _:
            pass
