"""
What twenty readers of ``/state`` cost the leader, at a master that waits and at the leader.

Ten thousand simulated agents, and a framework that launches a task every 50 ms, so that no
body is there already.  The yardstick is the leader that nobody reads and nobody follows: its
processor time, of one core, in the same run.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from typing import Any, Final

from twisted.internet import reactor as _reactor

from benchmarks.failover import leader_of
from benchmarks.farm import tell
from benchmarks.load import Tasks
from benchmarks.processes import Bench, Started, bench, cpu_s
from mesostw.client.connect import connect
from mesostw.daemons.local_parts import free_ports
from mesostw.messages import (
    FrameworkInfo,
    Launch,
    MasterInfo,
    Offer,
    OfferOperation,
    OfferOperationType,
    TaskStatus,
)
from mesostw.testing.zookeeper.server import ZooKeeperServer
from mesostw.unattended import unattended

reactor: Any = _reactor

READERS: Final = 20
#: Seconds between two reads of one reader.
READ_EVERY_S: Final = 2.0
#: Seconds between two launches.
LAUNCH_EVERY_S: Final = 0.05
WINDOW_S: Final = 20.0
#: What readers at the standby may cost the leader, beside one that follows: of a core.
COST_MAX: Final = 0.05


# --- what changes -------------------------------------------------------------


class Paced(Tasks):
    """Holds every offer, and launches one task every ``LAUNCH_EVERY_S``."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.held: list[Offer] = []
        self.has_all = False

    async def subscribed(self, framework_id: str, master: MasterInfo | None) -> None:
        """Say so."""
        tell(event="subscribed")

    async def offers(self, offers: Sequence[Offer]) -> None:
        """Keep the first of every agent, then begin to launch."""
        if self.has_all:
            self.driver.decline([offer.id for offer in offers], refuse_s=3600)
            return
        self.held.extend(offers)
        if len(self.held) >= self.options.agents:
            self.has_all = True
            tell(event="offered")
            self.launch()

    async def updated(self, status: TaskStatus) -> None:
        """Ends are of no interest."""

    def launch(self) -> None:
        """One task on the next offer."""
        if not self.held:
            return
        reactor.callLater(LAUNCH_EVERY_S, self.launch)
        offer = self.held.pop()
        launch = Launch(task_infos=(self.task(offer),))
        operation = OfferOperation(type=OfferOperationType.LAUNCH, launch=launch)
        self.driver.accept([offer.id], [operation], refuse_s=3600)


def pace(master: str, agents: int) -> None:
    """Be the framework."""
    options = argparse.Namespace(
        agents=agents,
        count=1_000_000,
        until="finished",
        need="cpus:0.01;mem:1",
        program="/bin/true",
        arguments="true",
        batch=1,
    )
    framework = FrameworkInfo(user="root", name="paced", checkpoint=True, failover_timeout=3600.0)
    load = Paced(options)

    def go() -> None:
        client = connect(reactor, load, framework)
        unattended(client.start(master), lambda fault: tell(event="failed", why=str(fault)))

    reactor.callWhenRunning(go)
    reactor.run()


# --- who reads ----------------------------------------------------------------


