"""
What statuses say of tasks, folded into instances.

A status comes again until it is acknowledged, and masters repeat themselves: the same word
twice, a late one, and one out of order change nothing (``conditions.MOVES``).  Each arrival
is acknowledged once, by an effect, so after everything that it changed is kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from mesostw.core.marathon import (
    delays,
    everywhere,
    health,
    kills,
    readiness,
    terminations,
    unreachable,
    watching,
)
from mesostw.core.marathon.changes import InstanceChanged
from mesostw.core.marathon.conditions import MOVES, condition_of
from mesostw.core.marathon.events import (
    FrameworkMessage,
    StatusUpdated,
    UnknownInstanceTerminated,
)
from mesostw.core.marathon.fitness import spec_of
from mesostw.core.marathon.flags import MESSAGE_CHARS_MAX
from mesostw.core.marathon.records import TERMINAL_CONDITIONS, Condition, Instance
from mesostw.core.marathon.terminations import End
from mesostw.core.marathon.turn import Turn, app_of, instance_of
from mesostw.core.scheduling import (
    AcknowledgeStatus,
    AgentFailed,
    KillTask,
    MessageCame,
    StatusCame,
)
from mesostw.messages.tasks import TaskStatus, TaskStatusReason
from mesostw.model.apps import InstanceId
from mesostw.model.ids import AgentId, TaskId

#: Ends that delay the next launch; a kill is none, whoever did it.
_SETBACKS = frozenset(
    {
        Condition.FINISHED,
        Condition.FAILED,
        Condition.ERROR,
        Condition.GONE,
        Condition.DROPPED,
    }
)


def came(turn: Turn, heard: StatusCame) -> None:
    """Fold a status into the instance that it is of."""
    status = heard.status
    instance = turn.state.by_task(TaskId(status.task_id.value))
    condition = condition_of(status)
    if instance is None:
        _strange(turn, status, condition)
    elif condition in TERMINAL_CONDITIONS:
        _ended(turn, instance, status, condition)
    elif condition in MOVES[instance.condition]:
        _lives(turn, instance, status, condition)
    turn.do(AcknowledgeStatus(status))
    kills.said_on(turn)


def message_came(turn: Turn, heard: MessageCame) -> None:
    """An executor speaks; only the event stream is interested."""
    turn.tell(
        FrameworkMessage(
            at=turn.now.wall,
            executor_id=heard.executor_id,
            agent_id=heard.agent_id,
            content=heard.content,
        )
    )


def _strange(turn: Turn, status: TaskStatus, condition: Condition) -> None:
    """A task that no instance is: one that was forgotten ends, wherever it comes from."""
    task_id = TaskId(status.task_id.value)
    if condition in TERMINAL_CONDITIONS:
        instance_id = InstanceId(instance_of(task_id))
        turn.tell(
            UnknownInstanceTerminated(
                at=turn.now.wall,
                instance_id=instance_id,
                app_id=app_of(instance_id),
                condition=condition,
            )
        )
    elif condition is not Condition.UNREACHABLE:
        # Of one that is away nothing can be asked; it is killed when it comes back.
        agent_id = None if status.agent_id is None else AgentId(status.agent_id.value)
        turn.do(KillTask(task_id, agent_id))


# --- ends -------------------------------------------------------------------------


def _ended(turn: Turn, instance: Instance, status: TaskStatus, condition: Condition) -> None:
    if status.reason is TaskStatusReason.REASON_AGENT_DRAINING:
        delays.reset(turn, instance.app_id)
    elif condition in _SETBACKS and not instance.is_doomed:
        delays.failed(turn, instance.app_id, instance.config)
    _tell(turn, instance, status)
    end = End(
        condition=condition,
        state=status.state,
        message=status.message or "",
        reason="" if status.reason is None else status.reason.name,
        unhealthy=status.healthy is False and not instance.is_doomed,
    )
    terminations.ended(turn, instance, end)


# --- everything else ----------------------------------------------------------------


def _lives(turn: Turn, instance: Instance, status: TaskStatus, condition: Condition) -> None:
    if condition is Condition.UNREACHABLE and instance.is_doomed:
        _tell(turn, instance, status)
        kills.gave_up(turn, instance)
        return
    moved = _folded(turn, instance, status, condition)
    if moved != instance:
        turn.change(InstanceChanged(moved))
        _tell(turn, moved, status)
        if moved.condition is not instance.condition:
            _entered(turn, moved)
    elif not _is_another_failure(turn, status):
        return
    if moved.condition is Condition.RUNNING and status.healthy is not None:
        turn.live.health_said[moved.id] = status.uuid
        health.agent_said(turn, moved, status.healthy, status.message or "")


def _is_another_failure(turn: Turn, status: TaskStatus) -> bool:
    """Of bad health each finding is a status; one that is only repeated has the same uuid."""
    if status.healthy is not False or status.uuid is None:
        return False
    said = turn.live.health_said.get(InstanceId(instance_of(status.task_id.value)))
    return said != status.uuid


def _folded(turn: Turn, instance: Instance, status: TaskStatus, condition: Condition) -> Instance:
    """The instance with what the status says; the same if it says nothing new."""
    since = None
    if condition is Condition.UNREACHABLE:
        since = instance.unreachable_since or _away_since(turn, status)
        condition = unreachable.condition_of(turn, instance, since)
    runs = condition is Condition.RUNNING
    same = condition is instance.condition
    return replace(
        instance,
        condition=condition,
        since=instance.since if same else turn.now.wall,
        task_state=status.state,
        staged_at=instance.staged_at or turn.now.wall,
        started_at=(instance.started_at or turn.now.wall) if runs else instance.started_at,
        unreachable_since=since,
        addresses=_addresses(status) or instance.addresses,
        agent_health=instance.agent_health if status.healthy is None else status.healthy,
        check_result=_check_result(status) or instance.check_result,
    )


def _entered(turn: Turn, instance: Instance) -> None:
    """The instance is in another condition than before."""
    turn.tell(terminations.moved(turn, instance, instance.condition))
    turn.mark(instance.app_id)
    if instance.is_away:
        everywhere.agent_failed(turn, AgentFailed(instance.agent_id, None, None))
    if instance.condition is not Condition.RUNNING:
        watching.ended(turn, instance)
    elif not instance.is_doomed:
        watching.began(turn, instance)
        readiness.began(turn, instance)
        spec = spec_of(turn.state, instance)
        if spec is None or not spec.health_checks:
            health.serves(turn, instance)


def _away_since(turn: Turn, status: TaskStatus) -> float:
    """As the master says; no clock of another machine puts it into our future."""
    told = None
    if status.unreachable_time is not None:
        told = status.unreachable_time.nanoseconds / 1e9
    return turn.now.wall if told is None else min(told, turn.now.wall)


def _addresses(status: TaskStatus) -> tuple[tuple[str, str], ...]:
    container = status.container_status
    return tuple(
        (one.ip_address, one.protocol.name)
        for network in (() if container is None else container.network_infos)
        for one in network.ip_addresses
        if one.ip_address is not None
    )


def _check_result(status: TaskStatus) -> Mapping[str, Mapping[str, int | bool]] | None:
    """What a general check found, as the API shows it; nothing before its first finding."""
    found = status.check_status
    if found is None:
        return None
    if found.command is not None and found.command.exit_code is not None:
        return {"command": {"exitCode": found.command.exit_code}}
    if found.http is not None and found.http.status_code is not None:
        return {"http": {"statusCode": found.http.status_code}}
    if found.tcp is not None and found.tcp.succeeded is not None:
        return {"tcp": {"succeeded": found.tcp.succeeded}}
    return None


def _tell(turn: Turn, instance: Instance, status: TaskStatus) -> None:
    turn.tell(
        StatusUpdated(
            at=turn.now.wall,
            agent_id=instance.agent_id,
            task_id=instance.task_id,
            task_state=status.state.name,
            message=(status.message or "")[:MESSAGE_CHARS_MAX],
            app_id=instance.app_id,
            hostname=instance.hostname,
            addresses=instance.addresses,
            ports=instance.ports,
            version=instance.version,
        )
    )
