"""What operators ask of a master; each question has an answer."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from mesostw.core.master import agents, frameworks, kills, offers
from mesostw.core.master.changes import AgentChanged, WeightChanged
from mesostw.core.master.records import AgentState
from mesostw.core.master.turn import Turn
from mesostw.core.master.words import (
    AgentActivationAsked,
    AgentGoneAsked,
    FrameworkUpdateAsked,
    MasterQuestion,
    TaskKillAsked,
    TeardownAsked,
    WeightsAsked,
)
from mesostw.core.outcome import Refusal
from mesostw.model.names import NameRefused, check_role, check_weight


def asked(turn: Turn, question: MasterQuestion) -> Refusal | None:
    """Do what is asked; ``None`` if it is done or under way."""
    match question:
        case TeardownAsked():
            return _teardown(turn, question)
        case TaskKillAsked():
            return _kill(turn, question)
        case FrameworkUpdateAsked():
            return _framework_update(turn, question)
        case AgentGoneAsked():
            return _agent_gone(turn, question)
        case AgentActivationAsked():
            return _agent_activation(turn, question)
        case WeightsAsked():
            return _weights(turn, question)
    assert_never(question)


def _teardown(turn: Turn, question: TeardownAsked) -> Refusal | None:
    framework = turn.state.frameworks.get(question.framework_id)
    if framework is None:
        return Refusal("unknown_framework", "No framework found with specified ID")
    frameworks.removed(turn, framework)
    return None


def _kill(turn: Turn, question: TaskKillAsked) -> Refusal | None:
    """
    Have a task ended that is there, or is unreachable and may come back.

    One that only an agent knows which is not back yet is refused: nothing is promised of it.
    """
    framework_id, task_id = question.framework_id, question.task_id
    task = turn.state.tasks.get((framework_id, task_id))
    if task is None:
        task = turn.state.load_of(framework_id).unreachable.get(task_id)
    if task is None:
        return Refusal("unknown_task", "No running task found with specified ID")
    kills.ordered(turn, task, question.kill_policy)
    return None


def _framework_update(turn: Turn, question: FrameworkUpdateAsked) -> Refusal | None:
    framework = turn.state.frameworks.get(question.framework_id)
    if framework is None:
        return Refusal("unknown_framework", "Framework cannot be found")
    return frameworks.updated(turn, framework, question.call)


def _agent_gone(turn: Turn, question: AgentGoneAsked) -> Refusal | None:
    agent = turn.state.agents.get(question.agent_id)
    if agent is None:
        return Refusal("unknown_agent", "Agent not found")
    if agent.state is not AgentState.GONE:
        agents.gone(turn, agent)
    return None


def _agent_activation(turn: Turn, question: AgentActivationAsked) -> Refusal | None:
    agent = turn.state.agents.get(question.agent_id)
    if agent is None or not agent.is_connected:
        return Refusal("unknown_agent", "No connected agent found with specified ID")
    state = AgentState.ACTIVE if question.active else AgentState.INACTIVE
    if agent.state is not state:
        turn.change(AgentChanged(replace(agent, state=state)))
        is_offered = agents.is_offered(turn, turn.state.agents[agent.id])
        turn.allocator.update_agent(agent.id, active=is_offered)
        if not is_offered:
            offers.of_agent(turn, agent.id, "rescinded")
    return None


def _weights(turn: Turn, question: WeightsAsked) -> Refusal | None:
    try:
        for role, weight in question.weights.items():
            check_weight(check_role(role), weight)
    except NameRefused as fault:
        return Refusal("invalid_weight", str(fault))
    for role, weight in question.weights.items():
        turn.change(WeightChanged(role, weight))
    turn.allocator.set_weights(question.weights)
    turn.allocator.mark_all_dirty()
    return None
