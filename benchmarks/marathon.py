"""
Marathon: instances, apps and groups deployed on simulated agents; its list read; real processes.

The original, from its own figures and those of others (its pacing flags at their defaults, as
here: launch_tokens 100 each 30 s and one back for each that runs, max_instances_per_offer 5,
min_revive_offers_interval 5 s): 500 instances of one app 14 to 38 s; a group of 1,000 apps
72 s; 500 separate POSTs 275 s; a list with 1,000 tasks 12 s.  The yardstick beside each is
the same number of tasks launched by a bare framework of ours through the same agents.
"""

from __future__ import annotations

import sys
import time
from typing import Final

from benchmarks.processes import PATIENCE_S, Api, Bench, bench, cpu_s

AGENTS: Final = 500
#: What an instance takes, small enough that it is never resources that are waited for.
SMALL: Final = {"cpus": 0.005, "mem": 1, "cmd": "sleep 1000", "portDefinitions": []}


class Marathon(Api):
    """A Marathon's HTTP."""

    def __init__(self, one: Bench) -> None:
        super().__init__(one, "marathon", "/v2/info")

    def until_done(self) -> None:
        """Return when no deployment is under way."""
        until = time.monotonic() + PATIENCE_S
        while self.ask("GET", "/v2/deployments"):
            if time.monotonic() > until:
                raise RuntimeError("a deployment does not end")
            time.sleep(0.02)

    def remove(self, path: str) -> None:
        """Have an app or a group away, and wait for it."""
        self.ask("DELETE", path + "?force=true")
        self.until_done()


def took_s(api: Marathon, method: str, path: str, document: object) -> float:
    """From the call to the end of its deployment."""
    began = time.monotonic()
    api.ask(method, path, document)
    api.until_done()
    return time.monotonic() - began


def say(what: str, seconds: float, bare_s: float, demand_s: float) -> bool:
    """Print one figure with its yardstick and its demand; whether that was met."""
    met = seconds < demand_s
    print(
        f"{what}: {seconds:.2f} s, {seconds / bare_s:.1f} x bare tasks ({bare_s:.2f} s);"
        f" demand {demand_s:g} s{'' if met else ': NOT MET'}",
        flush=True,
    )
    return met


def bare_s(one: Bench, tasks: int) -> float:
    """As many tasks of a bare framework, launched and acknowledged through the same agents."""
    flags = ("--batch=20", "--until=running", "--program=/bin/sleep", "--arguments=sleep 1000")
    load = one.start_load("tasks", f"--count={tasks}", *flags)
    seconds: float = load.wait_for("done")["seconds"]
    # Its tasks are torn down before what is measured begins.
    time.sleep(1)
    load.kill()
    return seconds


def simulated(*, quick: bool) -> bool:
    """Everything that needs no real processes."""
    small, large, apps, posts = (100, 1_000, 100, 100) if quick else (500, 10_000, 1_000, 1_000)
    met = True
    with bench() as one:
        one.start_master()
        one.start_farm(AGENTS, "--hold").wait_for("all_registered")
        bare_small, bare_large = bare_s(one, small), bare_s(one, large)
        api = Marathon(one)
        one_app = {"id": "/one", "instances": small, **SMALL}
        seconds = took_s(api, "POST", "/v2/apps", one_app)
        met &= say(f"{small} instances of one app", seconds, bare_small, 5.0)
        api.remove("/v2/apps/one")
        before = cpu_s(api.process.pid)
        seconds = took_s(api, "POST", "/v2/apps", {"id": "/many", "instances": large, **SMALL})
        met &= say(f"{large} instances of one app", seconds, bare_large, 60.0)
        each = (cpu_s(api.process.pid) - before) / large * 1e6
        print(f"    {each:.0f} us of Marathon's CPU an instance", flush=True)
        met &= listed(api, large)
        api.remove("/v2/apps/many")
        group = {"id": "/g", "apps": [{"id": f"a{n}", **SMALL} for n in range(apps)]}
        met &= say(
            f"one group of {apps} apps", took_s(api, "POST", "/v2/groups", group), bare_small, 20.0
        )
        api.remove("/v2/groups/g")
        began = time.monotonic()
        for number in range(posts):
            api.ask("POST", "/v2/apps", {"id": f"/p{number}", **SMALL})
        answered = time.monotonic() - began
        api.until_done()
        seconds = time.monotonic() - began
        met &= say(f"{posts} separate POSTs", seconds, bare_small, 60.0)
        print(
            f"    answered in {answered:.2f} s, {answered / posts * 1000:.1f} ms each", flush=True
        )
    return met


def listed(api: Marathon, tasks: int) -> bool:
    """How long the list with all tasks takes, at first and later."""
    times = []
    size = 0
    for _ in range(4):
        began = time.monotonic()
        size = len(api.read("GET", "/v2/apps?embed=apps.tasks"))
        times.append(time.monotonic() - began)
    print(
        f"GET /v2/apps?embed=apps.tasks with {tasks} tasks: {times[0]:.3f} s first,"
        f" {min(times[1:]):.3f} s later, {size / 1e6:.1f} MB; demand 0.5 s",
        flush=True,
    )
    return times[0] < 0.5


def real(*, quick: bool) -> bool:
    """Real processes on three agents of this machine."""
    count = 30 if quick else 100
    with bench() as one:
        one.start_master()
        for number in range(1, 4):
            low = 31_000 + 300 * number
            one.start_agent(number, f"--resources=cpus:16;mem:4096;ports:[{low}-{low + 299}]")
        api = Marathon(one)
        while one.get("/slaves").count(b'"active":true') < 3:
            time.sleep(0.05)
        document = {"id": "/real", "instances": count, **SMALL}
        seconds = took_s(api, "POST", "/v2/apps", document)
        met = say(f"{count} real `sleep` on 3 agents", seconds, bare_s(one, count), 5.0)
        api.remove("/v2/apps/real")
        return met


def main(*, quick: bool = False) -> int:
    """Measure and print; whether a demand was missed."""
    return int(not all([simulated(quick=quick), real(quick=quick)]))


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv))
