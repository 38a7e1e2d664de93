"""What a store keeps of a master, and how a new life starts from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from mesostw.core.master import recovery
from mesostw.core.master.changes import (
    AgentChanged,
    AgentKept,
    AgentRemoved,
    FrameworkChanged,
    FrameworkForgotten,
    FrameworkKept,
    FrameworkRemoved,
    KillDropped,
    KillKept,
    MasterChange,
    WeightChanged,
)
from mesostw.core.master.records import (
    Agent,
    AgentRecord,
    AgentState,
    Framework,
    FrameworkRecord,
    FrameworkState,
    KillRecord,
    WeightRecord,
)
from mesostw.core.master.turn import Turn
from mesostw.core.outcome import Records, Write
from mesostw.model.ids import AgentId, FrameworkId
from mesostw.model.resources import EMPTY

#: The type of a record by the first part of its key.
RECORDS: Final[Mapping[str, type[Struct]]] = {
    "agents": AgentRecord,
    "frameworks": FrameworkRecord,
    "kills": KillRecord,
    "weights": WeightRecord,
}
_STANDINGS: Final = {
    "": AgentState.RECOVERED,
    "unreachable": AgentState.UNREACHABLE,
    "gone": AgentState.GONE,
}


def write_of(change: MasterChange) -> Write | None:
    """Say what a store keeps of ``change``."""
    record: Struct | None = None
    match change:
        case AgentKept(agent):
            key, record = f"agents/{agent.id}", _agent_record(agent)
        case AgentRemoved(agent_id):
            key = f"agents/{agent_id}"
        case FrameworkKept(framework) | FrameworkRemoved(framework):
            key, record = f"frameworks/{framework.id}", _framework_record(framework)
        case FrameworkForgotten(framework_id):
            key = f"frameworks/{framework_id}"
        case KillKept(kill):
            key, record = _kill_key(kill), kill
        case KillDropped(kill):
            key = _kill_key(kill)
        case WeightChanged(role, weight):
            key, record = f"weights/{role}", WeightRecord(weight)
        case _:
            return None
    return Write(key, record)


def _kill_key(kill: KillRecord) -> str:
    return f"kills/{kill.agent_id}/{kill.framework_id}/{kill.task_id}"


def _agent_record(agent: Agent) -> AgentRecord:
    standing = agent.state if agent.state in _STANDINGS else ""
    return AgentRecord(agent.info, agent.version, agent.registered, str(standing), agent.away)


def _framework_record(framework: Framework) -> FrameworkRecord:
    return FrameworkRecord(framework.info, framework.registered, framework.unregistered)


def restored(turn: Turn, records: Records) -> None:
    """Know again what was kept: agents and frameworks are expected back, kills to be said."""
    weights = dict(turn.flags.weights)
    removed: list[Framework] = []
    for key, record in records:
        name = key.partition("/")[2]
        match record:
            case AgentRecord():
                _agent_restored(turn, AgentId(name), record)
            case FrameworkRecord():
                framework = recovery.recovered(FrameworkId(name), record.info, record.registered)
                if record.unregistered is None:
                    _framework_restored(turn, framework)
                else:
                    removed.append(_completed(framework, record.unregistered))
            case KillRecord():
                # Also of an agent or a framework that is not known: its own record may be
                # unreadable, and the agent comes back even so.
                turn.change(KillKept(record))
            case WeightRecord():
                weights[name] = record.weight
            case _:
                raise TypeError(f"{key} is no record of a master: {record!r}")
    for framework in sorted(removed, key=lambda one: one.unregistered or 0.0):
        turn.change(FrameworkRemoved(framework))
    for role, weight in weights.items():
        turn.change(WeightChanged(role, weight))
    turn.allocator.set_weights(weights)
    _names_restored(turn)


def _agent_restored(turn: Turn, agent_id: AgentId, record: AgentRecord) -> None:
    state = _STANDINGS[record.standing]
    agent = Agent(
        agent_id,
        record.info,
        EMPTY,
        state,
        None,
        record.version,
        (),
        "",
        record.registered,
        None,
        record.away,
    )
    turn.change(AgentChanged(agent))
    if state is AgentState.RECOVERED:
        turn.live.recovered[agent_id] = None
        turn.live.restored += 1
        deadline = turn.now.steady + turn.flags.agent_reregister_timeout_s
        turn.live.agent_deadlines[agent_id] = deadline


def _framework_restored(turn: Turn, framework: Framework) -> None:
    turn.change(FrameworkChanged(framework))
    deadline = turn.now.steady + recovery.patience(turn, framework.info)
    turn.live.framework_deadlines[framework.id] = deadline


def _completed(framework: Framework, unregistered: float) -> Framework:
    return Framework(
        framework.id,
        framework.info,
        framework.roles,
        framework.capabilities,
        FrameworkState.COMPLETED,
        None,
        "",
        frozenset(),
        framework.registered,
        None,
        unregistered,
    )


def _names_restored(turn: Turn) -> None:
    """Use no name twice, should the master's id be one of an earlier life."""
    state, live = turn.state, turn.live
    live.agents_named = _next(f"{turn.master_id}-S", state.agents)
    frameworks = {**state.frameworks, **state.completed_frameworks}
    live.frameworks_named = _next(f"{turn.master_id}-", frameworks)


def _next(prefix: str, names: Mapping[AgentId, Agent] | Mapping[FrameworkId, Framework]) -> int:
    numbers = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    return max((int(number) for number in numbers if number.isdecimal()), default=-1) + 1
