"""Masters of a simulated cluster: one after the other, or several at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol

from zope.interface import implementer

from mesostw.bus.doorway import Doorway
from mesostw.bus.exchange import Exchange
from mesostw.core.master.changes import OfferMade
from mesostw.core.master.flags import MasterFlags
from mesostw.core.master.machine import Master
from mesostw.core.master.state import ClusterState
from mesostw.driver import Driver
from mesostw.feed.changes import Feed
from mesostw.interfaces import IFollower, IPerformer, IStore
from mesostw.messages.masters import MasterInfo
from mesostw.model.ids import AgentId
from mesostw.store.memory import MemoryDisk
from mesostw.testing.lives import Life, Machine, Surroundings
from mesostw.testing.programs import IProgram


@implementer(IPerformer)
class NothingOfItsOwn:
    """A master's core has no effects beside those that every driver performs."""

    def perform(self, effect: object) -> None:
        raise AssertionError(f"nobody performs {effect!r}")


@implementer(IFollower)
class MasterLife(Life):
    """
    A master.

    :param look: called with each agent of which something is offered.
    """

    def __init__(
        self,
        around: Surroundings,
        host: str,
        number: int,
        look: Callable[[MasterLife, AgentId], None],
    ) -> None:
        super().__init__(around, host, number)
        self.feed: Feed[ClusterState, Any] = Feed(ClusterState())
        self._look = look
        self.core: Master | None = None
        self.master_id = f"M{number}"

    def build(
        self, info: MasterInfo, epoch: int, store: IStore, exchange: Exchange
    ) -> Driver[Any, Any, Any]:
        """Put core and driver together."""
        core = self.core = self.around.parts.master(
            self.master_id, MasterFlags(info=info), epoch, self.random
        )
        driver = self.driver = Driver(
            self.clock,
            core,
            store,
            self.feed,
            exchange,
            NothingOfItsOwn(),
            self.gave_up,
            checking=True,
        )
        exchange.id = self.master_id
        self.feed.follow(self)
        return driver

    def changed(self, seq: int, changes: Sequence[object]) -> None:
        """Have each agent looked at of which something is offered; part of ``IFollower``."""
        for change in changes:
            if type(change) is OfferMade:
                self._look(self, change.offer.agent_id)
                self.around.busy(self.host)


class LoneMaster(MasterLife):
    """A master over its own registry, which leads from the start."""

    def __init__(
        self,
        around: Surroundings,
        host: str,
        number: int,
        disk: MemoryDisk,
        look: Callable[[MasterLife, AgentId], None],
    ) -> None:
        super().__init__(around, host, number, look)
        self.store = self.make_store(around.parts.master_store, disk)

    async def _start(self) -> None:
        exchange = Exchange(self.clock, "master", ("agent", "framework"))
        stored = await self.store.read()
        info = MasterInfo(id=self.master_id, ip=0, port=5050, hostname=self.host)
        driver = self.build(info, stored.epoch, self.store, exchange)
        exchange.inbox = driver
        exchange.epoch = stored.epoch
        await driver.start(stored)
        self.around.network.listen(self.host, Doorway(exchange))


class IMasters(Protocol):
    """Who leads a cluster, and who did or would."""

    @property
    def leader(self) -> MasterLife:
        """Who leads, or led last, alive or not."""

    def leading(self) -> ClusterState | None:
        """What readers of the leader see; nothing while it is dead."""

    def living(self) -> list[MasterLife]:
        """Every master that lives."""

    def keepers(self) -> list[Life]:
        """Masters that have a disk of their own."""

    def start_dead(self) -> None:
        """Start what has to live."""

    def start_all(self) -> None:
        """Mend what a storm has left."""

    def looked_at(self) -> None:
        """Some seconds have passed since the storm."""

    def unrest(self) -> list[str]:
        """What is not yet as it should be."""


class ICluster(Protocol):
    """A cluster as those see it that live in it, ask it for something, or make it trouble."""

    @property
    def around(self) -> Surroundings:
        """Its time, its network, and what is told of it."""

    @property
    def machines(self) -> Sequence[Machine]:
        """Where its agents are."""

    @property
    def programs(self) -> Sequence[IProgram]:
        """What runs on it."""

    @property
    def endless(self) -> frozenset[str]:
        """Tasks that an operator has to end."""

    @property
    def loses_agents(self) -> bool:
        """Whether an operator may give agents up for good."""

    @property
    def leader(self) -> MasterLife:
        """Who leads, or led last, alive or not."""

    def lives(self) -> list[Life]:
        """Every process that lives."""

    def daemons(self) -> list[Life]:
        """Processes that keep something and start again if they cannot."""

    def clients(self) -> list[str]:
        """Hosts that dial the master."""

    def offered(self, master: MasterLife, agent_id: AgentId) -> None:
        """Look at an agent of which something is offered."""

    def start_dead(self) -> None:
        """Start masters, agents and frameworks that are dead."""

    def start_all(self) -> None:
        """Have all live that should."""


class OneMaster:
    """
    One master after the other; one that lives on is deposed by its successor.

    :param chance: who is found by those who dial.
    """

    def __init__(
        self,
        around: Surroundings,
        chance: Random,
        look: Callable[[MasterLife, AgentId], None],
    ) -> None:
        self._around, self._chance, self._look = around, chance, look
        self._registry = MemoryDisk()
        self._lives: list[LoneMaster] = []
        around.answering = self._answering

    @property
    def leader(self) -> MasterLife:
        return self._lives[-1]

    def leading(self) -> ClusterState | None:
        return self.leader.feed.view if self._lives and self.leader.alive else None

    def living(self) -> list[MasterLife]:
        return [one for one in self._lives if one.alive]

    def keepers(self) -> list[Life]:
        return [self.leader]

    def start(self) -> None:
        """Start another master; one that lives is deposed by that, and will find out."""
        number = len(self._lives) + 1
        host = f"m{number}"
        master = LoneMaster(self._around, host, number, self._registry, self._look)
        self._lives.append(master)
        master.start()

    def start_dead(self) -> None:
        if not self._lives or not self.leader.alive:
            self.start()

    def start_all(self) -> None:
        for master in self._lives[:-1]:
            master.crash()

    def looked_at(self) -> None:
        """One alone forgets nothing that its checks do not see."""

    def unrest(self) -> list[str]:
        return []

    def _answering(self, dialler: str, _host: str = "") -> str:
        """Who is found by a dialler: mostly who leads, at times who led before and lives."""
        others = [one for one in self._lives[:-1] if one.alive]
        if others and dialler.startswith("a") and self._chance.uniform(0, 1) < 0.5:
            return others[-1].host
        return self.leader.host
