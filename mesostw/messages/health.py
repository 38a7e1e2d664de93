"""Checks of tasks: how to make them, and what they found."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.commands import CommandInfo
from mesostw.messages.fields import Body, Int32, Uint32, always
from mesostw.messages.networks import NetworkProtocol
from mesostw.messages.values import DurationInfo
from mesostw.model.enums import WireEnum


class CheckType(WireEnum):
    """What a check does."""

    UNKNOWN = "UNKNOWN", 0
    COMMAND = "COMMAND", 1
    HTTP = "HTTP", 2
    TCP = "TCP", 3


class CheckInfo(Body, frozen=True, kw_only=True):
    """A check whose findings go to the framework; it kills nothing."""

    type: Annotated[CheckType | None, 1] = None
    command: Annotated[CheckCommand | None, 2] = None
    http: Annotated[CheckHttp | None, 3] = None
    tcp: Annotated[CheckTcp | None, 7] = None
    #: After the task has started, until the first check.
    delay_seconds: Annotated[float, 4] = always(15.0)
    #: From the end of a check to the next.
    interval_seconds: Annotated[float, 5] = always(10.0)
    #: Of one check; 0 is without end.
    timeout_seconds: Annotated[float, 6] = always(20.0)


class CheckCommand(Body, frozen=True, kw_only=True):
    """Run a command in the task's container; its exit status is the finding."""

    command: Annotated[CommandInfo, 1]


class CheckHttp(Body, frozen=True, kw_only=True):
    """Ask the task over HTTP; the status code is the finding."""

    port: Annotated[Uint32, 1]
    #: With a leading ``/``.
    path: Annotated[str | None, 2] = None


class CheckTcp(Body, frozen=True, kw_only=True):
    """Connect to the task; whether that worked is the finding."""

    port: Annotated[Uint32, 1]


class CheckStatusInfo(Body, frozen=True, kw_only=True):
    """What a check found last; an empty part means that it has not found anything yet."""

    type: Annotated[CheckType | None, 1] = None
    command: Annotated[CheckStatusCommand | None, 2] = None
    http: Annotated[CheckStatusHttp | None, 3] = None
    tcp: Annotated[CheckStatusTcp | None, 4] = None


class CheckStatusCommand(Body, frozen=True, kw_only=True):
    """The exit status of the last check."""

    exit_code: Annotated[Int32 | None, 1] = None


class CheckStatusHttp(Body, frozen=True, kw_only=True):
    """The status code of the last check."""

    status_code: Annotated[Uint32 | None, 1] = None


class CheckStatusTcp(Body, frozen=True, kw_only=True):
    """Whether the last check could connect."""

    succeeded: Annotated[bool | None, 1] = None


class HealthCheckType(WireEnum):
    """What a health check does."""

    UNKNOWN = "UNKNOWN", 0
    COMMAND = "COMMAND", 1
    HTTP = "HTTP", 2
    TCP = "TCP", 3


class HealthCheck(Body, frozen=True, kw_only=True):
    """A check that says whether a task is healthy; an unhealthy task is killed."""

    #: After the task has started, until the first check.
    delay_seconds: Annotated[float, 2] = always(15.0)
    #: From the end of a check to the next.
    interval_seconds: Annotated[float, 3] = always(10.0)
    #: Of one check; 0 is without end.
    timeout_seconds: Annotated[float, 4] = always(20.0)
    #: Failures in a row that kill the task.
    consecutive_failures: Annotated[Uint32, 5] = always(3)
    #: After the start, while failures do not count until a check has succeeded.
    grace_period_seconds: Annotated[float, 6] = always(10.0)
    type: Annotated[HealthCheckType | None, 8] = None
    command: Annotated[CommandInfo | None, 7] = None
    http: Annotated[HTTPCheckInfo | None, 1] = None
    tcp: Annotated[TCPCheckInfo | None, 9] = None


class HTTPCheckInfo(Body, frozen=True, kw_only=True):
    """Ask the task over HTTP; healthy if the status code is from 200 to 399."""

    protocol: Annotated[NetworkProtocol, 5] = always(NetworkProtocol.IPv4)
    #: ``http`` (the default) or ``https``, whose certificate is not verified.
    scheme: Annotated[str | None, 3] = None
    port: Annotated[Uint32, 1]
    path: Annotated[str | None, 2] = None
    #: Not read: 200 to 399 are healthy.
    statuses: Annotated[tuple[Uint32, ...], 4] = ()


class TCPCheckInfo(Body, frozen=True, kw_only=True):
    """Connect to the task; healthy if that works."""

    protocol: Annotated[NetworkProtocol, 2] = always(NetworkProtocol.IPv4)
    port: Annotated[Uint32, 1]


class KillPolicy(Body, frozen=True, kw_only=True):
    """How gently a task is killed."""

    #: From SIGTERM to SIGKILL; unset is the executor's own, 3 s for a command.
    grace_period: Annotated[DurationInfo | None, 1] = None
