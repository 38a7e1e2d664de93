"""
Facts about the cluster, each with whole values; ``ClusterState.apply`` folds them.

Those under "kept" are durable: a store keeps their last value by key.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from mesostw.core.master.records import Agent, Executor, Framework, KillRecord, Offer, Task
from mesostw.model.ids import AgentId, FrameworkId, TaskId
from mesostw.model.tasks import TaskState

# --- agents -------------------------------------------------------------------


class AgentKept(Struct, frozen=True, gc=False):
    """Kept: an agent is admitted, unreachable, back, gone, or has another ``info``."""

    agent: Agent


class AgentChanged(Struct, frozen=True, gc=False):
    """Something about an agent that ends with this master's life: its link, its address."""

    agent: Agent


class AgentRemoved(Struct, frozen=True, gc=False):
    """Kept: an agent left for good, or was unreachable or gone for too long to be remembered."""

    agent_id: AgentId


# --- frameworks ---------------------------------------------------------------


class FrameworkKept(Struct, frozen=True, gc=False):
    """Kept: a framework is new, or has another ``info``."""

    framework: Framework


class FrameworkChanged(Struct, frozen=True, gc=False):
    """Something about a framework that ends with this master's life."""

    framework: Framework


class FrameworkRemoved(Struct, frozen=True, gc=False):
    """Kept: a framework is completed; its id cannot come back while it is remembered."""

    framework: Framework


class FrameworkForgotten(Struct, frozen=True, gc=False):
    """Kept: a completed framework is the oldest of too many, and is not remembered any more."""

    framework_id: FrameworkId


# --- tasks --------------------------------------------------------------------


class TaskChanged(Struct, frozen=True, gc=False):
    """A task is new, has another state, or came back from being unreachable."""

    task: Task


class TaskStrayed(Struct, frozen=True, gc=False):
    """A task's agent is unreachable; the task holds nothing until it comes back."""

    task: Task


class TaskRemoved(Struct, frozen=True, gc=False):
    """A task has ended and nothing more is to be said of it: it is completed."""

    task: Task


class TaskForgotten(Struct, frozen=True, gc=False):
    """A completed or unreachable task is the oldest of too many of its framework."""

    framework_id: FrameworkId
    task_id: TaskId


class KillKept(Struct, frozen=True, gc=False):
    """Kept: an operator wants a task ended, or wants it otherwise than before."""

    kill: KillRecord


class KillDropped(Struct, frozen=True, gc=False):
    """Kept: there is nothing left to kill."""

    kill: KillRecord


# --- the rest -----------------------------------------------------------------


class OfferMade(Struct, frozen=True, gc=False):
    """A framework is offered resources."""

    offer: Offer


class OfferEnded(Struct, frozen=True, gc=False):
    """An offer is void; ``how`` is ``accepted``, ``declined``, ``rescinded`` or ``lost``."""

    offer: Offer
    how: str


class ExecutorChanged(Struct, frozen=True, gc=False):
    """An executor is on an agent."""

    executor: Executor


class ExecutorRemoved(Struct, frozen=True, gc=False):
    """An executor has ended."""

    executor: Executor


class WeightChanged(Struct, frozen=True, gc=False):
    """Kept: the weight of a role; 1 is that of a role that nobody set."""

    role: str
    weight: float


class EndedCounted(Struct, frozen=True, gc=False):
    """
    So many tasks were completed in this master's life, by their last state.

    No core says it: a copy that was not there from the start is told, since not all of
    these tasks are remembered.
    """

    #: Of whom; ``None`` for all of them together.
    framework_id: FrameworkId | None
    counts: dict[TaskState, int]


MasterChange: TypeAlias = (
    AgentKept
    | AgentChanged
    | AgentRemoved
    | FrameworkKept
    | FrameworkChanged
    | FrameworkRemoved
    | FrameworkForgotten
    | TaskChanged
    | TaskStrayed
    | TaskRemoved
    | TaskForgotten
    | KillKept
    | KillDropped
    | OfferMade
    | OfferEnded
    | ExecutorChanged
    | ExecutorRemoved
    | WeightChanged
    | EndedCounted
)
