"""
Chronos on a simulated cluster, with a user who changes jobs while things go wrong.

The real core, driver, client and wire; a store that can lose what it has not flushed; a wall
clock that is set now and then.  The :class:`User` remembers what was acknowledged.  At rest
every instant is accounted for, and a job that is made then runs in time.
``mesostw.testing.chronos_watch`` judges what is seen meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from msgspec import Struct
from zope.interface import implementer

from mesostw.bus.exchange import Exchange
from mesostw.client.cores import CoreScheduler
from mesostw.client.scheduler import SchedulerClient
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.records import Cause
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import (
    EnablingAsked,
    JobAsked,
    JobKillAsked,
    JobRemovalAsked,
    Kept,
    MarkAsked,
    Notified,
    Notify,
    PauseAsked,
    Removed,
    RunAsked,
    StepDown,
)
from mesostw.driver import Driver
from mesostw.feed.changes import Feed
from mesostw.interfaces import GivenUp, IPerformer
from mesostw.messages import (
    FrameworkCapability,
    FrameworkCapabilityType,
    FrameworkID,
    FrameworkInfo,
)
from mesostw.messages.masters import MasterInfo
from mesostw.model.jobs import JobName
from mesostw.model.resources import Resources
from mesostw.testing.checkers import task_of
from mesostw.testing.chronos_watch import Began, Memory, Overheard, Watcher, run_of
from mesostw.testing.cluster import Cluster
from mesostw.testing.lives import (
    Life,
    Machine,
    PausingClock,
    Surroundings,
    dialer_of,
)
from mesostw.testing.programs import IProgram
from mesostw.unattended import unattended

#: Seconds between two wishes of the user, on average.
WISH_S: Final = 2.0
#: Jobs on a clock, and those that run after others: a chain, and a diamond.
CLOCKED: Final = tuple(JobName(f"job {number}") for number in range(5))
AFTER: Final[Mapping[JobName, tuple[JobName, ...]]] = {
    JobName("left"): (CLOCKED[0],),
    JobName("right"): (CLOCKED[0],),
    JobName("both"): (JobName("left"), JobName("right")),
    JobName("two"): (CLOCKED[1], CLOCKED[2]),
}
PROBE: Final = JobName("probe")
NEED: Final = "cpus:0.25;mem:32"
#: Share of runs in which the wall clock is set now and then, how often, and by how much.
RESET: Final = 0.5
RESET_S: Final = 8.0
WALLS_S: Final = (0.0, 10.0, -10.0, 10.0, -10.0, 3600.0, -3600.0, 7200.0)
#: Share of runs in which another life begins while one stands still, how soon, and for how
#: long that one does at most.
USURPED: Final = 0.3
USURPED_S: Final = 20.0
STILL_S: Final = (1.0, 5.0, 30.0)
#: Once it is calm: later than anything that was asked for.
LAST_WALL_S: Final = 20_000.0
#: How late a run may begin when nothing is wrong.
LAG_S: Final = 2.0
FLAGS: Final = ChronosFlags(
    # Machines here have no disk to give away.
    mesos_task_disk=0.0,
    reconciliation_interval_s=30.0,
    failure_retry_s=2.0,
    decline_offer_duration_s=2.0,
)
CAPABILITIES: Final = (
    FrameworkCapabilityType.PARTITION_AWARE,
    FrameworkCapabilityType.TASK_KILLING_STATE,
    FrameworkCapabilityType.MULTI_ROLE,
)


class ChronosProgram:
    """A Chronos: what outlives its process, and the user who remembers."""

    def __init__(
        self, around: Surroundings, name: str, machines: Callable[[], Sequence[Machine]]
    ) -> None:
        self.around, self.name, self._machines = around, name, machines
        #: Where the present life is.
        self.host = name
        #: Lives that stood still when another began, and believe that they are the one.
        self.former: list[ChronosLife] = []
        self._usurping = around.chance(f"{name}/usurping")
        self.memory = Memory(around, name)
        self.disk = self.memory.disk
        self.life: ChronosLife | None = None
        self.lives = 0
        #: What each job may be: one tag if it was acknowledged, more while it was not.
        self.wished: dict[JobName, list[str | None]] = {one: [None] for one in (*CLOCKED, *AFTER)}
        self.calm = False
        self._is_judged = False
        around.watchers.append(self._moved)

    def start(self) -> ChronosLife:
        self.lives += 1
        self.life = ChronosLife(self.around, self, self.lives)
        self.life.start()
        return self.life

    def usurp(self) -> None:
        """Begin another life while the present one stands still, and have that go on later."""
        former = self.life
        if self.calm or former is None or not former.alive or former.clock.paused:
            return
        former.stand_still()
        self.former.append(former)
        self.host = f"{self.name}-{self.lives + 1}"
        self.start()
        late_s = self._usurping.choice(STILL_S) * self._usurping.uniform(0, 1)
        self.around.clock.callLater(late_s, former.go_on, self._usurping.uniform(0, 1))
        self.around.tell("{} stands still for {:.1f} s", former.host, late_s)

    @property
    def state(self) -> ChronosState | None:
        """What readers of the present life see."""
        return None if self.life is None else self.life.feed.view

    @property
    def framework_id(self) -> str:
        state = self.state
        return "" if state is None or state.framework_id is None else state.framework_id

    def need_of(self, task_id: str) -> Resources | None:
        return Resources.parse(NEED) if task_id.startswith("ct:") else None

    def expected_tasks(self) -> Collection[tuple[str, str]]:
        state = self.state
        return () if state is None else {(self.framework_id, one) for one in state.out}

    # --- at rest ------------------------------------------------------------------------

    def unrest(self) -> list[str]:
        """Every run has ended and every instant is behind; then a job more runs in time."""
        self._be_calm()
        state = self.state
        if state is None or not state.life:
            # Readers of a life that has kept nothing yet see nothing of what there is.
            return [f"{self.name} has not begun"]
        found = [f"run {one.id} of {one.job} is {one.state}" for one in state.runs.values()
                 if not one.is_ended]  # fmt: skip
        found += [f"{name} is due again" for name, one in state.standings.items()
                  if one.due is not None and not state.jobs[name].spec.disabled]  # fmt: skip
        found += [f"{one.host} has not noticed that it is another's turn"
                  for one in self.former if one.alive]  # fmt: skip
        found += ["it is paused"] if state.pause is not None else []
        found += [] if not state.notices else [f"{len(state.notices)} notices are due"]
        found += [] if PROBE in state.jobs else [f"{PROBE} is not there"]
        if not found and not self._is_judged:
            self._is_judged = True
            self._judge(state)
        return found

    def is_joined(self) -> bool:
        """Whether nobody has yet to notice that a connection broke in the storm."""
        network, master = self.around.network, self.around.answering(self.name)
        hosts = (self.host, *(machine.name for machine in self._machines()))
        return all(network.are_joined(host, master) for host in hosts) and not any(
            one.alive for one in self.former
        )

    def _be_calm(self) -> None:
        if not self.calm:
            self.calm = True
            if self.life is not None:
                self.life.clock.wall_error_s = LAST_WALL_S
            for former in self.former:
                former.go_on(0.0)

    def _judge(self, state: ChronosState) -> None:
        for name, tags in self.wished.items():
            job = state.jobs.get(name)
            there = None if job is None else dict(job.spec.environment_variables).get("TAG")
            if there not in tags:
                self.memory.wrong(f"{name} is {there}, wished was {tags}")
        self.memory.judge_all(state)
        self._judge_probe()

    def _judge_probe(self) -> None:
        """Whatever happened before, a job that is made at rest is served in time."""
        probes = [run for run in self.memory.runs.values() if run.job == PROBE]
        served = [run for run in probes if run.cause is Cause.CLOCK and run.skip is None]
        if len(served) != len(probes):
            self.memory.wrong(f"skipped {PROBE}: {[run.message for run in probes]}")
        for run in served:
            late_s = (run.launched_at or 0.0) - run.instant / 1000
            if not 0.0 <= late_s <= LAG_S:
                self.memory.wrong(f"{PROBE}: began {late_s:.3f} s after its instant")

    # --- tasks --------------------------------------------------------------------------------

    def running(self) -> dict[str, Began]:
        """Tasks that run on any machine."""
        found = {}
        for machine in self._machines():
            for spec in machine.running.values():
                _, task_id = task_of(spec)
                variables = spec.environment
                found[task_id] = Began(
                    task_id,
                    run_of(task_id),
                    JobName(variables["CHRONOS_JOB_NAME"]),
                    int(variables["CHRONOS_JOB_RUN_TIME"]),
                    int(variables["CHRONOS_JOB_RUN_ATTEMPT"]),
                    spec.argv[-1],
                )
        return found

    def _moved(self, host: str) -> None:
        """Something happened on a host: if it is a machine, a task may have begun."""
        if any(machine.name == host for machine in self._machines()):
            self.memory.looked(self.running(), self.around.clock.wall() + LAST_WALL_S)


@implementer(IPerformer)
class WatchedScheduler(CoreScheduler):
    """What a life says to a master, unless it is not its turn any more."""

    def __init__(self, life: ChronosLife) -> None:
        super().__init__(life)
        self._life, self._usurps = life, False

    async def subscribed(self, framework_id: str, master: MasterInfo | None) -> None:
        # A former life that dials again is taken for the framework, and its successor is not.
        self._usurps = self._life in self._life.program.former
        await super().subscribed(framework_id, master)

    def perform(self, effect: object) -> None:
        if self._usurps and not isinstance(effect, StepDown):
            self._life.around.wrong(f"{self._life.host} is not the newest, and says {effect}")
        super().perform(effect)


@implementer(IPerformer)
class ChronosLife(Life):
    """A Chronos' process."""

    def __init__(self, around: Surroundings, program: ChronosProgram, number: int) -> None:
        super().__init__(around, program.host, number)
        if program.calm:
            self.clock.wall_error_s = LAST_WALL_S
        self.program = program
        self.store = self.make_store(around.parts.framework_store, program.disk)
        nonce = self.random.randbytes(8)
        self.core = around.parts.chronos(FLAGS, nonce, self.random)
        self.feed: Feed[ChronosState, Any] = Feed(ChronosState())
        self.scheduler = WatchedScheduler(self)
        self._letters = around.chance(f"{program.name}/{number}/letters")

    def make_clock(self) -> PausingClock:
        return self.around.parts.chronos_clock(self.around.clock)

    async def _start(self) -> None:
        around = self.around
        exchange = Exchange(self.clock, "chronos", ())
        driver = self.driver = Driver(
            self.clock,
            Overheard(self.core, self.program.memory),
            self.store,
            self.feed,
            exchange,
            self.scheduler,
            self.gave_up,
            checking=True,
        )
        exchange.inbox = self.scheduler.inbox = driver
        self.feed.follow(Watcher(around, self.host, self.program.memory))
        dialing = Exchange(self.clock, "framework", forwards=False)
        dialer = dialer_of(self, dialing)
        client = SchedulerClient(
            self.clock,
            dialing,
            dialer,
            self.scheduler,
            FrameworkInfo(user="nobody", name="chronos"),
            explicit_acknowledgements=True,
        )
        await driver.start()
        kept = self.core.state.framework_id
        client.framework = FrameworkInfo(
            id=None if kept is None else FrameworkID(value=kept),
            name="chronos",
            user="nobody",
            roles=(FLAGS.mesos_role,),
            checkpoint=True,
            failover_timeout=86_400.0,
            capabilities=tuple(FrameworkCapability(type=kind) for kind in CAPABILITIES),
        )
        User(self).begin()
        if around.chance("clocks").uniform(0, 1) < RESET:
            self._reset_later()
        if around.chance("usurping").uniform(0, 1) < USURPED:
            wait_s = self._letters.expovariate(1 / USURPED_S)
            self.clock.callLater(wait_s, self.program.usurp)
        await client.start(around.master_address)

    def _reset_later(self) -> None:
        self.clock.callLater(self._letters.expovariate(1 / RESET_S), self._reset)

    def _reset(self) -> None:
        """Somebody sets the wall clock."""
        if not self.program.calm:
            self.clock.wall_error_s = self._letters.choice(WALLS_S)
            self.around.tell("{} is {} s off", self.host, self.clock.wall_error_s)
            self._reset_later()

    def perform(self, effect: object) -> None:
        """What is no call to a master."""
        match effect:
            case Notify(notice):
                heard = Notified(notice.id, self._letters.uniform(0, 1) < 0.9, "")
                self.clock.callLater(self._letters.uniform(0, 3), self._brought, heard)
            case StepDown() if self in self.program.former:
                self.crash()
            case StepDown(reason):
                self.around.wrong(f"{self.host} steps down: {reason}")
            case _:
                raise AssertionError(f"nobody performs {effect!r}")

    def _brought(self, heard: Notified) -> None:
        if self.alive and self.driver is not None:
            self.driver.tell((heard,))


