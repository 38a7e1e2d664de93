"""
How punctual 2,500 HTTP probes each 30 s are, and what they cost.

The server is a process of its own and only looks at its clock: it tells how far apart the
probes of each path came.  OpenStack measured Marathon with 2,500 containers asked each 30 s:
the interval was off by 20 ms on average, by 40 ms in the 95th percentile, by 120 ms at most.
The yardstick is the same server asked by twisted.web's ``Agent``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.web.client import Agent, readBody

from mesostw.core.probes import Probed, ProbeKey, ProbeKind, ProbeSpec
from mesostw.probing.network import network_prober
from mesostw.reactor_time import ReactorClock

reactor: Any = global_reactor

PROBES: Final = 2_500
INTERVAL_S: Final = 30.0
#: The demands of the project.
DEVIATION_S_P95_MAX: Final = 0.040
SHARE_MAX: Final = 0.15
#: Answers of the yardstick.
YARDSTICK_ANSWERS: Final = 1_000
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Service(Protocol):
    """Writes down when each path was asked for."""

    transport: Any
    factory: Any

    def dataReceived(self, data: bytes) -> None:
        """Answer, at once or with what was written down."""
        path = data.split(b" ", 2)[1].decode()
        if path == "/report":
            body = json.dumps(self.factory.came).encode()
            head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            self.transport.write(head + body)
        else:
            self.factory.came[path].append(time.monotonic())
            self.transport.write(ANSWER)
        self.transport.loseConnection()


class Services(Factory):
    """All that is asked, behind one port."""

    protocol = Service
    noisy = False

    def __init__(self) -> None:
        self.came: dict[str, list[float]] = defaultdict(list)


def serve() -> None:
    """Answer on a port that is printed, until killed."""
    listening = reactor.listenTCP(0, Services(), backlog=1024, interface="127.0.0.1")
    print(listening.getHost().port, flush=True)
    reactor.run()


def cpu_s() -> float:
    """Seconds of processor time that this process has used."""
    tasks = Path("/proc/self/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def after(seconds: float) -> Deferred[None]:
    """Fires later."""
    later: Deferred[None] = deferLater(reactor, seconds, lambda: None)
    return later


async def probe(port: int, count: int, interval_s: float, rounds: int) -> tuple[float, int]:
    """Probe so many paths for so many rounds; the share of a processor, and what went wrong."""
    failed = 0

    def tell(findings: Any) -> None:
        nonlocal failed
        one: Probed
        for one in findings:
            failed += one.status != 200

    prober = network_prober(reactor, ReactorClock(reactor), tell)
    for number in range(count):
        spec = ProbeSpec(
            kind=ProbeKind.HTTP,
            host="127.0.0.1",
            port=port,
            path=f"/{number}",
            delay_s=min(interval_s, 5.0),
            interval_s=interval_s,
            timeout_s=20.0,
        )
        prober.start(ProbeKey(str(number)), spec)
    # The first round, with all its starting, is not what goes on for days.
    await after(min(interval_s, 5.0) + interval_s)
    before, started = cpu_s(), time.monotonic()
    await after(interval_s * rounds)
    share = (cpu_s() - before) / (time.monotonic() - started)
    prober.close()
    return share, failed


async def by_agent(port: int, count: int) -> float:
    """Processor seconds of one answer that twisted.web's client brings."""
    agent = Agent(reactor)
    before = cpu_s()
    for number in range(count):
        answer = await agent.request(b"GET", f"http://127.0.0.1:{port}/y{number}".encode())
        await readBody(answer)
    return (cpu_s() - before) / count


async def report(port: int) -> dict[str, list[float]]:
    """What the server has written down."""
    answer = await Agent(reactor).request(b"GET", f"http://127.0.0.1:{port}/report".encode())
    came: dict[str, list[float]] = json.loads(await readBody(answer))
    return came


def deviations(came: dict[str, list[float]], interval_s: float) -> list[float]:
    """How far from the interval each two probes of a path came, in order of size."""
    found = []
    for path, times in came.items():
        if not path.startswith("/y"):
            found += [abs(later - one - interval_s) for one, later in pairwise(times)]
    return sorted(found)


async def measure(port: int, *, quick: bool) -> int:
    """Measure and print; how many demands were not met."""
    count, interval_s = (PROBES // 5, INTERVAL_S / 5) if quick else (PROBES, INTERVAL_S)
    share, failed = await probe(port, count, interval_s, 2)
    off = deviations(await report(port), interval_s)
    bare = await by_agent(port, YARDSTICK_ANSWERS)
    mine = share * interval_s / count
    p95 = off[int(len(off) * 0.95)]
    print(f"{count} probes each {interval_s:g} s, {len(off)} intervals, {failed} failed")
    print(
        f"interval off by {1e3 * sum(off) / len(off):.1f} ms on average, "
        f"{1e3 * p95:.1f} ms in the 95th percentile, {1e3 * off[-1]:.1f} ms at most"
    )
    print(f"{100 * share:.1f} % of a processor: {1e6 * mine:.0f} us a probe")
    print(f"yardstick: twisted.web's Agent {1e6 * bare:.0f} us an answer, {bare / mine:.1f} times")
    missed = 0
    for what, met in (
        (f"95th percentile under {1e3 * DEVIATION_S_P95_MAX:g} ms", p95 < DEVIATION_S_P95_MAX),
        (f"under {100 * SHARE_MAX:g} % of a processor", share < SHARE_MAX),
        ("no probe failed", failed == 0),
    ):
        print(f"{'met' if met else 'NOT MET':8} {what}")
        missed += not met
    return missed


def main(*, quick: bool = False) -> int:
    """Start the server, measure, and end it."""
    command = [sys.executable, "-m", "benchmarks.probes", "--serve"]
    missed: list[int] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())

        async def run() -> None:
            try:
                missed.append(await measure(port, quick=quick))
            finally:
                reactor.stop()

        reactor.callWhenRunning(lambda: Deferred.fromCoroutine(run()))
        reactor.run()
        server.kill()
    return missed[0] if missed else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks.probes", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth, for a first look")
    parser.add_argument("--serve", action="store_true", help="be the server")
    options = parser.parse_args()
    if options.serve:
        serve()
    else:
        sys.exit(main(quick=options.quick))
