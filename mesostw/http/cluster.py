"""
``/state``, ``/state-summary``, ``/slaves``, ``/frameworks``, ``/tasks`` and ``/roles``.

Reading never rebuilds what has not changed: see ``shapes`` for objects and
``building`` for whole bodies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from typing import Final

from twisted.internet.interfaces import IReactorTime

from mesostw.core.master.state import (
    Agent,
    AgentLoad,
    AgentState,
    ClusterState,
    Executor,
    Framework,
    FrameworkLoad,
    Offer,
    Task,
)
from mesostw.http import shapes
from mesostw.http.building import Body, Build
from mesostw.http.identity import MASTER_CAPABILITIES, Identity
from mesostw.http.rendering import JSON, Query, Reply
from mesostw.http.roles import roles_of
from mesostw.http.shapes import AgentTexts, Texts, encode, joined
from mesostw.interfaces import IFeed
from mesostw.model.ids import AgentId, FrameworkId, TaskId

#: Objects between two looks at the clock.
STRIDE: Final = 64
TASKS_LIMIT: Final = 100
TASK_STATES: Final = (
    "TASK_STAGING",
    "TASK_STARTING",
    "TASK_RUNNING",
    "TASK_KILLING",
    "TASK_FINISHED",
    "TASK_KILLED",
    "TASK_FAILED",
    "TASK_LOST",
    "TASK_ERROR",
    "TASK_UNREACHABLE",
)


class ClusterPages:
    """The pages of a master that show its whole state, or a part of it."""

    def __init__(self, feed: IFeed, identity: Identity, clock: IReactorTime) -> None:
        self._feed, self._identity = feed, identity
        self._tasks: Texts[Task] = Texts(shapes.task_text)
        self._executors: Texts[Executor] = Texts(shapes.executor_text)
        self._offers: Texts[Offer] = Texts(shapes.offer_text)
        self._agents = AgentTexts()

        def body(name: str, build: Callable[[], Build]) -> Body:
            return Body(clock, name, lambda: (str(feed.epoch), int(feed.seq)), build)

        self._state = body("state", self._build_state)
        self._slaves = body("slaves", self._build_slaves)
        self._frameworks = body("frameworks", self._build_frameworks)

    @property
    def _view(self) -> ClusterState:
        view: ClusterState = self._feed.view
        return view

    # --- pages ----------------------------------------------------------------

    def state(self, query: Query) -> Reply | Awaitable[Reply]:
        """``/state``."""
        return self._state.get()

    def slaves(self, query: Query) -> Reply | Awaitable[Reply]:
        """``/slaves``; one of them with ``slave_id``."""
        wanted = query.get("slave_id")
        if not wanted:
            return self._slaves.get()
        agent = self._view.agents.get(AgentId(wanted))
        known = [agent] if agent is not None and agent.is_registered else []
        texts = [self._agents.get(one, self._view.agent_load_of(one.id)) for one in known]
        return Reply(b'{"slaves":%b,"recovered_slaves":[]}' % joined(texts), JSON)

    def frameworks(self, query: Query) -> Reply | Awaitable[Reply]:
        """``/frameworks``; one of them with ``framework_id``."""
        wanted = query.get("framework_id")
        if not wanted:
            return self._frameworks.get()
        view = self._view
        parts: list[list[bytes]] = [[], []]
        for number, table in enumerate((view.frameworks, view.completed_frameworks)):
            found = table.get(FrameworkId(wanted))
            if found is not None:
                build = self._framework(found, view.load_of(found.id))
                parts[number] = [_run(build)]
        return Reply(_frameworks_body(*parts), JSON)

    def tasks(self, query: Query) -> Reply:
        """``/tasks``: newest first, a page of them."""
        tasks = self._chosen(query)
        limit = _whole(query.get("limit"), TASKS_LIMIT)
        offset = _whole(query.get("offset"), 0)
        ascending = query.get("order") == "asc"
        tasks.sort(key=_first_seen, reverse=not ascending)
        texts = [self._tasks.get(task) for task in tasks[offset : offset + limit]]
        return Reply(b'{"tasks":%b}' % joined(texts), JSON)

    def _chosen(self, query: Query) -> list[Task]:
        view = self._view
        framework_id = FrameworkId(query.get("framework_id"))
        task_id = TaskId(query.get("task_id"))
        if framework_id and task_id:
            found = view.task(framework_id, task_id)
            return [] if found is None else [found]
        if framework_id:
            load = view.load_of(framework_id)
            chosen: Iterable[Task] = (
                *load.tasks.values(),
                *load.unreachable.values(),
                *load.completed.values(),
            )
        else:
            chosen = view.all_tasks()
        return [task for task in chosen if not task_id or task.id == task_id]

    def roles(self, query: Query) -> Reply:
        """``/roles``."""
        return Reply(encode({"roles": roles_of(self._view)}))

    def summary(self, query: Query) -> Reply:
        """``/state-summary``: agents and frameworks with counts instead of tasks."""
        view, identity = self._view, self._identity
        on_agent: dict[str, Counter[str]] = {}
        of_framework: dict[str, Counter[str]] = {}
        both: dict[str, set[str]] = {}
        seen_on: dict[str, set[str]] = {}
        for task in view.all_tasks():
            agent_id, framework_id, state = task.agent_id, task.framework_id, task.state.value
            on_agent.setdefault(agent_id, Counter())[state] += 1
            of_framework.setdefault(framework_id, Counter())[state] += 1
            both.setdefault(agent_id, set()).add(framework_id)
            seen_on.setdefault(framework_id, set()).add(agent_id)
        none: Counter[str] = Counter()
        slaves = []
        for agent, load in _registered(view):
            shape = shapes.agent_head(agent, load.used, load.offered)
            shape.update(_counts(on_agent.get(agent.id, none)))
            slaves.append({**shape, "framework_ids": sorted(both.get(agent.id, ()))})
        frameworks = []
        for framework in view.frameworks.values():
            own = view.load_of(framework.id)
            shape = shapes.framework_head(framework, own.used, own.offered)
            shape.update(_counts(of_framework.get(framework.id, none)))
            frameworks.append({**shape, "slave_ids": sorted(seen_on.get(framework.id, ()))})
        body: dict[str, object] = {"hostname": identity.hostname}
        if identity.cluster:
            body["cluster"] = identity.cluster
        return Reply(encode({**body, "slaves": slaves, "frameworks": frameworks}))

    # --- builds ---------------------------------------------------------------

    def _build_state(self) -> Build:
        head = encode(self._head())[1:-1]
        slaves, recovered = yield from self._agent_parts()
        active, completed = yield from self._framework_parts()
        return b"".join(
            (
                b"{",
                head,
                b',"slaves":',
                joined(slaves),
                b',"recovered_slaves":',
                recovered,
                b',"frameworks":',
                joined(active),
                b',"completed_frameworks":',
                joined(completed),
                b',"orphan_tasks":[],"unregistered_frameworks":[]}',
            )
        )

    def _build_slaves(self) -> Build:
        slaves, recovered = yield from self._agent_parts()
        return b'{"slaves":%b,"recovered_slaves":%b}' % (joined(slaves), recovered)

    def _build_frameworks(self) -> Build:
        active, completed = yield from self._framework_parts()
        return _frameworks_body(active, completed)

    def _agent_parts(self) -> Generator[None, None, tuple[list[bytes], bytes]]:
        """The texts of registered agents, and the text of the recovered ones."""
        view = self._view
        agents = list(_registered(view))
        recovered = encode(
            [
                shapes.recovered_agent(agent)
                for agent in view.agents.values()
                if agent.state is AgentState.RECOVERED
            ]
        )
        texts = []
        for number, (agent, load) in enumerate(agents):
            texts.append(self._agents.get(agent, load))
            if number % STRIDE == 0:
                yield
        self._agents.forget(view.agents)
        return texts, recovered

    def _framework_parts(self) -> Generator[None, None, tuple[list[bytes], list[bytes]]]:
        """The texts of frameworks and of completed ones, as they all are now."""
        view = self._view
        # The builds below hold lists of what is there now, so slices see one state.
        builds = [
            [self._framework(one, view.load_of(one.id)) for one in table.values()]
            for table in (view.frameworks, view.completed_frameworks)
        ]
        for build in (*builds[0], *builds[1]):
            next(build)
        texts: list[list[bytes]] = [[], []]
        for cache in (self._tasks, self._executors, self._offers):
            cache.begin()
        for number, group in enumerate(builds):
            for build in group:
                texts[number].append((yield from build))
        for cache in (self._tasks, self._executors, self._offers):
            cache.end()
        return texts[0], texts[1]

    def _framework(self, framework: Framework, own: FrameworkLoad) -> Build:
        view = self._view
        head = encode(shapes.framework_head(framework, own.used, own.offered))[:-1]
        groups = [
            list(own.tasks.values()),
            list(own.unreachable.values()),
            list(own.completed.values()),
        ]
        executors = [view.executors[key] for key in own.executors]
        offers = [view.offers[key] for key in own.offers]
        yield
        parts = [head]
        names = (b"tasks", b"unreachable_tasks", b"completed_tasks")
        for name, tasks in zip(names, groups, strict=True):
            texts = []
            for number, task in enumerate(tasks):
                texts.append(self._tasks.get(task))
                if number % STRIDE == 0:
                    yield
            parts.append(b',"%b":%b' % (name, joined(texts)))
        parts.append(b',"offers":%b' % joined(map(self._offers.get, offers)))
        parts.append(b',"executors":%b}' % joined(map(self._executors.get, executors)))
        return b"".join(parts)

    def _head(self) -> dict[str, object]:
        view, identity = self._view, self._identity
        states = Counter(agent.state for agent in view.agents.values())
        connected = states[AgentState.ACTIVE]
        master_id, address = identity.id(), identity.address
        pid = f"master@{address}"
        head: dict[str, object] = {
            **identity.build(),
            "start_time": identity.started,
            "id": master_id,
            "pid": pid,
            "hostname": identity.hostname,
            "capabilities": MASTER_CAPABILITIES,
            "activated_slaves": connected,
            "deactivated_slaves": states[AgentState.INACTIVE] + states[AgentState.DISCONNECTED],
            "unreachable_slaves": states[AgentState.UNREACHABLE],
            "leader": pid,
            "leader_info": {
                "id": master_id,
                "pid": pid,
                "port": identity.port,
                "hostname": identity.hostname,
            },
            "flags": identity.flags,
        }
        elected = identity.elected()
        if elected is not None:
            head["elected_time"] = elected
        if identity.cluster:
            head["cluster"] = identity.cluster
        return head


def _registered(view: ClusterState) -> Iterator[tuple[Agent, AgentLoad]]:
    for agent in view.agents.values():
        if agent.is_registered:
            yield agent, view.agent_load_of(agent.id)


def _run(build: Build) -> bytes:
    while True:
        try:
            next(build)
        except StopIteration as done:
            body: bytes = done.value
            return body


def _frameworks_body(active: list[bytes], completed: list[bytes]) -> bytes:
    return b'{"frameworks":%b,"completed_frameworks":%b,"unregistered_frameworks":[]}' % (
        joined(active),
        joined(completed),
    )


def _whole(text: str, default: int) -> int:
    # What cannot be read is the default, without an error: so does Mesos here.
    return int(text) if text.isdecimal() and len(text) < 10 else default


def _first_seen(task: Task) -> float:
    return (task.statuses[0].timestamp or 0.0) if task.statuses else task.launched


def _counts(counts: Counter[str]) -> dict[str, int]:
    return {state: counts[state] for state in TASK_STATES}
