"""
Apps, as Marathon's API describes them: what one is, and the parts it has.

Field names are the API's in snake case; ``rename`` gives the API's own.  Defaults and ranges
are the API's.  Versions are time stamps that sort as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, NewType, TypeAlias

from msgspec import Meta, Struct, field

from mesostw.model.amounts import SCALAR_MAX

#: Absolute, with slashes: ``/shop/db``. Groups share the name space: ``/`` is the root.
AppId = NewType("AppId", str)
GroupId = NewType("GroupId", str)
InstanceId = NewType("InstanceId", str)
DeploymentId = NewType("DeploymentId", str)
#: ``2026-11-25T20:00:00.000Z``: always three decimals, so that text sorts as time does.
Stamp = NewType("Stamp", str)

ROOT: Final = GroupId("/")

#: The API's integers have 32 bits.
INT_MAX: Final = 2**31 - 1

Share: TypeAlias = Annotated[float, Meta(ge=0.0, le=1.0)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=INT_MAX)]
Seconds: TypeAlias = Annotated[int, Meta(ge=0, le=INT_MAX)]
#: In MiB, or seconds; no more than resources are counted to, and so never an infinity.
Amount: TypeAlias = Annotated[float, Meta(ge=0.0, le=SCALAR_MAX)]
Cpus: TypeAlias = Annotated[float, Meta(ge=0.001, le=SCALAR_MAX)]
Factor: TypeAlias = Annotated[float, Meta(ge=1.0, le=SCALAR_MAX)]
Words: TypeAlias = Annotated[str, Meta(min_length=1)]
Port: TypeAlias = Annotated[int, Meta(ge=0, le=65_535)]
Uri: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024)]
Path: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024)]
NetworkName: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=63, pattern="^[a-z0-9]([-a-z0-9_]*[a-z0-9])?$")
]
PortName: TypeAlias = Annotated[str, Meta(min_length=1, pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]


class Part(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Anything in an app's document."""


class Operator(StrEnum):
    """How a constraint compares."""

    UNIQUE = "UNIQUE"
    CLUSTER = "CLUSTER"
    GROUP_BY = "GROUP_BY"
    LIKE = "LIKE"
    UNLIKE = "UNLIKE"
    MAX_PER = "MAX_PER"
    IS = "IS"


class Constraint(Struct, frozen=True, array_like=True, gc=False):
    """``[field, OPERATOR]`` or ``[field, OPERATOR, value]``."""

    field: str
    operator: Operator
    value: str | None = None


class Fetch(Part, frozen=True):
    """A file that the agent brings into the sandbox before a start."""

    uri: Uri
    extract: bool = True
    executable: bool = False
    cache: bool = False
    dest_path: Path | None = None


class Protocol(StrEnum):
    """Of a port."""

    TCP = "tcp"
    UDP = "udp"
    BOTH = "udp,tcp"


class PortDefinition(Part, frozen=True):
    """
    A port of each instance, on its host.

    ``port`` is the service port, and the host's only with ``require_ports``; 0 has one assigned.
    """

    port: Port = 0
    protocol: Protocol = Protocol.TCP
    name: PortName | None = None
    labels: Mapping[str, str] = {}


class NetworkMode(StrEnum):
    """How an instance is reached; only the host's own network is there yet."""

    HOST = "host"
    BRIDGE = "container/bridge"
    CONTAINER = "container"


class Network(Part, frozen=True):
    """One network of an app."""

    name: NetworkName | None = None
    mode: NetworkMode = NetworkMode.CONTAINER
    labels: Mapping[str, str] = {}


class CheckProtocol(StrEnum):
    """What a health check does, and who does it: Marathon, or (COMMAND, MESOS_*) the agent."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"
    TCP = "TCP"
    COMMAND = "COMMAND"
    MESOS_TCP = "MESOS_TCP"
    MESOS_HTTP = "MESOS_HTTP"
    MESOS_HTTPS = "MESOS_HTTPS"


#: Checks that the agent does.
AGENT_CHECKS: Final = frozenset(
    {
        CheckProtocol.COMMAND,
        CheckProtocol.MESOS_TCP,
        CheckProtocol.MESOS_HTTP,
        CheckProtocol.MESOS_HTTPS,
    }
)


class IpProtocol(StrEnum):
    """Of checks by the agent."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"


