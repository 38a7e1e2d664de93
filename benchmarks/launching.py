"""
Real processes through a supervisor: how many a second, how soon, how large.

``/bin/true``, launched to its exit being told, by ``SupervisedLauncher``: each with its
own session, sandbox, output files and a kept record.  The yardsticks run in turn with
it: ``subprocess.Popen`` and ``os.posix_spawn`` of the same program in a session of its own
with output to a file, as many in flight as the supervisor starts at once, and nothing else.
A sleeping container's memory is the proportional share (PSS) of its process, and of what
the supervisor and this agent have grown by.

Sandboxes are made in ``/dev/shm`` unless ``--directory`` says otherwise: ext4 shuns inodes
that were deleted in the last minutes, so that on a disk a run would measure how much the
one before it has cleaned up.

Run ``python -m benchmarks.launching [--quick]``; the exit status says whether the
demands of issue 2 were met (500 a second, 5 ms alone, 1 MB each).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from mesostw.core.agent.containers import (
    ContainerExited,
    ContainerFailed,
    ContainerSpec,
    ContainerStarted,
)
from mesostw.launching.processes import IReactor, SupervisedLauncher
from mesostw.model.ids import ContainerId

RATE_MIN: Final = 500.0
ALONE_MAX_S: Final = 0.005
TASK_PSS_KB_MAX: Final = 1024.0
#: Containers asked for and not yet over.
WINDOW: Final = 64
IN_FLIGHT: Final = 16
ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin"}


class Bench:
    """One launcher and what is being waited for."""

    def __init__(self, reactor: IReactor, top: str) -> None:
        self._top = top
        self.launcher = SupervisedLauncher(reactor, f"{top}/supervisor", self._tell)
        self._count = 0
        self._over: Callable[[ContainerId], None] = lambda _: None
        self._begun: Callable[[], None] = lambda: None
        self.calls_s: list[float] = []

    def launch(self, argv: tuple[str, ...]) -> None:
        """Launch one, and note how long this process was kept."""
        name = f"c{self._count}"
        self._count += 1
        spec = ContainerSpec(
            container_id=ContainerId(name),
            argv=argv,
            environment=ENVIRONMENT,
            directory=f"{self._top}/executors/{name}/runs/{name}",
        )
        began = time.perf_counter()
        self.launcher.launch(spec)
        self.calls_s.append(time.perf_counter() - began)

    def _tell(
        self, stimuli: Sequence[ContainerStarted | ContainerExited | ContainerFailed]
    ) -> None:
        ended = []
        for told in stimuli:
            if isinstance(told, ContainerStarted):
                self._begun()
                continue
            if not (isinstance(told, ContainerExited) and told.status in (0, 9)):
                raise AssertionError(told)
            ended.append(told.container_id)
        self.launcher.forget(ended)
        for container_id in ended:
            self._over(container_id)

    async def run(self, count: int, window: int) -> float:
        """Run ``count`` programs with ``window`` of them in flight; how many a second."""
        done: Deferred[None] = Deferred()
        asked = over = 0

        def ended(_: ContainerId) -> None:
            nonlocal asked, over
            over += 1
            if asked < count:
                asked += 1
                self.launch(("/bin/true",))
            if over == count:
                done.callback(None)

        self._over = ended
        began = time.perf_counter()
        asked = min(window, count)
        for _ in range(asked):
            self.launch(("/bin/true",))
        await done
        return count / (time.perf_counter() - began)

    async def sleep(self, count: int) -> None:
        """Have ``count`` programs sleep."""
        done: Deferred[None] = Deferred()
        left = count

        def begun() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                done.callback(None)

        self._begun = begun
        self._over = lambda _: None
        for _ in range(count):
            self.launch(("/bin/sleep", "1000"))
        await done
        self._begun = lambda: None


def popen(count: int, output: int) -> float:
    """Run ``count`` programs by ``subprocess.Popen``; how many a second."""
    live: list[subprocess.Popen[bytes]] = []
    began = time.perf_counter()
    for _ in range(count):
        if len(live) == IN_FLIGHT:
            live.pop(0).wait()
        live.append(
            subprocess.Popen(
                ["/bin/true"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=ENVIRONMENT,
                start_new_session=True,
            )
        )
    for process in live:
        process.wait()
    return count / (time.perf_counter() - began)


def posix_spawn(count: int, output: int) -> float:
    """Run ``count`` programs by ``os.posix_spawn``; how many a second."""
    live: list[int] = []
    began = time.perf_counter()
    actions = [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
    for _ in range(count):
        if len(live) == IN_FLIGHT:
            os.waitpid(live.pop(0), 0)
        live.append(
            os.posix_spawn("/bin/true", ["true"], ENVIRONMENT, file_actions=actions, setsid=True)
        )
    for pid in live:
        os.waitpid(pid, 0)
    return count / (time.perf_counter() - began)


def pss_kb(pid: int) -> float:
    """The proportional share of memory of a process; 0 if it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return float(line.split()[1])
    return 0.0


