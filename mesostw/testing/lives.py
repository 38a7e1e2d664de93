"""
The processes of a simulated cluster: what each is made of, and how one dies.

Cores, drivers, feeds, exchanges, dialers and clients are the real ones; the network, the
disks, the clock and the containers are those of ``mesostw.testing`` and the rooms' own
providers in memory.  A process that has crashed never says or hears anything again: its
clock has ended, its transports have vanished, and its store has lost what it had not
flushed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.bus.dial import Dialer
from mesostw.bus.exchange import Exchange
from mesostw.core.agent.containers import ContainerSpec
from mesostw.core.agent.fetches import FetchSpec
from mesostw.core.agent.flags import AgentFlags
from mesostw.core.agent.machine import Agent
from mesostw.core.agent.state import AgentState
from mesostw.core.chronos.machine import Chronos
from mesostw.core.marathon.machine import Marathon
from mesostw.core.master.machine import Master
from mesostw.daemons.agent_effects import AgentEffects
from mesostw.daemons.seat import Seat
from mesostw.driver import Driver
from mesostw.feed.changes import Feed
from mesostw.interfaces import Deposed, IDialer, IFollower, IPerformer, StoreFailed
from mesostw.launching.fetching.memory import MemoryFetcher, Trip
from mesostw.launching.memory import MemoryHost, MemoryLauncher, Run
from mesostw.messages.convert import messages_of
from mesostw.model.ids import AgentId, ContainerId
from mesostw.model.resources import Resources
from mesostw.probing.memory import memory_prober
from mesostw.store.memory import MemoryDisk, MemoryStore
from mesostw.store.zookeeper import ZooKeeperStore
from mesostw.testing.checkers import Checker
from mesostw.testing.clock import HeapCall, HeapClock, LifeClock
from mesostw.testing.network import MemoryNetwork
from mesostw.testing.peers import moody
from mesostw.testing.zookeeper.ensemble import Ensemble
from mesostw.unattended import unattended

#: Where agents and frameworks dial; the cluster says which process answers.
MASTER_ADDRESS: Final = "master:5050"
#: Until a group is kept, at least and at most: the flush of a good disk, and of a bad one.
FLUSHES_S: Final = ((0.0005, 0.01), (0.0005, 0.01), (0.05, 0.3))
#: By how much the wall clock of a life is wrong; nothing may be timed by it.
WALL_ERRORS_S: Final = (0.0, 0.0, 0.0, 5.0, -5.0, 7200.0, -7200.0)
#: The wait status of a program that ended with exit status 1.
EXITED_1: Final = 256
#: How long what a process said before it was ended may still arrive at ZooKeeper.
LAST_WORDS_S: Final = (0.0, 0.0005, 0.002)


class PausingClock(LifeClock):
    """The clock of a process that may stand still, as under SIGSTOP or a slow machine."""

    def __init__(self, clock: HeapClock) -> None:
        super().__init__(clock)
        self._heap = clock
        self.paused = False
        self._missed: list[HeapCall] = []

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> HeapCall:
        itself: list[HeapCall] = []
        later = self._heap.callLater(delay, self._due, itself, callable, args, kwargs)
        itself.append(later)
        return later

    def _due(
        self,
        itself: list[HeapCall],
        call: Callable[..., Any],
        arguments: tuple[object, ...],
        named: dict[str, object],
    ) -> None:
        if self.paused and not self.ended:
            # It can be cancelled or moved until it is made after all.
            itself[0].state = "waits"
            self._missed += itself
        else:
            self._call(call, arguments, named)

    def resume(self) -> None:
        """Go on: what fell due meanwhile happens now, in its order."""
        self.paused = False
        missed, self._missed = self._missed, []
        for later in missed:
            if later.active() and later.getTime() <= self._heap.seconds():
                later.reset(0)


class Parts:
    """What may be replaced by something broken, to see that it is found."""

    master: type[Master] = Master
    agent: type[Agent] = Agent
    master_store: type[MemoryStore] = MemoryStore
    #: Of one of several masters.
    zookeeper_store: type[ZooKeeperStore] = ZooKeeperStore
    seat: type[Seat] = Seat
    agent_store: type[MemoryStore] = MemoryStore
    framework_store: type[MemoryStore] = MemoryStore
    marathon: type[Marathon] = Marathon
    chronos: type[Chronos] = Chronos
    #: Of a Chronos' process: its wall clock is set now and then.
    chronos_clock: type[PausingClock] = PausingClock


class Surroundings:
    """What all processes of one simulation share."""

    def __init__(self, seed: int, parts: Parts) -> None:
        self.seed = seed
        self.parts = parts
        self.clock = HeapClock()
        self.network = MemoryNetwork(self.clock, self.chance("network"))
        #: What happened, with its time, for the story of a failure.
        self.story: list[tuple[float, str, tuple[object, ...]]] = []
        self.faults: list[str] = []
        #: Told of each host where something moves.
        self.watchers: list[Callable[[str], None]] = []
        self.checker: Checker
        #: Where agents and frameworks dial.
        self.master_address = MASTER_ADDRESS
        #: Which host answers when somebody dials one.
        self.answering: Callable[..., str] = _itself
        #: What finds the leader for a process that dials.
        self.finding: Callable[[Life, IDialer], IDialer] = lambda _life, dialer: dialer
        #: What is done about an agent that quits, and says why.
        self.quits: Callable[[AgentLife, str], None] = self._quits
        #: Where masters are elected, if there are several.
        self.ensemble: Ensemble | None = None

    def chance(self, name: str) -> Random:
        """A source of chance of its own, so that one user more does not change the others."""
        return Random(f"{self.seed}/{name}")

    def tell(self, text: str, *values: object) -> None:
        """Add to the story; ``text`` has a ``{}`` for each value."""
        self.story.append((self.clock.seconds(), text, values))

    def busy(self, host: str) -> None:
        """Something moves on ``host``: a good moment for trouble."""
        for watcher in self.watchers:
            watcher(host)

    def wrong(self, text: str) -> None:
        """Something is as it must never be."""
        self.faults.append(text)
        self.tell("WRONG: {}", text)

    def _quits(self, life: AgentLife, reason: str) -> None:
        self.wrong(f"{life.host} quits: {reason}")

    def lines(self) -> list[str]:
        """The story as text."""
        return [f"{at:10.4f} {text.format(*values)}" for at, text, values in self.story]


class Life:
    """One life of one process."""

    store: MemoryStore

    def __init__(self, around: Surroundings, host: str, number: int) -> None:
        self.around = around
        self.host = host
        self.number = number
        self.clock = self.make_clock()
        self.random = around.chance(f"{host}/{number}")
        self.clock.wall_error_s = self.random.choice(WALL_ERRORS_S)
        self.alive = True
        self.driver: Driver[Any, Any, Any] | None = None

    def start(self) -> None:
        """Begin to live."""
        self.around.tell("{} starts its life {}", self.host, self.number)
        unattended(self._start(), self.gave_up)

    async def _start(self) -> None:
        raise NotImplementedError

    def make_clock(self) -> PausingClock:
        """What tells this life the time."""
        return PausingClock(self.around.clock)

    def make_store(self, kind: type[MemoryStore], disk: MemoryDisk) -> MemoryStore:
        """Take hold of a disk, for this life."""
        flush_s = self.random.uniform(*self.random.choice(FLUSHES_S))
        return kind(disk, self.clock, flush_s)

    def crash(self, *, silent: bool = False) -> None:
        """Die at once; ``silent`` is when the machine goes down with it."""
        if not self.alive:
            return
        self.alive = False
        self.clock.end()
        self.lose_unkept()
        self.around.network.crash(self.host, silent=silent)
        ensemble = self.around.ensemble
        if ensemble is not None and not silent:
            ensemble.hang_up(self.host, self.random.choice(LAST_WORDS_S))
        self.around.tell("{} dies", self.host)

    def lose_unkept(self) -> None:
        """Lose what was not flushed, or most of it."""
        self.store.crash(self.random.choice((0, 0, 1, 2)))

    def stand_still(self) -> None:
        """Do nothing and read nothing, as under SIGSTOP."""
        self.clock.paused = True
        self.around.network.freeze(self.host)

    def go_on(self, late_s: float) -> None:
        """Go on where it was; what has come meanwhile is read ``late_s`` later."""
        if self.alive and self.clock.paused:
            self.clock.resume()
            self.clock.callLater(late_s, self.around.network.thaw, self.host)

    def gave_up(self, failure: Failure) -> None:
        """The process ends itself: for a good reason, or because of a bug."""
        if not self.alive:
            return
        # What a dead life said last may arrive after the next one has subscribed.
        usurped = "failed over" in failure.getErrorMessage()
        if not usurped and failure.check(Deposed, StoreFailed) is None:
            story = [] if self.driver is None else self.driver.story("", 12)
            self.around.wrong(f"{self.host} gave up: {failure.getTraceback()}\n" + "\n".join(story))
        self.around.tell("{} gives up: {}", self.host, failure.getErrorMessage())
        self.crash()


class Machine:
    """A machine with an agent: what outlives the agent's process."""

    def __init__(self, around: Surroundings, number: int, resources: str) -> None:
        self.around = around
        self.name = f"a{number}"
        self.ip = f"10.0.0.{number + 1}"
        self.total = Resources.parse(resources)
        self.disk = MemoryDisk()
        self.containers = MemoryHost(around.clock, self._run)
        self._specs: dict[ContainerId, ContainerSpec] = {}
        self.life: AgentLife | None = None
        self.lives = 0

    @property
    def agent_id(self) -> AgentId:
        return AgentId("") if self.life is None else self.life.feed.view.identity.agent_id

    @property
    def running(self) -> dict[ContainerId, ContainerSpec]:
        """Specs of the containers that have not ended."""
        live = self.containers.live
        self._specs = {one: self._specs[one] for one in live if one in self._specs}
        return self._specs

    def start(self) -> AgentLife:
        """Start the agent's process."""
        self.lives += 1
        self.life = AgentLife(self.around, self, self.lives)
        self.life.start()
        return self.life

    def go_down(self) -> None:
        """Lose power: the agent, its containers and all that was not flushed."""
        if self.life is not None:
            self.life.crash(silent=True)
        self.containers.lose_everything()

    def _run(self, spec: ContainerSpec) -> Run:
        if spec.name.startswith("check "):
            return Run(status=EXITED_1 if self.around.clock.seconds() % 3 < 1 else 0)
        self._specs = {**self.running, spec.container_id: spec}
        self.around.checker.launched(self, spec)
        kind, seconds = spec.argv[-1].split()
        self.around.tell("{} runs {} as {}", self.name, spec.name, spec.container_id)
        self.around.busy(self.name)
        match kind:
            case "finish":
                return Run(run_s=float(seconds))
            case "fail":
                return Run(run_s=float(seconds), status=EXITED_1)
            case _ if kind.startswith("fails"):
                attempt = int(spec.environment["CHRONOS_JOB_RUN_ATTEMPT"])
                fails = attempt < int(kind.removeprefix("fails"))
                return Run(run_s=float(seconds), status=EXITED_1 if fails else 0)
            case _:
                return Run(run_s=None, stubborn=spec.name.endswith("0-0"))


