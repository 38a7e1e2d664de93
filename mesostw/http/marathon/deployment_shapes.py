"""The JSON of deployments: in lists, in events, and of plans that are only asked about."""

from __future__ import annotations

from mesostw.core.marathon.records import Action, Deployment, Instance
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.turn import stamp_of
from mesostw.http.marathon.task_shapes import readiness_shape

Step = tuple[Action, ...]


def action_shape(action: Action) -> dict[str, object]:
    """A part of a step."""
    return {"action": action.kind, "app": action.app_id}


def step_shape(step: Step) -> dict[str, object]:
    """Parts that happen side by side."""
    return {"actions": [action_shape(one) for one in step]}


def steps_shape(steps: tuple[Step, ...]) -> list[dict[str, object]]:
    """Steps in their order."""
    return [step_shape(one) for one in steps]


def plan_shape(deployment: Deployment) -> dict[str, object]:
    """A deployment in the light form of events."""
    return {
        "id": deployment.id,
        "version": deployment.version,
        "steps": steps_shape(deployment.steps),
    }


def deployment_shape(
    view: MarathonState, deployment: Deployment, *, extensions: bool = False
) -> dict[str, object]:
    """A deployment in a list of them."""
    shape = {
        **plan_shape(deployment),
        "affectedApps": sorted(deployment.app_ids),
        "affectedPods": [],
        "currentActions": [
            {**action_shape(one), "readinessCheckResults": _readiness(view, one)}
            for one in deployment.actions
        ],
        # Told from 1.
        "currentStep": min(deployment.step + 1, len(deployment.steps)),
        "totalSteps": len(deployment.steps),
    }
    if extensions:
        shape["paused"] = deployment.paused
        shape["startedAt"] = stamp_of(deployment.started)
        shape["doneApps"] = sorted(deployment.done)
        if deployment.deadline is not None:
            shape["deadline"] = stamp_of(deployment.deadline)
        if deployment.reverts is not None:
            shape["reverts"] = deployment.reverts
    return shape


def _readiness(view: MarathonState, action: Action) -> list[dict[str, object]]:
    if not view.readiness:
        return []
    instances: tuple[Instance, ...] = tuple(view.of_app(action.app_id).values())
    found = (view.readiness.get(one.id) for one in instances)
    return [readiness_shape(one) for one in found if one is not None]
