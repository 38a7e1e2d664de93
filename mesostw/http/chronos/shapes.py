"""Jobs and runs, as our own API shows them."""

from __future__ import annotations

from mesostw.core.chronos.emitting import document_of
from mesostw.core.chronos.reasons import Cause, WaitingReport
from mesostw.core.chronos.records import Job, Run
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.statistics import last_result, lateness_s, state_text, took_s
from mesostw.core.chronos.words import Dialect
from mesostw.core.framework.naming import stamp_of
from mesostw.http.chronos.parts import Reports
from mesostw.http.chronos.times import instant_text, wall_text


def job_shape(view: ChronosState, job: Job) -> dict[str, object]:
    """A job: what is wished, in a form that can be put again, and how it stands."""
    standing = view.standing_of(job.name)
    return {
        "name": job.name,
        "version": job.version,
        "created": job.created,
        "by": job.by,
        "job": document_of(job, standing, Dialect.OWN),
        "status": last_result(standing),
        "state": state_text(view.live_of(job.name).values()),
        "next": None if standing.due is None else instant_text(standing.due),
        "passed": standing.passed,
        "disabledBecause": standing.disabled_because,
        "children": list(view.children_of(job.name)),
        "arrived": [
            {"parent": one.parent, "runId": one.run_id, "at": wall_text(one.at)}
            for one in standing.arrived
        ],
    }


def run_shape(view: ChronosState, run: Run) -> dict[str, object]:
    """A run; what is not known, or was not asked for, is left out."""
    shape: dict[str, object | None] = {
        "id": run.id,
        "job": run.job,
        "instant": instant_text(run.instant),
        "cause": run.cause,
        "attempt": run.attempt,
        "state": run.state,
        "made": wall_text(run.made),
        "since": wall_text(run.since),
        "notBefore": wall_text(run.not_before or None),
        "version": run.version or None,
        **_task_shape(view, run),
        **_end_shape(run),
        "by": run.by or None,
        "arguments": run.arguments,
        "environment": dict(run.environment) or None,
        "parents": [{"job": job, "runId": found} for job, found in run.parents] or None,
        "retries": run.retries,
    }
    return {name: value for name, value in shape.items() if value is not None}


def _task_shape(view: ChronosState, run: Run) -> dict[str, object | None]:
    return {
        "taskId": run.task_id,
        "launches": run.launch or None,
        "life": run.life or None,
        "agentId": run.agent_id,
        "hostname": run.hostname or None,
        "sandbox": _sandbox(view, run),
        "launchedAt": wall_text(run.launched_at),
        "startedAt": wall_text(run.started_at),
        "endedAt": wall_text(run.ended_at),
        "latenessSeconds": lateness_s(run),
        "tookSeconds": took_s(run),
        "taskState": None if run.task_state is None else run.task_state.name,
        "unreachableSince": wall_text(run.unreachable_since),
        "elements": run.elements or None,
    }


def _end_shape(run: Run) -> dict[str, object | None]:
    return {
        "exitStatus": run.exit_status,
        "message": run.message or None,
        "reason": run.reason or None,
        "doom": run.doom or None,
        "doomedAt": wall_text(run.doomed_at),
        "skip": run.skip,
        "skipped": run.skipped if run.skip is not None else None,
        "skippedUntil": None if run.skipped_until is None else instant_text(run.skipped_until),
    }


def _sandbox(view: ChronosState, run: Run) -> dict[str, object] | None:
    """Where an agent's ``/files`` has what the run wrote."""
    if run.task_id is None or run.agent_id is None or view.framework_id is None:
        return None
    executor = _executor(view, run)
    runs = f"/frameworks/{view.framework_id}/executors/{executor}/runs"
    return {"agentId": run.agent_id, "path": f"{runs}/{run.container_id or 'latest'}"}


def _executor(view: ChronosState, run: Run) -> str:
    """Runs of a job with an executor of its own share that; any other has one to itself."""
    known = view.versions.get(run.job, {}).get(run.version) or view.jobs.get(run.job)
    return run.job if known is not None and known.spec.executor else str(run.task_id)


def cause_shape(cause: Cause) -> dict[str, object]:
    """Why something waits."""
    shape: dict[str, object] = {"kind": cause.kind, "text": cause.text}
    if cause.until is not None:
        shape["until"] = wall_text(cause.until)
    return shape


def waiting_shape(view: ChronosState, report: WaitingReport) -> dict[str, object]:
    """A run that waits, and why."""
    return {
        "run": run_shape(view, report.run),
        "sentence": report.sentence,
        "causes": [cause_shape(one) for one in report.causes],
    }


def story_of(reports: Reports, key: str) -> list[str]:
    """What last happened to ``job/NAME`` or ``run/ID``, a line each."""
    return [f"{stamp_of(one.wall)} {one.heard}: {one.said}" for one in reports.story(key)]
