"""
What the fields of messages are made of.

A message is a frozen struct. The protobuf number of a field stands beside its
type, ``value: Annotated[str, 1]``, and whole numbers have the ranges below.
Values hold no cycles, so the collector of cycles need not visit them.
"""

from __future__ import annotations

from itertools import repeat
from typing import Annotated, TypeAlias, TypeVar

from msgspec import Meta, Struct, field

T = TypeVar("T")

#: -2**31 to 2**31 - 1.
Int32: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1, extra={"proto": "int32"})]
#: 0 to 2**32 - 1.
Uint32: TypeAlias = Annotated[int, Meta(ge=0, le=2**32 - 1, extra={"proto": "uint32"})]
#: -2**63 to 2**63 - 1.
Int64: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1, extra={"proto": "int64"})]
#: 0 to 2**63 - 1: protobuf has one bit more, which nothing in the API needs.
Uint64: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1, extra={"proto": "uint64"})]


class Body(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """A message, or a part of one; what is unset is not written."""


def always(value: T) -> T:
    """
    Return a default that is written out even when it was not given.

    Mesos does so in JSON with each field whose default the API names, and
    clients rely on it. msgspec leaves out a plain default only.
    """
    return field(default_factory=repeat(value).__next__)
