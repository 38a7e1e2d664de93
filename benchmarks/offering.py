"""
Offers: of 10,000 agents to one new framework; again after a decline; after a freed resource.

C++ Mesos 1.11 on this kind of machine: 0.83 s (JSON) and 0.50 s (protobuf) for all offers,
864 ms from a decline to the next offer (its allocation interval), 1.6 ms from the
subscription to the first offer.  The yardstick is the same number of bare Twisted connections.
"""

from __future__ import annotations

import statistics
import sys

from benchmarks.processes import bench
from benchmarks.yardsticks import bare_connections_s
from mesostw.daemons.local_parts import free_ports


def main(*, quick: bool = False) -> None:
    """Measure and print."""
    agents = 1_000 if quick else 10_000
    with bench() as one:
        bare = bare_connections_s(one.start, free_ports("127.0.0.1", 1)[0], agents)
        print(f"yardstick: {agents} bare connections, a frame echoed on each: {bare:.2f} s")
        one.start_master()
        farm = one.start_farm(agents)
        farm.wait_for("all_registered")
        alls, firsts = [], []
        for _ in range(1 if quick else 3):
            load = one.start_load("offers", f"--count={agents}")
            firsts.append(float(load.wait_for("first_offer")["seconds"]))
            alls.append(float(load.wait_for("all_offers")["seconds"]))
            load.kill()
        print(
            f"offers of {agents} agents to a new framework: {statistics.median(alls):.3f} s "
            f"({statistics.median(alls) / bare:.2f} x bare); the first after "
            f"{statistics.median(firsts) * 1000:.1f} ms"
        )
        farm.kill()
    with bench() as one:
        one.start_master()
        one.start_farm(1).wait_for("all_registered")
        firsts = []
        for _ in range(3 if quick else 11):
            load = one.start_load("offers", "--count=1")
            firsts.append(float(load.wait_for("first_offer")["seconds"]) * 1000)
            load.kill()
        load = one.start_load("decline", "--count=100")
        waits = load.wait_for("waits")["seconds"]
        load.kill()
        freed = one.start_load("alone", "--count=100").wait_for("waits")["freed"]
        print(
            f"one agent: subscription to first offer p50 {statistics.median(firsts):.1f} ms; "
            f"decline without a filter to the next p50 {statistics.median(waits) * 1000:.1f} ms; "
            f"a freed resource to the next p50 {statistics.median(freed) * 1000:.1f} ms"
        )


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
