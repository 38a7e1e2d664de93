"""
Ids of apps and groups: paths with slashes, relative to a group or absolute.

Parts are lower-case letters, digits, ``-`` and ``.``; ``.`` stays and ``..`` goes up, never
above the root.
"""

from __future__ import annotations

import re
from typing import Final

from mesostw.core.framework.faults import Faults
from mesostw.model.apps import AppId, GroupId, parent_of

_PART: Final = (
    r"^(([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])"
    r"|(\.|\.\.)$"
)
_PART_MATCH: Final = re.compile(_PART.removeprefix("^").removesuffix("$")).fullmatch

#: The API has no limit; the dashboard and a reader of groups go down one by one.
PARTS_MAX: Final = 50
#: Last parts that ask for something of an app instead of naming one.
RESERVED: Final = frozenset({"restart", "tasks", "versions"})


def app_id(text: str, base: str, path: str, faults: Faults) -> AppId | None:
    """The id of an app that is named in the group ``base``; ``None`` with why in ``faults``."""
    found = resolved(text, base, path, faults)
    if found is None:
        return None
    last = found.rpartition("/")[2]
    if not last:
        faults.add(path, "Path must contain at least one path element")
        return None
    if last in RESERVED:
        faults.add(
            path, f"'{found}' must not end in a reserved word ({', '.join(sorted(RESERVED))})"
        )
        return None
    return AppId(found)


def group_id(text: str, base: str, path: str, faults: Faults) -> GroupId | None:
    """The id of a group that is named in the group ``base``; the root is one too."""
    found = resolved(text, base, path, faults)
    return None if found is None else GroupId(found)


def child(found: str | None, base: str, path: str, faults: Faults) -> bool:
    """Whether an id is right in the group ``base``, as those in its document must be."""
    if found is None:
        return False
    if parent_of(found) == base and found != base:
        return True
    faults.add(path, f"Identifier is not child of '{base}'. Hint: use relative paths.")
    return False


def resolved(text: str, base: str, path: str, faults: Faults) -> str | None:
    """``text`` as an absolute path; ``None`` if it is none, with why in ``faults``."""
    parts = [] if text.startswith("/") else [part for part in base.split("/") if part]
    for part in text.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if not parts:
                faults.add(path, f"'{text}' must not go above the root")
                return None
            parts.pop()
        elif _PART_MATCH(part) is None:
            faults.add(path, f"'{part}' must fully match regular expression '{_PART}'")
            return None
        else:
            parts.append(part)
    if len(parts) > PARTS_MAX:
        faults.add(path, f"must not have more than {PARTS_MAX} parts, not {len(parts)}")
        return None
    return "/" + "/".join(parts)
