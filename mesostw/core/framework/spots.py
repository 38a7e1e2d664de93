"""An offer while it is being used: what is left of it, and where it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mesostw.core.framework.places import Place, place_of
from mesostw.core.framework.portpick import Picked
from mesostw.core.framework.scalars import ANYTHING, SCALAR_NAMES, Accepts, Scalars
from mesostw.core.outcome import Moment
from mesostw.messages.convert import resources_of
from mesostw.messages.offers import Offer
from mesostw.model.amounts import Quantity, Ranges, coalesced, ranges_without
from mesostw.model.ids import AgentId, OfferId
from mesostw.model.names import ANY_ROLE
from mesostw.model.resources import Resources
from mesostw.model.slots import Slot

_NANOSECONDS: Final = 1_000_000_000
#: On reservations that another Marathon keeps for one of its instances.
_KEPT_LABEL: Final = "marathon_task_id"


class Spot:
    """
    What an offer still has for us.

    Volumes, whole disks, revocable and shared resources, and reservations for other
    instances are left alone.  Reserved resources are used before others, which are of use
    to everybody.
    """

    __slots__ = ("_free", "_ports", "_scalars", "at", "has_gpus", "offer", "place", "role")

    def __init__(self, offer: Offer, now: Moment) -> None:
        self.offer = offer
        #: When it came, in wall seconds.
        self.at = now.wall
        self.place: Place = place_of(offer)
        allocation = offer.allocation_info
        self.role: str = ANY_ROLE if allocation is None else allocation.role or ANY_ROLE
        self._scalars: dict[str, dict[Slot, int]] = {}
        self._ports: dict[Slot, Ranges] = {}
        for slot, amount in _ordered(resources_of(offer.resources)):
            if isinstance(amount, int):
                self._scalars.setdefault(slot.name, {})[slot] = amount
            elif isinstance(amount, tuple) and slot.name == "ports":
                self._ports[slot] = amount
        self.has_gpus = bool(self._scalars.get("gpus"))
        self._free: dict[Accepts, Scalars] = {}

    @property
    def agent_id(self) -> AgentId:
        return self.place.agent_id

    @property
    def offer_id(self) -> OfferId:
        return OfferId(self.offer.id.value)

    def free(self, accepts: Accepts) -> Scalars:
        """What is left of the scalars, of all the resources that are accepted together."""
        found = self._free.get(accepts)
        if found is None:
            found = self._free[accepts] = Scalars(
                *(self._sum(name, accepts) for name in SCALAR_NAMES)
            )
        return found

    def ports(self, accepts: Accepts) -> Mapping[Slot, Ranges]:
        """What is left of the ports."""
        if accepts == ANYTHING:
            return self._ports
        return {slot: ranges for slot, ranges in self._ports.items() if _is_of(slot, accepts)}

    def is_unavailable(self, wall: float, draining_s: float) -> bool:
        """Whether the agent's maintenance is on, or begins within ``draining_s``."""
        span = self.offer.unavailability
        if span is None:
            return False
        start = span.start.nanoseconds / _NANOSECONDS
        if wall < start - draining_s:
            return False
        return span.duration is None or wall < start + span.duration.nanoseconds / _NANOSECONDS

    def take(self, scalars: Scalars, accepts: Accepts, ports: Picked | None) -> Resources:
        """Use what fits, which was looked at before; tells from where it was taken."""
        taken: list[tuple[Slot, Quantity]] = []
        for name, wanted in zip(SCALAR_NAMES, scalars, strict=True):
            if wanted:
                taken += self._take(name, wanted, accepts)
        if ports is not None:
            for slot, numbers in ports.slots.items():
                ranges = coalesced((number, number) for number in numbers)
                self._ports[slot] = ranges_without(self._ports[slot], ranges)
                taken.append((slot, ranges))
        self._free.clear()
        return Resources.of(taken)

    def _sum(self, name: str, accepts: Accepts) -> int:
        amounts = self._scalars.get(name)
        if not amounts:
            return 0
        return sum(amount for slot, amount in amounts.items() if _is_of(slot, accepts))

    def _take(self, name: str, wanted: int, accepts: Accepts) -> list[tuple[Slot, Quantity]]:
        taken: list[tuple[Slot, Quantity]] = []
        amounts = self._scalars[name]
        for slot, amount in amounts.items():
            if wanted and _is_of(slot, accepts):
                part = min(wanted, amount)
                wanted -= part
                amounts[slot] = amount - part
                taken.append((slot, part))
        if wanted:
            raise ValueError(f"{name}: {wanted} thousandths more were taken than there were")
        return taken


def _ordered(resources: Resources) -> list[tuple[Slot, Quantity]]:
    usable = [pair for pair in resources.items() if _is_usable(pair[0])]
    # Reserved ones first; what is reserved most finely is of use to the fewest.
    return sorted(usable, key=lambda pair: -len(pair[0].reservations))


def _is_usable(slot: Slot) -> bool:
    if slot.disk is not None or slot.revocable or slot.shared or slot.provider is not None:
        return False
    return not any(key == _KEPT_LABEL for layer in slot.reservations for key, _ in layer.labels)


def _is_of(slot: Slot, accepts: Accepts) -> bool:
    return accepts.reserved if slot.reservations else accepts.unreserved
