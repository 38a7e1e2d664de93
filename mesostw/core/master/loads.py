"""What one agent or framework holds, kept incrementally by ``ClusterState.apply``."""

from __future__ import annotations

from collections.abc import Mapping

from mesostw.core.master.records import ExecutorKey, Task, TaskKey
from mesostw.model.ids import OfferId, TaskId
from mesostw.model.resources import EMPTY, Resources
from mesostw.model.tasks import TaskState


class Tally(dict[TaskState, int]):
    """How many tasks are in which state; a state of none is left out."""

    __slots__ = ()

    def add(self, state: TaskState) -> None:
        self[state] = self.get(state, 0) + 1

    def take(self, state: TaskState) -> None:
        left = self.get(state, 0) - 1
        if left:
            self[state] = left
        else:
            self.pop(state, None)


class AgentLoad:
    """
    What is on one agent; readers read only.

    Tables are dicts without values, not sets: their order is that of arrival, the same
    in every life, which sets of texts have not.
    """

    __slots__ = ("executors", "offered", "offers", "states", "tasks", "used")

    def __init__(self) -> None:
        #: Held by tasks that have not ended and by executors.
        self.used: Resources = EMPTY
        self.offered: Resources = EMPTY
        self.tasks: dict[TaskKey, None] = {}
        self.executors: dict[ExecutorKey, None] = {}
        self.offers: dict[OfferId, None] = {}
        #: Tasks that are here, by state.
        self.states = Tally()


class FrameworkLoad:
    """What one framework has; readers read only."""

    __slots__ = (
        "completed",
        "ended",
        "executors",
        "offered",
        "offers",
        "states",
        "tasks",
        "unreachable",
        "used",
    )

    def __init__(self) -> None:
        #: Thousandths by name, over all agents; ranges and sets are of one agent only.
        self.used: dict[str, int] = {}
        self.offered: dict[str, int] = {}
        self.tasks: dict[TaskId, Task] = {}
        #: Oldest first.
        self.unreachable: dict[TaskId, Task] = {}
        #: Oldest first; of several of one id the last.
        self.completed: dict[TaskId, Task] = {}
        self.executors: dict[ExecutorKey, None] = {}
        self.offers: dict[OfferId, None] = {}
        #: Tasks that are there (unreachable ones left out), by state.
        self.states = Tally()
        #: Tasks that were completed in this master's life, by their last state.
        self.ended = Tally()

    @property
    def is_idle(self) -> bool:
        """Whether it holds nothing that could outlive it."""
        return not (self.tasks or self.offers or self.executors)


def spend(sums: dict[str, int], scalars: Mapping[str, int]) -> None:
    """Add amounts to sums by name."""
    for name, amount in scalars.items():
        sums[name] = sums.get(name, 0) + amount


def refund(sums: dict[str, int], scalars: Mapping[str, int]) -> None:
    """Take amounts off sums by name; a name with nothing left is left out."""
    for name, amount in scalars.items():
        left = sums.get(name, 0) - amount
        if left:
            sums[name] = left
        else:
            sums.pop(name, None)
