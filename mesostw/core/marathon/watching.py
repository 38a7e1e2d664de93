"""Which instances are asked about their health, and when that begins and ends."""

from __future__ import annotations

from typing import Final

from mesostw.core.marathon.events import HealthCheckAdded, HealthCheckRemoved
from mesostw.core.marathon.fitness import spec_of
from mesostw.core.marathon.records import Instance
from mesostw.core.marathon.turn import Turn
from mesostw.core.probes import ProbeKey, ProbeKind, ProbeSpec, StartProbe, StopProbe
from mesostw.model.apps import AppId, AppSpec, CheckProtocol, HealthCheck, InstanceId, Stamp

#: The first check comes after this time at the latest, as in Marathon.
FIRST_CHECK_S_MAX: Final = 5.0

_KINDS: Final = {
    CheckProtocol.HTTP: ProbeKind.HTTP,
    CheckProtocol.HTTPS: ProbeKind.HTTPS,
    CheckProtocol.TCP: ProbeKind.TCP,
}


def readiness_key(instance_id: InstanceId) -> ProbeKey:
    """Of the probe that asks whether an instance is ready."""
    return ProbeKey(f"{instance_id}/ready")


def began(turn: Turn, instance: Instance) -> None:
    """Ask about the health of an instance that runs, as the version it was made from says."""
    if instance.id in turn.live.probes:
        return
    spec = spec_of(turn.state, instance)
    if spec is None or not spec.health_checks:
        return
    _count(turn, instance, spec)
    keys = []
    for index, check in enumerate(spec.health_checks):
        probe = _probe_of(check, instance)
        if probe is not None:
            keys.append(ProbeKey(f"{instance.id}/{index}"))
            turn.do(StartProbe(keys[-1], probe))
    turn.live.probes[instance.id] = tuple(keys)


def ended(turn: Turn, instance: Instance) -> None:
    """Ask nothing more of an instance that ends, is to end, or is away."""
    keys = turn.live.probes.pop(instance.id, None)
    if keys is not None:
        for key in keys:
            turn.do(StopProbe(key))
        _uncount(turn, instance)
    if instance.id in turn.live.readying:
        turn.live.readying.discard(instance.id)
        turn.do(StopProbe(readiness_key(instance.id)))


def gone(turn: Turn, app_id: AppId) -> None:
    """An app is gone with all its instances: none of its configurations is checked any more."""
    for _ in turn.live.checked.pop(app_id, ()):
        turn.tell(HealthCheckRemoved(at=turn.now.wall, app_id=app_id))


def _probe_of(check: HealthCheck, instance: Instance) -> ProbeSpec | None:
    """Nothing if the agent does the check, or the instance has no such port."""
    kind = _KINDS.get(check.protocol)
    port = port_of(check, instance)
    if kind is None or port is None:
        return None
    return ProbeSpec(
        kind=kind,
        host=instance.hostname,
        port=port,
        path=check.path or "/",
        delay_s=min(float(check.interval_seconds), FIRST_CHECK_S_MAX),
        interval_s=float(check.interval_seconds),
        timeout_s=float(check.timeout_seconds),
    )


def port_of(check: HealthCheck, instance: Instance) -> int | None:
    """The port on the host that a check asks: its own, or one of the instance's (the first)."""
    if check.port is not None:
        return check.port
    index = check.port_index or 0
    return instance.ports[index] if index < len(instance.ports) else None


# --- what the event stream tells of ---------------------------------------------


def _count(turn: Turn, instance: Instance, spec: AppSpec) -> None:
    configs = turn.live.checked.setdefault(instance.app_id, {})
    if instance.config not in configs:
        configs[instance.config] = set()
        for check in spec.health_checks:
            turn.tell(
                HealthCheckAdded(
                    at=turn.now.wall,
                    app_id=instance.app_id,
                    version=instance.version,
                    health_check=check,
                )
            )
    configs[instance.config].add(instance.id)
    _forget_outdated(turn, instance.app_id)


def _uncount(turn: Turn, instance: Instance) -> None:
    turn.live.checked[instance.app_id][instance.config].discard(instance.id)
    _forget_outdated(turn, instance.app_id)


def _forget_outdated(turn: Turn, app_id: AppId) -> None:
    """The present configuration stays checked while none of its instances runs, as it starts."""
    app = turn.state.apps.get(app_id)
    present: Stamp | None = None if app is None else app.last_config_change_at
    configs = turn.live.checked[app_id]
    for config in [one for one, members in configs.items() if not members and one != present]:
        del configs[config]
        turn.tell(HealthCheckRemoved(at=turn.now.wall, app_id=app_id))
    if not configs:
        del turn.live.checked[app_id]
