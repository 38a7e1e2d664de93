"""What a master's core hears and says beside what every core does."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from mesostw.core.outcome import CommonEffect, CommonStimulus
from mesostw.messages.health import KillPolicy
from mesostw.messages.scheduler_calls import UpdateFramework
from mesostw.model.ids import AgentId, FrameworkId, TaskId

# --- timers -----------------------------------------------------------------


class Tick(Struct, frozen=True):
    """Turn the wheel: pings, heartbeats, deadlines, the periodic allocation."""


class AllocationDue(Struct, frozen=True):
    """An agent that was looked at a moment ago may be looked at again."""


MasterTimer: TypeAlias = Tick | AllocationDue

# --- questions of operators and HTTP ------------------------------------------


class TeardownAsked(Struct, frozen=True):
    """Remove a framework and end its tasks."""

    framework_id: FrameworkId


class TaskKillAsked(Struct, frozen=True):
    """
    End a task, whichever framework's it is; the framework hears of it.

    The answer is that the wish is kept, whoever leads by the time that the agent hears of it.
    """

    framework_id: FrameworkId
    task_id: TaskId
    kill_policy: KillPolicy | None = None


class FrameworkUpdateAsked(Struct, frozen=True):
    """UPDATE_FRAMEWORK over HTTP, which has an answer."""

    framework_id: FrameworkId
    call: UpdateFramework


class AgentGoneAsked(Struct, frozen=True):
    """Never let an agent come back; its tasks are GONE_BY_OPERATOR."""

    agent_id: AgentId


class AgentActivationAsked(Struct, frozen=True):
    """Make no more offers of an agent, or make them again."""

    agent_id: AgentId
    active: bool


class WeightsAsked(Struct, frozen=True):
    """Give roles other weights."""

    weights: dict[str, float]


MasterQuestion: TypeAlias = (
    TeardownAsked
    | TaskKillAsked
    | FrameworkUpdateAsked
    | AgentGoneAsked
    | AgentActivationAsked
    | WeightsAsked
)

MasterStimulus: TypeAlias = CommonStimulus


class StepDown(Struct, frozen=True):
    """Going on would do harm: stop, and let a supervisor or another master go on."""

    reason: str


MasterEffect: TypeAlias = CommonEffect | StepDown
