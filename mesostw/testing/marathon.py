"""
Marathon on a simulated cluster, with a user who changes apps while things go wrong.

The real core, driver, client and wire; a store that can lose what it has not flushed; probes
whose answers are made up.  The :class:`User` remembers what was acknowledged: at rest there
must be exactly that.  ``mesostw.testing.watcher`` holds Marathon to its limits meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from random import Random
from typing import Any, Final

from msgspec import Struct
from zope.interface import implementer

from mesostw.bus.exchange import Exchange
from mesostw.client.cores import CoreScheduler
from mesostw.client.scheduler import SchedulerClient
from mesostw.core.marathon import fitness
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.membership import roles_of
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.words import (
    AppRemovalAsked,
    AppRestartAsked,
    AppsAsked,
    DeploymentCancelAsked,
    DeploymentPauseAsked,
    InstancesKillAsked,
    Planned,
    StepDown,
    Terms,
    Unfit,
)
from mesostw.core.probes import ProbeSpec, StartProbe, StopProbe
from mesostw.driver import Driver
from mesostw.feed.changes import Feed
from mesostw.interfaces import GivenUp, IPerformer
from mesostw.messages import (
    FrameworkCapability,
    FrameworkCapabilityType,
    FrameworkID,
    FrameworkInfo,
)
from mesostw.model.apps import AppId
from mesostw.model.resources import Resources
from mesostw.probing.memory import Scripted, memory_prober
from mesostw.testing.checkers import task_of
from mesostw.testing.cluster import Cluster
from mesostw.testing.lives import Life, Machine, Surroundings, dialer_of
from mesostw.testing.programs import IProgram
from mesostw.testing.watcher import Memory, Watcher
from mesostw.unattended import unattended

#: Seconds between two wishes of the user, on average.
WISH_S: Final = 3.0
APPS: Final = tuple(AppId(f"/g{number % 2}/app{number}") for number in range(4))
INSTANCES_MAX: Final = 4
#: What may be wished of an app that is there.
KINDS: Final = ("config", "scale", "restart", "remove", "kill", "back")
#: Of each instance of each app; what a whole storm of them takes fits on the machines.
NEED: Final = "cpus:0.25;mem:32"
#: Share of runs in which somebody pauses deployments, and seconds between two such ideas.
MEDDLED: Final = 0.4
IDEA_S: Final = 2.0
#: Share of probes that find something bad, in a storm.
BAD_CHANCE: Final = 0.05
#: Shortened, so that a run need not last virtual hours.
FLAGS: Final = MarathonFlags(
    reconciliation_initial_delay_s=5.0,
    reconciliation_interval_s=30.0,
    task_launch_timeout_s=60.0,
    task_launch_confirm_timeout_s=60.0,
    decline_offer_duration_s=20.0,
)
CAPABILITIES: Final = (
    FrameworkCapabilityType.PARTITION_AWARE,
    FrameworkCapabilityType.TASK_KILLING_STATE,
    FrameworkCapabilityType.MULTI_ROLE,
)


class Wish(Struct, frozen=True):
    """What an app is to be; ``tag`` tells configurations apart."""

    instances: int
    tag: str


class MarathonProgram:
    """A Marathon: what outlives its process, and the user who remembers."""

    def __init__(
        self, around: Surroundings, name: str, machines: Callable[[], Sequence[Machine]]
    ) -> None:
        self.around, self.name, self._machines = around, name, machines
        self.memory = Memory(around, name)
        self.disk = self.memory.disk
        self.life: MarathonLife | None = None
        self.lives = 0
        #: What each app may be: one thing if it was acknowledged, more while it was not.
        #: ``None`` is no app; an app that may be anything is left out.
        self.wished: dict[AppId, list[Wish | None]] = {app_id: [None] for app_id in APPS}
        #: Apps that may have instances of former configurations, as a deployment was stopped.
        self.halfway: set[AppId] = set()
        self.calm = False
        around.watchers.append(self._moved)

    def start(self) -> MarathonLife:
        self.lives += 1
        if self.life is not None:
            self.memory.seen = self.life.feed.view
        self.life = MarathonLife(self.around, self, self.lives)
        self.life.start()
        return self.life

    @property
    def state(self) -> MarathonState | None:
        """What readers of the present life see."""
        return None if self.life is None else self.life.feed.view

    @property
    def framework_id(self) -> str:
        state = self.state
        return "" if state is None or state.framework_id is None else state.framework_id

    def need_of(self, task_id: str) -> Resources | None:
        return Resources.parse(NEED) if ".instance-" in task_id else None

    def expected_tasks(self) -> Collection[tuple[str, str]]:
        state = self.state
        if state is None:
            return ()
        return {(self.framework_id, one.task_id) for one in state.instances.values()}

    def unrest(self) -> list[str]:
        """No deployment is left, and there is what was wished: no more, no less, no other."""
        self.calm = True
        state = self.state
        if state is None:
            return [f"{self.name} never lived"]
        found = [f"{one.id} is under way" for one in state.deployments.values()]
        found += [f"{app_id} waits: {one}" for app_id, one in state.waiting.items()]
        for app_id, wishes in self.wished.items():
            found += self._unlike(state, app_id, wishes)
        for app_id, app in state.apps.items():
            found += self._unready(state, app_id, app.spec.instances)
        found += [f"{one.id} of no app" for one in state.instances.values()
                  if one.app_id not in state.apps]  # fmt: skip
        return found or self._unplaced()

    def _unlike(
        self, state: MarathonState, app_id: AppId, wishes: Sequence[Wish | None]
    ) -> list[str]:
        app = state.apps.get(app_id)
        there = None if app is None else Wish(app.spec.instances, app.spec.env.get("TAG", ""))
        return [] if there in wishes else [f"{app_id} is {there}, wished was {wishes}"]

    def _unready(self, state: MarathonState, app_id: AppId, wanted: int) -> list[str]:
        app = state.apps[app_id]
        instances = state.of_app(app_id).values()
        ready = [one for one in instances if fitness.is_ready(state, one) and not one.is_doomed]
        old = [one.id for one in instances if one.config != app.last_config_change_at]
        if len(ready) == len(instances) == wanted and (not old or app_id in self.halfway):
            return []
        return [f"{app_id} has {len(ready)} ready of {len(instances)}, wanted {wanted}, old {old}"]

    def _unplaced(self) -> list[str]:
        """Every instance that is believed to run does run, once."""
        running = self.running()
        return [
            f"{task_id} runs {running.count(task_id)} times"
            for _, task_id in self.expected_tasks()
            if running.count(task_id) != 1
        ]

    def running(self) -> list[str]:
        """Tasks that run on any machine."""
        specs = [spec for machine in self._machines() for spec in machine.running.values()]
        return [task_id for _, task_id in map(task_of, specs)]

    def _moved(self, host: str) -> None:
        """Something happened on a host: if it is a machine, a task may have been launched."""
        if any(machine.name == host for machine in self._machines()):
            self.memory.runs(self.running())


@implementer(IPerformer)
class MarathonLife(Life):
    """A Marathon's process."""

    def __init__(self, around: Surroundings, program: MarathonProgram, number: int) -> None:
        super().__init__(around, program.name, number)
        self.program = program
        self.store = self.make_store(around.parts.framework_store, program.disk)
        nonce = self.random.randbytes(8)
        self.core = around.parts.marathon(FLAGS, nonce, self.random)
        self.feed: Feed[MarathonState, Any] = Feed(MarathonState())
        self.scheduler = CoreScheduler(self)
        self._bad = around.chance(f"{program.name}/{number}/probes")
        self._prober = memory_prober(self.clock, self._tell, self._finding)

    async def _start(self) -> None:
        around = self.around
        exchange = Exchange(self.clock, "marathon", ())
        driver = self.driver = Driver(
            self.clock,
            self.core,
            self.store,
            self.feed,
            exchange,
            self.scheduler,
            self.gave_up,
            checking=True,
        )
        exchange.inbox = self.scheduler.inbox = driver
        self.feed.follow(Watcher(around, self.host, self.program.memory, lambda: self.feed.view))
        dialing = Exchange(self.clock, "framework", forwards=False)
        dialer = dialer_of(self, dialing)
        client = SchedulerClient(
            self.clock,
            dialing,
            dialer,
            self.scheduler,
            FrameworkInfo(user="nobody", name="marathon"),
            explicit_acknowledgements=True,
        )
        await driver.start()
        self.program.memory.wakes(self.core.state, self.program.running())
        kept = self.core.state.framework_id
        client.framework = FrameworkInfo(
            id=None if kept is None else FrameworkID(value=kept),
            name="marathon",
            user="nobody",
            roles=roles_of(self.core.state, FLAGS),
            checkpoint=True,
            failover_timeout=86_400.0,
            capabilities=tuple(FrameworkCapability(type=kind) for kind in CAPABILITIES),
        )
        User(self).begin()
        if around.chance("meddler").uniform(0, 1) < MEDDLED:
            Meddler(self).begin()
        await client.start(self.around.master_address)

    def _tell(self, stimuli: Sequence[object]) -> None:
        if self.alive and self.driver is not None:
            self.driver.tell(stimuli)

    def _finding(self, spec: ProbeSpec) -> Scripted:
        bad = not self.program.calm and self._bad.uniform(0, 1) < BAD_CHANCE
        return Scripted(status=503 if bad else 200)

    def perform(self, effect: object) -> None:
        """What is no call to a master."""
        match effect:
            case StartProbe(key, spec):
                self._prober.start(key, spec)
            case StopProbe(key):
                self._prober.stop(key)
            case StepDown(reason):
                self.around.wrong(f"{self.host} steps down: {reason}")
            case _:
                raise AssertionError(f"nobody performs {effect!r}")