def read_all(address: str, window_s: float) -> None:
    """Be the readers: say how long each read took, and how late what was read is."""
    took: list[float] = []
    lags: list[float] = []
    until = time.monotonic() + window_s

    def some(first_s: float) -> None:
        time.sleep(first_s)
        link = HTTPConnection(address, timeout=60)
        while (began := time.monotonic()) < until:
            link.request("GET", "/state?standby_reads=true")
            answer = link.getresponse()
            while answer.read(1 << 20):
                pass
            took.append(time.monotonic() - began)
            lags.append(float(answer.headers.get("X-Mesos-Standby-Lag-Seconds", 0)))
            time.sleep(max(0.0, began + READ_EVERY_S - time.monotonic()))
        link.close()

    readers = [
        threading.Thread(target=some, args=(READ_EVERY_S * number / READERS,))
        for number in range(READERS)
    ]
    for one in readers:
        one.start()
    for one in readers:
        one.join()
    took.sort()
    tell(
        event="read",
        reads=len(took),
        median=took[len(took) // 2],
        slowest=took[-1],
        lag=max(lags),
    )


class Measuring:
    """Windows of time, and what the leader used in each."""

    def __init__(self, one: Bench, leader: Started, window_s: float) -> None:
        self._one, self._leader, self._window_s = one, leader, window_s

    def window(self, title: str, read: str = "") -> float:
        """The leader's share of a core; readers read ``read``, if that is given."""
        before, began = cpu_s(self._leader.pid), time.monotonic()
        said = ""
        if read:
            command = [sys.executable, "-m", "benchmarks.standbys", "--read", read]
            readers = self._one.start([*command, f"--window={self._window_s}"], cpu=1)
            told = readers.wait_for("read")
            said = (
                f"; {told['reads']} reads, median {told['median'] * 1e3:.0f} ms, slowest "
                f"{told['slowest'] * 1e3:.0f} ms, at most {told['lag']:.2f} s behind"
            )
        else:
            time.sleep(self._window_s)
        used = (cpu_s(self._leader.pid) - before) / (time.monotonic() - began)
        print(f"{title:45} leader {used:6.1%} of a core{said}", flush=True)
        return used


def measured(one: Bench, zookeeper: ZooKeeperServer, agents: int, window_s: float) -> bool:
    """Measure and print; whether a demand was missed."""
    ports = free_ports("127.0.0.1", 2)
    flags = (f"--zk=zk://{zookeeper.address}/mesos", "--zk_session_timeout=10secs")
    leader = one.start_standby(ports[0], *flags)
    address, _ = leader_of([f"127.0.0.1:{ports[0]}"])
    one.master = address
    one.start_farm(agents).wait_for("all_registered")
    command = [sys.executable, "-m", "benchmarks.standbys", f"--pace={address}"]
    one.start([*command, f"--agents={agents}"], cpu=1).wait_for("offered")
    # What the start leaves to do is done before the first window.
    time.sleep(3)
    measuring = Measuring(one, leader, window_s)
    alone = measuring.window("nobody reads, nobody follows")
    one.start_standby(ports[1], *flags)
    standby = f"127.0.0.1:{ports[1]}"
    wait_until_following(standby)
    followed = measuring.window("nobody reads, one follows")
    at_standby = measuring.window(f"{READERS} readers at the standby", standby)
    at_leader = measuring.window(f"{READERS} readers at the leader", address)
    missed = at_standby - followed > COST_MAX
    print(
        f"readers cost the leader {at_leader - followed:.1%} of a core there, "
        f"{at_standby - followed:.1%} at the standby (demand {COST_MAX:.0%})"
        f"{': NOT MET' if missed else ''}; one that follows {followed - alone:.1%}"
    )
    return missed


def wait_until_following(address: str) -> None:
    """Return when a copy is fresh."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        link = HTTPConnection(address, timeout=30)
        try:
            link.request("GET", "/health/ready")
            if json.loads(link.getresponse().read())["status"] == "following":
                return
        except (OSError, ValueError):
            pass
        finally:
            link.close()
        time.sleep(0.1)
    raise RuntimeError(f"{address} follows nobody")


def main() -> int:
    """Measure and print; whether a demand was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--pace")
    parser.add_argument("--read")
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--window", type=float, default=WINDOW_S)
    options = parser.parse_args()
    if options.pace:
        pace(options.pace, options.agents)
        return 0
    if options.read:
        read_all(options.read, options.window)
        return 0
    agents, window_s = (1_000, 5.0) if options.quick else (options.agents, options.window)
    zookeeper = ZooKeeperServer()
    try:
        with bench() as one:
            return int(measured(one, zookeeper, agents, window_s))
    finally:
        zookeeper.remove()


if __name__ == "__main__":
    sys.exit(main())
