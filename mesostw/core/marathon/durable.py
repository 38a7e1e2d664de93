"""What a store keeps of Marathon, and how a life starts from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from mesostw.core.marathon.changes import (
    AffectedKept,
    AppChanged,
    DeploymentChanged,
    GroupChanged,
    InstanceChanged,
    MarathonChange,
    RegistrationKept,
    RootChangeKept,
    TerminationKept,
    VersionKept,
)
from mesostw.core.marathon.records import (
    Affected,
    Deployment,
    Instance,
    Registration,
    RootChange,
    Termination,
)
from mesostw.model.apps import App, Group

#: The type of a record by the first part of its key.
RECORDS: Final[Mapping[str, type[Struct]]] = {
    "apps": App,
    "versions": App,
    "groups": Group,
    "history": RootChange,
    "instances": Instance,
    "terminations": Termination,
    "deployments": Deployment,
    "affected": Affected,
    "registration": Registration,
}


def changes_of(records: Mapping[str, Struct]) -> list[MarathonChange]:
    """Tell what was kept as the changes that make it true again; in the order of versions."""
    found: list[MarathonChange] = []
    for key in sorted(records, key=_order):
        record = records[key]
        match record:
            case App():
                kept = key.startswith("versions")
                found.append(VersionKept(record) if kept else AppChanged(record))
            case Group():
                found.append(GroupChanged(record))
            case RootChange():
                found.append(RootChangeKept(record))
            case Instance():
                found.append(InstanceChanged(record))
            case Termination():
                found.append(TerminationKept(record))
            case Deployment():
                found.append(DeploymentChanged(record))
            case Affected():
                found.append(AffectedKept(record))
            case Registration():
                found.append(RegistrationKept(record))
            case _:
                raise TypeError(f"no record of Marathon: {key}")
    return found


def _order(key: str) -> tuple[str, int, str]:
    """Numbers in keys sort as numbers do."""
    head, _, number = key.rpartition("@")
    return (head, int(number), "") if number.isdigit() else (head or key, 0, number)
