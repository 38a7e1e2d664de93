"""
Everything Marathon knows, as tables of frozen records.

``apply`` is the only mutator and is total.  The core has one ``MarathonState``; the feed
folds what was kept into another, which all readers read.

::

    apps, groups            the tree as it is wished
    versions                of each app, oldest first; of one that was removed, until the last
                            of its instances has ended
    root_changes            what each change of the tree replaced, by path; oldest first
    instances               everything that is placed and has not ended, by app and by task too
    terminations            how instances ended, by app, oldest first
    deployments, affected   under way, and the apps that each changes
    health, readiness, waiting, delays
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar, assert_never

from msgspec.structs import replace

from mesostw.core.marathon.changes import (
    ActionsDone,
    AffectedForgotten,
    AffectedKept,
    AppChanged,
    AppRemoved,
    DelayChanged,
    DeploymentChanged,
    DeploymentEnded,
    GroupChanged,
    GroupRemoved,
    HealthChanged,
    InstanceChanged,
    InstanceRemoved,
    MarathonChange,
    ReadinessChanged,
    RegistrationKept,
    RegroupedForgotten,
    RegroupedKept,
    ReplacedForgotten,
    ReplacedKept,
    Restored,
    TerminationForgotten,
    TerminationKept,
    Told,
    VersionForgotten,
    VersionKept,
    WaitingChanged,
)
from mesostw.core.marathon.records import (
    Affected,
    Delay,
    Deployment,
    Health,
    Instance,
    Readiness,
    Replaced,
    Termination,
    Waiting,
)
from mesostw.model.apps import App, AppId, DeploymentId, Group, GroupId, InstanceId, Stamp
from mesostw.model.ids import FrameworkId, TaskId

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

_NOTHING: Mapping[InstanceId, Instance] = {}


class MarathonState:
    """The tree as it is wished, and what there is of it."""

    def __init__(self) -> None:
        self.framework_id: FrameworkId | None = None
        self.apps: dict[AppId, App] = {}
        self.groups: dict[GroupId, Group] = {}
        self.versions: dict[AppId, dict[Stamp, App]] = {}
        self.root_changes: dict[Stamp, dict[str, Replaced]] = {}
        self.instances: dict[InstanceId, Instance] = {}
        self.instances_of: dict[AppId, dict[InstanceId, Instance]] = {}
        self.instance_of_task: dict[TaskId, InstanceId] = {}
        #: How often instances of an app came, went, or changed between here and away: what
        #: was counted of their places holds until then.
        self.placements: dict[AppId, int] = {}
        self.terminations: dict[AppId, dict[int, Termination]] = {}
        self.deployments: dict[DeploymentId, Deployment] = {}
        self.affected: dict[DeploymentId, dict[AppId, Affected]] = {}
        #: The deployment that an app belongs to; there is one at most.
        self.locks: dict[AppId, DeploymentId] = {}
        self.health: dict[InstanceId, tuple[Health, ...]] = {}
        self.readiness: dict[InstanceId, Readiness] = {}
        self.waiting: dict[AppId, Waiting] = {}
        self.delays: dict[AppId, Delay] = {}

    # --- readers ------------------------------------------------------------

    def of_app(self, app_id: AppId) -> Mapping[InstanceId, Instance]:
        """Instances of an app that have not ended."""
        return self.instances_of.get(app_id, _NOTHING)

    def by_task(self, task_id: TaskId) -> Instance | None:
        """The instance that a task is."""
        found = self.instance_of_task.get(task_id)
        return None if found is None else self.instances[found]

    def deployment_of(self, app_id: AppId) -> Deployment | None:
        """The deployment that changes an app."""
        found = self.locks.get(app_id)
        return None if found is None else self.deployments[found]

    def last_failure(self, app_id: AppId) -> Termination | None:
        """The newest end of an app's instance that the API calls a failure."""
        ends = self.terminations.get(app_id, {})
        return next((end for end in reversed(ends.values()) if end.is_failure), None)

    def all_stamps(self) -> Iterator[Stamp]:
        """Every version that was given, for a clock that must not go back."""
        for versions in self.versions.values():
            yield from versions
        for app in self.apps.values():
            yield app.version
        for group in self.groups.values():
            yield group.version
        yield from self.root_changes
        for deployment in self.deployments.values():
            yield deployment.version

    # --- the mutator ----------------------------------------------------------

    def apply(self, change: MarathonChange) -> None:
        """Make ``change`` true."""
        match change:
            case InstanceChanged(instance):
                self._put(instance)
            case InstanceRemoved(instance):
                self._drop(instance)
            case HealthChanged() | ReadinessChanged() | WaitingChanged() | DelayChanged():
                self._apply_seen(change)
            case Restored(kept):
                self.apply(kept)
            case Told() | RegroupedKept() | RegroupedForgotten():
                pass
            case TerminationKept() | TerminationForgotten():
                self._apply_end(change)
            case DeploymentChanged() | ActionsDone() | DeploymentEnded():
                self._apply_deployment(change)
            case AffectedKept() | AffectedForgotten():
                self._apply_affected(change)
            case RegistrationKept(registration):
                self.framework_id = registration.framework_id
            case _:
                self._apply_tree(change)

    def _put(self, instance: Instance) -> None:
        known = self.instances.get(instance.id)
        if known is None or known.is_away != instance.is_away:
            self._placed(instance.app_id)
        self.instances[instance.id] = instance
        self.instances_of.setdefault(instance.app_id, {})[instance.id] = instance
        self.instance_of_task[instance.task_id] = instance.id

    def _placed(self, app_id: AppId) -> None:
        self.placements[app_id] = self.placements.get(app_id, 0) + 1

    def _drop(self, instance: Instance) -> None:
        self._placed(instance.app_id)
        self.instances.pop(instance.id, None)
        self.instance_of_task.pop(instance.task_id, None)
        self.health.pop(instance.id, None)
        self.readiness.pop(instance.id, None)
        siblings = self.instances_of.get(instance.app_id)
        if siblings is not None:
            siblings.pop(instance.id, None)
            if not siblings:
                del self.instances_of[instance.app_id]
                if instance.app_id not in self.apps:
                    del self.placements[instance.app_id]

    def _apply_seen(
        self, change: HealthChanged | ReadinessChanged | WaitingChanged | DelayChanged
    ) -> None:
        match change:
            case HealthChanged(instance_id, results):
                _set(self.health, instance_id, results or None)
            case ReadinessChanged(instance_id, readiness):
                _set(self.readiness, instance_id, readiness)
            case WaitingChanged(app_id, waiting):
                _set(self.waiting, app_id, waiting)
            case DelayChanged(app_id, delay):
                _set(self.delays, app_id, delay)
            case _:
                assert_never(change)

    def _apply_end(self, change: TerminationKept | TerminationForgotten) -> None:
        match change:
            case TerminationKept(end):
                self.terminations.setdefault(end.app_id, {})[end.number] = end
            case TerminationForgotten(app_id, number):
                _drop(self.terminations, app_id, number)
            case _:
                assert_never(change)

    def _apply_affected(self, change: AffectedKept | AffectedForgotten) -> None:
        match change:
            case AffectedKept(affected):
                self.affected.setdefault(affected.deployment_id, {})[affected.app_id] = affected
            case AffectedForgotten(deployment_id, app_id):
                self.affected.get(deployment_id, {}).pop(app_id, None)
            case _:
                assert_never(change)

    def _apply_deployment(self, change: DeploymentChanged | ActionsDone | DeploymentEnded) -> None:
        match change:
            case DeploymentChanged(deployment):
                is_new = deployment.id not in self.deployments
                self.deployments[deployment.id] = deployment
                for app_id in deployment.app_ids if is_new else ():
                    self.locks[app_id] = deployment.id
            case ActionsDone(deployment_id, app_ids):
                known = self.deployments.get(deployment_id)
                if known is not None:
                    self.deployments[deployment_id] = replace(known, done=known.done | app_ids)
            case DeploymentEnded(deployment_id):
                ended = self.deployments.pop(deployment_id, None)
                self.affected.pop(deployment_id, None)
                for app_id in () if ended is None else ended.app_ids:
                    if self.locks.get(app_id) == deployment_id:
                        del self.locks[app_id]
            case _:
                assert_never(change)

    def _apply_tree(
        self,
        change: AppChanged
        | AppRemoved
        | VersionKept
        | VersionForgotten
        | GroupChanged
        | GroupRemoved
        | ReplacedKept
        | ReplacedForgotten,
    ) -> None:
        match change:
            case AppChanged(app):
                self.apps[app.id] = app
            case AppRemoved(app_id):
                self.apps.pop(app_id, None)
                self.waiting.pop(app_id, None)
                self.delays.pop(app_id, None)
                if app_id not in self.instances_of:
                    self.placements.pop(app_id, None)
            case VersionKept(app):
                self.versions.setdefault(app.id, {})[app.version] = app
            case VersionForgotten(app_id, version):
                _drop(self.versions, app_id, version)
            case GroupChanged(group):
                self.groups[group.id] = group
            case GroupRemoved(group_id):
                self.groups.pop(group_id, None)
            case ReplacedKept(replaced):
                self.root_changes.setdefault(replaced.version, {})[replaced.path] = replaced
            case ReplacedForgotten(version, path):
                _drop(self.root_changes, version, path)
            case _:
                assert_never(change)


def _drop(table: dict[T, dict[K, V]], of: T, key: K) -> None:
    """Forget one entry of an app or a version, and its table with the last one."""
    entries = table.get(of)
    if entries is not None:
        entries.pop(key, None)
        if not entries:
            del table[of]


def _set(table: dict[K, V], key: K, value: V | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value
