"""``twistd marathon``: what Marathon is made of, started and stopped together."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, ClassVar, Final

from twisted.application.service import IService
from twisted.internet.threads import deferToThread
from twisted.web.client import Agent
from zope.interface import implementer

from mesostw import __version__
from mesostw.core.marathon.machine import Marathon
from mesostw.core.marathon.membership import roles_of
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.words import StepDown
from mesostw.core.probes import Probed, StartProbe, StopProbe
from mesostw.daemons.frameworks import (
    PROXY_CONNECT_TIMEOUT_S,
    FrameworkDaemon,
    Mind,
    service_of,
)
from mesostw.daemons.marathon_flags import FLAGS, config_of, core_flags
from mesostw.daemons.options import Flag, FlagOptions
from mesostw.feed.banner import FrameworkBanner
from mesostw.feed.changes import Feed
from mesostw.feed.live import Live
from mesostw.feed.marathon import marathon_face
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


class MarathonDaemon(FrameworkDaemon):
    """Marathon over its store, its port and its master."""

    title, role = "Marathon", "marathon"
    candidates = "/leader"

    _core: Marathon
    _feed: Feed[MarathonState, Any]
    _prober: IProber
    _live: Live | None = None

    def mind(self, nonce: bytes, chance: Random) -> Mind:
        """Marathon's core, and the probes that it wants made."""
        prober = self._prober = network_prober(
            self.reactor,
            self.clock,
            self._probed,
            self.options["max_concurrent_marathon_health_checks"],
        )
        self._core = Marathon(core_flags(self.options), nonce, chance)
        self._feed = Feed(MarathonState(), identity=nonce.hex())
        return Mind(self._core, self._feed, MarathonEffects(prober, self.step_down))

    def site(self, address: str) -> HouseSite:
        """Everything that is answered over HTTP."""
        options, clock, reactor = self.options, self.clock, self.reactor
        name, started = options["framework_name"], clock.wall()
        banner = FrameworkBanner(name=name, leader=address, version=__version__, started=started)
        face = marathon_face(self._feed, clock, lambda: banner, deferToThread)
        self._live = face.live
        return marathon_site(
            MarathonParts(
                feed=self._feed,
                inbox=self.driver,
                clock=clock,
                reports=self._core,
                identity=MarathonIdentity(
                    address=address,
                    started=started,
                    name=name,
                    config=config_of(options),
                    flags=options.shown(),
                ),
                flags=self._core.flags,
                leader=self.answerer,
                web=Agent(reactor, connectTimeout=PROXY_CONNECT_TIMEOUT_S),
                abdicate=self.abdicate,
                credentials=options["http_credentials"] or "",
                allowed_origins=options["access_control_allow_origin"] or (),
                compress=options["http_compression"],
                requests_max=options["http_max_concurrent_requests"],
                waiting_events_max=options["event_stream_max_outstanding_messages"],
                levels=self.levels,
                live=face.socket,
                snapshots=face.snapshots,
                numbers=self.seat.numbers,
            )
        )

    def introduction(self, webui_url: str) -> FrameworkInfo:
        """What Marathon says of itself to the master."""
        return framework_of(self.options, self._core, webui_url)

    def _probed(self, found: Sequence[Probed]) -> None:
        self.driver.tell(found)

    def quieten(self) -> None:
        """Probe no more, and tell the dashboard no more."""
        self._prober.close()
        if self._live is not None:
            self._live.stop()


def framework_of(options: FlagOptions, core: Marathon, webui_url: str) -> FrameworkInfo:
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
    return service_of(options, MarathonDaemon)
