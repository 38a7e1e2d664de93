"""The invariants of a master's state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mesostw.core.allocator import Allocator
from mesostw.core.master.changes import MasterChange, OfferMade, TaskChanged
from mesostw.core.master.live import Live
from mesostw.core.master.loads import AgentLoad, FrameworkLoad
from mesostw.core.master.records import TERMINAL, Agent, AgentState
from mesostw.core.master.state import ClusterState
from mesostw.model.resources import EMPTY, Resources
from mesostw.model.tasks import TaskState


def check(state: ClusterState, live: Live, allocator: Allocator) -> None:
    """Raise ``AssertionError`` if anything does not add up."""
    for agent in state.agents.values():
        _check_agent(state, live, agent)
    for agent_id in state.agent_loads:
        assert state.agents[agent_id].is_registered, f"{agent_id}: a load without an agent"
    _check_tables(state)
    _check_kills(state)
    for framework_id, load in state.framework_loads.items():
        assert state.framework(framework_id) is not None, f"{framework_id}: unknown framework"
        _check_framework_load(state, load)
        if framework_id in state.completed_frameworks:
            assert load.is_idle, f"{framework_id}: is completed and holds something"
    for framework in state.frameworks.values():
        peer = None if framework.link is None else live.links.get(framework.link)
        assert framework.link is None or peer is not None, f"{framework.id}: link is closed"
        assert peer is None or peer.framework_id == framework.id
    allocator.check()


def _check_agent(state: ClusterState, live: Live, agent: Agent) -> None:
    linked = agent.link is not None
    assert linked == agent.is_connected, f"{agent.id}: {agent.state} with link {agent.link}"
    assert linked == (agent.id in live.unanswered), f"{agent.id}: pinged without a link"
    if agent.link is not None:
        peer = live.links.get(agent.link)
        assert peer is not None, f"{agent.id}: link {agent.link} is closed"
        assert peer.agent_id == agent.id, f"{agent.id}: its link belongs to {peer.agent_id}"
    expected = agent.state in {AgentState.RECOVERED, AgentState.DISCONNECTED}
    assert expected == (agent.id in live.agent_deadlines), f"{agent.id}: wrong deadline"
    assert (agent.state is AgentState.RECOVERED) == (agent.id in live.recovered)
    if not agent.is_registered:
        assert agent.id not in state.agent_loads, f"{agent.id}: {agent.state} with a load"
        return
    load = state.agent_loads[agent.id]
    assert load.used == _used(state, load), f"{agent.id}: used is not what tasks hold"
    offered: Resources = EMPTY
    for offer_id in load.offers:
        offer = state.offers[offer_id]
        assert offer.agent_id == agent.id
        offered = offered + offer.resources
    assert load.offered == offered, f"{agent.id}: offered is not what offers hold"
    assert agent.total.contains(load.used + load.offered), (
        f"{agent.id}: used {load.used.text()} and offered {load.offered.text()}"
        f" of {agent.total.text()}"
    )
    assert load.states == Counter(state.tasks[key].state for key in load.tasks)


def _used(state: ClusterState, load: AgentLoad) -> Resources:
    used: Resources = EMPTY
    for key in load.tasks:
        used = used + state.tasks[key].held
    for executor_key in load.executors:
        used = used + state.executors[executor_key].resources
    return used


def _check_tables(state: ClusterState) -> None:
    for key, task in state.tasks.items():
        assert task.key == key
        assert task.framework_id in state.frameworks, f"{key}: task of an unknown framework"
        assert key in state.agent_loads[task.agent_id].tasks, f"{key}: not indexed by agent"
        assert state.framework_loads[task.framework_id].tasks[task.id] is task
    for offer_id, offer in state.offers.items():
        assert offer.framework_id in state.frameworks, f"{offer_id}: unknown framework"
        assert offer_id in state.agent_loads[offer.agent_id].offers
        assert offer_id in state.framework_loads[offer.framework_id].offers
        assert state.agents[offer.agent_id].is_connected, f"{offer_id}: of an agent that is away"
    for executor_key, executor in state.executors.items():
        assert executor.framework_id in state.frameworks, f"{executor_key}: unknown framework"
        assert executor_key in state.agent_loads[executor.agent_id].executors
        assert executor_key in state.framework_loads[executor.framework_id].executors
    assert state.states == Counter(task.state for task in state.tasks.values())
    loads = state.framework_loads.values()
    assert state.unreachable == sum(len(load.unreachable) for load in loads)
    tasks = sum(len(load.tasks) for load in state.agent_loads.values())
    assert tasks == len(state.tasks), "agents' indexes have other tasks"


def _check_kills(state: ClusterState) -> None:
    for agent_id, kills in state.kills.items():
        assert kills, f"{agent_id}: an empty table of kills"
        agent = state.agents.get(agent_id)
        assert agent is None or agent.state is not AgentState.GONE, f"{agent_id}: kills of a gone"
        for key, kill in kills.items():
            assert (kill.agent_id, kill.key) == (agent_id, key)
            assert key[0] not in state.completed_frameworks, f"{key}: its framework is removed"
            task = state.tasks.get(key)
            if task is not None and task.agent_id == agent_id:
                assert task.state not in TERMINAL, f"{key}: has ended and is to be killed"


def _check_framework_load(state: ClusterState, load: FrameworkLoad) -> None:
    used: Counter[str] = Counter()
    for task in load.tasks.values():
        used.update(task.held.scalars())
    for key in load.executors:
        used.update(state.executors[key].resources.scalars())
    assert load.used == used, f"used {load.used} is not {used}"
    offered: Counter[str] = Counter()
    for offer_id in load.offers:
        offered.update(state.offers[offer_id].resources.scalars())
    assert load.offered == offered
    assert load.states == Counter(task.state for task in load.tasks.values())
    assert not load.unreachable.keys() & load.tasks.keys()


def check_given(state: ClusterState, changes: Iterable[MasterChange]) -> None:
    """
    Check the sums of the agents that a turn gave something of, as a master does in production.

    An offer and a launch are the only changes by which resources could be given twice.
    """
    for change in changes:
        if isinstance(change, OfferMade):
            agent_id = change.offer.agent_id
        elif isinstance(change, TaskChanged) and change.task.state is TaskState.TASK_STAGING:
            agent_id = change.task.agent_id
        else:
            continue
        agent, load = state.agents.get(agent_id), state.agent_loads.get(agent_id)
        if agent is not None and load is not None and agent.is_registered:
            assert agent.total.contains(load.used + load.offered), f"{agent_id}: given twice"
