"""Providers of resources beside the agent itself, and their storage plugins."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.commands import CommandInfo
from mesostw.messages.containers import ContainerInfo
from mesostw.messages.fields import Body, always
from mesostw.messages.ids import ResourceProviderID
from mesostw.messages.resources import ReservationInfo, Resource
from mesostw.messages.values import Attribute
from mesostw.model.enums import WireEnum


class ResourceProviderInfo(Body, frozen=True, kw_only=True):
    """A provider of resources, such as storage, as it registers."""

    id: Annotated[ResourceProviderID | None, 1] = None
    attributes: Annotated[tuple[Attribute, ...], 2] = ()
    type: Annotated[str, 3]
    name: Annotated[str, 4]
    default_reservations: Annotated[tuple[ReservationInfo, ...], 5] = ()
    storage: Annotated[ResourceProviderStorage | None, 6] = None


class ResourceProviderStorage(Body, frozen=True, kw_only=True):
    """The plugin that a provider of storage drives."""

    plugin: Annotated[CSIPluginInfo, 1]
    reconciliation_interval_seconds: Annotated[float | None, 2] = None


class CSIPluginInfo(Body, frozen=True, kw_only=True):
    """A storage plugin, by the Container Storage Interface."""

    type: Annotated[str, 1]
    name: Annotated[str, 2] = always("default")
    containers: Annotated[tuple[CSIPluginContainerInfo, ...], 3] = ()
    endpoints: Annotated[tuple[CSIPluginEndpoint, ...], 4] = ()
    target_path_root: Annotated[str | None, 5] = None
    target_path_exists: Annotated[bool | None, 6] = None


class CSIService(WireEnum):
    """Which services of the Container Storage Interface."""

    UNKNOWN = "UNKNOWN", 0
    CONTROLLER_SERVICE = "CONTROLLER_SERVICE", 1
    NODE_SERVICE = "NODE_SERVICE", 2


class CSIPluginContainerInfo(Body, frozen=True, kw_only=True):
    """A container that runs services of a storage plugin."""

    services: Annotated[tuple[CSIService, ...], 1] = ()
    command: Annotated[CommandInfo | None, 2] = None
    resources: Annotated[tuple[Resource, ...], 3] = ()
    container: Annotated[ContainerInfo | None, 4] = None


class CSIPluginEndpoint(Body, frozen=True, kw_only=True):
    """Where a running storage plugin listens."""

    csi_service: Annotated[CSIService, 1]
    endpoint: Annotated[str, 2]
