"""A cluster in a few lines: what is wished starts, runs and ends, for tests of deployments."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from mesostw.core.marathon import converging, deployments, kills, terminations
from mesostw.core.marathon.changes import InstanceChanged, WaitingChanged
from mesostw.core.marathon.events import (
    AppTerminated,
    DeploymentFailed,
    DeploymentInfo,
    DeploymentStepFailed,
    DeploymentStepSucceeded,
    DeploymentSucceeded,
)
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.records import Condition, Instance, TreeChange
from mesostw.core.marathon.terminations import End
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.words import DryRun, Planned, Terms, Unfit
from mesostw.core.outcome import Continue
from mesostw.core.scheduling import KillTask
from mesostw.model.apps import App, AppId, Stamp, UpgradeStrategy
from mesostw.model.ids import AgentId, TaskId
from mesostw.model.tasks import TaskState
from tests.core.marathon.builders import World

FORCE = Terms(force=True)
_NAMES = {
    DeploymentInfo: "step",
    DeploymentStepSucceeded: "done",
    DeploymentStepFailed: "undone",
    DeploymentSucceeded: "success",
    DeploymentFailed: "failed",
    AppTerminated: "terminated",
}


class Cluster(World):
    """A world with agents without end: each thing happens when it is said, or ``settle`` says."""

    def __init__(
        self,
        flags: MarathonFlags | None = None,
        store: Mapping[str, Struct] | None = None,
        nonce: int = 1,
    ) -> None:
        super().__init__(flags, store, nonce)
        self.live.registered = True
        #: Whether new instances run at once.
        self.runs = True
        #: Looked at after each thing that happens.
        self.watch: Callable[[Cluster], None] = lambda _: None
        self._agents = 0
        self._heard = 0
        for app_id in (*self.state.apps, *self.state.instances_of, *self.state.locks):
            self.live.marked[app_id] = None
        self.run(kills.restored)

    # --- what is asked ------------------------------------------------------------

    def stamp(self) -> Stamp:
        """The next version."""
        return self.run(Turn.stamp)

    def begin(self, *apps: App, terms: Terms | None = None, **others: object) -> Planned | Unfit:
        """Have apps be as they are given, all of one version."""
        change = {"version": self.stamp(), "apps": {one.id: one for one in apps}, **others}
        return self.run(deployments.begin, TreeChange(**change), terms or Terms())  # type: ignore[arg-type]

    def have(self, *apps: App, **others: object) -> Planned:
        """As ``begin``, by force, which must succeed."""
        planned = self.begin(*apps, terms=FORCE, **others)
        assert isinstance(planned, Planned), planned
        return planned

    def remove(self, *app_ids: str, terms: Terms = FORCE) -> Planned:
        """Have apps be gone."""
        change = TreeChange(version=self.stamp(), apps={AppId(one): None for one in app_ids})
        planned = self.run(deployments.begin, change, terms)
        assert isinstance(planned, Planned), planned
        return planned

    def dry_run(self, *apps: App) -> DryRun:
        change = TreeChange(version=self.stamp(), apps={one.id: one for one in apps})
        return self.run(deployments.dry_run, change)

    # --- what happens ---------------------------------------------------------------

    def slice(self) -> bool:
        """Have one slice of convergence, if it is asked for."""
        before = len(self.did(Continue))
        self.run(converging.paced)
        if not self.live.continuing:
            return len(self.did(Continue)) > before
        self.run(converging.converged)
        return True

    def launch(self) -> int:
        """Start all that waits."""
        count = 0
        for app_id, waiting in tuple(self.state.waiting.items()):
            app = self.state.versions[app_id][waiting.version]
            for _ in range(waiting.count):
                self._start(app)
                count += 1
            self.change(WaitingChanged(app_id, None))
            self.live.marked[app_id] = None
        return count

    def _start(self, app: App) -> None:
        self._agents += 1
        name = self.names.instance_id(app.id)
        started = Instance(
            id=name,
            app_id=app.id,
            version=app.version,
            config=app.last_config_change_at,
            task_id=TaskId(self.names.task_id(name)),
            agent_id=AgentId(f"S{self._agents}"),
            hostname=f"n{self._agents}",
            role="*",
            staged_at=self.now.wall,
        )
        self.change(InstanceChanged(started))
        if self.runs:
            self.start(started)

    def start(self, instance: Instance) -> None:
        """Have an instance run."""
        running = replace(
            instance, condition=Condition.RUNNING, started_at=self.now.wall, since=self.now.wall
        )
        self.change(InstanceChanged(running))
        self.live.marked[instance.app_id] = None

    def end(self, instance: Instance, condition: Condition = Condition.FAILED) -> None:
        """Have an instance end."""
        end = End(condition, TaskState.TASK_FAILED)
        self.run(terminations.ended, instance, end)

    def ends(self) -> int:
        """End all that is to be killed."""
        said = self.did(KillTask)[self._heard :]
        self._heard += len(said)
        for kill in said:
            instance = self.state.by_task(kill.task_id)
            if instance is not None:
                self.end(instance, Condition.KILLED)
        self.run(kills.said_on)
        return len(said)

    def settle(self, rounds: int = 10_000) -> None:
        """Let everything happen, one thing after the other, until nothing does."""
        for _ in range(rounds):
            happened = self.slice()
            self.watch(self)
            if not happened and not self.launch() and not self.ends():
                if not self.live.postponed:
                    return
                self.later(1.0)
        raise AssertionError(f"no end: {self.state.deployments} {self.state.waiting}")

    def look(self) -> None:
        """Have marked apps looked at, and nothing else happen."""
        while self.slice():
            self.watch(self)

    def reborn(self) -> Cluster:
        """The next life of Marathon, in the same cluster."""
        cluster = Cluster(self.flags, self.store, self._nonce + 1)
        cluster.now = self.now
        cluster._agents = self._agents
        cluster.runs = self.runs
        return cluster

    # --- what is seen ---------------------------------------------------------------

    def of(self, app_id: str) -> list[Instance]:
        """Instances of an app, oldest first."""
        return list(self.state.of_app(AppId(app_id)).values())

    def count(self, app_id: str) -> int:
        return len(self.of(app_id))

    def current(self, app_id: str) -> int:
        """Instances of the present configuration of an app."""
        config = self.state.apps[AppId(app_id)].last_config_change_at
        return sum(one.config == config for one in self.of(app_id))

    def lines(self) -> list[str]:
        """What the event stream told of deployments, in short."""
        return [_NAMES[type(one)] for one in self.events() if type(one) in _NAMES]


def strategy(least: float, over: float) -> UpgradeStrategy:
    """Shares of what is wished."""
    return UpgradeStrategy(minimum_health_capacity=least, maximum_over_capacity=over)


def running(cluster: Cluster, *apps: App) -> Cluster:
    """Have apps run."""
    cluster.have(*apps)
    cluster.settle()
    return cluster


def upgraded(cluster: Cluster, of: App, **spec: object) -> App:
    """The app with another command, and ``spec``."""
    now = cluster.state.apps[of.id]
    stamp = cluster.stamp()
    return App(replace(now.spec, **{"cmd": f"echo {stamp}", **spec}), stamp, stamp, stamp)


def scaled(cluster: Cluster, of: App, count: int) -> App:
    """The app with another number."""
    now = cluster.state.apps[of.id]
    stamp = cluster.stamp()
    return App(replace(now.spec, instances=count), stamp, stamp, now.last_config_change_at)
