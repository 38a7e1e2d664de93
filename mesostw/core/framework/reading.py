"""
Reading JSON into structs, with every fault of its shape at its path.

A good document is converted by msgspec and costs microseconds.  Only one that is not is
walked along the same types, so that not the first fault is told but each of them, by the
API's key: ``error.path.missing``, ``error.expected.jsstring``, ``error.min`` and so on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, TypeVar

import msgspec
from msgspec import Struct, inspect

from mesostw.core.framework.faults import Faults

S = TypeVar("S", bound=Struct)

#: Objects and lists within each other. A document of the API has ten; a group may be deep.
DEPTH_MAX: Final = 100
#: Whole numbers up to here are the same as ``float`` and as ``int``.
_EXACT_MAX: Final = 2.0**53

_MISSING: Final = "error.path.missing"
_NO_INT: Final = "error.expected.int"
_UNKNOWN_WORD: Final = "error.unknown.enum.literal"


def read(kind: type[S], value: object, faults: Faults) -> S | None:
    """``value`` as ``kind``; ``None`` if it has faults, which are then in ``faults``."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        _walk(_type_of(kind), value, "", faults)
        if not faults:
            # A rule that msgspec holds and the walk does not know.
            faults.add("", str(error))
        return None


def opened(value: object, nulls: Mapping[str, object], depth: int = 0) -> object:
    """
    JSON without nulls, which are the same as absent, and with ``1.0`` as ``1``.

    :param nulls: what null means instead, of keys where it means something
    :raises RecursionError: it is nested deeper than ``DEPTH_MAX``
    """
    if isinstance(value, str):
        return value
    if depth > DEPTH_MAX:
        raise RecursionError(f"must not be nested deeper than {DEPTH_MAX}")
    if isinstance(value, Mapping):
        return {
            key: nulls[key] if inner is None else opened(inner, nulls, depth + 1)
            for key, inner in value.items()
            if inner is not None or key in nulls
        }
    if isinstance(value, list | tuple):
        return [opened(inner, nulls, depth + 1) for inner in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_MAX:
        return int(value)
    return value


@cache
def _type_of(kind: type[Struct]) -> inspect.Type:
    return inspect.type_info(kind)


# --- the walk -------------------------------------------------------------------


def _walk(node: inspect.Type, value: object, path: str, faults: Faults) -> None:
    """Add each fault of ``value`` as a ``node``."""
    match node:
        case inspect.StructType():
            _walk_struct(node, value, path, faults)
        case inspect.UnionType(types):
            _walk(_meant(types, value), value, path, faults)
        case inspect.DictType(_, value_type):
            if _is(value, Mapping, "jsobject", path, faults):
                for key, inner in _items(value):
                    _walk(value_type, inner, f"{path}/{key}", faults)
        case inspect.VarTupleType(item_type):
            if _is(value, Sequence, "jsarray", path, faults):
                for index, inner in enumerate(_elements(value)):
                    _walk(item_type, inner, f"{path}({index})", faults)
        case _:
            _walk_scalar(node, value, path, faults)


def _walk_struct(node: inspect.StructType, value: object, path: str, faults: Faults) -> None:
    if not _is(value, Mapping, "jsobject", path, faults):
        return
    given = dict(_items(value))
    for field in node.fields:
        inner_path = f"{path}/{field.encode_name}"
        if field.encode_name in given:
            _walk(field.type, given[field.encode_name], inner_path, faults)
        elif field.required:
            faults.add(inner_path, _MISSING)


def _walk_scalar(node: inspect.Type, value: object, path: str, faults: Faults) -> None:
    match node:
        case inspect.StrType():
            if _is(value, str, "jsstring", path, faults):
                _measure_text(node, str(value), path, faults)
        case inspect.BoolType():
            _is(value, bool, "jsboolean", path, faults)
        case inspect.IntType() | inspect.FloatType():
            _measure_number(node, value, path, faults)
        case inspect.EnumType(cls):
            if _is(value, str, "jsstring", path, faults) and value not in set(cls):
                faults.add(path, _UNKNOWN_WORD)
        case _:
            # A word that is meant is right (``_meant``), and so is anything at all.
            pass


def _is(value: object, kind: type, word: str, path: str, faults: Faults) -> bool:
    """Whether ``value`` is a ``kind``, by its JSON ``word``; a text is no list here."""
    fits = isinstance(value, kind) and not (kind is Sequence and isinstance(value, str))
    if not fits:
        faults.add(path, f"error.expected.{word}")
    return fits


def _items(value: object) -> list[tuple[str, object]]:
    return list(value.items()) if isinstance(value, Mapping) else []


def _elements(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _meant(types: tuple[inspect.Type, ...], value: object) -> inspect.Type:
    """Which of several types somebody meant who wrote ``value``; the first, if none fits."""
    for node in types:
        if isinstance(node, inspect.LiteralType) and value in node.values:
            return node
        if isinstance(node, inspect.StructType) and isinstance(value, Mapping):
            return node
    return types[0]


def _measure_text(node: inspect.StrType, value: str, path: str, faults: Faults) -> None:
    if node.min_length is not None and len(value) < node.min_length:
        faults.add(path, "error.minLength")
    if node.max_length is not None and len(value) > node.max_length:
        faults.add(path, "error.maxLength")
    if node.pattern is not None and re.search(node.pattern, value) is None:
        faults.add(path, "error.pattern")


def _measure_number(
    node: inspect.IntType | inspect.FloatType, value: object, path: str, faults: Faults
) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        faults.add(path, "error.expected.jsnumber")
        return
    if isinstance(node, inspect.IntType) and isinstance(value, float):
        faults.add(path, _NO_INT)
    if node.ge is not None and value < node.ge:
        faults.add(path, "error.min")
    if node.le is not None and value > node.le:
        faults.add(path, "error.max")
