"""
A master, three agents and Marathon for the tests here, each its own process.

``mesos-local`` has agents that are all alike; these have hostnames and attributes of their
own, so that constraints have something to choose from, and Marathon asks for offers
without pauses, so that a test waits for nothing but what it is about.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Final

from mesostw.daemons.local_parts import free_ports
from mesostw.daemons.part import part_command
from tests.functional.clusters import LocalCluster, wait_until
from tests.functional.marathon.asking import Marathon

#: All of them reach this machine, and are hostnames that differ.
HOSTS: Final = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
#: Two of one rack, and one of another; only the last has a disk worth a name.
ATTRIBUTES: Final = ("rack:a;unit:1", "rack:a;unit:2", "rack:b;unit:3;disk:ssd")
#: So many ports has each agent, none that another has.
PORTS_EACH: Final = 40
#: Nothing is waited for that need not be: the defaults are for clusters of thousands.
EAGER: Final = ("--min_revive_offers_interval=100", "--reconciliation_initial_delay=1000")


class Town:
    """The cluster's processes and their directory, all gone after :meth:`stop`."""

    def __init__(self, *marathon_flags: str) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="mesostw-test-")
        self.directory = Path(self._directory.name)
        # Tasks may have another user.
        self.directory.chmod(0o755)
        self._running: list[subprocess.Popen[bytes]] = []
        self._marathon_flags = marathon_flags
        self._master_port, self._marathon_port = free_ports("127.0.0.1", 2)
        self.master = f"127.0.0.1:{self._master_port}"
        self.marathon = Marathon(f"127.0.0.1:{self._marathon_port}")
        try:
            self._begin()
        except BaseException as fault:
            told = self.log_of("marathon")[-6000:]
            self.stop()
            raise AssertionError(f"{fault}; Marathon's log ends:\n{told}") from fault

    def _begin(self) -> None:
        self._start("master", "mesos-master", f"--port={self._master_port}")
        self.agents = [self._start_agent(number) for number in range(len(HOSTS))]
        self.start_marathon()

    def _start(self, name: str, role: str, *flags: str, farewell: int = signal.SIGTERM) -> int:
        with (self.directory / f"{name}.log").open("ab") as log:
            words = ("--logfile=-", role, f"--work_dir={self.directory / name}", *flags)
            process = subprocess.Popen(
                part_command(farewell, *words), stdout=log, stderr=subprocess.STDOUT
            )
        self._running.append(process)
        return process.pid

    def _start_agent(self, number: int) -> int:
        # Other clusters on this machine have other ports, mostly: see PORTS_EACH.
        first = 20_000 + os.getpid() % 97 * 100 + number * PORTS_EACH
        return self._start(
            f"agent{number + 1}",
            "mesos-agent",
            f"--master={self.master}",
            "--port=0",
            f"--hostname={HOSTS[number]}",
            f"--attributes={ATTRIBUTES[number]}",
            f"--resources=cpus:8;mem:4096;disk:4096;ports:[{first}-{first + PORTS_EACH - 1}]",
            "--registration_backoff_factor=10ms",
            farewell=signal.SIGUSR1,
        )

    def start_marathon(self) -> None:
        """Start Marathon, which is not there, and wait until it is registered."""
        pid = self._start(
            "marathon",
            "marathon",
            f"--master={self.master}",
            f"--http_port={self._marathon_port}",
            *EAGER,
            *self._marathon_flags,
        )
        (process,) = [one for one in self._running if one.pid == pid]
        self.marathon_process = process

        def registered() -> bool:
            if process.poll() is not None:
                told = self.log_of("marathon")[-2000:]
                raise AssertionError(f"Marathon ended with {process.returncode}:\n{told}")
            return self.marathon.framework_id() != "" and self._agents_seen() == len(HOSTS)

        wait_until("Marathon to be registered", registered)

    def _agents_seen(self) -> int:
        _, seen = Marathon(self.master).ask("GET", "/slaves")
        return sum(bool(agent["active"]) for agent in seen["slaves"])

    def has_marathon(self) -> bool:
        """Whether its process is there."""
        return self.marathon_process.poll() is None

    def kill_marathon(self) -> None:
        """SIGKILL, and nobody starts it again."""
        self.marathon_process.kill()
        self.marathon_process.wait()

    def kill_task(self, task_id: str) -> None:
        """SIGKILL every process that works in a task's sandbox."""
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and f"/{task_id}/runs/" in os.readlink(entry / "cwd"):
                    os.kill(int(entry.name), signal.SIGKILL)

    def log_of(self, name: str) -> str:
        """What a part has said."""
        file = self.directory / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def output_of(self, task_id: str, name: str = "stdout") -> str:
        """What a task has written to a file of its sandbox; empty if there is no such file."""
        found = list(self.directory.glob(f"agent*/**/executors/{task_id}/runs/*-*/{name}"))
        return found[0].read_text() if found else ""

    def stop(self) -> None:
        """End Marathon, then the agents with their tasks, then the master."""
        for process in reversed(self._running):
            if process.poll() is None:
                agent = process.pid in getattr(self, "agents", ())
                process.send_signal(signal.SIGUSR1 if agent else signal.SIGTERM)
        until = time.monotonic() + 20
        for process in self._running:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._directory.cleanup()


@cache
def town() -> Town:
    """The cluster of all tests here; trial has no hook for a package, so it goes at the exit."""
    one = Town()
    atexit.register(one.stop)
    return one


@cache
def local() -> LocalCluster:
    """A ``mesos-local``, for what only somebody who starts the parts again can show."""
    cluster = LocalCluster(1)
    atexit.register(cluster.stop)
    return cluster