class User:
    """Wishes something else of some app, again and again, while a life lasts."""

    def __init__(self, life: MarathonLife) -> None:
        self._life, self._program = life, life.program
        self._random: Random = life.around.chance(f"{life.host}/{life.number}/user")
        self._tags = 0

    def begin(self) -> None:
        """Wish for the first time a little later."""
        wait_s = self._random.expovariate(1 / WISH_S)
        self._life.clock.callLater(wait_s, self._wish)

    def _wish(self) -> None:
        if not self._program.calm and self._life.alive:
            unattended(self._ask(), self._life.gave_up)

    async def _ask(self) -> None:
        app_id, program = self._random.choice(APPS), self._program
        force = self._random.uniform(0, 1) < 0.5
        question, wish = self._question(app_id, Terms(force=force))
        driver = self._life.driver
        assert driver is not None
        before = program.wished.get(app_id)
        if wish != "same" and before is not None:
            program.wished[app_id] = [*before, wish]  # type: ignore[list-item]
        wished = dict(program.wished)
        if isinstance(question, DeploymentCancelAsked):
            # A deployment that is only stopped, or was but a restart, leaves its apps so.
            program.halfway.update(APPS)
            # Whatever it takes back, its apps are as they were some time ago; it may be done
            # without an answer.
            program.wished.clear()
        self._life.around.tell("{} is asked {}", self._life.host, question)
        try:
            answer = await driver.ask(question)
        except GivenUp:
            # Whether it was done is not known; the next life may have it or not.
            return
        self._life.around.tell("{} answers {}", self._life.host, answer)
        if wish != "same" and isinstance(answer, Planned):
            program.wished[app_id] = [wish]  # type: ignore[list-item]
        elif wish != "same" and before is not None:
            program.wished[app_id] = before
        if not isinstance(answer, Unfit):
            self._follows(question, app_id)
        elif isinstance(question, DeploymentCancelAsked):
            program.wished.update(wished)
        self.begin()

    def _follows(self, question: Struct, app_id: AppId) -> None:
        """What else an acknowledged wish means for what is to be expected."""
        program = self._program
        match question:
            case AppRestartAsked() | AppRemovalAsked():
                program.halfway.discard(app_id)
            case AppsAsked(documents=(document,)) if "cmd" in document:
                program.halfway.discard(app_id)
            case _:
                pass

    def _question(self, app_id: AppId, terms: Terms) -> tuple[Struct, Wish | str | None]:
        state = self._life.core.state
        app = state.apps.get(app_id)
        kinds = (
            ("create",) if app is None else ("config", "scale", "restart", "remove", "kill", "back")
        )
        kind = self._random.choice(kinds)
        deployments = list(state.deployments)
        match kind:
            case "create" | "config":
                self._tags += 1
                tag = f"{self._life.number}.{self._tags}"
                wish = Wish(self._random.randint(0, INSTANCES_MAX), tag)
                return AppsAsked((self._document(app_id, wish),), terms), wish
            case "scale":
                assert app is not None
                wish = Wish(self._random.randint(0, INSTANCES_MAX), app.spec.env["TAG"])
                document = {"id": app_id, "instances": wish.instances}
                return AppsAsked((document,), terms), wish
            case "remove":
                return AppRemovalAsked(app_id, terms), None
            case "kill":
                return InstancesKillAsked(terms, app_id=app_id), "same"
            case "back" if deployments:
                one = self._random.choice(deployments)
                return DeploymentCancelAsked(one, force=self._random.uniform(0, 1) < 0.3), "same"
            case _:
                return AppRestartAsked(app_id, terms), "same"

    def _document(self, app_id: AppId, wish: Wish) -> dict[str, object]:
        random = self._random
        document: dict[str, object] = {
            "id": app_id,
            "cmd": "long 0",
            "cpus": 0.25,
            "mem": 32,
            "instances": wish.instances,
            "env": {"TAG": wish.tag},
            "upgradeStrategy": {
                "minimumHealthCapacity": random.choice((0.0, 0.5, 1.0)),
                "maximumOverCapacity": random.choice((0.0, 0.5, 1.0)),
            },
            "backoffSeconds": random.choice((0, 1)),
            "maxLaunchDelaySeconds": 5,
        }
        if random.uniform(0, 1) < 0.5:
            document["healthChecks"] = [
                {"protocol": "HTTP", "intervalSeconds": 2, "gracePeriodSeconds": 5}
            ]
        return document


class Meddler:
    """Pauses deployments and has them go on; once it is calm none is left paused."""

    def __init__(self, life: MarathonLife) -> None:
        self._life = life
        self._random: Random = life.around.chance(f"{life.host}/{life.number}/meddler")

    def begin(self) -> None:
        """Have an idea a little later."""
        self._life.clock.callLater(self._random.expovariate(1 / IDEA_S), self._idea)

    def _idea(self) -> None:
        if self._life.alive:
            unattended(self._ask(), self._life.gave_up)

    async def _ask(self) -> None:
        life = self._life
        found = list(life.core.state.deployments.values())
        if life.program.calm:
            found = [one for one in found if one.paused]
        if found and life.driver is not None:
            one = self._random.choice(found)
            question = DeploymentPauseAsked(one.id, paused=not one.paused)
            life.around.tell("{} is asked {}", life.host, question)
            try:
                await life.driver.ask(question)
            except GivenUp:
                return
        self.begin()


class MarathonCluster(Cluster):
    """A cluster whose one framework is Marathon."""

    loses_agents = False

    def _programs_of(self, frameworks: int, jobs: int) -> Sequence[IProgram]:
        return [MarathonProgram(self.around, "marathon", lambda: self.machines)]
