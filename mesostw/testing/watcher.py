"""
What is seen of Marathon from outside, over all of its lives.

A :class:`Diary` is a disk that never forgets what was once on it, and a :class:`Memory` what
readers were shown.  From both together it is exact what a life must know when it begins, and
what may run; the :class:`Watcher` of one life holds it to the limits of its changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil, floor

from zope.interface import implementer

from mesostw.core.marathon import fitness
from mesostw.core.marathon.changes import InstanceChanged
from mesostw.core.marathon.records import Action, ActionKind, Instance
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.turn import instance_of
from mesostw.interfaces import IFollower
from mesostw.model.apps import ROOT, AppId, DeploymentId, InstanceId, UpgradeStrategy
from mesostw.store.memory import MemoryDisk, Writes
from mesostw.testing.lives import Surroundings


class Diary(MemoryDisk):
    """A disk that knows which keys it ever had, and which were taken off it."""

    def __init__(self) -> None:
        super().__init__()
        self.ever: set[str] = set()
        self.dropped: set[str] = set()

    def keep(self, writes: Writes) -> None:
        for key, value in writes:
            (self.dropped if value is None else self.ever).add(key)
        super().keep(writes)


class Memory:
    """What lives of one Marathon have shown, for those that come."""

    def __init__(self, around: Surroundings, name: str) -> None:
        self._around, self._name = around, name
        self.disk = Diary()
        #: What readers of the life before saw last: it was kept.
        self.seen: MarathonState | None = None
        #: Instances that somebody was shown to be on their way out, and why.
        self.doomed: dict[InstanceId, str] = {}

    def runs(self, task_ids: Iterable[str]) -> None:
        """Complain about a task that was launched and could not be known after a crash."""
        for task_id in task_ids:
            if f"instances/{instance_of(task_id)}" not in self.disk.ever:
                self._wrong(f"launched {task_id} before it was kept")

    def wakes(self, state: MarathonState, running: Iterable[str]) -> None:
        """Complain if a life that begins does not know what it was shown to know."""
        seen = self.seen or MarathonState()
        version = "" if ROOT not in seen.groups else seen.groups[ROOT].version
        kept = state.groups.get(ROOT)
        if version and (kept is None or kept.version < version):
            self._wrong(f"has lost changes of the tree after {kept}: {version}")
        if seen.framework_id is not None and state.framework_id != seen.framework_id:
            self._wrong(f"was {seen.framework_id}, now {state.framework_id}")
        for instance_id in [*seen.instances, *map(instance_of, running)]:
            if f"instances/{instance_id}" in self.disk.dropped:
                continue
            if instance_id not in state.instances:
                self._wrong(f"does not know {instance_id} any more")
        for instance in state.instances.values():
            if instance.is_doomed:
                # Kept, and not shown any more, by the life before.
                self.doomed.setdefault(instance.id, instance.doom)
            elif instance.id in self.doomed:
                doom = self.doomed[instance.id]
                self._wrong(f"has forgotten to end {instance.id} ({doom})")

    def _wrong(self, text: str) -> None:
        self._around.wrong(f"{self._name} {text}")


@implementer(IFollower)
class Watcher:
    """
    Sees each instance that starts or is ended in one life, and complains beyond the limits.

    :param view: what readers see.
    """

    def __init__(
        self, around: Surroundings, host: str, memory: Memory, view: Callable[[], MarathonState]
    ) -> None:
        self._around, self._host, self._memory, self._view = around, host, memory, view
        #: Instances that readers were shown.
        self._known: set[InstanceId] = set()
        #: Deployments that were paused when it was last looked.
        self._paused: set[DeploymentId] = set()
        #: How many instances there could be at most, by app, when it was last looked.
        self._most: dict[AppId, int] = {}

    def changed(self, seq: int, changes: Sequence[object]) -> None:
        self._around.busy(self._host)
        instances = [one.instance for one in changes if isinstance(one, InstanceChanged)]
        for instance in instances:
            what = f"{instance.condition.value} {instance.doom}"
            self._around.tell("{} {} is {}", self._host, instance.id, what)
            self._look_whether_few(instance)
        launched = {one.app_id for one in instances if one.id not in self._known}
        for app_id in launched:
            self._look_whether_many(app_id)
        # Also those of an earlier life, which begins with them: what becomes of them is no launch.
        self._known.update(self._view().instances)
        deployments = self._view().deployments.values()
        self._paused = {one.id for one in deployments if one.paused}
        self._most = {app_id: self._most_of(app_id) for app_id in self._view().apps}

    # --- too few serve ------------------------------------------------------------------

    def _look_whether_few(self, instance: Instance) -> None:
        if not instance.is_doomed or instance.id in self._memory.doomed:
            return
        self._memory.doomed[instance.id] = instance.doom
        state = self._view()
        self._look_whether_paused(instance)
        action = self._action_of(instance.app_id)
        if action is None or action.kind is not ActionKind.RESTART:
            return
        if not instance.doom.startswith("Replaced"):
            return
        share = state.apps[instance.app_id].spec.upgrade_strategy.minimum_health_capacity
        least = ceil(action.target * share - 1e-9)
        serving = sum(
            not one.is_doomed and fitness.is_ready(state, one)
            for one in state.of_app(instance.app_id).values()
        )
        if serving < least and fitness.is_ready(state, instance):
            what = f"{instance.id} is ended ({instance.doom})"
            self._around.wrong(f"{what} while {serving} of at least {least} serve")

    def _look_whether_paused(self, instance: Instance) -> None:
        """Complain about an end that a deployment which was paused before has caused."""
        deployment = self._view().deployment_of(instance.app_id)
        if deployment is None or not deployment.paused or deployment.id not in self._paused:
            return
        if instance.doom.startswith(("Replaced", "Scaled")):
            self._around.wrong(f"{instance.id} is ended ({instance.doom}) during a pause")

    def _action_of(self, app_id: AppId) -> Action | None:
        """What the present step of a deployment does with an app."""
        deployment = self._view().deployment_of(app_id)
        actions = () if deployment is None else deployment.actions
        return next((one for one in actions if one.app_id == app_id), None)

    # --- too many are there -------------------------------------------------------------

    def _look_whether_many(self, app_id: AppId) -> None:
        """
        Complain if more are there than could be wished, after one was launched.

        Within one group of changes the wish may have shrunk after the launch, so that the
        limit before the group counts too.
        """
        state = self._view()
        most = max(self._most_of(app_id), self._most.get(app_id, 0))
        counted = [one for one in state.of_app(app_id).values() if one.counts]
        if len(counted) > most:
            self._around.wrong(f"{app_id} has {len(counted)} instances, at most {most} may be")

    def _most_of(self, app_id: AppId) -> int:
        state = self._view()
        app = state.apps.get(app_id)
        wished = 0 if app is None else app.spec.instances
        deployment = state.deployment_of(app_id)
        if deployment is None:
            return wished
        affected = state.affected[deployment.id][app_id]
        if app is None:
            return affected.kept
        strategy = app.spec.upgrade_strategy
        return max(wished, affected.kept, *(_over(strategy, one) for _, one in affected.planned))


def _over(strategy: UpgradeStrategy, action: Action) -> int:
    """How many an action may have at the same time; with limits that meet it goes one above."""
    if action.kind is not ActionKind.RESTART:
        return action.target
    return floor(action.target * (1.0 + strategy.maximum_over_capacity) + 1e-9) + 1