class CheckCommand(Part, frozen=True):
    """A shell's command; exit status 0 is healthy."""

    value: str


class HealthCheck(Part, frozen=True):
    """How to find out whether an instance is healthy."""

    protocol: CheckProtocol = CheckProtocol.HTTP
    path: str | None = None
    #: Which of the app's ports; never together with ``port``.
    port_index: Port | None = None
    port: Port | None = None
    command: CheckCommand | None = None
    #: Failures do not count in this time after the start, until one check has succeeded.
    grace_period_seconds: Seconds = 300
    interval_seconds: Seconds = 60
    timeout_seconds: Seconds = 20
    #: In a row, until an instance is killed; 0 is never, for Marathon's own checks.
    max_consecutive_failures: Seconds = 3
    #: Before the first check, for the agent's checks.
    delay_seconds: Seconds = 15
    #: Whether an answer 1xx of HTTP leaves everything as it is.
    ignore_http1xx: bool | None = field(default=None, name="ignoreHttp1xx")
    ip_protocol: IpProtocol = IpProtocol.IPV4

    @property
    def is_of_agent(self) -> bool:
        """Whether the agent does it, near the task."""
        return self.protocol in AGENT_CHECKS


class HttpScheme(StrEnum):
    """Of readiness checks and general checks."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"


class ReadinessCheck(Part, frozen=True):
    """When a started instance counts in a deployment; asked until it is ready once."""

    name: Words = "readinessCheck"
    protocol: HttpScheme = HttpScheme.HTTP
    path: Path = "/"
    port_name: PortName = "http-api"
    interval_seconds: Seconds = 30
    timeout_seconds: Annotated[int, Meta(ge=1, le=INT_MAX)] = 10
    http_status_codes_for_ready: tuple[Annotated[int, Meta(ge=100, le=999)], ...] = (200,)
    preserve_last_response: bool = False


class CheckHttp(Part, frozen=True):
    """A general check over HTTP."""

    port_index: Port | None = None
    port: Port | None = None
    path: Path | None = None
    scheme: HttpScheme = HttpScheme.HTTP


class CheckTcp(Part, frozen=True):
    """A general check by connecting."""

    port_index: Port | None = None
    port: Port | None = None


class ShellCommand(Part, frozen=True):
    """A command of a general check: a shell's text, or a program and its arguments."""

    shell: Words | None = None
    argv: tuple[str, ...] = ()


class CheckExec(Part, frozen=True):
    """A general check by a command."""

    command: ShellCommand


class Check(Part, frozen=True):
    """A general check by the agent: its finding is shown, and kills nothing."""

    http: CheckHttp | None = None
    tcp: CheckTcp | None = None
    exec: CheckExec | None = None
    interval_seconds: Seconds = 60
    timeout_seconds: Seconds = 20
    delay_seconds: Seconds = 15


class UpgradeStrategy(Part, frozen=True):
    """What a rolling change keeps: at least, and at most, as shares of ``instances``."""

    minimum_health_capacity: Share
    maximum_over_capacity: Share


class UnreachableStrategy(Part, frozen=True):
    """When an instance on an agent that is away is replaced, and when it is forgotten."""

    inactive_after_seconds: Seconds = 0
    expunge_after_seconds: Seconds = 0


class KillSelection(StrEnum):
    """Which instances go first."""

    YOUNGEST_FIRST = "YOUNGEST_FIRST"
    OLDEST_FIRST = "OLDEST_FIRST"


#: An app with this label has at most one instance, ever.
SINGLE_INSTANCE_LABEL: Final = "MARATHON_SINGLE_INSTANCE_APP"

#: Fields that are no configuration: changing them restarts nothing.
SCALING_FIELDS: Final = frozenset({"instances", "every_agent", "drain_delay_seconds"})


