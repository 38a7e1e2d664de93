"""Plain values: amounts, attributes, labels, times, parameters."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body, Int64, Uint64
from mesostw.model.enums import WireEnum


class ValueType(WireEnum):
    """Which of the value's forms is set."""

    SCALAR = "SCALAR", 0
    RANGES = "RANGES", 1
    SET = "SET", 2
    TEXT = "TEXT", 3


class Value(Body, frozen=True, kw_only=True):
    """A value of any form, as attributes and resources have."""

    type: Annotated[ValueType, 1]
    scalar: Annotated[Scalar | None, 2] = None
    ranges: Annotated[Ranges | None, 3] = None
    set: Annotated[Set | None, 4] = None
    text: Annotated[Text | None, 5] = None


class Scalar(Body, frozen=True, kw_only=True):
    """An amount; of resources, three decimals are kept."""

    value: Annotated[float, 1]


class Range(Body, frozen=True, kw_only=True):
    """Whole numbers from ``begin`` to ``end``, both included."""

    begin: Annotated[Uint64, 1]
    end: Annotated[Uint64, 2]


class Ranges(Body, frozen=True, kw_only=True):
    """Several ranges, such as free ports."""

    range: Annotated[tuple[Range, ...], 1] = ()


class Set(Body, frozen=True, kw_only=True):
    """Several names."""

    item: Annotated[tuple[str, ...], 1] = ()


class Text(Body, frozen=True, kw_only=True):
    """A text."""

    value: Annotated[str, 1]


class Attribute(Body, frozen=True, kw_only=True):
    """What an operator says of an agent, such as its rack."""

    name: Annotated[str, 1]
    type: Annotated[ValueType, 2]
    scalar: Annotated[Scalar | None, 3] = None
    ranges: Annotated[Ranges | None, 4] = None
    set: Annotated[Set | None, 6] = None
    text: Annotated[Text | None, 5] = None


class Label(Body, frozen=True, kw_only=True):
    """A key with or without a value that Mesos carries and never reads."""

    key: Annotated[str, 1]
    value: Annotated[str | None, 2] = None


class Labels(Body, frozen=True, kw_only=True):
    """Several labels; keys may repeat."""

    labels: Annotated[tuple[Label, ...], 1] = ()


class Parameter(Body, frozen=True, kw_only=True):
    """A key and its value."""

    key: Annotated[str, 1]
    value: Annotated[str, 2]


class Parameters(Body, frozen=True, kw_only=True):
    """Several parameters."""

    parameter: Annotated[tuple[Parameter, ...], 1] = ()


class TimeInfo(Body, frozen=True, kw_only=True):
    """A moment, in nanoseconds since 1970."""

    nanoseconds: Annotated[Int64, 1]


class DurationInfo(Body, frozen=True, kw_only=True):
    """A span of time in nanoseconds; may be negative."""

    nanoseconds: Annotated[Int64, 1]
