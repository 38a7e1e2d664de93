"""Images and volumes: what a container sees as its files."""

from __future__ import annotations

from typing import Annotated

from msgspec import field

from mesostw.messages.commands import Credential, Secret
from mesostw.messages.fields import Body, always
from mesostw.messages.values import Labels, Parameters
from mesostw.model.enums import WireEnum


class ImageType(WireEnum):
    """Which kind of image."""

    APPC = "APPC", 1
    DOCKER = "DOCKER", 2


class Image(Body, frozen=True, kw_only=True):
    """A file system to start a container from."""

    type: Annotated[ImageType, 1]
    appc: Annotated[AppcImage | None, 2] = None
    docker: Annotated[DockerImage | None, 3] = None
    #: Whether a copy that the agent has may be used.
    cached: Annotated[bool, 4] = always(True)


class AppcImage(Body, frozen=True, kw_only=True):
    """An image by the App Container specification."""

    name: Annotated[str, 1]
    id: Annotated[str | None, 2] = None
    labels: Annotated[Labels | None, 3] = None


class DockerImage(Body, frozen=True, kw_only=True):
    """An image of a Docker registry."""

    name: Annotated[str, 1]
    credential: Annotated[Credential | None, 2] = None
    config: Annotated[Secret | None, 3] = None


class VolumeMode(WireEnum):
    """Whether a volume may be written."""

    RW = "RW", 1
    RO = "RO", 2


class Volume(Body, frozen=True, kw_only=True):
    """A directory or file that appears in a container at ``container_path``."""

    mode: Annotated[VolumeMode, 3]
    #: Absolute, or relative to the sandbox.
    container_path: Annotated[str, 1]
    #: Absolute on the agent, or relative to the sandbox; instead of ``source`` and ``image``.
    host_path: Annotated[str | None, 2] = None
    image: Annotated[Image | None, 4] = None
    source: Annotated[VolumeSource | None, 5] = None


class VolumeSourceType(WireEnum):
    """Which of the source's forms is set."""

    UNKNOWN = "UNKNOWN", 0
    DOCKER_VOLUME = "DOCKER_VOLUME", 1
    HOST_PATH = "HOST_PATH", 4
    SANDBOX_PATH = "SANDBOX_PATH", 2
    SECRET = "SECRET", 3
    CSI_VOLUME = "CSI_VOLUME", 5


class VolumeSource(Body, frozen=True, kw_only=True):
    """Where the content of a volume comes from."""

    type: Annotated[VolumeSourceType | None, 1] = None
    docker_volume: Annotated[DockerVolume | None, 2] = None
    host_path: Annotated[HostPath | None, 5] = None
    sandbox_path: Annotated[SandboxPath | None, 3] = None
    secret: Annotated[Secret | None, 4] = None
    csi_volume: Annotated[CSIVolume | None, 6] = None


class DockerVolume(Body, frozen=True, kw_only=True):
    """A volume of a Docker volume driver."""

    driver: Annotated[str | None, 1] = None
    name: Annotated[str, 2]
    driver_options: Annotated[Parameters | None, 3] = None


class HostPath(Body, frozen=True, kw_only=True):
    """A path of the agent's machine."""

    #: Absolute on the agent.
    path: Annotated[str, 1]
    mount_propagation: Annotated[MountPropagation | None, 2] = None


class SandboxPathType(WireEnum):
    """Whose sandbox a path is in."""

    UNKNOWN = "UNKNOWN", 0
    SELF = "SELF", 1
    PARENT = "PARENT", 2


class SandboxPath(Body, frozen=True, kw_only=True):
    """A path in a sandbox, the container's own or its parent's."""

    type: Annotated[SandboxPathType | None, 1] = None
    #: Relative to the sandbox.
    path: Annotated[str, 2]


class CSIVolume(Body, frozen=True, kw_only=True):
    """A volume of a storage plugin."""

    plugin_name: Annotated[str, 1]
    static_provisioning: Annotated[StaticProvisioning | None, 2] = None


class StaticProvisioning(Body, frozen=True, kw_only=True):
    """A volume that exists already, as its plugin knows it."""

    volume_id: Annotated[str, 1]
    volume_capability: Annotated[VolumeCapability, 2]
    node_stage_secrets: Annotated[dict[str, Secret], 3] = field(default_factory=dict)
    node_publish_secrets: Annotated[dict[str, Secret], 4] = field(default_factory=dict)
    volume_context: Annotated[dict[str, str], 5] = field(default_factory=dict)


class VolumeCapability(Body, frozen=True, kw_only=True):
    """How a volume of a plugin is to be used."""

    block: Annotated[BlockVolume | None, 1] = None
    mount: Annotated[MountVolume | None, 2] = None
    access_mode: Annotated[AccessMode, 3]


class BlockVolume(Body, frozen=True, kw_only=True):
    """The volume is used as a raw device."""


class MountVolume(Body, frozen=True, kw_only=True):
    """The volume is mounted as a file system."""

    fs_type: Annotated[str | None, 1] = None
    mount_flags: Annotated[tuple[str, ...], 2] = ()


class VolumeAccess(WireEnum):
    """How many nodes may use a volume, and who of them may write."""

    UNKNOWN = "UNKNOWN", 0
    SINGLE_NODE_WRITER = "SINGLE_NODE_WRITER", 1
    SINGLE_NODE_READER_ONLY = "SINGLE_NODE_READER_ONLY", 2
    MULTI_NODE_READER_ONLY = "MULTI_NODE_READER_ONLY", 3
    MULTI_NODE_SINGLE_WRITER = "MULTI_NODE_SINGLE_WRITER", 4
    MULTI_NODE_MULTI_WRITER = "MULTI_NODE_MULTI_WRITER", 5


class AccessMode(Body, frozen=True, kw_only=True):
    """From where, and how, a volume may be used at once."""

    mode: Annotated[VolumeAccess, 1]


class MountPropagationMode(WireEnum):
    """Which way mounts propagate."""

    UNKNOWN = "UNKNOWN", 0
    HOST_TO_CONTAINER = "HOST_TO_CONTAINER", 1
    BIDIRECTIONAL = "BIDIRECTIONAL", 2


class MountPropagation(Body, frozen=True, kw_only=True):
    """Whether mounts made later, on one side, appear on the other."""

    mode: Annotated[MountPropagationMode | None, 1] = None
