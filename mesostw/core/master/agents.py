"""
The life of an agent, from its admission until it is gone.

::

    RegisterAgent -> ACTIVE -> (link ends) DISCONNECTED -> (agent_reregister_timeout) UNREACHABLE
                       |  (5 pings without a pong)                ------------------> UNREACHABLE
                       |  UnregisterAgent ----------------------------------> removed
    any of them, and RECOVERED after a restart of the master -> ReregisterAgent -> ACTIVE
    any of them -> (operator) GONE
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mesostw.core.master import kills, offers, routes, tasks
from mesostw.core.master.changes import (
    AgentChanged,
    AgentKept,
    AgentRemoved,
    ExecutorRemoved,
)
from mesostw.core.master.live import Peer
from mesostw.core.master.records import (
    Agent,
    AgentState,
    Executor,
    ExecutorKey,
)
from mesostw.core.master.turn import Turn
from mesostw.core.master.words import StepDown
from mesostw.core.outcome import Close, Send
from mesostw.messages.agent_master import (
    AgentRegistered,
    ExecutorExited,
    Ping,
    RegisterAgent,
    ReregisterAgent,
    ShutdownAgent,
)
from mesostw.messages.convert import resources_of
from mesostw.messages.ids import AgentID, ExecutorID
from mesostw.messages.scheduler_events import Failure
from mesostw.messages.tasks import TaskStatusReason
from mesostw.model.ids import AgentId, ExecutorId, FrameworkId, LinkId
from mesostw.model.resources import EMPTY, Resources, ResourcesError
from mesostw.model.tasks import TaskState

_PING = Ping()
#: Pings without a pong, the last of them just sent, from which on an agent is not offered.
SILENT: Final = 2


# --- admission ----------------------------------------------------------------


def registered(turn: Turn, link: LinkId, peer: Peer, heard: RegisterAgent) -> None:
    """Admit a new agent; the answer is released after the registry has kept it."""
    turn.count("messages_register_slave")
    if peer.agent_id is not None:
        turn.send(link, _admitted(turn, peer.agent_id))
        return
    total = total_of(turn, link, heard)
    if total is None:
        return
    _replaced(turn, heard.address)
    agent_id = AgentId(f"{turn.master_id}-S{turn.live.agents_named}")
    turn.live.agents_named += 1
    agent = Agent(
        agent_id,
        replace(heard.agent, id=AgentID(value=agent_id)),
        total,
        AgentState.ACTIVE,
        link,
        heard.version,
        heard.capabilities,
        heard.address,
        turn.now.wall,
    )
    turn.count("slave_registrations")
    turn.change(AgentKept(agent))
    turn.allocator.add_agent(agent_id, total)
    joined(turn, peer, agent_id)
    turn.send(link, _admitted(turn, agent_id))


def total_of(turn: Turn, link: LinkId, heard: RegisterAgent | ReregisterAgent) -> Resources | None:
    """All that an agent has; one that says nonsense is refused, and ``None`` is returned."""
    try:
        if not heard.agent.hostname:
            raise ResourcesError("hostname: is empty; set it to a name or an address")
        return resources_of(heard.agent.resources)
    except ResourcesError as fault:
        refused(turn, link, str(fault))
        return None


def refused(turn: Turn, link: LinkId, reason: str) -> None:
    """End the link of an agent that cannot be admitted; ``reason`` tells it and the log why."""
    turn.count("refused_slaves")
    turn.do(Close(link, f"the agent is refused: {reason}"))


def _admitted(turn: Turn, agent_id: AgentId) -> AgentRegistered:
    return AgentRegistered(
        agent_id=AgentID(value=agent_id),
        ping_timeout_s=turn.flags.ping_patience_s,
        epoch=turn.epoch,
    )


def _replaced(turn: Turn, address: str) -> None:
    """
    Remove an agent whose address a new one has: it was started anew there.

    One whose link is open is another agent, whatever its address says.
    """
    agent_id = turn.live.away_addresses.get(address) if address else None
    agent = None if agent_id is None else turn.state.agents.get(agent_id)
    if agent is not None and agent.state is AgentState.DISCONNECTED:
        turn.count("slave_removals/reason_registered")
        removed(turn, agent, "a new agent registered at its address")


def joined(turn: Turn, peer: Peer, agent_id: AgentId) -> None:
    """The agent is on this link from now on: it is pinged, and nothing waits for it."""
    live = turn.live
    peer.agent_id = agent_id
    live.pings.spread(agent_id)
    live.unanswered[agent_id] = 0
    live.agent_deadlines.pop(agent_id, None)
    live.recovered.pop(agent_id, None)


# --- pings --------------------------------------------------------------------


def pinged(turn: Turn) -> None:
    """
    Ping the agents whose turn it is; one that was silent too often is unreachable.

    One that has not answered the ping before is offered no more until it does: what was
    launched on a machine that is gone would be known to be lost only when all pings are.
    """
    live = turn.live
    patience = turn.flags.max_agent_ping_timeouts
    for agent_id in live.pings.due(live.tick):
        agent = turn.state.agents[agent_id]
        silent = live.unanswered[agent_id]
        if silent >= patience:
            if _may_be_removed(turn):
                unreachable(turn, agent)
        elif agent.link is not None:
            live.unanswered[agent_id] = silent + 1
            turn.effects.append(Send(agent.link, _PING))
            if silent + 1 == SILENT:
                turn.allocator.update_agent(agent_id, active=False)
                offers.of_agent(turn, agent_id, "agent_disconnected")


def ponged(turn: Turn, peer: Peer) -> None:
    """An agent is there."""
    agent_id = peer.agent_id
    if agent_id is not None and agent_id in turn.live.unanswered:
        silent, turn.live.unanswered[agent_id] = turn.live.unanswered[agent_id], 0
        if silent >= SILENT:
            active = is_offered(turn, turn.state.agents[agent_id])
            turn.allocator.update_agent(agent_id, active=active)


def is_offered(turn: Turn, agent: Agent) -> bool:
    """Whether what is free of an agent is offered: nobody forbids it, and it answers pings."""
    return agent.state is AgentState.ACTIVE and turn.live.unanswered.get(agent.id, 0) < SILENT


def overdue(turn: Turn, times_max: int) -> None:
    """Mark agents unreachable that did not come back in time, so many at most."""
    deadlines = turn.live.agent_deadlines
    while deadlines and times_max:
        agent_id = next(iter(deadlines))
        if deadlines[agent_id] > turn.now.steady:
            return
        if agent_id in turn.live.recovered and _too_many_stay_away(turn):
            return
        if not _may_be_removed(turn):
            return
        unreachable(turn, turn.state.agents[agent_id])
        times_max -= 1


def _too_many_stay_away(turn: Turn) -> bool:
    """Whether so many agents have not come to this master that it had better stop."""
    away, limit = len(turn.live.recovered), turn.flags.recovery_agent_removal_limit
    if not turn.live.limit_is_kept:
        if away > limit * turn.live.restored:
            reason = (
                f"{away} of {turn.live.restored} agents did not come back within "
                f"{turn.flags.agent_reregister_timeout_s:g} s, and "
                f"--recovery_agent_removal_limit is {limit:.0%}"
            )
            turn.do(StepDown(reason))
            return True
        turn.live.limit_is_kept = True
    return False


def _may_be_removed(turn: Turn) -> bool:
    """Whether the next agent may become unreachable now; if so, the one after it must wait."""
    if turn.now.steady < turn.live.removal_from:
        return False
    turn.live.removal_from = turn.now.steady + turn.flags.agent_removal_interval_s
    return True


# --- away ---------------------------------------------------------------------


def disconnected(turn: Turn, agent: Agent) -> None:
    """The link has ended: no offers; tasks of frameworks without checkpoints are lost."""
    _unlinked(turn, agent)
    turn.allocator.update_agent(agent.id, active=False)
    turn.change(AgentChanged(replace(agent, state=AgentState.DISCONNECTED, link=None)))
    offers.of_agent(turn, agent.id, "agent_disconnected")
    load = turn.state.agent_loads[agent.id]
    for key in tuple(load.tasks):
        if not _checkpoints(turn, key[0]):
            tasks.ended(
                turn,
                turn.state.tasks[key],
                TaskState.TASK_LOST,
                TaskStatusReason.REASON_AGENT_DISCONNECTED,
                f"Agent {agent.id} is disconnected",
            )
    for executor_key in tuple(load.executors):
        if not _checkpoints(turn, executor_key[1]):
            executor_removed(turn, turn.state.executors[executor_key])
    deadline = turn.now.steady + turn.flags.agent_reregister_timeout_s
    turn.live.agent_deadlines[agent.id] = deadline
    turn.live.away_addresses[agent.address] = agent.id


def _checkpoints(turn: Turn, framework_id: FrameworkId) -> bool:
    framework = turn.state.frameworks.get(framework_id)
    return framework is not None and framework.info.checkpoint


def _unlinked(turn: Turn, agent: Agent) -> None:
    """The agent has no link any more: nothing is sent to it or heard of it."""
    live = turn.live
    live.pings.remove(agent.id)
    live.unanswered.pop(agent.id, None)
    live.agent_deadlines.pop(agent.id, None)
    live.recovered.pop(agent.id, None)
    live.away_addresses.pop(agent.address, None)
    if agent.link is not None:
        peer = live.links.get(agent.link)
        if peer is not None:
            peer.agent_id = None
        routes.of_agent(turn, agent)


def unreachable(turn: Turn, agent: Agent) -> None:
    """An agent was silent for too long: its tasks may run on, but nothing counts on them."""
    turn.count("slave_unreachable_completed")
    turn.count("slave_removals/reason_unhealthy")
    _cut(turn, agent, "no pong to any ping")
    for key in tuple(turn.state.agent_load_of(agent.id).tasks):
        tasks.strayed(turn, turn.state.tasks[key])
    _emptied(turn, agent, "agent_removed")
    turn.change(AgentKept(_absent(agent, AgentState.UNREACHABLE, turn.now.wall)))
    _told(turn, agent)


def _absent(agent: Agent, state: AgentState, wall: float) -> Agent:
    return replace(agent, state=state, link=None, total=EMPTY, away=wall)


def _cut(turn: Turn, agent: Agent, reason: str) -> None:
    link = agent.link
    _unlinked(turn, agent)
    if link is not None:
        turn.do(Close(link, reason))


def _emptied(turn: Turn, agent: Agent, how: str) -> None:
    """Offers and executors of an agent end; the allocator forgets it."""
    turn.count("slave_removals")
    offers.of_agent(turn, agent.id, how)
    for key in tuple(turn.state.agent_load_of(agent.id).executors):
        turn.change(ExecutorRemoved(turn.state.executors[key]))
    turn.allocator.remove_agent(agent.id)


def _told(turn: Turn, agent: Agent) -> None:
    """Tell every framework that an agent is lost."""
    failure = Failure(agent_id=AgentID(value=agent.id))
    for framework in turn.state.frameworks.values():
        turn.send(framework.link, failure)


def removed(turn: Turn, agent: Agent, why: str) -> None:
    """An agent has left for good."""
    _cut(turn, agent, why)
    _all_ended(
        turn,
        agent,
        TaskState.TASK_GONE,
        TaskStatusReason.REASON_AGENT_REMOVED,
        f"Agent {agent.id} was removed: {why}",
    )
    _emptied(turn, agent, "agent_removed")
    kills.agent_left(turn, agent.id)
    turn.change(AgentRemoved(agent.id))
    _told(turn, agent)


def unregistered(turn: Turn, peer: Peer) -> None:
    """An agent has ended its tasks and leaves."""
    turn.count("messages_unregister_slave")
    agent = None if peer.agent_id is None else turn.state.agents.get(peer.agent_id)
    if agent is not None:
        turn.count("slave_removals/reason_unregistered")
        removed(turn, agent, "it unregistered")


def gone(turn: Turn, agent: Agent) -> None:
    """An operator says that an agent will never come back, and it must not."""
    if agent.link is not None:
        turn.send(agent.link, shutdown_of_gone(turn))
    _cut(turn, agent, "the agent is marked gone")
    _all_ended(
        turn,
        agent,
        TaskState.TASK_GONE_BY_OPERATOR,
        TaskStatusReason.REASON_AGENT_REMOVED_BY_OPERATOR,
        f"Agent {agent.id} was marked gone by an operator",
    )
    _emptied(turn, agent, "agent_removed")
    kills.agent_left(turn, agent.id)
    turn.change(AgentKept(_absent(agent, AgentState.GONE, turn.now.wall)))
    _told(turn, agent)


def shutdown_of_gone(turn: Turn) -> ShutdownAgent:
    """What an agent that is marked gone is told."""
    return ShutdownAgent(message="The agent is marked gone by an operator", epoch=turn.epoch)


def _all_ended(
    turn: Turn, agent: Agent, state: TaskState, reason: TaskStatusReason, message: str
) -> None:
    for key in tuple(turn.state.agent_load_of(agent.id).tasks):
        tasks.buried(turn, turn.state.tasks[key], state, reason, message)
    for load in tuple(turn.state.framework_loads.values()):
        for task in tuple(load.unreachable.values()):
            if task.agent_id == agent.id:
                tasks.ended(turn, task, state, reason, message)


# --- executors ----------------------------------------------------------------


def executor_exited(turn: Turn, peer: Peer, heard: ExecutorExited) -> None:
    """A custom executor has ended; its agent reports its tasks itself."""
    turn.count("messages_exited_executor")
    if peer.agent_id is None:
        return
    framework_id = FrameworkId(heard.framework_id.value)
    key: ExecutorKey = (peer.agent_id, framework_id, ExecutorId(heard.executor_id.value))
    executor = turn.state.executors.get(key)
    if executor is not None:
        executor_removed(turn, executor)
    turn.tell(
        framework_id,
        Failure(
            agent_id=AgentID(value=peer.agent_id),
            executor_id=ExecutorID(value=key[2]),
            status=heard.status,
        ),
    )


def executor_removed(turn: Turn, executor: Executor) -> None:
    """An executor holds nothing any more."""
    turn.change(ExecutorRemoved(executor))
    routes.executor_removed(turn, (executor.framework_id, executor.agent_id, executor.id))
    turn.allocator.give_back(
        executor.agent_id,
        executor.framework_id,
        executor.role,
        executor.resources,
        now=turn.now.steady,
    )
