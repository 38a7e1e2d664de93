"""
Resources and attributes between their messages and the values of ``mesostw.model``.

Reservations have two forms.  The old one is a ``role`` with or without a
``reservation``; the new one (reservation refinement) is the stack ``reservations``.
Both are read; ``messages_of`` writes the new one, or the old one when asked to.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from mesostw.messages.ids import ResourceProviderID
from mesostw.messages.resources import (
    AllocationInfo,
    DiskInfo,
    ReservationInfo,
    ReservationType,
    Resource,
    RevocableInfo,
    SharedInfo,
)
from mesostw.messages.values import (
    Attribute,
    Label,
    Labels,
    Range,
    Ranges,
    Scalar,
    Set,
    Text,
    ValueType,
)
from mesostw.model import amounts
from mesostw.model.amounts import Quantity, ResourcesError
from mesostw.model.attributes import Attributes, AttributesError, AttributeValue
from mesostw.model.names import ANY_ROLE, role_fault
from mesostw.model.resources import Resources, check_whole
from mesostw.model.slots import Disk, Reservation, Slot, plain, slot

#: Resources whose messages are kept: the agents of a cluster are mostly alike.
MESSAGES_KEPT_MAX: Final = 2048

_SCALAR: Final = ValueType.SCALAR
_RANGES: Final = ValueType.RANGES
_SET: Final = ValueType.SET
_REVOCABLE: Final = RevocableInfo()
_SHARED: Final = SharedInfo()
_RESOURCES: Final = msgspec.json.Decoder(tuple[Resource, ...])


# --- messages to values ---------------------------------------------------------


def resources_of(messages: Iterable[Resource]) -> Resources:
    """
    Add up messages; ``allocation_info`` is left out, zero amounts too.

    A wrong message raises :class:`ResourcesError`, which names field, value and fix.
    """
    return Resources.of([(_slot_of(one), _quantity_of(one)) for one in messages])


def parse(text: str, default_role: str = ANY_ROLE) -> Resources:
    """Read resources as operators give them: ``cpus:4;mem:1024`` or a JSON array of Resource."""
    if not text.lstrip().startswith("["):
        return Resources.parse(text, default_role)
    try:
        messages = _RESOURCES.decode(text)
    except msgspec.MsgspecError as fault:
        raise ResourcesError(
            f"resources: {fault}; use name:value;... or a JSON array of Resource"
        ) from None
    if default_role != ANY_ROLE:
        messages = tuple(
            msgspec.structs.replace(one, role=default_role) if _is_of_nobody(one) else one
            for one in messages
        )
    return resources_of(messages)


def attributes_of(messages: Iterable[Attribute]) -> Attributes:
    """Read an agent's attributes; a wrong one raises :class:`AttributesError`."""
    return Attributes([(one.name, _value_of(one)) for one in messages])


# --- values to messages ---------------------------------------------------------


@lru_cache(maxsize=MESSAGES_KEPT_MAX)
def messages_of(
    resources: Resources, allocation_role: str | None = None, *, refined: bool = True
) -> tuple[Resource, ...]:
    """
    Write resources as messages, offered or used in ``allocation_role`` if there is one.

    ``refined`` false writes single reservations in the old form, for frameworks
    without RESERVATION_REFINEMENT.
    """
    allocation = None if allocation_role is None else AllocationInfo(role=allocation_role)
    return tuple(
        _message_of(where, amount, allocation, refined) for where, amount in resources.items()
    )


def attribute_messages_of(attributes: Attributes) -> tuple[Attribute, ...]:
    """Write an agent's attributes as messages."""
    return tuple(_attribute_of(name, value) for name, value in attributes)


# --- inside: reading ------------------------------------------------------------


def _quantity_of(one: Resource) -> Quantity:
    name, kind = one.name, one.type
    amount: Quantity | None = None
    if kind is _SCALAR and one.scalar is not None:
        amount = amounts.thousandths(one.scalar.value, name)
        if name == "gpus":
            check_whole(name, amount)
    elif kind is _RANGES and one.ranges is not None:
        amount = amounts.ranges_of([(r.begin, r.end) for r in one.ranges.range], name)
    elif kind is _SET and one.set is not None:
        amount = _words_of(one.set.item, name)
    forms = (one.scalar is not None) + (one.ranges is not None) + (one.set is not None)
    if amount is None or forms != 1:
        raise ResourcesError(
            f"{name}: type {kind} does not fit the value; set scalar, ranges or set as type says"
        )
    return amount


def _words_of(items: tuple[str, ...], name: str) -> frozenset[str]:
    words = frozenset(items)
    if len(words) != len(items):
        raise ResourcesError(f"{name}: the set has a word twice; name each once")
    return words


def _slot_of(one: Resource) -> Slot:
    if not one.name:
        raise ResourcesError("resources: a resource has no name; set name")
    if (
        one.role == ANY_ROLE
        and not one.reservations
        and one.reservation is None
        and one.disk is None
        and one.provider_id is None
        and one.revocable is None
        and one.shared is None
    ):
        return plain(one.name)
    disk = one.disk
    return slot(
        one.name,
        _reservations_of(one),
        disk=None if disk is None or disk == DiskInfo() else _disk_of(one.name, disk),
        provider=None if one.provider_id is None else one.provider_id.value,
        revocable=one.revocable is not None,
        shared=one.shared is not None,
    )


def _disk_of(name: str, disk: DiskInfo) -> Disk:
    try:
        hash(disk)
    except TypeError:
        # Maps hide in CSI sources only, which tasks' own volumes may have, but not resources.
        raise ResourcesError(
            f"{name}: disk.volume.source is not for resources; use container_path and mode"
        ) from None
    source, kind, root = disk.source, "", None
    if source is not None:
        kind = source.type.value
        place = source.path if source.path is not None else source.mount
        root = None if place is None else place.root
    persistence = disk.persistence
    return Disk(kind, root, None if persistence is None else persistence.id, disk)


