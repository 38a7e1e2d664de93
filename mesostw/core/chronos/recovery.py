"""How a life of Chronos begins: with what was kept, and nothing else believed."""

from __future__ import annotations

from mesostw.core.chronos import alarms, durable, notices, reconciling, registration, timeouts
from mesostw.core.chronos.changes import LifeBegun, Restored
from mesostw.core.chronos.records import Life
from mesostw.core.chronos.turn import Turn
from mesostw.core.outcome import Records


def restored(turn: Turn, records: Records) -> None:
    """
    Know again what was kept, and have every job looked at that may have something to do.

    Readers see it as any change; the store, which has it, does not.
    """
    for change in durable.changes_of(records):
        turn.change(Restored(change))
    alarms.begun(turn)
    state = turn.state
    turn.live.last_stamp = max(state.all_stamps(), default="")
    turn.change(LifeBegun(Life(state.life + 1)))
    for name in state.live:
        turn.mark(name)
    for name, job in state.jobs.items():
        standing = state.standing_of(name)
        if job.spec.disabled:
            continue
        if standing.due is not None and standing.due > turn.instant:
            alarms.set_for(turn, name, alarms.wall_of(standing.due))
        elif standing.due is not None or standing.passed or standing.arrived:
            # Due, or at its end and not disabled for that yet, or perhaps to be fired.
            turn.mark(name)
    reconciling.restored(turn)
    timeouts.restored(turn)
    notices.restored(turn)
    registration.restored(turn)