class User:
    """Wishes something else of some job, again and again, while a life lasts."""

    def __init__(self, life: ChronosLife) -> None:
        self._life, self._program = life, life.program
        self._random: Random = life.around.chance(f"{life.host}/{life.number}/user")
        self._tags = 0

    def begin(self) -> None:
        """Wish for the first time a little later."""
        self._life.clock.callLater(self._random.expovariate(1 / WISH_S), self._wish)

    def _wish(self) -> None:
        if self._life is self._program.life and self._life.alive:
            unattended(self._ask(), self._life.gave_up)

    async def _ask(self) -> None:
        life, program = self._life, self._program
        name = self._random.choice(list(program.wished))
        question, tag = self._last() if program.calm else self._question(name)
        before = program.wished.get(name, [])
        if tag != "same":
            program.wished[name] = [*before, tag]
        if question is not None and life.driver is not None:
            life.around.tell("{} is asked {}", life.host, question)
            try:
                answer = await life.driver.ask(question)
            except GivenUp:
                # Whether it was done is not known; the next life may have it or not.
                return
            life.around.tell("{} answers {}", life.host, answer)
            if life is not program.life:
                return
            if tag != "same":
                done = isinstance(answer, Kept | Removed)
                program.wished[name] = [tag] if done else before
        self.begin()

    def _last(self) -> tuple[Struct | None, str]:
        """Once it is calm: nothing stays paused, and when all is done there is one job more."""
        state = self._life.core.state
        if state.pause is not None:
            return PauseAsked(paused=False), "same"
        busy = any(not run.is_ended for run in state.runs.values()) or any(
            one.due is not None and not state.jobs[name].spec.disabled
            for name, one in state.standings.items()
        )
        if busy or PROBE in state.jobs or not self._program.is_joined():
            return None, "same"
        start = _text_of(self._life.clock.wall() + 7.0)
        document = {"name": PROBE, "command": "finish 0.5", "schedule": f"R3/{start}/PT3S"}
        return JobAsked(document={**document, "cpus": 0.25, "mem": 32, "disk": 0}), "same"

    def _question(self, name: JobName) -> tuple[Struct, str | None]:
        random, state = self._random, self._life.core.state
        if name not in state.jobs:
            return self._create(name)
        kind = random.choice(
            ("update", "update", "remove", "run", "kill", "mark", "disable", "enable", "enable",
             "pause", "go on")
        )  # fmt: skip
        if kind == "update":
            return self._create(name)
        if kind == "remove":
            return JobRemovalAsked(name=name), None
        same: Mapping[str, Struct] = {
            "run": RunAsked(name=name),
            "kill": JobKillAsked(name=name),
            "mark": MarkAsked(name=name),
            "disable": EnablingAsked(name=name, enabled=False),
            "enable": EnablingAsked(name=name, enabled=True),
            "pause": PauseAsked(paused=True),
            "go on": PauseAsked(paused=False),
        }
        return same[kind], "same"

    def _create(self, name: JobName) -> tuple[Struct, str]:
        self._tags += 1
        tag = f"{self._life.number}.{self._tags}"
        random, state = self._random, self._life.core.state
        known = state.jobs.get(name)
        document: dict[str, object] = {
            "name": name,
            "command": self._command(),
            "cpus": 0.25,
            "mem": 32,
            "disk": 0,
            # The same in each version, so that it is clear what a run was to do.
            "retries": len(name) % 3,
            "retryDelaySeconds": ord(name[-1]) % 4,
            "concurrency": random.choice(("allow", "skip", "queue", "queue", "replace")),
            "unreachableSeconds": random.choice((20, 100)),
            "historyLimit": random.choice((1, 3, 100)),
            "environmentVariables": [{"name": "TAG", "value": tag}],
        }
        if known is not None:
            # Its times stay as they are, wherever it has come by now.
            return JobAsked(document=document, patches=name), tag
        if name in AFTER:
            document["parents"] = list(AFTER[name])
        else:
            start = _text_of(self._life.clock.wall() + random.uniform(-30, 10))
            count, period_s = random.randint(3, 12), random.randint(1, 9)
            document["schedule"] = f"R{count}/{start}/PT{period_s}S"
            document["catchUp"] = random.choice(("one", "none", "all"))
            if random.uniform(0, 1) < 0.4:
                document["startingDeadlineSeconds"] = random.choice((0.5, 5, 60))
        return JobAsked(document=document), tag

    def _command(self) -> str:
        kind = self._random.choice(("finish", "finish", "finish", "fails1", "fails2", "fail"))
        return f"{kind} {self._random.choice((0.1, 1.0, 6.0))}"


def _text_of(wall: float) -> str:
    moment = datetime.fromtimestamp(round(wall, 3), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class ChronosCluster(Cluster):
    """A cluster whose one framework is Chronos."""

    loses_agents = False

    def _programs_of(self, frameworks: int, jobs: int) -> Sequence[IProgram]:
        return [ChronosProgram(self.around, "chronos", lambda: self.machines)]
