"""
Jobs as the API shows them.

What is shown can be posted again and changes nothing, under the same prefix.  ``/scheduler``
has ``async`` and ``epsilon`` beside what ``/v1/scheduler`` has; both show the schedule that is
left, and neither what is only ours, except ``cron``, without which a job had no time at all.
Ours shows the whole schedule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mesostw.core.chronos import timetables
from mesostw.core.chronos.periods import period_of, text_of
from mesostw.core.chronos.records import Job, Standing
from mesostw.core.chronos.words import Dialect
from mesostw.core.framework.naming import stamp_of
from mesostw.model.jobs import Concurrency, Cron, Fetch, Hook, JobSpec, Repeating

#: Shown where a run may be late by any time: the original always has a number.
USUAL_EPSILON_S: Final = 60.0


def document_of(
    job: Job, standing: Standing, dialect: Dialect, *, mirrors: bool = False
) -> dict[str, object]:
    """
    A job as JSON.

    :param mirrors: fill each of ``uris`` and ``fetch`` from the other, as lists of jobs do
    """
    spec = job.spec
    shown = _plain_of(spec)
    if dialect is not Dialect.V3:
        shown["async"] = spec.is_async
    if dialect is Dialect.V2:
        shown["epsilon"] = epsilon_of(spec)
    if dialect is not Dialect.OWN:
        shown["concurrent"] = is_concurrent(spec)
    shown.update(_counts_of(standing))
    shown["uris"] = mirrored_uris(spec) if mirrors else list(spec.uris)
    shown["fetch"] = [_fetch_of(one) for one in (mirrored_fetch(spec) if mirrors else spec.fetch)]
    shown.update(times_of(spec, standing, dialect))
    if dialect is Dialect.OWN:
        shown.update(_own_of(spec))
    return shown


def _plain_of(spec: JobSpec) -> dict[str, object]:
    return {
        "name": spec.name,
        "command": spec.command,
        "shell": spec.shell,
        "executor": spec.executor,
        "executorFlags": spec.executor_flags,
        "taskInfoData": spec.task_info_data,
        "retries": spec.retries,
        "owner": spec.owner,
        "ownerName": spec.owner_name,
        "description": spec.description,
        "cpus": float(spec.cpus),
        "disk": float(spec.disk),
        "mem": float(spec.mem),
        "disabled": spec.disabled,
        "softError": spec.soft_error,
        "dataProcessingJobType": spec.data_processing_job_type,
        "environmentVariables": [
            {"name": name, "value": value} for name, value in spec.environment_variables
        ],
        "arguments": list(spec.arguments),
        "highPriority": spec.high_priority,
        "runAsUser": spec.run_as_user,
        "constraints": [[one.attribute, one.operator.value, one.value] for one in spec.constraints],
        "maxCompletionTime": spec.max_completion_time,
    }


def _counts_of(standing: Standing) -> dict[str, object]:
    return {
        "successCount": standing.success_count,
        "errorCount": standing.error_count,
        "errorsSinceLastSuccess": standing.errors_since_last_success,
        "lastSuccess": _stamp_or_nothing(standing.last_success),
        "lastError": _stamp_or_nothing(standing.last_error),
    }


def _stamp_or_nothing(wall: float | None) -> str:
    return "" if wall is None else stamp_of(wall)


def epsilon_of(spec: JobSpec) -> str:
    """How late a run may be, as ``/scheduler`` shows it: ``PT60S``."""
    deadline_s = spec.starting_deadline_seconds
    seconds = USUAL_EPSILON_S if deadline_s is None else deadline_s
    return text_of(period_of(round(seconds * 1_000)))


def is_concurrent(spec: JobSpec) -> bool:
    """Whether runs may overlap, in the API's own words."""
    return spec.concurrency is Concurrency.ALLOW


# --- files ----------------------------------------------------------------------------


def mirrored_uris(spec: JobSpec) -> list[str]:
    """The files of a job as ``uris``, whichever form they came in."""
    return list(spec.uris) or [one.uri for one in spec.fetch]


def mirrored_fetch(spec: JobSpec) -> tuple[Fetch, ...]:
    """The files of a job as ``fetch``, whichever form they came in."""
    return spec.fetch or tuple(Fetch(uri=uri) for uri in spec.uris)


def _fetch_of(fetch: Fetch) -> dict[str, object]:
    shown: dict[str, object] = {
        "uri": fetch.uri,
        "executable": fetch.executable,
        "cache": fetch.cache,
        "extract": fetch.extract,
    }
    if fetch.output_file:
        shown["output_file"] = fetch.output_file
    return shown


# --- times ----------------------------------------------------------------------------


def times_of(spec: JobSpec, standing: Standing, dialect: Dialect) -> Mapping[str, object]:
    """When a job runs: its schedule or cron with its zone, or its parents."""
    match spec.timetable:
        case None:
            return {"parents": list(spec.parents)}
        case Repeating() as t:
            return {
                "schedule": schedule_of(t, standing, dialect),
                "scheduleTimeZone": spec.schedule_time_zone,
            }
        case Cron() as cron:
            return _cron_of(cron, spec.schedule_time_zone, dialect)


def schedule_of(t: Repeating, standing: Standing, dialect: Dialect) -> str:
    """The schedule that is left; under our own prefix all of it."""
    if dialect is Dialect.OWN:
        return timetables.schedule_text(t, 0, None)
    return timetables.schedule_text(t, standing.passed, standing.due)


def _cron_of(t: Cron, zone: str, dialect: Dialect) -> Mapping[str, object]:
    shown: dict[str, object] = {
        "cron": t.expressions[0] if len(t.expressions) == 1 else list(t.expressions),
        "excludeDates": [day.isoformat() for day in t.without],
        "scheduleTimeZone": zone,
    }
    if dialect is not Dialect.OWN:
        # Clients of the original look for it in every job without parents.
        shown["schedule"] = ""
    return shown


# --- ours -----------------------------------------------------------------------------


def _own_of(spec: JobSpec) -> dict[str, object]:
    return {
        "startingDeadlineSeconds": spec.starting_deadline_seconds,
        "catchUp": spec.catch_up.value,
        "catchUpMax": spec.catch_up_max,
        "concurrency": spec.concurrency.value,
        "trigger": spec.trigger.value,
        "retryDelaySeconds": spec.retry_delay_seconds,
        "retryFactor": spec.retry_factor,
        "retryDelayMaxSeconds": spec.retry_delay_max_seconds,
        "disableAfterFailures": spec.disable_after_failures,
        "priority": spec.priority,
        "spreadSeconds": spec.spread_seconds,
        "unreachableSeconds": spec.unreachable_seconds,
        "lateAfterSeconds": spec.late_after_seconds,
        "longAfterSeconds": spec.long_after_seconds,
        "labels": dict(spec.labels),
        "hooks": [_hook_of(hook) for hook in spec.hooks],
        "historyLimit": spec.history_limit,
    }


def _hook_of(hook: Hook) -> dict[str, object]:
    return {
        "channel": hook.channel.value,
        "target": hook.target,
        "occasions": [occasion.value for occasion in hook.occasions],
    }
