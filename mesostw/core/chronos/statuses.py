"""
What statuses say of tasks, folded into runs.

A status comes again until it is acknowledged, and masters repeat themselves: the same word
twice, a late one, and one out of order change nothing.  Each arrival is acknowledged once, by
an effect, so after everything that it changed is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from mesostw.core.chronos import ends, timeouts
from mesostw.core.chronos.changes import RunChanged
from mesostw.core.chronos.events import StatusIgnored
from mesostw.core.chronos.records import Run, RunState
from mesostw.core.chronos.taskinfo import PREFIX
from mesostw.core.chronos.turn import Turn
from mesostw.core.scheduling import AcknowledgeStatus, KillTask, StatusCame
from mesostw.messages.tasks import TaskStatus, TaskStatusReason, TaskStatusSource
from mesostw.model.ids import AgentId, TaskId
from mesostw.model.tasks import TaskState

#: Launches of one run after which it has failed.
LAUNCHES_MAX: Final = 10

_LIVES: Final[Mapping[TaskState, RunState]] = {
    TaskState.TASK_STAGING: RunState.STAGING,
    TaskState.TASK_STARTING: RunState.STARTING,
    TaskState.TASK_RUNNING: RunState.RUNNING,
}
#: A task that is going on, or may be.
_GOES_ON: Final = frozenset({*_LIVES, TaskState.TASK_KILLING, TaskState.TASK_UNREACHABLE})
#: How a master says that it knows nothing of a task.
_UNKNOWN: Final = frozenset(
    {
        TaskState.TASK_UNKNOWN,
        TaskState.TASK_GONE,
        TaskState.TASK_LOST,
        TaskState.TASK_DROPPED,
    }
)


def came(turn: Turn, heard: StatusCame) -> None:
    """Fold a status into the run that it is of."""
    status = heard.status
    run = turn.state.by_task(TaskId(status.task_id.value))
    if run is None:
        _strange(turn, status)
    else:
        if turn.live.unsure.pop(run.id, None) is not None:
            turn.mark(run.job)
        turn.live.launched.pop(run.id, None)
        _fold(turn, run, status)
    turn.do(AcknowledgeStatus(status))


def _strange(turn: Turn, status: TaskStatus) -> None:
    """A task that no run is: one of ours ends, wherever it comes from."""
    task_id = TaskId(status.task_id.value)
    _ignored(turn, status, "unknown")
    goes_on = status.state in _GOES_ON and status.state is not TaskState.TASK_UNREACHABLE
    if goes_on and task_id.startswith(PREFIX):
        # Of one that is away nothing can be asked; it is killed when it comes back.
        agent_id = None if status.agent_id is None else AgentId(status.agent_id.value)
        turn.do(KillTask(task_id, agent_id))


def _ignored(turn: Turn, status: TaskStatus, why: str) -> None:
    turn.tell(
        StatusIgnored(at=turn.now.wall, task_id=status.task_id.value, state=status.state, why=why)
    )


def _fold(turn: Turn, run: Run, status: TaskStatus) -> None:
    if status.uuid is not None and turn.live.heard.get(run.id) == status.uuid:
        _ignored(turn, status, "repeated")
        return
    turn.live.heard[run.id] = status.uuid
    if status.state is TaskState.TASK_UNREACHABLE:
        _away(turn, run, status)
    elif status.state in _GOES_ON:
        _lives(turn, run, status)
    else:
        _ended(turn, run, status)


# --- it goes on -------------------------------------------------------------------------


def _away(turn: Turn, run: Run, status: TaskStatus) -> None:
    if run.state is RunState.AWAITED or run.unreachable_since is not None:
        _ignored(turn, status, "repeated")
        return
    told = status.unreachable_time
    since = turn.now.wall if told is None else min(told.nanoseconds / 1e9, turn.now.wall)
    moved = replace(
        run,
        unreachable_since=since,
        task_state=status.state,
        message=status.message or "",
    )
    turn.change(RunChanged(moved))
    timeouts.went_away(turn, moved)


def _lives(turn: Turn, run: Run, status: TaskStatus) -> None:
    state = _LIVES.get(status.state, run.state)
    if not run.may_become(state):
        state = run.state
    # What is only repeated is not kept again for its words.
    is_news = state is not run.state or run.unreachable_since is not None
    moved = replace(
        run,
        state=state,
        since=run.since if state is run.state else turn.now.wall,
        message=status.message or "" if is_news else run.message,
        task_state=status.state if run.state is not RunState.AWAITED else run.task_state,
        container_id=_container(status) or run.container_id,
        unreachable_since=None,
    )
    if status.state is TaskState.TASK_RUNNING and run.started_at is None:
        moved = replace(moved, started_at=turn.now.wall)
    if RunState.RUNNING is run.state and status.state in (
        TaskState.TASK_STAGING,
        TaskState.TASK_STARTING,
    ):
        moved = replace(moved, task_state=run.task_state)
    if moved == run:
        _ignored(turn, status, "behind")
        return
    turn.change(RunChanged(moved))
    turn.mark(run.job)
    timeouts.came_back(turn, moved)
    timeouts.started(turn, moved)


def _container(status: TaskStatus) -> str:
    container = status.container_status
    found = None if container is None else container.container_id
    return "" if found is None else found.value


# --- it has ended -----------------------------------------------------------------------


def _ended(turn: Turn, run: Run, status: TaskStatus) -> None:
    if run.state is RunState.AWAITED and _is_masters(status):
        # The task is over; only how the job ended is not known yet.
        _ignored(turn, status, "behind")
    elif status.state is TaskState.TASK_FINISHED:
        _finished(turn, run, status)
    elif _was_never_there(run, status) and not run.doom and run.launch < LAUNCHES_MAX:
        _again(turn, run, status)
    else:
        _failed(turn, run, status)


def _finished(turn: Turn, run: Run, status: TaskStatus) -> None:
    job = turn.state.jobs.get(run.job)
    if job is not None and job.spec.is_async and not run.doom:
        if run.may_become(RunState.AWAITED):
            awaited = replace(
                run,
                state=RunState.AWAITED,
                since=turn.now.wall,
                task_state=status.state,
                unreachable_since=None,
            )
            turn.change(RunChanged(awaited))
            timeouts.came_back(turn, awaited)
        else:
            _ignored(turn, status, "behind")
        return
    _end(turn, run, RunState.SUCCEEDED, status)


def _was_never_there(run: Run, status: TaskStatus) -> bool:
    """Whether a launch that nothing was heard of came to nothing, as the master knows."""
    return (
        run.state is RunState.LAUNCHING
        and run.task_state is None
        and status.state in _UNKNOWN
        and _is_masters(status)
    )


def _is_masters(status: TaskStatus) -> bool:
    return (
        status.source is TaskStatusSource.SOURCE_MASTER
        or status.reason is TaskStatusReason.REASON_RECONCILIATION
    )


def _again(turn: Turn, run: Run, status: TaskStatus) -> None:
    """Launch a run again: its state stays, the task that never was is forgotten."""
    again = replace(run, task_id=None, message=status.message or "", since=turn.now.wall)
    turn.change(RunChanged(again))
    turn.live.heard.pop(run.id, None)
    turn.mark(run.job)


def _failed(turn: Turn, run: Run, status: TaskStatus) -> None:
    is_wished = run.doom and not run.doom_fails
    _end(turn, run, RunState.KILLED if is_wished else RunState.FAILED, status)


def _end(turn: Turn, run: Run, state: RunState, status: TaskStatus) -> None:
    said = status.message or ""
    if run.doom and state is not RunState.SUCCEEDED:
        said = f"{run.doom}. {said}".strip() if said else run.doom
    reason = "" if status.reason is None else status.reason.name
    container_id = _container(status) or run.container_id
    last = replace(run, container_id=container_id)
    ends.end(turn, last, state, said, reason=reason, task_state=status.state)
