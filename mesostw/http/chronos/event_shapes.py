"""What of Chronos' changes is an event, and how it looks."""

from __future__ import annotations

from mesostw.core.chronos.changes import (
    JobChanged,
    JobRemoved,
    LifeBegun,
    NoticeKept,
    PauseChanged,
    RunChanged,
    StandingChanged,
    Told,
)
from mesostw.core.chronos.events import (
    ChronosEvent,
    NoticeSettled,
    SchedulerDisconnected,
    SchedulerRegistered,
    StatusIgnored,
)
from mesostw.core.chronos.records import Notice, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.statistics import last_result
from mesostw.http.chronos.own_clock import pause_shape
from mesostw.http.chronos.shapes import run_shape
from mesostw.http.chronos.times import instant_text, wall_text

#: Kind, the job it is of (``None``: Chronos itself), and everything else.
Shown = tuple[str, str | None, dict[str, object]]


def event_of(view: ChronosState, change: object) -> Shown | None:
    """A change as an event; ``None`` if it is not told."""
    return _of_job(view, change) or _of_self(view, change)


def _of_job(view: ChronosState, change: object) -> Shown | None:
    match change:
        case RunChanged(run):
            return "run_changed", run.job, run_shape(view, run)
        case StandingChanged(standing):
            return "standing_changed", standing.job, _standing_shape(standing)
        case JobChanged(job):
            shape = {"name": job.name, "version": job.version, "by": job.by}
            return "job_changed", job.name, {**shape, "disabled": job.spec.disabled}
        case JobRemoved(name):
            return "job_removed", name, {"name": name}
        case NoticeKept(notice):
            return "notice_kept", notice.job, _notice_shape(notice)
        case _:
            return None


def _of_self(view: ChronosState, change: object) -> Shown | None:
    match change:
        case PauseChanged():
            return "paused", None, pause_shape(view)
        case LifeBegun(life):
            return "life_begun", None, {"life": life.number}
        case Told(event):
            return _told(event)
        case _:
            return None


def _standing_shape(standing: Standing) -> dict[str, object]:
    return {
        "name": standing.job,
        "status": last_result(standing),
        "next": None if standing.due is None else instant_text(standing.due),
        "successCount": standing.success_count,
        "errorCount": standing.error_count,
        "errorsSinceLastSuccess": standing.errors_since_last_success,
        "disabledBecause": standing.disabled_because,
    }


def _notice_shape(notice: Notice) -> dict[str, object]:
    return {
        "id": notice.id,
        "job": notice.job,
        "occasion": notice.occasion,
        "subject": notice.subject,
        "runId": notice.run_id,
        "at": wall_text(notice.at),
    }


def _told(event: ChronosEvent) -> Shown:
    at = wall_text(event.at)
    match event:
        case SchedulerRegistered():
            shape = {"frameworkId": event.framework_id, "master": event.master, "at": at}
            return "registered", None, {**shape, "again": event.again}
        case SchedulerDisconnected():
            return "disconnected", None, {"at": at}
        case StatusIgnored():
            shape = {"taskId": event.task_id, "state": event.state.name, "why": event.why}
            return "status_ignored", None, {**shape, "at": at}
        case NoticeSettled():
            return "notice_settled", event.job, _settled_shape(event)


def _settled_shape(event: NoticeSettled) -> dict[str, object]:
    return {
        "id": event.notice_id,
        "job": event.job,
        "delivered": event.delivered,
        "detail": event.detail,
        "runId": event.run_id,
        "at": wall_text(event.at),
    }
