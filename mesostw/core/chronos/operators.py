"""What people and programs ask of runs, once they have run or while they do."""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.chronos import ends, kills, runs, waiting
from mesostw.core.chronos.changes import RunChanged
from mesostw.core.chronos.flags import WAITING_PER_JOB_MAX
from mesostw.core.chronos.records import Cause, Job, RunState
from mesostw.core.chronos.turn import Turn
from mesostw.core.chronos.words import (
    AllTasksDropAsked,
    Begun,
    Done,
    Ending,
    JobKillAsked,
    MarkAsked,
    ProgressAsked,
    RerunAsked,
    RunAsked,
    RunKillAsked,
    VerdictAsked,
)
from mesostw.core.framework.refusing import Unfit
from mesostw.model.ids import TaskId
from mesostw.model.jobs import Concurrency, JobName, RunId

#: Elements of one run are counted up to here.
_ELEMENTS_MAX = 2**63 - 1


def run_asked(turn: Turn, question: RunAsked) -> Begun | Unfit:
    """Run a job now, beside its timetable."""
    job = turn.state.jobs.get(question.name)
    if job is None:
        return _no_job(question.name)
    fault = _why_not(turn, job)
    if fault is not None:
        return Begun((), fault.message) if question.lenient else fault
    arguments = question.arguments
    run = runs.make(
        turn,
        job,
        turn.instant,
        Cause.MANUAL,
        by=question.by,
        # Chronos takes these out of what is asked for, and nothing else.
        arguments=None if arguments is None else arguments.replace(";", ""),
        environment=question.environment,
    )
    return Begun((run,))


def _why_not(turn: Turn, job: Job) -> Unfit | None:
    """Why a job cannot be run now, if somebody asks for it."""
    if job.spec.disabled:
        return Unfit("locked", f"Job '{job.name}' is disabled: enable it first")
    if job.spec.concurrency is Concurrency.SKIP and waiting.is_busy(turn, job):
        message = f"Job '{job.name}' runs already, and skips what comes meanwhile"
        return Unfit("locked", message)
    if len(turn.state.live_of(job.name)) >= WAITING_PER_JOB_MAX:
        message = f"Job '{job.name}' has {WAITING_PER_JOB_MAX} runs that have not ended"
        return Unfit("overload", message)
    return None


def rerun_asked(turn: Turn, question: RerunAsked) -> Begun | Unfit:
    """Run again what an ended run was for: the same instant, its next attempt."""
    run = turn.state.runs.get(question.run_id)
    job = None if run is None else turn.state.jobs.get(run.job)
    if run is None or job is None or job.created != run.incarnation:
        return _no_run(question.run_id)
    if not run.is_ended:
        return Unfit("locked", f"Run {run.id} has not ended: kill it first, or wait")
    fault = _why_not(turn, job)
    if fault is not None:
        return fault
    again = runs.make(
        turn,
        job,
        run.instant,
        Cause.MANUAL,
        attempt=run.attempt + 1,
        keeps_instant=True,
        by=question.by,
        arguments=run.arguments,
        environment=run.environment,
        parents=run.parents,
        retries=run.id,
    )
    return Begun((again,))


def job_kill_asked(turn: Turn, question: JobKillAsked) -> Ending | Unfit:
    """End all of a job's runs that have a task."""
    if question.name not in turn.state.jobs:
        return _no_job(question.name)
    out = [run for run in turn.state.live_of(question.name).values() if run.is_out]
    for run in out:
        kills.kill(turn, run, _killed_by(question.by))
    return Ending(tuple(run.id for run in out))


def run_kill_asked(turn: Turn, question: RunKillAsked) -> Ending | Unfit:
    """End one run."""
    run = turn.state.runs.get(question.run_id)
    if run is None:
        return _no_run(question.run_id)
    if run.is_ended:
        return Unfit("locked", f"Run {run.id} has ended already: it {run.state.value}")
    kills.kill(turn, run, _killed_by(question.by))
    return Ending((run.id,))


def mark_asked(turn: Turn, question: MarkAsked) -> Begun | Unfit:
    """Say that a job has succeeded; its dependents follow as if it had."""
    job = turn.state.jobs.get(question.name)
    if job is None:
        return _no_job(question.name)
    return Begun((ends.marked(turn, job, question.by),))


def verdict_asked(turn: Turn, question: VerdictAsked) -> Done | Unfit:
    """End a run of an asynchronous job, as it says itself that it went."""
    run = turn.state.by_task(question.task_id)
    if run is None:
        return _no_task(question.task_id)
    job = turn.state.jobs.get(run.job)
    if job is None or not job.spec.is_async:
        message = f"Job '{run.job}' is not async: the end of its task says how it went"
        return Unfit("bad_request", message)
    code = question.status_code
    state = RunState.SUCCEEDED if code == 0 else RunState.FAILED
    ends.end(turn, run, state, f"It said that it ended with {code}")
    return Done()


def progress_asked(turn: Turn, question: ProgressAsked) -> Done | Unfit:
    """Count what a run of a data processing job has done."""
    job = turn.state.jobs.get(question.name)
    if job is None:
        return _no_job(question.name)
    run = turn.state.by_task(question.task_id)
    if run is None or run.job != question.name:
        return _no_task(question.task_id)
    if not job.spec.data_processing_job_type:
        message = f"Job '{job.name}' counts nothing: set its dataProcessingJobType"
        return Unfit("bad_request", message)
    elements = min(_ELEMENTS_MAX, run.elements + max(0, question.elements))
    turn.change(RunChanged(replace(run, elements=elements)))
    return Done()


def all_tasks_drop_asked(turn: Turn, question: AllTasksDropAsked) -> Ending:
    """Forget everything that waits."""
    dropped = [
        run
        for live in list(turn.state.live.values())
        for run in list(live.values())
        if run.state is RunState.WAITING
    ]
    for run in dropped:
        kills.kill(turn, run, _killed_by(question.by))
    return Ending(tuple(run.id for run in dropped))


def _killed_by(by: str) -> str:
    return f"Killed by {by}" if by else "Killed by request"


def _no_job(name: JobName) -> Unfit:
    return Unfit("unknown", f"Job '{name}' does not exist")


def _no_run(run_id: RunId) -> Unfit:
    return Unfit("unknown", f"Run '{run_id}' does not exist, or is forgotten")


def _no_task(task_id: TaskId) -> Unfit:
    return Unfit("unknown", f"No run has the task '{task_id}', or it has ended")
