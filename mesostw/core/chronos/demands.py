"""What runs need of an agent: runs that need the same are looked at as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mesostw.core.chronos.constraints import is_met, text_of
from mesostw.core.framework.scalars import ANYTHING, Scalars
from mesostw.core.framework.spots import Spot
from mesostw.model.amounts import thousandths
from mesostw.model.jobs import Constraint, JobSpec


class Demand(NamedTuple):
    """Resources, and where they must be."""

    scalars: Scalars
    constraints: tuple[Constraint, ...]


def demand_of(spec: JobSpec) -> Demand:
    """What a run of a job needs."""
    scalars = Scalars(
        thousandths(spec.cpus, "cpus"),
        thousandths(spec.mem, "mem"),
        thousandths(spec.disk, "disk"),
    )
    return Demand(scalars, spec.constraints)


def refusals(demand: Demand, spot: Spot) -> Iterator[str]:
    """Everything that speaks against an offer: ``cpus``, ``mem``, ``disk``, or a constraint."""
    free = spot.free(ANYTHING)
    for name in ("cpus", "mem", "disk"):
        if getattr(demand.scalars, name) > getattr(free, name):
            yield name
    for constraint in demand.constraints:
        if not is_met(constraint, spot.place):
            yield text_of(constraint)


class Funnel:
    """What became of the offers for one demand, since something of it waits."""

    __slots__ = ("at", "fitted", "looked", "refused")

    def __init__(self) -> None:
        #: Offers that were looked at, those that did, and why the others did not.
        self.looked = 0
        self.fitted = 0
        self.refused: dict[str, int] = {}
        #: When the last was looked at, in wall seconds.
        self.at: float | None = None

    def told(self, reasons: tuple[str, ...], wall: float) -> None:
        """One more offer; it did if nothing speaks against it."""
        self.looked += 1
        self.at = wall
        if not reasons:
            self.fitted += 1
        for reason in reasons:
            self.refused[reason] = self.refused.get(reason, 0) + 1
