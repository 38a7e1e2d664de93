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
import tempfile
from collections.abc import Callable, Mapping, Sequence
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

from mesostw.daemons.local_parts import DEMO, DEMO_JOBS, Options, Part, parts_of
from mesostw.daemons.logs import Daemon
from mesostw.daemons.stopping import stop_with
from mesostw.daemons.work_dir import refuse
from mesostw.launching.supervisor import PRCTL_MISSING
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
    #: Whether there is to be something to look at.
    demo: bool = False
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
        # Frameworks first, or they would start anew what agents end; the master last.
        for names in (["marathon", "chronos"], [part.name for part in self.parts if part.is_agent]):
            await self._end(names)
        self._monitor.stopService()
        await self._gone([self._pid(part.name) for part in self.parts])
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)

    def _pid(self, name: str) -> int | None:
        running = self._monitor.protocols.get(name)
        if running is None or running.transport is None:
            return None
        found: int | None = running.transport.pid
        return found

    async def _end(self, names: Sequence[str]) -> None:
        """Have parts end with what they have started, and wait for them."""
        pids = [self._pid(name) for name in names]
        for part in self.parts:
            if part.name in names:
                _signal(self._pid(part.name), part.farewell)
        await self._gone(pids)

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
        if self.demo:
            await self._demonstrate()
        self._write_ready()
        agents = sum(part.is_agent for part in self.parts)
        master = self.parts[0].address
        frameworks = "Marathon and Chronos" if self._has_chronos else "Marathon"
        self._log.info("the cluster is up: {count} agents, {who}", count=agents, who=frameworks)
        self._log.info("dashboard  http://{master}/", master=master)
        self._log.info("marathon   http://{address}/", address=self._address("marathon"))
        if self._has_chronos:
            self._log.info("chronos    http://{address}/", address=self._address("chronos"))
        command = f"mesostw --master {master} run --instances 200 -- sh -c 'sleep 2'"
        self._log.info("try        {command}", command=command)

    def _address(self, name: str) -> str:
        return next(part.address for part in self.parts if part.name == name)

    @property
    def _has_chronos(self) -> bool:
        return any(part.name == "chronos" for part in self.parts)

    def _write_ready(self) -> None:
        if self.ready_file is None:
            return
        ready = {
            "master": self._address("master"),
            "agents": [part.address for part in self.parts if part.is_agent],
            "marathon": self._address("marathon"),
        }
        if self._has_chronos:
            ready["chronos"] = self._address("chronos")
        beside = self.ready_file.with_name(self.ready_file.name + ".new")
        beside.write_bytes(msgspec.json.encode(ready))
        beside.replace(self.ready_file)

    async def _demonstrate(self) -> None:
        """Have the demo app and jobs, as they are written, also if they are there from before."""
        await self._sent("PUT", f"{self._address('marathon')}/v2/apps{DEMO['id']}", DEMO)
        if self._has_chronos:
            for noun, job in DEMO_JOBS:
                await self._sent("POST", f"{self._address('chronos')}/v1/scheduler/{noun}", job)

    async def _sent(self, method: str, resource: str, document: Mapping[str, object]) -> None:
        response = await treq.request(
            method, f"http://{resource}", json=document, timeout=10, persistent=False
        )
        if response.code >= 400:
            text = (await response.content()).decode(errors="replace")
            self._log.warn(
                "{resource}: {code} {text}", resource=resource, code=response.code, text=text
            )

    async def _missing(self) -> str:
        """What is not up yet, in words; nothing if all is."""
        master, agents = self.parts[0].address, sum(part.is_agent for part in self.parts)
        listed = await self._asked(f"http://{master}/slaves")
        if listed is None:
            return f"the master at {master}"
        active = sum(bool(agent["active"]) for agent in listed["slaves"])
        if active < agents:
            return f"{agents - active} of {agents} agents"
        marathon = self._address("marathon")
        told = await self._asked(f"http://{marathon}/v2/info")
        if told is None or not told.get("frameworkId"):
            return f"Marathon at {marathon}"
        return await self._chronos_missing() if self._has_chronos else ""

    async def _chronos_missing(self) -> str:
        chronos = self._address("chronos")
        told = await self._asked(f"http://{chronos}/v1/chronos/info")
        return "" if told is not None and told.get("frameworkId") else f"Chronos at {chronos}"

    async def _asked(self, url: str) -> Any:
        """What a part answers in JSON; ``None`` while it does not."""
        try:
            response = await treq.get(url, timeout=5, persistent=False)
            return await response.json()
        except Exception as fault:  # noqa: BLE001 - whatever it is, we look again
            self._log.debug("{url}: {fault}", url=url, fault=fault)
            return None


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
    cluster = LocalCluster(reactor, parts, ready_file, temporary, give_up, options["demo"])
    cluster.setServiceParent(service)
    return service
