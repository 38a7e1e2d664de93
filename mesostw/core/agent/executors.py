"""
Custom executors: processes of a framework's own that run its tasks.

An executor is started with its first task, subscribes over the bus or an HTTP stream
(both are links), and then is given what waits for it.  It repeats each status until
the agent, having kept it, acknowledges.  Several tasks share one executor.
"""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.agent import fetching, routes
from mesostw.core.agent.changes import (
    Executor,
    ExecutorChanged,
    ExecutorKey,
    ExecutorPhase,
    Framework,
    Task,
    TaskChanged,
    TaskKey,
)
from mesostw.core.agent.environment import (
    sandbox,
    shared_environment,
    spec_of_executor,
    user_of,
)
from mesostw.core.agent.flags import EXECUTOR_HEARTBEAT_S, SEEN_UUIDS_MAX
from mesostw.core.agent.registration import agent_info
from mesostw.core.agent.turn import Turn
from mesostw.core.agent.updates import joined, lost_state, said
from mesostw.core.agent.words import ExecutorTimeOver, HeartbeatDue, Launch
from mesostw.core.outcome import Arm, Close, Disarm, LinkOpened, Send
from mesostw.messages import executor_calls, executor_events
from mesostw.messages.agent_master import FrameworkMessage
from mesostw.messages.commands import CommandInfo
from mesostw.messages.ids import AgentID, ContainerID, ExecutorID, FrameworkID, TaskID
from mesostw.messages.tasks import (
    ExecutorInfo,
    TaskGroupInfo,
    TaskState,
    TaskStatusReason,
    TaskStatusSource,
)
from mesostw.model.ids import ExecutorId, FrameworkId, LinkId, TaskId
from mesostw.model.tasks import TERMINAL


def given(turn: Turn, framework: Framework, task: Task, info: ExecutorInfo) -> None:
    """Hand ``task`` to its executor, which is started if it is not there."""
    executor = turn.state.executors.get(task.executor_key)
    if executor is None:
        executor = _start(turn, framework, info)
    elif executor.phase is ExecutorPhase.TERMINATING:
        said(
            turn,
            task,
            lost_state(turn, framework.id),
            message="The executor is terminating",
            source=TaskStatusSource.SOURCE_AGENT,
            reason=TaskStatusReason.REASON_EXECUTOR_TERMINATED,
        )
        return
    task = replace(
        task,
        container_id=executor.container_id,
        directory=executor.directory,
        user=executor.user,
    )
    turn.change(TaskChanged(task))


def _start(turn: Turn, framework: Framework, info: ExecutorInfo) -> Executor:
    container_id = turn.names.container_id()
    agent_id = turn.state.identity.agent_id
    executor_id = ExecutorId(info.executor_id.value)
    executor = Executor(
        framework_id=framework.id,
        info=replace(info, framework_id=FrameworkID(value=framework.id)),
        container_id=container_id,
        directory=sandbox(turn.flags, agent_id, framework.id, executor_id, container_id),
        user=user_of(turn.flags, info.command or CommandInfo(), framework.info),
        launched=turn.now.wall,
    )
    turn.change(ExecutorChanged(executor))
    command = info.command or CommandInfo()
    if not fetching.begun(turn, container_id, command, executor.directory, executor.user):
        launched(turn, executor)
    return executor


def launched(turn: Turn, executor: Executor) -> None:
    """Have an executor's container started; its files, if any, are there."""
    shared = shared_environment(turn.flags, turn.state.identity.agent_id)
    turn.do(Launch(spec_of_executor(executor, shared)))
    timeout_s = turn.flags.executor_registration_timeout_s
    turn.do(Arm(ExecutorTimeOver(executor.container_id), timeout_s))


def deliver(turn: Turn, key: ExecutorKey, only: TaskKey | None = None) -> None:
    """Give an executor that is subscribed what waits for it, or one task; groups as groups."""
    link = turn.live.link_of.get(key)
    executor = turn.state.executors.get(key)
    if link is None or executor is None or executor.phase is not ExecutorPhase.RUNNING:
        return
    groups: dict[TaskId, list[Task]] = {}
    waiting = turn.state.tasks_of(key) if only is None else [turn.state.tasks[only]]
    for task in waiting:
        if task.delivered or task.state in TERMINAL:
            continue
        turn.change(TaskChanged(replace(task, delivered=True)))
        if task.group:
            groups.setdefault(task.group, []).append(task)
        else:
            turn.do(Send(link, executor_events.Launch(task=task.info)))
    for group in groups.values():
        tasks = tuple(task.info for task in group)
        turn.do(Send(link, executor_events.LaunchGroup(task_group=TaskGroupInfo(tasks=tasks))))


# --- what an executor says --------------------------------------------------


def opened(turn: Turn, heard: LinkOpened) -> None:
    """Somebody says that they are an executor: ``<framework id>/<executor id>``."""
    framework_id, _, executor_id = heard.peer.partition("/")
    turn.live.executor_of[heard.link] = FrameworkId(framework_id), ExecutorId(executor_id)
    if heard.version == "http":
        turn.live.streams.add(heard.link)


