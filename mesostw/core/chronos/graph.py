"""Who runs after whom: circles, what is tied anew when a job goes, and layers to draw."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from mesostw.core.chronos.records import Job
from mesostw.core.chronos.state import ChronosState
from mesostw.model.jobs import JobName, JobSpec


def cycle_with(
    state: ChronosState, name: JobName, parents: Iterable[JobName]
) -> tuple[JobName, ...] | None:
    """The circle that there would be if ``name`` ran after ``parents``: ``a, b, a``."""
    wanted = dict.fromkeys(parents)
    if name in wanted:
        return (name, name)
    # From whom each one that runs after ``name`` was reached; ``name`` itself from nobody.
    reached: dict[JobName, JobName | None] = {name: None}
    waiting = [name]
    for one in waiting:
        for child in state.children_of(one):
            if child in reached:
                continue
            reached[child] = one
            if child in wanted:
                return (*_path_to(child, reached), name)
            waiting.append(child)
    return None


def _path_to(last: JobName, reached: dict[JobName, JobName | None]) -> tuple[JobName, ...]:
    path = []
    at: JobName | None = last
    while at is not None:
        path.append(at)
        at = reached[at]
    return tuple(reversed(path))


def rewired(state: ChronosState, name: JobName) -> tuple[JobSpec, ...]:
    """
    What the dependents of ``name`` are without it.

    One with other parents keeps those.  Else it gets the parents of the one that goes, or
    runs by the same timetable, with everything else as it was.
    """
    gone = state.jobs[name]
    children = (state.jobs[child] for child in state.children_of(name))
    return tuple(_without(child, gone) for child in children)


def _without(child: Job, gone: Job) -> JobSpec:
    left = tuple(parent for parent in child.spec.parents if parent != gone.name)
    if left or gone.spec.parents:
        return replace(child.spec, parents=left or gone.spec.parents)
    return replace(
        child.spec,
        parents=(),
        timetable=gone.spec.timetable,
        schedule_time_zone=gone.spec.schedule_time_zone,
    )


def layers(state: ChronosState) -> tuple[tuple[JobName, ...], ...]:
    """All jobs, each in the first layer after all of its parents'."""
    open_edges = {
        name: sum(parent in state.jobs for parent in job.spec.parents)
        for name, job in state.jobs.items()
    }
    found = []
    layer = [name for name, edges in open_edges.items() if not edges]
    while layer:
        found.append(tuple(layer))
        following = []
        for child in (child for name in layer for child in state.children_of(name)):
            open_edges[child] -= 1
            if not open_edges[child]:
                following.append(child)
        layer = following
    return tuple(found)
