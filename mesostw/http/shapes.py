"""
The legacy JSON of tasks, executors, agents and frameworks, as ``/state`` has had it always.

Each object's text is made once for each value: values are frozen and replaced as a
whole, so "the same object" is "nothing has changed".  See :class:`Texts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Raw

from mesostw.core.master.state import Agent, AgentLoad, Executor, Framework, Offer, Task
from mesostw.messages.convert import attributes_of, messages_of
from mesostw.messages.tasks import ExecutorInfo, TaskStatus
from mesostw.messages.values import Labels
from mesostw.model.resources import Resources

encode: Final = msgspec.json.Encoder().encode
K = TypeVar("K")
#: Texts of resources that are kept; equal resources are common, so few are needed.
RESOURCES_TEXTS_MAX: Final = 20_000
#: Texts of objects that are kept without a pass over all of them.
TEXTS_MIN: Final = 20_000
FLAT_NAMES: Final = ("cpus", "gpus", "mem", "disk")

_resources_texts: dict[Resources, bytes] = {}


class Texts(Generic[K]):
    """
    Encoded objects by the identity of the values they were made of.

    A pass over all objects begins with :meth:`begin` and ends with :meth:`end`, which
    forgets what was not asked for in between.
    """

    def __init__(self, render: Callable[[K], bytes]) -> None:
        self._render = render
        self._kept: dict[int, tuple[K, bytes]] = {}
        #: What was asked for in this pass; ``None`` between passes.
        self._fresh: dict[int, tuple[K, bytes]] | None = None
        self._kept_max = TEXTS_MIN
        #: How often a text had to be made.
        self.made = 0

    def get(self, value: K) -> bytes:
        """The text of ``value``; its reference is kept, so its identity cannot be reused."""
        key = id(value)
        entry = self._kept.get(key)
        if entry is None:
            if len(self._kept) >= self._kept_max:
                # Single objects are read all the time, and all of them never.
                self._kept = {}
            self.made += 1
            entry = self._kept[key] = (value, self._render(value))
        if self._fresh is not None:
            self._fresh[key] = entry
        return entry[1]

    def begin(self) -> None:
        self._fresh = {}

    def end(self) -> None:
        if self._fresh is not None:
            self._kept, self._fresh = self._fresh, None
            self._kept_max = max(TEXTS_MIN, 2 * len(self._kept))


def resources_text(resources: Resources) -> bytes:
    """RES: names to amounts, ``cpus``, ``gpus``, ``mem`` and ``disk`` always."""
    text = _resources_texts.get(resources)
    if text is None:
        if len(_resources_texts) >= RESOURCES_TEXTS_MAX:
            _resources_texts.clear()
        text = _resources_texts[resources] = encode(resources.flat())
    return text


def sums_text(sums: Mapping[str, int]) -> bytes:
    """RES of thousandths by name."""
    shown: dict[str, float] = dict.fromkeys(FLAT_NAMES, 0.0)
    shown.update((name, amount / 1000) for name, amount in sums.items())
    return encode(shown)


def joined(texts: Iterable[bytes]) -> bytes:
    """A JSON array of texts."""
    return b"[" + b",".join(texts) + b"]"


def labels_of(labels: Labels | None) -> tuple[object, ...]:
    """Labels as the plain list that legacy JSON has."""
    return () if labels is None else labels.labels


# --- tasks ------------------------------------------------------------------


def status_shape(status: TaskStatus) -> dict[str, object]:
    """One status of a task, without what programs do not need."""
    shape: dict[str, object] = {"state": status.state, "timestamp": status.timestamp or 0.0}
    if status.labels is not None:
        shape["labels"] = labels_of(status.labels)
    if status.container_status is not None:
        shape["container_status"] = status.container_status
    if status.healthy is not None:
        shape["healthy"] = status.healthy
    return shape


def task_text(task: Task) -> bytes:
    """TASK."""
    spec = task.spec
    shape: dict[str, object] = {
        "id": task.id,
        "name": spec.name,
        "framework_id": task.framework_id,
        "executor_id": task.executor_id or "",
        "slave_id": task.agent_id,
        "state": task.state,
        "resources": Raw(resources_text(task.resources)),
        "role": task.role,
        "statuses": [status_shape(one) for one in task.statuses],
    }
    if spec.user:
        shape["user"] = spec.user
    if spec.limits:
        shape["limits"] = {
            name: "Infinity" if limit.value == float("inf") else limit.value
            for name, limit in spec.limits.items()
        }
    if spec.labels is not None:
        shape["labels"] = labels_of(spec.labels)
    for name in ("discovery", "container", "health_check"):
        part = getattr(spec, name)
        if part is not None:
            shape[name] = part
    return encode(shape)


def executor_shape(info: ExecutorInfo, resources: Resources) -> dict[str, object]:
    """EXECUTOR, without where it is."""
    shape: dict[str, object] = {
        "executor_id": info.executor_id.value,
        "name": info.name or "",
        "source": info.source or "",
        "framework_id": info.framework_id.value if info.framework_id else "",
        "resources": Raw(resources_text(resources)),
    }
    command = info.command
    if command is not None:
        shape["command"] = {
            "shell": command.shell,
            **({} if command.value is None else {"value": command.value}),
            "argv": command.arguments,
            **({} if command.environment is None else {"environment": command.environment}),
            "uris": [
                {"value": uri.value, "executable": uri.executable or False} for uri in command.uris
            ],
        }
    if info.labels is not None:
        shape["labels"] = labels_of(info.labels)
    if info.type is not None:
        shape["type"] = info.type
    return shape


def executor_text(executor: Executor) -> bytes:
    """EXECUTOR of a framework, with the agent that it is on."""
    shape = executor_shape(executor.info, executor.resources)
    shape.update(framework_id=executor.framework_id, role=executor.role, slave_id=executor.agent_id)
    return encode(shape)


def offer_text(offer: Offer) -> bytes:
    """An offer in its framework."""
    return encode(
        {
            "id": offer.id,
            "framework_id": offer.framework_id,
            "allocation_info": {"role": offer.role},
            "slave_id": offer.agent_id,
            "resources": Raw(resources_text(offer.resources)),
        }
    )


# --- agents -----------------------------------------------------------------

#: An agent with what is used and offered of it: together they make its text.
AgentRow = tuple[Agent, Resources, Resources]


def agent_head(agent: Agent, used: Resources, offered: Resources) -> dict[str, object]:
    """SLAVE, without the lists of whole resources."""
    info = agent.info
    shape: dict[str, object] = {
        "id": agent.id,
        "hostname": info.hostname,
        "port": info.port,
        "attributes": attributes_of(info.attributes).flat() if info.attributes else {},
        "pid": f"slave(1)@{agent.address}",
        "registered_time": agent.registered,
        "used_resources": Raw(resources_text(used)),
        "offered_resources": Raw(resources_text(offered)),
        **_total_shapes(agent.total)[0],
        "active": agent.state.value == "active",
        "deactivated": agent.state.value == "inactive",
        "version": agent.version,
        "capabilities": agent.capabilities,
    }
    if agent.reregistered is not None:
        shape["reregistered_time"] = agent.reregistered
    if info.domain is not None:
        shape["domain"] = info.domain
    return shape


#: What an agent has, flat and as whole lists; most agents of a cluster are alike.
_totals: dict[Resources, tuple[dict[str, object], dict[str, object]]] = {}


def _total_shapes(total: Resources) -> tuple[dict[str, object], dict[str, object]]:
    shapes = _totals.get(total)
    if shapes is None:
        if len(_totals) >= RESOURCES_TEXTS_MAX:
            _totals.clear()
        reserved = {role: total.reserved_to(role) for role in sorted(total.roles())}
        flat: dict[str, object] = {
            "resources": Raw(resources_text(total)),
            "reserved_resources": {
                role: Raw(resources_text(part)) for role, part in reserved.items()
            },
            "unreserved_resources": Raw(resources_text(total.unreserved())),
        }
        full: dict[str, object] = {
            "reserved_resources_full": {
                role: Raw(full_text(part)) for role, part in reserved.items()
            },
            "unreserved_resources_full": Raw(full_text(total.unreserved())),
        }
        shapes = _totals[total] = flat, full
    return shapes


_full_texts: dict[Resources, bytes] = {}


def full_text(resources: Resources) -> bytes:
    """Resources as a list of v1 messages."""
    text = _full_texts.get(resources)
    if text is None:
        if len(_full_texts) >= RESOURCES_TEXTS_MAX:
            _full_texts.clear()
        text = _full_texts[resources] = encode(messages_of(resources))
    return text


def agent_text(row: AgentRow) -> bytes:
    """SLAVE with the lists of whole resources, as ``/state`` and ``/slaves`` have it."""
    agent, used, offered = row
    shape = agent_head(agent, used, offered)
    shape.update(_total_shapes(agent.total)[1])
    shape["used_resources_full"] = Raw(full_text(used))
    shape["offered_resources_full"] = Raw(full_text(offered))
    return encode(shape)


class AgentTexts:
    """The texts of agents, by the three values that each is made of."""

    def __init__(self, render: Callable[[AgentRow], bytes] = agent_text) -> None:
        self._render = render
        self._kept: dict[str, tuple[Agent, Resources, Resources, bytes]] = {}

    def get(self, agent: Agent, load: AgentLoad) -> bytes:
        used, offered = load.used, load.offered
        entry = self._kept.get(agent.id)
        if entry is not None and entry[0] is agent and entry[1] is used and entry[2] is offered:
            return entry[3]
        text = self._render((agent, used, offered))
        self._kept[agent.id] = (agent, used, offered, text)
        return text

    def forget(self, known: Mapping[Any, object]) -> None:
        """Drop the texts of agents that are not ``known`` any more."""
        if len(self._kept) > len(known):
            self._kept = {key: entry for key, entry in self._kept.items() if key in known}


def recovered_agent(agent: Agent) -> dict[str, object]:
    """An agent that was admitted earlier and has not come back yet."""
    return {
        "id": agent.id,
        "hostname": agent.info.hostname,
        "port": agent.info.port,
        "attributes": attributes_of(agent.info.attributes).flat(),
        **({} if agent.info.domain is None else {"domain": agent.info.domain}),
    }


# --- frameworks -------------------------------------------------------------


def framework_head(
    framework: Framework, used: Mapping[str, int], offered: Mapping[str, int]
) -> dict[str, object]:
    """FRAMEWORK, without tasks, offers and executors; no ``pid``: DNS servers choke on it."""
    info = framework.info
    both = {name: used.get(name, 0) + offered.get(name, 0) for name in used.keys() | offered.keys()}
    shape: dict[str, object] = {
        "id": framework.id,
        "name": info.name,
        "used_resources": Raw(sums_text(used)),
        "offered_resources": Raw(sums_text(offered)),
        "resources": Raw(sums_text(both)),
        "capabilities": sorted(framework.capabilities),
        "hostname": info.hostname or "",
        "webui_url": info.webui_url or "",
        "active": framework.state.value == "active",
        "connected": framework.is_connected,
        "recovered": framework.state.value == "recovered",
        "user": info.user,
        "failover_timeout": info.failover_timeout,
        "checkpoint": info.checkpoint,
        "registered_time": framework.registered,
        "unregistered_time": framework.unregistered or 0.0,
    }
    if info.principal is not None:
        shape["principal"] = info.principal
    if framework.reregistered is not None:
        shape["reregistered_time"] = framework.reregistered
    if "MULTI_ROLE" in framework.capabilities:
        shape["roles"] = framework.roles
    else:
        shape["role"] = framework.roles[0] if framework.roles else "*"
    if info.labels is not None:
        shape["labels"] = labels_of(info.labels)
    return shape
