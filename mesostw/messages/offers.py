"""Offers: resources of one agent that a framework may use now."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body, always
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID, OfferID
from mesostw.messages.machines import URL, DomainInfo, Unavailability
from mesostw.messages.resources import AllocationInfo, Resource
from mesostw.messages.values import Attribute


class Offer(Body, frozen=True, kw_only=True):
    """Resources of one agent for one role of a framework, until accepted, declined or rescinded."""

    id: Annotated[OfferID, 1]
    framework_id: Annotated[FrameworkID, 2]
    agent_id: Annotated[AgentID, 3]
    hostname: Annotated[str, 4]
    #: Where the agent's HTTP is.
    url: Annotated[URL | None, 8] = None
    domain: Annotated[DomainInfo | None, 11] = None
    #: Each with ``allocation_info``, whose role is the offer's.
    resources: Annotated[tuple[Resource, ...], 5] = ()
    attributes: Annotated[tuple[Attribute, ...], 7] = ()
    #: Executors of the framework that run on the agent already.
    executor_ids: Annotated[tuple[ExecutorID, ...], 6] = ()
    #: The agent's planned maintenance.
    unavailability: Annotated[Unavailability | None, 9] = None
    #: The one role that the whole offer is for.
    allocation_info: Annotated[AllocationInfo | None, 10] = None


class InverseOffer(Body, frozen=True, kw_only=True):
    """A request to free resources before a planned maintenance."""

    id: Annotated[OfferID, 1]
    url: Annotated[URL | None, 2] = None
    framework_id: Annotated[FrameworkID, 3]
    agent_id: Annotated[AgentID | None, 4] = None
    unavailability: Annotated[Unavailability, 5]
    resources: Annotated[tuple[Resource, ...], 6] = ()


class Filters(Body, frozen=True, kw_only=True):
    """For how long resources that were declined are not offered again."""

    #: From 0 to a year, which is also what more means; under 0 or NaN is the default.
    refuse_seconds: Annotated[float, 1] = always(5.0)


class Request(Body, frozen=True, kw_only=True):
    """Resources that a framework would like to be offered."""

    agent_id: Annotated[AgentID | None, 1] = None
    resources: Annotated[tuple[Resource, ...], 2] = ()
