"""When a framework comes to this agent, and when nothing of it is left."""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.agent.changes import Framework, FrameworkChanged, FrameworkRemoved
from mesostw.core.agent.turn import Turn
from mesostw.core.agent.words import Quit
from mesostw.messages import AgentID, FrameworkInfo
from mesostw.messages.agent_master import UnregisterAgent
from mesostw.model.ids import FrameworkId


def met(turn: Turn, framework_id: FrameworkId, info: FrameworkInfo) -> Framework:
    """The framework that a command comes from, as the command describes it."""
    framework = turn.state.frameworks.get(framework_id)
    if framework is None:
        framework = Framework(id=framework_id, info=info)
        turn.change(FrameworkChanged(framework))
    elif framework.info is not info and framework.info != info:
        framework = replace(framework, info=info)
        turn.change(FrameworkChanged(framework))
    return framework


def settled(turn: Turn, framework_id: FrameworkId) -> None:
    """Something of the framework has gone: forget it if that was the last; leave if all is."""
    if not turn.state.loads[framework_id] and framework_id in turn.state.frameworks:
        turn.change(FrameworkRemoved(framework_id))
    left(turn)


def left(turn: Turn) -> None:
    """Stop the daemon if it was asked to leave and nothing runs any more."""
    live, state = turn.live, turn.state
    if live.leaving is None or live.quitting or state.containers or state.executors:
        return
    live.quitting = True
    turn.tell_master(UnregisterAgent(agent_id=AgentID(value=state.identity.agent_id)))
    turn.do(Quit(live.leaving))
