"""What a store keeps of Marathon, and how a life starts from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, assert_never

from msgspec import Struct

from mesostw.core.marathon.changes import (
    AffectedKept,
    AppChanged,
    DeploymentChanged,
    GroupChanged,
    InstanceChanged,
    MarathonChange,
    RegistrationKept,
    RegroupedKept,
    ReplacedKept,
    TerminationKept,
    VersionKept,
)
from mesostw.core.marathon.records import (
    Affected,
    Deployment,
    Instance,
    Progress,
    Registration,
    Regrouped,
    Replaced,
    Termination,
)
from mesostw.core.marathon.stages import steps_from
from mesostw.core.outcome import Records
from mesostw.model.apps import App, DeploymentId, Group

#: The type of a record by the first part of its key.
RECORDS: Final[Mapping[str, type[Struct]]] = {
    "apps": App,
    "versions": App,
    "groups": Group,
    "history": Replaced,
    "instances": Instance,
    "terminations": Termination,
    "deployments": Progress,
    "affected": Affected,
    "regrouped": Regrouped,
    "registration": Registration,
}


def changes_of(records: Records) -> list[MarathonChange]:
    """Tell what was kept as the changes that make it true again; in the order of versions."""
    found: list[MarathonChange] = []
    under_way: list[Progress] = []
    for key, record in sorted(records, key=lambda kept: _order(kept[0])):
        if isinstance(record, Progress):
            under_way.append(record)
        else:
            found.append(_change_of(key, record))
    return found + _deployments(under_way, found)


def _change_of(key: str, record: Struct) -> MarathonChange:
    match record:
        case App():
            return VersionKept(record) if key.startswith("versions") else AppChanged(record)
        case Replaced() | Affected() | Regrouped():
            return _change_of_part(record)
        case Group():
            return GroupChanged(record)
        case Instance():
            return InstanceChanged(record)
        case Termination():
            return TerminationKept(record)
        case Registration():
            return RegistrationKept(record)
        case _:
            raise TypeError(f"no record of Marathon: {key}")


def _change_of_part(record: Replaced | Affected | Regrouped) -> MarathonChange:
    """Of a change of the tree, or a deployment, what it keeps of one path."""
    match record:
        case Replaced():
            return ReplacedKept(record)
        case Affected():
            return AffectedKept(record)
        case Regrouped():
            return RegroupedKept(record)
        case _:
            assert_never(record)


def _deployments(
    under_way: Iterable[Progress], found: Iterable[MarathonChange]
) -> list[MarathonChange]:
    """Deployments from their parts, which are in ``found``."""
    affected: dict[DeploymentId, list[Affected]] = {}
    regrouped: dict[DeploymentId, list[Regrouped]] = {}
    for change in found:
        match change:
            case AffectedKept(app):
                affected.setdefault(app.deployment_id, []).append(app)
            case RegroupedKept(group):
                regrouped.setdefault(group.deployment_id, []).append(group)
            case _:
                pass
    return [
        DeploymentChanged(_whole(one, affected.get(one.id, ()), regrouped.get(one.id, ())))
        for one in under_way
    ]


def _whole(
    progress: Progress, affected: Iterable[Affected], regrouped: Iterable[Regrouped]
) -> Deployment:
    """A deployment from its parts; what was done of its present step is found again."""
    return Deployment(
        id=progress.id,
        version=progress.version,
        steps=steps_from(affected),
        started=progress.started,
        step=progress.step,
        paused=progress.paused,
        paused_at=progress.paused_at,
        deadline=progress.deadline,
        reverts=progress.reverts,
        groups_before=tuple((one.group_id, one.before) for one in regrouped),
    )


def _order(key: str) -> tuple[str, int, str]:
    """Numbers in keys sort as numbers do."""
    head, _, number = key.rpartition("@")
    return (head, int(number), "") if number.isdigit() else (head or key, 0, number)
