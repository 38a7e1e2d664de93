"""Having a number of instances, of whatever configuration."""

from __future__ import annotations

from typing import Final

from mesostw.core.marathon import everywhere, fitness, kills, queue
from mesostw.core.marathon.records import Deployment, Instance
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.victims import chosen
from mesostw.model.apps import App

#: Instances of one app that are ended at one look at it; each marks it for the next.
ENDED_MAX: Final = 1_000

SCALED: Final = "Scaled down"


def wished(turn: Turn, app: App) -> int:
    """How many instances an app is to have."""
    return everywhere.target(turn, app) if app.spec.every_agent else app.spec.instances


def scale(turn: Turn, app: App, count: int, *, may_kill: bool = True) -> None:
    """Have ``count`` instances: what is missing is launched as ``app``, what is over is ended."""
    instances = turn.state.of_app(app.id).values()
    counted = [one for one in instances if one.counts]
    # Of a single instance nobody may start a second before the first is known to be gone.
    taken = len(instances) if app.spec.is_single else len(counted)
    queue.wanted(turn, app, count - taken)
    if may_kill:
        over = min(len(counted) - count, ENDED_MAX)
        for instance in chosen(app.spec, counted, over):
            kills.kill(turn, instance, SCALED)


def is_scaled(turn: Turn, app: App, count: int, deployment: Deployment) -> bool:
    """Whether as many are there as are wished, the new ones ready and the others gone."""
    instances = turn.state.of_app(app.id).values()
    counted = [one for one in instances if one.counts]
    if len(counted) != count or any(one.is_doomed for one in instances):
        return False
    if app.spec.every_agent and not everywhere.is_settled(turn, app):
        return False
    return all(
        _is_no_matter(one, deployment) or fitness.is_ready(turn.state, one) for one in counted
    )


def _is_no_matter(instance: Instance, deployment: Deployment) -> bool:
    """Whether an instance was there before; what ails it then is not the deployment's matter."""
    return instance.started_at is not None and instance.staged_at < deployment.started
