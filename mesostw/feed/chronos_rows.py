"""Rows of Chronos' live topics, from its records; their columns are named beside them."""

from __future__ import annotations

from typing import Final

from mesostw.core.chronos import timetables
from mesostw.core.chronos.records import Job, Run, RunState, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.statistics import LastResult, last_result
from mesostw.feed.tables import Row
from mesostw.model.jobs import Cron, JobSpec

#: Ends of a job that its row shows.
RESULTS_MAX: Final = 10
TEXT_CHARS_MAX: Final = 200

STATES: Final = tuple(state.value for state in RunState)
_STATE_INDEX: Final = {state: number for number, state in enumerate(RunState)}
RESULTS: Final = tuple(result.value for result in LastResult)
_RESULT_INDEX: Final = {result: number for number, result in enumerate(LastResult)}
#: A letter for each end, so that ten of them are ten characters.
LETTERS: Final = {
    RunState.SUCCEEDED: "S",
    RunState.FAILED: "F",
    RunState.KILLED: "K",
    RunState.SKIPPED: "-",
}

JOB_COLUMNS: Final = (
    "name",
    "command",
    "description",
    "owner",
    "labels",
    "schedule",
    "zone",
    "parents",
    "next",
    "passed",
    "disabled",
    "disabled_because",
    "last",
    "last_success",
    "last_error",
    "success_count",
    "error_count",
    "errors_in_a_row",
    "running",
    "waiting",
    "arrived",
    "results",
    "concurrency",
    "priority",
    "high_priority",
    "cpus",
    "mem",
    "disk",
    "version",
    "by",
)
RUN_COLUMNS: Final = (
    "id",
    "job",
    "instant",
    "cause",
    "attempt",
    "state",
    "made",
    "since",
    "not_before",
    "task_id",
    "agent_id",
    "hostname",
    "container_id",
    "launched_at",
    "started_at",
    "ended_at",
    "exit_status",
    "message",
    "reason",
    "skip",
    "skipped",
    "by",
    "doom",
    "unreachable_since",
    "retries",
    "parents",
)
WAITING_COLUMNS: Final = ("id", "job", "instant", "cause", "attempt", "made", "not_before", "by")


def job_row(view: ChronosState, job: Job) -> Row:
    """A row of ``jobs``; nominal times in milliseconds, others in wall seconds."""
    spec, standing = job.spec, view.standing_of(job.name)
    live = view.live_of(job.name).values()
    running = sum(run.is_out for run in live)
    return (
        spec.name,
        spec.command[:TEXT_CHARS_MAX],
        spec.description[:TEXT_CHARS_MAX],
        spec.owner,
        tuple(f"{name}:{value}" for name, value in sorted(spec.labels.items())),
        schedule_text(spec, standing),
        "" if spec.timetable is None else spec.timetable.zone,
        spec.parents,
        standing.due,
        standing.passed,
        spec.disabled,
        standing.disabled_because,
        _RESULT_INDEX[last_result(standing)],
        standing.last_success,
        standing.last_error,
        standing.success_count,
        standing.error_count,
        standing.errors_since_last_success,
        running,
        len(live) - running,
        tuple(one.parent for one in standing.arrived),
        results_of(view, job),
        spec.concurrency.value,
        spec.priority,
        spec.high_priority,
        spec.cpus,
        spec.mem,
        spec.disk,
        job.version,
        job.by,
    )


def schedule_text(spec: JobSpec, standing: Standing) -> str:
    """When a job runs, as somebody would write it: what is left of it, or its crons."""
    match spec.timetable:
        case None:
            return ""
        case Cron() as cron:
            return "; ".join(cron.expressions)
        case timetable:
            return timetables.schedule_text(timetable, standing.passed, standing.due)


def results_of(view: ChronosState, job: Job) -> str:
    """The last ends of a job, a letter each, the newest last."""
    ended = tuple(view.ended_of(job.name).values())[-RESULTS_MAX:]
    return "".join(LETTERS[run.state] for run in ended)


def run_row(run: Run) -> Row:
    """A row of ``runs``."""
    return (
        run.id,
        run.job,
        run.instant,
        run.cause.value,
        run.attempt,
        _STATE_INDEX[run.state],
        run.made,
        run.since,
        run.not_before or None,
        run.task_id,
        run.agent_id,
        run.hostname,
        run.container_id,
        run.launched_at,
        run.started_at,
        run.ended_at,
        run.exit_status,
        run.message[:TEXT_CHARS_MAX],
        run.reason,
        "" if run.skip is None else run.skip.value,
        run.skipped if run.skip is not None else 0,
        run.by,
        run.doom,
        run.unreachable_since,
        run.retries,
        run.parents,
    )


def waiting_row(run: Run) -> Row:
    """A row of ``waiting``."""
    return (
        run.id,
        run.job,
        run.instant,
        run.cause.value,
        run.attempt,
        run.made,
        run.not_before or None,
        run.by,
    )
