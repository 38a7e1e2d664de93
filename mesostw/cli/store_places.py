"""Where what a daemon has to remember is kept: in a file, or in ZooKeeper."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from attrs import frozen
from msgspec import Struct
from msgspec.structs import replace
from twisted.internet.defer import TimeoutError as GivenUpWaiting

from mesostw.cli.peer import ClusterError
from mesostw.core.agent.machine import Agent
from mesostw.core.chronos.machine import Chronos
from mesostw.core.marathon.machine import Marathon
from mesostw.core.master.machine import Master
from mesostw.daemons.work_dir import Taken, claim
from mesostw.interfaces import Deposed, IZooSession, Stored, StoreFailed
from mesostw.model.zkurl import SCHEME, ZkUrl, ZkUrlRefused, parse
from mesostw.model.zookeeper import ZooKeeperFault, under
from mesostw.reactor_time import ReactorClock
from mesostw.store import sqlite, zklog
from mesostw.store.zookeeper import ZooKeeperStore
from mesostw.zookeeper.ensemble import KazooEnsemble

#: How long a ZooKeeper that does not answer is asked.
PATIENCE_S: Final = 15.0


@frozen
class Role:
    """A daemon whose memory this is."""

    #: The types of its records, by the first part of their keys.
    records: Mapping[str, type[Struct]]
    #: Its file in a work directory, and its node below the path of its URL.
    file: str
    node: str


ROLES: Final[Mapping[str, Role]] = {
    "master": Role(Master.RECORDS, "registry.db", "/registry"),
    "marathon": Role(Marathon.RECORDS, "marathon.db", "/store"),
    "chronos": Role(Chronos.RECORDS, "chronos.db", "/store"),
    "agent": Role(Agent.RECORDS, "meta/agent.db", ""),
}


class Place(Protocol):
    """Somewhere that a store is, or may be."""

    async def peek(self) -> Stored | None:
        """
        What is kept, read beside whoever writes it; ``None`` if there is nothing.

        :raises ClusterError: it cannot be read.
        """

    async def put(self, stored: Stored) -> int:
        """
        Keep this instead of all that is there, under an epoch that is no older; gives that.

        :raises ClusterError: it cannot be written.
        """


@frozen
class File:
    """A file in a daemon's directory, whose daemon must not run when it is written."""

    path: Path

    async def peek(self) -> Stored | None:
        """Read the file."""
        if not self.path.exists():
            return None
        try:
            return sqlite.peek(str(self.path))
        except StoreFailed as fault:
            raise ClusterError(str(fault)) from fault

    async def put(self, stored: Stored) -> int:
        """Write the file in one transaction."""
        try:
            claim(self.path.parent)
            database = sqlite.Database(str(self.path))
        except Taken as fault:
            raise ClusterError(f"{self.path}: stop its daemon first: {fault}") from fault
        except (OSError, StoreFailed) as fault:
            raise ClusterError(f"{self.path}: {fault}") from fault
        old = database.take_over()
        epoch = database.raise_epoch(stored.epoch + 1)
        gone = [(key, None) for key in old.records.keys() - stored.records.keys()]
        (fault_or_none,) = database.keep([([*gone, *stored.records.items()], epoch)])
        database.close()
        if isinstance(fault_or_none, Exception):
            raise ClusterError(f"{self.path}: {fault_or_none}")
        return epoch


@frozen
class Node:
    """A node in ZooKeeper; whoever leads is deposed when it is written."""

    url: ZkUrl
    #: Below the path of the URL.
    node: str
    reactor: Any

    @property
    def root(self) -> str:
        """The node, seen from the top."""
        return under(self.url.path, self.node)

    async def peek(self) -> Stored | None:
        """Read the log below the node."""
        session = await self._session()
        try:
            return await zklog.peek(session, self.root)
        except (StoreFailed, ZooKeeperFault) as fault:
            raise ClusterError(f"{self.url}: {fault}") from fault
        finally:
            await session.close()

    async def put(self, stored: Stored) -> int:
        """Take the store over, and change it in one group."""
        session = await self._session()
        store = ZooKeeperStore(self.root, ReactorClock(self.reactor), stored.epoch + 1)
        store.use(session)
        try:
            old = await store.read()
            gone = [(key, None) for key in old.records.keys() - stored.records.keys()]
            await store.append([*gone, *stored.records.items()], old.epoch)
            await store.close()
        except (Deposed, StoreFailed, ZooKeeperFault) as fault:
            raise ClusterError(f"{self.url}: {fault}") from fault
        finally:
            await session.close()
        return old.epoch

    async def _session(self) -> IZooSession:
        # At the top: a session makes the nodes that its URL names, and reading makes none.
        top = replace(self.url, path="/")
        ensemble = KazooEnsemble(top, self.reactor, self.reactor.callFromThread)
        connecting = ensemble.connect(lambda _state: None)
        try:
            return await connecting.addTimeout(PATIENCE_S, self.reactor)
        except GivenUpWaiting as fault:
            reason = f"{self.url} does not answer within {PATIENCE_S:g} seconds"
            raise ClusterError(reason) from fault
        except ZooKeeperFault as fault:
            raise ClusterError(f"{self.url}: {fault}") from fault


def place_of(text: str, role: str, reactor: Any) -> Place:
    """
    Find where a text means: ``zk://...`` as a daemon's flag has it, a file, or a directory.

    :raises ClusterError: it means nothing.
    """
    known = ROLES[role]
    if text.startswith(SCHEME):
        if not known.node:
            raise ClusterError("agents keep what they know in their work directory")
        try:
            return Node(parse(text, "place"), known.node, reactor)
        except ZkUrlRefused as fault:
            raise ClusterError(str(fault)) from fault
    path = Path(text)
    return File(path / known.file if path.is_dir() else path)
