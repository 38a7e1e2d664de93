"""``twistd mesos-master``: what a master is made of, started and stopped together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final, cast
from uuid import uuid4

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent
from zope.interface import implementer

from mesostw import API_VERSION, __version__
from mesostw.bus.doorway import BACKLOG, Doorway
from mesostw.bus.exchange import Exchange
from mesostw.core.allocator.minimums import Minimum
from mesostw.core.master.flags import MasterFlags
from mesostw.core.master.machine import Master
from mesostw.core.master.state import ClusterState
from mesostw.core.master.words import StepDown
from mesostw.daemons.logs import Daemon
from mesostw.daemons.options import COMMON, Flag, FlagOptions, boolean, count, duration, port
from mesostw.daemons.pauses import keep_pauses_short
from mesostw.daemons.reign import begin
from mesostw.daemons.seat import Hooks, seat_of, unwelcome
from mesostw.daemons.standby import Standby, shown_of
from mesostw.daemons.stopping import Beginning, settled, stop_with
from mesostw.daemons.work_dir import claim, refuse, say_why
from mesostw.daemons.zk_flags import ZK_FLAGS, bench_of
from mesostw.driver import Driver
from mesostw.feed.changes import Feed
from mesostw.feed.layout import Banner
from mesostw.feed.live import Live
from mesostw.feed.master import live_parts
from mesostw.feed.publishing import Publishing
from mesostw.http.door import Dial
from mesostw.http.identity import MASTER_CAPABILITIES, Identity
from mesostw.http.metrics import registrar_metrics
from mesostw.http.site import MasterParts, master_site
from mesostw.interfaces import IPerformer
from mesostw.messages.machines import Address
from mesostw.messages.masters import MasterCapability, MasterCapabilityType, MasterInfo
from mesostw.model.names import check_role, check_weight
from mesostw.reactor_time import ReactorClock, install_steady_time
from mesostw.zookeeper.election import MASTERS
from mesostw.zookeeper.masters import address_of, announced

#: Mesos refuses shorter ones: agents that restart would lose their tasks.
AGENT_REREGISTER_TIMEOUT_MIN_S: Final = 600.0

#: Where the registry is kept, seen from the path in ``--zk``.
REGISTRY: Final = "/registry"

#: How long the proxy to agents' files waits for a connection.
PROXY_CONNECT_TIMEOUT_S: Final = 5.0


def weights(text: str) -> dict[str, float]:
    """``role=weight,role=weight``."""
    found = {}
    for part in text.split(","):
        role, equals, weight = part.partition("=")
        if not equals:
            raise ValueError(f"{part!r}: give it as ROLE=WEIGHT")
        found[check_role(role.strip())] = check_weight(role.strip(), float(weight))
    return found


def percentage(text: str) -> float:
    """A share from 0 to 1, as ``75%``."""
    number, sign, rest = text.partition("%")
    try:
        share = float(number) / 100
    except ValueError:
        share = -1.0
    if not (sign and not rest and 0 <= share <= 1):
        raise ValueError("give a percentage from 0% to 100%")
    return share


def rate(text: str) -> float:
    """Seconds between two, from ``1/10mins``."""
    number, slash, span = text.partition("/")
    if not (slash and number.isdigit() and int(number)):
        raise ValueError("give it as 1/10mins")
    return duration(span) / int(number)


def reregister_timeout(text: str) -> float:
    """A duration of at least ten minutes."""
    seconds = duration(text)
    if seconds < AGENT_REREGISTER_TIMEOUT_MIN_S:
        raise ValueError("at least 10mins, or agents that restart would lose their tasks")
    return seconds


class Options(FlagOptions):
    """What ``twistd mesos-master`` accepts."""

    synopsis = "[options]"
    longdesc = "Offer the agents' resources to frameworks. Every flag also reads MESOS_<FLAG>."
    flags: ClassVar[Sequence[Flag]] = (
        Flag("work_dir", "Where the registry is kept.", required=True),
        Flag("port", "Port for agents, frameworks and browsers. 0: any.", "5050", port),
        Flag("cluster", "Name of the cluster, shown to people.", ""),
        *ZK_FLAGS,
        Flag(
            "quorum",
            "Taken and of no effect: what is kept is kept by ZooKeeper, which has a quorum itself.",
            None,
            count,
        ),
        Flag(
            "standby_reads",
            "Whether a master that waits answers /state and the like from its copy of the "
            "leader, also to readers that do not ask for it by ?standby_reads=true. Clients "
            "that find the leader by being sent there from /state need false.",
            "false",
            boolean,
        ),
        Flag("agent_ping_timeout", "Between two pings of an agent.", "15secs", duration),
        Flag("max_agent_ping_timeouts", "Pings missed until unreachable.", "5", count),
        Flag(
            "agent_reregister_timeout",
            "How long a disconnected agent may stay away; at least 10mins.",
            "10mins",
            reregister_timeout,
        ),
        Flag(
            "recovery_agent_removal_limit",
            "Share of the agents known at the start that may stay away for so long: if more do, "
            "the master stops instead.",
            "100%",
            percentage,
        ),
        Flag(
            "agent_removal_rate_limit",
            "How many agents may become unreachable in which time, as 1/10mins; without it all.",
            None,
            rate,
        ),
        Flag("offer_timeout", "After which unused offers are rescinded.", "5mins", duration),
        Flag(
            "min_allocatable_resources",
            "Smaller offers are not made; any one of the sets is enough.",
            "cpus:0.01|mem:32",
            Minimum.parse,
        ),
        Flag(
            "filter_gpu_resources",
            "Offer agents with GPUs to GPU_RESOURCES frameworks only.",
            "true",
            boolean,
        ),
        Flag(
            "fair_sharing_excluded_resource_names",
            "Resources that do not count for fair shares, separated by commas.",
            "",
        ),
        Flag("root_submissions", "Whether frameworks of user root may subscribe.", "true", boolean),
        Flag("weights", "Of roles, as role=weight,role=weight.", None, weights),
        Flag(
            "framework_door",
            "Name of the framework whose API /marathon leads to. Empty: no door.",
            "marathon",
        ),
        Flag(
            "chronos_door",
            "Name of the framework whose API /chronos leads to. Empty: no door.",
            "chronos",
        ),
        *COMMON,
    )


@implementer(IPerformer)
class MasterEffects:
    """Performs what a master's core wants done that not every driver performs."""

    def __init__(self, step_down: Callable[[str], None]) -> None:
        self._step_down = step_down

    def perform(self, effect: object) -> None:
        """Stop the daemon."""
        match effect:
            case StepDown(reason):
                self._step_down(reason)
            case _:
                raise AssertionError(f"nobody performs {effect!r}")


