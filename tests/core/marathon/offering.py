"""Offers, for tests of launching."""

from __future__ import annotations

from collections.abc import Iterable

from mesostw.core.framework.spots import Spot
from mesostw.core.scheduling import AcceptOffers, Offered
from mesostw.messages.convert import attribute_messages_of, messages_of
from mesostw.messages.ids import AgentID, FrameworkID, OfferID
from mesostw.messages.machines import (
    DomainInfo,
    FaultDomain,
    RegionInfo,
    Unavailability,
    ZoneInfo,
)
from mesostw.messages.masters import MasterInfo
from mesostw.messages.offers import Offer
from mesostw.messages.resources import AllocationInfo
from mesostw.messages.tasks import TaskInfo
from mesostw.messages.values import DurationInfo, TimeInfo
from mesostw.model.attributes import Attributes
from mesostw.model.resources import Resources
from tests.core.marathon.builders import STARTED

PLENTY = "cpus:4;mem:4096;disk:10000;ports:[31000-31999]"


def offer(
    number: int = 1,
    resources: str | Resources = PLENTY,
    *,
    role: str = "*",
    attributes: str = "",
    region: str | None = None,
    unavailable: tuple[float, float | None] | None = None,
    name: str | None = None,
) -> Offer:
    """
    What agent ``S1`` on ``n1`` has (or another number's), for one role.

    :param unavailable: its maintenance, a wall second and a length in seconds.
    """
    bag = Resources.parse(resources) if isinstance(resources, str) else resources
    return Offer(
        id=OfferID(value=name or f"O{number}"),
        framework_id=FrameworkID(value="F"),
        agent_id=AgentID(value=f"S{number}"),
        hostname=f"n{number}",
        resources=messages_of(bag, role, refined=False),
        attributes=attribute_messages_of(Attributes.parse(attributes)),
        domain=None if region is None else domain(region),
        unavailability=None if unavailable is None else _span(*unavailable),
        allocation_info=AllocationInfo(role=role),
    )


def offered(*offers: Offer) -> Offered:
    """Offers that come together."""
    return Offered(offers)


def spot(of: Offer | None = None) -> Spot:
    """An offer as a place to launch on, now."""
    return Spot(of or offer(), STARTED)


def domain(region: str, zone: str = "z1") -> DomainInfo:
    """A fault domain."""
    return DomainInfo(
        fault_domain=FaultDomain(region=RegionInfo(name=region), zone=ZoneInfo(name=zone))
    )


def master(region: str | None = None) -> MasterInfo:
    """Who leads."""
    return MasterInfo(id="m1", ip=0, port=5050, domain=None if region is None else domain(region))


def tasks_of(accepted: Iterable[object]) -> list[TaskInfo]:
    """Tasks that accepted offers are to launch."""
    return [
        task
        for one in accepted
        if isinstance(one, AcceptOffers)
        for operation in one.operations
        if operation.launch is not None
        for task in operation.launch.task_infos
    ]


def _span(start: float, duration: float | None) -> Unavailability:
    return Unavailability(
        start=TimeInfo(nanoseconds=int(start * 1e9)),
        duration=None if duration is None else DurationInfo(nanoseconds=int(duration * 1e9)),
    )
