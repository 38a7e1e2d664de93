"""
What is said of an agent for frameworks to choose by: ``rack:r1;level:2;ports:[1-5]``.

A value is a scalar in thousandths, ranges, or text; sets, which Mesos knows as
a type but never parses, are read as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from mesostw.model.amounts import (
    Ranges,
    ResourcesError,
    quantity_of,
    ranges_text,
    scalar_number,
    scalar_text,
    thousandths,
)

AttributeValue: TypeAlias = int | Ranges | str


class AttributesError(ValueError):
    """The text names no attributes; the message names field, value and fix."""


class Attributes:
    """An agent's attributes in the order they were given; a name may come twice."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[str, AttributeValue]] = ()) -> None:
        self._pairs = tuple(pairs)

    @classmethod
    def parse(cls, text: str) -> Attributes:
        """Read ``name:value;name:[a-b]``; text is whatever is neither number nor ranges."""
        pairs = []
        for part in text.split(";"):
            if part.strip():
                name, colon, value = part.partition(":")
                name, value = name.strip(), value.strip()
                if not (name and colon and value):
                    raise AttributesError(
                        f"attributes: {part.strip()!r} is no attribute; use name:value"
                    )
                pairs.append((name, _value_of(name, value)))
        return cls(pairs)

    def __iter__(self) -> Iterator[tuple[str, AttributeValue]]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def get(self, name: str) -> AttributeValue | None:
        """Find the first value of ``name``."""
        return next((value for key, value in self._pairs if key == name), None)

    def text(self) -> str:
        """Print the text form, which :meth:`parse` reads again."""
        return ";".join(f"{name}:{value_text(value)}" for name, value in self._pairs)

    def flat(self) -> dict[str, float | str]:
        """Print what ``/state`` shows: scalars as numbers, everything else as text."""
        return {
            name: scalar_number(value) if isinstance(value, int) else value_text(value)
            for name, value in self._pairs
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Attributes):
            return NotImplemented
        return self._pairs == other._pairs

    def __hash__(self) -> int:
        return hash(self._pairs)

    def __repr__(self) -> str:
        return f"Attributes({self.text()!r})"


def value_text(value: AttributeValue) -> str:
    """Print one value in the text form."""
    if isinstance(value, int):
        return scalar_text(value)
    if isinstance(value, tuple):
        return ranges_text(value)
    return value


def _value_of(name: str, text: str) -> AttributeValue:
    if text.startswith("["):
        try:
            ranges = quantity_of(text, name)
        except ResourcesError as fault:
            raise AttributesError(f"attributes: {fault}") from None
        return ranges if isinstance(ranges, tuple) else text
    try:
        number = float(text) if "_" not in text else None
        return text if number is None else thousandths(number, name)
    except ValueError:
        # Neither a decimal nor an amount that Mesos could hold (nan, -1, 1e300): plain text.
        return text


#: Nothing is said.
NO_ATTRIBUTES: Final = Attributes()
