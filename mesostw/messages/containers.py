"""Containers: how to make one, and what became of it."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body, Uint32, Uint64, always
from mesostw.messages.ids import ContainerID
from mesostw.messages.networks import NetworkInfo
from mesostw.messages.values import Parameter
from mesostw.messages.volumes import Image, Volume
from mesostw.model.enums import WireEnum


class ContainerType(WireEnum):
    """Who makes the container."""

    DOCKER = "DOCKER", 1
    MESOS = "MESOS", 2


class ContainerInfo(Body, frozen=True, kw_only=True):
    """How a task or executor is contained."""

    type: Annotated[ContainerType, 1]
    volumes: Annotated[tuple[Volume, ...], 2] = ()
    #: Inside the container; needs a network of its own.
    hostname: Annotated[str | None, 4] = None
    docker: Annotated[DockerInfo | None, 3] = None
    mesos: Annotated[MesosInfo | None, 5] = None
    network_infos: Annotated[tuple[NetworkInfo, ...], 7] = ()
    linux_info: Annotated[LinuxInfo | None, 8] = None
    rlimit_info: Annotated[RLimitInfo | None, 9] = None
    tty_info: Annotated[TTYInfo | None, 10] = None


class DockerNetwork(WireEnum):
    """Which kind of Docker network."""

    HOST = "HOST", 1
    BRIDGE = "BRIDGE", 2
    NONE = "NONE", 3
    USER = "USER", 4


class DockerInfo(Body, frozen=True, kw_only=True):
    """How Docker is to make the container."""

    image: Annotated[str, 1]
    network: Annotated[DockerNetwork, 2] = always(DockerNetwork.HOST)
    port_mappings: Annotated[tuple[DockerPortMapping, ...], 3] = ()
    privileged: Annotated[bool, 4] = always(False)
    #: Further options of ``docker run``.
    parameters: Annotated[tuple[Parameter, ...], 5] = ()
    #: Even if the image is there.
    force_pull_image: Annotated[bool | None, 6] = None
    volume_driver: Annotated[str | None, 7] = None


class DockerPortMapping(Body, frozen=True, kw_only=True):
    """A port of the machine that leads to a port of a Docker container."""

    host_port: Annotated[Uint32, 1]
    container_port: Annotated[Uint32, 2]
    protocol: Annotated[str | None, 3] = None


class MesosInfo(Body, frozen=True, kw_only=True):
    """How Mesos is to make the container."""

    image: Annotated[Image | None, 1] = None


class IpcMode(WireEnum):
    """Whose shared memory and semaphores a container sees."""

    UNKNOWN = "UNKNOWN", 0
    PRIVATE = "PRIVATE", 1
    SHARE_PARENT = "SHARE_PARENT", 2


class LinuxInfo(Body, frozen=True, kw_only=True):
    """What is special to containers on Linux."""

    capability_info: Annotated[CapabilityInfo | None, 1] = None
    #: The most that its processes can ever have.
    bounding_capabilities: Annotated[CapabilityInfo | None, 2] = None
    #: What they have at their start; within the bounding ones.
    effective_capabilities: Annotated[CapabilityInfo | None, 3] = None
    share_pid_namespace: Annotated[bool | None, 4] = None
    seccomp: Annotated[SeccompInfo | None, 5] = None
    ipc_mode: Annotated[IpcMode | None, 6] = None
    #: Of ``/dev/shm``, in MB.
    shm_size: Annotated[Uint32 | None, 7] = None
    share_cgroups: Annotated[bool, 8] = always(True)


class Capability(WireEnum):
    """A Linux capability; its number is 1000 above the kernel's."""

    UNKNOWN = "UNKNOWN", 0
    CHOWN = "CHOWN", 1000
    DAC_OVERRIDE = "DAC_OVERRIDE", 1001
    DAC_READ_SEARCH = "DAC_READ_SEARCH", 1002
    FOWNER = "FOWNER", 1003
    FSETID = "FSETID", 1004
    KILL = "KILL", 1005
    SETGID = "SETGID", 1006
    SETUID = "SETUID", 1007
    SETPCAP = "SETPCAP", 1008
    LINUX_IMMUTABLE = "LINUX_IMMUTABLE", 1009
    NET_BIND_SERVICE = "NET_BIND_SERVICE", 1010
    NET_BROADCAST = "NET_BROADCAST", 1011
    NET_ADMIN = "NET_ADMIN", 1012
    NET_RAW = "NET_RAW", 1013
    IPC_LOCK = "IPC_LOCK", 1014
    IPC_OWNER = "IPC_OWNER", 1015
    SYS_MODULE = "SYS_MODULE", 1016
    SYS_RAWIO = "SYS_RAWIO", 1017
    SYS_CHROOT = "SYS_CHROOT", 1018
    SYS_PTRACE = "SYS_PTRACE", 1019
    SYS_PACCT = "SYS_PACCT", 1020
    SYS_ADMIN = "SYS_ADMIN", 1021
    SYS_BOOT = "SYS_BOOT", 1022
    SYS_NICE = "SYS_NICE", 1023
    SYS_RESOURCE = "SYS_RESOURCE", 1024
    SYS_TIME = "SYS_TIME", 1025
    SYS_TTY_CONFIG = "SYS_TTY_CONFIG", 1026
    MKNOD = "MKNOD", 1027
    LEASE = "LEASE", 1028
    AUDIT_WRITE = "AUDIT_WRITE", 1029
    AUDIT_CONTROL = "AUDIT_CONTROL", 1030
    SETFCAP = "SETFCAP", 1031
    MAC_OVERRIDE = "MAC_OVERRIDE", 1032
    MAC_ADMIN = "MAC_ADMIN", 1033
    SYSLOG = "SYSLOG", 1034
    WAKE_ALARM = "WAKE_ALARM", 1035
    BLOCK_SUSPEND = "BLOCK_SUSPEND", 1036
    AUDIT_READ = "AUDIT_READ", 1037
    PERFMON = "PERFMON", 1038
    BPF = "BPF", 1039
    CHECKPOINT_RESTORE = "CHECKPOINT_RESTORE", 1040


