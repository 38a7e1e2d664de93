"""Under which name the master knows us, and whether it does."""

from __future__ import annotations

from mesostw.core.framework import registering
from mesostw.core.marathon import kills, offers, reconciling, unreachable
from mesostw.core.marathon.changes import RegistrationKept
from mesostw.core.marathon.events import (
    SchedulerDisconnected,
    SchedulerRegistered,
    SchedulerReregistered,
)
from mesostw.core.marathon.records import Registration
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.words import StepDown
from mesostw.core.scheduling import Refused, Registered


def restored(turn: Turn) -> None:
    """Stop at once if what runs would start twice."""
    fault = registering.fault_of_store(
        turn.state.framework_id, len(turn.state.instances), "instances"
    )
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
    _tell(turn, heard)
    turn.live.greeted = True
    offers.connected(turn, heard.master)
    reconciling.begun(turn)
    unreachable.connected(turn)
    kills.connected(turn)


def lost(turn: Turn) -> None:
    """Nobody hears us until a master knows us again; the client is dialling."""
    if turn.live.registered:
        turn.live.registered = False
        reconciling.stopped(turn)
        turn.tell(SchedulerDisconnected(at=turn.now.wall))


def refused(turn: Turn, heard: Refused) -> None:
    """The master will not have us; what runs may run on without us."""
    turn.live.registered = False
    turn.do(StepDown(f"The master refused this framework: {heard.message}"))


def _tell(turn: Turn, heard: Registered) -> None:
    """Once in each life the master is said to know us, then to know us again, as in Marathon."""
    master = registering.name_of(heard.master)
    if turn.live.greeted:
        turn.tell(SchedulerReregistered(at=turn.now.wall, master=master))
    else:
        turn.tell(
            SchedulerRegistered(at=turn.now.wall, framework_id=heard.framework_id, master=master)
        )
