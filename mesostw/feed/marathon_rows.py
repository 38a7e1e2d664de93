"""Rows of Marathon's live topics, from its records; their columns are named beside them."""

from __future__ import annotations

from collections import Counter
from typing import Final

from mesostw.core.marathon.records import Condition, Delay, Deployment, Health, Instance, Waiting
from mesostw.core.marathon.state import MarathonState
from mesostw.feed.tables import Row
from mesostw.model.apps import App, Group, parent_of

CONDITIONS: Final = tuple(condition.value for condition in Condition)
_CONDITION_INDEX: Final = {condition: number for number, condition in enumerate(Condition)}

#: An instance's place in what a health bar shows; the words are the columns of ``apps``.
COUNTED: Final = (
    "running",
    "healthy",
    "unhealthy",
    "unknown",
    "staged",
    "unreachable",
    "staying",
    "doomed",
)

#: Of an app's present configuration: its instances that stay, and those of them that are ready.
FRESH: Final = ("fresh", "ready")

INSTANCE_COLUMNS: Final = (
    "id",
    "app_id",
    "task_id",
    "agent_id",
    "hostname",
    "ports",
    "addresses",
    "condition",
    "healthy",
    "ready",
    "failures",
    "cause",
    "version",
    "config",
    "role",
    "since",
    "staged_at",
    "started_at",
    "doom",
    "region",
    "zone",
)
APP_COLUMNS: Final = (
    "id",
    "group",
    "instances",
    "every_agent",
    *COUNTED,
    *FRESH,
    "cpus",
    "mem",
    "disk",
    "gpus",
    "role",
    "labels",
    "ports",
    "checked",
    "version",
    "config",
    "scaled",
    "deployment",
    "waiting",
    "waiting_since",
    "delay_until",
    "failed_at",
    "failure",
)
DEPLOYMENT_COLUMNS: Final = (
    "id",
    "version",
    "started",
    "step",
    "steps",
    "done",
    "apps",
    "plan",
    "paused",
    "deadline",
    "reverts",
)
QUEUE_COLUMNS: Final = ("id", "version", "role", "count", "since", "delay_until")
GROUP_COLUMNS: Final = ("id", "version", "dependencies", "enforce_role")


def standing(condition: str, healthy: bool | None, doom: str) -> tuple[str, ...]:
    """What an instance counts as; an instance that is being ended may still run."""
    places: tuple[str, ...] = ("doomed",) if doom else ("staying",)
    if condition == Condition.RUNNING:
        health = "unknown" if healthy is None else "healthy" if healthy else "unhealthy"
        return (*places, "running", health)
    if condition in _STAGED:
        return (*places, "staged")
    if condition in _AWAY:
        return (*places, "unreachable")
    return places


_STAGED: Final = frozenset({Condition.PROVISIONED, Condition.STAGING, Condition.STARTING})
_AWAY: Final = frozenset({Condition.UNREACHABLE, Condition.UNREACHABLE_INACTIVE})


def instance_row(
    instance: Instance, healthy: bool | None, ready: bool, results: tuple[Health, ...]
) -> Row:
    """A row of ``instances``."""
    worst = max(results, key=lambda one: one.consecutive_failures, default=None)
    return (
        instance.id,
        instance.app_id,
        instance.task_id,
        instance.agent_id,
        instance.hostname,
        instance.ports,
        tuple(address for address, _ in instance.addresses),
        _CONDITION_INDEX[instance.condition],
        healthy,
        ready,
        0 if worst is None else worst.consecutive_failures,
        "" if worst is None else worst.last_failure_cause or "",
        instance.version,
        instance.config,
        instance.role,
        instance.since,
        instance.staged_at,
        instance.started_at,
        instance.doom,
        instance.region,
        instance.zone,
    )


def app_row(state: MarathonState, app: App, counts: Counter[str], present: Counter[str]) -> Row:
    """A row of ``apps``; ``counts`` by :data:`COUNTED`, ``present`` by :data:`FRESH`."""
    spec, waiting, delay = app.spec, state.waiting.get(app.id), state.delays.get(app.id)
    failure = state.last_failure(app.id)
    return (
        app.id,
        parent_of(app.id),
        spec.instances,
        spec.every_agent,
        *(counts[name] for name in COUNTED),
        *(present[name] for name in FRESH),
        spec.cpus,
        spec.mem,
        spec.disk,
        spec.gpus,
        spec.role,
        tuple(f"{name}:{value}" for name, value in sorted(spec.labels.items())),
        tuple(one.port for one in spec.port_definitions),
        bool(spec.health_checks),
        app.version,
        app.last_config_change_at,
        app.last_scaling_at,
        state.locks.get(app.id),
        0 if waiting is None else waiting.count,
        None if waiting is None else waiting.since,
        None if delay is None else delay.until,
        None if failure is None else failure.ended,
        "" if failure is None else failure.message[:200],
    )


def deployment_row(deployment: Deployment) -> Row:
    """
    A row of ``deployments``.

    ``plan`` has for each step its actions as (kind, app, target).
    """
    return (
        deployment.id,
        deployment.version,
        deployment.started,
        deployment.step,
        len(deployment.steps),
        tuple(sorted(deployment.done)),
        tuple(sorted(deployment.app_ids)),
        tuple(
            tuple((action.kind.value, action.app_id, action.target) for action in step)
            for step in deployment.steps
        ),
        deployment.paused,
        deployment.deadline,
        deployment.reverts,
    )


def queue_row(waiting: Waiting, delay: Delay | None) -> Row:
    """A row of ``queue``."""
    return (
        waiting.app_id,
        waiting.version,
        waiting.role,
        waiting.count,
        waiting.since,
        None if delay is None else delay.until,
    )


def group_row(group: Group) -> Row:
    """A row of ``groups``."""
    return (group.id, group.version, group.dependencies, group.enforce_role)
