"""By which attributes of agents a framework wants its offers chosen."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from mesostw.messages.fields import Body
from mesostw.model.enums import WireEnum


class OfferConstraints(Body, frozen=True, kw_only=True):
    """Constraints by role."""

    role_constraints: Annotated[dict[str, RoleConstraints], 1] = field(default_factory=dict)


class RoleConstraints(Body, frozen=True, kw_only=True):
    """Offers of the role must fit at least one of ``groups``."""

    groups: Annotated[tuple[ConstraintGroup, ...], 1] = ()


class ConstraintGroup(Body, frozen=True, kw_only=True):
    """An agent fits if it fits all of these."""

    attribute_constraints: Annotated[tuple[AttributeConstraint, ...], 1] = ()


class AttributeConstraint(Body, frozen=True, kw_only=True):
    """What must hold of one attribute of an agent."""

    selector: Annotated[Selector, 1]
    predicate: Annotated[Predicate, 2]


class PseudoattributeType(WireEnum):
    """What every agent has besides attributes."""

    UNKNOWN = "UNKNOWN", 0
    HOSTNAME = "HOSTNAME", 1
    REGION = "REGION", 2
    ZONE = "ZONE", 3


class Selector(Body, frozen=True, kw_only=True):
    """Which attribute: one of the operator's, or a pseudo-attribute."""

    pseudoattribute_type: Annotated[PseudoattributeType | None, 1] = None
    attribute_name: Annotated[str | None, 2] = None


class Predicate(Body, frozen=True, kw_only=True):
    """What must hold; exactly one is set."""

    exists: Annotated[Exists | None, 1] = None
    not_exists: Annotated[NotExists | None, 2] = None
    text_equals: Annotated[TextEquals | None, 3] = None
    text_not_equals: Annotated[TextNotEquals | None, 4] = None
    text_matches: Annotated[TextMatches | None, 5] = None
    text_not_matches: Annotated[TextNotMatches | None, 6] = None


class Exists(Body, frozen=True, kw_only=True):
    """The agent has the attribute."""


class NotExists(Body, frozen=True, kw_only=True):
    """The agent lacks the attribute."""


class TextEquals(Body, frozen=True, kw_only=True):
    """The attribute is this text."""

    value: Annotated[str, 1]


class TextNotEquals(Body, frozen=True, kw_only=True):
    """The attribute is not this text."""

    value: Annotated[str, 1]


class TextMatches(Body, frozen=True, kw_only=True):
    """The attribute matches, from end to end."""

    regex: Annotated[str, 1]


class TextNotMatches(Body, frozen=True, kw_only=True):
    """The attribute does not match from end to end."""

    regex: Annotated[str, 1]