class AppSpec(Part, frozen=True):
    """
    What is wished: one app, validated, with all defaults filled in.

    ``every_agent`` and ``drain_delay_seconds`` are ours; clients that do not know them never
    see them.
    """

    id: AppId
    cmd: Words | None = None
    args: tuple[str, ...] = ()
    user: str | None = None
    env: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}
    #: How many are wished; 0 is suspended. With ``every_agent`` the number last shown.
    instances: Count = 1
    #: One on each matching agent (``"instances": "*"``).
    every_agent: bool = False
    cpus: Cpus = 1.0
    #: In MiB, as ``disk``.
    mem: Amount = 128.0
    disk: Amount = 0.0
    gpus: Count = 0
    #: Empty or ``//cmd``: the agent's own; else the path of a custom executor.
    executor: str = ""
    constraints: tuple[Constraint, ...] = ()
    fetch: tuple[Fetch, ...] = ()
    port_definitions: tuple[PortDefinition, ...] = ()
    require_ports: bool = False
    networks: tuple[Network, ...] = (Network(mode=NetworkMode.HOST),)
    #: Of the first new start after a failure; each further one waits ``backoff_factor`` longer.
    backoff_seconds: Seconds = 1
    backoff_factor: Factor = 1.15
    max_launch_delay_seconds: Seconds = 300
    health_checks: tuple[HealthCheck, ...] = ()
    readiness_checks: tuple[ReadinessCheck, ...] = ()
    check: Check | None = None
    #: Absolute ids of apps or groups.
    dependencies: tuple[str, ...] = ()
    upgrade_strategy: UpgradeStrategy = UpgradeStrategy(
        minimum_health_capacity=1.0, maximum_over_capacity=1.0
    )
    accepted_resource_roles: tuple[str, ...] = ()
    task_kill_grace_period_seconds: Seconds | None = None
    #: ``None`` is "disabled": an instance on an agent that is away is never replaced.
    unreachable_strategy: UnreachableStrategy | None = UnreachableStrategy()
    kill_selection: KillSelection = KillSelection.YOUNGEST_FIRST
    role: Words = "*"
    #: From taking an instance out of service until it is killed.
    drain_delay_seconds: Amount = 0.0

    def __repr__(self) -> str:
        """With the names of variables only: their values must not end in a log."""
        names = ", ".join(self.env)
        others = (name for name in self.__struct_fields__ if name != "env")
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in others)
        return f"AppSpec({shown}, env=<{names}>)"

    @property
    def is_single(self) -> bool:
        """Whether there may be one instance at most."""
        return self.labels.get(SINGLE_INSTANCE_LABEL) == "true"


class App(Struct, frozen=True, gc=False):
    """An app at one of its versions."""

    spec: AppSpec
    version: Stamp
    #: When ``instances`` last changed, or anything else did.
    last_scaling_at: Stamp
    #: When anything but ``instances`` last changed, or all instances were restarted.
    last_config_change_at: Stamp

    @property
    def id(self) -> AppId:
        return self.spec.id


class Group(Struct, frozen=True, gc=False):
    """A group: named, or the path of what was put in it; it stays until it is removed."""

    id: GroupId
    version: Stamp
    dependencies: tuple[str, ...] = ()
    #: Whether apps below take the group's name as their role; only of top-level groups.
    enforce_role: bool | None = None


def parent_of(path: str) -> GroupId:
    """The group that an app or group is in; the root is in itself."""
    head, _, _ = path.rpartition("/")
    return GroupId(head or "/")


def is_below(path: str, group: str) -> bool:
    """Whether ``path`` is somewhere in ``group``, or is the group itself."""
    return group in (ROOT, path) or path.startswith(group + "/")


def groups_above(path: str) -> tuple[GroupId, ...]:
    """Every group that ``path`` is in, the root first."""
    parts = path.strip("/").split("/")[:-1]
    return (ROOT, *(GroupId("/" + "/".join(parts[:depth])) for depth in range(1, len(parts) + 1)))
