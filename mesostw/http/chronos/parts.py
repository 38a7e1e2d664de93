"""What Chronos' site is joined of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import attrs
from twisted.web.resource import IResource

from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.reasons import WaitingReport, WhyReport
from mesostw.core.chronos.state import ChronosState
from mesostw.core.outcome import Moment
from mesostw.core.story import Line
from mesostw.http.api.levels import LogLevels, NoLevels
from mesostw.http.dashboard import WEBFILES
from mesostw.http.proxy import Web
from mesostw.interfaces import IClock, IFeed, IInbox
from mesostw.model.jobs import Instant, JobName


class Reports(Protocol):
    """What only a core can tell, beside what readers see; ``machine.Chronos`` is one."""

    def queue(self, now: Moment) -> Sequence[WaitingReport]:
        """Every run that waits, in the order in which they will be tried."""

    def why(self, name: JobName, now: Moment) -> WhyReport | None:
        """Why a job is as it is, if it is known."""

    def story(self, key: str) -> tuple[Line, ...]:
        """The last of ``job/NAME`` or ``run/ID``."""


@attrs.frozen(kw_only=True)
class ChronosIdentity:
    """What Chronos says of itself."""

    #: ``host:port`` that others reach this Chronos at.
    address: str
    #: In wall seconds.
    started: float
    name: str = "chronos"
    version: str = "3.0.2"
    #: ``--flag`` to its text, as they were given or defaulted, for ``/config``.
    flags: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ChronosParts:
    """Everything that the site uses; defaults are those of a Chronos alone."""

    feed: IFeed
    inbox: IInbox
    clock: IClock
    reports: Reports
    identity: ChronosIdentity
    flags: ChronosFlags
    #: For the leader's answers, if that is another: ``twisted.web.client.Agent``.
    web: Web | None = None
    #: The leader's ``host:port``; empty if it is this Chronos, ``None`` if unknown.
    leader: Callable[[], str | None] = lambda: ""
    #: ``USER:PASSWORD`` that every request has to show; empty asks nobody.
    credentials: str = ""
    #: Whether bodies are compressed for who takes that.
    compress: bool = True
    #: Origins whose pages may read here; ``*`` is every one, as it always was with Chronos.
    allowed_origins: Sequence[str] = ("*",)
    #: Requests under way at a time; ``None`` is no limit. Event streams do not count.
    requests_max: int | None = None
    #: Events that may wait for one slow reader before it is cut off.
    waiting_events_max: int = 1024
    #: ``/api/v1/live`` and ``/api/v1/snapshot`` of the dashboard.
    live: IResource | None = None
    snapshots: IResource | None = None
    levels: LogLevels = attrs.field(factory=NoLevels)
    #: Counters by name, beside what the tables tell.
    counters: Callable[[], Mapping[str, float]] = dict
    #: Of the session with ZooKeeper, of elections and of the store, by names with slashes.
    numbers: Callable[[], Mapping[str, float]] = dict
    access: Callable[[str], None] | None = None
    webfiles: Path = WEBFILES

    @property
    def view(self) -> ChronosState:
        """What readers see: only what was kept."""
        view: ChronosState = self.feed.view
        return view

    @property
    def address(self) -> str:
        """``host:port`` that others reach this Chronos at."""
        return self.identity.address

    @property
    def now(self) -> Moment:
        return Moment(self.clock.seconds(), self.clock.wall())

    @property
    def instant(self) -> Instant:
        """The present as a nominal time."""
        return Instant(int(self.clock.wall() * 1000))
