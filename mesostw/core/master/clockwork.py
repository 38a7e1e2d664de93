"""What happens by the clock: one tick a second drives it all, and allocation has its own pace."""

from __future__ import annotations

from mesostw.core.master import agents, frameworks, kills, offers
from mesostw.core.master.changes import AgentRemoved
from mesostw.core.master.flags import (
    AWAY_AGENT_S_MAX,
    AWAY_AGENTS_MAX,
    EXPIRED_PER_TICK_MAX,
    PRUNE_S,
    SLICE_AGENTS_MAX,
    TICK_S,
)
from mesostw.core.master.records import AgentState
from mesostw.core.master.turn import Turn
from mesostw.core.master.words import AllocationDue, Tick
from mesostw.core.outcome import Arm, Continue


def ticked(turn: Turn) -> None:
    """Turn the wheel by one: pings, heartbeats, deadlines, the periodic allocation."""
    turn.do(Arm(Tick(), TICK_S))
    live = turn.live
    live.tick += 1
    agents.pinged(turn)
    frameworks.beaten(turn)
    agents.overdue(turn, EXPIRED_PER_TICK_MAX)
    frameworks.overdue(turn)
    offers.expired(turn)
    if turn.now.steady >= live.prune_at:
        live.prune_at = turn.now.steady + PRUNE_S
        _pruned(turn)
    turn.allocator.mark_all_dirty()


def _pruned(turn: Turn) -> None:
    """Forget agents that have been away for weeks, and the oldest of too many."""
    away = sorted(
        (agent.away or 0.0, agent.id)
        for agent in turn.state.agents.values()
        if agent.state in {AgentState.UNREACHABLE, AgentState.GONE}
    )
    excess = len(away) - AWAY_AGENTS_MAX
    for at, (since, agent_id) in enumerate(away):
        if at >= excess and turn.now.wall - since < AWAY_AGENT_S_MAX:
            return
        kills.agent_left(turn, agent_id)
        turn.change(AgentRemoved(agent_id))


def allocated(turn: Turn) -> None:
    """Offer what is free on the next few agents."""
    offers.made(turn, turn.allocator.allocate(turn.now.steady, SLICE_AGENTS_MAX))


def paced(turn: Turn) -> None:
    """Ask for the next slice of allocation if there is something to allocate."""
    live = turn.live
    if live.continuing:
        return
    due_s = turn.allocator.due(turn.now.steady)
    if due_s is None:
        return
    if due_s <= 0:
        live.continuing = True
        turn.do(Continue())
        return
    at = turn.now.steady + due_s
    if live.allocation_at is None or live.allocation_at > at:
        live.allocation_at = at
        turn.do(Arm(AllocationDue(), due_s))
