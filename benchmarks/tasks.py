"""
Tasks launched and finished through 1,000 simulated agents; one alone.

C++ Mesos 1.11 on this kind of machine: 2,500 to 2,800 a second pipelined; 2.3 ms alone from accept
to RUNNING.  The yardstick is as many bare Twisted connections as there are agents.
"""

from __future__ import annotations

import statistics
import sys

from benchmarks.processes import bench, cpu_s
from benchmarks.yardsticks import bare_connections_s
from mesostw.daemons.local_parts import free_ports


def main(*, quick: bool = False) -> None:
    """Measure and print."""
    agents, tasks = (100, 2_000) if quick else (1_000, 20_000)
    with bench() as one:
        bare = bare_connections_s(one.start, free_ports("127.0.0.1", 1)[0], agents)
        print(f"yardstick: {agents} bare connections, a frame echoed on each: {bare:.3f} s")
        master = one.start_master()
        one.start_farm(agents).wait_for("all_registered")
        rates, costs, updates = [], [], []
        for _ in range(1 if quick else 3):
            before = cpu_s(master.pid)
            load = one.start_load("tasks", f"--count={tasks}", "--batch=20")
            told = load.wait_for("done")
            rates.append(tasks / told["seconds"])
            updates.append(told["updates"] / told["seconds"])
            costs.append((cpu_s(master.pid) - before) / tasks * 1e6)
            if told["bad"]:
                print(f"{told['bad']} tasks did not finish", file=sys.stderr)
            load.kill()
        print(
            f"{tasks} tasks through {agents} agents: {statistics.median(rates):.0f} a second, "
            f"{statistics.median(updates):.0f} updates a second acknowledged; "
            f"{statistics.median(costs):.0f} us of the master's CPU a task"
        )
    with bench() as one:
        one.start_master()
        one.start_farm(1).wait_for("all_registered")
        waits = one.start_load("alone", "--count=200").wait_for("waits")["seconds"]
        print(f"one alone, accept to RUNNING: p50 {statistics.median(waits) * 1000:.2f} ms")


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
