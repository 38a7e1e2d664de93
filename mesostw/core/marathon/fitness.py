"""Whether an instance is healthy and ready, from what checks have found."""

from __future__ import annotations

from mesostw.core.marathon.records import Condition, Health, Instance
from mesostw.core.marathon.state import MarathonState
from mesostw.model.apps import AppSpec


def spec_of(state: MarathonState, instance: Instance) -> AppSpec | None:
    """
    Tell what an instance was started from.

    Of an app that was removed only what it was before its last deployment is known, and
    after that nothing.
    """
    app = state.versions.get(instance.app_id, {}).get(instance.version)
    if app is None:
        app = state.apps.get(instance.app_id)
    if app is None:
        deployment_id = state.locks.get(instance.app_id)
        affected = (
            None
            if deployment_id is None
            else state.affected.get(deployment_id, {}).get(instance.app_id)
        )
        app = None if affected is None else affected.before
    return None if app is None else app.spec


def found_of(state: MarathonState, instance: Instance, check: int) -> Health | None:
    """What a check of an instance has found in this life; -1 is the agent's."""
    for found in state.health.get(instance.id, ()):
        if found.check == check:
            return found
    return None


def is_healthy(state: MarathonState, instance: Instance) -> bool | None:
    """
    Whether every check finds an instance alive; ``None`` while one has found nothing yet.

    Without checks it is ``None`` too: nobody knows.
    """
    spec = spec_of(state, instance)
    if spec is None or not spec.health_checks:
        return None
    healthy = True
    for index, check in enumerate(spec.health_checks):
        if check.is_of_agent:
            alive = instance.agent_health
        else:
            found = found_of(state, instance, index)
            alive = None if found is None else found.alive
        if alive is None:
            return None
        healthy = healthy and alive
    return healthy


def is_unhealthy(state: MarathonState, instance: Instance) -> bool:
    """Whether some check finds an instance dead, also while others have found nothing."""
    if any(not found.alive for found in state.health.get(instance.id, ())):
        return True
    return instance.agent_health is False


def is_ready(state: MarathonState, instance: Instance) -> bool:
    """Whether an instance serves: it runs, is healthy as far as checked, and was ready once."""
    if instance.condition is not Condition.RUNNING:
        return False
    spec = spec_of(state, instance)
    if spec is None:
        return True
    if spec.readiness_checks and not instance.ready:
        return False
    return not spec.health_checks or is_healthy(state, instance) is True
