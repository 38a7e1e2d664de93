"""
An agent that has an id comes back and tells all that it holds.

What the agent tells is true of its tasks and executors; what the master knows beside
that (a launch that was lost with the link) is put to the agent, which reports it lost.
Nothing is changed before all of it has been found to fit.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from mesostw.core.master import agents, kills, offers, recovery, routes, tasks
from mesostw.core.master.changes import (
    AgentChanged,
    AgentKept,
    ExecutorChanged,
    TaskChanged,
)
from mesostw.core.master.live import Peer
from mesostw.core.master.records import (
    TERMINAL,
    Agent,
    AgentState,
    Executor,
    ExecutorKey,
    Task,
    TaskKey,
)
from mesostw.core.master.statuses import status_of_task, with_status
from mesostw.core.master.turn import Turn
from mesostw.core.outcome import Close
from mesostw.messages.agent_master import (
    AgentReregistered,
    ReconcileTasks,
    ReregisterAgent,
    ShutdownFramework,
)
from mesostw.messages.convert import resources_of
from mesostw.messages.ids import AgentID, FrameworkID, TaskID
from mesostw.messages.resources import Resource
from mesostw.messages.scheduler_events import Update
from mesostw.messages.tasks import TaskStatusReason
from mesostw.model.ids import AgentId, ExecutorId, FrameworkId, LinkId, TaskId
from mesostw.model.names import id_fault
from mesostw.model.resources import EMPTY, Resources, ResourcesError
from mesostw.model.tasks import TaskState


class _Told:
    """What an agent told, as the master's own records."""

    __slots__ = ("doubles", "executors", "lacking", "removed", "same", "tasks", "total")

    def __init__(self, total: Resources) -> None:
        self.total = total
        #: The last task's resources: those of an agent's tasks are mostly alike.
        self.same: tuple[tuple[Resource, ...], Resources] = ((), EMPTY)
        self.tasks: dict[TaskKey, Task] = {}
        self.executors: dict[ExecutorKey, Executor] = {}
        #: Tasks that the master has on the agent and the agent did not tell of.
        self.lacking: list[Task] = []
        #: Tasks whose framework has another of that id elsewhere by now: to be killed.
        self.doubles: list[TaskKey] = []
        #: Frameworks that are to be ended there.
        self.removed: dict[FrameworkId, None] = {}


def reregistered(turn: Turn, link: LinkId, peer: Peer, heard: ReregisterAgent) -> None:
    """Take an agent and its tasks in again."""
    turn.count("messages_reregister_slave")
    agent_id = AgentId("" if heard.agent.id is None else heard.agent.id.value)
    fault = id_fault(agent_id)
    if fault is not None or peer.agent_id not in {None, agent_id}:
        agents.refused(turn, link, f"agent.id {fault or 'is another than before on this link'}")
        return
    known = turn.state.agents.get(agent_id)
    if known is not None and known.state is AgentState.GONE:
        turn.send(link, agents.shutdown_of_gone(turn))
        return
    told = _read(turn, link, agent_id, heard)
    if told is None:
        return
    _linked(turn, link, known)
    returning = known is not None and known.state is AgentState.UNREACHABLE
    agent = _take_in(turn, link, known, heard, told, agent_id)
    agents.joined(turn, peer, agent_id)
    _merge(turn, agent, told, returning=returning)
    if returning:
        _missed(turn, agent, told)
    _answer(turn, agent, told)
    kills.repeated(turn, agent, told.doubles)


def _linked(turn: Turn, link: LinkId, known: Agent | None) -> None:
    """End the link that the agent had before, if it is another one."""
    if known is not None and known.link is not None and known.link != link:
        old = turn.live.links.get(known.link)
        if old is not None:
            old.agent_id = None
        routes.of_link(turn, known.link)
        turn.do(Close(known.link, "the agent came back on another link"))


# --- what it told -------------------------------------------------------------


def _read(turn: Turn, link: LinkId, agent_id: AgentId, heard: ReregisterAgent) -> _Told | None:
    """Turn what was told into records; an agent that tells nonsense is refused."""
    total = agents.total_of(turn, link, heard)
    if total is None:
        return None
    told = _Told(total)
    for info in heard.frameworks:
        recovery.framework_told(turn, info)
    try:
        _read_tasks(turn, told, agent_id, heard)
        _read_executors(turn, told, agent_id, heard)
        _fits(turn, told, agent_id)
    except ResourcesError as fault:
        agents.refused(turn, link, str(fault))
        return None
    return told


