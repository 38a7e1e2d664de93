"""``twistd mesos-agent``: what an agent is made of, started and stopped together."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final

import msgspec
from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw import API_VERSION
from mesostw.bus.dial import Dialer
from mesostw.bus.doorway import BACKLOG, Doorway
from mesostw.bus.exchange import Exchange
from mesostw.client.leading import leader_dialer
from mesostw.core.agent.changes import AgentChange
from mesostw.core.agent.flags import AgentFlags
from mesostw.core.agent.machine import Agent
from mesostw.core.agent.state import AgentState
from mesostw.core.agent.words import AgentEffect, AgentStimulus, LeaveAsked
from mesostw.daemons.agent_effects import RESERVED_BYTES, AgentEffects, Room, WhoWeAre, free_bytes
from mesostw.daemons.detect import offered
from mesostw.daemons.logs import Daemon
from mesostw.daemons.options import (
    COMMON,
    Flag,
    FlagOptions,
    boolean,
    count,
    duration,
    one_of,
    port,
    size,
)
from mesostw.daemons.sandbox_gc import SandboxSweeper
from mesostw.daemons.stopping import Beginning, settled, stop_with
from mesostw.daemons.work_dir import claim, refuse, say_why
from mesostw.daemons.zk_flags import MASTER_FLAG
from mesostw.driver import Driver
from mesostw.feed.changes import Feed
from mesostw.http.identity import Identity
from mesostw.http.site import AgentParts, agent_site
from mesostw.launching.fetching.cache import Cache
from mesostw.launching.fetching.fetcher import Fetcher
from mesostw.launching.fetching.processes import errands
from mesostw.launching.processes import SupervisedLauncher
from mesostw.launching.supervisor import PRCTL_MISSING
from mesostw.messages.convert import attribute_messages_of, messages_of
from mesostw.model.attributes import Attributes
from mesostw.model.names import ANY_ROLE, check_role
from mesostw.probing.network import network_prober
from mesostw.reactor_time import ReactorClock, install_steady_time
from mesostw.store.sqlite import SqliteStore

#: Of randomness in the names that one life gives.
NONCE_BYTES: Final = 8


def share(text: str) -> float:
    """A number from 0 to 1."""
    if not 0 <= float(text) <= 1:
        raise ValueError("give a number from 0 to 1")
    return float(text)


def patience(text: str) -> float:
    """Seconds that are waited for; more than none."""
    seconds = duration(text)
    if seconds <= 0:
        raise ValueError("give more than 0secs")
    return seconds


def variables(text: str) -> dict[str, str]:
    """A JSON object of variables."""
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError as fault:
        raise ValueError(f"give a JSON object of names and values: {fault}") from fault


class Options(FlagOptions):
    """What ``twistd mesos-agent`` accepts."""

    synopsis = "[options]"
    longdesc = "Run tasks on this machine. Every flag also reads MESOS_<FLAG>."
    flags: ClassVar[Sequence[Flag]] = (
        MASTER_FLAG,
        Flag("work_dir", "Where records and sandboxes are kept.", required=True),
        Flag("port", "Port for executors and browsers. 0: any.", "5051", port),
        Flag("resources", "As cpus:4;mem:1024 or JSON; what is not named is detected."),
        Flag("default_role", "Of resources that name no role.", ANY_ROLE, check_role),
        Flag("attributes", "As rack:a;cores:[1-4].", read=Attributes.parse),
        Flag(
            "registration_backoff_factor",
            "The first try to register comes within this time; 0 is at once.",
            "1secs",
            duration,
        ),
        Flag(
            "executor_registration_timeout",
            "How long a new executor may take to subscribe.",
            "1mins",
            duration,
        ),
        Flag(
            "executor_reregistration_timeout",
            "How long executors may take to come back to a restarted agent.",
            "2secs",
            duration,
        ),
        Flag(
            "executor_shutdown_grace_period",
            "How long an executor may take to end when asked to.",
            "5secs",
            duration,
        ),
        Flag(
            "recovery_timeout",
            "How long executors wait for an agent that does not come back.",
            "15mins",
            duration,
        ),
        Flag("switch_user", "Whether tasks run as their framework's user.", "true", boolean),
        Flag(
            "executor_environment_variables",
            "JSON object of variables for executors and tasks; a standard PATH if not given.",
            read=variables,
        ),
        Flag(
            "max_completed_executors_per_framework",
            "Ended executors that /state still shows.",
            "150",
            count,
        ),
        Flag(
            "fetcher_cache_size",
            "What all cached files of tasks together may take. 0B: none is cached.",
            "2GB",
            size,
        ),
        Flag("fetcher_cache_dir", "Where they are kept; WORK_DIR/fetch if not given."),
        Flag(
            "fetcher_stall_timeout",
            "Silence of a server after which a fetch is given up.",
            "1mins",
            patience,
        ),
        Flag("gc_delay", "How long ended sandboxes stay, at most.", "1weeks", duration),
        Flag(
            "gc_disk_headroom",
            "Share of the disk that is to be free; sandboxes stay shorter as it fills.",
            "0.1",
            share,
        ),
        Flag("disk_watch_interval", "Between two looks for old sandboxes.", "1mins", duration),
        Flag(
            "reconfiguration_policy",
            "What a restart may change: equal (nothing) or additive.",
            "equal",
            one_of("equal", "additive"),
        ),
        Flag(
            "recover",
            "What becomes of tasks of an earlier life: reconnect, or cleanup (end, then stop).",
            "reconnect",
            one_of("reconnect", "cleanup"),
        ),
        *COMMON,
    )


class AgentDaemon(Service):
    """An agent over its store, its supervisor and its port."""

    _log = Logger()

    def __init__(self, options: Options, reactor: Any) -> None:
        self._options, self._reactor = options, reactor
        self._clock = ReactorClock(reactor)
        self._work_dir = Path(options["work_dir"]).absolute()
        meta = self._work_dir / "meta"
        claim(meta, mode=0o700)
        self._resources = offered(
            options["resources"], options["default_role"], str(self._work_dir)
        )
        self._room = Room(self._clock, lambda: free_bytes(str(meta)), self._tell)
        self._store = SqliteStore(str(meta / "agent.db"), reactor.callFromThread, RESERVED_BYTES)
        self._launcher = SupervisedLauncher(reactor, str(meta / "supervisor"), self._tell)
        self._fetcher = fetcher_of(options, reactor, self._work_dir, self._tell)
        self._prober = network_prober(reactor, self._clock, self._tell)
        self._beginning = Beginning()
        self._port: IListeningPort | None = None
        self._driver: Driver[Any, Any, Any] | None = None
        self._sweeper: SandboxSweeper | None = None
        self._hang_up: Callable[[], None] = _nothing

    def _tell(self, stimuli: Sequence[object]) -> None:
        if self._driver is not None:
            self._driver.tell(stimuli)

    def startService(self) -> None:
        """Take up what an earlier life left, then dial the master."""
        super().startService()
        signal.signal(signal.SIGUSR1, self._leave)
        self._beginning.begin(self._start(), self._give_up)

    def _leave(self, number: int, frame: object) -> None:
        self._reactor.callFromThread(self._tell, [LeaveAsked("SIGUSR1")])

    async def _start(self) -> None:
        options, reactor = self._options, self._reactor
        exchange = Exchange(self._clock, "agent", ("executor",))
        doorway = Doorway(exchange)
        listening = self._port = reactor.listenTCP(
            options["port"], doorway, backlog=BACKLOG, interface=options["ip"]
        )
        flags = flags_of(options, self._work_dir, listening.getHost().port, self._resources)
        stored = await self._store.read()
        nonce = os.urandom(NONCE_BYTES)
        core = Agent(flags, nonce, Random(nonce).random)
        feed: Feed[Any, Any] = Feed(AgentState(), nonce.hex(), changes_max=1)
        effects = AgentEffects(self._clock, self._launcher, self._fetcher, self._prober, self._quit)
        driver: Driver[AgentStimulus, AgentChange, AgentEffect] = Driver(
            self._clock, core, self._store, feed, exchange, effects, self._give_up
        )
        self._driver = driver
        exchange.address = flags.address
        feed.follow(WhoWeAre(exchange))
        await self._launcher.start()
        await driver.start(stored)
        # Only now: executors that say hello before are told that we are starting.
        exchange.inbox = driver
        self._room.start()
        self._sweeper = self._sweeper_of(feed.view)
        self._sweeper.start()
        doorway.site = agent_site(
            AgentParts(
                feed=feed,
                inbox=driver,
                exchange=exchange,
                clock=self._clock,
                identity=identity_of(core, options, self._clock.wall()),
                flags=flags,
                counters=self._fetcher.gauges,
            )
        )
        dialer = leader_dialer(reactor, Dialer(reactor, exchange, Random(nonce)))
        self._hang_up = dialer.dial(options["master"])
        self._log.info(
            "agent answers at {address} with {resources}",
            address=flags.address,
            resources=self._resources,
        )

    def _sweeper_of(self, view: AgentState) -> SandboxSweeper:
        options = self._options

        def live() -> list[str]:
            tasks = [task.directory for task in view.tasks.values()]
            return tasks + [executor.directory for executor in view.executors.values()]

        return SandboxSweeper(
            self._clock,
            str(self._work_dir),
            live,
            deferToThread,
            gc_delay_s=options["gc_delay"],
            headroom=options["gc_disk_headroom"],
            interval_s=options["disk_watch_interval"],
        )

    def _quit(self, reason: str, failed: bool) -> None:
        if failed:
            self._log.error("the agent stops: {reason}", reason=reason)
        else:
            self._log.info("the agent stops: {reason}", reason=reason)
        stop_with(self._reactor, 1 if failed else 0)

    def _give_up(self, failure: Failure) -> None:
        """Stop the process: a supervisor starts it again, and tasks run on meanwhile."""
        say_why(self._log, "the agent", failure)
        stop_with(self._reactor, 1)

    def stopService(self) -> Deferred[None]:
        """Hear nothing more, and keep what was heard; tasks run on."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._beginning.end()
        self._hang_up()
        self._fetcher.stop()
        self._room.stop()
        self._prober.close()
        if self._sweeper is not None:
            self._sweeper.stop()
        if self._port is not None:
            await settled(self._port.stopListening())
        if self._driver is not None:
            await self._driver.stop()
        else:
            await self._store.close()
        await self._launcher.stop()


