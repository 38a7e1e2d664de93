"""Everything an agent knows, as tables of frozen records; ``apply`` is the only door."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final, assert_never

from mesostw.core.agent.changes import (
    AgentChange,
    Counted,
    Executor,
    ExecutorChanged,
    ExecutorKey,
    ExecutorRemoved,
    Framework,
    FrameworkChanged,
    FrameworkRemoved,
    Identity,
    IdentityChanged,
    MasterChanged,
    MasterSeen,
    RoomChanged,
    Task,
    TaskChanged,
    TaskKey,
    TaskRemoved,
)
from mesostw.messages.frameworks import FrameworkCapabilityType
from mesostw.model.ids import ContainerId, FrameworkId
from mesostw.model.tasks import TERMINAL

__all__ = ["TERMINAL", "AgentState"]

#: As in Mesos: ``max_completed_frameworks`` of an agent.
COMPLETED_FRAMEWORKS_MAX: Final = 50
#: As in Mesos: the flag ``max_completed_executors_per_framework``.
COMPLETED_EXECUTORS_MAX: Final = 150
#: As in Mesos: ended tasks kept for each executor.
COMPLETED_TASKS_MAX: Final = 200


class AgentState:
    """
    The agent's tables.

    The core has one and the feed folds what was kept into another, which all
    readers read.
    """

    def __init__(self, completed_executors_max: int = COMPLETED_EXECUTORS_MAX) -> None:
        self.identity = Identity()
        self.master: MasterSeen | None = None
        self.full = False
        self.frameworks: dict[FrameworkId, Framework] = {}
        self.executors: dict[ExecutorKey, Executor] = {}
        self.tasks: dict[TaskKey, Task] = {}
        #: Tasks and executors of each framework, which is removed at none.
        self.loads: Counter[FrameworkId] = Counter()
        #: Built-in tasks and executors by their live container.
        self.containers: dict[ContainerId, TaskKey] = {}
        self.executor_containers: dict[ContainerId, ExecutorKey] = {}
        #: Tasks of custom executors, ended ones until they are removed.
        self.executor_tasks: dict[ExecutorKey, dict[TaskKey, None]] = {}
        #: Ended executors, and built-in tasks, each an executor of its own; oldest first.
        self.completed_executors: dict[FrameworkId, deque[Executor | Task]] = {}
        self.completed_tasks: dict[ExecutorKey, deque[Task]] = {}
        #: Removed frameworks, oldest first.
        self.completed_frameworks: dict[FrameworkId, Framework] = {}
        self.counters: Counter[str] = Counter()
        self._completed_executors_max = completed_executors_max

    def apply(self, change: AgentChange) -> None:  # noqa: C901 (one case a change)
        """Make ``change`` true."""
        match change:
            case TaskChanged(task):
                self._task_changed(task)
            case TaskRemoved(key):
                self._task_removed(key)
            case ExecutorChanged(executor):
                self._executor_changed(executor)
            case ExecutorRemoved(key):
                self._executor_removed(key)
            case FrameworkChanged(framework):
                self.frameworks[framework.id] = framework
                self.completed_frameworks.pop(framework.id, None)
            case FrameworkRemoved(framework_id):
                self._framework_removed(framework_id)
            case IdentityChanged(identity):
                self.identity = identity
            case MasterChanged(master):
                self.master = master
            case Counted(name):
                self.counters[name] += 1
            case RoomChanged(full):
                self.full = full
            case _:
                assert_never(change)

    def partition_aware(self, framework_id: FrameworkId) -> bool:
        """Whether the framework understands the finer states of loss."""
        return self.capable(framework_id, FrameworkCapabilityType.PARTITION_AWARE)

    def capable(self, framework_id: FrameworkId, capability: FrameworkCapabilityType) -> bool:
        """Whether the framework has said that it has ``capability``."""
        framework = self.frameworks.get(framework_id)
        if framework is None:
            return False
        return any(one.type is capability for one in framework.info.capabilities)

    def tasks_of(self, key: ExecutorKey) -> list[Task]:
        """The tasks of a custom executor, oldest first."""
        return [self.tasks[task] for task in self.executor_tasks.get(key, ())]

    def _task_changed(self, task: Task) -> None:
        key = task.key
        before = self.tasks.get(key)
        self.tasks[key] = task
        if before is None:
            self.loads[task.framework_id] += 1
            if not task.built_in:
                self.executor_tasks.setdefault(task.executor_key, {})[key] = None
        if task.state in TERMINAL:
            if before is None or before.state not in TERMINAL:
                self.counters[f"tasks_{task.state.value[5:].lower()}"] += 1
            if task.built_in:
                self.containers.pop(task.container_id, None)
        elif task.built_in:
            self.containers[task.container_id] = key

    def _task_removed(self, key: TaskKey) -> None:
        task = self.tasks.pop(key)
        self.loads[task.framework_id] -= 1
        if task.built_in:
            self.containers.pop(task.container_id, None)
            self._completed(task.framework_id).append(task)
            return
        siblings = self.executor_tasks[task.executor_key]
        del siblings[key]
        if not siblings and task.executor_key not in self.executors:
            del self.executor_tasks[task.executor_key]
        ended = self.completed_tasks.get(task.executor_key)
        if ended is None:
            ended = self.completed_tasks[task.executor_key] = deque(maxlen=COMPLETED_TASKS_MAX)
        ended.append(task)

    def _executor_changed(self, executor: Executor) -> None:
        if executor.key not in self.executors:
            self.loads[executor.framework_id] += 1
        self.executors[executor.key] = executor
        self.executor_containers[executor.container_id] = executor.key

    def _executor_removed(self, key: ExecutorKey) -> None:
        executor = self.executors.pop(key)
        self.loads[executor.framework_id] -= 1
        del self.executor_containers[executor.container_id]
        if not self.executor_tasks.get(key):
            self.executor_tasks.pop(key, None)
        ended = self._completed(executor.framework_id)
        if len(ended) == ended.maxlen:
            self._forget_tasks(ended[0])
        ended.append(executor)

    def _completed(self, framework_id: FrameworkId) -> deque[Executor | Task]:
        ended = self.completed_executors.get(framework_id)
        if ended is None:
            ended = deque(maxlen=self._completed_executors_max)
            self.completed_executors[framework_id] = ended
        return ended

    def _forget_tasks(self, ended: Executor | Task) -> None:
        if isinstance(ended, Executor) and ended.key not in self.executors:
            self.completed_tasks.pop(ended.key, None)

    def _framework_removed(self, framework_id: FrameworkId) -> None:
        framework = self.frameworks.pop(framework_id)
        self.loads.pop(framework_id, None)
        self.completed_frameworks[framework_id] = framework
        if len(self.completed_frameworks) > COMPLETED_FRAMEWORKS_MAX:
            oldest = next(iter(self.completed_frameworks))
            del self.completed_frameworks[oldest]
            self.completed_executors.pop(oldest, None)
            for key in [key for key in self.completed_tasks if key[0] == oldest]:
                del self.completed_tasks[key]

    def check(self) -> None:
        """Raise ``AssertionError`` if an invariant is broken."""
        loads: Counter[FrameworkId] = Counter()
        for key, task in self.tasks.items():
            assert task.key == key, key
            loads[task.framework_id] += 1
            _check_task(task)
            if task.built_in:
                live = task.state not in TERMINAL
                assert (self.containers.get(task.container_id) == key) == live, key
            else:
                assert key in self.executor_tasks[task.executor_key], key
        for executor_key, executor in self.executors.items():
            assert executor.key == executor_key, executor_key
            loads[executor.framework_id] += 1
            assert self.executor_containers[executor.container_id] == executor_key, executor_key
        assert +loads == +self.loads, (loads, self.loads)
        assert set(loads) <= set(self.frameworks), "tasks of an unknown framework"
        assert len(self.containers) <= len(self.tasks)
        assert len(self.executor_containers) == len(self.executors)
        assert sum(map(len, self.executor_tasks.values())) <= len(self.tasks)


def _check_task(task: Task) -> None:
    uuids = [status.uuid for status in task.pending]
    assert len(set(uuids)) == len(uuids), f"{task.key}: a status is pending twice"
    if task.pending:
        assert task.pending[-1].state is task.state, f"{task.key}: its state was not said"
    ended = [status.state in TERMINAL for status in task.pending]
    assert not any(ended[:-1]), f"{task.key}: something was said after its end"