def _reservations_of(one: Resource) -> tuple[Reservation, ...]:
    if one.reservations:
        if one.role != ANY_ROLE or one.reservation is not None:
            raise ResourcesError(
                f"{one.name}: both role or reservation and reservations are set; use one form"
            )
        return tuple(_layers_of(one))
    if one.role == ANY_ROLE:
        if one.reservation is not None:
            raise ResourcesError(f"{one.name}: a reservation for role *; set role")
        return ()
    _check_role(one.name, one.role)
    if one.reservation is None:
        return (Reservation(one.role),)
    old = one.reservation
    return (Reservation(one.role, True, old.principal, _labels_of(old.labels)),)


def _layers_of(one: Resource) -> Iterable[Reservation]:
    above: str | None = None
    for layer in one.reservations:
        role = layer.role or ""
        _check_role(one.name, role)
        if role == ANY_ROLE:
            raise ResourcesError(f"{one.name}: a reservation for role *; name another role")
        if layer.type not in {ReservationType.STATIC, ReservationType.DYNAMIC}:
            raise ResourcesError(
                f"{one.name}: the reservation for {role} has no type; use STATIC or DYNAMIC"
            )
        if above is not None and not role.startswith(above + "/"):
            raise ResourcesError(
                f"{one.name}: reservation for {role!r} is not below {above!r};"
                " each layer is of a role below the last"
            )
        above = role
        dynamic = layer.type is ReservationType.DYNAMIC
        yield Reservation(role, dynamic, layer.principal, _labels_of(layer.labels))


def _check_role(name: str, role: str) -> None:
    fault = role_fault(role)
    if fault is not None:
        raise ResourcesError(f"{name}: role {fault}")


def _is_of_nobody(one: Resource) -> bool:
    return one.role == ANY_ROLE and not one.reservations


def _labels_of(labels: Labels | None) -> tuple[tuple[str, str | None], ...]:
    return () if labels is None else tuple((label.key, label.value) for label in labels.labels)


def _value_of(one: Attribute) -> AttributeValue:
    if not one.name:
        raise AttributesError("attributes: an attribute has no name; set name")
    try:
        if one.type is ValueType.TEXT and one.text is not None:
            return one.text.value
        if one.type is _SCALAR and one.scalar is not None:
            return amounts.thousandths(one.scalar.value, one.name)
        if one.type is _RANGES and one.ranges is not None:
            return amounts.ranges_of([(r.begin, r.end) for r in one.ranges.range], one.name)
        if one.type is _SET and one.set is not None:
            return amounts.words_text(frozenset(one.set.item))
    except ResourcesError as fault:
        raise AttributesError(f"attributes: {fault}") from None
    raise AttributesError(
        f"attributes: {one.name}: type {one.type} does not fit the value; set the one it names"
    )


# --- inside: writing ------------------------------------------------------------


def _message_of(
    where: Slot, amount: Quantity, allocation: AllocationInfo | None, refined: bool
) -> Resource:
    kind, scalar, ranges, words = _SCALAR, None, None, None
    if isinstance(amount, int):
        scalar = Scalar(value=amount / amounts.SCALE)
    elif isinstance(amount, tuple):
        kind, ranges = _RANGES, Ranges(range=tuple(Range(begin=b, end=e) for b, e in amount))
    else:
        kind, words = _SET, Set(item=tuple(sorted(amount)))
    role, old = ANY_ROLE, None
    layers: tuple[ReservationInfo, ...] = ()
    if where.reservations:
        if refined or len(where.reservations) > 1:
            layers = tuple(_layer_of(layer) for layer in where.reservations)
        else:
            role, old = where.role, _old_layer_of(where.reservations[0])
    disk = where.disk.full if where.disk is not None else None
    return Resource(
        name=where.name,
        type=kind,
        scalar=scalar,
        ranges=ranges,
        set=words,
        role=role,
        reservation=old,
        reservations=layers,
        allocation_info=allocation,
        disk=disk if isinstance(disk, DiskInfo) else None,
        provider_id=None if where.provider is None else ResourceProviderID(value=where.provider),
        revocable=_REVOCABLE if where.revocable else None,
        shared=_SHARED if where.shared else None,
    )


def _layer_of(layer: Reservation) -> ReservationInfo:
    return ReservationInfo(
        type=ReservationType.DYNAMIC if layer.dynamic else ReservationType.STATIC,
        role=layer.role,
        principal=layer.principal,
        labels=_labels_message_of(layer.labels),
    )


def _old_layer_of(layer: Reservation) -> ReservationInfo | None:
    if not layer.dynamic:
        return None
    return ReservationInfo(principal=layer.principal, labels=_labels_message_of(layer.labels))


def _labels_message_of(pairs: tuple[tuple[str, str | None], ...]) -> Labels | None:
    if not pairs:
        return None
    return Labels(labels=tuple(Label(key=key, value=value) for key, value in pairs))


def _attribute_of(name: str, value: AttributeValue) -> Attribute:
    if isinstance(value, int):
        scalar = Scalar(value=value / amounts.SCALE)
        return Attribute(name=name, type=_SCALAR, scalar=scalar)
    if isinstance(value, tuple):
        ranges = Ranges(range=tuple(Range(begin=b, end=e) for b, e in value))
        return Attribute(name=name, type=_RANGES, ranges=ranges)
    return Attribute(name=name, type=ValueType.TEXT, text=Text(value=value))
