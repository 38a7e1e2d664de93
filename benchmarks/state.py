"""
How long ``/state`` takes, alone and with twenty readers, while ``/health`` answers.

The server is a process of its own; each read follows a change, so no body is there
already.  The yardstick is one ``msgspec`` pass over the same body as plain values, which
is what a server without kept texts would pay at each read, after collecting them.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from twisted.internet import reactor as global_reactor
from twisted.web.resource import IResource

from mesostw.core.master.changes import AgentKept, FrameworkKept, TaskChanged, TaskRemoved
from mesostw.core.master.records import (
    Agent,
    AgentState,
    Framework,
    FrameworkState,
    Task,
    TaskSpec,
)
from mesostw.core.master.state import ClusterState
from mesostw.daemons.pauses import keep_pauses_short
from mesostw.feed.changes import Feed
from mesostw.http.basics import Basics
from mesostw.http.cluster import ClusterPages
from mesostw.http.identity import Identity
from mesostw.http.pages import Page
from mesostw.http.paths import Paths
from mesostw.http.rendering import Query, Reply
from mesostw.http.serving import HouseSite
from mesostw.messages import AgentInfo, FrameworkInfo, TaskID, TaskState, TaskStatus
from mesostw.messages.convert import messages_of
from mesostw.model.ids import AgentId, FrameworkId, LinkId, TaskId
from mesostw.model.resources import Resources
from mesostw.reactor_time import ReactorClock

AGENTS: Final = 10_000
TASKS: Final = 10_000
FRAMEWORKS: Final = 10
READERS: Final = 20
RUNS: Final = 5
#: Seconds; the demands of the project.
ALONE_MAX_S: Final = 0.15
TOGETHER_MAX_S: Final = 1.0
HEALTH_MAX_S: Final = 0.1


# --- the server ---------------------------------------------------------------


def agents(number: int) -> Iterable[AgentKept]:
    """Idle agents with attributes of nobody and ports of their own."""
    for n in range(number):
        total = Resources.parse(f"cpus:24;mem:65536;disk:1000000;ports:[{31000 + n % 50}-32000]")
        yield AgentKept(
            Agent(
                id=AgentId(f"3f2504e0-4f89-41d3-9a0c-0305e82c3301-S{n}"),
                info=AgentInfo(
                    hostname=f"node-{n:05}.example", port=5051, resources=messages_of(total)
                ),
                total=total,
                state=AgentState.ACTIVE,
                link=LinkId(n + 1),
                version="1.11.0",
                capabilities=("MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT"),
                address=f"10.{n // 250}.{n % 250}.1:5051",
                registered=1_790_000_000.0 + n,
            )
        )


def framework(n: int) -> FrameworkKept:
    """One of ``FRAMEWORKS`` frameworks."""
    return FrameworkKept(
        Framework(
            id=FrameworkId(f"f-{n:04}"),
            info=FrameworkInfo(user="root", name=f"framework {n}"),
            roles=("*",),
            capabilities=frozenset({"MULTI_ROLE"}),
            state=FrameworkState.ACTIVE,
            link=LinkId(n + 1),
            connection="bus",
            suppressed=frozenset(),
            registered=1_790_000_000.0,
        )
    )


def task(n: int, state: TaskState) -> Task:
    """A task with the statuses of its way so far."""
    names = ("TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED")
    last = names.index(state.value)
    statuses = tuple(
        TaskStatus(task_id=TaskID(value=f"t-{n}"), state=TaskState[name], timestamp=1.79e9 + n)
        for name in names[: last + 1]
    )
    return Task(
        id=TaskId(f"t-{n}"),
        framework_id=FrameworkId(f"f-{n % FRAMEWORKS:04}"),
        agent_id=AgentId(f"3f2504e0-4f89-41d3-9a0c-0305e82c3301-S{n % 1000}"),
        executor_id=None,
        role="*",
        resources=Resources.parse("cpus:0.1;mem:32"),
        state=state,
        statuses=statuses,
        update_state=state,
        update_uuid=b"u" * 16,
        launched=1.79e9,
        spec=TaskSpec(name=f"task {n}", user="root", command="sleep 1000"),
    )


def tasks() -> Iterable[object]:
    """``TASKS`` running and ``TASKS`` completed ones, over 1,000 agents."""
    yield from agents(1000)
    yield from map(framework, range(FRAMEWORKS))
    for n in range(TASKS):
        yield TaskChanged(task(n, TaskState.TASK_RUNNING))
    for n in range(TASKS, 2 * TASKS):
        yield TaskRemoved(task(n, TaskState.TASK_FINISHED))


def serve(what: str) -> None:
    """Answer on a port that is printed; ``/change`` changes one object."""
    reactor: Any = global_reactor
    clock = ReactorClock(reactor)
    feed: Feed[Any, Any] = Feed(ClusterState())
    feed.begin(1)
    feed.publish(list(agents(AGENTS)) if what == "idle" else list(tasks()))
    identity = Identity(
        id=lambda: "m", ip="127.0.0.1", port=0, hostname="localhost", started=clock.wall()
    )
    pages, basics = ClusterPages(feed, identity, clock), Basics(identity)
    change: Iterable[object] = (
        agents(1) if what == "idle" else [TaskChanged(task(0, TaskState.TASK_RUNNING))]
    )
    changes = list(change)

    def changed(query: Query) -> Reply:
        feed.publish(changes)
        return Reply()

    exact: dict[str, IResource] = {
        "state": Page(pages.state),
        "health": Page(basics.health),
        "change": Page(changed),
    }
    keep_pauses_short()  # as the master does at its start
    port = reactor.listenTCP(0, HouseSite(Paths(exact, {}), clock), interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    reactor.run()


# --- the readers --------------------------------------------------------------


def read(port: int, path: str) -> tuple[float, bytes]:
    """Seconds from the dial to the last byte, and the body."""
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return time.monotonic() - started, body


def together(port: int) -> tuple[list[float], list[float]]:
    """Seconds of each of ``READERS`` readers at once, and of ``/health`` meanwhile."""
    read(port, "/change")
    took: list[float] = []
    health: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            health.append(read(port, "/health")[0])

    watcher = threading.Thread(target=watch)
    readers = [
        threading.Thread(target=lambda: took.append(read(port, "/state")[0]))
        for _ in range(READERS)
    ]
    watcher.start()
    for one in readers:
        one.start()
    for one in readers:
        one.join()
    ended.set()
    watcher.join()
    return took, health


def timed(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = time.monotonic()
    call()
    return time.monotonic() - started


def measure(what: str, title: str) -> bool:
    """Print every figure of one cluster; whether its demands are met."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.state", "--serve", what], stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline())
        first, body = read(port, "/state")
        plain = msgspec.json.decode(body)
        yardstick = min(timed(lambda: msgspec.json.encode(plain)) for _ in range(RUNS))
        alone = []
        for _ in range(RUNS):
            read(port, "/change")
            alone.append(read(port, "/state")[0])
        both = [together(port) for _ in range(3)]
        slowest = statistics.median(max(took) for took, _ in both)
        health = sorted(one for _, some in both for one in some)
        p99 = health[int(len(health) * 0.99)]
    finally:
        server.kill()
        server.wait()
    again = statistics.median(alone)
    print(f"{title}: {len(body) / 1e6:.1f} MB")
    print(f"  first read ever       {first * 1e3:7.1f} ms  (demand {ALONE_MAX_S * 1e3:g})")
    print(f"  read after a change   {again * 1e3:7.1f} ms")
    print(f"  yardstick: one encode {yardstick * 1e3:7.1f} ms, {again / yardstick:.2f} x")
    print(f"  {READERS} readers, slowest   {slowest * 1e3:7.1f} ms  (demand 1000)")
    print(f"  /health meanwhile p99 {p99 * 1e3:7.1f} ms  (demand 100), {len(health)} reads")
    return max(first, again) < ALONE_MAX_S and slowest < TOGETHER_MAX_S and p99 < HEALTH_MAX_S


def main() -> int:
    """Measure both clusters; 1 if a demand is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", choices=("idle", "tasks"))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return 0
    met = [
        measure("idle", f"{AGENTS:,} idle agents"),
        measure("tasks", f"{TASKS:,} running and {TASKS:,} completed tasks"),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
