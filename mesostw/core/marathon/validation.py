"""
The API's rules for one app, beyond the range of each field.

Each rule says what is wrong at which place of the document.  What depends on other apps is
in ``tree``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from mesostw.core.framework.faults import Faults, unsupported
from mesostw.core.marathon.normalising import UPGRADE_SINGLE
from mesostw.core.marathon.roles import ANY, RoleRules
from mesostw.model.apps import (
    SINGLE_INSTANCE_LABEL,
    AppSpec,
    CheckProtocol,
    HealthCheck,
    IpProtocol,
    NetworkMode,
    ReadinessCheck,
)

_EXECUTOR: Final = "^(//cmd)|(/?[^/]+(/[^/]+)*)|$"
_EXECUTOR_MATCH: Final = re.compile("(//cmd)|(/?[^/]+(/[^/]+)*)|").fullmatch

_HTTP_KINDS: Final = frozenset(
    {
        CheckProtocol.HTTP,
        CheckProtocol.HTTPS,
        CheckProtocol.MESOS_HTTP,
        CheckProtocol.MESOS_HTTPS,
    }
)
#: Those that Marathon does itself, and that see a status.
_OWN_HTTP_KINDS: Final = frozenset({CheckProtocol.HTTP, CheckProtocol.HTTPS})

_NO_PORT: Final = (
    "Health check port indices must address an element of the ports array or container "
    "port mappings."
)


def judge(spec: AppSpec, rules: RoleRules, faults: Faults) -> None:
    """Add what is wrong with a spec to ``faults``."""
    for rule in _RULES:
        rule(spec, faults)
    _judge_roles(spec, rules, faults)


# --- what is run ------------------------------------------------------------------


def _judge_command(spec: AppSpec, faults: Faults) -> None:
    if (spec.cmd is None) == (not spec.args):
        faults.add(
            "", "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'."
        )
    if "\0" in (spec.cmd or ""):
        faults.add("/cmd", "must not contain NUL")
    for index, arg in enumerate(spec.args):
        if "\0" in arg:
            faults.add(f"/args({index})", "must not contain NUL")
    if _EXECUTOR_MATCH(spec.executor) is None:
        faults.add("/executor", f"must fully match regular expression '{_EXECUTOR}'")


def _judge_environment(spec: AppSpec, faults: Faults) -> None:
    for name, value in spec.env.items():
        if not name or "=" in name or "\0" in name:
            faults.add("/env", f"the name '{name}' must not be empty, nor contain = or NUL")
        if "\0" in value:
            faults.add(f"/env/{name}", "must not contain NUL")


# --- where and how -------------------------------------------------------------------


def _judge_roles(spec: AppSpec, rules: RoleRules, faults: Faults) -> None:
    if spec.role not in rules.valid:
        faults.add("/role", f"got {spec.role}, expected one of: [{', '.join(rules.valid)}]")
    if not spec.accepted_resource_roles:
        faults.add("/acceptedResourceRoles", "must not be empty; leave it out for the default")
    elif not set(spec.accepted_resource_roles) <= {ANY, spec.role}:
        faults.add(
            "/acceptedResourceRoles",
            f"acceptedResourceRoles can only contain {ANY} and {spec.role}, "
            f"not {', '.join(sorted(set(spec.accepted_resource_roles) - {ANY, spec.role}))}",
        )


def _judge_networks(spec: AppSpec, faults: Faults) -> None:
    for index, network in enumerate(spec.networks):
        if network.mode is not NetworkMode.HOST:
            faults.add(
                f"/networks({index})/mode",
                f"{unsupported(f'{network.mode} networking')}, or use host",
            )
        elif network.name is not None:
            faults.add(f"/networks({index})/name", "must be left out, since the mode is host")
    if len(spec.networks) > 1 and any(each.mode is NetworkMode.HOST for each in spec.networks):
        faults.add("/networks", "host networking must be the only network")


def _judge_ports(spec: AppSpec, faults: Faults) -> None:
    if _twice(each.port for each in spec.port_definitions if each.port):
        faults.add("/portDefinitions", "Ports must be unique.")
    if _twice(each.name for each in spec.port_definitions if each.name is not None):
        faults.add("/portDefinitions", "Port names must be unique.")


def _judge_single(spec: AppSpec, faults: Faults) -> None:
    if not spec.is_single:
        return
    why = f"since the label {SINGLE_INSTANCE_LABEL} is true"
    if spec.every_agent or spec.instances > 1:
        faults.add("/instances", f"must be at most 1, {why}")
    if spec.upgrade_strategy != UPGRADE_SINGLE:
        faults.add(
            "/upgradeStrategy",
            f"minimumHealthCapacity and maximumOverCapacity must both be 0, {why}",
        )


def _judge_unreachable(spec: AppSpec, faults: Faults) -> None:
    strategy = spec.unreachable_strategy
    if strategy is None:
        return
    if strategy.inactive_after_seconds > strategy.expunge_after_seconds:
        faults.add(
            "/unreachableStrategy",
            f"inactiveAfterSeconds ({strategy.inactive_after_seconds}) must not be greater than "
            f"expungeAfterSeconds ({strategy.expunge_after_seconds})",
        )


# --- checks ---------------------------------------------------------------------------


def _judge_health_checks(spec: AppSpec, faults: Faults) -> None:
    for index, check in enumerate(spec.health_checks):
        path = f"/healthChecks({index})"
        _judge_port_of(
            path, check.port, check.port_index, check.protocol, len(spec.port_definitions), faults
        )
        _judge_kind(check, path, faults)
    if sum(check.is_of_agent for check in spec.health_checks) > 1:
        faults.add("", "AppDefinition can contain at most one Mesos health check")


def _judge_port_of(
    path: str,
    port: int | None,
    index: int | None,
    protocol: CheckProtocol,
    ports: int,
    faults: Faults,
) -> None:
    """Which port a check is of: exactly one way to say it, and a port that is there."""
    if protocol is CheckProtocol.COMMAND:
        return
    if port is not None and index is not None:
        faults.add(path, "must have one of port and portIndex, not both")
    elif port is None and index is None:
        faults.add(path, "must have a port, since the app has none of its own")
    elif index is not None and index >= ports:
        faults.add(path, _NO_PORT)


def _judge_kind(check: HealthCheck, path: str, faults: Faults) -> None:
    """What only some kinds of health checks have."""
    kind = check.protocol
    if kind is CheckProtocol.COMMAND:
        if check.command is None or not check.command.value:
            faults.add(f"{path}/command", "must have a value, since the protocol is COMMAND")
    elif check.command is not None:
        faults.add(f"{path}/command", f"must be left out, since the protocol is {kind}")
    if check.path and kind not in _HTTP_KINDS:
        faults.add(f"{path}/path", f"must be left out, since the protocol is {kind}")
    if check.ignore_http1xx and kind not in _OWN_HTTP_KINDS:
        faults.add(f"{path}/ignoreHttp1xx", f"must be left out, since the protocol is {kind}")
    if check.ip_protocol is IpProtocol.IPV6:
        faults.add(f"{path}/ipProtocol", f"{unsupported('IPv6')}, or use IPv4")


def _judge_readiness(spec: AppSpec, faults: Faults) -> None:
    if len(spec.readiness_checks) > 1:
        faults.add("/readinessChecks", "must have at most one readiness check")
    names = {each.name for each in spec.port_definitions}
    for index, check in enumerate(spec.readiness_checks):
        _judge_readiness_check(check, names, f"/readinessChecks({index})", faults)


def _judge_readiness_check(
    check: ReadinessCheck, names: set[str | None], path: str, faults: Faults
) -> None:
    if check.port_name not in names:
        faults.add(
            f"{path}/portName", f"No port definition reference for portName: {check.port_name}"
        )
    if check.timeout_seconds >= check.interval_seconds:
        faults.add(
            f"{path}/timeoutSeconds",
            f"must be less than intervalSeconds ({check.interval_seconds})",
        )
    if not check.http_status_codes_for_ready:
        faults.add(f"{path}/httpStatusCodesForReady", "must not be empty")


def _judge_check(spec: AppSpec, faults: Faults) -> None:
    check = spec.check
    if check is None:
        return
    kinds = [each for each in (check.http, check.tcp, check.exec) if each is not None]
    if len(kinds) != 1:
        faults.add("/check", "must have exactly one of http, tcp and exec")
    ports = len(spec.port_definitions)
    if check.http is not None:
        http = check.http
        kind = CheckProtocol.MESOS_HTTP
        _judge_port_of("/check/http", http.port, http.port_index, kind, ports, faults)
    if check.tcp is not None:
        tcp = check.tcp
        kind = CheckProtocol.MESOS_TCP
        _judge_port_of("/check/tcp", tcp.port, tcp.port_index, kind, ports, faults)
    if check.exec is not None and (check.exec.command.shell is None) == (
        not check.exec.command.argv
    ):
        faults.add("/check/exec/command", "must have one of shell and argv")


def _twice(values: Iterable[object]) -> bool:
    listed = list(values)
    return len(set(listed)) < len(listed)


_RULES: Final[tuple[Callable[[AppSpec, Faults], None], ...]] = (
    _judge_command,
    _judge_environment,
    _judge_networks,
    _judge_ports,
    _judge_single,
    _judge_unreachable,
    _judge_health_checks,
    _judge_readiness,
    _judge_check,
)
