"""
Why a job does not run, or a run waits: the answer to the question that is asked most.

Nothing is noted for it but what became of offers; the rest is found when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from mesostw.core.chronos.demands import demand_of
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.live import Live
from mesostw.core.chronos.reasons import Cause, WaitingReport, WhyReport
from mesostw.core.chronos.records import Cause as Why
from mesostw.core.chronos.records import Job, Run, RunState
from mesostw.core.chronos.state import ChronosState
from mesostw.core.framework.naming import stamp_of
from mesostw.core.outcome import Moment
from mesostw.model.jobs import Concurrency, JobName

_DISABLED: Final = {
    "failures": "it is disabled because it failed too often",
    "finished": "it is disabled because all its instants have passed",
}
#: Names that one sentence has.
NAMES_MAX: Final = 5


def queue(
    state: ChronosState, live: Live, flags: ChronosFlags, now: Moment
) -> tuple[WaitingReport, ...]:
    """Tell of every run that waits: those that may be launched first, in the order they are."""
    found = [
        run
        for runs in state.live.values()
        for run in runs.values()
        if run.state is RunState.WAITING or (run.is_out and run.task_id is None)
    ]
    found.sort(key=lambda run: _order(state, live, run))
    beside = {name: _beside(state, live, name) for name in {run.job for run in found}}
    return tuple(
        WaitingReport(run, _causes_of_run(state, live, run, beside[run.job], now)) for run in found
    )


def _order(state: ChronosState, live: Live, run: Run) -> tuple[bool, bool, int, int, float]:
    job = state.jobs.get(run.job)
    high = job is not None and job.spec.high_priority
    priority = 0 if job is None else job.spec.priority
    return (run.id not in live.ready, not high, -priority, run.instant, run.made)


def report(
    state: ChronosState, live: Live, flags: ChronosFlags, name: JobName, now: Moment
) -> WhyReport | None:
    """Explain a job; ``None`` if there is no such job."""
    job = state.jobs.get(name)
    if job is None:
        return None
    runs = tuple(state.live_of(name).values())
    beside = _beside(state, live, name)
    waiting = tuple(
        WaitingReport(run, _causes_of_run(state, live, run, beside, now))
        for run in runs
        if run.state is RunState.WAITING or run.task_id is None
    )
    running = [run for run in runs if run.is_out and run.task_id is not None]
    causes = (*_running_causes(live, running), *_job_causes(state, job, now))
    return WhyReport(
        job=name,
        sentence=_sentence(running, waiting, causes),
        causes=causes,
        waiting=waiting,
        running=len(running),
        funnel=tuple(_funnel(live, job)),
    )


# --- a run that waits -----------------------------------------------------------------


def _causes_of_run(
    state: ChronosState, live: Live, run: Run, beside: Beside, now: Moment
) -> tuple[Cause, ...]:
    job = state.jobs.get(run.job)
    if job is None or job.created != run.incarnation:
        return (Cause("removed", "its job was removed"),)
    found = (
        *_standstill(state, live),
        *_delayed(run, now),
        *_in_the_way(live, job, run, beside),
    )
    return found or tuple(_offered(live, job, run))


def _standstill(state: ChronosState, live: Live) -> Iterator[Cause]:
    """What keeps every job from being started."""
    if state.pause is not None:
        by = f" by {state.pause.by}" if state.pause.by else ""
        why = f": {state.pause.why}" if state.pause.why else ""
        yield Cause("paused", f"everything is paused since {stamp_of(state.pause.since)}{by}{why}")
    if not live.registered:
        yield Cause("disconnected", "Chronos has no connection to a master")


def _delayed(run: Run, now: Moment) -> Iterator[Cause]:
    if run.not_before <= now.wall:
        return
    seconds = f"{run.not_before - now.wall:.0f} s"
    if run.cause is Why.RETRY:
        yield Cause(
            "backed_off", f"attempt {run.attempt} failed, it is tried in {seconds}", run.not_before
        )
    else:
        yield Cause("backed_off", f"its start is put off for {seconds}", run.not_before)


class Beside(NamedTuple):
    """What of a job's runs may be in the way of others; found once for all that wait."""

    #: Which the master has not told of yet, and which run; of each the oldest.
    unsure: Run | None
    busy: Run | None
    #: The first two of all.
    first: tuple[Run, ...]


def _beside(state: ChronosState, live: Live, name: JobName) -> Beside:
    runs = state.live_of(name).values()
    return Beside(
        next((run for run in runs if run.id in live.unsure), None),
        next((run for run in runs if run.is_out and run.id not in live.unsure), None),
        tuple(islice(runs, 2)),
    )


