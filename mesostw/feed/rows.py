"""Rows of the live topics, from a master's records; their columns are named beside them."""

from __future__ import annotations

from typing import Final

from mesostw.core.master.state import (
    Agent,
    AgentLoad,
    AgentState,
    Framework,
    FrameworkLoad,
    FrameworkState,
    Offer,
    Task,
)
from mesostw.feed.tables import Row
from mesostw.messages.convert import attributes_of
from mesostw.model.resources import Resources
from mesostw.model.tasks import TaskState

AGENT_STATES: Final = tuple(state.value for state in AgentState)
FRAMEWORK_STATES: Final = tuple(state.value for state in FrameworkState)
TASK_STATES: Final = tuple(state.value for state in TaskState)
_AGENT_INDEX: Final = {state: number for number, state in enumerate(AgentState)}
_FRAMEWORK_INDEX: Final = {state: number for number, state in enumerate(FrameworkState)}
_TASK_INDEX: Final = {state: number for number, state in enumerate(TaskState)}

MEASURES: Final = ("cpus", "mem", "disk", "gpus")

AGENT_COLUMNS: Final = (
    "id",
    "hostname",
    "address",
    "state",
    "version",
    "attributes",
    *(f"{name}{part}" for name in MEASURES for part in ("", "_used", "_offered")),
    "ports",
    "tasks",
    "registered",
    "reregistered",
)
FRAMEWORK_COLUMNS: Final = (
    "id",
    "name",
    "user",
    "hostname",
    "principal",
    "roles",
    "state",
    "connection",
    "webui_url",
    *MEASURES,
    "offers",
    "tasks",
    "registered",
    "reregistered",
    "unregistered",
)
TASK_COLUMNS: Final = (
    "id",
    "name",
    "framework_id",
    "agent_id",
    "hostname",
    "executor_id",
    "role",
    "user",
    "state",
    "healthy",
    *MEASURES,
    "started",
    "updated",
    "ended",
    "reason",
    "message",
    "source",
    "container_id",
    "sandbox",
    "active",
    "command",
)
OFFER_COLUMNS: Final = (
    "id",
    "framework_id",
    "agent_id",
    "hostname",
    "role",
    *MEASURES,
    "ports",
    "made",
)
EVENT_COLUMNS: Final = ("at", "kind", "object", "text")


def ports_text(resources: Resources) -> str:
    """``31000-31005, 31010-31010``; empty if there are none."""
    return ", ".join(f"{first}-{last}" for first, last in resources.ranges("ports"))


def agent_row(agent: Agent, load: AgentLoad) -> Row:
    """A row of ``agents``."""
    total, used, offered = agent.total.scalars(), load.used.scalars(), load.offered.scalars()
    attributes = attributes_of(agent.info.attributes) if agent.info.attributes else None
    return (
        agent.id,
        agent.info.hostname,
        agent.address,
        _AGENT_INDEX[agent.state],
        agent.version,
        attributes.text() if attributes is not None else "",
        *(amounts.get(name, 0) / 1000 for name in MEASURES for amounts in (total, used, offered)),
        ports_text(agent.total),
        len(load.tasks),
        agent.registered,
        agent.reregistered,
    )


def framework_row(framework: Framework, load: FrameworkLoad) -> Row:
    """A row of ``frameworks``."""
    info, used = framework.info, load.used
    return (
        framework.id,
        info.name,
        info.user,
        info.hostname or "",
        info.principal or "",
        ", ".join(framework.roles),
        _FRAMEWORK_INDEX[framework.state],
        framework.connection,
        info.webui_url or "",
        *(used.get(name, 0) / 1000 for name in MEASURES),
        len(load.offers),
        len(load.tasks),
        framework.registered,
        framework.reregistered,
        framework.unregistered,
    )


def task_row(task: Task, hostname: str, *, active: bool) -> Row:
    """A row of ``tasks``, active or not."""
    spec, scalars = task.spec, task.resources.scalars()
    started = updated = ended = container = None
    reason = message = source = ""
    healthy: bool | None = None
    for status in task.statuses:
        if started is None and status.state is TaskState.TASK_RUNNING:
            started = status.timestamp
        if status.container_status is not None and status.container_status.container_id:
            container = status.container_status.container_id.value
    if task.statuses:
        last = task.statuses[-1]
        updated, healthy, message = last.timestamp, last.healthy, last.message or ""
        reason = last.reason.value if last.reason is not None else ""
        source = last.source.value if last.source is not None else ""
        if task.is_terminal:
            ended = last.timestamp
    return (
        task.id,
        spec.name,
        task.framework_id,
        task.agent_id,
        hostname,
        task.executor_id or "",
        task.role,
        spec.user,
        _TASK_INDEX[task.state],
        healthy,
        *(scalars.get(name, 0) / 1000 for name in MEASURES),
        started,
        updated,
        ended,
        reason,
        message,
        source,
        container,
        sandbox_path(task, container) if task.statuses else None,
        active,
        spec.command,
    )


def sandbox_path(task: Task, container: str | None) -> str:
    """
    Where an agent's ``/files`` shows a task's sandbox.

    A task of the built-in command executor has an executor of its own id.
    """
    executor_id = task.executor_id or task.id
    return f"/frameworks/{task.framework_id}/executors/{executor_id}/runs/{container or 'latest'}"


def offer_row(offer: Offer, hostname: str) -> Row:
    """A row of ``offers``."""
    scalars = offer.resources.scalars()
    return (
        offer.id,
        offer.framework_id,
        offer.agent_id,
        hostname,
        offer.role,
        *(scalars.get(name, 0) / 1000 for name in MEASURES),
        ports_text(offer.resources),
        offer.made,
    )
