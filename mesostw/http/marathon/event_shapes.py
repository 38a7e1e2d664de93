"""The JSON of what Marathon's event stream tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from msgspec import to_builtins

from mesostw.core.marathon.emitting import spec_document
from mesostw.core.marathon.events import (
    AppPosted,
    AppTerminated,
    DeploymentFailed,
    DeploymentInfo,
    DeploymentStepFailed,
    DeploymentStepSucceeded,
    DeploymentSucceeded,
    Event,
    FrameworkMessage,
    GroupChangeFailed,
    GroupChangeSucceeded,
    HealthCheckAdded,
    HealthCheckFailed,
    HealthCheckRemoved,
    HealthStatusMoved,
    InstanceHealthMoved,
    InstanceMoved,
    SchedulerDisconnected,
    SchedulerRegistered,
    SchedulerReregistered,
    StatusUpdated,
    UnhealthyInstanceKilled,
    UnknownInstanceTerminated,
)
from mesostw.core.marathon.records import Deployment
from mesostw.core.marathon.turn import stamp_of
from mesostw.http.marathon.deployment_shapes import plan_shape, step_shape
from mesostw.http.marathon.task_shapes import addresses_shape
from mesostw.model.apps import HealthCheck

#: What a heavy plan has beside a light one: the tree before and after.
Heavy = Mapping[str, object]

Shape = dict[str, object]


def kind_of(event: Event) -> str:
    """An event's type on the wire."""
    return str(type(event).__struct_config__.tag)


def event_shape(event: Event, heavy: Heavy | None = None) -> Shape:
    """
    One event.

    :param heavy: ``original`` and ``target`` of a deployment's plan, if they are wanted.
    """
    return {
        **_members(event, heavy or {}),
        "eventType": kind_of(event),
        "timestamp": stamp_of(event.at),
    }


def deployment_of(event: Event) -> Deployment | None:
    """The deployment that an event tells of with its plan."""
    match event:
        case (
            DeploymentInfo()
            | DeploymentStepSucceeded()
            | DeploymentStepFailed()
            | DeploymentSucceeded()
            | DeploymentFailed()
        ):
            return event.deployment
        case _:
            return None


def _members(event: Event, heavy: Heavy) -> Shape:
    match event:
        case (
            DeploymentInfo()
            | DeploymentStepSucceeded()
            | DeploymentStepFailed()
            | DeploymentSucceeded()
            | DeploymentFailed()
        ):
            return _of_deployment(event, heavy)
        case (
            StatusUpdated()
            | InstanceMoved()
            | UnknownInstanceTerminated()
            | InstanceHealthMoved()
            | UnhealthyInstanceKilled()
        ):
            return _of_instance(event)
        case HealthStatusMoved() | HealthCheckAdded() | HealthCheckRemoved() | HealthCheckFailed():
            return _of_check(event)
        case AppPosted() | GroupChangeSucceeded() | GroupChangeFailed() | AppTerminated():
            return _of_tree(event)
        case (
            SchedulerRegistered()
            | SchedulerReregistered()
            | SchedulerDisconnected()
            | FrameworkMessage()
        ):
            return _of_scheduler(event)
        case _:
            assert_never(event)


def _of_tree(
    event: AppPosted | GroupChangeSucceeded | GroupChangeFailed | AppTerminated,
) -> Shape:
    match event:
        case AppPosted():
            return {
                "clientIp": event.client_ip,
                "uri": event.uri,
                "appDefinition": spec_document(event.spec),
            }
        case GroupChangeSucceeded():
            return {"groupId": event.group_id, "version": event.version}
        case GroupChangeFailed():
            return {"groupId": event.group_id, "version": event.version, "reason": event.reason}
        case AppTerminated():
            return {"appId": event.app_id}
        case _:
            assert_never(event)


def _of_deployment(
    event: (
        DeploymentInfo
        | DeploymentStepSucceeded
        | DeploymentStepFailed
        | DeploymentSucceeded
        | DeploymentFailed
    ),
    heavy: Heavy,
) -> Shape:
    deployment = event.deployment
    shape: Shape = {"plan": {**plan_shape(deployment), **heavy}}
    match event:
        case DeploymentSucceeded():
            shape["id"] = event.deployment_id
        case DeploymentFailed():
            shape["id"] = event.deployment_id
            if event.reason:
                shape["reason"] = event.reason
        case _:
            shape["currentStep"] = step_shape(deployment.actions)
    return shape


def _of_instance(
    event: (
        StatusUpdated
        | InstanceMoved
        | UnknownInstanceTerminated
        | InstanceHealthMoved
        | UnhealthyInstanceKilled
    ),
) -> Shape:
    match event:
        case StatusUpdated():
            return {
                "slaveId": event.agent_id,
                "taskId": event.task_id,
                "taskStatus": event.task_state,
                "message": event.message,
                "appId": event.app_id,
                "host": event.hostname,
                "ipAddresses": addresses_shape(event.addresses),
                "ports": event.ports,
                "version": event.version,
            }
        case UnhealthyInstanceKilled():
            return {
                "appId": event.app_id,
                "taskId": event.task_id,
                "instanceId": event.instance_id,
                "version": event.version,
                "reason": event.reason,
                "host": event.hostname,
                "slaveId": event.agent_id,
            }
        case InstanceMoved():
            shape: Shape = {
                "condition": event.condition,
                "agentId": event.agent_id,
                "host": event.hostname,
                "runSpecVersion": event.version,
            }
        case UnknownInstanceTerminated():
            shape = {"condition": event.condition}
        case InstanceHealthMoved():
            shape = {"runSpecVersion": event.version}
            if event.healthy is not None:
                shape["healthy"] = event.healthy
        case _:
            assert_never(event)
    return {"instanceId": event.instance_id, "runSpecId": event.app_id, **shape}


def _of_check(
    event: HealthStatusMoved | HealthCheckAdded | HealthCheckRemoved | HealthCheckFailed,
) -> Shape:
    shape: Shape = {"appId": event.app_id}
    match event:
        case HealthStatusMoved():
            shape["instanceId"] = event.instance_id
            shape["version"] = event.version
            shape["alive"] = event.alive
        case HealthCheckAdded():
            shape["version"] = event.version
            shape["healthCheck"] = check_shape(event.health_check)
        case HealthCheckFailed():
            # The key says task, and its value is the instance: so the original.
            shape["taskId"] = event.instance_id
            shape["healthCheck"] = check_shape(event.health_check)
        case HealthCheckRemoved():
            pass
        case _:
            assert_never(event)
    return shape


def _of_scheduler(
    event: SchedulerRegistered | SchedulerReregistered | SchedulerDisconnected | FrameworkMessage,
) -> Shape:
    match event:
        case SchedulerRegistered():
            return {"frameworkId": event.framework_id, "master": event.master}
        case SchedulerReregistered():
            return {"master": event.master}
        case FrameworkMessage():
            return {
                "executorId": event.executor_id,
                "slaveId": event.agent_id,
                # Java's bytes have a sign.
                "message": [one - 256 if one > 127 else one for one in event.content],
            }
        case SchedulerDisconnected():
            return {}
        case _:
            assert_never(event)


def check_shape(check: HealthCheck) -> Shape:
    """A health check as an app's document has it."""
    shape: Shape = to_builtins(check)
    return {key: value for key, value in shape.items() if value is not None}
