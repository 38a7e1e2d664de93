"""
Everything a master knows of its cluster, as tables of frozen records.

``apply`` is the only mutator and is total.  The core has one ``ClusterState``; the feed
folds what was kept into another, which all readers read: values are shared, so the
second costs the tables only.

::

    agents              every agent that is known, in any state
    agent_loads         what is on each registered agent
    frameworks          every framework that is not completed
    framework_loads     what each framework has, of completed ones too
    completed_frameworks
    tasks               of all frameworks, until their end is acknowledged
    kills               what operators want ended, by agent
    offers, executors, weights
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Never

from mesostw.core.master.changes import (
    AgentChanged,
    AgentKept,
    AgentRemoved,
    EndedCounted,
    ExecutorChanged,
    ExecutorRemoved,
    FrameworkChanged,
    FrameworkForgotten,
    FrameworkKept,
    FrameworkRemoved,
    KillDropped,
    KillKept,
    MasterChange,
    OfferEnded,
    OfferMade,
    TaskChanged,
    TaskForgotten,
    TaskRemoved,
    TaskStrayed,
    WeightChanged,
)
from mesostw.core.master.loads import AgentLoad, FrameworkLoad, Tally, refund, spend
from mesostw.core.master.records import (
    TERMINAL,
    Agent,
    AgentState,
    Executor,
    ExecutorKey,
    Framework,
    FrameworkState,
    KillRecord,
    Offer,
    Task,
    TaskKey,
    TaskSpec,
)
from mesostw.model.ids import AgentId, FrameworkId, OfferId, TaskId

__all__ = [
    "COMPLETED_FRAMEWORKS_MAX",
    "COMPLETED_TASKS_MAX",
    "TERMINAL",
    "UNREACHABLE_TASKS_MAX",
    "Agent",
    "AgentLoad",
    "AgentState",
    "ClusterState",
    "Executor",
    "ExecutorKey",
    "Framework",
    "FrameworkLoad",
    "FrameworkState",
    "Offer",
    "Task",
    "TaskKey",
    "TaskSpec",
]

#: As the flag ``max_completed_frameworks`` of Mesos.
COMPLETED_FRAMEWORKS_MAX: Final = 50
#: As the flag ``max_completed_tasks_per_framework`` of Mesos.
COMPLETED_TASKS_MAX: Final = 1000
#: As the flag ``max_unreachable_tasks_per_framework`` of Mesos.
UNREACHABLE_TASKS_MAX: Final = 1000


class ClusterState:
    """The master's tables; see the module for what is where."""

    def __init__(self) -> None:
        self.agents: dict[AgentId, Agent] = {}
        self.agent_loads: dict[AgentId, AgentLoad] = {}
        self.frameworks: dict[FrameworkId, Framework] = {}
        self.framework_loads: dict[FrameworkId, FrameworkLoad] = {}
        #: Oldest first.
        self.completed_frameworks: dict[FrameworkId, Framework] = {}
        self.tasks: dict[TaskKey, Task] = {}
        self.offers: dict[OfferId, Offer] = {}
        self.executors: dict[ExecutorKey, Executor] = {}
        self.weights: dict[str, float] = {}
        #: Tasks that operators want ended and that may still run, by their agents.
        self.kills: dict[AgentId, dict[TaskKey, KillRecord]] = {}
        #: Tasks in ``tasks`` by state; ended ones that wait for an acknowledgement too.
        self.states = Tally()
        #: Tasks that were completed in this master's life, by their last state.
        self.ended = Tally()
        #: Tasks that are unreachable.
        self.unreachable = 0

    def apply(self, change: MasterChange) -> None:
        """Take one change in; the only way that anything here changes."""
        _FOLDS[type(change)](self, change)  # type: ignore[arg-type]

    # --- questions -----------------------------------------------------------

    def framework(self, framework_id: FrameworkId) -> Framework | None:
        """Find a framework, completed ones too."""
        found = self.frameworks.get(framework_id)
        return found or self.completed_frameworks.get(framework_id)

    def task(self, framework_id: FrameworkId, task_id: TaskId) -> Task | None:
        """Find a task: a running one, else an unreachable one, else the last completed."""
        load = self.framework_loads.get(framework_id)
        if load is None:
            return None
        found = load.tasks.get(task_id) or load.unreachable.get(task_id)
        return found or load.completed.get(task_id)

    def all_tasks(self) -> Iterator[Task]:
        """Every task: running ones, then by framework unreachable and completed ones."""
        yield from self.tasks.values()
        for load in self.framework_loads.values():
            yield from load.unreachable.values()
            yield from load.completed.values()

    def load_of(self, framework_id: FrameworkId) -> FrameworkLoad:
        """Find what a framework has; nothing for one that was never heard of."""
        return self.framework_loads.get(framework_id) or FrameworkLoad()

    def agent_load_of(self, agent_id: AgentId) -> AgentLoad:
        """Find what is on an agent; nothing for one that is not registered."""
        return self.agent_loads.get(agent_id) or AgentLoad()

    # --- tasks ---------------------------------------------------------------

    def _task_changed(self, change: TaskChanged) -> None:
        task = change.task
        key = (task.framework_id, task.id)
        old = self.tasks.get(key)
        if old is not None and old.agent_id != task.agent_id:
            self._drop(*key)
            old = None
        load, own = self._load(task.agent_id), self._own(task.framework_id)
        self.tasks[key] = own.tasks[task.id] = task
        state = task.state
        if old is None:
            load.tasks[key] = None
            if own.unreachable and own.unreachable.pop(task.id, None) is not None:
                self.unreachable -= 1
            if state not in TERMINAL:
                load.used = load.used + task.resources
                spend(own.used, task.resources.scalars())
        elif old.state is state:
            return
        else:
            self.states.take(old.state)
            load.states.take(old.state)
            own.states.take(old.state)
            if state in TERMINAL and old.state not in TERMINAL:
                load.used = load.used - old.resources
                refund(own.used, old.resources.scalars())
        self.states.add(state)
        load.states.add(state)
        own.states.add(state)

    def _task_removed(self, change: TaskRemoved) -> None:
        task = change.task
        own = self._own(task.framework_id)
        if not self._drop(task.framework_id, task.id) and (
            own.unreachable.pop(task.id, None) is not None
        ):
            self.unreachable -= 1
        own.completed.pop(task.id, None)
        own.completed[task.id] = task
        own.ended.add(task.state)
        self.ended.add(task.state)

    def _task_strayed(self, change: TaskStrayed) -> None:
        task = change.task
        self._drop(task.framework_id, task.id)
        own = self._own(task.framework_id)
        if task.id not in own.unreachable:
            self.unreachable += 1
        own.unreachable[task.id] = task

    def _task_forgotten(self, change: TaskForgotten) -> None:
        own = self._own(change.framework_id)
        if own.completed.pop(change.task_id, None) is None and (
            own.unreachable.pop(change.task_id, None) is not None
        ):
            self.unreachable -= 1

    def _kill_kept(self, change: KillKept) -> None:
        kill = change.kill
        self.kills.setdefault(kill.agent_id, {})[kill.key] = kill

    def _kill_dropped(self, change: KillDropped) -> None:
        kill = change.kill
        kills = self.kills.get(kill.agent_id, {})
        kills.pop(kill.key, None)
        if not kills:
            self.kills.pop(kill.agent_id, None)

    def _drop(self, framework_id: FrameworkId, task_id: TaskId) -> bool:
        """Take a task out of the running ones; whether it was there."""
        old = self.tasks.pop((framework_id, task_id), None)
        if old is None:
            return False
        load, own = self._load(old.agent_id), self._own(framework_id)
        del own.tasks[task_id]
        load.tasks.pop((framework_id, task_id), None)
        self.states.take(old.state)
        load.states.take(old.state)
        own.states.take(old.state)
        if old.state not in TERMINAL:
            load.used = load.used - old.resources
            refund(own.used, old.resources.scalars())
        return True

    # --- offers and executors --------------------------------------------------

    def _offer_made(self, change: OfferMade) -> None:
        offer = change.offer
        self.offers[offer.id] = offer
        load, own = self._load(offer.agent_id), self._own(offer.framework_id)
        load.offers[offer.id] = None
        load.offered = load.offered + offer.resources
        own.offers[offer.id] = None
        spend(own.offered, offer.resources.scalars())

    def _offer_ended(self, change: OfferEnded) -> None:
        offer = self.offers.pop(change.offer.id, None)
        if offer is None:
            return
        load, own = self._load(offer.agent_id), self._own(offer.framework_id)
        load.offers.pop(offer.id, None)
        load.offered = load.offered - offer.resources
        own.offers.pop(offer.id, None)
        refund(own.offered, offer.resources.scalars())

    def _executor_changed(self, change: ExecutorChanged) -> None:
        executor = change.executor
        key = executor.key
        self._drop_executor(key)
        self.executors[key] = executor
        load, own = self._load(executor.agent_id), self._own(executor.framework_id)
        load.executors[key] = None
        load.used = load.used + executor.resources
        own.executors[key] = None
        spend(own.used, executor.resources.scalars())

    def _executor_removed(self, change: ExecutorRemoved) -> None:
        self._drop_executor(change.executor.key)

    def _drop_executor(self, key: ExecutorKey) -> None:
        old = self.executors.pop(key, None)
        if old is not None:
            load, own = self._load(old.agent_id), self._own(old.framework_id)
            load.executors.pop(key, None)
            load.used = load.used - old.resources
            own.executors.pop(key, None)
            refund(own.used, old.resources.scalars())

    # --- agents, frameworks, weights --------------------------------------------

    def _agent_put(self, change: AgentKept | AgentChanged) -> None:
        agent = change.agent
        self.agents[agent.id] = agent
        if agent.is_registered:
            self._load(agent.id)
        else:
            self.agent_loads.pop(agent.id, None)

    def _agent_removed(self, change: AgentRemoved) -> None:
        self.agents.pop(change.agent_id, None)
        self.agent_loads.pop(change.agent_id, None)

    def _framework_put(self, change: FrameworkKept | FrameworkChanged) -> None:
        self.frameworks[change.framework.id] = change.framework
        self._own(change.framework.id)

    def _framework_removed(self, change: FrameworkRemoved) -> None:
        self.frameworks.pop(change.framework.id, None)
        self.completed_frameworks[change.framework.id] = change.framework
        self._own(change.framework.id)

    def _framework_forgotten(self, change: FrameworkForgotten) -> None:
        self.completed_frameworks.pop(change.framework_id, None)
        self.framework_loads.pop(change.framework_id, None)

    def _weight_changed(self, change: WeightChanged) -> None:
        self.weights[change.role] = change.weight

    def _ended_counted(self, change: EndedCounted) -> None:
        owner = self if change.framework_id is None else self._own(change.framework_id)
        owner.ended = Tally(change.counts)

    # --- inside --------------------------------------------------------------------

    def _load(self, agent_id: AgentId) -> AgentLoad:
        found = self.agent_loads.get(agent_id)
        if found is None:
            found = self.agent_loads[agent_id] = AgentLoad()
        return found

    def _own(self, framework_id: FrameworkId) -> FrameworkLoad:
        found = self.framework_loads.get(framework_id)
        if found is None:
            found = self.framework_loads[framework_id] = FrameworkLoad()
        return found


