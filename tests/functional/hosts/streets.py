"""
A cluster whose parts are on hosts: the processes of a town, each where its layout has it.

A host has a network of its own; its disks and its processes are this machine's, so that a host
whose power is cut loses every process and keeps every file.
"""

from __future__ import annotations

import contextlib
import getpass
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from mesostw.daemons.part import part_command
from mesostw.testing.zookeeper.server import HEAP, JARS
from tests.functional.chronos.disks import SmallDisk
from tests.functional.chronos.town import RESTART_S, Command, Commands, Part, Town, kill, listens
from tests.functional.hosts import clocks
from tests.functional.hosts.layout import PORTS, Scale
from tests.functional.hosts.network import Network
from tests.functional.hosts.walls import AGENT_GROUP, LINE_GROUP, ZOOKEEPER_PORTS, Walls

#: Roles whose wall clocks are set now and then.
CLOCKED: Final = ("master", "marathon", "chronos")
DAEMONS: Final = {"master": "mesos-master", "agent": "mesos-agent"}
#: Of those that have a small disk of their own.
DISK_BYTES: Final = {"zookeeper": 96 << 20, "agent": 64 << 20}
#: Of a host's processes, until none is left.
CUT_S: Final = 5.0
_JAVA: Final = (
    "java",
    HEAP,
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Dzookeeper.jmx.log4j.disable=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-cp",
    ":".join(JARS),
    "org.apache.zookeeper.server.quorum.QuorumPeerMain",
)


