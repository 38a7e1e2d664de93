"""What health checks find, and what follows: events, health as a whole, a kill."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from msgspec.structs import replace

from mesostw.core.marathon import fitness, kills, readiness, tokens, watching
from mesostw.core.marathon.changes import HealthChanged
from mesostw.core.marathon.events import (
    HealthCheckFailed,
    HealthStatusMoved,
    InstanceHealthMoved,
    UnhealthyInstanceKilled,
)
from mesostw.core.marathon.records import Condition, Health, Instance
from mesostw.core.marathon.terminations import UNHEALTHY
from mesostw.core.marathon.turn import Turn
from mesostw.core.probes import Probed
from mesostw.model.apps import AppSpec, CheckProtocol, HealthCheck, InstanceId

#: The number under which the agent's check is among an instance's findings.
AGENT: Final = -1


def restored(turn: Turn) -> None:
    """Begin to ask again; what was found before is not known, but for what agents told."""
    for instance in tuple(turn.state.instances.values()):
        if instance.condition is not Condition.RUNNING or instance.is_doomed:
            continue
        turn.live.earned.add(instance.id)
        watching.began(turn, instance)
        if instance.agent_health is not None:
            found = Health(check=AGENT, alive=instance.agent_health)
            turn.change(HealthChanged(instance.id, (found,)))
            turn.live.health_told[instance.id] = fitness.is_healthy(turn.state, instance)


def probed(turn: Turn, heard: Probed) -> None:
    """A probe has found something; what is not watched any more is not listened to."""
    name, _, number = heard.key.rpartition("/")
    instance = turn.state.instances.get(InstanceId(name))
    if instance is None:
        return
    if not number.isdecimal():
        readiness.found(turn, instance, heard)
    elif heard.key in turn.live.probes.get(instance.id, ()):
        spec = fitness.spec_of(turn.state, instance)
        if spec is not None:
            _judged(turn, instance, spec, int(number), heard)


def agent_said(turn: Turn, instance: Instance, healthy: bool, message: str) -> None:
    """The agent's check has found something; killing for it is the executor's business."""
    found = fitness.found_of(turn.state, instance, AGENT)
    known = found or Health(check=AGENT, alive=False)
    spec = fitness.spec_of(turn.state, instance)
    if not healthy and spec is not None:
        for check in spec.health_checks:
            if check.is_of_agent:
                _tell_failure(turn, instance, check)
    _keep(turn, instance, known, _good(turn, known) if healthy else _bad(turn, known, message))
    _weigh(turn, instance)


def serves(turn: Turn, instance: Instance) -> None:
    """The instance runs and nothing speaks against it: the first time, more may be launched."""
    if instance.id not in turn.live.earned:
        turn.live.earned.add(instance.id)
        tokens.earned(turn)


# --- one finding --------------------------------------------------------------------


def _judged(turn: Turn, instance: Instance, spec: AppSpec, index: int, heard: Probed) -> None:
    check = spec.health_checks[index]
    found = fitness.found_of(turn.state, instance, index)
    known = found or Health(check=index, alive=False)
    fault = fault_of(check, heard)
    if fault is None:
        return
    if not fault:
        _keep(turn, instance, known, _good(turn, known))
    elif _is_in_grace(turn, instance, check, known):
        return
    else:
        _tell_failure(turn, instance, check)
        if 0 < check.max_consecutive_failures <= known.consecutive_failures:
            _kill(turn, instance, fault)
        _keep(turn, instance, known, _bad(turn, known, fault))
    _weigh(turn, instance)


def fault_of(check: HealthCheck, heard: Probed) -> str | None:
    """What is wrong by a finding: nothing (``""``); ``None`` if it says neither yes nor no."""
    if heard.error:
        return heard.error
    if check.protocol is CheckProtocol.TCP or heard.status is None:
        return ""
    if 200 <= heard.status <= 399:
        return ""
    if check.ignore_http1xx and 100 <= heard.status <= 199:
        return None
    try:
        return f"{heard.status} {HTTPStatus(heard.status).phrase}"
    except ValueError:
        return str(heard.status)


def _is_in_grace(turn: Turn, instance: Instance, check: HealthCheck, known: Health) -> bool:
    if known.first_success is not None or instance.started_at is None:
        return False
    return turn.now.wall < instance.started_at + check.grace_period_seconds


def _good(turn: Turn, known: Health) -> Health:
    now = turn.now.wall
    first = now if known.first_success is None else known.first_success
    return replace(known, alive=True, consecutive_failures=0, first_success=first, last_success=now)


def _bad(turn: Turn, known: Health, cause: str) -> Health:
    return replace(
        known,
        alive=False,
        consecutive_failures=known.consecutive_failures + 1,
        last_failure=turn.now.wall,
        last_failure_cause=cause or None,
    )


def _keep(turn: Turn, instance: Instance, before: Health, after: Health) -> None:
    others = turn.state.health.get(instance.id, ())
    results = {one.check: one for one in others} | {after.check: after}
    turn.change(HealthChanged(instance.id, tuple(results[check] for check in sorted(results))))
    if before.alive is not after.alive:
        turn.tell(
            HealthStatusMoved(
                at=turn.now.wall,
                app_id=instance.app_id,
                instance_id=instance.id,
                version=instance.version,
                alive=after.alive,
            )
        )


def _weigh(turn: Turn, instance: Instance) -> None:
    """See whether an instance's health as a whole is another than was last told."""
    healthy = fitness.is_healthy(turn.state, instance)
    if healthy is turn.live.health_told.get(instance.id):
        return
    turn.live.health_told[instance.id] = healthy
    turn.tell(
        InstanceHealthMoved(
            at=turn.now.wall,
            instance_id=instance.id,
            app_id=instance.app_id,
            healthy=healthy,
            version=instance.version,
        )
    )
    turn.mark(instance.app_id)
    if healthy:
        serves(turn, instance)


def _tell_failure(turn: Turn, instance: Instance, check: HealthCheck) -> None:
    turn.tell(
        HealthCheckFailed(
            at=turn.now.wall,
            app_id=instance.app_id,
            instance_id=instance.id,
            health_check=check,
        )
    )


def _kill(turn: Turn, instance: Instance, fault: str) -> None:
    turn.tell(
        UnhealthyInstanceKilled(
            at=turn.now.wall,
            app_id=instance.app_id,
            task_id=instance.task_id,
            instance_id=instance.id,
            version=instance.version,
            reason=fault,
            hostname=instance.hostname,
            agent_id=instance.agent_id,
        )
    )
    kills.kill(turn, instance, UNHEALTHY + fault)
