"""
10,000 agents register; the master is killed; they come back; with 10 tasks each, again.

C++ Mesos 1.11 on this kind of machine: 5.0 s and 43 kB an agent for the first, 5.4 s to come
back, of which up to 1 s is the agents' random back-off, here as there.  The yardstick is as
many bare Twisted connections with one frame echoed on each.
"""

from __future__ import annotations

import sys
import time

from benchmarks.processes import Bench, Started, bench, memory_bytes
from benchmarks.yardsticks import bare_connections_s
from mesostw.daemons.local_parts import free_ports


def came_back(one: Bench, farm: Started, master: Started) -> tuple[Started, float]:
    """Kill the master, start it again; the seconds from its answering to the last agent."""
    master.kill()
    again = one.start_master()
    up = time.monotonic()
    return again, float(farm.wait_for("all_registered")["at"]) - up


def main(*, quick: bool = False) -> None:
    """Measure and print."""
    agents = 1_000 if quick else 10_000
    with bench() as one:
        bare = bare_connections_s(one.start, free_ports("127.0.0.1", 1)[0], agents)
        print(f"yardstick: {agents} bare connections, a frame echoed on each: {bare:.2f} s")
        master = one.start_master()
        empty = memory_bytes(master.pid)
        began = time.monotonic()
        farm = one.start_farm(agents, "--tasks=10")
        first = float(farm.wait_for("first")["at"])
        last = float(farm.wait_for("all_registered")["at"])
        each = (memory_bytes(master.pid) - empty) / agents / 1000
        print(
            f"first registration of {agents}: {last - first:.2f} s "
            f"({last - began:.2f} s with the start of the farm); "
            f"{(last - first) / bare:.1f} x bare; {each:.1f} kB an agent"
        )
        master, seconds = came_back(one, farm, master)
        print(
            f"back after kill -9, with 10 tasks each: {seconds:.2f} s; {seconds / bare:.1f} x bare"
        )
        farm.kill()
    with bench() as one:
        master = one.start_master()
        farm = one.start_farm(agents)
        farm.wait_for("all_registered")
        _, seconds = came_back(one, farm, master)
        print(f"back after kill -9, without tasks: {seconds:.2f} s; {seconds / bare:.1f} x bare")


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
