"""An instance as the task that a master is asked to launch."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from mesostw.core.framework.commands import program_command, shell_command
from mesostw.core.marathon.emitting import app_document
from mesostw.core.marathon.environment import shared_variables, variables_of
from mesostw.core.marathon.records import Instance
from mesostw.messages import health as checks
from mesostw.messages.commands import URI, CommandInfo
from mesostw.messages.ids import AgentID, ExecutorID, TaskID
from mesostw.messages.networks import NetworkProtocol
from mesostw.messages.resources import Resource
from mesostw.messages.tasks import DiscoveryInfo, ExecutorInfo, Port, Ports, TaskInfo, Visibility
from mesostw.messages.values import DurationInfo, Label, Labels
from mesostw.model.apps import (
    App,
    AppSpec,
    Check,
    CheckProtocol,
    Fetch,
    HealthCheck,
    PortDefinition,
)

#: The name of the agent's own executor, in an app's ``executor``.
COMMAND_EXECUTOR: Final = "//cmd"
_NANOSECONDS: Final = 1_000_000_000


class Mould(Struct, frozen=True):
    """What the tasks of all instances of one version have in common."""

    app: App
    #: Of the variables for ports and the host.
    prefix: str
    name: str
    variables: Mapping[str, str]
    uris: tuple[URI, ...]
    labels: Labels | None
    kill_policy: checks.KillPolicy | None
    agent_check: HealthCheck | None


def mould_of(app: App, prefix: str, enforces_role: bool | None) -> Mould:
    """Prepare what does not depend on where an instance is."""
    spec = app.spec
    grace_s = spec.task_kill_grace_period_seconds
    return Mould(
        app=app,
        prefix=prefix,
        name=name_of(spec.id),
        variables=shared_variables(app, enforces_role),
        uris=tuple(_uri(fetch) for fetch in spec.fetch),
        labels=_labels(spec.labels),
        kill_policy=None
        if grace_s is None
        else checks.KillPolicy(grace_period=DurationInfo(nanoseconds=grace_s * _NANOSECONDS)),
        agent_check=next((one for one in spec.health_checks if one.is_of_agent), None),
    )


def name_of(app_id: str) -> str:
    """``db.shop`` for ``/shop/db``: a name that can be one of a host, the innermost first."""
    return ".".join(reversed(app_id.strip("/").split("/")))


def task_of(mould: Mould, instance: Instance, resources: tuple[Resource, ...]) -> TaskInfo:
    """The task that an instance is."""
    spec = mould.app.spec
    command = _command(mould, instance)
    is_plain = spec.executor in ("", COMMAND_EXECUTOR)
    return TaskInfo(
        name=mould.name,
        task_id=TaskID(value=instance.task_id),
        agent_id=AgentID(value=instance.agent_id),
        resources=resources,
        command=command if is_plain else None,
        executor=None if is_plain else _executor(spec, instance, command),
        data=None if is_plain else msgspec.json.encode(app_document(mould.app)),
        health_check=None
        if mould.agent_check is None
        else _health_check(mould.agent_check, instance.ports),
        check=None if spec.check is None else _check(spec.check, instance.ports),
        kill_policy=mould.kill_policy,
        labels=mould.labels,
        discovery=DiscoveryInfo(
            visibility=Visibility.FRAMEWORK,
            name=mould.name,
            ports=Ports(ports=tuple(_ports(spec.port_definitions, instance.ports))),
        ),
    )


# --- what is run ------------------------------------------------------------------


def _command(mould: Mould, instance: Instance) -> CommandInfo:
    spec = mould.app.spec
    variables = variables_of(
        spec,
        mould.variables,
        instance.task_id,
        instance.hostname,
        instance.ports,
        mould.prefix,
    )
    if spec.cmd is not None:
        command = shell_command(spec.cmd, variables, spec.user)
    else:
        # The program is the first of the arguments, which has its name too.
        program = spec.args[0] if spec.args else None
        command = program_command(program, spec.args, variables, spec.user)
    return msgspec.structs.replace(command, uris=mould.uris)


def _executor(spec: AppSpec, instance: Instance, command: CommandInfo) -> ExecutorInfo:
    """A custom executor, fetched or on the agent; each instance has one of its own."""
    path = shlex.quote(spec.executor)
    rest = spec.cmd if spec.cmd is not None else " ".join(spec.args)
    line = f"chmod ug+rx {path} && exec {path} {rest}".rstrip()
    return ExecutorInfo(
        executor_id=ExecutorID(value=f"marathon-{instance.task_id}"),
        command=msgspec.structs.replace(command, shell=True, value=line, arguments=()),
    )


def _uri(fetch: Fetch) -> URI:
    return URI(
        value=fetch.uri,
        extract=fetch.extract,
        executable=fetch.executable,
        cache=fetch.cache,
        output_file=fetch.dest_path,
    )


# --- how it is found ----------------------------------------------------------------


def _labels(labels: Mapping[str, str]) -> Labels | None:
    if not labels:
        return None
    return Labels(labels=tuple(Label(key=key, value=value) for key, value in labels.items()))


def _ports(definitions: Iterable[PortDefinition], ports: tuple[int, ...]) -> Iterable[Port]:
    """One for each protocol; the host's own network needs no word on the network's scope."""
    for definition, number in zip(definitions, ports, strict=True):
        for protocol in definition.protocol.value.split(","):
            yield Port(
                number=number,
                name=definition.name,
                protocol=protocol,
                labels=_labels(definition.labels),
            )


# --- how it is checked ---------------------------------------------------------------


def _health_check(check: HealthCheck, ports: tuple[int, ...]) -> checks.HealthCheck:
    kind, command, http, tcp = checks.HealthCheckType.COMMAND, None, None, None
    protocol = NetworkProtocol[check.ip_protocol.value]
    port = _port(check.port, check.port_index, ports)
    if check.protocol is CheckProtocol.COMMAND:
        command = CommandInfo(value="" if check.command is None else check.command.value)
    elif check.protocol is CheckProtocol.MESOS_TCP:
        kind = checks.HealthCheckType.TCP
        tcp = checks.TCPCheckInfo(
            protocol=protocol, port=_port(check.port, check.port_index, ports)
        )
    else:
        kind = checks.HealthCheckType.HTTP
        is_secure = check.protocol is CheckProtocol.MESOS_HTTPS
        http = checks.HTTPCheckInfo(
            protocol=protocol,
            scheme="https" if is_secure else "http",
            port=port,
            path=check.path,
        )
    return checks.HealthCheck(
        delay_seconds=float(check.delay_seconds),
        interval_seconds=float(check.interval_seconds),
        timeout_seconds=float(check.timeout_seconds),
        consecutive_failures=check.max_consecutive_failures,
        grace_period_seconds=float(check.grace_period_seconds),
        type=kind,
        command=command,
        http=http,
        tcp=tcp,
    )


def _check(check: Check, ports: tuple[int, ...]) -> checks.CheckInfo:
    kind, command, http, tcp = checks.CheckType.COMMAND, None, None, None
    if check.exec is not None:
        words = check.exec.command
        inner = (
            CommandInfo(value=words.shell)
            if words.shell is not None
            else CommandInfo(
                shell=False, value=words.argv[0] if words.argv else None, arguments=words.argv
            )
        )
        command = checks.CheckCommand(command=inner)
    elif check.http is not None:
        kind = checks.CheckType.HTTP
        http = checks.CheckHttp(
            port=_port(check.http.port, check.http.port_index, ports), path=check.http.path
        )
    elif check.tcp is not None:
        kind = checks.CheckType.TCP
        tcp = checks.CheckTcp(port=_port(check.tcp.port, check.tcp.port_index, ports))
    return checks.CheckInfo(
        type=kind,
        command=command,
        http=http,
        tcp=tcp,
        delay_seconds=float(check.delay_seconds),
        interval_seconds=float(check.interval_seconds),
        timeout_seconds=float(check.timeout_seconds),
    )


def _port(port: int | None, index: int | None, ports: tuple[int, ...]) -> int:
    """A check's port: its own, or that of the app's which it names; the first by default."""
    if port is not None:
        return port
    index = index or 0
    return ports[index] if index < len(ports) else 0
