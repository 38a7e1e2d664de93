"""
The JSON of tasks, of how they ended and of what checks found.

Each task's text is made once for each value of its instance and of its health: both are
frozen and replaced as a whole, so "the same objects" is "nothing has changed".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mesostw.core.marathon.fitness import spec_of
from mesostw.core.marathon.records import Condition, Health, Instance, Readiness, Termination
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.turn import stamp_of
from mesostw.http.api.asking import encode
from mesostw.model.apps import AppSpec, InstanceId
from mesostw.model.tasks import TaskState

#: Texts of instances that are gone are forgotten when there are so many more than instances.
STALE_TEXTS_MAX: Final = 2_000
#: The number of the agent's own check.
AGENT_CHECK: Final = -1

_NO_RESULTS: Final[tuple[Health, ...]] = ()


def results_of(view: MarathonState, instance: Instance) -> tuple[Health, ...]:
    """What checks have found of an instance, Marathon's own and the agent's."""
    found = view.health.get(instance.id, _NO_RESULTS)
    if instance.agent_health is None or any(one.check == AGENT_CHECK for one in found):
        return found
    return (*found, Health(AGENT_CHECK, instance.agent_health))


def health_shape(instance: Instance, health: Health) -> dict[str, object]:
    """One of a task's ``healthCheckResults``."""
    shape: dict[str, object] = {
        "alive": health.alive,
        "consecutiveFailures": health.consecutive_failures,
        "instanceId": instance.id,
    }
    for key, at in (
        ("firstSuccess", health.first_success),
        ("lastSuccess", health.last_success),
        ("lastFailure", health.last_failure),
    ):
        if at is not None:
            shape[key] = stamp_of(at)
    if health.last_failure_cause is not None:
        shape["lastFailureCause"] = health.last_failure_cause
    return shape


def addresses_shape(addresses: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    """``ipAddresses``."""
    return [{"ipAddress": address, "protocol": protocol} for address, protocol in addresses]


def task_shape(instance: Instance, results: tuple[Health, ...]) -> dict[str, object]:
    """A task, without service ports."""
    shape: dict[str, object] = {
        "appId": instance.app_id,
        "host": instance.hostname,
        "id": instance.task_id,
        "ipAddresses": addresses_shape(instance.addresses),
        "ports": instance.ports,
        "slaveId": instance.agent_id,
        "state": _state_of(instance),
        "version": instance.version,
        "role": instance.role,
    }
    if instance.staged_at:
        shape["stagedAt"] = stamp_of(instance.staged_at)
    if instance.started_at is not None:
        shape["startedAt"] = stamp_of(instance.started_at)
    if results:
        shape["healthCheckResults"] = [health_shape(instance, one) for one in results]
    if instance.check_result is not None:
        shape["checkResult"] = instance.check_result
    for key in ("region", "zone"):
        if value := getattr(instance, key):
            shape[key] = value
    return shape


def _state_of(instance: Instance) -> TaskState:
    """What clients go by who send traffic: none to what is on its way out."""
    if instance.is_doomed and instance.task_state is TaskState.TASK_RUNNING:
        return TaskState.TASK_KILLING
    return instance.task_state


class TaskTexts:
    """The texts of tasks, by the values that each is made of."""

    def __init__(self) -> None:
        self._kept: dict[InstanceId, tuple[Instance, tuple[Health, ...], bytes]] = {}
        self._ports: dict[int, tuple[AppSpec, bytes]] = {}
        #: How often a text had to be made.
        self.made = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, view: MarathonState, instance: Instance) -> bytes:
        """A task of an app."""
        found = view.health.get(instance.id, _NO_RESULTS)
        kept = self._kept.get(instance.id)
        if kept is not None and kept[0] is instance and kept[1] is found:
            return kept[2]
        self.made += 1
        text = encode(task_shape(instance, results_of(view, instance)))
        if len(self._kept) > 2 * len(view.instances) + STALE_TEXTS_MAX:
            self._kept = {key: entry for key, entry in self._kept.items() if key in view.instances}
        self._kept[instance.id] = (instance, found, text)
        return text

    def with_service_ports(self, view: MarathonState, instance: Instance) -> bytes:
        """A task among those of all apps."""
        return self.get(view, instance)[:-1] + self._service_ports(spec_of(view, instance)) + b"}"

    def _service_ports(self, spec: AppSpec | None) -> bytes:
        if spec is None:
            return b""
        kept = self._ports.get(id(spec))
        if kept is None:
            if len(self._ports) >= STALE_TEXTS_MAX:
                self._ports.clear()
            ports = [definition.port for definition in spec.port_definitions]
            kept = self._ports[id(spec)] = spec, b',"servicePorts":' + encode(ports)
        return kept[1]


def is_staged(instance: Instance) -> bool:
    """Whether an instance is on its way to run."""
    return instance.condition in (Condition.PROVISIONED, Condition.STAGING, Condition.STARTING)


def is_running(instance: Instance) -> bool:
    """Whether an instance runs and nobody ends it."""
    return instance.condition is Condition.RUNNING and not instance.is_doomed


def failure_shape(end: Termination) -> dict[str, object]:
    """``lastTaskFailure``."""
    shape: dict[str, object] = {
        "appId": end.app_id,
        "host": end.hostname,
        "message": end.message,
        "state": end.state,
        "taskId": end.task_id,
        "timestamp": stamp_of(end.ended),
        "version": end.version,
    }
    if end.agent_id:
        shape["slaveId"] = end.agent_id
    return shape


def termination_shape(end: Termination) -> dict[str, object]:
    """How an instance ended, with all that is known."""
    shape = {
        **failure_shape(end),
        "instanceId": end.instance_id,
        "reason": end.reason,
        "doom": end.doom,
        "failure": end.is_failure,
        "exitStatus": end.exit_status,
        "startedAt": None if end.started is None else stamp_of(end.started),
    }
    return {key: value for key, value in shape.items() if value not in (None, "")}


def readiness_shape(readiness: Readiness) -> dict[str, object]:
    """One of ``readinessCheckResults``."""
    shape: dict[str, object] = {
        "name": readiness.name,
        "taskId": readiness.task_id,
        "ready": readiness.ready,
    }
    if readiness.status is not None:
        shape["lastResponse"] = {
            "status": readiness.status,
            "contentType": readiness.content_type,
            "body": readiness.body,
        }
    return shape


def table(rows: Iterable[tuple[AppSpec, list[Instance]]]) -> bytes:
    """Running tasks as text: app, service port, and ``host:port`` of each, tab by tab."""
    lines = []
    for spec, instances in rows:
        name = spec.id.strip("/").replace("/", "_")
        if not spec.port_definitions:
            lines.append([name, " ", *(one.hostname for one in instances)])
        for index, definition in enumerate(spec.port_definitions):
            places = [
                f"{one.hostname}:{one.ports[index] if index < len(one.ports) else 0}"
                for one in instances
            ]
            lines.append([name, str(definition.port), *places])
    return "".join("\t".join(line) + "\n" for line in lines).encode()
