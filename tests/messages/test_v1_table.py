"""Tests for the vocabulary as a whole: it is the Mesos v1 API, field by field."""

from __future__ import annotations

import csv
import importlib
import pkgutil
import typing
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, inspect
from twisted.trial.unittest import SynchronousTestCase

import mesostw.messages
from mesostw.messages.names import NESTED
from mesostw.model.enums import WireEnum

HERE: Final = Path(__file__).parent
OURS: Final = frozenset(
    {"agent_master", "followers", "hello", "kinds", "fields", "names", "convert"}
)
#: Envelopes: these are in ``mesostw.wire.envelopes``, and tested there.
ENVELOPES: Final = frozenset(
    f"mesos.v1.{role}.{name}" for role in ("scheduler", "executor") for name in ("Call", "Event")
)
PROTO_TYPES: Final = {
    "string": inspect.StrType,
    "bytes": inspect.BytesType,
    "bool": inspect.BoolType,
    "double": inspect.FloatType,
}
WHOLE: Final = frozenset({"int32", "uint32", "int64", "uint64"})


def rows(name: str) -> Iterator[dict[str, str]]:
    """The facts of one table."""
    with (HERE / name).open(newline="") as table:
        yield from csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)


def vocabulary() -> dict[str, type]:
    """Every struct and enum of the v1 API by its full protobuf name."""
    found: dict[str, type] = {}
    for info in pkgutil.iter_modules(mesostw.messages.__path__):
        if info.name in OURS:
            continue
        module = importlib.import_module(f"mesostw.messages.{info.name}")
        nested = NESTED.get(info.name, {})
        for name, kind in vars(module).items():
            if isinstance(kind, type) and issubclass(kind, Struct | WireEnum):
                home = kind.__module__ == module.__name__ or name == "TaskState"
                if home:
                    found[f"mesos.v1.{nested.get(name, name)}"] = kind
    return found


VOCABULARY: Final = vocabulary()


@cache
def fields_of(message: str) -> dict[str, inspect.Field]:
    """The description of each field of a message."""
    described = inspect.type_info(VOCABULARY[message])
    assert isinstance(described, inspect.StructType)
    return {field.name: field for field in described.fields}


def field_of(message: str, name: str) -> inspect.Field:
    """The description of a field; fails with its name if there is none."""
    return fields_of(message)[name]


@cache
def hints_of(message: str) -> dict[str, Any]:
    """The annotation of each field of a message."""
    return typing.get_type_hints(VOCABULARY[message], include_extras=True)


def number_of(message: str, name: str) -> int:
    """The protobuf number that stands beside a field."""
    annotation = hints_of(message)[name]
    (number,) = (part for part in annotation.__metadata__ if isinstance(part, int))
    return number


def plain(described: inspect.Type) -> inspect.Type:
    """The type without its annotations and without ``None``."""
    if isinstance(described, inspect.UnionType):
        (described,) = (t for t in described.types if not isinstance(t, inspect.NoneType))
    if isinstance(described, inspect.Metadata) and described.extra is None:
        return plain(described.type)
    return described


def full_name(message: str, named: str) -> str:
    """What a type's name means within ``message``."""
    if named.startswith("mesos.v1."):
        return named
    package = message.rpartition(".")[0]
    while package not in ("mesos", ""):
        if f"{package}.{named}" in VOCABULARY:
            return f"{package}.{named}"
        package = package.rpartition(".")[0]
    return named


