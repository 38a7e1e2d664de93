"""A real local cluster for tests: processes, sockets, a directory, all gone at the end."""

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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mesostw.daemons.local_parts import twistd

ROOT = Path(__file__).resolve().parent.parent.parent
#: How long anything may take here before the test says what it waited for.
PATIENCE_S = 60.0
#: For tasks; other tests that run at the same time have others.
PORTS = os.environ.get("MESOSTW_TEST_PORTS", "31000-32000")


def wait_until(what: str, met: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """Return the first true answer of ``met``; fail with ``what`` after ``patience_s``."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        answer = met()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited {patience_s:g} s for {what}")


class LocalCluster:
    """``twistd mesos-local`` in a directory of its own."""

    def __init__(self, agents: int = 3, *flags: str) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="mesostw-test-")
        self.directory = Path(self._directory.name)
        self.ready_file = self.directory / "ready"
        self.log = self.directory / "log"
        command = twistd(
            "--logfile=-",
            "mesos-local",
            f"--agents={agents}",
            "--port=0",
            f"--work_dir={self.directory / 'work'}",
            f"--ready_file={self.ready_file}",
            f"--resources=cpus:8;mem:4096;disk:4096;ports:[{PORTS}]",
            # Who needs a Chronos says so: the last word counts.
            "--chronos=false",
            *flags,
        )
        with self.log.open("wb") as log:
            # A shell has what it starts in the background ignore these for good.
            self.process = subprocess.Popen(
                ("env", "--default-signal=INT,HUP", *command),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            ready = wait_until("the ready file", self._ready)
        except BaseException as fault:
            text = self.log.read_text(errors="replace")[-8000:]
            self.stop()
            raise AssertionError(f"{fault}; the log ends:\n{text}") from fault
        self.master: str = ready["master"]
        self.agents: list[str] = ready["agents"]
        self.marathon: str = ready["marathon"]
        #: Empty if there is none.
        self.chronos: str = ready.get("chronos", "")

    def _ready(self) -> dict[str, Any] | None:
        if self.process.poll() is not None:
            raise AssertionError("the cluster ended at once")
        if not self.ready_file.exists():
            return None
        told: dict[str, Any] = json.loads(self.ready_file.read_text())
        return told

    def get(self, path: str, address: str = "") -> Any:
        """The JSON that the master, or another address, answers."""
        with urllib.request.urlopen(f"http://{address or self.master}{path}", timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def marathon_ask(
        self, method: str, path: str, document: object = None, **headers: str
    ) -> tuple[int, Any]:
        """Marathon's status and answer in JSON, also of what it refuses; text if it is none."""
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(
            f"http://{self.marathon}{path}",
            body,
            {"Content-Type": "application/json", **headers},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, told = answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                status, told = refused.code, refused.read()
        try:
            return status, json.loads(told) if told else None
        except ValueError:
            return status, told.decode()

    def mesostw(self, *words: str, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run the command line against this cluster."""
        command = [sys.executable, "-m", "mesostw.cli", "--master", self.master, *words]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, "MARATHON": self.marathon, "CHRONOS": self.chronos},
        )

    def start_mesostw(self, *words: str) -> subprocess.Popen[str]:
        """Start the command line and leave it running."""
        command = [sys.executable, "-m", "mesostw.cli", "--master", self.master, *words]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def pid_of(self, part: str) -> int | None:
        """The process of ``master``, ``marathon`` or ``agentN``, by its work directory."""
        wanted = f"--work_dir={self.directory / 'work' / part}".encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if wanted in words:
                return int(entry.name)
        return None

    def kill(self, part: str) -> int:
        """SIGKILL one part; the cluster starts it again."""
        pid = wait_until(f"the process of {part}", lambda: self.pid_of(part))
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)
        wait_until(f"the end of {part}", lambda: self.pid_of(part) != pid)
        return pid

    def active_agents(self) -> int:
        """How many agents the master has connected; 0 while there is no master."""
        try:
            listed = self.get("/slaves")
        except (urllib.error.URLError, ConnectionError):
            return 0
        return sum(bool(agent["active"]) for agent in listed["slaves"])

    def processes(self) -> list[str]:
        """What runs in this cluster's directory now, as command lines."""
        here = str(self.directory)
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                where = os.readlink(entry / "cwd")
            except OSError:
                continue
            if here in words or where.startswith(here):
                found.append(words)
        return found

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=PATIENCE_S)

    def stop(self) -> None:
        """End everything, also what hangs, and remove the directory."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                # Its parts, and what they run, end with it.
                self.process.kill()
                self.process.wait()
        self._directory.cleanup()
