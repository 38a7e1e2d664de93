"""Short forms of all jobs: the summary, and the graph as text."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from mesostw.core.chronos.emitting import schedule_of
from mesostw.core.chronos.records import Job, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.statistics import last_result, state_text
from mesostw.core.chronos.words import Dialect
from mesostw.http.building import Build
from mesostw.http.chronos.asking import encoded
from mesostw.http.chronos.fragments import JOBS_PER_STEP
from mesostw.model.jobs import JobName, Repeating


@attrs.define
class Line:
    """A job's entry, and what it was made of."""

    job: Job
    standing: Standing
    state: str
    body: bytes


class Summary:
    """``jobs/summary``, each entry encoded once for as long as it does not change."""

    def __init__(self) -> None:
        self._kept: dict[JobName, Line] = {}

    def all(self, view: ChronosState) -> Build:
        """Every job, in the order that they came."""
        lines: dict[JobName, Line] = {}
        for index, job in enumerate(tuple(view.jobs.values())):
            if index % JOBS_PER_STEP == JOBS_PER_STEP - 1:
                yield
            lines[job.name] = self._line(view, job)
        self._kept = lines
        return b'{"jobs":[' + b",".join(one.body for one in lines.values()) + b"]}"

    def _line(self, view: ChronosState, job: Job) -> Line:
        standing, state = view.standing_of(job.name), state_text(view.live_of(job.name).values())
        kept = self._kept.get(job.name)
        if (
            kept is not None
            and kept.job is job
            and kept.standing == standing
            and kept.state == state
        ):
            return kept
        shape = {
            "name": job.name,
            "status": last_result(standing),
            "state": state,
            "schedule": _schedule(job, standing),
            "parents": job.spec.parents,
            "disabled": job.spec.disabled,
        }
        return Line(job, standing, state, encoded(shape))


def _schedule(job: Job, standing: Standing) -> str:
    """As it stands now; nothing where there is none, and of crons, which old clients lack."""
    timetable = job.spec.timetable
    if not isinstance(timetable, Repeating):
        return ""
    return schedule_of(timetable, standing, Dialect.V3)


def csv_of(view: ChronosState) -> Iterator[str]:
    """The graph as lines: ``node,NAME,last,state``, then ``link,PARENT,CHILD``."""
    for name in view.jobs:
        last = last_result(view.standing_of(name))
        yield f"node,{name},{last},{state_text(view.live_of(name).values())}\n"
    for name, job in view.jobs.items():
        for parent in job.spec.parents:
            yield f"link,{parent},{name}\n"


def dot_of(view: ChronosState) -> Iterator[str]:
    """The graph as Graphviz reads it; vertices are numbers with the names as labels."""
    numbers = {name: number for number, name in enumerate(view.jobs, 1)}
    yield "digraph G {\n"
    for name, number in numbers.items():
        yield f'  {number} [ label="{name}" ];\n'
    for name, job in view.jobs.items():
        for parent in job.spec.parents:
            if parent in numbers:
                yield f"  {numbers[parent]} -> {numbers[name]};\n"
    yield "}\n"
