"""What masters and operators ask to be ended: tasks, executors, frameworks, the agent."""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.agent import exits
from mesostw.core.agent.changes import (
    Cause,
    Ending,
    Executor,
    ExecutorPhase,
    Framework,
    FrameworkChanged,
    Task,
    TaskChanged,
)
from mesostw.core.agent.endings import end_run, grace_of
from mesostw.core.agent.frameworks import left, settled
from mesostw.core.agent.turn import Turn
from mesostw.core.agent.updates import removed, said, unknown
from mesostw.core.outcome import Send
from mesostw.messages import executor_events
from mesostw.messages.agent_master import KillTask, ShutdownExecutor, ShutdownFramework
from mesostw.messages.health import KillPolicy
from mesostw.messages.tasks import TaskState, TaskStatusReason, TaskStatusSource
from mesostw.model.ids import ExecutorId, FrameworkId, TaskId
from mesostw.model.tasks import TERMINAL


def task_kill_asked(turn: Turn, heard: KillTask) -> None:
    """End a task; one that has ended is left alone, an unknown one reported as such."""
    key = FrameworkId(heard.framework_id.value), TaskId(heard.task_id.value)
    task = turn.state.tasks.get(key)
    if task is None:
        unknown(
            turn,
            key,
            aware=turn.state.partition_aware(key[0]),
            reason=TaskStatusReason.REASON_TASK_UNKNOWN,
            message="The task to kill is not known to the agent",
        )
    elif task.state in TERMINAL:
        return
    elif task.built_in:
        end_run(turn, task, Cause.KILLED, grace_of(task, heard.kill_policy))
    elif task.delivered:
        _ask_executor(turn, task, heard.kill_policy)
    else:
        _drop_queued(turn, task)


def _ask_executor(turn: Turn, task: Task, policy: KillPolicy | None) -> None:
    if task.ending is None:
        ending = Ending(Cause.KILLED, grace_of(task, policy))
        turn.change(TaskChanged(replace(task, ending=ending)))
    link = turn.live.link_of.get(task.executor_key)
    if link is not None:
        kill = executor_events.Kill(task_id=task.info.task_id, kill_policy=policy)
        turn.do(Send(link, kill))


def _drop_queued(turn: Turn, task: Task) -> None:
    """A task that waits for its executor ends at once, with the group it came in."""
    for one in turn.state.tasks_of(task.executor_key):
        if one.key == task.key or (one.group and one.group == task.group):
            if one.state in TERMINAL:
                continue
            said(
                turn,
                one,
                TaskState.TASK_KILLED,
                source=TaskStatusSource.SOURCE_AGENT,
                reason=TaskStatusReason.REASON_TASK_KILLED_DURING_LAUNCH,
                message="Killed before delivery to the executor",
            )
    executor = turn.state.executors.get(task.executor_key)
    if executor is None or executor.phase is not ExecutorPhase.REGISTERING:
        return
    if all(one.state in TERMINAL for one in turn.state.tasks_of(task.executor_key)):
        exits.shut_down(turn, executor, Cause.SHUT_DOWN)


def executor_shutdown_asked(turn: Turn, heard: ShutdownExecutor) -> None:
    """End an executor and its tasks; a built-in task is an executor of its own."""
    framework_id = FrameworkId(heard.framework_id.value)
    executor = turn.state.executors.get((framework_id, ExecutorId(heard.executor_id.value)))
    if executor is not None:
        exits.shut_down(turn, executor, Cause.SHUT_DOWN)
        return
    task = turn.state.tasks.get((framework_id, TaskId(heard.executor_id.value)))
    if task is not None and task.built_in and task.state not in TERMINAL:
        end_run(turn, task, Cause.SHUT_DOWN, turn.flags.executor_shutdown_grace_s)


def framework_shutdown_asked(turn: Turn, heard: ShutdownFramework) -> None:
    """End all of a framework that has been removed; nothing of it is reported any more."""
    framework = turn.state.frameworks.get(FrameworkId(heard.framework_id.value))
    if framework is not None:
        end_framework(turn, framework)


def end_framework(turn: Turn, framework: Framework) -> None:
    """End everything of ``framework``; asked again, or in a later life, go on with it."""
    if not framework.terminating:
        turn.change(FrameworkChanged(replace(framework, terminating=True)))
    tasks = [task for key, task in turn.state.tasks.items() if key[0] == framework.id]
    executors: list[Executor] = [
        executor for key, executor in turn.state.executors.items() if key[0] == framework.id
    ]
    for task in tasks:
        if task.state in TERMINAL:
            removed(turn, task)
        elif task.built_in:
            end_run(turn, task, Cause.FRAMEWORK_REMOVED, turn.flags.executor_shutdown_grace_s)
    for executor in executors:
        exits.shut_down(turn, executor, Cause.FRAMEWORK_REMOVED)
    settled(turn, framework.id)


def agent_shutdown_asked(turn: Turn, message: str) -> None:
    """End everything, then leave; the master or an operator says why in ``message``."""
    if turn.live.leaving is None:
        turn.live.leaving = message or "told to shut down"
    for framework in list(turn.state.frameworks.values()):
        end_framework(turn, framework)
    left(turn)
