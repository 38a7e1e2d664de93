"""How a life of Marathon begins: with what was kept, and nothing else believed."""

from __future__ import annotations

from mesostw.core.marathon import converging, durable, health, kills, membership, registration
from mesostw.core.marathon.changes import Restored
from mesostw.core.marathon.turn import Turn
from mesostw.core.outcome import Records
from mesostw.model.apps import Stamp


def restored(turn: Turn, records: Records) -> None:
    """
    Know again what was kept, and have every app looked at.

    Readers see it as any change; the store, which has it, does not.  Probes, waiting
    launches and delays begin anew; tasks are asked after once a master is there.
    """
    state = turn.state
    for change in durable.changes_of(records):
        turn.change(Restored(change))
    turn.live.last_stamp = max(state.all_stamps(), default=Stamp(""))
    # What is removed has no app, and nothing at all left if a deployment was about to say so.
    converging.mark_all(turn)
    membership.restored(turn)
    kills.restored(turn)
    health.restored(turn)
    registration.restored(turn)
