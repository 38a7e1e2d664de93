"""
What a strict reader refuses and Mesos takes: one object for a list, numbers as text.

A value that did not fit a struct is gone over once, by the table of the struct's
fields, and brought to the form that fits. What cannot be mended is left as it is,
for the strict reader to name with its path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Struct, inspect

from mesostw.model.enums import WireEnum

#: ``json``: all that Mesos takes. ``bus``: only names of enums that a newer peer knows.
Rules: TypeAlias = Literal["json", "bus"]
Mend: TypeAlias = Callable[[object], object]

_DECIMAL: Final = re.compile(r"[+-]?\d{1,20}")
_FLOATS: Final = frozenset({"Infinity", "-Infinity", "inf", "-inf", "NaN", "nan"})
_BOOLEANS: Final = {"true": True, "false": False}


class _Field(Struct, frozen=True):
    """How the value of one field is mended, and whether it may be left out."""

    mend: Mend
    required: bool


def mended(kind: type[Struct], value: object, rules: Rules) -> object:
    """Return ``value`` as near to the fields of ``kind`` as the rules allow."""
    if not isinstance(value, dict):
        return value
    fields = _fields(kind, rules)
    found: dict[str, object] = {}
    for name, part in value.items():
        field = fields.get(name)
        if field is None or (part is None and not field.required):
            continue
        whole = field.mend(part)
        if whole is UNSET:
            if not field.required:
                continue
            whole = part
        found[name] = whole
    return found


@cache
def _fields(kind: type[Struct], rules: Rules) -> Mapping[str, _Field]:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return {
        field.encode_name: _Field(_mend_of(field.type, rules), field.required)
        for field in described.fields
    }


def _mend_of(described: inspect.Type, rules: Rules) -> Mend:
    if isinstance(described, inspect.Metadata):
        return _mend_of(described.type, rules)
    if isinstance(described, inspect.UnionType):
        some = [part for part in described.types if not isinstance(part, inspect.NoneType)]
        return _mend_of(some[0], rules) if len(some) == 1 else _as_is
    return _mend_of_many(described, rules)


def _mend_of_many(described: inspect.Type, rules: Rules) -> Mend:
    if isinstance(described, inspect.StructType):
        inner = described.cls
        return lambda value: mended(inner, value, rules)
    if isinstance(described, inspect.VarTupleType | inspect.ListType):
        return _each(_mend_of(described.item_type, rules), rules)
    if isinstance(described, inspect.DictType):
        return _values(_mend_of(described.value_type, rules))
    if isinstance(described, inspect.EnumType):
        return _named(described.cls, rules)
    return _SCALARS.get(type(described), _as_is) if rules == "json" else _as_is


def _as_is(value: object) -> object:
    return value


def _each(mend: Mend, rules: Rules) -> Mend:
    def items(value: object) -> object:
        if not isinstance(value, list):
            if rules == "bus":
                return value
            value = [value]
        whole = (mend(item) for item in value if item is not None)
        return [item for item in whole if item is not UNSET]

    return items


def _values(mend: Mend) -> Mend:
    def values(value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: mend(item) for name, item in value.items() if item is not None}

    return values


def _named(kind: type[Enum], rules: Rules) -> Mend:
    known = frozenset(member.value for member in kind)
    # Over the bus a newer peer's name is UNKNOWN, where there is one; Mesos leaves
    # it out of JSON as if it had not been written.
    unknown = kind.__members__.get("UNKNOWN") if rules == "bus" else None
    other = UNSET if unknown is None else unknown.value

    def name(value: object) -> object:
        if not isinstance(value, str) or not issubclass(kind, WireEnum):
            return value
        return value if value in known else other

    return name


def _whole(value: object) -> object:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _real(value: object) -> object:
    if isinstance(value, str):
        if value in _FLOATS:
            return float(value)
        try:
            return float(value) if value.isascii() and "_" not in value else value
        except ValueError:
            return value
    return value


def _truth(value: object) -> object:
    return _BOOLEANS.get(value, value) if isinstance(value, str) else value


_SCALARS: Final[Mapping[type[inspect.Type], Mend]] = {
    inspect.IntType: _whole,
    inspect.FloatType: _real,
    inspect.BoolType: _truth,
}


def fault_of(fault: Exception) -> tuple[str, str]:
    """What msgspec's complaint says, and the path of the field that it is about."""
    text = str(fault)
    if isinstance(fault, msgspec.ValidationError):
        text, _, path = text.partition(" - at `")
        return text, path.rstrip("`")
    if isinstance(fault, RecursionError):
        return "Nested too deeply", ""
    return text, ""
