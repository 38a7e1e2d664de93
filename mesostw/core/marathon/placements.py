"""What a document says of where instances may be: constraints, read and judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from mesostw.core.framework import patterns
from mesostw.core.framework.faults import Faults
from mesostw.model.apps import Constraint, Operator

_OPERATORS: Final = ", ".join(operator.value for operator in Operator)
_TEXT: Final = "[a-zA-Z0-9_/.-]*"
_TEXT_MATCH: Final = re.compile(_TEXT).fullmatch
#: Characters of a wrong pattern that are told again.
_SHOWN_MAX: Final = 200
#: Positive and, with this many digits, no more than there can be instances.
_NUMBER_MATCH: Final = re.compile("[1-9][0-9]{0,8}").fullmatch


def constraints(
    given: tuple[tuple[str, ...], ...], path: str, faults: Faults
) -> tuple[Constraint, ...]:
    """Each ``[field, operator, value]`` that is one; what is wrong with others in ``faults``."""
    read = (_constraint(each, f"{path}({n})", faults) for n, each in enumerate(given))
    return tuple(constraint for constraint in read if constraint is not None)


def _constraint(given: tuple[str, ...], path: str, faults: Faults) -> Constraint | None:
    if len(given) not in (2, 3):
        faults.add(path, "must be [field, operator] or [field, operator, value]")
        return None
    field, word = given[0], given[1].upper()
    value = given[2] if len(given) == 3 else None
    if not field:
        faults.add(path, "must have the name of a field first, such as hostname")
    if word not in set(Operator):
        faults.add(path, f"Invalid operator: '{given[1]}'. Use one of {_OPERATORS}")
        return None
    operator = Operator(word)
    wrong = _RULES[operator](value)
    if wrong is not None:
        faults.add(path, f"{operator}: {wrong}")
    return Constraint(field, operator, value)


# --- what a value may be, for each operator --------------------------------------


def _no_value(value: str | None) -> str | None:
    return None if value is None else "Value specified but not used"


def _any_value(_value: str | None) -> str | None:
    return None


def _number(value: str | None) -> str | None:
    if value is not None and _NUMBER_MATCH(value):
        return None
    return f"Value must be a positive integer, as text, not {_told(value)}"


def _number_or_none(value: str | None) -> str | None:
    return None if value is None else _number(value)


def _pattern(value: str | None) -> str | None:
    if value is None:
        return "A regular expression value must be provided"
    wrong = patterns.fault_of(value)
    if wrong is None:
        return None
    shown = value if len(value) <= _SHOWN_MAX else f"{value[:_SHOWN_MAX]}..."
    return f"'{shown}' is not a valid regular expression of RE2: {wrong}"


def _text(value: str | None) -> str | None:
    if value is not None and _TEXT_MATCH(value):
        return None
    return f"Value must match '{_TEXT}', not be {_told(value)}"


def _told(value: str | None) -> str:
    return "left out" if value is None else f"'{value}'"


_RULES: Final[Mapping[Operator, Callable[[str | None], str | None]]] = {
    Operator.UNIQUE: _no_value,
    Operator.CLUSTER: _any_value,
    Operator.GROUP_BY: _number_or_none,
    Operator.LIKE: _pattern,
    Operator.UNLIKE: _pattern,
    Operator.MAX_PER: _number,
    Operator.IS: _text,
}
