"""
Hypothesis strategies made from the types of messages: any value a struct may have.

Nothing is written by hand for a message, so a new one is covered from its first day.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Final, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import Struct, inspect

T = TypeVar("T", bound=Struct)

#: How many structs stand inside each other before optional ones are left unset.
DEPTH_MAX: Final = 3
#: Items of a list or map.
ITEMS_MAX: Final = 2

_TEXT: Final = st.text(max_size=12)
_INT_BITS: Final = 63


def messages(kind: type[T]) -> SearchStrategy[T]:
    """Any value of ``kind``, to a bounded depth."""
    return _struct(kind, DEPTH_MAX)


def least(kind: type[T]) -> T:
    """Return the least value of ``kind``: what must be given is empty or 0, the rest unset."""
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return kind(**_least_fields(described))


def _least_fields(described: inspect.StructType) -> dict[str, object]:
    return {field.name: _least(field.type) for field in described.fields if field.required}


def _least(described: inspect.Type) -> object:
    if isinstance(described, inspect.Metadata):
        return _least(described.type)
    if isinstance(described, inspect.StructType):
        return described.cls(**_least_fields(described))
    if isinstance(described, inspect.EnumType):
        return next(iter(described.cls))
    return _LEAST[type(described)]


@cache
def _struct(kind: type[T], depth: int) -> SearchStrategy[T]:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    required: dict[str, SearchStrategy[object]] = {}
    optional: dict[str, SearchStrategy[object]] = {}
    for field in described.fields:
        if field.required:
            required[field.name] = _value(field.type, depth - 1)
        elif depth > 0 or not _nests(field.type):
            optional[field.name] = _value(field.type, depth - 1)
    parts = st.fixed_dictionaries(required, optional=optional)
    return parts.map(lambda values: kind(**values))


def _nests(described: inspect.Type) -> bool:
    if isinstance(described, inspect.StructType | inspect.VarTupleType | inspect.DictType):
        return True
    if isinstance(described, inspect.Metadata):
        return _nests(described.type)
    return isinstance(described, inspect.UnionType) and any(map(_nests, described.types))


def _value(described: inspect.Type, depth: int) -> SearchStrategy[object]:
    if isinstance(described, inspect.Metadata):
        return _value(described.type, depth)
    if isinstance(described, inspect.UnionType):
        return st.one_of([_value(part, depth) for part in described.types])
    if isinstance(described, inspect.StructType):
        return _struct(described.cls, depth)
    if isinstance(described, inspect.VarTupleType):
        return st.lists(_value(described.item_type, depth), max_size=ITEMS_MAX).map(tuple)
    if isinstance(described, inspect.DictType):
        return st.dictionaries(_TEXT, _value(described.value_type, depth), max_size=ITEMS_MAX)
    return _scalar(described)


def _scalar(described: inspect.Type) -> SearchStrategy[object]:
    if isinstance(described, inspect.EnumType):
        return st.sampled_from(list(described.cls))
    if isinstance(described, inspect.IntType):
        limit = 2**_INT_BITS
        low = -limit if described.ge is None else described.ge
        high = limit - 1 if described.le is None else described.le
        return st.integers(low, high)
    return _SCALARS[type(described)]


_LEAST: Final[Mapping[type[inspect.Type], object]] = {
    inspect.BoolType: False,
    inspect.StrType: "",
    inspect.BytesType: b"",
    inspect.IntType: 0,
    inspect.FloatType: 0.0,
}
_SCALARS: Final[Mapping[type[inspect.Type], SearchStrategy[object]]] = {
    inspect.NoneType: st.none(),
    inspect.BoolType: st.booleans(),
    inspect.StrType: _TEXT,
    inspect.BytesType: st.binary(max_size=20),
    # NaN is left out only because it is not equal to itself.
    inspect.FloatType: st.floats(allow_nan=False) | st.just(math.inf),
}
