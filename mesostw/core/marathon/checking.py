"""The invariants of Marathon's state."""

from __future__ import annotations

from mesostw.core.marathon.records import Deployment, Instance
from mesostw.core.marathon.stages import steps_from
from mesostw.core.marathon.state import MarathonState
from mesostw.model.apps import GroupId


def check(state: MarathonState) -> None:
    """Raise ``AssertionError`` if anything does not add up."""
    for instance in state.instances.values():
        _check_instance(state, instance)
    _check_indexes(state)
    for deployment in state.deployments.values():
        _check_deployment(state, deployment)
    for app_id, deployment_id in state.locks.items():
        deployment = state.deployments[deployment_id]
        assert app_id in deployment.app_ids, f"{app_id}: locked by {deployment_id} for nothing"
    unknown = state.affected.keys() - state.deployments.keys()
    assert not unknown, f"apps are kept for deployments that are over: {sorted(unknown)}"
    _check_readers(state)


def _check_instance(state: MarathonState, instance: Instance) -> None:
    assert instance.is_active, f"{instance.id}: is {instance.condition} and still there"
    assert state.of_app(instance.app_id).get(instance.id) is instance, f"{instance.id}: not by app"
    task = state.instance_of_task.get(instance.task_id)
    assert task == instance.id, f"{instance.id}: its task belongs to {task}"
    if instance.app_id in state.apps:
        known = state.versions.get(instance.app_id, {})
        assert instance.version in known, f"{instance.id}: its version is forgotten"
    assert instance.is_doomed == bool(instance.doom), (
        f"{instance.id}: wished {instance.goal}, reason {instance.doom!r}"
    )


def _check_indexes(state: MarathonState) -> None:
    by_app = sum(len(siblings) for siblings in state.instances_of.values())
    assert by_app == len(state.instances), f"{by_app} by app, {len(state.instances)} in all"
    assert len(state.instance_of_task) == len(state.instances), "tasks of no instance"
    for app_id, versions in state.versions.items():
        for version, app in versions.items():
            assert (app.id, app.version) == (app_id, version), f"{app_id}: {version} is misplaced"


def _check_deployment(state: MarathonState, deployment: Deployment) -> None:
    name = f"deployment {deployment.id}"
    assert 0 <= deployment.step < len(deployment.steps), f"{name}: step {deployment.step}"
    acting = frozenset(action.app_id for action in deployment.actions)
    assert deployment.done <= acting, f"{name}: {sorted(deployment.done - acting)} done too early"
    for app_id in deployment.app_ids:
        owner = state.locks.get(app_id)
        assert owner == deployment.id, f"{name}: {app_id} is locked by {owner}"
    kept = state.affected.get(deployment.id, {})
    missing = deployment.app_ids - kept.keys()
    assert not missing, f"{name}: not known what was before of {sorted(missing)}"
    steps = steps_from(kept.values())
    assert steps == deployment.steps, f"{name}: its apps keep other steps, {steps}"


def _check_readers(state: MarathonState) -> None:
    for instance_id in (*state.health, *state.readiness):
        assert instance_id in state.instances, f"{instance_id}: findings of nothing"
    for app_id, waiting in state.waiting.items():
        assert waiting.count > 0, f"{app_id}: waits for {waiting.count}"
        assert app_id in state.apps, f"{app_id}: is gone and waits"
    for app_id, app in state.apps.items():
        assert app.id == app_id
        assert GroupId(app_id) not in state.groups, f"{app_id}: an app and a group"
