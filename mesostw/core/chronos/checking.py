"""The invariants of Chronos' state, and of what is remembered beside it."""

from __future__ import annotations

from mesostw.core.chronos.live import Live
from mesostw.core.chronos.records import Cause, Job, Run, RunState
from mesostw.core.chronos.state import ChronosState, attempt_of
from mesostw.model.jobs import Concurrency, Instant, JobName


def check(state: ChronosState) -> None:
    """Raise ``AssertionError`` if anything does not add up."""
    for run in state.runs.values():
        _check_run(state, run)
    _check_indexes(state)
    for name, job in state.jobs.items():
        assert job.name == name
        _check_job(state, job)


def check_live(state: ChronosState, live: Live) -> None:
    """Raise ``AssertionError`` if something was forgotten that is to be looked at."""
    for run_id in live.ready:
        run = state.under_way[run_id]
        fits = run.state is RunState.WAITING or (
            run.state is RunState.LAUNCHING and run.task_id is None
        )
        assert fits, f"{run_id}: is {run.state} and ready"
    for name, runs in state.live.items():
        for run in runs.values():
            _check_remembered(state, live, name, run)
    for name, job in state.jobs.items():
        due = state.standing_of(name).due
        waits = due is not None and not job.spec.disabled and state.pause is None
        if waits:
            seen = name in live.marked or name in live.alarm_of
            assert seen, f"{name}: is due at {due}, and nobody looks"


def _check_remembered(state: ChronosState, live: Live, name: JobName, run: Run) -> None:
    if run.is_out and run.task_id is not None:
        return
    if name in live.marked or name in live.alarm_of or run.id in live.ready:
        return
    job = state.jobs.get(name)
    assert job is not None, f"{run.id}: waits for a job that is gone"
    others = [one for one in state.live_of(name).values() if one.id != run.id]
    is_held = state.pause is not None or any(
        one.is_out or one.id in live.ready or one.id in live.unsure or one.cause is Cause.RETRY
        for one in others
    )
    assert is_held, f"{run.id}: waits for nothing"


def _check_run(state: ChronosState, run: Run) -> None:
    if not run.is_ended:
        known = state.live_of(run.job).get(run.id)
        assert known is run, f"{run.id}: is {run.state} and not in its table"
        assert state.at(attempt_of(run)) is run, f"{run.id}: not by its attempt"
    if run.is_out and run.task_id is not None:
        assert state.out.get(run.task_id) == run.id, f"{run.id}: not by its task"
    assert (run.skip is not None) == (run.state is RunState.SKIPPED), f"{run.id}: {run.skip}"
    assert bool(run.doom) == (run.doomed_at is not None), f"{run.id}: doom {run.doom!r}"
    assert run.is_ended == (run.ended_at is not None), f"{run.id}: ended at {run.ended_at}"


def _check_indexes(state: ChronosState) -> None:
    by_job = sum(map(len, state.live.values()))
    assert by_job == len(state.under_way), f"{by_job} by job, {len(state.under_way)} in all"
    attempts = {attempt_of(run) for run in state.runs.values()}
    assert len(attempts) == len(state.runs), "two runs of one attempt"
    out = sum(run.is_out and run.task_id is not None for run in state.under_way.values())
    assert out == len(state.out), f"{len(state.out)} tasks, {out} runs that have one"
    for parent, children in state.children.items():
        for child in children:
            known = state.jobs.get(child)
            assert known is not None and parent in known.spec.parents, f"{child}: no child"


def _check_job(state: ChronosState, job: Job) -> None:
    name = job.name
    live = [run for run in state.live_of(name).values() if run.incarnation == job.created]
    if job.spec.concurrency is not Concurrency.ALLOW:
        # Those of other versions may have been allowed to overlap.
        out = [run.id for run in live if run.is_out and not run.doom and run.version == job.version]
        assert len(out) <= 1, f"{name}: {out} run at the same time"
    for parent in job.spec.parents:
        assert name in state.children_of(parent), f"{name}: not after {parent}"
    standing = state.standing_of(name)
    arrived = [one.parent for one in standing.arrived]
    assert len(set(arrived)) == len(arrived), f"{name}: {arrived} arrived"
    assert set(arrived) <= set(job.spec.parents), f"{name}: {arrived} are no parents"
    if standing.due is not None and job.version == job.created:
        _check_served(state, job, standing.due)


def _check_served(state: ChronosState, job: Job, due: Instant) -> None:
    """Of a job that was never another, no instant is due again that was served."""
    for run in (*state.live_of(job.name).values(), *state.ended_of(job.name)):
        if run.cause is Cause.CLOCK and run.incarnation == job.created:
            served = run.skipped_until or run.instant
            assert served < due, f"{job.name}: {served} was served and is due again"
