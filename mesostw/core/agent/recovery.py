"""
Starting again: what the last life left, and what became of it meanwhile.

All records come back as they were.  Tasks that had not reached their executor are
dropped; the launcher is asked about every container, and its answers are the same words
that it says of new ones.  The master is dialled once all answers are there and executors
that live have subscribed again, or have had their time to.

Note [A changed agent]
    A restart may not change what frameworks count on.  With the policy ``equal`` the
    hostname, resources and attributes must be the same, with ``additive`` they may gain:
    more resources, new attributes.  The port may change unless a custom executor lives,
    for that one could not find the agent again.
"""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.agent import endings, executors, exits, fetching, health, launches
from mesostw.core.agent.changes import (
    Executor,
    ExecutorChanged,
    Framework,
    FrameworkChanged,
    Identity,
    IdentityChanged,
    Task,
    TaskChanged,
)
from mesostw.core.agent.containers import ContainerExited, ContainerFailed, ContainerStarted
from mesostw.core.agent.environment import seconds
from mesostw.core.agent.fetches import Fetched, FetchFailed
from mesostw.core.agent.kills import agent_shutdown_asked
from mesostw.core.agent.registration import agent_info, begin
from mesostw.core.agent.turn import Turn
from mesostw.core.agent.updates import lost_state, said
from mesostw.core.agent.words import (
    CompletionTimeOver,
    ForgetContainer,
    Quit,
    RecoverContainers,
)
from mesostw.core.outcome import Arm, Records
from mesostw.messages.agents import AgentInfo
from mesostw.messages.convert import resources_of
from mesostw.messages.tasks import TaskState, TaskStatusReason, TaskStatusSource
from mesostw.model.ids import ContainerId
from mesostw.model.tasks import TERMINAL

#: What a task is in that is not known to have run; STAGING while its files come.
_NEVER_RAN = (TaskState.TASK_STAGING, TaskState.TASK_STARTING)


def restored(turn: Turn, records: Records) -> None:
    """Take up what a store kept of earlier lives."""
    for _, record in records:
        match record:
            case Identity():
                turn.change(IdentityChanged(record))
            case Framework():
                turn.change(FrameworkChanged(record))
            case Executor():
                turn.change(ExecutorChanged(record))
            case Task():
                turn.change(TaskChanged(record))
            case _:
                raise TypeError(f"no record of an agent: {record!r}")
    fault = misfit(turn)
    if fault is not None:
        turn.live.quitting = True
        turn.do(Quit(fault, failed=True))
        return
    _tasks_restored(turn)
    _containers_restored(turn)
    if turn.flags.recover == "cleanup":
        agent_shutdown_asked(turn, "recover=cleanup")
    begin(turn)


def _tasks_restored(turn: Turn) -> None:
    for task in list(turn.state.tasks.values()):
        if task.state in TERMINAL:
            continue
        if not task.delivered:
            said(
                turn,
                task,
                lost_state(turn, task.framework_id),
                source=TaskStatusSource.SOURCE_AGENT,
                reason=TaskStatusReason.REASON_AGENT_RESTARTED,
                message="The agent was restarted before the task reached its executor",
            )
        elif not task.built_in and task.executor_key not in turn.state.executors:
            said(
                turn,
                task,
                TaskState.TASK_FAILED,
                source=TaskStatusSource.SOURCE_AGENT,
                reason=TaskStatusReason.REASON_EXECUTOR_TERMINATED,
                message="The executor is not known to the restarted agent",
            )
        elif task.built_in and task.info.max_completion_time is not None:
            limit_s = seconds(task.info.max_completion_time, 0)
            left_s = task.launched + limit_s - turn.now.wall
            timer = CompletionTimeOver(task.container_id)
            turn.do(Arm(timer, min(max(left_s, 0.0), limit_s)))


def _containers_restored(turn: Turn) -> None:
    state = turn.state
    containers = (*state.containers, *state.executor_containers)
    turn.live.unheard.update(containers)
    turn.do(RecoverContainers(containers))


