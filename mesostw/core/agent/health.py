"""
What findings of checks mean for a built-in task, as in Mesos.

A health check says whether a task is healthy: each unhealthy finding and the first healthy
one are told, and a task that is unhealthy so many times in a row is killed.  Until the
first healthy finding, failures within the grace period mean nothing.  A check is only
told, when its finding is another than before.

Note [After a restart]
    A restarted agent checks the tasks that still run anew: delay and failures are counted
    from the beginning.  A task whose health was told before has no grace any more, and one
    that was told healthy is not told so again.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from mesostw.core.agent import checking
from mesostw.core.agent.changes import Cause, Task
from mesostw.core.agent.containers import ContainerExited, ContainerFailed
from mesostw.core.agent.endings import end_run, grace_of
from mesostw.core.agent.turn import Turn
from mesostw.core.agent.updates import said
from mesostw.core.agent.watches import Found, Purpose, Watch, key_of
from mesostw.core.agent.words import CheckLate
from mesostw.core.probes import Probed, ProbeKind, ProbeSpec
from mesostw.messages.commands import CommandInfo
from mesostw.messages.health import (
    CheckInfo,
    CheckStatusCommand,
    CheckStatusHttp,
    CheckStatusInfo,
    CheckStatusTcp,
    CheckType,
    HealthCheck,
    HealthCheckType,
)
from mesostw.messages.networks import NetworkProtocol
from mesostw.messages.tasks import TaskState, TaskStatusReason

#: Where a task of the host's network is found, by the version of the protocol.
_HOSTS: Final = {NetworkProtocol.IPv4: "127.0.0.1", NetworkProtocol.IPv6: "::1"}

Check: TypeAlias = HealthCheck | CheckInfo


def begun(turn: Turn, task: Task, *, anew: bool = False) -> None:
    """
    A task runs: check it as it asks to be; one that is checked already is left alone.

    :param anew: it has been running since an earlier life of the agent.
    """
    for purpose, check in (
        (Purpose.HEALTH, task.info.health_check),
        (Purpose.CHECK, task.info.check),
    ):
        if check is not None and key_of(purpose, task.container_id) not in turn.live.watches:
            _begin(turn, task, purpose, check, anew=anew)


def _begin(turn: Turn, task: Task, purpose: Purpose, check: Check, *, anew: bool) -> None:
    delay_s = check.delay_seconds
    if anew:
        delay_s = min(delay_s, check.interval_seconds)
    watch = Watch(
        purpose,
        task.container_id,
        check.interval_seconds,
        check.timeout_seconds,
        command=_command(check),
    )
    if isinstance(check, HealthCheck) and _healthy(task) is None:
        watch.grace_until = turn.now.steady + check.grace_period_seconds
    checking.begin(turn, watch, delay_s, _probe(check, delay_s))


def probed(turn: Turn, heard: Probed) -> None:
    """A probe has found something; one that was stopped meanwhile is nobody's."""
    watch = turn.live.watches.get(heard.key)
    if watch is not None:
        _found(turn, watch, Found(heard.status, heard.error))


def run_late(turn: Turn, timer: CheckLate) -> None:
    """The command of a check takes too long."""
    found = checking.late(turn, timer)
    if found is not None:
        _found(turn, *found)


def run_ended(turn: Turn, heard: ContainerExited | ContainerFailed) -> None:
    """Perhaps the container that has ended was a check's."""
    key = turn.live.runs.pop(heard.container_id, None)
    found = None if key is None else checking.run_over(turn, key, heard)
    if found is not None:
        _found(turn, *found)


def _found(turn: Turn, watch: Watch, found: Found) -> None:
    task = checking.task_of(turn, watch)
    if task.info.health_check is not None and watch.purpose is Purpose.HEALTH:
        fault = _fault(task.info.health_check, found)
        if fault:
            _unhealthy(turn, watch, task, task.info.health_check, fault)
        else:
            _is_healthy(turn, watch, task)
    elif task.info.check is not None and watch.purpose is Purpose.CHECK:
        _checked(turn, task, _status(task.info.check, found))


