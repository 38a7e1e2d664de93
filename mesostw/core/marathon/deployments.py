"""
Deployments: how a change of the tree begins, is in another's way, is paused and taken back.

The new tree is there at once; instances follow step by step (``converging``).  An app is in
one deployment at most.
"""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.marathon import advancing, keeping
from mesostw.core.marathon.changes import AffectedKept, DeploymentChanged, RegroupedKept
from mesostw.core.marathon.plans import steps_of
from mesostw.core.marathon.records import ActionKind, Affected, Deployment, Regrouped, TreeChange
from mesostw.core.marathon.reverting import reverse_of
from mesostw.core.marathon.stages import Stage, planned_in, stage_of
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.words import (
    DeploymentCancelAsked,
    DeploymentPauseAsked,
    DryRun,
    Locked,
    Planned,
    Terms,
    Unfit,
)
from mesostw.model.apps import AppId, DeploymentId, Group

LOCKED = (
    "App is locked by one or more deployments. Override with the option '?force=true'. "
    "View details at '/v2/deployments/<DEPLOYMENT_ID>'."
)


def begin(turn: Turn, change: TreeChange, terms: Terms) -> Planned | Unfit:
    """Have the tree be as ``change`` says, and instances follow; a change of nothing is over."""
    return _begin(turn, change, terms, None)


def dry_run(turn: Turn, change: TreeChange) -> DryRun:
    """Tell the steps that a change would have."""
    return DryRun(steps_of(turn.state, change))


def _begin(
    turn: Turn, change: TreeChange, terms: Terms, reverted: Deployment | None, why: str = ""
) -> Planned | Unfit:
    deployment = _planned(turn, change, terms, reverted)
    in_the_way = _in_the_way(turn, deployment, reverted)
    refusal = _refusal(turn, deployment, terms, in_the_way)
    if refusal is not None:
        return refusal
    affected = _affected(turn, deployment, change)
    for other in in_the_way:
        is_reverted = reverted is not None and other.id == reverted.id
        reason = f"{why}taken back" if is_reverted else "cancelled by force for the same apps"
        advancing.cancelled(turn, other, f"{reason} by deployment {deployment.id}")
    keeping.keep(turn, change)
    if deployment.steps:
        for one in affected:
            turn.change(AffectedKept(one))
        for group_id, group in deployment.groups_before:
            turn.change(RegroupedKept(Regrouped(deployment.id, group_id, group)))
        advancing.begun(turn, deployment)
    else:
        advancing.succeeded(turn, deployment)
    apps = tuple(app for app in change.apps.values() if app is not None)
    created = frozenset(one.app_id for one in affected if one.before is None and one.after)
    return Planned(change.version, deployment.id, apps, created)


def _planned(
    turn: Turn, change: TreeChange, terms: Terms, reverted: Deployment | None
) -> Deployment:
    deadline_s = terms.deadline_s
    return Deployment(
        id=turn.names.deployment_id(),
        version=change.version,
        steps=steps_of(turn.state, change),
        started=turn.now.wall,
        deadline=None if deadline_s is None else turn.now.wall + deadline_s,
        reverts=None if reverted is None else reverted.id,
        groups_before=tuple(
            (group_id, before)
            for group_id, after in change.groups.items()
            if _means(before := turn.state.groups.get(group_id)) != _means(after)
        ),
    )


def _means(group: Group | None) -> tuple[object, ...]:
    """What of a group can be taken back: that it is there, and what it says; no version."""
    return () if group is None else (group.dependencies, group.enforce_role)


def _in_the_way(
    turn: Turn, deployment: Deployment, reverted: Deployment | None
) -> tuple[Deployment, ...]:
    """Deployments under way that change an app of this one, and the one that is taken back."""
    found: dict[DeploymentId, Deployment] = {}
    if reverted is not None:
        found[reverted.id] = reverted
    for app_id in sorted(deployment.app_ids):
        other = turn.state.deployment_of(app_id)
        if other is not None:
            found[other.id] = other
    return tuple(found.values())


def _refusal(
    turn: Turn, deployment: Deployment, terms: Terms, in_the_way: tuple[Deployment, ...]
) -> Unfit | None:
    if in_the_way and not terms.force:
        return Locked("locked", LOCKED, deployments=tuple(one.id for one in in_the_way))
    most = turn.flags.max_running_deployments
    if deployment.steps and len(turn.state.deployments) - len(in_the_way) >= most:
        message = (
            f"{most} deployments are under way, as many as --max_running_deployments allows. "
            "Wait until one is done, or cancel one by DELETE /v2/deployments/<DEPLOYMENT_ID>."
        )
        return Unfit("overload", message)
    return None