#: Which method takes in which change.  Here, and not bound in each state: a state that is
#: in no circle is gone as soon as nobody has it, however rarely circles are looked for.
_FOLDS: Final[dict[type[MasterChange], Callable[[ClusterState, Never], None]]] = {
    TaskChanged: ClusterState._task_changed,
    TaskRemoved: ClusterState._task_removed,
    TaskStrayed: ClusterState._task_strayed,
    TaskForgotten: ClusterState._task_forgotten,
    KillKept: ClusterState._kill_kept,
    KillDropped: ClusterState._kill_dropped,
    OfferMade: ClusterState._offer_made,
    OfferEnded: ClusterState._offer_ended,
    ExecutorChanged: ClusterState._executor_changed,
    ExecutorRemoved: ClusterState._executor_removed,
    AgentKept: ClusterState._agent_put,
    AgentChanged: ClusterState._agent_put,
    AgentRemoved: ClusterState._agent_removed,
    FrameworkKept: ClusterState._framework_put,
    FrameworkChanged: ClusterState._framework_put,
    FrameworkRemoved: ClusterState._framework_removed,
    FrameworkForgotten: ClusterState._framework_forgotten,
    WeightChanged: ClusterState._weight_changed,
    EndedCounted: ClusterState._ended_counted,
}
