"""What Marathon's site is joined of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import attrs
from twisted.web.resource import IResource

from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.reasons import QueueReport, WhyReport
from mesostw.core.marathon.state import MarathonState
from mesostw.core.outcome import Moment
from mesostw.core.story import Line
from mesostw.http.api.levels import LogLevels, NoLevels
from mesostw.http.dashboard import WEBFILES
from mesostw.http.proxy import Web
from mesostw.interfaces import IClock, IFeed, IInbox
from mesostw.model.apps import AppId


class Reports(Protocol):
    """What only a core can tell, beside what readers see; ``machine.Marathon`` is one."""

    def queue(self, now: Moment) -> Sequence[QueueReport]:
        """Every app that has instances left to launch."""

    def why(self, app_id: AppId, now: Moment) -> WhyReport | None:
        """Why an app is as it is, if it is known."""

    def story(self, key: str) -> tuple[Line, ...]:
        """The last of ``app/ID``, ``deployment/ID`` or ``group/ID``."""


@attrs.frozen(kw_only=True)
class MarathonIdentity:
    """What Marathon says of itself."""

    #: ``host:port`` that others reach this Marathon at.
    address: str
    #: In wall seconds.
    started: float
    name: str = "marathon"
    version: str = "1.11.24"
    #: ``marathon_config`` beside what :class:`MarathonFlags` has: ``master``, ``hostname``,
    #: ``framework_name``, ``failover_timeout`` and others, under the names of the API.
    config: Mapping[str, object] = attrs.field(factory=dict)
    #: ``zookeeper_config`` where it differs from the defaults.
    zookeeper: Mapping[str, object] = attrs.field(factory=dict)
    #: ``--flag`` to its text, as they were given or defaulted, for ``/config``.
    flags: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def port(self) -> int:
        """Of ``address``."""
        _, _, port = self.address.rpartition(":")
        return int(port) if port.isdigit() else 0


def _stays() -> None:
    """Abdicate nothing; for a daemon that has nobody to hand over to."""


@attrs.frozen(kw_only=True)
class MarathonParts:
    """Everything that the site uses; defaults are those of a Marathon alone."""

    feed: IFeed
    inbox: IInbox
    clock: IClock
    reports: Reports
    identity: MarathonIdentity
    flags: MarathonFlags
    #: For the leader's answers, if that is another: ``twisted.web.client.Agent``.
    web: Web | None = None
    #: The leader's ``host:port``; empty if it is this Marathon, ``None`` if unknown.
    leader: Callable[[], str | None] = lambda: ""
    #: Give leadership up: the process is about to end.
    abdicate: Callable[[], None] = _stays
    #: ``USER:PASSWORD`` that every request but ``/ping`` has to show; empty asks nobody.
    credentials: str = ""
    #: Whether bodies are compressed for who takes that.
    compress: bool = True
    #: Origins whose pages may read here; ``*`` is every one.
    allowed_origins: Sequence[str] = ()
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
    def view(self) -> MarathonState:
        """What readers see: only what was kept."""
        view: MarathonState = self.feed.view
        return view

    @property
    def address(self) -> str:
        """``host:port`` that others reach this Marathon at."""
        return self.identity.address

    @property
    def now(self) -> Moment:
        return Moment(self.clock.seconds(), self.clock.wall())
