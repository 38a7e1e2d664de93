"""``twistd marathon``: what Marathon is made of, started and stopped together."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent
from zope.interface import implementer

from mesostw import __version__
from mesostw.bus.doorway import BACKLOG, Doorway
from mesostw.bus.exchange import Exchange
from mesostw.client.connect import connect
from mesostw.client.cores import CoreScheduler
from mesostw.client.scheduler import FrameworkRefused
from mesostw.core.marathon.machine import Marathon
from mesostw.core.marathon.membership import roles_of
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.words import StepDown
from mesostw.core.probes import Probed, StartProbe, StopProbe
from mesostw.daemons.local_parts import address_of
from mesostw.daemons.logs import Daemon
from mesostw.daemons.marathon_flags import FLAGS, config_of, core_flags, shown
from mesostw.daemons.options import Flag, FlagOptions
from mesostw.daemons.pauses import keep_pauses_short
from mesostw.daemons.stopping import settled, stop_with
from mesostw.daemons.work_dir import claim, refuse, say_why
from mesostw.driver import Driver
from mesostw.feed.changes import Feed
from mesostw.feed.live import Live
from mesostw.feed.marathon import marathon_face
from mesostw.feed.marathon_layout import MarathonBanner
from mesostw.http.api.levels import LogLevels
from mesostw.http.marathon.parts import MarathonIdentity, MarathonParts
from mesostw.http.marathon.site import marathon_site
from mesostw.http.serving import HouseSite
from mesostw.interfaces import IPerformer, IProber
from mesostw.messages.frameworks import (
    FrameworkCapability,
    FrameworkCapabilityType,
    FrameworkInfo,
)
from mesostw.messages.ids import FrameworkID
from mesostw.probing.network import network_prober
from mesostw.reactor_time import ReactorClock, install_steady_time
from mesostw.store.sqlite import SqliteStore
from mesostw.unattended import unattended

#: Of randomness in the names that one life gives.
NONCE_BYTES: Final = 8
#: How long the way to another leader may take to open.
PROXY_CONNECT_TIMEOUT_S: Final = 5.0
#: What Marathon can deal with that not every framework can.
CAPABILITIES: Final = (
    FrameworkCapabilityType.PARTITION_AWARE,
    FrameworkCapabilityType.TASK_KILLING_STATE,
    FrameworkCapabilityType.MULTI_ROLE,
)


class Options(FlagOptions):
    """What ``twistd marathon`` accepts."""

    synopsis = "[options]"
    longdesc = "Keep apps running on a cluster. Every flag also reads MARATHON_<FLAG>."
    prefix = "MARATHON"
    flags: ClassVar[Sequence[Flag]] = FLAGS


@implementer(IPerformer)
class MarathonEffects:
    """Performs what Marathon's core wants done that is no call to a master."""

    def __init__(self, prober: IProber, step_down: Callable[[str], None]) -> None:
        self._prober, self._step_down = prober, step_down

    def perform(self, effect: object) -> None:
        """Start or stop a probe, or stop the daemon."""
        match effect:
            case StartProbe(key, spec):
                self._prober.start(key, spec)
            case StopProbe(key):
                self._prober.stop(key)
            case StepDown(reason):
                self._step_down(reason)
            case _:
                raise AssertionError(f"nobody performs {effect!r}")


