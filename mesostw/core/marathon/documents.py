"""
Documents of the API as they come: drafts of apps and groups.

A draft says what a document says and no more: a field that is not there is ``UNSET``, so that
what a partial change leaves out can stay.  Old forms (``uris``, ``ports``) are still apart,
and what is not supported is read so far that it can be refused by its name.  Keys that
nobody knows, and those that only an answer has (``tasksRunning``, ``deployments``), are
ignored, as a client may send back what it was shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from mesostw.core.framework import reading
from mesostw.core.framework.faults import Faults
from mesostw.model.apps import (
    Amount,
    Check,
    Count,
    Cpus,
    Factor,
    Fetch,
    HealthCheck,
    KillSelection,
    Network,
    Port,
    PortDefinition,
    ReadinessCheck,
    Seconds,
    UnreachableStrategy,
    UpgradeStrategy,
    Uri,
    Words,
)

#: What is in there is of no interest.
Anything: TypeAlias = Mapping[str, object]

#: An explicit null turns it off, since leaving it out lets it stay.
_NULLS: Final[Mapping[str, object]] = {"drainDelaySeconds": 0}


class Draft(Struct, frozen=True, kw_only=True, rename="camel"):
    """Anything in a document."""

    @property
    def given(self) -> frozenset[str]:
        """The fields that the document has."""
        return frozenset(
            name for name in self.__struct_fields__ if getattr(self, name) is not UNSET
        )


class EnvSecret(Draft, frozen=True):
    """A variable whose value is kept elsewhere; there are no secrets yet."""

    secret: str


class ContainerType(StrEnum):
    """Who runs a container."""

    MESOS = "MESOS"
    DOCKER = "DOCKER"


class ContainerDraft(Draft, frozen=True):
    """An app's container; only one with nothing in it is supported yet."""

    type: ContainerType | UnsetType = UNSET
    docker: Anything | UnsetType = UNSET
    volumes: tuple[Anything, ...] = ()
    port_mappings: tuple[Anything, ...] = ()
    linux_info: Anything | UnsetType = UNSET


class AppDraft(Draft, frozen=True):
    """What a document says of an app."""

    id: Words | UnsetType = UNSET
    cmd: Words | UnsetType = UNSET
    args: tuple[str, ...] | UnsetType = UNSET
    user: str | UnsetType = UNSET
    env: Mapping[str, str | EnvSecret] | UnsetType = UNSET
    labels: Mapping[str, str] | UnsetType = UNSET
    instances: Count | Literal["*"] | UnsetType = UNSET
    cpus: Cpus | UnsetType = UNSET
    mem: Amount | UnsetType = UNSET
    disk: Amount | UnsetType = UNSET
    gpus: Count | UnsetType = UNSET
    executor: str | UnsetType = UNSET
    #: ``[field, operator]`` or ``[field, operator, value]``, judged later.
    constraints: tuple[tuple[str, ...], ...] | UnsetType = UNSET
    fetch: tuple[Fetch, ...] | UnsetType = UNSET
    port_definitions: tuple[PortDefinition, ...] | UnsetType = UNSET
    require_ports: bool | UnsetType = UNSET
    networks: tuple[Network, ...] | UnsetType = UNSET
    backoff_seconds: Seconds | UnsetType = UNSET
    backoff_factor: Factor | UnsetType = UNSET
    max_launch_delay_seconds: Seconds | UnsetType = UNSET
    health_checks: tuple[HealthCheck, ...] | UnsetType = UNSET
    readiness_checks: tuple[ReadinessCheck, ...] | UnsetType = UNSET
    check: Check | UnsetType = UNSET
    dependencies: tuple[Words, ...] | UnsetType = UNSET
    upgrade_strategy: UpgradeStrategy | UnsetType = UNSET
    accepted_resource_roles: tuple[str, ...] | UnsetType = UNSET
    task_kill_grace_period_seconds: Seconds | UnsetType = UNSET
    unreachable_strategy: UnreachableStrategy | Literal["disabled"] | UnsetType = UNSET
    kill_selection: KillSelection | UnsetType = UNSET
    role: Words | UnsetType = UNSET
    drain_delay_seconds: Amount | UnsetType = UNSET
    # Old forms.
    uris: tuple[Uri, ...] | UnsetType = UNSET
    ports: tuple[Port, ...] | UnsetType = UNSET
    ip_address: Anything | UnsetType = UNSET
    #: Ignored: only persistent volumes would give it a meaning.
    residency: Anything | UnsetType = UNSET
    # Not supported yet.
    container: ContainerDraft | UnsetType = UNSET
    secrets: Anything | UnsetType = UNSET
    resource_limits: Anything | UnsetType = UNSET
    executor_resources: Anything | UnsetType = UNSET
    tty: bool | UnsetType = UNSET
    # Of an answer; ``version`` alone goes back to it.
    version: str | UnsetType = UNSET
    version_info: Anything | UnsetType = UNSET


class GroupDraft(Draft, frozen=True):
    """What a document says of a group."""

    id: Words | UnsetType = UNSET
    apps: tuple[AppDraft, ...] | UnsetType = UNSET
    groups: tuple[GroupDraft, ...] | UnsetType = UNSET
    #: There are no pods yet.
    pods: tuple[object, ...] = ()
    dependencies: tuple[Words, ...] | UnsetType = UNSET
    scale_by: Amount | UnsetType = UNSET
    version: str | UnsetType = UNSET
    enforce_role: bool | UnsetType = UNSET


class GroupPatchDraft(Draft, frozen=True):
    """What of a group can be changed apart from its apps."""

    enforce_role: bool | UnsetType = UNSET


def app_draft(document: object, faults: Faults) -> AppDraft | None:
    """A document of an app; ``None`` if its shape is wrong, with why in ``faults``."""
    ready = _opened(document, faults)
    return None if faults else reading.read(AppDraft, ready, faults)


def group_draft(document: object, faults: Faults) -> GroupDraft | None:
    """A document of a group; ``None`` if its shape is wrong, with why in ``faults``."""
    ready = _opened(document, faults)
    return None if faults else reading.read(GroupDraft, ready, faults)


def group_patch_draft(document: object, faults: Faults) -> GroupPatchDraft | None:
    """A document of a change to a group alone; as :func:`group_draft`."""
    ready = _opened(document, faults)
    return None if faults else reading.read(GroupPatchDraft, ready, faults)


def _opened(document: object, faults: Faults) -> object:
    try:
        return reading.opened(document, _NULLS)
    except RecursionError as error:
        faults.add("", str(error))
        return None
