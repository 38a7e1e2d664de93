"""
``/health/leader`` and ``/health/ready``: whom a load balancer may send to, and why.

``/health`` is 200 wherever the reactor turns, as in Mesos; these two tell a leader, one that
waits and one that is out of date apart.  Both answer the same document; 200 is yes, 503 no.

::

    status       /health/leader  /health/ready
    leading           200            200
    held              503            503    it leads, and cannot prove it: ZooKeeper is away
    recovering        503            503    elected; the registry is being read
    following         503            200    waits; its copy of the leader is fresh
    stale             503            503    waits; its copy is old
    waiting           503            503    waits; it has no copy
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import msgspec

from mesostw.http.rendering import Query, Reply
from mesostw.interfaces import Freshness

#: The state of a session that can be relied on; empty where there is no ZooKeeper.
SOUND: Final = frozenset({"", "connected"})


def no_freshness() -> Freshness | None:
    """Of a daemon that keeps no copy."""
    return None


@attrs.frozen(kw_only=True)
class Readiness:
    """What a master says of how it stands."""

    #: The leader's ``host:port``; empty if it is this master, ``None`` if unknown.
    leader: Callable[[], str | None]
    #: Its own ``host:port``.
    address: str
    #: Whether the registry has been read.
    recovered: Callable[[], bool]
    freshness: Callable[[], Freshness | None] = no_freshness
    #: Of the session with ZooKeeper: ``connected``, ``suspended``, ``expired`` or empty.
    session: Callable[[], str] = str
    #: Whether nobody else can lead now, if this master does.
    proven: Callable[[], bool] = lambda: True

    @property
    def status(self) -> str:
        """One word of those in the module's table."""
        if self.leader() == "":
            if self.is_held():
                return "held"
            return "leading" if self.recovered() else "recovering"
        freshness = self.freshness()
        if freshness is None:
            return "waiting"
        return "following" if freshness.is_fresh else "stale"

    def is_held(self) -> bool:
        """Whether it leads, and cannot prove it."""
        is_sound = self.session() in SOUND and self.proven()
        return self.leader() == "" and not is_sound

    def leads(self, query: Query) -> Reply:
        """``/health/leader``: whether what changes anything may be sent here."""
        return self._reply("leading")

    def ready(self, query: Query) -> Reply:
        """``/health/ready``: whether readers may be sent here."""
        return self._reply("leading", "following")

    def _reply(self, *good: str) -> Reply:
        status, freshness, leader = self.status, self.freshness(), self.leader()
        document: dict[str, object] = {
            "status": status,
            "leader": self.address if leader == "" else leader,
            "session": self.session() or None,
        }
        if leader != "" and freshness is not None:
            document["copy_of"] = freshness.leader
            document["lag_seconds"] = round(freshness.lag_s, 3)
        return Reply(
            msgspec.json.encode(document),
            status=200 if status in good else 503,
            headers={"Cache-Control": "no-store"},
        )