def _is_healthy(turn: Turn, watch: Watch, task: Task) -> None:
    watch.failures, watch.grace_until = 0, 0.0
    if _healthy(task) is not True:
        said(
            turn,
            task,
            TaskState.TASK_RUNNING,
            reason=TaskStatusReason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED,
            healthy=True,
        )


def _unhealthy(turn: Turn, watch: Watch, task: Task, check: HealthCheck, fault: str) -> None:
    if turn.now.steady < watch.grace_until:
        return
    watch.failures += 1
    task = said(
        turn,
        task,
        TaskState.TASK_RUNNING,
        message=f"Unhealthy: {fault}",
        reason=TaskStatusReason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED,
        healthy=False,
    )
    if watch.failures >= check.consecutive_failures:
        times = "once" if watch.failures == 1 else f"{watch.failures} times in a row"
        why = f"Killed because its health check failed {times}, the last time: {fault}"
        end_run(turn, task, Cause.UNHEALTHY, grace_of(task, None), why)


def _checked(turn: Turn, task: Task, status: CheckStatusInfo) -> None:
    before = task.statuses[-1].check_status if task.statuses else None
    if status != before:
        said(
            turn,
            task,
            TaskState.TASK_RUNNING,
            reason=TaskStatusReason.REASON_TASK_CHECK_STATUS_UPDATED,
            check_status=status,
        )


def _healthy(task: Task) -> bool | None:
    """What was told of the task's health last."""
    return task.statuses[-1].healthy if task.statuses else None


def _fault(check: HealthCheck, found: Found) -> str:
    """Why a finding is unhealthy; empty if it is not."""
    if found.error:
        return found.error
    if check.type is HealthCheckType.COMMAND and found.code != 0:
        code = found.code or 0
        return f"the command ended by signal {-code}" if code < 0 else f"exit status {code}"
    if check.type is HealthCheckType.HTTP and not 200 <= (found.code or 0) < 400:
        return f"HTTP status {found.code}"
    return ""


def _status(check: CheckInfo, found: Found) -> CheckStatusInfo:
    """A finding as frameworks are told; what was not found is left out."""
    match check.type:
        case CheckType.COMMAND:
            return CheckStatusInfo(
                type=check.type, command=CheckStatusCommand(exit_code=found.code)
            )
        case CheckType.HTTP:
            return CheckStatusInfo(type=check.type, http=CheckStatusHttp(status_code=found.code))
        case _:
            connected = CheckStatusTcp(succeeded=not found.error)
            return CheckStatusInfo(type=check.type, tcp=connected)


def _command(check: Check) -> CommandInfo | None:
    if isinstance(check, HealthCheck):
        return check.command if check.type is HealthCheckType.COMMAND else None
    return check.command.command if check.type is CheckType.COMMAND and check.command else None


def _probe(check: Check, delay_s: float) -> ProbeSpec | None:
    """The probe that a check is; ``None`` for a command."""
    kind, protocol, path = ProbeKind.HTTP, NetworkProtocol.IPv4, "/"
    if isinstance(check, CheckInfo):
        if check.type is CheckType.HTTP and check.http is not None:
            port, path = check.http.port, check.http.path or "/"
        elif check.type is CheckType.TCP and check.tcp is not None:
            kind, port = ProbeKind.TCP, check.tcp.port
        else:
            return None
    elif check.type is HealthCheckType.HTTP and check.http is not None:
        kind = ProbeKind((check.http.scheme or "http").upper())
        port, path, protocol = check.http.port, check.http.path or "/", check.http.protocol
    elif check.type is HealthCheckType.TCP and check.tcp is not None:
        kind, port, protocol = ProbeKind.TCP, check.tcp.port, check.tcp.protocol
    else:
        return None
    return ProbeSpec(
        kind=kind,
        host=_HOSTS[protocol],
        port=port,
        path=path,
        delay_s=delay_s,
        interval_s=check.interval_seconds,
        timeout_s=check.timeout_seconds,
        from_end=True,
        follow_redirects=True,
    )
