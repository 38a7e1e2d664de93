"""
What the daemon of any framework is made of: a core over its store, its port and its master.

``twistd marathon`` and ``twistd chronos`` say what is their own: the core, its site, how they
introduce themselves to the master, and what they perform beside calls to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final

from attrs import frozen
from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw.bus.doorway import BACKLOG, Doorway
from mesostw.bus.exchange import Exchange
from mesostw.client.connect import connect
from mesostw.client.cores import CoreScheduler
from mesostw.client.scheduler import FrameworkRefused
from mesostw.core.outcome import Core
from mesostw.daemons.local_parts import address_of
from mesostw.daemons.logs import Daemon
from mesostw.daemons.options import FlagOptions
from mesostw.daemons.pauses import keep_pauses_short
from mesostw.daemons.seat import OURSELVES, Hooks, seat_of
from mesostw.daemons.stopping import Beginning, settled, stop_with
from mesostw.daemons.work_dir import claim, refuse, say_why
from mesostw.daemons.zk_flags import framework_bench
from mesostw.driver import Driver
from mesostw.feed.changes import Feed
from mesostw.http.api.levels import LogLevels
from mesostw.http.serving import HouseSite
from mesostw.interfaces import IPerformer
from mesostw.messages.frameworks import FrameworkInfo
from mesostw.reactor_time import ReactorClock, install_steady_time
from mesostw.unattended import unattended

#: Of randomness in the names that one life gives.
NONCE_BYTES: Final = 8
#: How long the way to another leader may take to open.
PROXY_CONNECT_TIMEOUT_S: Final = 5.0


@frozen
class Mind:
    """What decides in a framework, and who reads and performs what it says."""

    core: Core[Any, Any, Any]
    feed: Feed[Any, Any]
    #: Of what is no call to a master.
    performer: IPerformer


class FrameworkDaemon(Service):
    """
    A framework over its store, its port and its master.

    A kind of it is made by overriding :meth:`mind`, :meth:`site`, :meth:`introduction` and
    :meth:`quieten`.
    """

    _log = Logger()

    #: As people call it, and as its store, and its place in the bus, are called.
    title: ClassVar[str]
    role: ClassVar[str]
    #: The flag that names it at the master.
    name_flag: ClassVar[str] = "framework_name"
    #: Where in ZooKeeper those are that would lead.
    candidates: ClassVar[str]

    def __init__(self, options: FlagOptions, reactor: Any, levels: LogLevels) -> None:
        self.options, self.reactor, self.levels = options, reactor, levels
        clock = self.clock = ReactorClock(reactor)
        work_dir = Path(options["work_dir"]).absolute()
        # What is run may have secrets in its variables.
        claim(work_dir, mode=0o700)
        bench = framework_bench(options, self.candidates)
        file, hooks = str(work_dir / f"{self.role}.db"), Hooks(self._hold, self.step_down)
        self.seat = seat_of(reactor, clock, file, bench, hooks)
        nonce = os.urandom(NONCE_BYTES)
        mind = self.mind(nonce, Random(int.from_bytes(nonce, "big")))
        scheduler = CoreScheduler(mind.performer)
        exchange = Exchange(clock, self.role, ())
        self._doorway = Doorway(exchange)
        driver = self.driver = Driver(
            clock, mind.core, self.seat.store, mind.feed, exchange, scheduler, self.give_up
        )
        exchange.inbox = scheduler.inbox = driver
        # What it says of itself is known once the store has been read.
        self._client = connect(
            reactor,
            scheduler,
            FrameworkInfo(user="", name=options[self.name_flag]),
            explicit_acknowledgements=True,
        )
        self._beginning = Beginning()
        self._port: IListeningPort | None = None

    # --- what each kind has of its own ------------------------------------------

    def mind(self, nonce: bytes, chance: Random) -> Mind:
        """The core of one life, before it has read its store."""
        raise NotImplementedError

    def site(self, address: str) -> HouseSite:
        """Everything that is answered over HTTP at ``address``."""
        raise NotImplementedError

    def introduction(self, webui_url: str) -> FrameworkInfo:
        """What it says of itself to the master, once the store has been read."""
        raise NotImplementedError

    def quieten(self) -> None:
        """End what it has going on beside its core, before that stops."""
        raise NotImplementedError

    # --- a life -----------------------------------------------------------------

    def startService(self) -> None:
        """Listen, come to lead, read the store, then dial the master."""
        super().startService()
        self._beginning.begin(self._start(), self.give_up)

    async def _start(self) -> None:
        options, reactor = self.options, self.reactor
        # Listening first finds a taken port, or the free one that was asked for.
        listening = self._port = reactor.listenTCP(
            options["http_port"],
            self._doorway,
            backlog=BACKLOG,
            interface=options["http_address"],
        )
        number = listening.getHost().port
        address = address_of(options["hostname"] or options["http_address"], number)
        site = self.site(address)
        if self.seat.has_rivals:
            # Whoever does not lead asks who does.
            self._doorway.site = site
        await self.seat.win(address.encode())
        await self.driver.start()
        keep_pauses_short()
        self._doorway.site = site
        client = self._client
        client.framework = self.introduction(f"http://{address}/")
        unattended(client.start(options["master"]), self._refused)
        self._log.info("{title} answers at {address}", title=self.title, address=address)

    def answerer(self) -> str | None:
        """
        Who answers, as ``ISeat.leader`` says it.

        Nobody does while we lead and cannot prove it: another may have, and what we know is old.
        """
        leader = self.seat.leader
        return None if leader == OURSELVES and not self.seat.is_proven() else leader

    def _hold(self, held: bool) -> None:
        self.driver.hold(held=held)
        self._client.hold(held=held)

    def _refused(self, failure: Failure) -> None:
        # The core has heard of it too, and steps down with a reason that says more.
        if not failure.check(FrameworkRefused):
            self.give_up(failure)

    def step_down(self, reason: str) -> None:
        """Stop since going on would do harm; a supervisor may start it again."""
        self._log.critical("{title} stops: {reason}", title=self.title, reason=reason)
        stop_with(self.reactor, 1)

    def abdicate(self) -> None:
        """Stop as somebody asked it to."""
        self._log.info("{title} leads no more, as it was asked, and stops", title=self.title)
        stop_with(self.reactor, 0)

    def give_up(self, failure: Failure) -> None:
        """Stop the process: a supervisor starts it again, and the store is read again."""
        say_why(self._log, self.title, failure)
        stop_with(self.reactor, 1)

    def stopService(self) -> Deferred[None]:
        """Leave the master, hear nothing more, and keep what was heard; tasks go on."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._beginning.end()
        if self._port is not None:
            await settled(self._port.stopListening())
        self._client.stop()
        self.quieten()
        await self.driver.stop()
        await self.seat.leave()


def service_of(
    options: FlagOptions, made: Callable[[FlagOptions, Any, LogLevels], FrameworkDaemon]
) -> IService:
    """A framework from the command line; without its directory it does not even begin."""
    from twisted.internet import reactor

    install_steady_time(reactor)
    daemon = Daemon(options)
    try:
        made(options, reactor, daemon.levels).setServiceParent(daemon)
    except OSError as fault:
        refuse(f"--work_dir={options['work_dir']}: {fault}")
    return daemon
