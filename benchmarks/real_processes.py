"""
Real ``true`` processes on one real agent, checkpointed, from launch to acknowledged.

C++ Mesos 1.11 on this kind of machine: 15 a second, 104 ms alone, 8.4 MB a sleeping task.  The
yardstick is ``subprocess`` starting and reaping the same program, which keeps nothing.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from benchmarks.processes import Bench, bench, cpu_s, memory_bytes
from benchmarks.yardsticks import bare_processes_a_second

RESOURCES = "--resources=cpus:64;mem:65536;disk:65536;ports:[31000-32000]"


def below(top: Path) -> list[int]:
    """Processes whose working directory is below ``top``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                where = (entry / "cwd").readlink()
            except OSError:
                continue
            if where.is_relative_to(top):
                found.append(int(entry.name))
    return found


def main(*, quick: bool = False) -> None:
    """Measure and print."""
    tasks = 300 if quick else 3_000
    bare = bare_processes_a_second(300 if quick else 2_000)
    print(f"yardstick: subprocess, eight under way: {bare:.0f} a second")
    with bench() as one:
        one.start_master()
        agent = one.start_agent(1, RESOURCES)
        rates, costs = [], []
        for _ in range(1 if quick else 3):
            before = cpu_s(agent.pid)
            load = one.start_load(
                "tasks", f"--count={tasks}", "--batch=50", "--need=cpus:0.5;mem:1"
            )
            told = load.wait_for("done")
            rates.append(tasks / told["seconds"])
            costs.append((cpu_s(agent.pid) - before) / tasks * 1e6)
            if told["bad"]:
                print(f"{told['bad']} tasks did not finish", file=sys.stderr)
            load.kill()
        rate = statistics.median(rates)
        print(
            f"{tasks} true: {rate:.0f} a second, {rate / bare:.2f} of bare; "
            f"{statistics.median(costs):.0f} us of the agent's CPU each"
        )
        load = one.start_load("alone", "--count=50", "--need=cpus:0.5;mem:1")
        waits = load.wait_for("waits")["seconds"]
        load.kill()
        print(f"one alone, accept to RUNNING: p50 {statistics.median(waits) * 1000:.1f} ms")
        sleeping(one, agent.pid, 50 if quick else 200)


def sleeping(one: Bench, agent: int, count: int) -> None:
    """Print the memory of a sleeping task: its process, and the agent's growth."""
    before = memory_bytes(agent)
    one.start_load(
        "tasks",
        f"--count={count}",
        "--batch=50",
        "--need=cpus:0.1;mem:1",
        "--program=/bin/sleep",
        "--arguments=sleep 600",
    )
    until = time.monotonic() + 30
    pids: list[int] = []
    while len(pids) < count and time.monotonic() < until:
        time.sleep(0.2)
        pids = below(one.directory / "agent1" / "slaves")
    time.sleep(1)
    own = sum(memory_bytes(pid) for pid in pids)
    grown = max(0, memory_bytes(agent) - before)
    print(f"{len(pids)} sleeping tasks: {(own + grown) / max(1, len(pids)) / 1e6:.2f} MB PSS each")


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