def _affected(turn: Turn, deployment: Deployment, change: TreeChange) -> list[Affected]:
    planned = planned_in(deployment.steps)
    return [
        Affected(
            deployment_id=deployment.id,
            app_id=app_id,
            before=turn.state.apps.get(app_id),
            after=after,
            kept=_kept_in(turn, change, app_id),
            planned=planned.get(app_id, ()),
        )
        for app_id, after in change.apps.items()
    ]


def _kept_in(turn: Turn, change: TreeChange, app_id: AppId) -> int:
    kept, after = _kept(turn, app_id), change.apps[app_id]
    # What is ended at once is not missed before the app's step has come.
    return min(kept, after.spec.instances) if app_id in change.culled and after else kept


def _kept(turn: Turn, app_id: AppId) -> int:
    """How many instances an app keeps until its step comes."""
    app, other = turn.state.apps.get(app_id), turn.state.deployment_of(app_id)
    if app is None:
        return 0
    if other is not None:
        stage = stage_of(other, advancing.part_of(turn, other, app_id))
        if stage is Stage.BEFORE:
            # What another deployment had not come to is not started by its end.
            return turn.state.affected[other.id][app_id].kept
    return _alive(turn, app_id) if app.spec.every_agent else app.spec.instances


def _alive(turn: Turn, app_id: AppId) -> int:
    return sum(instance.counts for instance in turn.state.of_app(app_id).values())


# --- what is asked of a deployment --------------------------------------------


def cancel_asked(turn: Turn, question: DeploymentCancelAsked) -> Planned | Unfit:
    """Take a deployment back by another, or (with ``force``) only stop it where it is."""
    deployment = turn.state.deployments.get(question.deployment_id)
    if deployment is None:
        return _unknown(question.deployment_id)
    if question.force:
        advancing.cancelled(turn, deployment, "cancelled by force, not taken back")
        return Planned(deployment.version, deployment.id)
    return _revert(turn, deployment)


def _unknown(deployment_id: DeploymentId) -> Unfit:
    return Unfit("unknown", f"DeploymentPlan {deployment_id} does not exist")


def _revert(turn: Turn, deployment: Deployment, why: str = "") -> Planned | Unfit:
    change = reverse_of(turn.state, deployment, turn.stamp())
    return _begin(turn, change, Terms(force=True), deployment, why)


def pause_asked(turn: Turn, question: DeploymentPauseAsked) -> Planned | Unfit:
    """Have a deployment only replace what ends by itself, or have it go on."""
    deployment = turn.state.deployments.get(question.deployment_id)
    if deployment is None:
        return _unknown(question.deployment_id)
    if question.paused and not deployment.paused:
        _pause(turn, deployment)
    elif deployment.paused and not question.paused:
        _go_on(turn, deployment)
    return Planned(deployment.version, deployment.id)


def _pause(turn: Turn, deployment: Deployment) -> None:
    for action in deployment.actions:
        app_id = action.app_id
        affected = turn.state.affected[deployment.id][app_id]
        kept = _alive(turn, app_id)
        if action.kind is ActionKind.RESTART and affected.before is not None:
            # What was ended to make room for new ones is not missed during the pause.
            kept = max(kept, min(action.target, affected.before.spec.instances))
        turn.change(AffectedKept(replace(affected, kept=kept)))
        turn.unsettle(app_id)
    turn.change(DeploymentChanged(replace(deployment, paused=True, paused_at=turn.now.wall)))


def _go_on(turn: Turn, deployment: Deployment) -> None:
    deadline, paused_at = deployment.deadline, deployment.paused_at
    if deadline is not None and paused_at is not None:
        deadline += max(0.0, turn.now.wall - paused_at)
    turn.change(
        DeploymentChanged(replace(deployment, paused=False, paused_at=None, deadline=deadline))
    )
    for action in deployment.actions:
        turn.mark(action.app_id)


def ticked(turn: Turn) -> None:
    """Take deployments back that are not done by their deadlines; a pause stops the clock."""
    for deployment in tuple(turn.state.deployments.values()):
        deadline = deployment.deadline
        if deadline is None or deployment.paused or turn.now.wall < deadline:
            continue
        # One that was in the way of another that is taken back is gone already.
        if deployment.id in turn.state.deployments:
            _revert(turn, deployment, "not done by its deadline, ")