class MarathonDaemon(Service):
    """Marathon over its store, its port and its master."""

    _log = Logger()

    def __init__(self, options: Options, reactor: Any, levels: LogLevels) -> None:
        self._options, self._reactor, self._levels = options, reactor, levels
        clock = self._clock = ReactorClock(reactor)
        work_dir = Path(options["work_dir"]).absolute()
        # Apps' variables may hold secrets.
        claim(work_dir, mode=0o700)
        self._store = SqliteStore(str(work_dir / "marathon.db"), reactor.callFromThread)
        prober = self._prober = network_prober(
            reactor, clock, self._probed, options["max_concurrent_marathon_health_checks"]
        )
        scheduler = self._scheduler = CoreScheduler(MarathonEffects(prober, self._step_down))
        nonce = os.urandom(NONCE_BYTES)
        chance = Random(int.from_bytes(nonce, "big"))
        self._core = Marathon(core_flags(options), nonce, chance)
        self._feed: Feed[MarathonState, Any] = Feed(MarathonState(), identity=nonce.hex())
        exchange = Exchange(clock, "marathon", ())
        self._doorway = Doorway(exchange)
        driver = self._driver = Driver(
            clock, self._core, self._store, self._feed, exchange, scheduler, self._give_up
        )
        exchange.inbox = scheduler.inbox = driver
        # What it says of itself is known once the store has been read.
        self._client = connect(
            reactor,
            scheduler,
            FrameworkInfo(user="", name=options["framework_name"]),
            explicit_acknowledgements=True,
        )
        self._port: IListeningPort | None = None
        self._live: Live | None = None

    def startService(self) -> None:
        """Listen, read the store, then dial the master."""
        super().startService()
        unattended(self._start(), self._give_up)

    async def _start(self) -> None:
        options, reactor = self._options, self._reactor
        # Listening first finds a taken port, or the free one that was asked for.
        listening = self._port = reactor.listenTCP(
            options["http_port"],
            self._doorway,
            backlog=BACKLOG,
            interface=options["http_address"],
        )
        number = listening.getHost().port
        await self._driver.start()
        keep_pauses_short()
        address = address_of(options["hostname"] or options["http_address"], number)
        self._doorway.site = self._site(address)
        client = self._client
        client.framework = framework_of(options, self._core, f"http://{address}/")
        unattended(client.start(options["master"]), self._refused)
        self._log.info("Marathon answers at {address}", address=address)

    def _site(self, address: str) -> HouseSite:
        """Everything that is answered over HTTP."""
        options, clock, reactor = self._options, self._clock, self._reactor
        name, started = options["framework_name"], clock.wall()
        banner = MarathonBanner(name=name, leader=address, version=__version__, started=started)
        face = marathon_face(self._feed, clock, lambda: banner, deferToThread)
        self._live = face.live
        return marathon_site(
            MarathonParts(
                feed=self._feed,
                inbox=self._driver,
                clock=clock,
                reports=self._core,
                identity=MarathonIdentity(
                    address=address,
                    started=started,
                    name=name,
                    config=config_of(options),
                    flags=shown(options),
                ),
                flags=self._core.flags,
                web=Agent(reactor, connectTimeout=PROXY_CONNECT_TIMEOUT_S),
                abdicate=self._abdicate,
                credentials=options["http_credentials"] or "",
                allowed_origins=options["access_control_allow_origin"] or (),
                compress=options["http_compression"],
                requests_max=options["http_max_concurrent_requests"],
                waiting_events_max=options["event_stream_max_outstanding_messages"],
                levels=self._levels,
                live=face.socket,
                snapshots=face.snapshots,
            )
        )

    def _probed(self, found: Sequence[Probed]) -> None:
        self._driver.tell(found)

    # --- endings --------------------------------------------------------------

    def _refused(self, failure: Failure) -> None:
        # The core has heard of it too, and steps down with a reason that says more.
        if not failure.check(FrameworkRefused):
            self._give_up(failure)

    def _step_down(self, reason: str) -> None:
        self._log.critical("Marathon stops: {reason}", reason=reason)
        stop_with(self._reactor, 1)

    def _abdicate(self) -> None:
        self._log.info("Marathon leads no more, as it was asked, and stops")
        stop_with(self._reactor, 0)

    def _give_up(self, failure: Failure) -> None:
        """Stop the process: a supervisor starts it again, and the store is read again."""
        say_why(self._log, "Marathon", failure)
        stop_with(self._reactor, 1)

    def stopService(self) -> Deferred[None]:
        """Leave the master, hear nothing more, and keep what was heard; tasks go on."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._port is not None:
            await Deferred.fromCoroutine(settled(self._port.stopListening()))
        self._client.stop()
        self._prober.close()
        if self._live is not None:
            self._live.stop()
        await self._driver.stop()


def framework_of(options: Options, core: Marathon, webui_url: str) -> FrameworkInfo:
    """What Marathon says of itself to the master, under the id of its earlier lives."""
    kept = core.state.framework_id
    return FrameworkInfo(
        id=None if kept is None else FrameworkID(value=kept),
        name=options["framework_name"],
        user=options["mesos_user"] or getpass.getuser(),
        roles=roles_of(core.state, core.flags),
        checkpoint=options["checkpoint"],
        failover_timeout=options["failover_timeout"],
        hostname=options["hostname"] or options["http_address"],
        webui_url=options["webui_url"] or webui_url,
        capabilities=tuple(FrameworkCapability(type=kind) for kind in CAPABILITIES),
    )


def makeService(options: Options) -> IService:
    """Marathon from the command line."""
    from twisted.internet import reactor

    install_steady_time(reactor)
    daemon = Daemon(options)
    try:
        MarathonDaemon(options, reactor, daemon.levels).setServiceParent(daemon)
    except OSError as fault:
        refuse(f"--work_dir={options['work_dir']}: {fault}")
    return daemon
