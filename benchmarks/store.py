"""
Small changes kept a second: in a file, and in ZooKeeper; one by one and many under way.

Each append is one record of 200 bytes of 1,000 keys, as a turn's would be.  The yardstick is
plain ``kazoo`` setting nodes of the same size, as many of them under way.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from kazoo.client import KazooClient
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread

from mesostw.interfaces import IStore
from mesostw.model.zkurl import parse
from mesostw.reactor_time import ReactorClock
from mesostw.store.sqlite import SqliteStore
from mesostw.store.zookeeper import ZooKeeperStore
from mesostw.testing.zookeeper.server import ZooKeeperServer
from mesostw.zookeeper.ensemble import KazooEnsemble

reactor: Any = global_reactor

VALUE: Final = b"x" * 200
KEYS: Final = 1_000
WINDOW: Final = 256
#: The demand of the project, against one server.
CHANGES_PER_S_MIN: Final = 2_000


async def rate(store: IStore, epoch: int, count: int, window: int) -> float:
    """Appends a second, with ``window`` of them under way."""
    began = time.perf_counter()
    under_way: list[Deferred[None]] = []
    for number in range(count):
        under_way.append(store.append([(f"k{number % KEYS}", VALUE)], epoch))
        if len(under_way) == window:
            await gatherResults(under_way)
            under_way.clear()
    await gatherResults(under_way)
    return count / (time.perf_counter() - began)


def plain(address: str, count: int) -> float:
    """Kazoo's own sets a second."""
    client = KazooClient(address)
    client.start()
    client.create("/plain", VALUE)
    began = time.perf_counter()
    for _ in range(count // WINDOW):
        for answer in [client.set_async("/plain", VALUE) for _ in range(WINDOW)]:
            answer.get()
    seconds = time.perf_counter() - began
    client.stop()
    client.close()
    return count // WINDOW * WINDOW / seconds


async def measured(zookeeper: ZooKeeperServer, directory: Path, count: int) -> bool:
    """Measure and print; whether the demand was missed."""
    bare = await deferToThread(plain, zookeeper.address, count)
    print(f"yardstick: plain kazoo, {WINDOW} sets under way: {bare:.0f} a second")
    url = parse(f"zk://{zookeeper.address}/bench")
    ensemble = KazooEnsemble(url, reactor, reactor.callFromThread)
    session = await ensemble.connect(lambda _state: None)
    kept = ZooKeeperStore("/store", ReactorClock(reactor))
    kept.use(session)
    stores: dict[str, IStore] = {
        "sqlite": SqliteStore(str(directory / "store.db"), reactor.callFromThread),
        "ZooKeeper": kept,
    }
    many = 0.0
    for name, store in stores.items():
        epoch = (await store.read()).epoch
        alone = await rate(store, epoch, count // 20, 1)
        many = await rate(store, epoch, count, WINDOW)
        print(
            f"{name}: one by one {alone:.0f} a second; {WINDOW} under way {many:.0f} a second, "
            f"{many / bare:.1f} x plain kazoo"
        )
        await store.close()
    await session.close()
    missed = many < CHANGES_PER_S_MIN
    print(f"demand of ZooKeeper {CHANGES_PER_S_MIN} a second{': NOT MET' if missed else ''}")
    return missed


def main(*, quick: bool = False) -> int:
    """Measure and print; whether a demand was missed."""
    missed: list[bool] = []

    async def work() -> None:
        with tempfile.TemporaryDirectory(prefix="mesostw-bench-") as name:
            try:
                missed.append(await measured(zookeeper, Path(name), 5_000 if quick else 50_000))
            finally:
                reactor.stop()

    zookeeper = ZooKeeperServer()
    try:
        reactor.callWhenRunning(lambda: Deferred.fromCoroutine(work()))
        reactor.run()
    finally:
        zookeeper.remove()
    return int(missed != [False])


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv))
