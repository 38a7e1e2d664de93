"""What happened in Marathon lately, for people: the topic ``mevents``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mesostw.core.marathon import events
from mesostw.core.marathon.changes import TerminationKept, Told
from mesostw.core.marathon.records import ActionKind, Deployment, Termination
from mesostw.feed.recent import TEXT_CHARS_MAX, Recent
from mesostw.feed.tables import Row

#: ``deployment`` is the deployment that an event is about, ``apps`` the apps.
MEVENT_COLUMNS: Final = ("at", "kind", "apps", "deployment", "text")

#: Each move of a task is told as an instance's too; one of the two is enough for people.
_SILENT: Final = (events.StatusUpdated, events.HealthCheckAdded, events.HealthCheckRemoved)

#: What an action of a deployment does, for people.
_VERBS: Final = {
    ActionKind.START: "start",
    ActionKind.STOP: "stop",
    ActionKind.SCALE: "scale",
    ActionKind.RESTART: "replace",
}

_Shown = tuple[tuple[str, ...], str, str]


class MarathonEvents(Recent):
    """The last events; remembering one costs an append, also while nobody watches."""

    def __init__(self, wall: Callable[[], float]) -> None:
        super().__init__(wall, event_row)

    def noted(self, change: object) -> None:
        """Remember ``change`` if it is one that people want to know."""
        if isinstance(change, TerminationKept):
            self.keep(change.termination)
        elif isinstance(change, Told) and not isinstance(change.event, _SILENT):
            self.keep(change.event)


def event_row(at: float, event: object) -> Row:
    """A row of ``mevents``."""
    if isinstance(event, Termination):
        return (event.ended, "instance_ended", (event.app_id,), "", _ended(event))
    assert isinstance(event, events.Said)
    apps, deployment, text = described(event)
    kind = type(event).__struct_config__.tag
    return (event.at, kind, apps, deployment, text[:TEXT_CHARS_MAX])


def described(event: events.Said) -> _Shown:
    """The apps and the deployment that an event is about, and what happened, in words."""
    for kind in (_of_apps, _of_groups, _of_deployments, _of_health, _of_master):
        shown = kind(event)
        if shown is not None:
            return shown
    return (), "", ""


def _of_apps(event: events.Said) -> _Shown | None:
    match event:
        case events.AppPosted(spec=spec, client_ip=client, uri=uri):
            return (spec.id,), "", f"asked for by {client or 'somebody'} ({uri})"
        case events.AppTerminated(app_id=app_id):
            return (app_id,), "", "the app and all of its instances are gone"
        case events.InstanceMoved(app_id=app_id, instance_id=instance_id, condition=condition):
            text = f"{condition.value} on {event.hostname}: {instance_id}"
            return (app_id,), "", text
        case events.UnknownInstanceTerminated(app_id=app_id, instance_id=instance_id):
            return (app_id,), "", f"{instance_id}, which nobody knew, has ended"
        case _:
            return None


def _of_groups(event: events.Said) -> _Shown | None:
    match event:
        case events.GroupChangeSucceeded(group_id=group_id, version=version):
            return (), "", f"group {group_id} is at version {version}"
        case events.GroupChangeFailed(group_id=group_id, reason=reason):
            return (), "", f"group {group_id} was not changed: {reason}"
        case _:
            return None


def _of_master(event: events.Said) -> _Shown | None:
    match event:
        case events.SchedulerRegistered(framework_id=framework_id, master=master):
            return (), "", f"registered with {master} as {framework_id}"
        case events.SchedulerReregistered(master=master):
            return (), "", f"registered again with {master}"
        case events.SchedulerDisconnected():
            return (), "", "the link to the master broke"
        case events.FrameworkMessage(executor_id=executor_id, agent_id=agent_id):
            return (), "", f"executor {executor_id} on {agent_id} sent a message"
        case _:
            return None


def _of_deployments(event: events.Said) -> _Shown | None:
    match event:
        case events.DeploymentInfo(deployment=deployment):
            return _about(deployment, f"{_step(deployment)} begins: {_actions(deployment)}")
        case events.DeploymentStepSucceeded(deployment=deployment):
            return _about(deployment, f"{_step(deployment)} is done")
        case events.DeploymentStepFailed(deployment=deployment):
            return _about(deployment, f"{_step(deployment)} was cancelled")
        case events.DeploymentSucceeded(deployment=deployment):
            return _about(deployment, "the deployment is done")
        case events.DeploymentFailed(deployment=deployment, reason=reason):
            return _about(deployment, f"the deployment was cancelled: {reason}")
        case _:
            return None


def _of_health(event: events.Said) -> _Shown | None:
    match event:
        case events.InstanceHealthMoved(app_id=app_id, instance_id=instance_id, healthy=healthy):
            word = "not checked yet" if healthy is None else "healthy" if healthy else "unhealthy"
            return (app_id,), "", f"{instance_id} is {word}"
        case events.HealthStatusMoved(app_id=app_id, instance_id=instance_id, alive=alive):
            return (app_id,), "", f"a check finds {instance_id} {'alive' if alive else 'failing'}"
        case events.HealthCheckFailed(app_id=app_id, instance_id=instance_id):
            return (app_id,), "", f"a check of {instance_id} failed once more"
        case events.UnhealthyInstanceKilled(app_id=app_id, instance_id=instance_id):
            return (app_id,), "", f"{instance_id} is killed: {event.reason}"
        case _:
            return None


def _about(deployment: Deployment, text: str) -> _Shown:
    return tuple(sorted(deployment.app_ids)), deployment.id, text


def _step(deployment: Deployment) -> str:
    return f"step {min(deployment.step + 1, len(deployment.steps))} of {len(deployment.steps)}"


def _actions(deployment: Deployment) -> str:
    return ", ".join(f"{_VERBS[action.kind]} {action.app_id}" for action in deployment.actions)


def _ended(end: Termination) -> str:
    exited = "" if end.exit_status is None else f", exit status {end.exit_status}"
    said = f": {end.message}" if end.message else ""
    wished = f" ({end.doom})" if end.doom else ""
    text = f"{end.state.value}{exited}{wished}{said}"
    return f"{text[:TEXT_CHARS_MAX]} · {end.instance_id}"
