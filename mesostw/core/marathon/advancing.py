"""How deployments get on: a step begins, its actions are done, the last step is done."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from mesostw.core.marathon import delays
from mesostw.core.marathon.changes import (
    ActionsDone,
    AffectedForgotten,
    DeploymentChanged,
    DeploymentEnded,
    RegroupedForgotten,
)
from mesostw.core.marathon.events import (
    DeploymentFailed,
    DeploymentInfo,
    DeploymentStepFailed,
    DeploymentStepSucceeded,
    DeploymentSucceeded,
)
from mesostw.core.marathon.records import ActionKind, Deployment
from mesostw.core.marathon.stages import Part, parts_of
from mesostw.core.marathon.turn import Turn
from mesostw.model.apps import AppId, DeploymentId


def part_of(turn: Turn, deployment: Deployment, app_id: AppId) -> Part:
    """What a deployment does with one of its apps; looked for once a life."""
    parts = turn.live.parts.get(deployment.id)
    if parts is None:
        parts = turn.live.parts[deployment.id] = parts_of(deployment)
    return parts[app_id]


def begun(turn: Turn, deployment: Deployment) -> None:
    """The present step of a deployment begins."""
    turn.change(DeploymentChanged(deployment))
    turn.tell(DeploymentInfo(at=turn.now.wall, deployment=deployment))
    for action in deployment.actions:
        if action.kind is ActionKind.RESTART:
            delays.reset(turn, action.app_id)
        turn.unsettle(action.app_id)


def done(turn: Turn, found: Mapping[DeploymentId, frozenset[AppId]]) -> None:
    """Actions of the present steps of deployments are done."""
    for deployment_id, app_ids in found.items():
        turn.change(ActionsDone(deployment_id, app_ids))
        deployment = turn.state.deployments[deployment_id]
        if len(deployment.done) == len(deployment.actions):
            _step_done(turn, deployment)


def _step_done(turn: Turn, deployment: Deployment) -> None:
    turn.tell(DeploymentStepSucceeded(at=turn.now.wall, deployment=deployment))
    if deployment.step + 1 < len(deployment.steps):
        begun(turn, replace(deployment, step=deployment.step + 1, done=frozenset()))
        return
    _end(turn, deployment)
    succeeded(turn, deployment)


def succeeded(turn: Turn, deployment: Deployment) -> None:
    """Tell that all steps are done; of no steps they always are."""
    turn.tell(
        DeploymentSucceeded(at=turn.now.wall, deployment_id=deployment.id, deployment=deployment)
    )


def cancelled(turn: Turn, deployment: Deployment, reason: str) -> None:
    """Stop a deployment where it is; its apps are as they are wished from now on."""
    turn.tell(DeploymentStepFailed(at=turn.now.wall, deployment=deployment))
    _end(turn, deployment)
    for app_id in deployment.app_ids:
        turn.unsettle(app_id)
    turn.tell(
        DeploymentFailed(
            at=turn.now.wall, deployment_id=deployment.id, deployment=deployment, reason=reason
        )
    )


def _end(turn: Turn, deployment: Deployment) -> None:
    for app_id in tuple(turn.state.affected.get(deployment.id, ())):
        turn.change(AffectedForgotten(deployment.id, app_id))
    for group_id, _ in deployment.groups_before:
        turn.change(RegroupedForgotten(deployment.id, group_id))
    turn.change(DeploymentEnded(deployment.id))
    turn.live.parts.pop(deployment.id, None)
    for app_id in deployment.app_ids:
        turn.mark(app_id)
