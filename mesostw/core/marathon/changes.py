"""
What changes in Marathon's state; each names one thing and its whole new value.

Durable ones say what a store keeps of them; the others are for readers: health, waiting
launches, and what happened (:class:`Told`), which is what ``/v2/events`` renders.  Ids of
apps and groups begin with a slash, so that they follow the kind of a key at once.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from mesostw.core.marathon.events import Event
from mesostw.core.marathon.records import (
    Affected,
    Delay,
    Deployment,
    Health,
    Instance,
    Readiness,
    Registration,
    Regrouped,
    Replaced,
    Termination,
    Waiting,
)
from mesostw.core.outcome import Write
from mesostw.model.apps import App, AppId, DeploymentId, Group, GroupId, InstanceId, Stamp


class Fact(Struct, frozen=True, gc=False):
    """Something that became true."""

    def write(self) -> Write | None:
        """What a store keeps of it; nothing, if it is for readers only."""
        return None


# --- the wished tree --------------------------------------------------------


class AppChanged(Fact, frozen=True):
    """An app is there, or has another version."""

    app: App

    def write(self) -> Write:
        return Write(f"apps{self.app.id}", self.app)


class AppRemoved(Fact, frozen=True):
    """
    An app is wished no more.

    Its ends are forgotten before; its versions too, but for those that its last instances
    were started from, which are forgotten with these.
    """

    app_id: AppId

    def write(self) -> Write:
        return Write(f"apps{self.app_id}", None)


class VersionKept(Fact, frozen=True):
    """A version of an app can be told and gone back to."""

    app: App

    def write(self) -> Write:
        return Write(f"versions{self.app.id}@{self.app.version}", self.app)


class VersionForgotten(Fact, frozen=True):
    """A version of an app was too old to be kept."""

    app_id: AppId
    version: Stamp

    def write(self) -> Write:
        return Write(f"versions{self.app_id}@{self.version}", None)


class GroupChanged(Fact, frozen=True):
    """A group is there, or has another version."""

    group: Group

    def write(self) -> Write:
        return Write(f"groups{self.group.id}", self.group)


class GroupRemoved(Fact, frozen=True):
    """A group is gone."""

    group_id: GroupId

    def write(self) -> Write:
        return Write(f"groups{self.group_id}", None)


class ReplacedKept(Fact, frozen=True):
    """What a change of the tree replaced at one path."""

    replaced: Replaced

    def write(self) -> Write:
        one = self.replaced
        return Write(f"history/{one.version}{one.path}", one)


class ReplacedForgotten(Fact, frozen=True):
    """The tree before that version can be told no more, once all of its paths are forgotten."""

    version: Stamp
    path: str

    def write(self) -> Write:
        return Write(f"history/{self.version}{self.path}", None)


# --- what is ----------------------------------------------------------------


class InstanceChanged(Fact, frozen=True):
    """An instance is there, or is doing something else."""

    instance: Instance

    def write(self) -> Write:
        return Write(f"instances/{self.instance.id}", self.instance)


class InstanceRemoved(Fact, frozen=True):
    """An instance has ended, or is forgotten."""

    instance: Instance

    def write(self) -> Write:
        return Write(f"instances/{self.instance.id}", None)


class TerminationKept(Fact, frozen=True):
    """How an instance ended."""

    termination: Termination

    def write(self) -> Write:
        end = self.termination
        return Write(f"terminations{end.app_id}@{end.number}", end)


class TerminationForgotten(Fact, frozen=True):
    """An end that was too old to be kept."""

    app_id: AppId
    number: int

    def write(self) -> Write:
        return Write(f"terminations{self.app_id}@{self.number}", None)


class RegistrationKept(Fact, frozen=True):
    """The master has named us."""

    registration: Registration

    def write(self) -> Write:
        return Write("registration/self", self.registration)


# --- deployments ------------------------------------------------------------


class DeploymentChanged(Fact, frozen=True):
    """A deployment began, or got on."""

    deployment: Deployment

    def write(self) -> Write:
        return Write(f"deployments/{self.deployment.id}", self.deployment.progress)


class AffectedKept(Fact, frozen=True):
    """An app before and after a deployment that begins."""

    affected: Affected

    def write(self) -> Write:
        affected = self.affected
        return Write(f"affected/{affected.deployment_id}{affected.app_id}", affected)


class AffectedForgotten(Fact, frozen=True):
    """A deployment that ends needs what an app was no more."""

    deployment_id: DeploymentId
    app_id: AppId

    def write(self) -> Write:
        return Write(f"affected/{self.deployment_id}{self.app_id}", None)


class RegroupedKept(Fact, frozen=True):
    """
    A group before a deployment that begins.

    Only the store has use for it: who reads has the same in the deployment.
    """

    regrouped: Regrouped

    def write(self) -> Write:
        one = self.regrouped
        return Write(f"regrouped/{one.deployment_id}{one.group_id}", one)


class RegroupedForgotten(Fact, frozen=True):
    """A deployment that ends needs what a group was no more."""

    deployment_id: DeploymentId
    group_id: GroupId

    def write(self) -> Write:
        return Write(f"regrouped/{self.deployment_id}{self.group_id}", None)


class DeploymentEnded(Fact, frozen=True):
    """A deployment is over; what it kept of its apps and groups was forgotten before."""

    deployment_id: DeploymentId

    def write(self) -> Write:
        return Write(f"deployments/{self.deployment_id}", None)


# --- for readers only ---------------------------------------------------------


class HealthChanged(Fact, frozen=True):
    """What Marathon's own checks of an instance have found; empty forgets it."""

    instance_id: InstanceId
    results: tuple[Health, ...]


class ReadinessChanged(Fact, frozen=True):
    """What a readiness check said; ``None`` forgets it."""

    instance_id: InstanceId
    readiness: Readiness | None


class WaitingChanged(Fact, frozen=True):
    """An app has instances left to launch, or (``None``) has none any more."""

    app_id: AppId
    waiting: Waiting | None


class DelayChanged(Fact, frozen=True):
    """An app is backed off, or (``None``) no more."""

    app_id: AppId
    delay: Delay | None


class ActionsDone(Fact, frozen=True):
    """
    Actions of a deployment's present step are done.

    No store keeps it: a step of a thousand apps would be written a thousand times.  The next
    life looks at each app of the step again, and finds the same.
    """

    deployment_id: DeploymentId
    app_ids: frozenset[AppId]


class Restored(Fact, frozen=True):
    """A life begins with something that the store has: it need not be written again."""

    change: MarathonChange


class Told(Fact, frozen=True):
    """Something happened that Marathon's event stream tells of."""

    event: Event


MarathonChange: TypeAlias = (
    AppChanged
    | AppRemoved
    | VersionKept
    | VersionForgotten
    | GroupChanged
    | GroupRemoved
    | ReplacedKept
    | ReplacedForgotten
    | InstanceChanged
    | InstanceRemoved
    | TerminationKept
    | TerminationForgotten
    | RegistrationKept
    | DeploymentChanged
    | AffectedKept
    | AffectedForgotten
    | RegroupedKept
    | RegroupedForgotten
    | DeploymentEnded
    | HealthChanged
    | ReadinessChanged
    | WaitingChanged
    | DelayChanged
    | ActionsDone
    | Restored
    | Told
)
