"""What a master forgets when it stops: links, deadlines, the wheel, what is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from mesostw.core.master.flags import ENDED_OFFERS_MAX, HEARTBEAT_S, TICK_S
from mesostw.core.master.records import TaskKey
from mesostw.messages.health import KillPolicy
from mesostw.model.ids import AgentId, FrameworkId, LinkId, OfferId, RouteId

K = TypeVar("K", AgentId, FrameworkId)


class Peer:
    """Who is at the other end of a link, as far as it has said."""

    __slots__ = ("address", "agent_id", "connection", "framework_id", "role")

    def __init__(self, role: str, address: str, connection: str) -> None:
        self.role = role
        self.address = address
        #: ``bus`` or ``http``.
        self.connection = connection
        #: Set once the agent is admitted on this link.
        self.agent_id: AgentId | None = None
        #: Set once the framework is subscribed on this link.
        self.framework_id: FrameworkId | None = None


class Wheel(Generic[K]):
    """Keys, each of which has its turn once a round of ticks; spread evenly."""

    def __init__(self, round_s: float) -> None:
        self._slots: tuple[dict[K, None], ...] = tuple(
            {} for _ in range(max(1, round(round_s / TICK_S)))
        )
        self._slot_of: dict[K, int] = {}

    def add(self, key: K, tick: int) -> None:
        """Have the turn of ``key`` come one round after ``tick``."""
        self.remove(key)
        slot = tick % len(self._slots)
        self._slots[slot][key] = None
        self._slot_of[key] = slot

    def spread(self, key: K) -> None:
        """Have the turn of ``key`` come at the tick that has the fewest."""
        if key not in self._slot_of:
            slot = min(range(len(self._slots)), key=lambda at: len(self._slots[at]))
            self._slots[slot][key] = None
            self._slot_of[key] = slot

    def remove(self, key: K) -> None:
        slot = self._slot_of.pop(key, None)
        if slot is not None:
            del self._slots[slot][key]

    def due(self, tick: int) -> Iterator[K]:
        """Tell whose turn it is at ``tick``; keys may be removed meanwhile."""
        return iter(tuple(self._slots[tick % len(self._slots)]))


class RouteEnds:
    """The two ends of an open route between a framework's link and an agent's."""

    __slots__ = ("agent_link", "agent_route", "framework_link", "framework_route")

    def __init__(
        self,
        framework_link: LinkId,
        framework_route: RouteId,
        agent_link: LinkId,
        agent_route: RouteId,
    ) -> None:
        self.framework_link = framework_link
        self.framework_route = framework_route
        self.agent_link = agent_link
        self.agent_route = agent_route


#: (framework, agent, executor) of a route.
RouteKey = tuple[str, str, str]

#: Turns of an agent's ping are found among at most so many slots.
_PING_ROUND_S: Final = 15.0


class Live:
    """No reader sees this and no store keeps it; what outlasts a life is in the state."""

    def __init__(self, ping_s: float = _PING_ROUND_S) -> None:
        self.links: dict[LinkId, Peer] = {}
        #: Frameworks' links that have too much unsent.
        self.crowded: set[LinkId] = set()
        # The wheel.
        self.tick = 0
        self.pings: Wheel[AgentId] = Wheel(ping_s)
        self.beats: Wheel[FrameworkId] = Wheel(HEARTBEAT_S)
        #: Pings since an agent's last pong.
        self.unanswered: dict[AgentId, int] = {}
        # Deadlines in steady seconds; the first two tables are in their order.
        self.agent_deadlines: dict[AgentId, float] = {}
        self.offer_deadlines: dict[OfferId, float] = {}
        self.framework_deadlines: dict[FrameworkId, float] = {}
        self.prune_at = 0.0
        #: Disconnected agents by where they answered.
        self.away_addresses: dict[str, AgentId] = {}
        #: Agents of an earlier life that have not come back yet.
        self.recovered: dict[AgentId, None] = {}
        #: How many of those there were at the start.
        self.restored = 0
        #: Whether it was looked at how many of them stayed away, and they were not too many.
        self.limit_is_kept = False
        #: Not before this the next agent becomes unreachable, in steady seconds.
        self.removal_from = 0.0
        #: Frameworks' kills to be said again when an agent comes back; operators' are kept.
        self.kills: dict[AgentId, dict[TaskKey, KillPolicy | None]] = {}
        #: Tasks that their framework was told are lost and that turned out to be there:
        #: they are killed, and nothing is said of them any more.
        self.condemned: dict[TaskKey, None] = {}
        #: How offers ended, the last ones.
        self.ended_offers: dict[OfferId, str] = {}
        # Routes.
        self.routes: dict[RouteKey, RouteEnds] = {}
        self.routes_of: dict[LinkId, dict[RouteKey, None]] = {}
        self.last_route: dict[LinkId, int] = {}
        #: Executors that no frame can reach, since they speak HTTP to their agent.
        self.unroutable: set[RouteKey] = set()
        # Allocation.
        self.continuing = False
        #: When the armed :class:`AllocationDue` runs out; ``None`` if it is not armed.
        self.allocation_at: float | None = None
        # Names.
        self.agents_named = 0
        self.frameworks_named = 0
        self.offers_named = 0
        #: Counters by their name in Mesos, without ``master/``.
        self.counters: dict[str, int] = {}

    def count(self, name: str, times: int = 1) -> None:
        self.counters[name] = self.counters.get(name, 0) + times

    def offer_ended(self, offer_id: OfferId, how: str) -> None:
        """Remember how an offer ended, and forget its deadline."""
        self.offer_deadlines.pop(offer_id, None)
        ended = self.ended_offers
        ended[offer_id] = how
        if len(ended) > ENDED_OFFERS_MAX:
            del ended[next(iter(ended))]
