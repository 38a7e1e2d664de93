"""Which checks of a task make sense; the sentences are those that Mesos has, where it has one."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mesostw.messages import CommandInfo, TaskInfo
from mesostw.messages.health import CheckInfo, CheckType, HealthCheck, HealthCheckType

_PORT_MAX = 65_535
_TIMES = ("delay_seconds", "interval_seconds", "timeout_seconds", "grace_period_seconds")


def invalid(task: TaskInfo) -> str | None:
    """Why the checks of ``task`` make no sense, in a sentence."""
    for fault in _faults(task):
        return fault
    return None


def commands(task: TaskInfo) -> Iterator[tuple[str, CommandInfo]]:
    """The commands that checks of ``task`` run, each with its path in the message."""
    health, check = task.health_check, task.check
    if health is not None and health.type is HealthCheckType.COMMAND and health.command:
        yield "TaskInfo.health_check.command", health.command
    if check is not None and check.type is CheckType.COMMAND and check.command:
        yield "TaskInfo.check.command.command", check.command.command


def _faults(task: TaskInfo) -> Iterator[str]:
    if task.health_check is not None:
        for fault in _health(task.health_check):
            yield f"Task uses invalid health check: {fault}"
    if task.check is not None:
        for fault in _check(task.check):
            yield f"Task uses invalid check: {fault}"


def _health(given: HealthCheck) -> Iterator[str]:
    match given.type:
        case None | HealthCheckType.UNKNOWN:
            yield "HealthCheck must specify 'type': COMMAND, HTTP or TCP"
        case HealthCheckType.COMMAND:
            yield from _command("health check", given.command)
        case HealthCheckType.HTTP if given.http is None:
            yield "Expecting 'http' to be set for HTTP health check"
        case HealthCheckType.TCP if given.tcp is None:
            yield "Expecting 'tcp' to be set for TCP health check"
        case _:
            pass
    if given.type is HealthCheckType.HTTP and given.http is not None:
        scheme = given.http.scheme
        if scheme not in (None, "http", "https"):
            yield f"Unsupported HTTP health check scheme: '{scheme}'; give http or https"
        yield from _http("HTTP health check", given.http.port, given.http.path)
    elif given.type is HealthCheckType.TCP and given.tcp is not None:
        yield from _port("TCP health check", given.tcp.port)
    yield from _times(given)


def _check(given: CheckInfo) -> Iterator[str]:
    match given.type:
        case None | CheckType.UNKNOWN:
            yield "CheckInfo must specify 'type': COMMAND, HTTP or TCP"
        case CheckType.COMMAND:
            yield from _command("check", None if given.command is None else given.command.command)
        case CheckType.HTTP if given.http is None:
            yield "Expecting 'http' to be set for HTTP check"
        case CheckType.TCP if given.tcp is None:
            yield "Expecting 'tcp' to be set for TCP check"
        case _:
            pass
    if given.type is CheckType.HTTP and given.http is not None:
        yield from _http("HTTP check", given.http.port, given.http.path)
    elif given.type is CheckType.TCP and given.tcp is not None:
        yield from _port("TCP check", given.tcp.port)
    yield from _times(given)


def _command(what: str, command: CommandInfo | None) -> Iterator[str]:
    if command is None:
        yield f"Expecting 'command' to be set for COMMAND {what}"
    elif not command.value:
        kind = "Shell command" if command.shell else "Executable of command"
        yield f"{kind} is not specified for COMMAND {what}"


def _http(what: str, port: int, path: str | None) -> Iterator[str]:
    yield from _port(what, port)
    if path and not path.startswith("/"):
        yield f"The path '{path}' of {what} must start with '/'"


def _port(what: str, port: int) -> Iterator[str]:
    if not 0 < port <= _PORT_MAX:
        yield f"The port {port} of {what} must be from 1 to {_PORT_MAX}"


def _times(given: HealthCheck | CheckInfo) -> Iterator[str]:
    for name in _TIMES:
        length_s: float = getattr(given, name, 0.0)
        if not (math.isfinite(length_s) and length_s >= 0):
            yield f"Expecting '{name}' to be non-negative, not {length_s}"
