"""
``twistd mesos-local``: a whole cluster on this machine, each role its own process.

The parts are ordinary ``twistd`` daemons, watched by Twisted's process monitor:
one that dies is started again on its port with its work directory, so killing
any of them shows what a cluster does about it.

SIGINT, SIGTERM and SIGHUP end all tasks and parts.  So does SIGKILL where python-prctl is
installed, except that the directory stays, also a temporary one; without python-prctl
the master goes on and is to be ended by hand.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, ClassVar, Final

import msgspec
import treq
from attrs import define, field, frozen
from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, Logger
from twisted.runner.procmon import ProcessMonitor
from zope.interface import implementer

from mesostw.daemons.logs import Daemon
from mesostw.daemons.options import COMMON, Flag, FlagOptions, count, port
from mesostw.daemons.part import part_command
from mesostw.daemons.stopping import stop_with
from mesostw.daemons.work_dir import refuse
from mesostw.launching.supervisor import PRCTL_MISSING
from mesostw.model.resources import Resources
from mesostw.reactor_time import install_steady_time
from mesostw.unattended import unattended

#: Between two looks whether the cluster is up.
LOOK_INTERVAL_S: Final = 0.05
#: How long the cluster may take to come up before its log says what is missing.
PATIENCE_S: Final = 15.0
#: How long agents have to end their tasks when the cluster is stopped.
FAREWELL_S: Final = 6
#: A part that died is started again after this long; doubled while it dies at once.
RESTART_DELAY_S: Final = 1
RESTART_DELAY_MAX_S: Final = 10
#: A part that lived shorter than this died at once.
SHORT_LIFE_S: Final = 2
PORT_MAX: Final = 65_535


def resources(text: str) -> str:
    """The text of resources, if it can be read."""
    Resources.parse(text)
    return text


class Options(FlagOptions):
    """What ``twistd mesos-local`` accepts."""

    synopsis = "[options]"
    longdesc = (
        "A master and agents on this machine with the dashboard, for trying and developing. "
        "Each part is a process of its own; one that is killed comes back."
    )
    flags: ClassVar[Sequence[Flag]] = (
        Flag("agents", "How many agents.", "3", count),
        Flag(
            "work_dir",
            "Where state and sandboxes are kept; a temporary directory, removed at the end, "
            "if not given.",
        ),
        Flag("port", "The master's port; agents take the following ones. 0: any.", "5050", port),
        Flag("ready_file", "Written with every address, as JSON, once all is up."),
        Flag("cluster", "Name of the cluster, shown on the dashboard.", "local"),
        Flag(
            "resources",
            "Of each agent, as cpus:4;mem:1024; detected if not given.",
            None,
            resources,
        ),
        *COMMON,
    )


@frozen
class Part:
    """One daemon of the cluster."""

    name: str
    command: tuple[str, ...]
    address: str


def twistd(*arguments: str) -> tuple[str, ...]:
    """The command line of one daemon, run by this very Python."""
    program = "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
    return (sys.executable, "-c", program, "--nodaemon", "--pidfile=", *arguments)


def free_ports(ip: str, wanted: int) -> list[int]:
    """Ports that nobody listens on now; held together so that all differ."""
    held = []
    try:
        for _ in range(wanted):
            probe = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((ip, 0))
            held.append(probe)
        return [probe.getsockname()[1] for probe in held]
    finally:
        for probe in held:
            probe.close()


def given_ports(ip: str, first: int, wanted: int) -> list[int]:
    """
    ``wanted`` ports from ``first``.

    :raises OSError: if one cannot be had now.
    """
    if first + wanted - 1 > PORT_MAX:
        raise OSError(f"{wanted} ports from {first} end above {PORT_MAX}")
    ports = list(range(first, first + wanted))
    for number in ports:
        with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ip, number))
                probe.listen()
            except OSError as fault:
                raise OSError(f"port {number}: {fault.strerror}") from fault
    return ports


def parts_of(options: Options, work_dir: Path) -> list[Part]:
    """The master first, then the agents."""
    ip = options["ip"]
    wanted = options["agents"] + 1
    first = options["port"]
    ports = free_ports(ip, wanted) if first == 0 else given_ports(ip, first, wanted)
    shared = [f"--ip={ip}", f"--log_format={options['log_format']}"]
    shared += [f"--logging_level={options['logging_level']}"]
    if options["hostname"]:
        shared.append(f"--hostname={options['hostname']}")
    master = f"{ip}:{ports[0]}"
    master_command = [
        "mesos-master",
        f"--port={ports[0]}",
        f"--work_dir={work_dir / 'master'}",
        f"--cluster={options['cluster']}",
    ]
    parts = [Part("master", part_command(signal.SIGTERM, *master_command, *shared), master)]
    for number, agent_port in enumerate(ports[1:], 1):
        command = [
            "mesos-agent",
            f"--master={master}",
            f"--port={agent_port}",
            f"--work_dir={work_dir / f'agent{number}'}",
            # A newcomer should not wait for a back-off that spares a master of thousands.
            "--registration_backoff_factor=10ms",
        ]
        if options["resources"]:
            command.append(f"--resources={options['resources']}")
        # An agent ends its tasks on this signal; SIGTERM would leave them running.
        words = part_command(signal.SIGUSR1, *command, *shared)
        parts.append(Part(f"agent{number}", words, f"{ip}:{agent_port}"))
    return parts


@define
class LocalCluster(Service):
    """Starts the parts, says when all are up, and ends them with their tasks."""

    _log: ClassVar = Logger()

    reactor: Any
    parts: list[Part]
    ready_file: Path | None
    #: Removed at the end, when nobody named a directory.
    temporary: Path | None
    #: Ends the process with a status that says that something is wrong.
    give_up: Callable[[], object]
    _monitor: ProcessMonitor = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._monitor = ProcessMonitor(self.reactor)
        self._monitor.threshold = SHORT_LIFE_S
        self._monitor.minRestartDelay = RESTART_DELAY_S
        self._monitor.maxRestartDelay = RESTART_DELAY_MAX_S
        self._monitor.killTime = FAREWELL_S
        for part in self.parts:
            self._monitor.addProcess(part.name, list(part.command), env=dict(os.environ))

    def startService(self) -> None:
        """Start every part, and look for them in the background."""
        super().startService()
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            # A terminal that is closed is as good as Ctrl-C in it.
            signal.signal(signal.SIGHUP, lambda *_: self.reactor.callFromThread(self.reactor.stop))
        self._forget_ready()
        self._monitor.startService()
        unattended(self._announce(), self._failed)

    def stopService(self) -> Deferred[None]:
        """End tasks, agents and master, in this order."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._forget_ready()
        # Only that nothing is started again; the monitor's own stop would end all at once.
        Service.stopService(self._monitor)
        pids = {
            name: one.transport.pid
            for name, one in self._monitor.protocols.items()
            if one.transport is not None
        }
        for name, pid in pids.items():
            if name != "master":
                # An agent ends its tasks on this signal; SIGTERM would leave them running.
                _signal(pid, signal.SIGUSR1)
        await self._gone([pid for name, pid in pids.items() if name != "master"])
        self._monitor.stopService()
        await self._gone(list(pids.values()))
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)

    async def _gone(self, pids: Sequence[int | None]) -> None:
        """Wait until every process has been reaped, ``FAREWELL_S`` at most."""
        waited_s = 0.0
        while waited_s < FAREWELL_S and any(
            pid is not None and Path(f"/proc/{pid}").exists() for pid in pids
        ):
            await deferLater(self.reactor, LOOK_INTERVAL_S)
            waited_s += LOOK_INTERVAL_S

    def _failed(self, failure: Any) -> None:
        self._log.failure("the cluster did not come up", failure=failure)
        self.give_up()

    def _forget_ready(self) -> None:
        if self.ready_file is not None:
            self.ready_file.unlink(missing_ok=True)

    async def _announce(self) -> None:
        """Wait until every agent is registered, then say so in the log and the file."""
        waited_s = 0.0
        while self.running and (missing := await self._missing()):
            await deferLater(self.reactor, LOOK_INTERVAL_S)
            waited_s += LOOK_INTERVAL_S
            if waited_s >= PATIENCE_S:
                self._log.warn("still waiting for {missing}", missing=missing)
                waited_s = 0.0
        if not self.running:
            return
        master = self.parts[0].address
        agents = [part.address for part in self.parts[1:]]
        if self.ready_file is not None:
            beside = self.ready_file.with_name(self.ready_file.name + ".new")
            beside.write_bytes(msgspec.json.encode({"master": master, "agents": agents}))
            beside.replace(self.ready_file)
        self._log.info("the cluster is up: {count} agents", count=len(agents))
        self._log.info("dashboard  http://{master}/", master=master)
        command = f"mesostw --master {master} run --instances 200 -- sh -c 'sleep 2'"
        self._log.info("try        {command}", command=command)

    async def _missing(self) -> str:
        """What is not up yet, in words; nothing if all is."""
        master = self.parts[0].address
        agents = len(self.parts) - 1
        try:
            response = await treq.get(f"http://{master}/slaves", timeout=5, persistent=False)
            listed = await response.json()
        except Exception as fault:  # noqa: BLE001 - whatever it is, we look again
            self._log.debug("{master}: {fault}", master=master, fault=fault)
            return f"the master at {master}"
        active = sum(bool(agent["active"]) for agent in listed["slaves"])
        return "" if active >= agents else f"{agents - active} of {agents} agents"


