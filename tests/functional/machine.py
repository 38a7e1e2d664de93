"""A machine for tests of launching: a supervisor's directory, sandboxes, and no leftovers."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from unittest import SkipTest

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from mesostw.core.agent.containers import ContainerSpec
from mesostw.launching import processtree
from mesostw.launching.processes import SupervisedLauncher
from mesostw.model.ids import ContainerId
from mesostw.testing.contracts import launcher as contracts

#: Far more than anything here takes on a busy machine.
PATIENCE_S = 30.0
PATH = "/usr/local/bin:/usr/bin:/bin"


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet waited for does not."""
    found = processtree.stat(pid)
    return found is not None and found.state not in ("Z", "X")


class Machine(TestCase):
    """One directory for a supervisor, one for sandboxes, and no process left behind."""

    timeout = 120

    def setUp(self) -> None:
        if find_spec("prctl") is None:
            raise SkipTest("needs python-prctl: pip install 'mesostw[agent]'")
        # Not in trial's directory, which other users may not enter.
        self.top = tempfile.mkdtemp(prefix="mesostw-")
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        os.chmod(self.top, 0o755)
        self.launchers: list[SupervisedLauncher] = []
        self.supervisors: set[int] = set()
        self.pids: set[int] = set()

    async def tearDown(self) -> None:
        for launcher in self.launchers:
            self.note(launcher)
            launcher.abandon()
        for pid in self.supervisors:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self.pass_time(0.05)

    def make(self, life: contracts.Life) -> SupervisedLauncher:
        launcher = SupervisedLauncher(reactor, f"{self.top}/supervisor", life.tell)
        self.launchers.append(launcher)
        return launcher

    def note(self, launcher: SupervisedLauncher) -> None:
        if launcher.supervisor_pid is not None:
            self.supervisors.add(launcher.supervisor_pid)

    def leave(self, launcher: contracts.StartableLauncher) -> None:
        assert isinstance(launcher, SupervisedLauncher)
        self.note(launcher)
        launcher.abandon()

    def lose_supervisor(self) -> None:
        pid = self.launchers[-1].supervisor_pid
        assert pid is not None
        self.supervisors.add(pid)
        os.kill(pid, signal.SIGKILL)

    async def until(self, condition: Callable[[], bool]) -> None:
        last = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > last:
                self.fail("it took too long")
            for launcher in self.launchers:
                self.note(launcher)
            await self.pass_time(0.005)

    async def pass_time(self, seconds: float) -> None:
        await deferLater(reactor, seconds)

    def sandbox(self, name: str) -> str:
        return f"{self.top}/executors/{name}/runs/{name}"

    def spec(
        self, name: str, argv: tuple[str, ...], environment: dict[str, str] | None = None
    ) -> ContainerSpec:
        return ContainerSpec(
            container_id=ContainerId(name),
            argv=argv,
            environment={"PATH": PATH} if environment is None else environment,
            directory=self.sandbox(name),
        )

    def shell(self, name: str, script: str) -> ContainerSpec:
        return self.spec(name, ("sh", "-c", script))

    async def begin(self) -> tuple[SupervisedLauncher, contracts.Life]:
        life = contracts.Life()
        launcher = self.make(life)
        await launcher.start()
        self.note(launcher)
        return launcher, life

    def output(self, name: str, stream: str = "stdout") -> str:
        return Path(self.sandbox(name), stream).read_text()

    async def pid_in(self, name: str, file: str = "pid") -> int:
        """The pid that a script has written, and which is cleaned up in any case."""
        path = Path(self.sandbox(name), file)
        await self.until(lambda: path.exists() and path.read_text().endswith("\n"))
        pid = int(path.read_text())
        self.pids.add(pid)
        return pid
