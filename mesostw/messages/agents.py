"""Agents: what they have, and how they are drained."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body, Int32, always
from mesostw.messages.ids import AgentID
from mesostw.messages.machines import DomainInfo
from mesostw.messages.resources import Resource
from mesostw.messages.values import Attribute, DurationInfo
from mesostw.model.enums import WireEnum


class AgentInfo(Body, frozen=True, kw_only=True):
    """An agent as it registers: where it is and all that it has."""

    #: As others reach it.
    hostname: Annotated[str, 1]
    #: Of its HTTP and its bus.
    port: Annotated[Int32, 8] = always(5051)
    #: All that it has, used or not.
    resources: Annotated[tuple[Resource, ...], 3] = ()
    attributes: Annotated[tuple[Attribute, ...], 5] = ()
    #: Unset until a master has admitted it.
    id: Annotated[AgentID | None, 6] = None
    domain: Annotated[DomainInfo | None, 10] = None


class AgentCapabilityType(WireEnum):
    """What an agent is able to do."""

    UNKNOWN = "UNKNOWN", 0
    MULTI_ROLE = "MULTI_ROLE", 1
    HIERARCHICAL_ROLE = "HIERARCHICAL_ROLE", 2
    RESERVATION_REFINEMENT = "RESERVATION_REFINEMENT", 3
    RESOURCE_PROVIDER = "RESOURCE_PROVIDER", 4
    RESIZE_VOLUME = "RESIZE_VOLUME", 5
    AGENT_OPERATION_FEEDBACK = "AGENT_OPERATION_FEEDBACK", 6
    AGENT_DRAINING = "AGENT_DRAINING", 7
    TASK_RESOURCE_LIMITS = "TASK_RESOURCE_LIMITS", 8


class AgentCapability(Body, frozen=True, kw_only=True):
    """Something that an agent is able to do."""

    type: Annotated[AgentCapabilityType | None, 1] = None


class DrainConfig(Body, frozen=True, kw_only=True):
    """How an agent is drained."""

    #: The longest that a task may take to end; unset is each task's own.
    max_grace_period: Annotated[DurationInfo | None, 1] = None
    #: Whether the agent is gone for good afterwards.
    mark_gone: Annotated[bool, 2] = always(False)


class DrainInfo(Body, frozen=True, kw_only=True):
    """That an agent is drained, and how far it is."""

    state: Annotated[DrainState, 1]
    config: Annotated[DrainConfig, 2]


class DrainState(WireEnum):
    """How far the draining of an agent is."""

    UNKNOWN = "UNKNOWN", 0
    DRAINING = "DRAINING", 1
    DRAINED = "DRAINED", 2