class V1TableTests(SynchronousTestCase):
    """The tables beside this file are facts of the Mesos 1.11 API."""

    def fields(self) -> Iterator[dict[str, str]]:
        for row in rows("v1_fields.tsv"):
            if row["field"] and row["message"] not in ENVELOPES:
                yield row

    def test_fields(self) -> None:
        """Every field of the API is there under its name and number."""
        for row in self.fields():
            field_of(row["message"], row["field"])
            self.assertEqual(
                number_of(row["message"], row["field"]), int(row["number"]), msg=str(row)
            )

    def test_no_others(self) -> None:
        """No message has a field that the API lacks."""
        known = {(row["message"], row["field"]) for row in rows("v1_fields.tsv")}
        for name, kind in VOCABULARY.items():
            if issubclass(kind, Struct):
                for field in kind.__struct_fields__:
                    self.assertIn((name, field), known)

    def test_labels(self) -> None:
        """What must be given must be given; lists and maps start empty."""
        for row in self.fields():
            field = field_of(row["message"], row["field"])
            self.assertEqual(field.required, row["label"] == "required", msg=str(row))
            if row["label"] == "repeated":
                self.assertEqual(field.default, (), msg=str(row))
                self.assertIsInstance(plain(field.type), inspect.VarTupleType)
            elif row["label"] == "map":
                self.assertIs(field.default_factory, dict)
                self.assertIsInstance(plain(field.type), inspect.DictType)

    def test_types(self) -> None:
        """Every field has the API's type, whole numbers their range."""
        for row in self.fields():
            kind = plain(field_of(row["message"], row["field"]).type)
            if row["label"] == "map":
                continue
            if isinstance(kind, inspect.VarTupleType):
                kind = plain(kind.item_type)
            self.check_type(kind, row)

    def check_type(self, kind: inspect.Type, row: dict[str, str]) -> None:
        wanted = row["type"]
        if wanted in WHOLE:
            assert isinstance(kind, inspect.Metadata)
            self.assertEqual(kind.extra, {"proto": wanted}, msg=str(row))
        elif wanted in PROTO_TYPES:
            self.assertIs(type(kind), PROTO_TYPES[wanted], msg=str(row))
        else:
            assert isinstance(kind, inspect.StructType | inspect.EnumType)
            name = full_name(row["message"], wanted.partition(":")[2])
            self.assertIs(kind.cls, VOCABULARY[name], msg=str(row))

    def test_defaults(self) -> None:
        """A default that the API names is the field's, and is written unless deprecated."""
        for row in self.fields():
            if not row["default"] or row["label"] != "optional":
                continue
            field = field_of(row["message"], row["field"])
            deprecated = row["default"].endswith("!")
            value: Any = field.default if deprecated else field.default_factory()
            said = str(value).lower() if isinstance(value, bool) else value
            wanted = row["default"].rstrip("!")
            self.assertEqual(str(said).removesuffix(".0"), wanted, msg=str(row))

    def test_enums(self) -> None:
        """Every enum has the API's names and numbers, and no others."""
        wanted: dict[str, dict[str, int]] = {}
        for row in rows("v1_enums.tsv"):
            wanted.setdefault(row["enum"], {})[row["value"]] = int(row["number"])
        types = {f"{name}.Type" for name in ENVELOPES}
        for name, members in wanted.items():
            if name not in types:
                kind = VOCABULARY[name]
                assert issubclass(kind, WireEnum)
                self.assertEqual({m.value: m.number for m in kind}, members, msg=name)
        enums = {name for name, kind in VOCABULARY.items() if issubclass(kind, Enum)}
        self.assertEqual(enums - set(wanted), set())

    def test_all_have_meaning(self) -> None:
        """Every message and enum says what it is."""
        for name, kind in VOCABULARY.items():
            self.assertTrue(kind.__doc__, msg=name)

    def test_reexported(self) -> None:
        """``mesostw.messages`` has every message of ``mesos.v1`` itself."""
        for name, kind in VOCABULARY.items():
            if not name.startswith(("mesos.v1.scheduler.", "mesos.v1.executor.")):
                self.assertIs(getattr(mesostw.messages, kind.__name__), kind)

    def test_frozen(self) -> None:
        """A message cannot be changed once made."""
        named = VOCABULARY["mesos.v1.TaskID"](value="a")
        with self.assertRaises(AttributeError):
            named.value = "b"
        self.assertEqual(msgspec.structs.replace(named, value="b").value, "b")
