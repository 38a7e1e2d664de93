"""What last happened to each job and run, for ``why`` and failure reports."""

from __future__ import annotations

from collections.abc import Iterable

from mesostw.core.chronos.changes import (
    ChronosChange,
    JobChanged,
    JobRemoved,
    RunChanged,
    StandingChanged,
)
from mesostw.core.chronos.records import Run
from mesostw.core.framework.naming import stamp_of
from mesostw.core.outcome import Asked, TimerFired
from mesostw.core.story import Line, Story


def noted(story: Story, stimulus: object, changes: Iterable[ChronosChange], wall: float) -> None:
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


def _lines(change: ChronosChange) -> Iterable[tuple[str, str]]:
    match change:
        case RunChanged(run):
            said = _of_run(run)
            yield f"job/{run.job}", f"run {run.id} {said}"
            yield f"run/{run.id}", said
        case JobChanged(job):
            disabled = ", disabled" if job.spec.disabled else ""
            yield f"job/{job.name}", f"version {job.version}{disabled}"
        case JobRemoved(name):
            yield f"job/{name}", "removed"
        case StandingChanged(one):
            due = "nothing" if one.due is None else stamp_of(one.due / 1000)
            yield f"job/{one.job}", f"{one.passed} instants behind, next {due}"
        case _:
            pass


def _of_run(run: Run) -> str:
    where = f" on {run.hostname}" if run.hostname else ""
    doom = f", to be ended: {run.doom}" if run.doom and not run.is_ended else ""
    why = f": {run.message}" if run.message else ""
    return f"is {run.state.value}{where}{doom}{why}"
