"""
Tasks that come to this agent.

A task with a command is run by the built-in command executor: the agent itself, which
says STARTING when the container is asked for and RUNNING when it runs.  A task with an
executor goes to that executor, which is started if it is not there.
"""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.agent import executors, fetching, health
from mesostw.core.agent.changes import Framework, Task, TaskChanged
from mesostw.core.agent.containers import ContainerFailed, ContainerStarted
from mesostw.core.agent.endings import ended, forget, kill_again
from mesostw.core.agent.environment import (
    sandbox,
    seconds,
    shared_environment,
    spec_of_task,
    user_of,
)
from mesostw.core.agent.frameworks import met
from mesostw.core.agent.support import invalid, unsupported
from mesostw.core.agent.turn import Turn
from mesostw.core.agent.updates import lost_state, said
from mesostw.core.agent.words import CompletionTimeOver, Launch
from mesostw.core.outcome import Arm
from mesostw.messages import (
    CommandInfo,
    ExecutorInfo,
    FrameworkInfo,
    TaskInfo,
    TaskState,
    TaskStatusReason,
    TaskStatusSource,
)
from mesostw.messages.agent_master import RunTask, RunTaskGroup
from mesostw.model.ids import ExecutorId, FrameworkId, TaskId

AGENT = TaskStatusSource.SOURCE_AGENT
NO_GROUP = TaskId("")
NO_ROOM = "The agent's disk is full: there is no room to keep a record of the task"


def sent(turn: Turn, heard: RunTask) -> None:
    """A master wants ``heard.task`` to run; one that is known already is a repetition."""
    _arrived(turn, heard.framework, heard.task)


def group_sent(turn: Turn, heard: RunTaskGroup) -> None:
    """A master wants a group to run in one executor: all of it or none."""
    tasks = [_in_executor(task, heard.executor) for task in heard.group.tasks]
    fault = next(filter(None, map(unsupported, tasks)), None)
    group = TaskId(tasks[0].task_id.value) if tasks else NO_GROUP
    for task in tasks:
        _arrived(turn, heard.framework, task, fault, group)
    if heard.framework.id is not None:
        framework_id = FrameworkId(heard.framework.id.value)
        executors.deliver(turn, (framework_id, ExecutorId(heard.executor.executor_id.value)))


def _in_executor(task: TaskInfo, executor: ExecutorInfo) -> TaskInfo:
    return replace(task, executor=executor)


def _arrived(
    turn: Turn,
    framework_info: FrameworkInfo,
    info: TaskInfo,
    fault: str | None = None,
    group: TaskId = NO_GROUP,
) -> None:
    if framework_info.id is None:
        return
    key = FrameworkId(framework_info.id.value), TaskId(info.task_id.value)
    if key in turn.state.tasks:
        turn.count("repeated_tasks")
        return
    framework = met(turn, key[0], framework_info)
    executor_id = key[1] if info.executor is None else info.executor.executor_id.value
    task = Task(
        framework_id=key[0],
        info=info,
        executor_id=ExecutorId(executor_id),
        state=TaskState.TASK_STAGING,
        launched=turn.now.wall,
        group=group,
    )
    if not _refused(turn, framework, task, fault):
        if info.executor is None:
            _run(turn, framework, task)
        else:
            executors.given(turn, framework, task, info.executor)
            if not group:
                executors.deliver(turn, task.executor_key, task.key)


def _refused(turn: Turn, framework: Framework, task: Task, fault: str | None) -> bool:
    """Whether ``task`` cannot be run here; then it has been told why."""
    if framework.terminating or turn.live.leaving is not None:
        message = "The framework has been removed" if framework.terminating else "Agent is leaving"
        said(
            turn,
            task,
            lost_state(turn, framework.id),
            message=message,
            source=AGENT,
            reason=TaskStatusReason.REASON_EXECUTOR_TERMINATED,
        )
        return True
    grouped = task.group != NO_GROUP
    error = invalid(task.info, turn.state.identity.agent_id, grouped=grouped)
    if error is not None:
        said(
            turn,
            task,
            TaskState.TASK_ERROR,
            message=error,
            source=AGENT,
            reason=TaskStatusReason.REASON_TASK_INVALID,
        )
        return True
    fault = fault or unsupported(task.info) or (NO_ROOM if turn.state.full else None)
    if fault is not None:
        said(
            turn,
            task,
            TaskState.TASK_FAILED,
            message=fault,
            source=AGENT,
            reason=TaskStatusReason.REASON_CONTAINER_LAUNCH_FAILED,
        )
        return True
    return False


def _run(turn: Turn, framework: Framework, task: Task) -> None:
    container_id = turn.names.container_id()
    agent_id = turn.state.identity.agent_id
    command = task.info.command or CommandInfo()
    task = replace(
        task,
        container_id=container_id,
        directory=sandbox(turn.flags, agent_id, task.framework_id, task.executor_id, container_id),
        user=user_of(turn.flags, command, framework.info),
        built_in=True,
        delivered=True,
    )
    if fetching.begun(turn, container_id, command, task.directory, task.user):
        turn.change(TaskChanged(task))
    else:
        launched(turn, task)


def launched(turn: Turn, task: Task) -> None:
    """Have the container of a built-in task started; its files, if any, are there."""
    agent_id = turn.state.identity.agent_id
    said(turn, task, TaskState.TASK_STARTING)
    turn.do(Launch(spec_of_task(task, shared_environment(turn.flags, agent_id))))
    limit = task.info.max_completion_time
    if limit is not None:
        turn.do(Arm(CompletionTimeOver(task.container_id), seconds(limit, 0)))


def started(turn: Turn, task: Task, heard: ContainerStarted) -> None:
    """The process of a built-in task runs, perhaps since an earlier life."""
    known = task.pid == heard.pid
    if known and task.ending is None:
        health.begun(turn, task, anew=True)
        return
    if known and task.container_id in turn.live.deadlines:
        return
    task = replace(task, pid=heard.pid)
    if task.ending is not None:
        kill_again(turn, task)
    elif task.state is TaskState.TASK_STARTING:
        health.begun(turn, said(turn, task, TaskState.TASK_RUNNING))


def failed(turn: Turn, task: Task, heard: ContainerFailed) -> None:
    """The container of a built-in task could not be started."""
    if task.ending is not None:
        ended(turn, task, status=None, message=heard.message)
        return
    forget(turn, task)
    said(
        turn,
        task,
        TaskState.TASK_FAILED,
        source=AGENT,
        reason=TaskStatusReason.REASON_CONTAINER_LAUNCH_FAILED,
        message=f"Failed to launch container: {heard.message}",
    )
