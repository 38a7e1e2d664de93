"""Enums whose members have a name on the wire and a number in protobuf."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class WireEnum(StrEnum):
    """
    An enum of the Mesos API: its value is its name there, as JSON and the bus say it.

    ``number`` is the one that protobuf says. A name that a newer peer says and
    this enum lacks is dealt with by ``mesostw.wire``, not here: whether it may
    be left out depends on the field, not on the enum.
    """

    number: int

    def __new__(cls, name: str, number: int) -> Self:
        member = str.__new__(cls, name)
        member._value_ = name
        member.number = number
        return member
