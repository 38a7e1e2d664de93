"""
What Marathon's event stream tells of; one struct an event type.

The tag is the event's type on the wire, the fields are the API's in snake case.  Structs
hold values of the core; ``http/marathon/events`` renders them.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from mesostw.core.marathon.records import Condition, Deployment
from mesostw.model.apps import AppId, AppSpec, DeploymentId, GroupId, HealthCheck, InstanceId, Stamp
from mesostw.model.ids import AgentId, TaskId


class Said(Struct, frozen=True, kw_only=True, gc=False):
    """When something happened, in wall seconds."""

    at: float


class AppPosted(Said, frozen=True, tag="api_post_event"):
    """Somebody had an app created or changed."""

    client_ip: str
    uri: str
    spec: AppSpec


class GroupChangeSucceeded(Said, frozen=True, tag="group_change_success"):
    """The tree below a group has another version."""

    group_id: GroupId
    version: Stamp


class GroupChangeFailed(Said, frozen=True, tag="group_change_failed"):
    """A change of a group was refused."""

    group_id: GroupId
    version: Stamp
    reason: str


class DeploymentInfo(Said, frozen=True, tag="deployment_info"):
    """A step of a deployment begins."""

    deployment: Deployment


class DeploymentStepSucceeded(Said, frozen=True, tag="deployment_step_success"):
    """A step of a deployment is done."""

    deployment: Deployment


class DeploymentStepFailed(Said, frozen=True, tag="deployment_step_failure"):
    """A step of a deployment was cancelled."""

    deployment: Deployment


class DeploymentSucceeded(Said, frozen=True, tag="deployment_success"):
    """A deployment is done."""

    deployment_id: DeploymentId
    deployment: Deployment


class DeploymentFailed(Said, frozen=True, tag="deployment_failed"):
    """A deployment was cancelled."""

    deployment_id: DeploymentId
    deployment: Deployment
    reason: str


class AppTerminated(Said, frozen=True, tag="app_terminated_event"):
    """An app and all of its instances are gone."""

    app_id: AppId


class StatusUpdated(Said, frozen=True, tag="status_update_event"):
    """A task moved."""

    agent_id: AgentId
    task_id: TaskId
    task_state: str
    message: str
    app_id: AppId
    hostname: str
    addresses: tuple[tuple[str, str], ...]
    ports: tuple[int, ...]
    version: Stamp


class InstanceMoved(Said, frozen=True, tag="instance_changed_event"):
    """An instance is in another condition."""

    instance_id: InstanceId
    condition: Condition
    app_id: AppId
    agent_id: AgentId
    hostname: str
    version: Stamp


class UnknownInstanceTerminated(Said, frozen=True, tag="unknown_instance_terminated_event"):
    """A task of ours that we did not know has ended."""

    instance_id: InstanceId
    app_id: AppId
    condition: Condition


class InstanceHealthMoved(Said, frozen=True, tag="instance_health_changed_event"):
    """An instance's health as a whole is another; ``None`` is not yet known."""

    instance_id: InstanceId
    app_id: AppId
    healthy: bool | None
    version: Stamp


class HealthStatusMoved(Said, frozen=True, tag="health_status_changed_event"):
    """One health check of an instance finds the other of what it found before."""

    app_id: AppId
    instance_id: InstanceId
    version: Stamp
    alive: bool


class HealthCheckAdded(Said, frozen=True, tag="add_health_check_event"):
    """Marathon begins to check an app's instances of a version."""

    app_id: AppId
    version: Stamp
    health_check: HealthCheck


class HealthCheckRemoved(Said, frozen=True, tag="remove_health_check_event"):
    """Marathon checks an app no more."""

    app_id: AppId


class HealthCheckFailed(Said, frozen=True, tag="failed_health_check_event"):
    """A health check of an instance failed once more."""

    app_id: AppId
    instance_id: InstanceId
    health_check: HealthCheck


class UnhealthyInstanceKilled(Said, frozen=True, tag="unhealthy_instance_kill_event"):
    """An instance is killed since its health check failed too often."""

    app_id: AppId
    task_id: TaskId
    instance_id: InstanceId
    version: Stamp
    reason: str
    hostname: str
    agent_id: AgentId


class SchedulerRegistered(Said, frozen=True, tag="scheduler_registered_event"):
    """The master has subscribed us for the first time."""

    framework_id: str
    master: str


class SchedulerReregistered(Said, frozen=True, tag="scheduler_reregistered_event"):
    """The master has subscribed us again."""

    master: str


class SchedulerDisconnected(Said, frozen=True, tag="scheduler_disconnected_event"):
    """The link to the master broke."""


class FrameworkMessage(Said, frozen=True, tag="framework_message_event"):
    """A custom executor says something."""

    executor_id: str
    agent_id: AgentId
    content: bytes


Event: TypeAlias = (
    AppPosted
    | GroupChangeSucceeded
    | GroupChangeFailed
    | DeploymentInfo
    | DeploymentStepSucceeded
    | DeploymentStepFailed
    | DeploymentSucceeded
    | DeploymentFailed
    | AppTerminated
    | StatusUpdated
    | InstanceMoved
    | UnknownInstanceTerminated
    | InstanceHealthMoved
    | HealthStatusMoved
    | HealthCheckAdded
    | HealthCheckRemoved
    | HealthCheckFailed
    | UnhealthyInstanceKilled
    | SchedulerRegistered
    | SchedulerReregistered
    | SchedulerDisconnected
    | FrameworkMessage
)
