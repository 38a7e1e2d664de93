"""Rows of Chronos' live topics, from its records; their columns are named beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from mesostw.core.chronos.emitting import schedule_of
from mesostw.core.chronos.records import Job, Run, RunState, Standing
from mesostw.core.chronos.state import Attempt, ChronosState
from mesostw.core.chronos.statistics import (
    durations_of,
    last_result,
    lateness_s,
    percentiles,
    took_s,
)
from mesostw.core.chronos.words import Dialect
from mesostw.feed.recent import TEXT_CHARS_MAX
from mesostw.feed.tables import Row
from mesostw.model.jobs import Cron, Repeating, Timetable

STATES: Final = tuple(state.value for state in RunState)
_STATE_INDEX: Final = {state: number for number, state in enumerate(RunState)}

#: Ended runs of a job that its row tells of, one letter each.
HISTORY_MAX: Final = 20
#: Ended runs of a job that have rows of their own.
SHOWN_MAX: Final = 5

#: How a run ended, in ``history``; of failures ``f``, or ``r`` if it was tried again.
_LETTERS: Final = {
    RunState.SUCCEEDED: "s",
    RunState.KILLED: "k",
    RunState.SKIPPED: "-",
}

JOB_COLUMNS: Final = (
    "id",
    "kind",
    "schedule",
    "zone",
    "parents",
    "arrived",
    "disabled",
    "because",
    "next",
    "history",
    "last",
    "success_count",
    "error_count",
    "errors_since",
    "last_success",
    "last_error",
    "running",
    "queued",
    "median_ms",
    "retries",
    "concurrency",
    "priority",
    "owner",
    "labels",
    "command",
    "description",
    "cpus",
    "mem",
    "version",
    "by",
)
RUN_COLUMNS: Final = (
    "id",
    "job",
    "instant",
    "attempt",
    "cause",
    "state",
    "since",
    "made",
    "not_before",
    "launched",
    "started",
    "ended",
    "late",
    "took",
    "exit",
    "message",
    "skip",
    "skipped",
    "task_id",
    "agent_id",
    "hostname",
    "by",
    "doom",
    "unreachable_since",
)


def job_row(view: ChronosState, job: Job) -> Row:
    """A row of ``jobs``: what is wished, and how it stands."""
    spec, standing = job.spec, view.standing_of(job.name)
    live = view.live_of(job.name).values()
    running = sum(1 for run in live if run.is_out)
    return (
        spec.name,
        kind_of(spec.timetable),
        _schedule_of(job, standing),
        _zone_of(spec.timetable),
        spec.parents,
        tuple(one.parent for one in standing.arrived),
        spec.disabled,
        standing.disabled_because,
        None if standing.due is None else standing.due / 1000,
        history_of(view, newest(view.ended_of(job.name), HISTORY_MAX)),
        last_result(standing).value,
        standing.success_count,
        standing.error_count,
        standing.errors_since_last_success,
        standing.last_success,
        standing.last_error,
        running,
        len(live) - running,
        percentiles(durations_of(standing)).median,
        spec.retries,
        spec.concurrency.value,
        spec.priority,
        spec.owner_name or spec.owner,
        tuple(f"{name}:{value}" for name, value in sorted(spec.labels.items())),
        spec.command[:TEXT_CHARS_MAX],
        spec.description[:TEXT_CHARS_MAX],
        spec.cpus,
        spec.mem,
        job.version,
        job.by,
    )


def newest(ended: Iterable[Run], most: int) -> tuple[Run, ...]:
    """The last of a job's ended runs, the oldest of them first."""
    return tuple(sorted(ended, key=_ended_at)[-most:])


def _ended_at(run: Run) -> tuple[float, int, int]:
    return (run.since, run.instant, run.attempt)


def history_of(view: ChronosState, ended: Sequence[Run]) -> str:
    """One letter a run: succeeded, failed, ``r`` tried again, killed, ``-`` skipped."""
    return "".join(_letter(view, run) for run in ended)


def _letter(view: ChronosState, run: Run) -> str:
    if run.state is not RunState.FAILED:
        return _LETTERS[run.state]
    next_one = Attempt(run.job, run.incarnation, run.instant, run.attempt + 1)
    return "f" if view.at(next_one) is None else "r"


def kind_of(timetable: Timetable | None) -> str:
    """``schedule``, ``cron`` or ``dependent``."""
    if timetable is None:
        return "dependent"
    return "cron" if isinstance(timetable, Cron) else "schedule"


def _schedule_of(job: Job, standing: Standing) -> str:
    """What the API shows; empty of dependents."""
    timetable = job.spec.timetable
    if isinstance(timetable, Cron):
        return "; ".join(timetable.expressions)
    if timetable is None:
        return ""
    return schedule_of(timetable, standing, Dialect.OWN)


def _zone_of(timetable: Timetable | None) -> str:
    """As zone data call it, or the distance from Greenwich; empty of dependents."""
    if timetable is None:
        return ""
    if isinstance(timetable, Repeating) and not timetable.zone:
        minutes = abs(timetable.offset_s) // 60
        sign = "-" if timetable.offset_s < 0 else "+"
        return f"{sign}{minutes // 60:02}:{minutes % 60:02}" if minutes else "UTC"
    return timetable.zone


def run_row(run: Run) -> Row:
    """A row of ``runs``."""
    return (
        run.id,
        run.job,
        run.instant / 1000,
        run.attempt,
        run.cause.value,
        _STATE_INDEX[run.state],
        run.since,
        run.made,
        run.not_before or None,
        run.launched_at,
        run.started_at,
        run.ended_at,
        lateness_s(run),
        took_s(run),
        run.exit_status,
        run.message[:TEXT_CHARS_MAX],
        None if run.skip is None else run.skip.value,
        run.skipped,
        run.task_id,
        run.agent_id,
        run.hostname,
        run.by,
        run.doom,
        run.unreachable_since,
    )
