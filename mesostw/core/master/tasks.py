"""
Tasks after their launch: statuses on their way, acknowledgements, ends.

::

    agent -> StatusUpdated -> Update -> framework      resources free once latest is terminal
    framework -> Acknowledge -> AcknowledgeStatus -> agent      terminal: task completed
"""

from __future__ import annotations

from mesostw.core.master import kills
from mesostw.core.master.changes import TaskChanged, TaskForgotten, TaskRemoved, TaskStrayed
from mesostw.core.master.live import Peer
from mesostw.core.master.records import (
    TERMINAL,
    Framework,
    Task,
    TaskKey,
)
from mesostw.core.master.state import COMPLETED_TASKS_MAX, UNREACHABLE_TASKS_MAX
from mesostw.core.master.statuses import FINER, status_of_task, told, translated, with_status
from mesostw.core.master.turn import Turn
from mesostw.core.outcome import Send
from mesostw.messages.agent_master import (
    AcknowledgeStatus,
    ShutdownFramework,
    StatusUpdated,
)
from mesostw.messages.ids import FrameworkID
from mesostw.messages.scheduler_calls import Acknowledge
from mesostw.messages.scheduler_events import Update
from mesostw.messages.tasks import TaskStatusReason
from mesostw.model.ids import AgentId, FrameworkId, LinkId, TaskId
from mesostw.model.tasks import TaskState

#: Bytes of the uuid of a status.
UUID_BYTES = 16


def status_updated(turn: Turn, link: LinkId, peer: Peer, heard: StatusUpdated) -> None:
    """
    Tell the framework what an agent reports, and fold it into the task.

    The framework hears every report, also one that moves nothing: an agent repeats
    itself until acknowledged, and the one who acknowledges is the framework.
    """
    state = turn.state
    status = heard.status
    framework_id = FrameworkId(heard.framework_id.value)
    framework = state.frameworks.get(framework_id)
    if framework is None or peer.agent_id is None:
        _unwanted(turn, link, framework_id)
        return
    key: TaskKey = (framework_id, TaskId(status.task_id.value))
    if state.kills and (status.state in TERMINAL or heard.latest_state in TERMINAL):
        kills.settled(turn, peer.agent_id, key)
    task = state.tasks.get(key)
    if task is not None and task.agent_id != peer.agent_id:
        # Another task of that id runs elsewhere: this one must not stand in its way.
        turn.count("invalid_status_updates")
        _acknowledge(turn, link, heard)
        return
    if turn.live.condemned and key in turn.live.condemned:
        _finish_condemned(turn, link, key, task, heard)
        return
    if framework.link is not None:
        said = translated(status, framework) if status.state in FINER else status
        turn.effects.append(Send(framework.link, Update(status=said)))
    if task is None:
        turn.count("invalid_status_updates")
        return
    turn.count("valid_status_updates")
    _fold(turn, task, heard)


def _fold(turn: Turn, task: Task, heard: StatusUpdated) -> None:
    status = heard.status
    latest = heard.latest_state or status.state
    before = task.state
    if before in TERMINAL:
        # What has ended stays as it ended: the agent catches up with what it told before.
        latest = before
    after = with_status(task, status, latest)
    moved(turn, task, after)
    if not status.uuid and status.state in TERMINAL:
        complete(turn, after)


def moved(turn: Turn, before: Task, after: Task) -> None:
    """A task has another state or status; once it has ended it holds nothing."""
    turn.change(TaskChanged(after))
    if after.state in TERMINAL and before.state not in TERMINAL:
        _count_end(turn, after)
        turn.allocator.give_back(
            before.agent_id,
            before.framework_id,
            before.role,
            before.resources,
            now=turn.now.steady,
        )


def _count_end(turn: Turn, task: Task) -> None:
    state = task.state
    turn.count(f"{state.lower().replace('task_', 'tasks_', 1)}")
    if task.statuses:
        last = task.statuses[-1]
        if last.source is not None and last.reason is not None:
            source = last.source.lower()
            turn.count(f"{state.lower()}/{source}/{last.reason.lower()}")


def _unwanted(turn: Turn, link: LinkId, framework_id: FrameworkId) -> None:
    """A status of a framework that is removed, or not known: have a removed one ended."""
    turn.count("invalid_status_updates")
    if framework_id in turn.state.completed_frameworks:
        shut = ShutdownFramework(framework_id=FrameworkID(value=framework_id), epoch=turn.epoch)
        turn.send(link, shut)