@implementer(IPerformer, IFollower)
class AgentLife(Life):
    """An agent over its machine's disk and containers."""

    def __init__(self, around: Surroundings, machine: Machine, number: int) -> None:
        super().__init__(around, machine.name, number)
        self.machine = machine
        self.store = self.make_store(around.parts.agent_store, machine.disk)
        self.feed: Feed[AgentState, Any] = Feed(AgentState())
        self.exchange = Exchange(self.clock, "agent", ("executor",))
        flags = AgentFlags(
            hostname=machine.name,
            ip=machine.ip,
            port=5051,
            version="1.0",
            work_dir=f"/{machine.name}",
            resources=messages_of(machine.total, None),
            switch_user=False,
        )
        nonce = self.random.getrandbits(64).to_bytes(8, "big")
        self.core = around.parts.agent(flags, nonce, self.random.random)
        self.driver = Driver(
            self.clock,
            self.core,
            self.store,
            self.feed,
            self.exchange,
            self,
            self.gave_up,
            checking=True,
        )
        self.exchange.inbox = self.driver
        self.launcher = MemoryLauncher(self.clock, machine.containers, self.driver.tell)
        moods = moody(around.chance(f"{machine.name}/{number}/peers"))
        prober = memory_prober(self.clock, self.driver.tell, moods)
        self._trips = around.chance(f"{machine.name}/{number}/files")
        fetcher = MemoryFetcher(self.clock, self.driver.tell, self._trip)
        self._effects = AgentEffects(self.clock, self.launcher, fetcher, prober, self._quit)

    async def _start(self) -> None:
        assert self.driver is not None
        self.feed.follow(self)
        await self.launcher.start()
        await self.driver.start()
        dialer_of(self, self.exchange).dial(self.around.master_address)

    def crash(self, *, silent: bool = False) -> None:
        self.launcher.crash()
        super().crash(silent=silent)

    def perform(self, effect: object) -> None:
        """Do what only an agent does; part of ``IPerformer``."""
        self._effects.perform(effect)

    def _quit(self, reason: str, failed: bool) -> None:
        self.around.quits(self, reason)

    def _trip(self, spec: FetchSpec) -> Trip:
        self.around.tell("{} fetches for {}", self.host, spec.container_id)
        fault = "no such file" if self._trips.uniform(0, 1) < 0.1 else None
        return Trip(self._trips.choice((0.01, 0.5, 5.0)), fault)

    def changed(self, seq: int, changes: Sequence[object]) -> None:
        """Say in hellos who the agent is now; part of ``IFollower``."""
        identity = self.feed.view.identity
        if identity.epoch != self.exchange.epoch or identity.agent_id != self.exchange.id:
            self.exchange.id, self.exchange.epoch = identity.agent_id, identity.epoch
            self.around.checker.obeys(self.host, identity.epoch)


