"""
Converging: what is, and what is due, one job at a time.

Whatever may make something of a job possible marks it; the next slice looks at each marked job
once, however often it was marked, and decides from what is there at that moment.  Looking
twice does nothing twice.

::

    instants that have come     runs, or records of why there is none
    all parents there           a run
    runs that wait              ready, or skipped, by the job's concurrency
    nothing left of it          disabled, since it is finished
    the job is gone             its runs are ended, then forgotten
"""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.chronos import alarms, firing, instants, kills, notices, waiting, wishing
from mesostw.core.chronos.changes import RunChanged, RunForgotten
from mesostw.core.chronos.flags import DUE_PER_TURN_MAX
from mesostw.core.chronos.records import Job, Run, RunState, Skip
from mesostw.core.chronos.turn import Turn
from mesostw.core.outcome import Continue
from mesostw.model.jobs import JobName

REMOVED = "Its job was removed"


def continued(turn: Turn) -> None:
    """Look at marked jobs, as many as one slice may."""
    live = turn.live
    live.continuing = False
    # What is marked by a look is looked at in the next slice.
    marked, live.marked = live.marked, {}
    names = list(marked)
    for name in names[:DUE_PER_TURN_MAX]:
        look(turn, name)
    rest = dict.fromkeys(names[DUE_PER_TURN_MAX:])
    live.marked = {**rest, **live.marked}
    if live.marked and not live.continuing:
        live.continuing = True
        turn.do(Continue())


def look(turn: Turn, name: JobName) -> None:
    """Do what is due for one job."""
    job = turn.state.jobs.get(name)
    _end_strays(turn, name, job)
    if job is None:
        alarms.set_for(turn, name, None)
        return
    following = instants.due(turn, job)
    firing.fire(turn, job)
    decided = waiting.settle(turn, job)
    told = notices.looked_at(turn, job)
    times = [at for at in (following, decided, told) if at is not None]
    alarms.set_for(turn, name, min(times, default=None))
    _finish(turn, job)


def _end_strays(turn: Turn, name: JobName, job: Job | None) -> None:
    """End what is left of a job that was removed; it counts for nothing."""
    for run in list(turn.state.live_of(name).values()):
        if job is not None and run.incarnation == job.created:
            continue
        if run.state is RunState.WAITING:
            _forget(turn, run)
        else:
            kills.kill(turn, run, REMOVED)


def _forget(turn: Turn, run: Run) -> None:
    wall = turn.now.wall
    turn.live.ready.pop(run.id, None)
    turn.live.starts_at.pop(run.id, None)
    dropped = replace(
        run,
        state=RunState.SKIPPED,
        since=wall,
        ended_at=wall,
        skip=Skip.REDEFINED,
        message=REMOVED,
    )
    turn.change(RunChanged(dropped))
    turn.change(RunForgotten(dropped))


def _finish(turn: Turn, job: Job) -> None:
    """Disable a job that has come to the end of its timetable, once its last run has ended."""
    standing = turn.state.standing_of(job.name)
    if job.spec.timetable is None or job.spec.disabled:
        return
    if standing.due is None and standing.passed and not turn.state.live_of(job.name):
        wishing.disable(turn, job, "finished")
