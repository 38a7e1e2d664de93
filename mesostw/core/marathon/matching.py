"""Whether an offer does for an instance, and everything that speaks against it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from mesostw.core.framework.places import REGION, Place
from mesostw.core.framework.portpick import is_possible
from mesostw.core.framework.scalars import ANYTHING
from mesostw.core.framework.spots import Spot
from mesostw.core.marathon.constraints import Tally, refusing
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.needs import Need
from mesostw.core.marathon.reasons import Reason

#: In the order of :class:`~mesostw.core.framework.scalars.Scalars`.
_SHORT: Final = (
    Reason.INSUFFICIENT_CPUS,
    Reason.INSUFFICIENT_MEMORY,
    Reason.INSUFFICIENT_DISK,
    Reason.INSUFFICIENT_GPUS,
)


class Rules(Struct, frozen=True):
    """What holds for every match of one turn."""

    wall: float
    #: The master's region; empty if it has none, and then every region is home.
    home_region: str
    draining_s: float
    spares_gpus: bool


def rules_of(flags: MarathonFlags, home_region: str, wall: float) -> Rules:
    """The rules of a moment."""
    spares_gpus = flags.gpu_scheduling_behavior == "restricted"
    return Rules(wall, home_region, flags.draining_s, spares_gpus)


def refusals(need: Need, spot: Spot, tally: Tally, rules: Rules) -> Iterator[Reason]:
    """Everything that speaks against an offer; the first is the one that counts."""
    free = spot.free(need.accepts)
    is_short = not need.scalars.within(free)
    if is_short and need.accepts != ANYTHING and need.scalars.within(spot.free(ANYTHING)):
        yield Reason.UNFULFILLED_ROLE
    if not is_home(need, spot.place, rules) or (
        need.fields and refusing(need.app, spot.place, tally) is not None
    ):
        yield Reason.UNFULFILLED_CONSTRAINT
    if spot.offer.unavailability is not None and spot.is_unavailable(rules.wall, rules.draining_s):
        yield Reason.AGENT_MAINTENANCE
    if is_short:
        for wanted, there, reason in zip(need.scalars, free, _SHORT, strict=True):
            if wanted > there:
                yield reason
    if need.ports and not is_possible(spot.ports(need.accepts), need.ports):
        yield Reason.INSUFFICIENT_PORTS
    if spot.has_gpus and is_scarce(need, rules):
        yield Reason.DECLINED_SCARCE_RESOURCES


def is_home(need: Need, place: Place, rules: Rules) -> bool:
    """Whether a place is of the master's region, which an app leaves only if it says so."""
    if not need.stays_home or not rules.home_region:
        return True
    return place.attributes.get(REGION, rules.home_region) == rules.home_region


def is_scarce(need: Need, rules: Rules) -> bool:
    """Whether agents with GPUs are kept for apps that need them, which this one does not."""
    return rules.spares_gpus and not need.scalars.gpus
