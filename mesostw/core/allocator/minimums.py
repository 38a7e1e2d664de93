"""Which offers are too small to be made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from mesostw.messages.frameworks import OfferFilters
from mesostw.model.amounts import thousandths
from mesostw.model.resources import Resources


class Minimum(Struct, frozen=True):
    """
    Sets of scalars in thousandths; an offer is large enough if it has all of any one.

    Without any set everything is large enough.
    """

    sets: tuple[tuple[tuple[str, int], ...], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Minimum:
        """Read ``cpus:0.01|mem:32``: any one of the sets; inside a set ``;`` means and."""
        parts = (part for part in text.split("|") if part.strip())
        return cls.of(Resources.parse(part).scalars() for part in parts)

    @classmethod
    def of(cls, sets: Iterable[Mapping[str, int]]) -> Minimum:
        """Build one of thousandths by name; the same sets give equal minimums."""
        return cls(tuple(sorted({tuple(sorted(one.items())) for one in sets})))

    def met(self, scalars: Mapping[str, int]) -> bool:
        """Whether ``scalars``, thousandths by name, are enough."""
        if not self.sets:
            return True
        for one in self.sets:
            for name, amount in one:
                if scalars.get(name, 0) < amount:
                    break
            else:
                return True
        return False


#: ``--min_allocatable_resources`` of Mesos.
MINIMUM_DEFAULT: Final = Minimum.parse("cpus:0.01|mem:32")


def minimum_of(filters: OfferFilters) -> Minimum | None:
    """
    Read ``FrameworkInfo.offer_filters`` of one role; ``None`` leaves it to the cluster.

    An empty list of sets lets every offer through, as in Mesos; an amount that
    is none raises ``ResourcesError``.
    """
    least = filters.min_allocatable_resources
    if least is None:
        return None
    return Minimum.of(
        {name: thousandths(scalar.value, name) for name, scalar in one.quantities.items()}
        for one in least.quantities
    )
