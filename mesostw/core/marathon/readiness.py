"""When a started instance counts in a deployment: its readiness check, until it is ready once."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mesostw.core.marathon.changes import InstanceChanged, ReadinessChanged
from mesostw.core.marathon.fitness import spec_of
from mesostw.core.marathon.records import Condition, Instance, Readiness
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.watching import readiness_key
from mesostw.core.probes import Probed, ProbeKind, ProbeSpec, StartProbe, StopProbe
from mesostw.model.apps import AppId, AppSpec, HttpScheme, ReadinessCheck

#: Of the last answer, where it is to be shown; enough for a state in JSON, not for a page.
BODY_BYTES_MAX: Final = 16 * 1024


def looked(turn: Turn, app_id: AppId) -> None:
    """Ask in a deployment whoever is not ready yet, and nobody else; asking twice is once."""
    versions = turn.state.versions.get(app_id, {})
    if not any(version.spec.readiness_checks for version in versions.values()):
        return
    for instance in tuple(turn.state.of_app(app_id).values()):
        if app_id in turn.state.locks:
            began(turn, instance)
        else:
            _over(turn, instance)


def began(turn: Turn, instance: Instance) -> None:
    """Ask an instance that runs whether it is ready, if its app is being deployed."""
    if instance.app_id not in turn.state.locks or instance.id in turn.live.readying:
        return
    if instance.ready or instance.is_doomed or instance.condition is not Condition.RUNNING:
        return
    spec = spec_of(turn.state, instance)
    if spec is None or not spec.readiness_checks:
        return
    check = spec.readiness_checks[0]
    port = _port_of(spec, check, instance)
    if port is not None:
        turn.live.readying.add(instance.id)
        turn.do(StartProbe(readiness_key(instance.id), _probe_of(check, instance, port)))


def found(turn: Turn, instance: Instance, heard: Probed) -> None:
    """An instance has answered, or has not."""
    if instance.id not in turn.live.readying:
        return
    spec = spec_of(turn.state, instance)
    if instance.app_id not in turn.state.locks or spec is None:
        _over(turn, instance)
        return
    check = spec.readiness_checks[0]
    ready = heard.answered and heard.status in check.http_status_codes_for_ready
    shows = check.preserve_last_response and heard.answered
    answer = Readiness(
        name=check.name,
        task_id=instance.task_id,
        ready=ready,
        status=heard.status if shows else None,
        content_type=heard.content_type if shows else "",
        body=heard.body if shows else "",
    )
    if answer != turn.state.readiness.get(instance.id):
        turn.change(ReadinessChanged(instance.id, answer))
    if ready:
        _stop(turn, instance)
        turn.change(InstanceChanged(replace(instance, ready=True)))
        turn.mark(instance.app_id)


def _over(turn: Turn, instance: Instance) -> None:
    """No deployment waits for an instance any more: nothing is asked, nothing shown."""
    _stop(turn, instance)
    if instance.id in turn.state.readiness:
        turn.change(ReadinessChanged(instance.id, None))


def _stop(turn: Turn, instance: Instance) -> None:
    if instance.id in turn.live.readying:
        turn.live.readying.discard(instance.id)
        turn.do(StopProbe(readiness_key(instance.id)))


def _port_of(spec: AppSpec, check: ReadinessCheck, instance: Instance) -> int | None:
    """The host's port of the named one."""
    names = [definition.name for definition in spec.port_definitions]
    if check.port_name not in names:
        return None
    index = names.index(check.port_name)
    return instance.ports[index] if index < len(instance.ports) else None


def _probe_of(check: ReadinessCheck, instance: Instance, port: int) -> ProbeSpec:
    https = check.protocol is HttpScheme.HTTPS
    return ProbeSpec(
        kind=ProbeKind.HTTPS if https else ProbeKind.HTTP,
        host=instance.hostname,
        port=port,
        path=check.path,
        interval_s=float(check.interval_seconds),
        timeout_s=float(check.timeout_seconds),
        body_bytes_max=BODY_BYTES_MAX if check.preserve_last_response else 0,
    )