async def rates(bench: Bench, rounds: int, count: int, output: int) -> bool:
    """Print the rates and their ratios; whether the demand is met."""
    ours, popens, spawns = [], [], []
    for _ in range(rounds):
        ours.append(await bench.run(count, WINDOW))
        popens.append(popen(count, output))
        spawns.append(posix_spawn(count, output))
    rate = median(ours)
    print(f"launched to exit told   {rate:7.0f} /s  ({min(ours):.0f}..{max(ours):.0f})")
    for name, yardstick in (("subprocess.Popen", popens), ("os.posix_spawn", spawns)):
        print(
            f"  {name:22}{median(yardstick):7.0f} /s  ours is {rate / median(yardstick):.2f} of it"
        )
    stalls = sorted(bench.calls_s)
    print(
        f"  the agent is kept for {median(stalls) * 1e6:.0f} us a launch, "
        f"p99 {stalls[int(len(stalls) * 0.99)] * 1e6:.0f} us"
    )
    return rate >= RATE_MIN


async def alone(bench: Bench, count: int, output: int) -> bool:
    """Print how long one takes when nothing else runs; whether the demand is met."""
    ours = median([1 / await bench.run(1, 1) for _ in range(count)])
    yardstick = median([1 / popen(1, output) for _ in range(count)])
    print(
        f"one alone, to exit told {ours * 1e3:7.2f} ms    subprocess.Popen "
        f"{yardstick * 1e3:.2f} ms, ours is {ours / yardstick:.2f} of it"
    )
    return ours <= ALONE_MAX_S


async def memory(bench: Bench, count: int) -> bool:
    """Print what a sleeping container takes; whether the demand is met."""
    supervisor = bench.launcher.supervisor_pid or 0
    before = pss_kb(supervisor), pss_kb(os.getpid())
    await bench.sleep(count)
    tasks = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    own = sum(pss_kb(int(pid)) for pid in tasks) / count
    grown = sum(map(pss_kb, (supervisor, os.getpid()))) - sum(before)
    each = own + max(0.0, grown) / count
    print(
        f"a sleeping container    {each:7.0f} kB PSS, of which its own process {own:.0f} kB "
        f"({count} of them; the supervisor itself {before[0]:.0f} kB)"
    )
    return each <= TASK_PSS_KB_MAX


async def measure(reactor: IReactor, top: str, quick: bool) -> bool:
    """All measurements; whether all demands are met."""
    bench = Bench(reactor, top)
    await bench.launcher.start()
    with open(f"{top}/output", "ab") as output:
        await bench.run(20, 4)
        met = [
            await rates(bench, 3 if quick else 5, 300 if quick else 2_000, output.fileno()),
            await alone(bench, 30 if quick else 200, output.fileno()),
            await memory(bench, 100 if quick else 1_000),
        ]
    await bench.launcher.stop(kill=True)
    return all(met)


def main() -> None:
    """Measure in a directory that is removed afterwards."""
    parser = argparse.ArgumentParser(prog="benchmarks.launching", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer of everything")
    memory_disk = "/dev/shm" if os.path.isdir("/dev/shm") else None
    parser.add_argument("--directory", default=memory_disk, help="default: %(default)s")
    options = parser.parse_args()
    top = tempfile.mkdtemp(prefix="mesostw-launching-", dir=options.directory)
    met: list[bool] = []

    async def work(reactor: IReactor) -> None:
        met.append(await measure(reactor, top, options.quick))

    def begin(reactor: IReactor) -> Deferred[None]:
        return Deferred.fromCoroutine(work(reactor))

    try:
        react(begin)
    except SystemExit as ended:
        if ended.code:
            raise
    finally:
        shutil.rmtree(top, ignore_errors=True)
    sys.exit(0 if met == [True] else 1)


if __name__ == "__main__":
    main()