def _in_the_way(live: Live, job: Job, run: Run, beside: Beside) -> Iterator[Cause]:
    """Other runs of the job, unless they may run beside it."""
    if run.id in live.ready or job.spec.concurrency is Concurrency.ALLOW:
        return
    unsure, busy = beside.unsure, beside.busy
    if unsure is not None:
        yield Cause("unsure", f"the master has not told yet whether run {unsure.id} still runs")
    if busy is not None and busy.id != run.id:
        yield Cause("busy", f"run {busy.id} of the job has not ended ({busy.state})")
    elif unsure is None:
        for other in beside.first[:1]:
            if other.id != run.id:
                yield Cause("busy", f"run {other.id} of the job comes first")


def _offered(live: Live, job: Job, run: Run) -> Iterator[Cause]:
    """What became of offers for a run that may be launched."""
    if run.id not in live.ready:
        yield Cause("next", "it is looked at in a moment")
        return
    funnel = live.funnels.get(demand_of(job.spec))
    if funnel is None or not funnel.looked:
        yield Cause("no_offers", "no agent has offered anything since it waits")
    elif not funnel.fitted:
        yield Cause("refused", f"no offer does: {_refused_text(funnel.looked, funnel.refused)}")
    else:
        yield Cause("no_offers", "others came first; the next offer is waited for")


def _refused_text(looked: int, refused: dict[str, int]) -> str:
    """``cpus turned away 3 of 4, hostname EQUALS n1 turned away 1 of 4``."""
    most = sorted(refused.items(), key=lambda one: (-one[1], one[0]))[:NAMES_MAX]
    return ", ".join(f"{name} turned away {count} of {looked}" for name, count in most)


def _funnel(live: Live, job: Job) -> Iterator[str]:
    funnel = live.funnels.get(demand_of(job.spec))
    if funnel is None:
        return
    yield f"{funnel.looked} offers were looked at, {funnel.fitted} did"
    for name, count in sorted(funnel.refused.items()):
        yield f"{name}: {count} turned away"


# --- a job ----------------------------------------------------------------------------


def _running_causes(live: Live, running: list[Run]) -> Iterator[Cause]:
    for run in running[:NAMES_MAX]:
        since = f"since {stamp_of(run.since)}"
        if run.id in live.unsure:
            yield Cause("unsure", f"the master has not told yet whether run {run.id} still runs")
        elif run.unreachable_since is not None:
            away = stamp_of(run.unreachable_since)
            yield Cause("unreachable", f"run {run.id} is on an agent that is away since {away}")
        elif run.doom:
            yield Cause("ending", f"run {run.id} is being ended: {run.doom}")
        elif run.state is RunState.AWAITED:
            yield Cause("running", f"run {run.id} waits for somebody to say how it ended, {since}")
        else:
            yield Cause("running", f"run {run.id} is {run.state} {since}")


def _job_causes(state: ChronosState, job: Job, now: Moment) -> Iterator[Cause]:
    """Why there are no more runs than there are."""
    standing = state.standing_of(job.name)
    if job.spec.disabled:
        yield Cause("disabled", _DISABLED.get(standing.disabled_because, "it is disabled"))
    elif job.spec.is_dependent:
        there = {one.parent for one in standing.arrived}
        missing = [one for one in job.spec.parents if one not in there]
        names = [*missing[:NAMES_MAX], *(["others"] if len(missing) > NAMES_MAX else [])]
        if names:
            yield Cause("parents", f"the next ends of {', '.join(names)} are waited for")
    elif standing.due is None:
        yield Cause("finished", "all its instants have passed")
    else:
        due = standing.due / 1000
        when = "is due since" if due <= now.wall else "comes at"
        yield Cause("due", f"its next instant {when} {stamp_of(due)}", due)


def _sentence(
    running: list[Run], waiting: tuple[WaitingReport, ...], causes: tuple[Cause, ...]
) -> str:
    """``1 running, 2 wait: everything is paused; its next instant comes at ...``."""
    counts = [
        *([f"{len(running)} running"] if running else []),
        *([f"{len(waiting)} waiting"] if waiting else []),
    ]
    texts = [one.text for one in (waiting[0].causes if waiting else ())]
    texts += [one.text for one in causes if one.kind not in {"running"}]
    head = ", ".join(counts) or "nothing runs"
    return f"{head}: {'; '.join(texts)}" if texts else head
