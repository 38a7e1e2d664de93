"""
A cluster whose parts are started one by one, with wires between agents and master that break.

A wire that is cut says nothing to either side: what is sent stays on its way, and comes
when the wire is mended, as in a network that loses packets for a while.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from mesostw.daemons.local_parts import free_ports
from mesostw.daemons.part import part_command
from tests.functional.clusters import wait_until
from tests.functional.marathon.asking import Marathon
from tests.functional.watched import FIRST_PORT

#: So many ports has each agent.
PORTS_EACH = 15
#: An agent is unreachable soon, instances are forgotten soon, and nothing is waited for.
MASTER_FLAGS = ("--agent_ping_timeout=1secs", "--max_agent_ping_timeouts=2")
MARATHON_FLAGS = (
    "--min_revive_offers_interval=100",
    "--reconciliation_initial_delay=1000",
    "--task_lost_expunge_interval=1000",
)


class Wire:
    """Passes connections on to ``port``, until it is cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._whole = threading.Event()
        self._whole.set()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._links: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Nothing comes through any more, either way, and nobody is told."""
        self._whole.clear()

    def mend(self) -> None:
        """What was on its way arrives, and everything comes through again."""
        self._whole.set()

    def close(self) -> None:
        """No more connections."""
        self._whole.set()
        for one in (self._door, *self._links):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._door.accept()
                self._whole.wait()
                try:
                    far = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    near.close()  # nobody is there, and that is told
                    continue
                self._links += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self._whole.wait()
                target.sendall(data)
        self._whole.wait()
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


class Hamlet:
    """A master, Marathon, and agents with an attribute ``node`` that is their name."""

    def __init__(self, agents: int) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="mesostw-test-")
        self.directory = Path(self._directory.name)
        # Tasks may have another user.
        self.directory.chmod(0o755)
        self.parts: dict[str, subprocess.Popen[bytes]] = {}
        self.wires: dict[str, Wire] = {}
        self._master_port, self._marathon_port = free_ports("127.0.0.1", 2)
        self.master = Marathon(f"127.0.0.1:{self._master_port}")
        self.marathon = Marathon(f"127.0.0.1:{self._marathon_port}")
        try:
            self._start("master", "mesos-master", f"--port={self._master_port}", *MASTER_FLAGS)
            for number in range(agents):
                self.start_agent(f"agent{number + 1}")
            self.start_marathon()
            wait_until("the agents", lambda: self.active() == agents)
        except BaseException:
            self.stop()
            raise

    def _start(self, name: str, role: str, *flags: str, farewell: int = signal.SIGTERM) -> None:
        with (self.directory / f"{name}.log").open("ab") as log:
            words = ("--logfile=-", role, f"--work_dir={self.directory / name}", *flags)
            self.parts[name] = subprocess.Popen(
                part_command(farewell, *words), stdout=log, stderr=subprocess.STDOUT
            )

    def start_agent(self, name: str) -> None:
        """Start an agent, at the end of a wire of its own."""
        wire = self.wires[name] = Wire(self._master_port)
        first = FIRST_PORT + (int(name.removeprefix("agent")) - 1) * PORTS_EACH
        self._start(
            name,
            "mesos-agent",
            f"--master=127.0.0.1:{wire.port}",
            "--port=0",
            f"--attributes=node:{name}",
            f"--resources=cpus:8;mem:4096;disk:4096;ports:[{first}-{first + PORTS_EACH - 1}]",
            "--registration_backoff_factor=10ms",
            farewell=signal.SIGUSR1,
        )

    def start_marathon(self) -> None:
        """Start Marathon and wait until it is registered."""
        flags = (f"--master={self.master.address}", f"--http_port={self._marathon_port}")
        self._start("marathon", "marathon", *flags, *MARATHON_FLAGS)
        process = self.parts["marathon"]

        def registered() -> bool:
            if process.poll() is not None:
                told = (self.directory / "marathon.log").read_text(errors="replace")
                raise AssertionError(f"Marathon ended with {process.returncode}: {told[-3000:]}")
            return self.marathon.framework_id() != ""

        wait_until("Marathon", registered)

    def kill_marathon(self) -> None:
        """SIGKILL, and nobody starts it again."""
        self.parts["marathon"].kill()
        self.parts["marathon"].wait()

    def end_agent(self, name: str) -> None:
        """Have an agent end its tasks and say good-bye."""
        self.parts[name].send_signal(signal.SIGUSR1)
        self.parts[name].wait(20)

    def active(self) -> int:
        """How many agents the master has connected; 0 while there is no master."""
        try:
            answer = self.master.ask("GET", "/slaves")
        except OSError:
            return 0
        return sum(bool(agent["active"]) for agent in answer.body["slaves"])

    def agent_of(self, pid: int) -> str:
        """The agent that a process works for; empty if it has ended since it was seen."""
        try:
            directory = os.readlink(f"/proc/{pid}/cwd")
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return Path(directory).relative_to(self.directory).parts[0]

    def stop(self) -> None:
        """End Marathon, then the agents with their tasks, then the master."""
        for wire in self.wires.values():
            wire.mend()
        for name, process in reversed(self.parts.items()):
            if process.poll() is None:
                is_agent = name.startswith("agent")
                process.send_signal(signal.SIGUSR1 if is_agent else signal.SIGTERM)
        until = time.monotonic() + 20
        for process in self.parts.values():
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for wire in self.wires.values():
            wire.close()
        self._directory.cleanup()