def subscribed(turn: Turn, link: LinkId, call: executor_calls.Subscribe) -> None:
    """An executor registers, or comes back and tells what it has that we may not know."""
    live = turn.live
    key = live.executor_of[link]
    executor = turn.state.executors.get(key)
    framework = turn.state.frameworks.get(key[0])
    if executor is None or framework is None:
        message = f"Executor {key[1]} of framework {key[0]} is not known to this agent"
        turn.do(Send(link, executor_events.Error(message=message)))
        turn.do(Close(link, message))
        return
    before = live.link_of.get(key)
    if before is not None and before != link:
        turn.do(Close(before, "the executor has subscribed on another link"))
        live.executor_of.pop(before, None)
    if not live.link_of:
        turn.do(Arm(HeartbeatDue(), EXECUTOR_HEARTBEAT_S))
    live.link_of[key] = link
    turn.do(Send(link, _welcome(turn, executor, framework)))
    if executor.phase is ExecutorPhase.TERMINATING:
        turn.do(Send(link, executor_events.Shutdown()))
    else:
        turn.do(Disarm(ExecutorTimeOver(executor.container_id)))
        live.awaited.discard(executor.container_id)
        if executor.phase is not ExecutorPhase.RUNNING:
            turn.change(ExecutorChanged(replace(executor, phase=ExecutorPhase.RUNNING)))
    _merge(turn, link, key, call)
    deliver(turn, key)
    routes.restored(turn, key)


def _welcome(turn: Turn, executor: Executor, framework: Framework) -> executor_events.Subscribed:
    return executor_events.Subscribed(
        executor_info=executor.info,
        framework_info=framework.info,
        agent_info=agent_info(turn),
        container_id=ContainerID(value=executor.container_id),
    )


def _merge(turn: Turn, link: LinkId, key: ExecutorKey, call: executor_calls.Subscribe) -> None:
    for update in call.unacknowledged_updates:
        updated(turn, link, update)
    held = {task.task_id.value for task in call.unacknowledged_tasks}
    for task in turn.state.tasks_of(key):
        if not task.delivered or task.state in TERMINAL:
            continue
        if task.state is TaskState.TASK_STAGING and task.info.task_id.value not in held:
            said(
                turn,
                task,
                lost_state(turn, key[0]),
                source=TaskStatusSource.SOURCE_AGENT,
                reason=TaskStatusReason.REASON_AGENT_RESTARTED,
                message="The task never reached its executor",
            )
        elif task.ending is not None:
            turn.do(Send(link, executor_events.Kill(task_id=task.info.task_id)))


def updated(turn: Turn, link: LinkId, call: executor_calls.Update) -> None:
    """An executor reports on a task; what is known or makes no sense is only acknowledged."""
    status = call.status
    uuid = status.uuid
    if uuid is None or len(uuid) != 16:
        turn.count("invalid_status_updates")
        return
    key = turn.live.executor_of[link]
    task = turn.state.tasks.get((key[0], TaskId(status.task_id.value)))
    if (
        task is None
        or task.built_in
        or task.executor_id != key[1]
        or task.state in TERMINAL
        or status.state is TaskState.TASK_STAGING
    ):
        turn.count("invalid_status_updates")
    elif uuid in task.seen:
        turn.count("repeated_status_updates")
    else:
        turn.count("valid_status_updates")
        task = replace(task, delivered=True, seen=(*task.seen, uuid)[-SEEN_UUIDS_MAX:])
        joined(turn, task, replace(status, source=TaskStatusSource.SOURCE_EXECUTOR))
    turn.do(Send(link, executor_events.Acknowledged(task_id=status.task_id, uuid=uuid)))


def spoke(turn: Turn, link: LinkId, call: executor_calls.Message) -> None:
    """Bytes for the scheduler, which may be lost."""
    framework_id, executor_id = turn.live.executor_of[link]
    turn.tell_master(
        FrameworkMessage(
            framework_id=FrameworkID(value=framework_id),
            agent_id=AgentID(value=turn.state.identity.agent_id),
            executor_id=ExecutorID(value=executor_id),
            data=call.data,
            to_executor=False,
        )
    )


def spoken_to(turn: Turn, heard: FrameworkMessage) -> None:
    """Bytes for an executor; dropped if it is not there."""
    key = FrameworkId(heard.framework_id.value), ExecutorId(heard.executor_id.value)
    link = turn.live.link_of.get(key)
    if link is None:
        turn.count("invalid_framework_messages")
        return
    turn.count("valid_framework_messages")
    turn.do(Send(link, executor_events.Message(data=heard.data)))


def heartbeat_due(turn: Turn) -> None:
    """Tell every executor that we are here."""
    links = turn.live.link_of.values()
    for link in links:
        turn.do(Send(link, executor_events.Heartbeat()))
    if links:
        turn.do(Arm(HeartbeatDue(), EXECUTOR_HEARTBEAT_S))


def kill_of(task: Task) -> executor_events.Kill:
    """The event that asks an executor to end ``task``, by its own policy."""
    return executor_events.Kill(
        task_id=TaskID(value=task.info.task_id.value), kill_policy=task.info.kill_policy
    )