class Streets(Town):
    """A town on several hosts."""

    def __init__(self, directory: Path, scale: Scale, network: Network, commands: Commands) -> None:
        self.scale, self.layout, self.network = scale, scale.layout, network
        #: Parts that cannot reach the others now, while those reach each other.
        self.apart: set[str] = set()
        super().__init__(directory, scale.profile, commands)

    # --- what there is ------------------------------------------------------------------

    def _parts(self) -> Iterator[Part]:
        make: Mapping[str, Callable[[str, str], tuple[str, ...]]] = {
            "zookeeper": self._zookeeper,
            "master": self._master,
            "agent": self._agent,
            "marathon": self._marathon,
            "chronos": self._chronos_words,
        }
        for role in self.layout.places:
            for name in self.layout.topology.names(role):
                host = self.layout.host_of(name)
                ip, farewell = self.network.addresses[host], signal.SIGTERM
                words = make[role](name, ip)
                if role != "zookeeper":
                    farewell = signal.SIGUSR1 if role == "agent" else farewell
                    words = self._command_of(name, role)(farewell, "--logfile=-", *words)
                if role == "agent":
                    group = ("setpriv", f"--regid={AGENT_GROUP}", "--keep-groups", "--")
                    words = (*group, *words)
                part = Part(
                    name,
                    role,
                    self.network.inside(host, words),
                    f"{ip}:{PORTS[role]}",
                    self._work_dir(name),
                    farewell,
                )
                if role in DISK_BYTES:
                    part.disk = SmallDisk(part.work_dir, DISK_BYTES[role])
                yield part

    def _command_of(self, name: str, role: str) -> Command:
        if role in self._commands or role not in CLOCKED:
            return self._commands.get(role, part_command)
        return partial(clocks.command_of, self.clock_of(name))

    def clock_of(self, name: str) -> Path:
        """The file that a part's wall clock is wrong by."""
        return self.directory / f"{name}.clock"

    def _work_dir(self, name: str) -> Path:
        return self.directory / "work" / name

    def addresses_of(self, role: str) -> list[str]:
        """Of all of a role, with their ports."""
        return [
            f"{self.network.addresses[host]}:{PORTS[role]}" for host in self.layout.places[role]
        ]

    def addresses_apart(self) -> set[str]:
        """Of all that cannot reach the others now."""
        return {self.parts[name].address for name in tuple(self.apart)}

    @property
    def ensemble(self) -> str:
        """All ZooKeepers, as daemons are told of them."""
        return ",".join(self.addresses_of("zookeeper"))

    @property
    def master_url(self) -> str:
        """Where masters are found."""
        return f"zk://{self.ensemble}/mesos"

    def _zookeeper(self, name: str, ip: str) -> tuple[str, ...]:
        port, speak, vote = ZOOKEEPER_PORTS
        work, config = self._work_dir(name), self.directory / f"{name}.cfg"
        lines = {
            "tickTime": self.scale.tick_ms,
            "initLimit": 10,
            "syncLimit": 5,
            "dataDir": work / "data",
            "clientPort": port,
            "clientPortAddress": ip,
            "admin.enableServer": "false",
            "4lw.commands.whitelist": "*",
            "maxClientCnxns": 0,
            "preAllocSize": 4096,
            # Whose link has broken tries again soon: a fault lasts some seconds only.
            "cnxTimeout": 1,
        }
        for number, host in enumerate(self.layout.places["zookeeper"], 1):
            lines[f"server.{number}"] = f"{self.network.addresses[host]}:{speak}:{vote}"
        config.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        identity = shlex.quote(str(work / "data" / "myid"))
        number = name.removeprefix("zookeeper")
        script = f"test -s {identity} || {{ mkdir -p {identity.removesuffix('/myid')}"
        script += f" && echo {number} > {identity}; }}"
        java = shlex.join(("setpriv", "--pdeathsig", "KILL", "--", *_JAVA, str(config)))
        return ("sh", "-c", f"{script}; exec {java}")

    def _daemon(self, name: str, role: str, *flags: str) -> tuple[str, ...]:
        return (DAEMONS.get(role, role), f"--work_dir={self._work_dir(name)}", *flags)

    def _master(self, name: str, ip: str) -> tuple[str, ...]:
        profile = self.profile
        return self._daemon(
            name, "master", f"--ip={ip}", f"--hostname={ip}", f"--port={PORTS['master']}",
            f"--zk={self.master_url}", f"--zk_session_timeout={self.scale.session_s}secs",
            f"--agent_ping_timeout={profile.ping_s}secs",
            f"--max_agent_ping_timeouts={profile.pings}",
        )  # fmt: skip

    def _agent(self, name: str, ip: str) -> tuple[str, ...]:
        return self._daemon(
            name, "agent", f"--ip={ip}", f"--hostname={ip}", f"--port={PORTS['agent']}",
            f"--master={self.master_url}", f"--attributes=node:{name}",
            "--resources=cpus:8;mem:4096;disk:4096;ports:[31000-31999]",
            "--registration_backoff_factor=100ms",
        )  # fmt: skip

    def _marathon(self, name: str, ip: str) -> tuple[str, ...]:
        return self._daemon(
            name, "marathon", f"--http_address={ip}", f"--hostname={ip}",
            f"--http_port={PORTS['marathon']}", f"--master={self.master_url}",
            f"--zk=zk://{self.ensemble}/marathon",
            f"--zk_session_timeout={self.scale.session_s * 1000}",
        )  # fmt: skip

    def _chronos_words(self, name: str, ip: str) -> tuple[str, ...]:
        return self._daemon(
            name, "chronos", f"--http_address={ip}", f"--hostname={ip}",
            f"--http_port={PORTS['chronos']}", f"--master={self.master_url}",
            f"--zk_hosts={self.ensemble}", f"--zk_timeout={self.scale.session_s * 1000}",
            f"--user={getpass.getuser()}",
        )  # fmt: skip

    def _listens(self, part: Part) -> bool:
        assert part.process is not None
        port = int(part.address.rpartition(":")[2])
        return listens(port, Path(f"/proc/{part.process.pid}/net"))

    def _end_all(self) -> None:
        super()._end_all()
        # Their disks are in memory, and gone with the rest.
        for part in self.of_role("zookeeper"):
            with contextlib.suppress(OSError):
                shutil.copytree(part.work_dir / "data", self.directory / "kept" / part.name)

    # --- trouble that only hosts have -----------------------------------------------------

    def cut(self, hosts: Iterable[str], roles: Iterable[str] = ()) -> None:
        """Remember that these cannot reach the others; all that is there, or some of it."""
        self.apart.update(self._tell_all(hosts, roles, "cut"))

    def join(self, hosts: Iterable[str], roles: Iterable[str] = ()) -> None:
        """Remember that they can."""
        self.apart.difference_update(self._tell_all(hosts, roles, "joined"))

    def _tell_all(self, hosts: Iterable[str], roles: Iterable[str], event: str) -> list[str]:
        wanted = set(roles) or set(self.layout.places)
        with self._lock:
            names = [name for host in hosts for name in self.layout.parts_on(host)]
            told = [name for name in names if self.parts[name].role in wanted]
            for name in told:
                self._tell(self.parts[name], event)
        return told

    def wall(self, walls: Walls) -> None:
        """Put walls up; who is away because of them is remembered as such."""
        self.network.wall(walls)
        self.cut(walls.away)
        if walls.torn:
            self._tell_all(self.network.hosts, (), "cut")

    def clear(self, walls: Walls) -> None:
        """Take them away."""
        self.network.clear()
        self.join(walls.away)
        if walls.torn:
            self._tell_all(self.network.hosts, (), "joined")

    def cut_power(self, hosts: Iterable[str]) -> None:
        """End every process of some hosts, daemons and tasks; none is started again."""
        with self._lock:
            some = list(hosts)
            for host in some:
                for name in self.layout.parts_on(host):
                    self.parts[name].due = None
            until = time.monotonic() + CUT_S
            while (left := [pid for host in some for pid in self.network.processes(host)]) and (
                time.monotonic() < until
            ):
                for pid in left:
                    kill(pid)
                # Those that are ours are there until they have been waited for.
                for part in self.parts.values():
                    if part.process is not None:
                        part.process.poll()

    def give_power(self, hosts: Iterable[str]) -> None:
        """Start what is on some hosts."""
        with self._lock:
            for host in hosts:
                for name in self.layout.parts_on(host):
                    self.parts[name].due = time.monotonic() + RESTART_S

    def line_on(self, host: str, *words: str) -> tuple[str, ...]:
        """The command line of a slow line on a host."""
        group = ("setpriv", f"--regid={LINE_GROUP}", "--keep-groups", "--pdeathsig=KILL", "--")
        module = "tests.functional.hosts.delaying"
        return self.network.inside(host, (*group, sys.executable, "-m", module, *words))
