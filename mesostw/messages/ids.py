"""The names of things as the Mesos API writes them: structs of one field."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body


class AgentID(Body, frozen=True, kw_only=True):
    """Given by the master when it admits an agent; lives as long as the agent's work directory."""

    value: Annotated[str, 1]


class FrameworkID(Body, frozen=True, kw_only=True):
    """Given by the master at the first SUBSCRIBE; the framework shows it to come back."""

    value: Annotated[str, 1]


class OfferID(Body, frozen=True, kw_only=True):
    """Given by the master; no id is used for two offers."""

    value: Annotated[str, 1]


class TaskID(Body, frozen=True, kw_only=True):
    """Given by the framework; unique among its tasks that have not ended."""

    value: Annotated[str, 1]


class ExecutorID(Body, frozen=True, kw_only=True):
    """Given by the framework; unique among its executors on one agent."""

    value: Annotated[str, 1]


class ContainerID(Body, frozen=True, kw_only=True):
    """Given by the agent, or by who launches a nested one; ``parent`` names the outer container."""

    value: Annotated[str, 1]
    parent: Annotated[ContainerID | None, 2] = None


class ResourceProviderID(Body, frozen=True, kw_only=True):
    """Given by the agent or master to a provider of resources."""

    value: Annotated[str, 1]


class OperationID(Body, frozen=True, kw_only=True):
    """Given by the framework to an operation whose outcome it wants to hear of."""

    value: Annotated[str, 1]


class UUID(Body, frozen=True, kw_only=True):
    """Sixteen bytes that name an update or an operation."""

    value: Annotated[bytes, 1]
