"""``twistd chronos``: what Chronos is made of, started and stopped together."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from twisted.application.service import IService
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.web.client import Agent
from zope.interface import implementer

from mesostw import __version__
from mesostw.core.chronos.machine import Chronos
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import Notified, Notify, StepDown
from mesostw.daemons.chronos_flags import Options, core_flags, idle
from mesostw.daemons.chronos_notices import notifier_of, routes_of
from mesostw.daemons.frameworks import (
    PROXY_CONNECT_TIMEOUT_S,
    FrameworkDaemon,
    Mind,
    service_of,
)
from mesostw.daemons.options import FlagOptions
from mesostw.feed.banner import FrameworkBanner
from mesostw.feed.changes import Feed
from mesostw.feed.chronos import chronos_face
from mesostw.feed.live import Live
from mesostw.http.chronos.parts import ChronosIdentity, ChronosParts
from mesostw.http.chronos.site import chronos_site
from mesostw.http.serving import HouseSite
from mesostw.interfaces import INotifier, IPerformer
from mesostw.messages.frameworks import (
    FrameworkCapability,
    FrameworkCapabilityType,
    FrameworkInfo,
)
from mesostw.messages.ids import FrameworkID

__all__ = ["ChronosDaemon", "Options", "makeService"]

#: What Chronos can deal with that not every framework can.
CAPABILITIES: Final = (
    FrameworkCapabilityType.PARTITION_AWARE,
    FrameworkCapabilityType.TASK_KILLING_STATE,
    FrameworkCapabilityType.MULTI_ROLE,
)

#: Changes remembered for event streams that come back; a run is some ten of them, and of a
#: kilobyte each.
FEED_CHANGES_MAX: Final = 10_000


@implementer(IPerformer)
class ChronosEffects:
    """Performs what Chronos' core wants done that is no call to a master."""

    def __init__(self, notifier: INotifier, step_down: Callable[[str], None]) -> None:
        self._notifier, self._step_down = notifier, step_down

    def perform(self, effect: object) -> None:
        """Tell somebody, or stop the daemon."""
        match effect:
            case Notify(notice):
                self._notifier.bring(notice)
            case StepDown(reason):
                self._step_down(reason)
            case _:
                raise AssertionError(f"nobody performs {effect!r}")


class ChronosDaemon(FrameworkDaemon):
    """Chronos over its store, its port and its master."""

    title, role, name_flag = "Chronos", "chronos", "mesos_framework_name"
    candidates = "/candidate"

    _log = Logger()

    _core: Chronos
    _feed: Feed[ChronosState, Any]
    _notifier: INotifier
    _live: Live | None = None

    def mind(self, nonce: bytes, chance: Random) -> Mind:
        """Chronos' core, and who tells owners and hooks."""
        options = self.options
        for name, why in idle(options).items():
            self._log.warn("--{name} decides nothing: {why}", name=name, why=why)
        notifier = notifier_of(options, self.reactor, self.clock, self._notified)
        self._notifier = notifier
        flags = core_flags(options, routes_of(options).tells_owners)
        self._core = Chronos(flags, nonce, chance)
        self._feed = Feed(ChronosState(), nonce.hex(), FEED_CHANGES_MAX)
        return Mind(self._core, self._feed, ChronosEffects(notifier, self.step_down))

    def site(self, address: str) -> HouseSite:
        """Everything that is answered over HTTP."""
        options, clock = self.options, self.clock
        name, started = options["mesos_framework_name"], clock.wall()
        banner = FrameworkBanner(name=name, leader=address, version=__version__, started=started)
        face = chronos_face(self._feed, clock, lambda: banner, deferToThread)
        self._live = face.live
        return chronos_site(
            ChronosParts(
                feed=self._feed,
                inbox=self.driver,
                clock=clock,
                reports=self._core,
                identity=ChronosIdentity(
                    address=address,
                    started=started,
                    name=name,
                    flags=options.shown(),
                ),
                flags=self._core.flags,
                leader=self.answerer,
                web=Agent(self.reactor, connectTimeout=PROXY_CONNECT_TIMEOUT_S),
                credentials=options["http_credentials"] or "",
                allowed_origins=options["access_control_allow_origin"],
                live=face.socket,
                snapshots=face.snapshots,
                numbers=self.seat.numbers,
                levels=self.levels,
            )
        )

    def introduction(self, webui_url: str) -> FrameworkInfo:
        """What Chronos says of itself to the master, under the id of its earlier lives."""
        return framework_of(self.options, self._core, webui_url)

    def _notified(self, heard: Notified) -> None:
        self.driver.tell((heard,))

    def quieten(self) -> None:
        """Tell nobody more; what was not told is kept, and told by the next life."""
        self._notifier.close()
        if self._live is not None:
            self._live.stop()


def framework_of(options: FlagOptions, core: Chronos, webui_url: str) -> FrameworkInfo:
    """What Chronos says of itself to the master."""
    kept = core.state.framework_id
    return FrameworkInfo(
        id=None if kept is None else FrameworkID(value=kept),
        name=options["mesos_framework_name"],
        user=options["user"],
        roles=(options["mesos_role"],),
        principal=options["mesos_authentication_principal"],
        checkpoint=options["mesos_checkpoint"],
        failover_timeout=options["failover_timeout"],
        hostname=options["hostname"] or options["http_address"],
        webui_url=options["webui_url"] or webui_url,
        capabilities=tuple(FrameworkCapability(type=kind) for kind in CAPABILITIES),
    )


def makeService(options: Options) -> IService:
    """Chronos from the command line."""
    return service_of(options, ChronosDaemon)
