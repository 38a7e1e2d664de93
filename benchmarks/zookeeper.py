"""
What the ZooKeeper bridge carries, beside plain kazoo on the same server.

One at a time, many in flight, and twenty to a transaction: 200 bytes a value against one
Debian server.  Each figure is a median of rounds that take turns; CPU is this process's own.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from kazoo.client import KazooClient
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread

from mesostw.interfaces import IZooSession
from mesostw.model.zkurl import ZkUrl
from mesostw.model.zookeeper import SetData
from mesostw.testing.zookeeper.server import ZooKeeperServer
from mesostw.zookeeper.ensemble import KazooEnsemble

reactor: Any = global_reactor

#: The demand of the project: small changes a second, pipelined.
SETS_PER_S_MIN: Final = 2_000
VALUE: Final = b"x" * 200
NODES: Final = 40
WINDOW: Final = 256
GROUP: Final = 20
PATHS: Final = [f"/n{number}" for number in range(NODES)]


class Bridge:
    """Ours."""

    def __init__(self, session: IZooSession) -> None:
        self._session = session

    async def one_by_one(self, count: int) -> None:
        """Each after the one before."""
        for number in range(count):
            await self._session.set(PATHS[number % NODES], VALUE)

    async def reads_one_by_one(self, count: int) -> None:
        """Each after the one before."""
        for number in range(count):
            await self._session.get(PATHS[number % NODES])

    async def pipelined(self, count: int) -> None:
        """``WINDOW`` in flight."""
        await windowed(count, lambda n: self._session.set(PATHS[n % NODES], VALUE))

    async def reads_pipelined(self, count: int) -> None:
        """``WINDOW`` in flight."""
        await windowed(count, lambda n: self._session.get(PATHS[n % NODES]))

    async def grouped(self, count: int) -> None:
        """``GROUP`` to a transaction, 16 transactions in flight."""
        group = [SetData(path, VALUE) for path in PATHS[:GROUP]]
        await windowed(count // GROUP, lambda _: self._session.multi(group), 16)


async def windowed(count: int, ask: Callable[[int], Deferred[Any]], window: int = WINDOW) -> None:
    """Ask ``count`` times, ``window`` at a time: the next batch when half of one is back."""
    under_way: list[Deferred[Any]] = []
    for number in range(count):
        under_way.append(ask(number))
        if len(under_way) == window:
            await gatherResults(under_way[: window // 2])
            del under_way[: window // 2]
    await gatherResults(under_way)


class Plain:
    """Kazoo with its stock handler, in a thread as its users have it."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def one_by_one(self, count: int) -> None:
        """Each after the one before."""
        for number in range(count):
            self._client.set(PATHS[number % NODES], VALUE)

    def reads_one_by_one(self, count: int) -> None:
        """Each after the one before."""
        for number in range(count):
            self._client.get(PATHS[number % NODES])

    def pipelined(self, count: int) -> None:
        """``WINDOW`` in flight."""
        self._windowed(count, lambda n: self._client.set_async(PATHS[n % NODES], VALUE))

    def reads_pipelined(self, count: int) -> None:
        """``WINDOW`` in flight."""
        self._windowed(count, lambda n: self._client.get_async(PATHS[n % NODES]))

    def grouped(self, count: int) -> None:
        """``GROUP`` to a transaction, 16 transactions in flight."""
        self._windowed(count // GROUP, lambda _: self._transaction(), 16)

    def _transaction(self) -> Any:
        transaction = self._client.transaction()
        for path in PATHS[:GROUP]:
            transaction.set_data(path, VALUE)
        return transaction.commit_async()

    @staticmethod
    def _windowed(count: int, ask: Callable[[int], Any], window: int = WINDOW) -> None:
        under_way: list[Any] = []
        for number in range(count):
            under_way.append(ask(number))
            if len(under_way) == window:
                for one in under_way[: window // 2]:
                    one.get()
                del under_way[: window // 2]
        for one in under_way:
            one.get()


def in_thread(work: Callable[[int], None]) -> Callable[[int], Deferred[None]]:
    """``work``, in a thread."""
    return lambda count: deferToThread(work, count)


async def timed(work: Callable[[int], Awaitable[None]], count: int) -> tuple[float, float]:
    """Operations a second, and microseconds of CPU each."""
    began, cpu = time.perf_counter(), time.process_time()
    await work(count)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    return count / seconds, cpu_s / count * 1e6


async def measure(server: ZooKeeperServer, rounds: int, share: float) -> bool:
    """Print every figure; whether the demand was met."""
    host, port = server.address.split(":")
    url = ZkUrl(((host, int(port)),), "/bench")
    session = await KazooEnsemble(url, reactor, reactor.callFromThread).connect(lambda _: None)
    for path in PATHS:
        await session.create(path)
    client = KazooClient(f"{server.address}/bench")
    await deferToThread(client.start)
    bridge, plain = Bridge(session), Plain(client)
    met = True
    for name, size in (
        ("one_by_one", 1_000),
        ("reads_one_by_one", 1_000),
        ("pipelined", 8_000),
        ("reads_pipelined", 8_000),
        ("grouped", 40_000),
    ):
        count = int(size * share)
        ours, theirs = [], []
        threaded = in_thread(getattr(plain, name))
        for _ in range(rounds):
            ours.append(await timed(getattr(bridge, name), count))
            theirs.append(await timed(threaded, count))
        rate, cpu = (statistics.median(column) for column in zip(*ours, strict=True))
        rate_, cpu_ = (statistics.median(column) for column in zip(*theirs, strict=True))
        print(
            f"{name:17} {rate:8.0f}/s {cpu:5.0f} us   plain kazoo {rate_:8.0f}/s {cpu_:5.0f} us"
            f"   {rate / rate_:.1f} times as many, {cpu_ / cpu:.1f} times less CPU"
        )
        if name == "pipelined":
            met = rate >= SETS_PER_S_MIN
            print(f"  demand: {SETS_PER_S_MIN}/s: {'met' if met else 'NOT MET'}")
    await deferToThread(client.stop)
    await session.close()
    return met


def main() -> int:
    """Measure; 0 if the demand was met."""
    parser = argparse.ArgumentParser(prog="benchmarks.zookeeper", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, for a first look")
    options = parser.parse_args()
    server = ZooKeeperServer(tick_ms=2_000)
    met: list[bool] = []

    async def run() -> None:
        try:
            met.append(
                await measure(server, 1 if options.quick else 5, 0.25 if options.quick else 1.0)
            )
        finally:
            reactor.stop()

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(run()))
    reactor.run()
    server.remove()
    return int(met != [True])


if __name__ == "__main__":
    sys.exit(main())
