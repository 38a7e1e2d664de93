"""Where tasks may be: an agent as constraints see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from mesostw.messages.offers import Offer
from mesostw.messages.values import Attribute, ValueType
from mesostw.model.amounts import SCALE, scalar_text
from mesostw.model.ids import AgentId

#: Fields of constraints that are no attributes of the operator's.
HOSTNAMES: Final = frozenset({"hostname", "@hostname"})
REGION: Final = "@region"
ZONE: Final = "@zone"


class Place(Struct, frozen=True, gc=False):
    """An agent: its name, and what is said of it."""

    agent_id: AgentId
    hostname: str
    #: As text; with ``@region`` and ``@zone``, if the agent has a fault domain.
    attributes: Mapping[str, str] = {}

    def value(self, field: str) -> str | None:
        """What a constraint's field is here; ``None`` if there is no such attribute."""
        return self.hostname if field in HOSTNAMES else self.attributes.get(field)


def place_of(offer: Offer) -> Place:
    """The agent of an offer; of an attribute that comes twice the first is taken."""
    attributes: dict[str, str] = {}
    for attribute in offer.attributes:
        attributes.setdefault(attribute.name, attribute_text(attribute))
    if offer.domain is not None and offer.domain.fault_domain is not None:
        domain = offer.domain.fault_domain
        attributes[REGION] = domain.region.name
        attributes[ZONE] = domain.zone.name
    return Place(AgentId(offer.agent_id.value), offer.hostname, attributes)


def attribute_text(attribute: Attribute) -> str:
    """An attribute as constraints compare it: ``1.5``, ``[1-2,5-9]``, ``{a,b}`` or its text."""
    match attribute.type:
        case ValueType.SCALAR if attribute.scalar is not None:
            return number_text(attribute.scalar.value)
        case ValueType.RANGES if attribute.ranges is not None:
            pairs = sorted((one.begin, one.end) for one in attribute.ranges.range)
            return "[" + ",".join(f"{begin}-{end}" for begin, end in pairs) + "]"
        case ValueType.SET if attribute.set is not None:
            return "{" + ",".join(sorted(attribute.set.item)) + "}"
        case _:
            return "" if attribute.text is None else attribute.text.value


def number_text(number: float) -> str:
    """A number with three decimals at most, and no more than it needs."""
    sign = "-" if number < 0 else ""
    thousandths = int(abs(number) * SCALE + 0.5)
    return sign + scalar_text(thousandths) if thousandths else "0"