def fetcher_of(
    options: Options, reactor: Any, work_dir: Path, tell: Callable[[Sequence[object]], None]
) -> Fetcher:
    """What brings files of tasks; its cache is this agent's alone, and empty."""
    stall_s, send = options["fetcher_stall_timeout"], errands(reactor)
    directory = Path(options["fetcher_cache_dir"] or work_dir / "fetch").absolute()
    try:
        claim(directory, mode=0o700)
        cache = Cache(str(directory), options["fetcher_cache_size"], stall_s, send)
    except OSError as fault:
        refuse(f"--fetcher_cache_dir={directory}: {fault}")
    return Fetcher(reactor, send, cache, stall_s, tell)


def flags_of(options: Options, work_dir: Path, number: int, resources: Any) -> AgentFlags:
    """The core's flags from the command line's."""
    ip = options["ip"]
    attributes = options["attributes"]
    environment: Mapping[str, str] | None = options["executor_environment_variables"]
    return AgentFlags(
        hostname=options["hostname"] or ip,
        ip=ip,
        port=number,
        version=API_VERSION,
        work_dir=str(work_dir),
        resources=messages_of(resources),
        attributes=() if attributes is None else attribute_messages_of(attributes),
        registration_backoff_s=options["registration_backoff_factor"],
        executor_registration_timeout_s=options["executor_registration_timeout"],
        executor_reregistration_timeout_s=options["executor_reregistration_timeout"],
        executor_shutdown_grace_s=options["executor_shutdown_grace_period"],
        recovery_timeout_s=options["recovery_timeout"],
        switch_user=options["switch_user"],
        executor_environment=environment,
        max_completed_executors_per_framework=options["max_completed_executors_per_framework"],
        reconfiguration_policy=options["reconfiguration_policy"],
        recover=options["recover"],
    )


def identity_of(core: Agent, options: Options, started: float) -> Identity:
    """What the agent's pages say of it."""
    return Identity(
        id=lambda: core.state.identity.agent_id,
        ip=core.flags.ip,
        port=core.flags.port,
        hostname=core.flags.hostname,
        started=started,
        flags=options.shown(),
    )


def _nothing() -> None:
    """Before the first dial there is nothing to hang up."""


def makeService(options: Options) -> IService:
    """An agent from the command line."""
    from twisted.internet import reactor

    install_steady_time(reactor)
    daemon = Daemon(options)
    if find_spec("prctl") is None:
        refuse(PRCTL_MISSING)
    try:
        AgentDaemon(options, reactor).setServiceParent(daemon)
    except OSError as fault:
        refuse(f"--work_dir={options['work_dir']}: {fault}")
    except ValueError as fault:
        refuse(f"--resources={options['resources']}: {fault}")
    return daemon
