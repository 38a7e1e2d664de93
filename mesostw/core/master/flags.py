"""What an operator says of a master; defaults are those of Mesos unless a line says why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from mesostw.core.allocator import Minimum
from mesostw.core.allocator.minimums import MINIMUM_DEFAULT
from mesostw.messages.masters import MasterInfo

#: Seconds between two ticks of the one wheel that times pings, heartbeats and deadlines.
TICK_S: Final = 1.0
#: Seconds between two heartbeats to a framework; told in SUBSCRIBED.
HEARTBEAT_S: Final = 15.0
#: Agents that are marked unreachable in one tick, so that a tick stays short.
EXPIRED_PER_TICK_MAX: Final = 200
#: Agents that one slice of allocation looks at: a few milliseconds.
SLICE_AGENTS_MAX: Final = 250
#: Ended offers remembered, to tell a repeated ACCEPT from a stale one.
ENDED_OFFERS_MAX: Final = 20_000
#: Routes of one link; messages beyond go through the core, which is slower.
ROUTES_PER_LINK_MAX: Final = 10_000
#: Unreachable and gone agents remembered, as ``registry_max_agent_count`` of Mesos.
AWAY_AGENTS_MAX: Final = 102_400
#: How long an unreachable agent is remembered: 2 weeks, as ``registry_max_agent_age``.
AWAY_AGENT_S_MAX: Final = 14 * 86400.0
#: Seconds between two looks at agents to forget, as ``registry_gc_interval``.
PRUNE_S: Final = 900.0
#: The longest ``failover_timeout``: a year; what is longer is cut.
FAILOVER_S_MAX: Final = 365 * 86400.0


class MasterFlags(Struct, frozen=True, kw_only=True):
    """How a master behaves."""

    #: What SUBSCRIBED tells schedulers of this master.
    info: MasterInfo
    agent_ping_timeout_s: float = 15.0
    max_agent_ping_timeouts: int = 5
    #: Smaller values are refused by the daemon, as Mesos does.
    agent_reregister_timeout_s: float = 600.0
    #: Of the agents known at the start, how many at most may stay away for so long; if more do,
    #: the network is at fault rather than they, and the master stops instead.
    recovery_agent_removal_limit: float = 1.0
    #: Seconds between two agents that become unreachable; 0 for no limit.
    agent_removal_interval_s: float = 0.0
    #: Offers unused for so long are rescinded; ``None`` never. Mesos has none by
    #: default, and frameworks that sit on offers then starve others.
    offer_timeout_s: float | None = 300.0
    #: ``--min_allocatable_resources``.
    minimum: Minimum = MINIMUM_DEFAULT
    #: ``--filter_gpu_resources``: agents with GPUs are offered to GPU_RESOURCES frameworks only.
    filter_gpu_resources: bool = True
    #: ``--fair_sharing_excluded_resource_names``.
    excluded_resource_names: frozenset[str] = frozenset()
    #: ``--root_submissions``: whether frameworks of user root may subscribe.
    root_submissions: bool = True
    #: Of roles, until an operator changes them.
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def ping_patience_s(self) -> float:
        """How long an agent may wait for a ping before it looks for a master again."""
        return self.agent_ping_timeout_s * self.max_agent_ping_timeouts
