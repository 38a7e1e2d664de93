"""
Several masters of a simulated cluster, one of which leads, over an ensemble in memory.

Seat, candidacy, store and dialling are the real ones; of ZooKeeper only the servers and the
links to them are of ``mesostw.testing``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mesostw.bus.doorway import Doorway
from mesostw.bus.exchange import Exchange
from mesostw.core.master.records import AgentState
from mesostw.core.master.state import ClusterState
from mesostw.daemons.reign import begin
from mesostw.daemons.seat import OURSELVES, Hooks, unwelcome
from mesostw.interfaces import IDialer, IZooKeeper, IZooSession
from mesostw.messages.machines import Address
from mesostw.messages.masters import MasterInfo
from mesostw.model.ids import LinkId
from mesostw.model.tasks import TERMINAL
from mesostw.model.zkurl import ZkUrl
from mesostw.model.zookeeper import Operation, SessionState
from mesostw.store.memory import MemoryDisk
from mesostw.testing.lives import AgentLife, Life
from mesostw.testing.masters import ICluster, MasterLife
from mesostw.testing.operators import Operator
from mesostw.testing.quorum import Quorum
from mesostw.testing.reigns import Reigns
from mesostw.testing.zookeeper.client import MemoryZooKeeper
from mesostw.testing.zookeeper.ensemble import Ensemble
from mesostw.unattended import unattended
from mesostw.zookeeper.dialing import LeaderDialer
from mesostw.zookeeper.election import MASTERS
from mesostw.zookeeper.masters import address_of, announced

#: Below which masters are elected, and where they keep the registry, seen from there.
ROOT: Final = "/mesos"
REGISTRY: Final = "/registry"
#: What agents and frameworks dial.
ADDRESS: Final = f"zk://zk:2181{ROOT}"
#: How long the ensemble waits for a master.
SESSION_S: Final = 4.0
#: How long a supervisor waits before it starts a process again that has ended itself.
RESTART_S: Final = (0.5, 3.0)
#: How long a process may take to stop as it was asked to.
STOP_S_MAX: Final = 5.0
#: When after a master goes on it is looked at what it believes.
LOOKS_S: Final = (0.0, 0.005, 0.02, 0.1, 0.4)


class Reach(MemoryZooKeeper):
    """The ensemble as one master reaches it."""

    session: IZooSession | None = None

    def connect(self, listener: Callable[[SessionState], None]) -> Deferred[IZooSession]:
        return super().connect(listener).addCallback(self._opened)

    def _opened(self, session: IZooSession) -> IZooSession:
        self.session = session
        return session


class WatchedExchange(Exchange):
    """Shows each time when something is said."""

    said: Callable[[], None]

    def send(self, link: LinkId, messages: Sequence[Struct]) -> None:
        self.said()
        super().send(link, messages)


class Candidate(MasterLife):
    """A master that would lead, over a registry in ZooKeeper."""

    def __init__(self, cluster: ICluster, masters: SeveralMasters, host: str, number: int) -> None:
        around = cluster.around
        super().__init__(around, host, number, cluster.offered)
        self._masters = masters
        self.reach = Reach(masters.ensemble, self.clock, host, ROOT, timeout_s=SESSION_S)
        self.seat = around.parts.seat(
            self.reach,
            self.clock,
            MASTERS,
            around.parts.zookeeper_store(REGISTRY, self.clock),
            address_of,
            Hooks(self._hold, self._lose),
        )
        #: The epoch that it leads under; 0 before it does.
        self.epoch = 0

    @property
    def session(self) -> IZooSession | None:
        """Its session with the ensemble, once it has one."""
        return self.reach.session

    async def _start(self) -> None:
        exchange = WatchedExchange(self.clock, "master", ("agent", "framework"))
        exchange.said = lambda: self._masters.reigns.acts(self)
        exchange.unwelcome = partial(unwelcome, self.seat)
        info = MasterInfo(
            id=self.master_id,
            ip=0,
            port=5050,
            hostname=self.host,
            address=Address(hostname=self.host, port=5050),
        )
        driver = self.build(info, 0, self.seat.store, exchange)
        assert self.core is not None
        self.around.network.listen(self.host, Doorway(exchange))
        await self.seat.win(announced(info))
        self.around.tell("{} is elected", self.host)
        self.around.busy(self.host)
        self.epoch = await begin(self.seat.store, self.core, driver, exchange)
        self._masters.began(self)

    def _hold(self, held: bool) -> None:
        self.around.tell("{} {}", self.host, "is held" if held else "goes on")
        if self.driver is not None:
            self.driver.hold(held=held)

    def _lose(self, reason: str) -> None:
        if self.alive:
            self.around.tell("{} leads no more: {}", self.host, reason)
            self.crash()
            self._masters.restart_later()

    def gave_up(self, failure: Failure) -> None:
        super().gave_up(failure)
        self._masters.restart_later()

    def lose_unkept(self) -> None:
        """What it has sent may arrive yet; see ``Ensemble.hang_up``."""

    def stop(self) -> None:
        """End as an operator has it end: give up the seat so that the next need not wait."""
        unattended(self._stop(), self.gave_up)
        self.around.clock.callLater(STOP_S_MAX, self.crash)

    async def _stop(self) -> None:
        if self.driver is not None:
            await self.driver.stop()
        await self.seat.leave()
        self.crash()


class SeveralMasters:
    """Masters on hosts of their own, beside the servers of the ensemble."""

    def __init__(self, cluster: ICluster, count: int) -> None:
        self._cluster = cluster
        around = self._around = cluster.around
        self.hosts = [f"m{number + 1}" for number in range(count)]
        self.ensemble = around.ensemble = Ensemble(around.clock, around.seed)
        self.ensemble.done = self._done
        self.quorum = Quorum(around.network, self.ensemble, self.hosts, self._clients)
        self.reigns = Reigns(around, SESSION_S)
        self.operator = Operator(cluster, self.believers, around.chance("operator"))
        self._chance = around.chance("masters")
        self._lives: dict[str, Candidate] = {}
        self._started = 0
        self._led: Candidate | None = None
        self._missing: dict[tuple[str, str], int] = {}
        around.master_address = ADDRESS
        around.finding = self._finding
        around.answering = self._answering
        around.quits = self._quits

    def _clients(self) -> Sequence[str]:
        return [*self.hosts, *self._cluster.clients()]

    def _finding(self, life: Life, dialer: IDialer) -> IDialer:
        def ensemble_of(url: ZkUrl) -> IZooKeeper:
            return MemoryZooKeeper(self.ensemble, life.clock, life.host, url.path, None, SESSION_S)

        return LeaderDialer(dialer, life.clock, ensemble_of)

    def _answering(self, dialler: str, host: str = "") -> str:
        """Who is found where one leads: at times one that did, as by who asks a slow server."""
        if not host:
            return self.leader.host
        others = [one.host for one in self.believers() if one.host != host]
        if others and dialler.startswith("a") and self._chance.uniform(0, 1) < 0.5:
            return others[0]
        return host

    # --- who is there ---------------------------------------------------------------

    @property
    def leader(self) -> Candidate:
        return self._lives[self.hosts[0]] if self._led is None else self._led

    def leading(self) -> ClusterState | None:
        return self._led.feed.view if self._led is not None and self._led.alive else None

    def living(self) -> list[MasterLife]:
        return [one for one in self._lives.values() if one.alive]

    def first(self) -> tuple[str, Candidate | None]:
        """The node that is first in the election, and the living master that has it."""
        nodes = self.ensemble.tree.nodes
        names = nodes[ROOT].children if ROOT in nodes else ()
        name = min((one for one in names if one.startswith("json.info_")), default="")
        owner = nodes[f"{ROOT}/{name}"].owner if name else None
        for one in self._lives.values():
            if one.alive and one.session is not None and one.session.session_id == owner:
                return name, one
        return name, None

    def believers(self) -> list[Candidate]:
        """Every living one that believes to lead."""
        alive = [one for one in self._lives.values() if one.alive and one.epoch]
        return [one for one in alive if one.seat.leader == OURSELVES]

    def keepers(self) -> list[Life]:
        return []

    def start_dead(self) -> None:
        if not self._lives:
            self.operator.begin()
        for host in self.hosts:
            if host not in self._lives or not self._lives[host].alive:
                self._started += 1
                self._lives[host] = Candidate(self._cluster, self, host, self._started)
                self._lives[host].start()

    def start_all(self) -> None:
        self.operator.be_calm()

    def restart_later(self) -> None:
        """A process has ended itself: its supervisor starts it again."""
        self._around.clock.callLater(self._chance.uniform(*RESTART_S), self.start_dead)

    # --- what is to be true -------------------------------------------------------------

    def _done(self, session: int, operations: Sequence[Operation]) -> None:
        for life in self._lives.values():
            if life.session is not None and life.session.session_id == session:
                self._around.busy(life.host)
        self.reigns.written(session, f"{ROOT}{REGISTRY}", operations)
        self._look_at_memories()

    def look_at_memories(self) -> None:
        """Somebody has just gone on: have a look at once, and soon."""
        for after_s in LOOKS_S:
            self._around.clock.callLater(after_s, self._look_at_memories)

    def _look_at_memories(self) -> None:
        """Nobody takes what it remembers for true while another leads."""
        for life in self.believers():
            self.reigns.reads(life)

    def began(self, life: Candidate) -> None:
        """A master leads: it knows whatever anybody was told."""
        around = self._around
        around.tell("{} leads under epoch {}", life.host, life.epoch)
        if not self.reigns.began(life):
            return
        self._led = life
        assert life.core is not None
        state = life.core.state
        for reason in self.operator.lost(life.core):
            around.wrong(f"{life.host}: {reason}")
        for machine in self._cluster.machines:
            if machine.agent_id and machine.agent_id not in state.agents:
                around.wrong(f"{life.host} does not know {machine.name}, {machine.agent_id}")
        for program in self._cluster.programs:
            if program.framework_id and program.framework_id not in state.frameworks:
                around.wrong(f"{life.host} does not know {program.name}, {program.framework_id}")
        around.busy(life.host)

    def looked_at(self) -> None:
        """Complain about tasks that an agent has and the leader does not, look after look."""
        led = self._led
        before, self._missing = self._missing, {}
        if led is None or not led.alive or led.core is None:
            return
        for machine in self._cluster.machines:
            agent = led.core.state.agents.get(machine.agent_id)
            if machine.life is None or agent is None or agent.state is not AgentState.ACTIVE:
                continue
            for key, task in machine.life.core.state.tasks.items():
                if key not in led.core.state.tasks and task.state not in TERMINAL:
                    self._missing[key] = led.number
                    if before.get(key) == led.number:
                        self._around.wrong(f"{led.host} has forgotten {key} of {machine.name}")

    def unrest(self) -> list[str]:
        led = self._led
        if led is None or led not in self.believers() or led.core is None:
            return ["no master leads"]
        return [*self.operator.lost(led.core), *self.operator.left_over(led.core)]

    def _quits(self, life: AgentLife, reason: str) -> None:
        """An agent that was given up ends, and its machine comes back as a new one."""
        machine, around = life.machine, self._around
        if machine.agent_id not in self.operator.gone:
            around.wrong(f"{life.host} quits: {reason}")
            return
        around.tell("{} quits for good: {}", life.host, reason)
        life.crash()
        machine.containers.lose_everything()
        machine.disk = MemoryDisk()
        around.checker.anew(machine.name)
        around.clock.callLater(self._chance.uniform(*RESTART_S), self._cluster.start_dead)