@implementer(ILogObserver)
@frozen
class PassingOn:
    """Lets the parts' own lines through as they are, with their names unless ``plain``."""

    observer: ILogObserver
    stream: IO[str]
    plain: bool

    def __call__(self, event: LogEvent) -> None:
        """Write a part's line, or give the event on."""
        if "line" in event and "tag" in event:
            name = "" if self.plain else f"{event['tag']:<7} "
            self.stream.write(f"{name}{event['line']}\n")
            self.stream.flush()
        else:
            self.observer(event)


def _signal(pid: int | None, number: int) -> None:
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def makeService(options: Options) -> IService:
    """A cluster from the command line."""
    from twisted.internet import reactor

    install_steady_time(reactor)
    if options["agents"] and find_spec("prctl") is None:
        refuse(PRCTL_MISSING)

    temporary = None
    if options["work_dir"]:
        work_dir = Path(options["work_dir"]).absolute()
    else:
        work_dir = temporary = Path(tempfile.mkdtemp(prefix="mesostw-"))
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        parts = parts_of(options, work_dir)
    except OSError as fault:
        if temporary is not None:
            temporary.rmdir()
        refuse(f"cannot start in {work_dir} on {options['ip']}: {fault}")
    ready_file = Path(options["ready_file"]).absolute() if options["ready_file"] else None
    if ready_file is not None and not os.access(ready_file.parent, os.W_OK):
        refuse(f"--ready_file={ready_file}: its directory cannot be written to")
    service = Daemon(options)
    service.observer = PassingOn(service.observer, service.stream, options["log_format"] == "json")
    give_up = partial(stop_with, reactor, 1)
    LocalCluster(reactor, parts, ready_file, temporary, give_up).setServiceParent(service)
    return service
