"""Jobs and runs for tests, with the least that matters said."""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from mesostw.core.chronos.records import Cause, Job, Run, RunState
from mesostw.model.ids import TaskId
from mesostw.model.jobs import Instant, JobName, JobSpec, Period, Repeating, RunId

STAMP = "2026-01-01T00:00:00.000Z"
#: 2026-01-01T00:00:00Z in wall seconds.
WALL = 1_767_225_600.0
DAILY = Repeating(anchor=datetime.fromisoformat("2026-01-01"), period=Period(days=1), zone="UTC")


def spec(name: str, *parents: str, command: str = "true") -> JobSpec:
    """A daily job, or one that runs after ``parents``."""
    return JobSpec(
        name=JobName(name),
        command=command,
        timetable=None if parents else DAILY,
        parents=tuple(map(JobName, parents)),
    )


def job(name: str, *parents: str, version: str = STAMP, created: str = STAMP) -> Job:
    """The same as a record."""
    return Job(spec(name, *parents), version, created)


def run(number: int, name: str = "a", state: RunState = RunState.WAITING, attempt: int = 0) -> Run:
    """The ``number``-th run of a job, due ``number`` seconds after ``WALL``."""
    made = WALL + number
    one = Run(
        id=RunId(f"run-{number}-{attempt}"),
        job=JobName(name),
        incarnation=STAMP,
        instant=Instant(int(made * 1000)),
        cause=Cause.CLOCK,
        made=made,
        since=made,
        attempt=attempt,
        state=state,
    )
    if state is RunState.WAITING:
        return one
    return replace(one, task_id=TaskId(f"ct:{one.instant}:{attempt}:{name}:{one.id}.1"), launch=1)


def minutely(
    name: str = "a", *, offset_s: int = 10, count: int | None = None, **fields: Any
) -> JobSpec:
    """A job that is due once a minute, first ``offset_s`` after ``WALL``."""
    anchor = datetime.fromtimestamp(WALL + offset_s, UTC).replace(tzinfo=None)
    timetable = Repeating(anchor=anchor, period=Period(minutes=1), zone="UTC", count=count)
    return JobSpec(name=JobName(name), command="true", timetable=timetable, **fields)
