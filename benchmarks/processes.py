"""The processes that a benchmark measures and loads: masters, agents, farms."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from mesostw.daemons.local_parts import free_ports, twistd

#: Files that a process of 10,000 connections needs.
FILES_WANTED: Final = 16_000
#: How long a daemon may take for an answer.
PATIENCE_S: Final = 300.0


def cpu_s(pid: int) -> float:
    """Seconds of processor time a process has used, by the scheduler's own clock."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def memory_bytes(pid: int) -> int:
    """Resident bytes of a process, what it shares with others left out."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no memory figures of process {pid}")


class Started:
    """A child process, pinned to a processor where there are several."""

    def __init__(self, command: list[str], cpu: int | None, *, log: IO[bytes]) -> None:
        if cpu is not None and cpu < (os.cpu_count() or 1):
            command = ["taskset", "-c", str(cpu), *command]
        environment = {
            name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
        }
        self.child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, start_new_session=True, env=environment
        )

    @property
    def pid(self) -> int:
        """Taskset becomes the command, so this is the process itself."""
        return self.child.pid

    def events(self) -> Iterator[dict[str, Any]]:
        """What a farm or a load says, line by line."""
        assert self.child.stdout is not None
        for line in self.child.stdout:
            if line.startswith(b"{"):
                yield json.loads(line)

    def wait_for(self, event: str) -> dict[str, Any]:
        """The next event of that name."""
        for told in self.events():
            if told["event"] == event:
                return told
        raise RuntimeError(f"the process ended before {event!r}: see its log")

    def kill(self) -> None:
        """End it at once, by its id."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        if self.child.stdout is not None:
            self.child.stdout.close()


class Bench:
    """A directory, a port, and every process started from here, ended at the end."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_ports("127.0.0.1", 1)[0]
        self.master = f"127.0.0.1:{self.port}"
        self._log = (directory / "log").open("ab")
        self._started: list[Started] = []

    def start(self, command: list[str], cpu: int | None = None) -> Started:
        """Start one process."""
        started = Started(command, cpu, log=self._log)
        self._started.append(started)
        return started

    def start_standby(self, port: int, *flags: str) -> Started:
        """One of several masters, which need not lead."""
        command = twistd(
            "--logfile",
            str(self.directory / f"master{port}.log"),
            "mesos-master",
            f"--port={port}",
            f"--work_dir={self.directory / f'master{port}'}",
            *flags,
        )
        return self.start(list(command), cpu=0)

    def start_master(self, *flags: str) -> Started:
        """A master that answers."""
        command = twistd(
            "--logfile",
            str(self.directory / "master.log"),
            "mesos-master",
            f"--port={self.port}",
            f"--work_dir={self.directory / 'master'}",
            *flags,
        )
        started = self.start(list(command), cpu=0)
        self.wait_until_up()
        return started

    def start_agent(self, number: int = 1, *flags: str) -> Started:
        """One real agent; its supervisor and its tasks may use every processor, as anywhere."""
        port = free_ports("127.0.0.1", 1)[0]
        command = twistd(
            "--logfile",
            str(self.directory / f"agent{number}.log"),
            "mesos-agent",
            f"--master={self.master}",
            f"--port={port}",
            f"--work_dir={self.directory / f'agent{number}'}",
            "--registration_backoff_factor=10ms",
            *flags,
        )
        return self.start(list(command))

    def start_farm(self, agents: int, *flags: str, first: int = 0) -> Started:
        """Simulated agents, all registered when the event ``all_registered`` comes."""
        command = [sys.executable, "-m", "benchmarks.farm", f"--master={self.master}"]
        return self.start([*command, f"--agents={agents}", f"--first={first}", *flags], cpu=1)

    def start_load(self, name: str, *flags: str) -> Started:
        """A framework of ``benchmarks.load``."""
        command = [sys.executable, "-m", "benchmarks.load", f"--master={self.master}", name]
        return self.start([*command, *flags], cpu=1)

    def get(self, path: str) -> bytes:
        """An HTTP answer of the master."""
        with urllib.request.urlopen(f"http://{self.master}{path}", timeout=60) as answer:
            body: bytes = answer.read()
            return body

    def wait_until_up(self) -> None:
        """Return when the master answers."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                self.get("/health")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(f"no master at {self.master}: see {self.directory}/master.log")

    def close(self) -> None:
        """End every process, and the supervisors of killed agents with the tasks they hold."""
        for started in reversed(self._started):
            started.kill()
        for pid in self._supervisors():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._log.close()

    def _supervisors(self) -> list[int]:
        """Processes with a supervisor's directory below ours in their command line."""
        ours = f"{self.directory}/agent".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    if any(word.startswith(ours) and b"/supervisor" in word for word in words):
                        found.append(int(entry.name))
        return found


class Api:
    """The HTTP of a framework's daemon, ``marathon`` or ``chronos``, started here."""

    def __init__(self, one: Bench, role: str, ready: str, *flags: str) -> None:
        """Return when ``ready`` is answered with what has a value."""
        self.address = f"127.0.0.1:{free_ports('127.0.0.1', 1)[0]}"
        command = twistd(
            "--logfile",
            str(one.directory / f"{role}.log"),
            role,
            f"--master={one.master}",
            f"--http_port={self.address.rpartition(':')[2]}",
            f"--work_dir={one.directory / role}",
            *flags,
        )
        self.process: Started = one.start(list(command), cpu=0)
        until = time.monotonic() + PATIENCE_S
        while not self._is_ready(ready):
            if time.monotonic() > until:
                raise RuntimeError(f"no {role}: see {one.directory}/{role}.log")
            # Often enough for what is measured, seldom enough to cost nothing.
            time.sleep(0.02)

    def _is_ready(self, path: str) -> bool:
        try:
            return bool(self.ask("GET", path))
        except (urllib.error.URLError, ConnectionError):
            return False

    def read(self, method: str, path: str, document: object = None) -> bytes:
        """An answer as it comes."""
        body = None if document is None else json.dumps(document).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(
            f"http://{self.address}{path}", body, headers, method=method
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            found: bytes = answer.read()
            return found

    def ask(self, method: str, path: str, document: object = None) -> Any:
        """An answer in JSON."""
        return json.loads(self.read(method, path, document) or b"null")


@contextmanager
def bench() -> Iterator[Bench]:
    """A bench in a directory of its own; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mesostw-bench-") as name:
        one = Bench(Path(name))
        try:
            yield one
        finally:
            one.close()