class CapabilityInfo(Body, frozen=True, kw_only=True):
    """A set of Linux capabilities."""

    capabilities: Annotated[tuple[Capability, ...], 1] = ()


class SeccompInfo(Body, frozen=True, kw_only=True):
    """Which system calls are allowed."""

    profile_name: Annotated[str | None, 1] = None
    unconfined: Annotated[bool | None, 2] = None


class RLimitInfo(Body, frozen=True, kw_only=True):
    """Limits that the kernel puts on each process."""

    rlimits: Annotated[tuple[RLimit, ...], 1] = ()


class RLimitType(WireEnum):
    """What is limited, as ``setrlimit`` has it."""

    UNKNOWN = "UNKNOWN", 0
    RLMT_AS = "RLMT_AS", 1
    RLMT_CORE = "RLMT_CORE", 2
    RLMT_CPU = "RLMT_CPU", 3
    RLMT_DATA = "RLMT_DATA", 4
    RLMT_FSIZE = "RLMT_FSIZE", 5
    RLMT_LOCKS = "RLMT_LOCKS", 6
    RLMT_MEMLOCK = "RLMT_MEMLOCK", 7
    RLMT_MSGQUEUE = "RLMT_MSGQUEUE", 8
    RLMT_NICE = "RLMT_NICE", 9
    RLMT_NOFILE = "RLMT_NOFILE", 10
    RLMT_NPROC = "RLMT_NPROC", 11
    RLMT_RSS = "RLMT_RSS", 12
    RLMT_RTPRIO = "RLMT_RTPRIO", 13
    RLMT_RTTIME = "RLMT_RTTIME", 14
    RLMT_SIGPENDING = "RLMT_SIGPENDING", 15
    RLMT_STACK = "RLMT_STACK", 16


class RLimit(Body, frozen=True, kw_only=True):
    """One limit; unlimited if ``hard`` and ``soft`` are unset."""

    type: Annotated[RLimitType | None, 1] = None
    #: Both or none of ``hard`` and ``soft`` are set.
    hard: Annotated[Uint64 | None, 2] = None
    soft: Annotated[Uint64 | None, 3] = None


class TTYInfo(Body, frozen=True, kw_only=True):
    """The container has a terminal."""

    window_size: Annotated[WindowSize | None, 1] = None


class WindowSize(Body, frozen=True, kw_only=True):
    """The size of a terminal in characters."""

    rows: Annotated[Uint32, 1]
    columns: Annotated[Uint32, 2]


class ContainerStatus(Body, frozen=True, kw_only=True):
    """How a running container looks from outside."""

    container_id: Annotated[ContainerID | None, 4] = None
    network_infos: Annotated[tuple[NetworkInfo, ...], 1] = ()
    cgroup_info: Annotated[CgroupInfo | None, 2] = None
    #: Of the executor, in the agent's numbers.
    executor_pid: Annotated[Uint32 | None, 3] = None


class CgroupInfo(Body, frozen=True, kw_only=True):
    """Control groups of a container."""

    net_cls: Annotated[NetCls | None, 1] = None


class NetCls(Body, frozen=True, kw_only=True):
    """The network class of a container's packets."""

    #: Major number in the upper 16 bits, minor in the lower.
    classid: Annotated[Uint32 | None, 1] = None


class Device(Body, frozen=True, kw_only=True):
    """A device file, by its path or its numbers."""

    path: Annotated[str | None, 1] = None
    number: Annotated[DeviceNumber | None, 2] = None


class DeviceNumber(Body, frozen=True, kw_only=True):
    """The two numbers of a device."""

    major_number: Annotated[Uint64, 1]
    minor_number: Annotated[Uint64, 2]


class DeviceAccess(Body, frozen=True, kw_only=True):
    """What a container may do with a device."""

    device: Annotated[Device, 1]
    access: Annotated[Access, 2]


class Access(Body, frozen=True, kw_only=True):
    """Which accesses are allowed."""

    read: Annotated[bool | None, 1] = None
    write: Annotated[bool | None, 2] = None
    mknod: Annotated[bool | None, 3] = None


class DeviceWhitelist(Body, frozen=True, kw_only=True):
    """The devices that a container may use."""

    allowed_devices: Annotated[tuple[DeviceAccess, ...], 1] = ()