def _read_tasks(turn: Turn, told: _Told, agent_id: AgentId, heard: ReregisterAgent) -> None:
    state = turn.state
    for message in heard.tasks:
        framework_id = FrameworkId(message.framework_id.value)
        if framework_id not in state.frameworks:
            told.removed[framework_id] = None
            continue
        key = framework_id, TaskId(message.task_id.value)
        known = state.tasks.get(key)
        if known is not None:
            if known.agent_id == agent_id:
                told.tasks[key] = recovery.caught_up(known, message)
            else:
                told.doubles.append(key)
            continue
        if told.same[0] != message.resources:
            told.same = message.resources, resources_of(message.resources)
        task = recovery.task_told(turn, agent_id, framework_id, message, told.same[1])
        told.tasks[task.key] = task


def _read_executors(turn: Turn, told: _Told, agent_id: AgentId, heard: ReregisterAgent) -> None:
    for one in heard.executors:
        framework_id = FrameworkId(one.framework_id.value)
        if framework_id not in turn.state.frameworks:
            told.removed[framework_id] = None
            continue
        executor = Executor(
            ExecutorId(one.executor.executor_id.value),
            framework_id,
            agent_id,
            one.executor,
            recovery.role_told(turn, framework_id, one.executor.resources),
            resources_of(one.executor.resources),
        )
        told.executors[executor.key] = executor


def _fits(turn: Turn, told: _Told, agent_id: AgentId) -> None:
    """
    Raise if what is used is more than there is, or if something of it is used twice.

    A master that was deposed may still have a task whose port another task has by now.
    """
    held = [task.resources for task in told.tasks.values() if task.state not in TERMINAL]
    held += [executor.resources for executor in told.executors.values()]
    for key in turn.state.agent_load_of(agent_id).tasks:
        if key not in told.tasks:
            task = turn.state.tasks[key]
            told.lacking.append(task)
            held.append(task.held)
    left = told.total
    try:
        for resources in held:
            left = left - resources
    except ResourcesError as fault:
        raise ResourcesError(
            f"resources: tasks and executors use more than {told.total.text()} ({fault});"
            " give the agent back what it had"
        ) from None


# --- what it means ------------------------------------------------------------


def _take_in(
    turn: Turn,
    link: LinkId,
    known: Agent | None,
    heard: ReregisterAgent,
    told: _Told,
    agent_id: AgentId,
) -> Agent:
    """Make the agent active, in the registry too if that does not know it so."""
    turn.count("slave_reregistrations")
    inactive = known is not None and known.state is AgentState.INACTIVE
    agent = Agent(
        agent_id,
        heard.agent,
        told.total,
        AgentState.INACTIVE if inactive else AgentState.ACTIVE,
        link,
        heard.version,
        heard.capabilities,
        heard.address,
        turn.now.wall if known is None else known.registered,
        turn.now.wall,
    )
    if known is not None and known.is_registered:
        if known.total != told.total:
            offers.of_agent(turn, agent_id, "rescinded")
        turn.allocator.update_agent(
            agent_id,
            total=told.total,
            active=not inactive,
            forget_filters=known.info.attributes != heard.agent.attributes,
        )
    else:
        turn.allocator.add_agent(agent_id, told.total)
    if _is_kept(known, heard):
        turn.change(AgentChanged(agent))
    else:
        turn.change(AgentKept(agent))
    return agent


def _is_kept(known: Agent | None, heard: ReregisterAgent) -> bool:
    return (
        known is not None
        and known.state is not AgentState.UNREACHABLE
        and known.info == heard.agent
        and known.version == heard.version
    )


