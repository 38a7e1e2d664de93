"""
What agents have and tasks use: ``cpus:4;mem:1024;ports:[31000-32000]``.

:class:`Resources` is an immutable bag of amounts by slot.  Adding joins bags,
subtracting refuses to take what is not there, and nothing is ever negative.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Mapping
from typing import ClassVar, Final

from mesostw.model.amounts import (
    SCALE,
    Quantity,
    Ranges,
    ResourcesError,
    coalesced,
    quantity_of,
    quantity_text,
    ranges_text,
    ranges_within,
    ranges_without,
    scalar_number,
    words_text,
)
from mesostw.model.names import ANY_ROLE, is_within, role_fault
from mesostw.model.slots import Reservation, Slot, plain, slot

__all__ = ["EMPTY", "Resources", "ResourcesError", "amount_of", "slot_of"]

#: Scalars that ``/state`` shows even when there are none.
FLAT_NAMES: Final = ("cpus", "gpus", "mem", "disk")


class Resources:
    """An immutable bag of resources; equal bags are equal and hash alike."""

    __slots__ = ("_amounts", "_hash", "_scalars")

    #: The bag with nothing in it.
    EMPTY: ClassVar[Resources]

    def __init__(self, amounts: dict[Slot, Quantity]) -> None:
        """Own ``amounts``, which hold no empty quantity and are not changed any more."""
        self._amounts = amounts
        self._hash: int | None = None
        self._scalars: Mapping[str, int] | None = None

    @classmethod
    def of(cls, amounts: Iterable[tuple[Slot, Quantity]]) -> Resources:
        """Add up amounts, which may repeat a slot and be empty."""
        total: dict[Slot, Quantity] = {}
        for where, amount in amounts:
            if amount:
                held = total.get(where)
                total[where] = amount if held is None else _joined(where, held, amount)
        return cls(total) if total else EMPTY

    @classmethod
    def parse(cls, text: str, default_role: str = ANY_ROLE) -> Resources:
        """
        Read the text form ``name:value;name(role):value``.

        Zero amounts are left out, as Mesos does; a wrong part raises
        :class:`ResourcesError`.  ``messages.convert.parse`` reads JSON as well.
        """
        pairs = []
        for part in text.split(";"):
            if part.strip():
                label, colon, value = part.partition(":")
                if not colon:
                    raise ResourcesError(f"resources: {part.strip()!r} lacks a value; use name:1")
                where = slot_of(label.strip(), default_role)
                pairs.append((where, amount_of(where.name, value)))
        return cls.of(pairs)

    # --- arithmetic ----------------------------------------------------------

    def __add__(self, other: Resources) -> Resources:
        theirs = other._amounts
        if not theirs:
            return self
        if not self._amounts:
            return other
        total = self._amounts.copy()
        for where, amount in theirs.items():
            held = total.get(where)
            if held is None:
                total[where] = amount
            elif type(held) is int and type(amount) is int:
                total[where] = held + amount
            else:
                total[where] = _joined(where, held, amount)
        return Resources(total)

    def __sub__(self, other: Resources) -> Resources:
        theirs = other._amounts
        if not theirs:
            return self
        if self is other:
            return EMPTY
        total = self._amounts.copy()
        for where, amount in theirs.items():
            held = total.get(where)
            if held is None:
                raise _lacks(where, amount)
            if type(held) is int and type(amount) is int:
                left = held - amount
                if left > 0:
                    total[where] = left
                elif left == 0:
                    del total[where]
                else:
                    raise _lacks(where, amount, held)
            elif held == amount:
                del total[where]
            elif _holds(held, amount):
                total[where] = _without(held, amount)
            else:
                raise _lacks(where, amount, held)
        return Resources(total) if total else EMPTY

    def contains(self, other: Resources) -> bool:
        """Whether ``self - other`` would be allowed."""
        if self is other:
            return True
        mine = self._amounts
        for where, amount in other._amounts.items():
            held = mine.get(where)
            if held is None:
                return False
            if type(held) is int and type(amount) is int:
                if held < amount:
                    return False
            elif not _holds(held, amount):
                return False
        return True

    def overlap(self, other: Resources) -> Resources:
        """Keep what both have: the largest bag that each of them contains."""
        if self is other:
            return self
        theirs = other._amounts
        return Resources.of(
            (where, _overlap(amount, theirs[where]))
            for where, amount in self._amounts.items()
            if where in theirs
        )

    # --- questions -----------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        return not self._amounts

    def __bool__(self) -> bool:
        return bool(self._amounts)

    def items(self) -> ItemsView[Slot, Quantity]:
        """Every slot and what is in it, never an empty amount."""
        return self._amounts.items()

    def scalars(self) -> Mapping[str, int]:
        """Thousandths by name, summed over roles; the caller does not change the table."""
        found = self._scalars
        if found is None:
            sums: dict[str, int] = {}
            for where, amount in self._amounts.items():
                if type(amount) is int:
                    sums[where.name] = sums.get(where.name, 0) + amount
            found = self._scalars = sums
        return found

    def scalar(self, name: str) -> int:
        """Thousandths of ``name`` over all roles, 0 if there are none."""
        return self.scalars().get(name, 0)

    def number(self, name: str) -> float:
        """Tell the scalar ``name`` in units, for people and JSON."""
        return self.scalar(name) / SCALE

    def ranges(self, name: str) -> Ranges:
        """Join the ranges of ``name`` over all roles."""
        return coalesced(
            pair
            for where, amount in self._amounts.items()
            if where.name == name and isinstance(amount, tuple)
            for pair in amount
        )

    def names(self) -> frozenset[str]:
        """Names of what is there, in any role."""
        return frozenset(where.name for where in self._amounts)

    # --- parts ---------------------------------------------------------------

    def filtered(self, wanted: Callable[[Slot], bool]) -> Resources:
        """Keep the slots that ``wanted`` says yes to; the bag itself if it is all."""
        amounts = self._amounts
        kept = {where: amount for where, amount in amounts.items() if wanted(where)}
        if len(kept) == len(amounts):
            return self
        return Resources(kept) if kept else EMPTY

    def reserved_to(self, role: str) -> Resources:
        """Keep what is reserved to exactly ``role``."""
        return self.filtered(lambda where: bool(where.reservations) and where.role == role)

    def unreserved(self) -> Resources:
        """Keep what is reserved to nobody."""
        return self.filtered(lambda where: not where.reservations)

    def allocatable_to(self, role: str) -> Resources:
        """Keep what a framework of ``role`` may get: unreserved, or of the role or one above."""
        return self.filtered(lambda where: not where.reservations or is_within(role, where.role))

    def roles(self) -> frozenset[str]:
        """Roles that anything here is reserved to."""
        return frozenset(where.role for where in self._amounts if where.reservations)

    def unreserving(self) -> Resources:
        """Take all reservations off: the same amounts for nobody."""
        return Resources.of(
            (where.without_reservations(), amount) for where, amount in self._amounts.items()
        )

    # --- forms ---------------------------------------------------------------

    def text(self) -> str:
        """Print the text form, which :meth:`parse` reads again for static reservations."""
        return ";".join(
            f"{where.text()}:{quantity_text(amount)}" for where, amount in self._amounts.items()
        )

    def flat(self) -> dict[str, float | str]:
        """Print what ``/state`` shows: units by name, ranges and sets as text."""
        shown: dict[str, float | str] = dict.fromkeys(FLAT_NAMES, 0.0)
        sums: dict[str, Quantity] = {}
        for where, amount in self._amounts.items():
            name = f"{where.name}_revocable" if where.revocable else where.name
            held = sums.get(name)
            sums[name] = amount if held is None else _joined(where, held, amount)
        for name, amount in sums.items():
            if isinstance(amount, int):
                shown[name] = scalar_number(amount)
            elif isinstance(amount, tuple):
                shown[name] = ranges_text(amount)
            else:
                shown[name] = words_text(amount)
        return shown

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Resources):
            return NotImplemented
        return self._amounts == other._amounts

    def __hash__(self) -> int:
        found = self._hash
        if found is None:
            found = self._hash = hash(frozenset(self._amounts.items()))
        return found

    def __repr__(self) -> str:
        return f"Resources({self.text()!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return Resources, (self._amounts,)


def slot_of(label: str, default_role: str = ANY_ROLE) -> Slot:
    """Read ``name`` or ``name(role)`` of the text form; the reservation is static."""
    name, bracket, rest = label.partition("(")
    name = name.strip()
    role = default_role
    if bracket:
        if not rest.endswith(")"):
            raise ResourcesError(f"resources: {label!r} lacks ')'; use name(role):value")
        role = rest[:-1].strip()
    if not name:
        raise ResourcesError(f"resources: {label!r} has no name; use name:value")
    fault = role_fault(role)
    if fault is not None:
        raise ResourcesError(f"{name}: role {fault}")
    return plain(name) if role == ANY_ROLE else slot(name, (Reservation(role),))


def amount_of(name: str, text: str) -> Quantity:
    """Read the amount of ``name``; ``gpus`` must be whole."""
    amount = quantity_of(text, name)
    check_whole(name, amount)
    return amount


def check_whole(name: str, amount: Quantity) -> None:
    """Refuse a part of a GPU: nobody can share one."""
    if name == "gpus" and isinstance(amount, int) and amount % SCALE:
        raise ResourcesError(f"gpus: {quantity_text(amount)} is no whole number; use 0, 1, 2 ...")


def _lacks(where: Slot, amount: Quantity, held: Quantity = 0) -> ResourcesError:
    return ResourcesError(
        f"{where.text()}: {quantity_text(amount)} is not within {quantity_text(held)};"
        " ask for what is there"
    )


def _joined(where: Slot, held: Quantity, amount: Quantity) -> Quantity:
    if isinstance(held, int) and isinstance(amount, int):
        return held + amount
    if isinstance(held, tuple) and isinstance(amount, tuple):
        return coalesced(held + amount)
    if isinstance(held, frozenset) and isinstance(amount, frozenset):
        return held | amount
    raise ResourcesError(
        f"{where.text()}: {quantity_text(held)} and {quantity_text(amount)} are of different"
        " types; use one type for one name"
    )


def _holds(held: Quantity, amount: Quantity) -> bool:
    if isinstance(held, int) and isinstance(amount, int):
        return held >= amount
    if isinstance(held, tuple) and isinstance(amount, tuple):
        return ranges_within(amount, held)
    if isinstance(held, frozenset) and isinstance(amount, frozenset):
        return held >= amount
    return False


def _without(held: Quantity, amount: Quantity) -> Quantity:
    if isinstance(held, int) and isinstance(amount, int):
        return held - amount
    if isinstance(held, tuple) and isinstance(amount, tuple):
        return ranges_without(held, amount)
    if isinstance(held, frozenset) and isinstance(amount, frozenset):
        return held - amount
    return held


def _overlap(held: Quantity, amount: Quantity) -> Quantity:
    if isinstance(held, int) and isinstance(amount, int):
        return min(held, amount)
    if isinstance(held, tuple) and isinstance(amount, tuple):
        return ranges_without(held, ranges_without(held, amount))
    if isinstance(held, frozenset) and isinstance(amount, frozenset):
        return held & amount
    return 0


#: The bag with nothing in it.
EMPTY: Final = Resources({})
Resources.EMPTY = EMPTY
