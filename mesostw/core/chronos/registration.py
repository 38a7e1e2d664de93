"""Under which name the master knows us, and whether it does."""

from __future__ import annotations

from mesostw.core.chronos import kills, offers, reconciling
from mesostw.core.chronos.changes import RegistrationKept
from mesostw.core.chronos.events import SchedulerDisconnected, SchedulerRegistered
from mesostw.core.chronos.records import Registration
from mesostw.core.chronos.turn import Turn
from mesostw.core.chronos.words import StepDown
from mesostw.core.framework import registering
from mesostw.core.scheduling import Refused, Registered


def restored(turn: Turn) -> None:
    """Stop at once if what runs would start twice."""
    fault = registering.fault_of_store(turn.state.framework_id, len(turn.state.out), "runs")
    if fault is not None:
        turn.do(StepDown(fault))


def registered(turn: Turn, heard: Registered) -> None:
    """Keep the name that the master has given; it never changes after."""
    fault = registering.fault_of_name(turn.state.framework_id, heard.framework_id)
    if fault is not None:
        turn.do(StepDown(fault))
        return
    # Each time, though it never changes: a life that another one has followed is told so by the
    # store, before it has said to this master what only the newest may say.
    turn.change(RegistrationKept(Registration(heard.framework_id)))
    turn.live.registered = True
    turn.tell(
        SchedulerRegistered(
            at=turn.now.wall,
            framework_id=heard.framework_id,
            master=registering.name_of(heard.master),
            again=turn.live.greeted,
        )
    )
    turn.live.greeted = True
    offers.connected(turn)
    reconciling.begun(turn)
    kills.connected(turn)
    offers.resumed(turn)


def lost(turn: Turn) -> None:
    """Nobody hears us until a master knows us again; the client is dialling."""
    if turn.live.registered:
        turn.live.registered = False
        turn.live.held.clear()
        reconciling.stopped(turn)
        turn.tell(SchedulerDisconnected(at=turn.now.wall))


def refused(turn: Turn, heard: Refused) -> None:
    """The master will not have us; what runs may run on without us."""
    turn.live.registered = False
    turn.do(StepDown(f"The master refused this framework: {heard.message}"))
