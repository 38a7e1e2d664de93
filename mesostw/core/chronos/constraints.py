"""Where a job's runs may be."""

from __future__ import annotations

from functools import lru_cache

from mesostw.core.framework import patterns
from mesostw.core.framework.places import Place, number_text
from mesostw.model.jobs import Constraint, Operator


def is_met(constraint: Constraint, place: Place) -> bool:
    """Whether an agent does; one without the attribute does only for ``UNLIKE``."""
    here = place.value(constraint.attribute)
    if here is None:
        return constraint.operator is Operator.UNLIKE
    match constraint.operator:
        case Operator.EQUALS:
            return here in (constraint.value, _as_number(constraint.value))
        case Operator.LIKE:
            return patterns.fits(constraint.value, here)
        case Operator.UNLIKE:
            return not patterns.fits(constraint.value, here)


def text_of(constraint: Constraint) -> str:
    """A constraint for people."""
    return f"{constraint.attribute} {constraint.operator.value} {constraint.value}"


@lru_cache(maxsize=4096)
def _as_number(text: str) -> str:
    """A number in the form that attributes have; other text as it is."""
    try:
        return text if "_" in text else number_text(float(text))
    except (ValueError, OverflowError):
        return text
