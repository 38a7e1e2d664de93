"""From an offer that does to a run that is being launched, and its task."""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.chronos.changes import RunChanged
from mesostw.core.chronos.demands import Demand
from mesostw.core.chronos.records import Job, Run, RunState
from mesostw.core.chronos.taskinfo import task_id_of, task_of
from mesostw.core.chronos.turn import Turn
from mesostw.core.framework.scalars import ANYTHING
from mesostw.core.framework.spots import Spot
from mesostw.messages.convert import messages_of
from mesostw.messages.tasks import TaskInfo


def launched(turn: Turn, job: Job, run: Run, demand: Demand, spot: Spot) -> TaskInfo:
    """
    Have a run be on its way; its task is sent once that is kept.

    So a life that ends between the two has a run that never started, which the master will say,
    not a task that nobody knows.
    """
    resources = spot.take(demand.scalars, ANYTHING, None)
    launch, wall = run.launch + 1, turn.now.wall
    task_id = task_id_of(run, launch)
    turn.change(
        RunChanged(
            replace(
                run,
                state=RunState.LAUNCHING,
                since=wall,
                version=job.version,
                launch=launch,
                task_id=task_id,
                agent_id=spot.agent_id,
                hostname=spot.place.hostname,
                life=turn.state.life,
                launched_at=run.launched_at or wall,
                unreachable_since=None,
            )
        )
    )
    turn.live.ready.pop(run.id, None)
    turn.live.starts_at.pop(run.id, None)
    turn.live.launched[run.id] = turn.now.steady
    return task_of(
        job.spec,
        run,
        task_id,
        spot.agent_id,
        spot.place.hostname,
        # The form of reservations that every framework was given before they could be refined.
        messages_of(resources, spot.role, refined=False),
        turn.flags.user,
    )