def misfit(turn: Turn) -> str | None:
    """Why this agent may not go on under its old id; see Note [A changed agent]."""
    before, now = turn.state.identity.info, agent_info(turn)
    if before is None:
        return None
    what = _changed(before, now, additive=turn.flags.reconfiguration_policy == "additive")
    if what is None and before.port != now.port and turn.state.executors:
        what = f"port {before.port} is now {now.port} while executors know the old one"
    if what is None:
        return None
    return (
        f"the agent is not what it was ({what}), and reconfiguration_policy is "
        f"{turn.flags.reconfiguration_policy}; undo the change, or remove the agent's "
        f"records in {turn.flags.work_dir}/meta to make it a new agent"
    )


def _changed(before: AgentInfo, now: AgentInfo, *, additive: bool) -> str | None:
    if before.hostname != now.hostname:
        return f"hostname {before.hostname} is now {now.hostname}"
    old, new = resources_of(before.resources), resources_of(now.resources)
    if old != new and not (additive and new.contains(old)):
        return f"resources {old} are now {new}"
    gone = set(before.attributes) - set(now.attributes)
    if gone or (not additive and len(before.attributes) != len(now.attributes)):
        return "attributes have changed"
    return None


# --- what the launcher tells, of new containers and old ones -----------------


def container_started(turn: Turn, heard: ContainerStarted) -> None:
    """A container runs."""
    recovered = _heard_of(turn, heard.container_id)
    task = _task_in(turn, heard.container_id)
    if task is not None:
        launches.started(turn, task, heard)
    key = turn.state.executor_containers.get(heard.container_id)
    if key is not None:
        exits.started(turn, turn.state.executors[key], heard, recovered=recovered)
    if recovered:
        begin(turn)


def fetched(turn: Turn, heard: Fetched) -> None:
    """The files of a container are there: now it is launched."""
    if not fetching.over(turn, heard.container_id):
        return
    turn.count("containerizer/fetcher/task_fetches_succeeded")
    task = _task_in(turn, heard.container_id)
    if task is not None:
        launches.launched(turn, task)
    key = turn.state.executor_containers.get(heard.container_id)
    if key is not None:
        executors.launched(turn, turn.state.executors[key])


def fetch_failed(turn: Turn, heard: FetchFailed) -> None:
    """The files of a container are not to be had: it has failed without having been launched."""
    if not fetching.over(turn, heard.container_id):
        return
    turn.count("containerizer/fetcher/task_fetches_failed")
    failure = ContainerFailed(heard.container_id, "FETCH", heard.message)
    task = _task_in(turn, heard.container_id)
    if task is not None:
        launches.failed(turn, task, failure)
    key = turn.state.executor_containers.get(heard.container_id)
    if key is not None:
        exits.exited(turn, turn.state.executors[key], failure)


def container_ended(turn: Turn, heard: ContainerExited | ContainerFailed) -> None:
    """A container has ended, or never came to run."""
    # A launcher knows nothing of a container that waits for files; whatever it says, it is over.
    fetching.cancelled(turn, heard.container_id)
    recovered = _heard_of(turn, heard.container_id)
    task = _task_in(turn, heard.container_id)
    key = turn.state.executor_containers.get(heard.container_id)
    if key is not None:
        exits.exited(turn, turn.state.executors[key], heard)
    else:
        if task is not None:
            _task_ended(turn, task, heard, recovered=recovered)
        health.run_ended(turn, heard)
        turn.do(ForgetContainer(heard.container_id))
    if recovered:
        begin(turn)


def _task_ended(
    turn: Turn, task: Task, heard: ContainerExited | ContainerFailed, *, recovered: bool
) -> None:
    if isinstance(heard, ContainerFailed):
        launches.failed(turn, task, heard)
    elif recovered and heard.status is None and task.state in _NEVER_RAN:
        endings.forget(turn, task)
        said(
            turn,
            replace(task, ending=None),
            lost_state(turn, task.framework_id),
            source=TaskStatusSource.SOURCE_AGENT,
            reason=TaskStatusReason.REASON_AGENT_RESTARTED,
            message="The agent was restarted before the task was known to run",
        )
    else:
        endings.ended(turn, task, status=heard.status, message=heard.message)


def _heard_of(turn: Turn, container_id: ContainerId) -> bool:
    """Whether this is the first word of a container of the last life."""
    if container_id not in turn.live.unheard:
        return False
    turn.live.unheard.discard(container_id)
    return True


def _task_in(turn: Turn, container_id: ContainerId) -> Task | None:
    key = turn.state.containers.get(container_id)
    return None if key is None else turn.state.tasks[key]
