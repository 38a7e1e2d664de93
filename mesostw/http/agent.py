"""An agent's ``/state``, ``/containers`` and ``/monitor/statistics``, and its sandboxes."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Raw
from twisted.internet.interfaces import IReactorTime

from mesostw.core.agent.changes import Executor, Framework, Task
from mesostw.core.agent.flags import AgentFlags
from mesostw.core.agent.state import TERMINAL, AgentState
from mesostw.http import shapes
from mesostw.http.building import Body, Build
from mesostw.http.identity import Identity
from mesostw.http.rendering import Query, Reply
from mesostw.http.shapes import encode, resources_text
from mesostw.interfaces import IFeed
from mesostw.messages.containers import ContainerStatus
from mesostw.messages.convert import attributes_of, messages_of, resources_of
from mesostw.messages.frameworks import FrameworkCapabilityType
from mesostw.messages.ids import ContainerID
from mesostw.messages.tasks import ExecutorInfo
from mesostw.model.ids import FrameworkId
from mesostw.model.resources import EMPTY, Resources

#: Resource statistics of a container by its id, as plain values; empty if there are none.
Statistics: TypeAlias = Callable[[str], Mapping[str, object]]


class AgentPages:
    """The pages of an agent that show what runs on it."""

    def __init__(
        self,
        feed: IFeed,
        identity: Identity,
        flags: AgentFlags,
        clock: IReactorTime,
        statistics: Statistics,
    ) -> None:
        self._feed, self._identity, self._flags = feed, identity, flags
        self._statistics = statistics
        self._state = Body(
            clock, "state", lambda: (str(feed.epoch), int(feed.seq)), self._build_state
        )

    @property
    def _view(self) -> AgentState:
        view: AgentState = self._feed.view
        return view

    def state(self, query: Query) -> Reply | Awaitable[Reply]:
        """``/state``."""
        return self._state.get()

    def containers(self, query: Query) -> Reply:
        """``/containers``; one by ``container_id``, or those of a framework or executor."""
        shown = []
        for shape in self._running():
            wanted = all(
                not query.get(name) or query.get(name) == shape[name]
                for name in ("container_id", "framework_id", "executor_id")
            )
            if wanted:
                status = ContainerStatus(container_id=ContainerID(value=str(shape["container_id"])))
                shown.append({**shape, "status": status})
        return Reply(encode(shown))

    def statistics(self, query: Query) -> Reply:
        """``/monitor/statistics``."""
        return Reply(
            encode(
                [
                    {name: part for name, part in shape.items() if name != "container_id"}
                    for shape in self._running()
                ]
            )
        )

    def _running(self) -> Iterator[dict[str, object]]:
        view = self._view
        for executor in view.executors.values():
            yield self._container(
                executor.info.executor_id.value,
                executor.info.name or "",
                executor.framework_id,
                executor.info.source or "",
                executor.container_id,
            )
        for task in view.tasks.values():
            if task.built_in and task.container_id and task.state not in TERMINAL:
                task_id = task.info.task_id.value
                yield self._container(
                    task_id, executor_name(task), task.framework_id, task_id, task.container_id
                )

    def _container(
        self, executor_id: str, name: str, framework_id: str, source: str, container_id: str
    ) -> dict[str, object]:
        return {
            "container_id": container_id,
            "executor_id": executor_id,
            "executor_name": name,
            "framework_id": framework_id,
            "source": source,
            "statistics": self._statistics(container_id),
        }

    # --- /state -----------------------------------------------------------------

    def _build_state(self) -> Build:
        view = self._view
        head = self._head()
        frameworks = []
        for framework in list(view.frameworks.values()):
            frameworks.append(self._framework(framework))
            yield
        completed = []
        for framework in list(view.completed_frameworks.values()):
            completed.append(self._framework(framework))
            yield
        return encode({**head, "frameworks": frameworks, "completed_frameworks": completed})

    def _head(self) -> dict[str, object]:
        view, identity, flags = self._view, self._identity, self._flags
        info = view.identity.info
        total = resources_of(info.resources if info is not None else flags.resources)
        attributes = info.attributes if info is not None else flags.attributes
        held = self._held()
        head: dict[str, object] = {
            **identity.build(),
            "start_time": identity.started,
            "id": view.identity.agent_id,
            "pid": f"slave(1)@{flags.address}",
            "hostname": flags.hostname,
            "capabilities": flags.capabilities,
            "resources": Raw(resources_text(total)),
            "reserved_resources": {
                role: Raw(resources_text(total.reserved_to(role))) for role in sorted(total.roles())
            },
            "unreserved_resources": Raw(resources_text(total.unreserved())),
            "reserved_resources_full": {
                role: messages_of(total.reserved_to(role)) for role in sorted(total.roles())
            },
            "unreserved_resources_full": messages_of(total.unreserved()),
            "reserved_resources_allocated": {
                role: Raw(resources_text(held.reserved_to(role))) for role in sorted(held.roles())
            },
            "unreserved_resources_allocated": Raw(resources_text(held.unreserved())),
            "resource_providers": [],
            "attributes": attributes_of(attributes).flat(),
            "flags": identity.flags,
        }
        if view.master is not None:
            head["master_hostname"] = view.master.address.rpartition(":")[0]
        return head

    def _held(self) -> Resources:
        held = EMPTY
        for task in self._view.tasks.values():
            if task.state not in TERMINAL:
                held = held + resources_of(task.info.resources)
        for executor in self._view.executors.values():
            held = held + resources_of(executor.info.resources)
        return held

    def _framework(self, framework: Framework) -> dict[str, object]:
        view, info = self._view, framework.info
        shape: dict[str, object] = {
            "id": framework.id,
            "name": info.name,
            "user": info.user,
            "failover_timeout": info.failover_timeout,
            "checkpoint": info.checkpoint,
            "hostname": info.hostname or "",
            "executors": list(self._executors(framework.id)),
            "completed_executors": list(self._completed(framework.id)),
        }
        if info.principal is not None:
            shape["principal"] = info.principal
        if view.capable(framework.id, FrameworkCapabilityType.MULTI_ROLE):
            shape["roles"] = info.roles
        else:
            shape["role"] = info.role
        return shape

    def _executors(self, framework_id: FrameworkId) -> Iterator[dict[str, object]]:
        view = self._view
        for executor in view.executors.values():
            if executor.framework_id == framework_id:
                tasks = view.tasks_of(executor.key)
                done = view.completed_tasks.get(executor.key, ())
                yield executor_shape(executor, tasks, done)
        for task in view.tasks.values():
            if task.built_in and task.framework_id == framework_id:
                yield built_in_shape(task)

    def _completed(self, framework_id: FrameworkId) -> Iterator[dict[str, object]]:
        view = self._view
        for ended in view.completed_executors.get(framework_id, ()):
            if isinstance(ended, Executor):
                yield executor_shape(ended, (), view.completed_tasks.get(ended.key, ()))
            else:
                yield built_in_shape(ended)


def executor_name(task: Task) -> str:
    """What Mesos calls the executor of a command task; clients take it apart."""
    command = task.info.command
    line = "" if command is None else command.value or " ".join(command.arguments)
    shown = f"sh -c '{line}'" if command is not None and command.shell else line
    return f"Command Executor (Task: {task.info.task_id.value}) (Command: {shown})"


def executor_shape(
    executor: Executor, tasks: Iterable[Task], completed: Iterable[Task]
) -> dict[str, object]:
    """EX of a custom executor."""
    info: ExecutorInfo = executor.info
    held = list(tasks)
    return {
        "id": info.executor_id.value,
        "name": info.name or "",
        "source": info.source or "",
        "container": executor.container_id,
        "directory": executor.directory,
        "resources": Raw(resources_text(resources_of(info.resources))),
        "type": info.type.value if info.type is not None else "CUSTOM",
        **({} if info.labels is None else {"labels": shapes.labels_of(info.labels)}),
        "tasks": [task_shape(task) for task in held if task.delivered],
        "queued_tasks": [task_shape(task) for task in held if not task.delivered],
        "completed_tasks": [task_shape(task) for task in completed],
    }


def built_in_shape(task: Task) -> dict[str, object]:
    """EX of a command task, which is an executor of its own in the API."""
    task_id, shape = task.info.task_id.value, task_shape(task)
    ended = task.state in TERMINAL
    return {
        "id": task_id,
        "name": executor_name(task),
        "source": task_id,
        "container": task.container_id,
        "directory": task.directory,
        "resources": shape["resources"],
        "type": "COMMAND",
        "tasks": [] if ended else [shape],
        "queued_tasks": [],
        "completed_tasks": [shape] if ended else [],
    }


def task_shape(task: Task) -> dict[str, object]:
    """TASK as an agent knows it."""
    info = task.info
    shape: dict[str, object] = {
        "id": info.task_id.value,
        "name": info.name,
        "framework_id": task.framework_id,
        "executor_id": "" if task.built_in else task.executor_id,
        "slave_id": info.agent_id.value,
        "state": task.state.value,
        "resources": Raw(resources_text(resources_of(info.resources))),
        "statuses": [shapes.status_shape(one) for one in task.statuses],
    }
    if task.user:
        shape["user"] = task.user
    if info.labels is not None:
        shape["labels"] = shapes.labels_of(info.labels)
    for name in ("discovery", "container", "health_check"):
        part = getattr(info, name)
        if part is not None:
            shape[name] = part
    return shape


def shown_paths(view: AgentState, log: str | None = None) -> dict[str, str]:
    """
    Virtual paths to real ones: each run of each executor, its newest run, and the log.

    Later runs are told later, so ``latest`` is the newest.
    """
    shown: dict[str, str] = {}
    if log:
        shown["/slave/log"] = log
    for framework_id, executor_id, container_id, directory in _runs(view):
        if directory:
            base = f"/frameworks/{framework_id}/executors/{executor_id}/runs"
            shown[f"{base}/{container_id or os.path.basename(directory)}"] = directory
            shown[f"{base}/latest"] = directory
    return shown


def _runs(view: AgentState) -> Iterator[tuple[str, str, str, str]]:
    for ended in view.completed_executors.values():
        for one in ended:
            yield _run(one)
    for executor in view.executors.values():
        yield _run(executor)
    for task in view.tasks.values():
        if task.built_in:
            yield _run(task)


def _run(one: Executor | Task) -> tuple[str, str, str, str]:
    name = one.info.executor_id if isinstance(one, Executor) else one.info.task_id
    return one.framework_id, name.value, one.container_id, one.directory