class MasterDaemon(Service):
    """A master over its store and its port."""

    _log = Logger()

    def __init__(self, options: Options, reactor: Any) -> None:
        self._options, self._reactor = options, reactor
        self._clock = ReactorClock(reactor)
        self._beginning = Beginning()
        self._port: IListeningPort | None = None
        self._exchange = Exchange(self._clock, "master", ("agent", "framework", "follower"))
        self._driver: Driver[Any, Any, Any] | None = None
        self._elected: float | None = None
        self._live: Live | None = None
        self._standby: Standby | None = None
        self._publishing: Publishing | None = None
        work_dir = Path(options["work_dir"]).absolute()
        claim(work_dir)
        bench = bench_of(options, MASTERS, REGISTRY, address_of)
        file = str(work_dir / "registry.db")
        self._seat = seat_of(reactor, self._clock, file, bench, self._hooks())

    def startService(self) -> None:
        """Read the registry, then listen."""
        super().startService()
        self._beginning.begin(self._start(), self._give_up)

    async def _start(self) -> None:
        options, reactor, seat = self._options, self._reactor, self._seat
        exchange = self._exchange
        doorway = Doorway(exchange)
        # Listening first finds a taken port, or the free one that was asked for.
        listening = self._port = reactor.listenTCP(
            options["port"], doorway, backlog=BACKLOG, interface=options["ip"]
        )
        master_id = str(uuid4())
        identity = self._identity(master_id, listening.getHost().port)
        flags = flags_of(options, master_id, identity)
        core = Master(master_id, flags, 0, _chance())
        feed: Feed[Any, Any] = Feed(ClusterState(), identity=master_id[:8])
        exchange.id, exchange.address = master_id, identity.address
        exchange.unwelcome = partial(unwelcome, self._seat)
        publishing = Publishing(feed, exchange, self._clock, shown_of(identity))
        self._publishing = exchange.inboxes["follower"] = publishing
        driver = self._driver = Driver(
            self._clock, core, seat.store, feed, exchange, MasterEffects(self._lose), self._give_up
        )
        parts = self._parts(identity, feed, driver, exchange, core)
        site = master_site(parts)
        if seat.has_rivals:
            always = options["standby_reads"]
            standby = Standby(reactor, self._clock, _chance(), parts, always=always)
            self._standby, doorway.site = standby, standby.site
            keep_pauses_short()
        await seat.win(announced(flags.info))
        self._elected = self._clock.wall()
        epoch = await begin(seat.store, core, driver, exchange)
        doorway.site = site
        if self._standby is not None:
            self._standby.hand_over(site)
            self._standby = None
        keep_pauses_short()
        self._log.info(
            "master {id} of term {epoch} answers at {address}",
            id=master_id,
            epoch=epoch,
            address=identity.address,
        )

    def _identity(self, master_id: str, port: int) -> Identity:
        options = self._options
        return Identity(
            id=lambda: master_id,
            ip=options["ip"],
            port=port,
            hostname=options["hostname"] or options["ip"],
            started=self._clock.wall(),
            elected=lambda: self._elected,
            flags=options.shown(),
            cluster=options["cluster"],
        )

    def _parts(
        self,
        identity: Identity,
        feed: Feed[Any, Any],
        driver: Driver[Any, Any, Any],
        exchange: Exchange,
        core: Master,
    ) -> MasterParts:
        """What is answered over HTTP, joined."""
        reactor, doors = self._reactor, doors_of(self._options)

        def banner() -> Banner:
            standbys = () if self._publishing is None else self._publishing.addresses
            return banner_of(identity, doors, standbys)

        live = live_parts(feed, self._clock, banner, deferToThread)
        self._live = live.live
        return MasterParts(
            feed=feed,
            inbox=driver,
            exchange=exchange,
            clock=self._clock,
            identity=identity,
            web=Agent(reactor, connectTimeout=PROXY_CONNECT_TIMEOUT_S),
            live=live.socket,
            snapshots=live.snapshots,
            task_row=live.task_row,
            why=core.why,
            counters=lambda: self._counters(core),
            leader=lambda: self._seat.leader,
            session=lambda: self._seat.session,
            proven=self._seat.is_proven,
            dial=dial_with(reactor),
            doors=doors,
        )

    def _counters(self, core: Master) -> Mapping[str, float]:
        """What the core counts, and what is counted around it."""
        numbers = self._seat.numbers()
        found = {**core.counters(), **numbers, **registrar_metrics(numbers)}
        if self._publishing is not None:
            found["followers/connected"] = self._publishing.followers
            found["followers/copies_total"] = self._publishing.copies
            found["followers/changes_packed_total"] = self._publishing.packed
        return found

    def _hooks(self) -> Hooks:
        return Hooks(self._hold, self._lose, self._follow)

    def _follow(self, leader: str | None) -> None:
        if self._standby is not None:
            self._standby.lead(leader)

    def _hold(self, held: bool) -> None:
        if self._driver is not None:
            self._driver.hold(held=held)

    def _lose(self, reason: str) -> None:
        """Another leads, or soon will: begin anew as one that waits."""
        self._log.critical("the master leads no more, and stops: {reason}", reason=reason)
        stop_with(self._reactor, 1)

    def _give_up(self, failure: Failure) -> None:
        """Stop the process: a supervisor starts it again, and the registry is read again."""
        say_why(self._log, "the master", failure)
        stop_with(self._reactor, 1)

    def stopService(self) -> Deferred[None]:
        """Hear nothing more, and keep what was heard."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._beginning.end()
        if self._port is not None:
            await settled(self._port.stopListening())
        if self._publishing is not None:
            self._publishing.stop()
        self._exchange.close_all("the master stops")
        if self._standby is not None:
            self._standby.stop()
            self._standby = None
        if self._live is not None:
            self._live.stop()
        if self._driver is not None:
            await self._driver.stop()
        else:
            await self._seat.store.close()
        await self._seat.leave()


def _chance() -> Random:
    """The order in which agents are offered; of no use to know beforehand."""
    return Random(int.from_bytes(os.urandom(8), "big"))


def flags_of(options: Options, master_id: str, identity: Identity) -> MasterFlags:
    """The core's flags from the command line's."""
    info = MasterInfo(
        id=master_id,
        ip=identity.packed_ip(),
        port=identity.port,
        pid=f"master@{identity.address}",
        hostname=identity.hostname,
        version=API_VERSION,
        address=Address(hostname=identity.hostname, ip=identity.ip, port=identity.port),
        capabilities=tuple(
            MasterCapability(type=MasterCapabilityType[name]) for name in MASTER_CAPABILITIES
        ),
    )
    excluded = options["fair_sharing_excluded_resource_names"]
    return MasterFlags(
        info=info,
        agent_ping_timeout_s=options["agent_ping_timeout"],
        max_agent_ping_timeouts=options["max_agent_ping_timeouts"],
        agent_reregister_timeout_s=options["agent_reregister_timeout"],
        recovery_agent_removal_limit=options["recovery_agent_removal_limit"],
        agent_removal_interval_s=options["agent_removal_rate_limit"] or 0.0,
        offer_timeout_s=options["offer_timeout"],
        minimum=options["min_allocatable_resources"],
        filter_gpu_resources=options["filter_gpu_resources"],
        excluded_resource_names=frozenset(name for name in excluded.split(",") if name),
        root_submissions=options["root_submissions"],
        weights=options["weights"] or {},
    )


def dial_with(reactor: Any) -> Dial:
    """Connects over TCP."""

    def dial(host: str, port: int, factory: IProtocolFactory) -> Deferred[Any]:
        endpoint = HostnameEndpoint(reactor, host, port, timeout=PROXY_CONNECT_TIMEOUT_S)
        return cast("Deferred[Any]", endpoint.connect(factory))

    return dial


def doors_of(options: Options) -> Mapping[str, str]:
    """Of each door the name of the framework that it leads to; empty if it is shut."""
    return {"marathon": options["framework_door"], "chronos": options["chronos_door"]}


def banner_of(identity: Identity, doors: Mapping[str, str], standbys: Sequence[str]) -> Banner:
    """What the dashboard says at its top."""
    return Banner(
        name=identity.cluster,
        leader=identity.address,
        master_id=identity.id(),
        version=__version__,
        started=identity.started,
        door=doors["marathon"],
        chronos_door=doors["chronos"],
        standbys=",".join(standbys),
    )


def makeService(options: Options) -> IService:
    """A master from the command line."""
    from twisted.internet import reactor

    install_steady_time(reactor)
    daemon = Daemon(options)
    try:
        MasterDaemon(options, reactor).setServiceParent(daemon)
    except OSError as fault:
        refuse(f"--work_dir={options['work_dir']}: {fault}")
    return daemon
