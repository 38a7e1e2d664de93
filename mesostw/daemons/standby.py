"""What a master does while it waits: it follows whoever leads, and readers read its copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import attrs
from twisted.internet.threads import deferToThread

from mesostw import __version__
from mesostw.bus.dial import Dialer
from mesostw.bus.exchange import Exchange
from mesostw.core.master.state import ClusterState
from mesostw.feed.changes import Feed
from mesostw.feed.following import Following, behind
from mesostw.feed.layout import Banner
from mesostw.feed.master import live_parts
from mesostw.http.identity import Identity
from mesostw.http.readiness import Readiness
from mesostw.http.site import MasterParts
from mesostw.http.standby import Reading, StandbyParts, standby_site
from mesostw.interfaces import IClock
from mesostw.messages.followers import MasterShown


class Standby:
    """
    A copy of the leader's state, and the site that shows it.

    :param parts: of the site that this master will have when it leads.
    :param always: whether readers get the copy who did not ask for it.
    """

    def __init__(
        self,
        reactor: Any,
        clock: IClock,
        random: Random,
        parts: MasterParts,
        *,
        always: bool,
    ) -> None:
        self._clock, self._parts = clock, parts
        own = parts.identity
        exchange = Exchange(clock, "follower", forwards=False)
        exchange.id, exchange.address = own.id(), own.address
        feed: Feed[Any, Any] = Feed(ClusterState(), identity=f"copy-{own.id()[:8]}")
        feed.begin(1)
        self._following = exchange.inbox = Following(
            feed, clock, exchange, Dialer(reactor, exchange, random), random
        )
        self._exchange, self._reading = exchange, Reading()
        self._shown: tuple[MasterShown, Identity] | None = None
        live = live_parts(feed, clock, self._banner, deferToThread)
        self._live = live.live
        self.site = standby_site(
            attrs.evolve(
                parts,
                feed=feed,
                live=live.socket,
                snapshots=live.snapshots,
                task_row=live.task_row,
                counters=self._numbers,
            ),
            StandbyParts(
                freshness=self._following.freshness,
                shown=self.shown,
                always=always,
                reading=self._reading,
            ),
            Readiness(
                leader=parts.leader,
                address=own.address,
                recovered=lambda: False,
                freshness=self._following.freshness,
                session=parts.session,
            ),
        )

    def lead(self, leader: str | None) -> None:
        """``leader`` leads; ``None`` or empty: nobody else does."""
        self._following.lead(leader or None)

    def hand_over(self, site: Any) -> None:
        """We lead: whoever is connected is answered by ``site`` from the next request on."""
        self.site.resource = site.resource
        self.stop("elected")
        # Whoever asked before is shown the copy, and no empty cluster.
        self._reading.afterwards(self._let_go)

    def _let_go(self) -> None:
        # The rest of this is in circles, which are rarely looked for, and the copy is large.
        self._following.feed.view = ClusterState()

    def stop(self, why: str = "shutdown") -> None:
        """Follow nobody; browsers come back, and find what is here then."""
        self._following.stop()
        self._exchange.close_all("no longer wanted")
        self._live.stop(why)

    def shown(self) -> Identity | None:
        """The leader, as its own pages show it."""
        master = self._following.master
        if master is None:
            return None
        if self._shown is None or self._shown[0] is not master:
            self._shown = master, identity_of(master)
        return self._shown[1]

    def _banner(self) -> Banner:
        own, master = self._parts.identity, self._following.master
        freshness = self._following.freshness()
        is_stale = freshness is not None and not freshness.is_fresh
        doors = self._parts.doors
        return Banner(
            name=own.cluster or ("" if master is None else master.cluster),
            leader="" if freshness is None else freshness.leader,
            master_id="" if master is None else master.id,
            version=__version__,
            started=own.started if master is None else master.started,
            door=doors.get("marathon", ""),
            chronos_door=doors.get("chronos", ""),
            epoch=self._following.epoch,
            copied_by=own.address,
            copied_at=(
                round(self._clock.wall() - freshness.lag_s)
                if freshness is not None and is_stale
                else 0.0
            ),
            behind=0 if freshness is None else behind(freshness),
        )

    def _numbers(self) -> Mapping[str, float]:
        following, freshness = self._following, self._following.freshness()
        return {
            **self._parts.counters(),
            "standby/following": float(freshness is not None and freshness.is_fresh),
            "standby/lag_seconds": -1.0 if freshness is None else freshness.lag_s,
            "standby/copies_total": following.copies,
            "standby/changes_total": following.changes,
            "standby/links_ended_total": following.ends,
        }


def identity_of(master: MasterShown) -> Identity:
    """A master's pages' words of itself, from what it told its follower."""
    return Identity(
        id=lambda: master.id,
        ip=master.ip,
        port=master.port,
        hostname=master.hostname,
        started=master.started,
        elected=lambda: master.elected,
        flags=master.flags,
        cluster=master.cluster,
    )


def shown_of(identity: Identity) -> Callable[[], MasterShown]:
    """What a leader tells its followers of itself."""

    def shown() -> MasterShown:
        return MasterShown(
            id=identity.id(),
            ip=identity.ip,
            port=identity.port,
            hostname=identity.hostname,
            started=identity.started,
            elected=identity.elected(),
            cluster=identity.cluster,
            version=__version__,
            flags=dict(identity.flags),
        )

    return shown