@implementer(IProtocolFactory)
class Caller:
    """Makes the dialling end of a connection, unless who dialled has died meanwhile."""

    def __init__(self, life: Life, factory: IProtocolFactory) -> None:
        self._life = life
        self._factory = factory

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        return self._factory.buildProtocol(addr) if self._life.alive else None

    def doStart(self) -> None:
        self._factory.doStart()

    def doStop(self) -> None:
        self._factory.doStop()


@implementer(IStreamClientEndpoint)
class MasterEndpoint:
    """Whatever host answers for the master at the moment of dialling."""

    def __init__(self, life: Life, host: str) -> None:
        self._life, self._host = life, host

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        life = self._life
        to_host = life.around.network.endpoint_from(life.host)
        answering = life.around.answering(life.host, self._host)
        return to_host(answering, 0).connect(Caller(life, protocolFactory))


def _itself(_dialler: str, host: str = "nobody") -> str:
    return host


def endpoints(life: Life) -> Callable[[str, int], IStreamClientEndpoint]:
    """How a process reaches a master."""
    return lambda host, _port: MasterEndpoint(life, host)


def dialer_of(life: Life, exchange: Exchange) -> IDialer:
    """What a process dials the leading master with."""
    return life.around.finding(life, Dialer(life.clock, exchange, life.random, endpoints(life)))
