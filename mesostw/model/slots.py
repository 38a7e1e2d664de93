"""
What makes one kind of resource differ from another: its slot.

Two resources add up only in the same slot: the same name, the same stack of
reservations, disk, provider, and the same promise (revocable, shared).  Slots
are interned, so tables keyed by them compare by identity alone.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final
from weakref import WeakValueDictionary

from msgspec import Struct

from mesostw.model.names import ANY_ROLE

#: Names of unreserved slots kept for good; peers choose names, so there is a limit.
PLAIN_SLOTS_MAX: Final = 1024


class Reservation(Struct, frozen=True):
    """One layer of a reservation: ``dynamic`` ones can be undone by UNRESERVE."""

    role: str
    dynamic: bool = False
    principal: str | None = None
    labels: tuple[tuple[str, str | None], ...] = ()


class Disk(Struct, frozen=True):
    """
    Which disk, and which volume on it.

    ``source`` is ``PATH``, ``MOUNT``, ``BLOCK``, ``RAW``, or empty for the root
    disk; ``full`` is the whole message that says so, kept to be given back.
    """

    source: str = ""
    root: str | None = None
    persistence_id: str | None = None
    full: Hashable = None


class Slot:
    """One kind of resource; made by :func:`slot`, equal only to itself."""

    __slots__ = (
        "__weakref__",
        "disk",
        "name",
        "provider",
        "reservations",
        "revocable",
        "role",
        "shared",
    )

    def __init__(
        self,
        name: str,
        reservations: tuple[Reservation, ...],
        *,
        disk: Disk | None,
        provider: str | None,
        revocable: bool,
        shared: bool,
    ) -> None:
        self.name = name
        #: The lowest layer first; the last one says who may use the resource.
        self.reservations = reservations
        self.disk = disk
        self.provider = provider
        self.revocable = revocable
        self.shared = shared
        #: Whom the resource is reserved to, ``*`` for nobody.
        self.role = reservations[-1].role if reservations else ANY_ROLE

    def key(self) -> tuple[object, ...]:
        """All that tells this slot from others, as one comparable value."""
        return (
            self.name,
            self.reservations,
            self.disk,
            self.provider,
            self.revocable,
            self.shared,
        )

    def without_reservations(self) -> Slot:
        """Get the slot of the same thing reserved to nobody."""
        if not self.reservations:
            return self
        return _interned(self.name, (), self.disk, self.provider, self.revocable, self.shared)

    def __reduce__(self) -> tuple[object, ...]:
        return _interned, self.key()

    def __repr__(self) -> str:
        return f"<Slot {self.text()}>"

    def text(self) -> str:
        """Print ``name(role)``; other layers, disks and promises in brackets, for reading only."""
        parts = [self.name]
        if len(self.reservations) == 1 and self.reservations[0] == Reservation(self.role):
            parts.append(f"({self.role})")
        elif self.reservations:
            layers = ",".join(_layer_text(layer) for layer in self.reservations)
            parts.append(f"(reservations: [{layers}])")
        if self.disk is not None:
            place = self.disk.source or "ROOT"
            parts.append(f"[{place}:{self.disk.root or ''},{self.disk.persistence_id or ''}]")
        parts.extend(f"{{{word}}}" for word in ("revocable", "shared") if getattr(self, word))
        if self.provider is not None:
            parts.append(f"<{self.provider}>")
        return "".join(parts)


def slot(
    name: str,
    reservations: tuple[Reservation, ...] = (),
    *,
    disk: Disk | None = None,
    provider: str | None = None,
    revocable: bool = False,
    shared: bool = False,
) -> Slot:
    """Get the one slot that these words describe."""
    if not reservations and disk is None and provider is None and not (revocable or shared):
        return plain(name)
    return _interned(name, reservations, disk, provider, revocable, shared)


def plain(name: str) -> Slot:
    """Get the slot of unreserved, unremarkable ``name``."""
    found = _PLAIN.get(name)
    if found is None:
        found = _interned(name, (), None, None, False, False)
        if len(_PLAIN) < PLAIN_SLOTS_MAX:
            _PLAIN[name] = found
    return found


def _interned(
    name: str,
    reservations: tuple[Reservation, ...],
    disk: Disk | None,
    provider: str | None,
    revocable: bool,
    shared: bool,
) -> Slot:
    key = (name, reservations, disk, provider, revocable, shared)
    found = _SLOTS.get(key)
    if found is None:
        found = _SLOTS[key] = Slot(
            name,
            reservations,
            disk=disk,
            provider=provider,
            revocable=revocable,
            shared=shared,
        )
    return found


def _layer_text(layer: Reservation) -> str:
    kind = "DYNAMIC" if layer.dynamic else "STATIC"
    return f"({kind},{layer.role},{layer.principal or ''})"


_PLAIN: dict[str, Slot] = {}
_SLOTS: WeakValueDictionary[tuple[object, ...], Slot] = WeakValueDictionary()
