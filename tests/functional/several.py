"""Several of everything: a ZooKeeper, masters, agents, Marathons and Chronoses as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from mesostw.daemons.local_parts import free_ports, twistd
from mesostw.testing.zookeeper import server
from mesostw.testing.zookeeper.server import ZooKeeperServer
from tests.functional.clusters import wait_until

#: Short, so that tests are; what a session is in earnest is 10 s.
SESSION_S = 4
#: Something to run that does not end.
APP = {"id": "/app", "cmd": "sleep 1000", "instances": 3, "cpus": 0.1, "mem": 16}
RESOURCES = "cpus:8;mem:4096;disk:4096;ports:[{0}-{1}]"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Shows where one is sent, and does not go."""

    def redirect_request(self, *_: Any) -> None:
        """Go nowhere."""


class Part:
    """One daemon, started again with the same command line as often as a test likes."""

    def __init__(self, directory: Path, name: str, address: str, command: Iterable[str]) -> None:
        self.name, self.address = name, address
        self.log = directory / f"{name}.log"
        self._command = twistd("--logfile=-", *command)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, if it does not run."""
        if self._process is not None and self._process.poll() is None:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ("env", "--default-signal=INT,HUP", *self._command),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def signal(self, number: int) -> None:
        """Send it a signal."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(10)

    def ended(self) -> bool:
        """Whether it has ended, by itself or not."""
        return self._process is not None and self._process.poll() is not None

    def ask(self, method: str, path: str, document: object = None) -> tuple[int, Any, str]:
        """Status, answer and ``Location``; status 0 if nobody answers."""
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(
            f"http://{self.address}{path}",
            body,
            {"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.build_opener(NoRedirect).open(request, timeout=20) as answer:
                status, told, where = answer.status, answer.read(), ""
        except urllib.error.HTTPError as refused:
            with refused:
                status, told = refused.code, refused.read()
                where = refused.headers.get("Location", "")
        except OSError:
            return 0, None, ""
        try:
            return status, json.loads(told) if told else None, where
        except ValueError:
            return status, told.decode(), where


class Several:
    """All of it, in a directory of its own."""

    def __init__(self, masters: int, agents: int, marathons: int = 0, chronoses: int = 0) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="mesostw-several-")
        self.directory = Path(self._directory.name)
        self.zookeeper = ZooKeeperServer()
        self.url = f"zk://127.0.0.1:{self.zookeeper.port}/mesos"
        ports = free_ports("127.0.0.1", masters + agents + marathons + chronoses)
        self.masters = [self._master(number, ports.pop()) for number in range(masters)]
        self.agents = [self._agent(number, ports.pop()) for number in range(agents)]
        self.marathons = [self._marathon(number, ports.pop()) for number in range(marathons)]
        self.chronoses = [self._chronos(number, ports.pop()) for number in range(chronoses)]
        for part in self.parts:
            part.start()

    @property
    def parts(self) -> list[Part]:
        """Every daemon."""
        return [*self.masters, *self.agents, *self.marathons, *self.chronoses]

    def _part(self, name: str, port: int, *command: str) -> Part:
        work = self.directory / name
        address = f"127.0.0.1:{port}"
        return Part(self.directory, name, address, [*command, f"--work_dir={work}"])

    def _master(self, number: int, port: int) -> Part:
        return self._part(
            f"master{number}", port, "mesos-master", f"--port={port}", f"--zk={self.url}",
            f"--zk_session_timeout={SESSION_S}secs",
        )  # fmt: skip

    def _agent(self, number: int, port: int) -> Part:
        first = 31_000 + number * 300
        return self._part(
            f"agent{number}", port, "mesos-agent", f"--port={port}", f"--master={self.url}",
            f"--resources={RESOURCES.format(first, first + 299)}",
            "--registration_backoff_factor=50ms",
        )  # fmt: skip

    def _marathon(self, number: int, port: int) -> Part:
        zk = self.url.replace("/mesos", "/marathon")
        return self._part(
            f"marathon{number}", port, "marathon", f"--http_port={port}", f"--master={self.url}",
            f"--zk={zk}", f"--zk_session_timeout={SESSION_S * 1000}",
        )  # fmt: skip

    def _chronos(self, number: int, port: int) -> Part:
        return self._part(
            f"chronos{number}", port, "chronos", f"--http_port={port}", f"--master={self.url}",
            f"--zk_hosts={self.zookeeper.address}", f"--zk_timeout={SESSION_S * 1000}",
        )  # fmt: skip

    def leading_master(self) -> Part | None:
        """The master that answers what only a leader does."""
        return next((one for one in self.masters if one.ask("GET", "/state")[0] == 200), None)

    def state(self) -> Any:
        """What the leading master says; waits until one leads."""
        leader = wait_until("a master that leads", self.leading_master)
        return leader.ask("GET", "/state")[1]

    def leading(self, daemons: list[Part], path: str = "/v2/leader") -> Part | None:
        """Of several frameworks' daemons the one that leads, as one of them says."""
        for one in daemons:
            status, told, _ = one.ask("GET", path)
            if status == 200:
                return next((part for part in daemons if part.address == told["leader"]), None)
        return None

    def logs(self, lines: int = 15) -> str:
        """How each daemon's log ends."""
        return "\n".join(
            f"== {part.name}\n" + "\n".join(part.log.read_text().splitlines()[-lines:])
            for part in self.parts
            if part.log.exists()
        )

    def stop(self) -> None:
        """End everything, the tasks too."""
        for part in reversed(self.parts):
            part.signal(signal.SIGCONT)
            part.kill()
        for pid in self._supervisors():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.zookeeper.remove()
        self._directory.cleanup()

    def _supervisors(self) -> list[int]:
        """Of agents that were killed: what holds their tasks, which end with it."""
        ours, found = str(self.directory).encode(), []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    if ours in (entry / "cmdline").read_bytes():
                        found.append(int(entry.name))
        return found


class SeveralCase(SynchronousTestCase):
    """Several of everything for each test, with a master that leads, and all others there."""

    #: How many masters, agents, Marathons and Chronoses.
    parts: ClassVar[tuple[int, ...]]

    def setUp(self) -> None:
        if not server.is_installed():
            raise SkipTest("zookeeper is not installed; script/bootstrap installs it")
        self.all = Several(*self.parts)
        self.addCleanup(self.all.stop)
        self.leader: Part = self.wait("a master that leads", self.all.leading_master)
        self.standby = next(one for one in self.all.masters if one is not self.leader)
        agents = len(self.all.agents)
        self.wait("all agents", lambda: len(self.all.state()["slaves"]) == agents)
        # One that still starts knows of no leader.
        for one in self.all.masters:
            if one is not self.leader:
                self.wait("a redirection", lambda one=one: one.ask("GET", "/state")[0] == 307)

    def wait(self, what: str, met: Any) -> Any:
        """Wait, and tell what everyone logged if it does not come."""
        try:
            return wait_until(what, met)
        except AssertionError as fault:
            raise AssertionError(f"{fault}\n{self.all.logs()}") from fault
