"""
Dependents: each runs once all its parents have ended as it wants, since it last did.

::

    a parent ends     its arrival is kept; the newest of each parent stands for all
    all are there     the dependent runs, and the arrivals are used up, in the same turn
"""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.chronos import runs
from mesostw.core.chronos.changes import StandingChanged
from mesostw.core.chronos.records import Arrival, Cause, Job, Run
from mesostw.core.chronos.turn import Turn
from mesostw.model.jobs import Trigger


def arrived(turn: Turn, run: Run, *, well: bool) -> None:
    """
    Tell dependents that a run of a parent is over, with all its retries.

    :param well: whether it counts as a success.
    """
    for name in tuple(turn.state.children_of(run.job)):
        child = turn.state.jobs[name]
        if _wants(child.spec.trigger, well=well):
            _arrive(turn, child, run)
            fire(turn, child)


def fire(turn: Turn, child: Job) -> None:
    """Run a dependent if all its parents are there, and it may."""
    standing = turn.state.standing_of(child.name)
    there = {one.parent: one for one in standing.arrived}
    parents = child.spec.parents
    if child.spec.disabled or not parents or not all(parent in there for parent in parents):
        return
    turn.change(StandingChanged(replace(standing, arrived=())))
    followed = tuple((parent, there[parent].run_id) for parent in parents)
    runs.make(turn, child, turn.instant, Cause.PARENTS, parents=followed)


def _wants(trigger: Trigger, *, well: bool) -> bool:
    match trigger:
        case Trigger.SUCCESS:
            return well
        case Trigger.FAILURE:
            return not well
        case Trigger.ALWAYS:
            return True


def _arrive(turn: Turn, child: Job, run: Run) -> None:
    standing = turn.state.standing_of(child.name)
    others = tuple(one for one in standing.arrived if one.parent != run.job)
    arrival = Arrival(run.job, run.id, turn.now.wall)
    turn.change(StandingChanged(replace(standing, arrived=(*others, arrival))))
