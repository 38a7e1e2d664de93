"""Which names are allowed: ids of objects, roles of resources, weights of roles."""

from __future__ import annotations

import math
import re
from typing import Final

#: UTF-8 bytes of the longest id: it becomes the name of a directory.
ID_BYTES_MAX: Final = 255
#: The role of resources that belong to nobody.
ANY_ROLE: Final = "*"
#: The weight of a role that nobody set.
WEIGHT_DEFAULT: Final = 1.0

#: Slashes, control characters, and halves of surrogate pairs, which no file name can hold.
_UNSAFE: Final = re.compile(r"[/\\\x00-\x1f\x7f\ud800-\udfff]")
_SPACE: Final = re.compile(r"[\x00-\x20\x7f]")


class NameRefused(ValueError):
    """A name is not allowed; the message names field, value and fix."""


def id_fault(value: str) -> str | None:
    """Say what is wrong with an id, which must be safe as a directory's name; else ``None``."""
    if not value:
        return "is empty; give it a name"
    if value in {".", ".."}:
        return f"{value!r} is a directory's own name; use another"
    if len(value) * 4 > ID_BYTES_MAX:
        size = len(value.encode("utf-8", "surrogatepass"))
        if size > ID_BYTES_MAX:
            return f"has {size} bytes; use at most {ID_BYTES_MAX}"
    unsafe = _UNSAFE.search(value)
    if unsafe is not None:
        return f"{value!r} contains {unsafe[0]!r}; leave it out"
    return None


def check_id(value: str, field: str) -> str:
    """Give ``value`` back if it may name an object; ``field`` is named in the refusal."""
    fault = id_fault(value)
    if fault is not None:
        raise NameRefused(f"{field} {fault}")
    return value


def role_fault(role: str) -> str | None:
    """Say what is wrong with a role's name, ``None`` if nothing; ``*`` is a role."""
    if role == ANY_ROLE:
        return None
    if not role:
        return "is empty; use * for resources of nobody"
    space = _SPACE.search(role)
    if space is not None:
        return f"{role!r} contains {space[0]!r}; leave it out"
    for part in role.split("/"):
        if part in {"", ".", "..", ANY_ROLE}:
            return f"{role!r} has the part {part!r}; give each level a name, as in a/b"
        if part.startswith("-"):
            return f"{role!r} has a part that begins with '-'; leave it out"
    return None


def check_role(role: str, field: str = "role") -> str:
    """Give ``role`` back if it may name a role; ``field`` is named in the refusal."""
    fault = role_fault(role)
    if fault is not None:
        raise NameRefused(f"{field} {fault}")
    return role


def ancestors(role: str) -> tuple[str, ...]:
    """Name the roles above ``role``, the highest first: ``a/b/c`` has ``a`` and ``a/b``."""
    parts = role.split("/")
    return tuple("/".join(parts[:depth]) for depth in range(1, len(parts)))


def is_within(role: str, above: str) -> bool:
    """Whether ``role`` is ``above`` or below it."""
    return role == above or role.startswith(above + "/")


def check_weight(role: str, weight: float) -> float:
    """Give ``weight`` back if a role may have it: finite and above 0."""
    if not (math.isfinite(weight) and weight > 0):
        raise NameRefused(f"weight of role {role!r}: {weight} is no weight; use more than 0")
    return weight
