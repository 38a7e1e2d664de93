"""What happened in Chronos lately, for people: the topic ``jevents``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mesostw.core.chronos import changes, events
from mesostw.core.chronos.records import Job, Pause, Run, RunState
from mesostw.feed.recent import TEXT_CHARS_MAX, Recent
from mesostw.feed.tables import Row
from mesostw.model.jobs import JobName, RunId

#: ``run`` is the id of the run that an event is about, if it is about one.
JEVENT_COLUMNS: Final = ("at", "kind", "job", "run", "text")

#: Moves of a run that people want to know; a run that only waits has done nothing yet.
_MOVES: Final = frozenset(
    {
        RunState.RUNNING,
        RunState.AWAITED,
        RunState.SUCCEEDED,
        RunState.FAILED,
        RunState.KILLED,
        RunState.SKIPPED,
    }
)

#: Everything that becomes an event.
Happened = (
    changes.RunChanged
    | changes.JobChanged
    | changes.JobRemoved
    | changes.PauseChanged
    | changes.NoticeKept
    | changes.Told
)


class ChronosEvents(Recent):
    """The last events; remembering one costs an append, also while nobody watches."""

    def __init__(self, wall: Callable[[], float]) -> None:
        super().__init__(wall, event_row)
        #: What each run did when it was last told of, until it has ended; of skipped ones,
        #: which may stand for more and more, until it is forgotten.
        self._states: dict[RunId, RunState] = {}

    def noted(self, change: object) -> None:
        """Remember ``change`` if it is one that people want to know."""
        if isinstance(change, changes.RunChanged):
            if self._is_move(change.run):
                self.keep(change)
        elif isinstance(change, changes.RunForgotten):
            self._states.pop(change.run.id, None)
        elif isinstance(change, Happened) and not _is_silent(change):
            self.keep(change)

    def _is_move(self, run: Run) -> bool:
        """Whether a run does something else than when it was last told of."""
        if self._states.get(run.id) is run.state:
            return False
        if run.is_ended and run.state is not RunState.SKIPPED:
            self._states.pop(run.id, None)
        else:
            self._states[run.id] = run.state
        return run.state in _MOVES


def _is_silent(change: object) -> bool:
    """A status that changed nothing is for the event stream, not for people."""
    return isinstance(change, changes.Told) and isinstance(change.event, events.StatusIgnored)


def event_row(at: float, change: object) -> Row:
    """A row of ``jevents``."""
    kind, job, run_id, text = described(change)
    return (at, kind, job, run_id, text[:TEXT_CHARS_MAX])


def described(change: object) -> tuple[str, JobName | None, RunId | None, str]:
    """Kind, job and run of an event, and what happened, in words."""
    match change:
        case changes.RunChanged(run):
            return "run_" + run.state.value, run.job, run.id, _of_run(run)
        case changes.JobChanged(job):
            return _of_job(job)
        case changes.JobRemoved(name):
            return "job_removed", name, None, "the job is wished no more"
        case changes.PauseChanged(pause):
            return ("resumed" if pause is None else "paused"), None, None, _of_pause(pause)
        case changes.NoticeKept(notice):
            return "notice", notice.job, notice.run_id, notice.subject
        case changes.Told(event):
            return _told(event)
        case _:
            raise AssertionError(f"{change!r} is no event")


def _of_run(run: Run) -> str:
    where = f" on {run.hostname}" if run.hostname else ""
    again = f", attempt {run.attempt + 1}" if run.attempt else ""
    if run.state is RunState.SKIPPED:
        many = f"{run.skipped} instants" if run.skipped > 1 else "an instant"
        return f"{many} skipped ({run.skip}): {run.message}"
    exited = "" if run.exit_status is None else f", exit status {run.exit_status}"
    is_told = run.is_ended and run.state is not RunState.SUCCEEDED and run.message
    said = f": {run.message}" if is_told else ""
    return f"{run.state.value}{where}{again}{exited}{said}"


def _of_job(job: Job) -> tuple[str, JobName | None, RunId | None, str]:
    by = f" by {job.by}" if job.by else ""
    if job.version == job.created:
        return "job_created", job.name, None, f"the job was created{by}"
    state = ", it is disabled" if job.spec.disabled else ""
    return "job_changed", job.name, None, f"the job was changed{by}{state}"


def _of_pause(pause: Pause | None) -> str:
    if pause is None:
        return "jobs are started again"
    by, why = f" by {pause.by}" if pause.by else "", f": {pause.why}" if pause.why else ""
    return f"nothing is started any more{by}{why}"


def _told(event: events.ChronosEvent) -> tuple[str, JobName | None, RunId | None, str]:
    match event:
        case events.SchedulerRegistered():
            text = f"registered{' again' if event.again else ''} with {event.master}"
            return "registered", None, None, f"{text} as {event.framework_id}"
        case events.SchedulerDisconnected():
            return "disconnected", None, None, "the link to the master broke"
        case events.NoticeSettled():
            word = "delivered" if event.delivered else "not delivered"
            return "notice_settled", event.job, event.run_id, f"{word}: {event.detail}"
        case events.StatusIgnored():
            return "status_ignored", None, None, f"{event.task_id}: {event.why}"