def _finish_condemned(
    turn: Turn, link: LinkId, key: TaskKey, task: Task | None, heard: StatusUpdated
) -> None:
    """The framework was told that the task is lost: the master acknowledges in its place."""
    status = heard.status
    if task is not None:
        _fold(turn, task, heard)
    _acknowledge(turn, link, heard)
    if status.state in TERMINAL:
        ended = turn.state.tasks.get(key)
        if ended is not None:
            complete(turn, ended)
        turn.live.condemned.pop(key, None)


def _acknowledge(turn: Turn, link: LinkId, heard: StatusUpdated) -> None:
    """Have the agent go on: no framework will acknowledge this."""
    status = heard.status
    if status.uuid:
        acknowledge = AcknowledgeStatus(
            framework_id=heard.framework_id, task_id=status.task_id, uuid=status.uuid
        )
        turn.send(link, acknowledge)


def acknowledged(turn: Turn, framework: Framework, heard: Acknowledge) -> None:
    """Pass an acknowledgement on; one of a terminal status completes its task."""
    state = turn.state
    agent = state.agents.get(AgentId(heard.agent_id.value))
    if agent is None or agent.link is None or len(heard.uuid) != UUID_BYTES:
        # The agent repeats the status when it is back, and is acknowledged then.
        turn.count("invalid_status_update_acknowledgements")
        return
    turn.count("valid_status_update_acknowledgements")
    task = state.tasks.get((framework.id, TaskId(heard.task_id.value)))
    if (
        task is not None
        and task.update_uuid == heard.uuid
        and task.update_state in TERMINAL
        and task.agent_id == agent.id
    ):
        complete(turn, task)
    turn.effects.append(
        Send(
            agent.link,
            AcknowledgeStatus(
                framework_id=FrameworkID(value=framework.id),
                task_id=heard.task_id,
                uuid=heard.uuid,
            ),
        )
    )


def complete(turn: Turn, task: Task) -> None:
    """Nothing more is to be said of ``task``, which has ended: remember it for a while."""
    turn.change(TaskRemoved(task))
    if turn.live.kills:
        kills.completed(turn, task)
    completed = turn.state.framework_loads[task.framework_id].completed
    if len(completed) > COMPLETED_TASKS_MAX:
        turn.change(TaskForgotten(task.framework_id, next(iter(completed))))


def ended(turn: Turn, task: Task, state: TaskState, reason: TaskStatusReason, message: str) -> None:
    """
    Say that ``task`` ended in ``state``: decided here, so nobody acknowledges it.

    One that had ended already, and waited for an acknowledgement, is just completed.  One whose
    agent is unreachable, or came back without it, holds nothing.
    """
    if task.state in TERMINAL:
        complete(turn, task)
        return
    is_held = task.key in turn.state.tasks
    aware = turn.is_aware(task.framework_id)
    status = status_of_task(task, told(state, aware=aware), reason, message, wall=turn.now.wall)
    gone = with_status(task, status, told(state, aware=aware))
    _count_end(turn, gone)
    turn.tell(task.framework_id, Update(status=status))
    complete(turn, gone)
    if is_held:
        turn.allocator.give_back(
            task.agent_id, task.framework_id, task.role, task.resources, now=turn.now.steady
        )


def buried(
    turn: Turn, task: Task, state: TaskState, reason: TaskStatusReason, message: str
) -> None:
    """
    End ``task``, whose agent never comes back.

    If it had ended by itself, and its agent had not come to say so, that is said here.
    """
    if task.state in TERMINAL and task.update_state not in TERMINAL:
        end = told(task.state, aware=turn.is_aware(task.framework_id))
        status = status_of_task(task, end, reason, message, wall=turn.now.wall)
        turn.tell(task.framework_id, Update(status=status))
        task = with_status(task, status, task.state)
    ended(turn, task, state, reason, message)


def strayed(turn: Turn, task: Task) -> None:
    """The agent of ``task`` is unreachable; the allocator forgets the agent as a whole."""
    if task.state in TERMINAL:
        complete(turn, task)
        return
    wall = turn.now.wall
    aware = turn.is_aware(task.framework_id)
    status = status_of_task(
        task,
        told(TaskState.TASK_UNREACHABLE, aware=aware),
        TaskStatusReason.REASON_AGENT_REMOVED,
        f"Agent {task.agent_id} is unreachable",
        wall=wall,
        unreachable=wall,
    )
    turn.tell(task.framework_id, Update(status=status))
    turn.change(TaskStrayed(with_status(task, status, TaskState.TASK_UNREACHABLE)))
    unreachable = turn.state.framework_loads[task.framework_id].unreachable
    if len(unreachable) > UNREACHABLE_TASKS_MAX:
        turn.change(TaskForgotten(task.framework_id, next(iter(unreachable))))