def _merge(turn: Turn, agent: Agent, told: _Told, *, returning: bool) -> None:
    """Make the master's tasks and executors of the agent those that the agent has."""
    state = turn.state
    charged: dict[tuple[FrameworkId, str], Resources] = {}
    for key, task in told.tasks.items():
        known = state.tasks.get(key)
        if known is None:
            _came_back(turn, agent, task, returning=returning)
            if task.state not in TERMINAL:
                held = charged.get((key[0], task.role), EMPTY)
                charged[key[0], task.role] = held + task.resources
        elif known is not task:
            tasks.moved(turn, known, task)
    for executor_key in tuple(state.agent_loads[agent.id].executors):
        if executor_key not in told.executors:
            agents.executor_removed(turn, state.executors[executor_key])
    for executor in told.executors.values():
        if executor.key not in state.executors:
            turn.change(ExecutorChanged(executor))
            held = charged.get((executor.framework_id, executor.role), EMPTY)
            charged[executor.framework_id, executor.role] = held + executor.resources
    if charged:
        _charge(turn, agent, charged)


def _missed(turn: Turn, agent: Agent, told: _Told) -> None:
    """
    End what had strayed with the agent and did not come back with it.

    A launch that was lost with the link, most often: its framework may wait for it, and nobody
    else would say before it asks.
    """
    for load in tuple(turn.state.framework_loads.values()):
        for task in tuple(load.unreachable.values()):
            if task.agent_id == agent.id and task.key not in told.tasks:
                tasks.ended(
                    turn,
                    task,
                    TaskState.TASK_GONE,
                    TaskStatusReason.REASON_AGENT_REREGISTERED,
                    f"Agent {agent.id} is back without it",
                )


def _charge(turn: Turn, agent: Agent, charged: Mapping[tuple[FrameworkId, str], Resources]) -> None:
    """Take what the agent turns out to use; it may have been offered meanwhile."""
    offers.of_agent(turn, agent.id, "rescinded")
    for (framework_id, role), resources in charged.items():
        turn.allocator.take(agent.id, framework_id, role, resources)


def _came_back(turn: Turn, agent: Agent, task: Task, *, returning: bool) -> None:
    """A task that the master did not have on the agent, or had given up."""
    load = turn.state.load_of(task.framework_id)
    strayed = task.id in load.unreachable
    given_up = None if strayed else load.completed.get(task.id)
    if given_up is not None and given_up.agent_id == agent.id:
        # Its framework was told an end, and hears no other; see ``Live.condemned``.
        turn.live.condemned[task.key] = None
        if task.state not in TERMINAL:
            turn.live.kills.setdefault(agent.id, {})[task.key] = None
        turn.change(TaskChanged(task))
        return
    if not (strayed or returning) or task.state in TERMINAL:
        turn.change(TaskChanged(task))
        return
    status = status_of_task(
        task,
        task.state,
        TaskStatusReason.REASON_AGENT_REREGISTERED,
        f"Agent {agent.id} is back",
        wall=turn.now.wall,
    )
    moved = with_status(task, status, task.state)
    turn.change(
        TaskChanged(replace(moved, update_state=task.update_state, update_uuid=task.update_uuid))
    )
    turn.tell(task.framework_id, Update(status=status))


def _answer(turn: Turn, agent: Agent, told: _Told) -> None:
    """Tell the agent that it is back, what it must report, and what it must end."""
    asked: dict[FrameworkId, list[TaskID]] = {}
    for task in told.lacking:
        if task.state in TERMINAL:
            # The agent has ended and forgotten it: its acknowledgement arrived, or never will.
            tasks.complete(turn, task)
        else:
            asked.setdefault(task.framework_id, []).append(TaskID(value=task.id))
    turn.send(
        agent.link,
        AgentReregistered(
            agent_id=AgentID(value=agent.id),
            ping_timeout_s=turn.flags.ping_patience_s,
            epoch=turn.epoch,
            reconcile=tuple(
                ReconcileTasks(
                    framework_id=FrameworkID(value=framework_id),
                    task_ids=tuple(ids),
                    partition_aware=turn.is_aware(framework_id),
                )
                for framework_id, ids in asked.items()
            ),
        ),
    )
    for key in told.doubles:
        turn.send(agent.link, kills.message(turn, key, None))
    for framework_id in told.removed:
        if framework_id in turn.state.completed_frameworks:
            shut = ShutdownFramework(framework_id=FrameworkID(value=framework_id), epoch=turn.epoch)
            turn.send(agent.link, shut)
