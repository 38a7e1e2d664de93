"""
The parts of a cluster as real processes, each started again a second after it ends.

What happened to which part, and when, is written down as it happens: from that it is told
afterwards when nobody could have served anything.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import attrs

from mesostw.daemons.local_parts import free_ports
from mesostw.daemons.part import part_command
from mesostw.launching import processtree
from tests.functional.chronos.disks import SmallDisk
from tests.functional.chronos.profiles import Profile
from tests.functional.clusters import wait_until

#: Makes the command line of a daemon from a signal and twistd's words.
Command: TypeAlias = Callable[..., tuple[str, ...]]
#: Of roles that are not made as usual: because something is broken in them.
Commands: TypeAlias = Mapping[str, Command]

IP: Final = "127.0.0.1"
#: What a supervisor of services waits before it starts one again.
RESTART_S: Final = 1.0
LOOK_S: Final = 0.02
#: How long parts have to end by themselves.
FAREWELL_S: Final = 10.0
#: Of one that has a full disk and no file system of its own: nothing is written beyond.
FULL_BYTES: Final = 4096
#: How a daemon says that its core has raised.
CRASHED: Final = "the core failed on"
CHRONOS_DISK_BYTES: Final = 24 << 20
AGENT_DISK_BYTES: Final = 64 << 20


@attrs.frozen
class Happening:
    """What became of a part: it begun, is up, ended, stopped, continued, is full, or free."""

    wall: float
    part: str
    event: str


@attrs.define
class Part:
    """One daemon."""

    name: str
    role: str
    command: tuple[str, ...]
    address: str
    work_dir: Path
    farewell: signal.Signals
    disk: SmallDisk | None = None
    process: subprocess.Popen[bytes] | None = None
    #: When it is started next; ``None`` is never.
    due: float | None = 0.0
    #: Whether it listens yet.
    is_up: bool = False
    limit: int | None = None


class Town:
    """
    A cluster's processes, their directory and their disks.

    :param commands: of roles that are broken.
    """

    def __init__(self, directory: Path, profile: Profile, commands: Commands) -> None:
        self.directory, self.profile = directory, profile
        # Tasks may have another user.
        directory.chmod(0o755)
        self.happenings: list[Happening] = []
        self._commands = commands
        self._lock = threading.RLock()
        self._stopping = False
        self.parts = {part.name: part for part in self._parts()}
        # What it starts is ended by the kernel when it ends, so it is the last to go.
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    # --- what there is ------------------------------------------------------------------

    def _parts(self) -> Iterator[Part]:
        topology = self.profile.topology
        ports = iter(free_ports(IP, sum(topology.parts.values())))
        masters = [f"{IP}:{next(ports)}" for _ in topology.names("master")]
        for name, address in zip(topology.names("master"), masters, strict=True):
            flags = (
                f"--agent_ping_timeout={self.profile.ping_s}secs",
                f"--max_agent_ping_timeouts={self.profile.pings}",
            )
            yield self._part(name, "mesos-master", address, flags)
        for name in topology.names("agent"):
            flags = (
                f"--master={masters[0]}",
                "--resources=cpus:8;mem:4096;disk:4096;ports:[]",
                f"--attributes=node:{name}",
                "--registration_backoff_factor=100ms",
            )
            yield self._part(name, "mesos-agent", f"{IP}:{next(ports)}", flags)
        for name in topology.names("chronos"):
            flags = (f"--master={masters[0]}", f"--user={getpass.getuser()}")
            yield self._part(name, "chronos", f"{IP}:{next(ports)}", flags)

    def _part(self, name: str, daemon: str, address: str, flags: Sequence[str]) -> Part:
        is_agent, is_chronos = daemon == "mesos-agent", daemon == "chronos"
        work_dir = self.directory / "work" / name
        port = address.rpartition(":")[2]
        farewell = signal.SIGUSR1 if is_agent else signal.SIGTERM
        words = (
            "--logfile=-",
            daemon,
            f"--work_dir={work_dir}",
            f"--{'http_port' if is_chronos else 'port'}={port}",
            *flags,
        )
        role = daemon.removeprefix("mesos-")
        command = self._commands.get(role, part_command)(farewell, *words)
        part = Part(name, role, command, address, work_dir, farewell)
        if is_agent or is_chronos:
            part.disk = SmallDisk(work_dir, AGENT_DISK_BYTES if is_agent else CHRONOS_DISK_BYTES)
        return part

    def of_role(self, role: str) -> list[Part]:
        """The parts of a role."""
        return [part for part in self.parts.values() if part.role == role]

    def address_of(self, role: str) -> str:
        """Of the first of a role."""
        return self.of_role(role)[0].address

    def log_of(self, name: str) -> str:
        """What a part has said in all of its lives."""
        path = self.directory / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def crashes(self) -> list[str]:
        """Lines in which a daemon says that its own program is wrong, not its surroundings."""
        return [
            f"{name}: {line}"
            for name in self.parts
            for line in self.log_of(name).splitlines()
            if CRASHED in line
        ]

    # --- keeping it going ----------------------------------------------------------------

    def start(self, is_up: Callable[[], bool]) -> None:
        """Start all parts, and wait until ``is_up``."""
        for part in self.parts.values():
            part.work_dir.mkdir(parents=True)
            if part.disk is not None:
                part.disk.mount()
        self._keeper.start()
        wait_until("the cluster", is_up)

    def _keep(self) -> None:
        while not self._stopping:
            with self._lock:
                for part in self.parts.values():
                    self._look(part)
            time.sleep(LOOK_S)
        self._end_all()

    def _look(self, part: Part) -> None:
        if part.process is not None:
            if part.process.poll() is None:
                if not part.is_up and self._listens(part):
                    part.is_up = True
                    self._tell(part, "up")
                return
            part.process = None
            self._tell(part, "ended")
            if part.due is not None:
                part.due = time.monotonic() + RESTART_S
        if part.due is not None and time.monotonic() >= part.due:
            self._begin(part)

    def _listens(self, part: Part) -> bool:
        """Whether a part takes connections."""
        return listens(int(part.address.rpartition(":")[2]))

    def _begin(self, part: Part) -> None:
        with (self.directory / f"{part.name}.log").open("ab") as log:
            part.process = subprocess.Popen(part.command, stdout=log, stderr=subprocess.STDOUT)
        part.due, part.is_up = 0.0, False
        if part.limit is not None:
            _limit(part.process.pid, part.limit)
        self._tell(part, "begun")

    def _tell(self, part: Part, event: str) -> None:
        self.happenings.append(Happening(time.time(), part.name, event))

    # --- trouble ------------------------------------------------------------------------

    def pid_of(self, name: str) -> int | None:
        """The process of a part, if it has one now."""
        process = self.parts[name].process
        return None if process is None else process.pid

    def signal(self, name: str, number: int) -> bool:
        """Send a signal to a part; whether it was there."""
        events = {signal.SIGSTOP: "stopped", signal.SIGCONT: "continued"}
        with self._lock:
            part = self.parts[name]
            if part.process is None or part.process.poll() is not None:
                return False
            part.process.send_signal(number)
            if number in events:
                self._tell(part, events[signal.Signals(number)])
            return True

    def fill(self, name: str) -> None:
        """Leave a part no room on its disk."""
        with self._lock:
            part = self.parts[name]
            self._tell(part, "full")
            if part.disk is not None and part.disk.is_own:
                part.disk.fill()
            else:
                self._limit_to(part, FULL_BYTES)

    def free(self, name: str) -> None:
        """Give a part its room back."""
        with self._lock:
            part = self.parts[name]
            if part.disk is not None and part.disk.is_own:
                part.disk.free()
            else:
                self._limit_to(part, None)
            self._tell(part, "free")

    def _limit_to(self, part: Part, limit: int | None) -> None:
        part.limit = limit
        if part.process is not None:
            with contextlib.suppress(ProcessLookupError):
                _limit(part.process.pid, resource.RLIM_INFINITY if limit is None else limit)

    def supervisor_of(self, name: str) -> int | None:
        """The process that an agent's tasks descend from."""
        wanted = os.fsencode(self.parts[name].work_dir / "meta" / "supervisor")
        for pid, words, _ in processes():
            if wanted in words.split(b"\0"):
                return pid
        return None

    def remove(self, name: str) -> None:
        """Have an agent gone for good, with all that it runs."""
        with self._lock:
            self.parts[name].due = None
            self.signal(name, signal.SIGKILL)
        pid = self.supervisor_of(name)
        if pid is not None:
            kill(pid)

    # --- the end ------------------------------------------------------------------------

    def running(self, word: str = "") -> list[str]:
        """Command lines of what runs here, daemons or not, that have ``word``."""
        here, found = os.fsencode(self.directory), []
        for pid, words, where in processes():
            if pid != os.getpid() and (here in words or where.startswith(str(self.directory))):
                line = words.replace(b"\0", b" ").decode(errors="replace").strip()
                if word in line:
                    found.append(f"{pid} {line}")
        return found

    def stop(self) -> list[str]:
        """End everything; what was left of it when all had had their time, if anything was."""
        self._stopping = True
        if self._keeper.ident is not None:
            self._keeper.join()
        left = self._left()
        for line in left:
            kill(int(line.split()[0]))
        for part in self.parts.values():
            if part.disk is not None:
                part.disk.unmount()
        return left

    def _end_all(self) -> None:
        # Whoever is needed by others ends after them.
        for role in reversed(self.profile.topology.parts):
            parts = [part for part in self.of_role(role) if part.process is not None]
            for part in parts:
                assert part.process is not None
                part.process.send_signal(signal.SIGCONT)
                part.process.send_signal(part.farewell)
            until = time.monotonic() + FAREWELL_S
            for part in parts:
                assert part.process is not None
                try:
                    part.process.wait(max(0.1, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    part.process.kill()
                    part.process.wait()

    def _left(self) -> list[str]:
        until = time.monotonic() + FAREWELL_S
        while (left := self.running()) and time.monotonic() < until:
            time.sleep(0.1)
        return left


def processes() -> Iterator[tuple[int, bytes, str]]:
    """Every process: its id, its words, and where it is."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        found = processtree.stat(int(entry.name))
        if found is None or found.state in ("Z", "X"):
            continue
        with contextlib.suppress(OSError):
            yield int(entry.name), (entry / "cmdline").read_bytes(), os.readlink(entry / "cwd")


def listens(port: int, where: Path = Path("/proc/net")) -> bool:
    """
    Whether somebody listens on a port; nobody is disturbed by asking.

    :param where: what a process sees of its network; another's is another machine's.
    """
    ends = (f":{port:04X} 00000000:0000 0A ", f":{port:04X} {'0' * 32}:0000 0A ")
    tables = zip(ends, ("tcp", "tcp6"), strict=True)
    try:
        return any(end in (where / name).read_text() for end, name in tables)
    except (FileNotFoundError, ProcessLookupError):
        # The process has ended since.
        return False


def kill(pid: int) -> None:
    """Have a process be gone, if it is not already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _limit(pid: int, size: int) -> None:
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
