"""How long, how often and how much: what a run of the fault test is made of, in three sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from msgspec import Struct

#: From and to, both included.
Span: TypeAlias = tuple[float, float]


class Topology(Struct, frozen=True, kw_only=True):
    """How many parts of each role there are, and how many must be there for anything to run."""

    parts: Mapping[str, int]
    needed: Mapping[str, int]

    def names(self, role: str) -> tuple[str, ...]:
        """``master1``, ``master2`` ..."""
        return tuple(f"{role}{number}" for number in range(1, self.parts[role] + 1))

    def all_names(self) -> tuple[str, ...]:
        """Of all parts, those first that others need."""
        return tuple(name for role in self.parts for name in self.names(role))


#: One of each and three agents: all that one machine does without ZooKeeper.
EMBEDDED: Final = Topology(
    parts={"master": 1, "agent": 3, "chronos": 1},
    needed={"master": 1, "agent": 1, "chronos": 1},
)


class Profile(Struct, frozen=True, kw_only=True):
    """One size of the test; all times in seconds."""

    name: str
    topology: Topology = EMBEDDED
    #: For how long jobs are added, and how far apart.
    adding_s: float
    add_every_s: Span
    #: From the request to the first instant.
    head_start_s: float
    #: What a task takes, how late it may start, and what a period has beyond what it must.
    duration_s: Span
    epsilon_s: Span
    spare_s: Span
    #: How much later than it may a run may begin.
    forgiven_s: float
    quiet_s: Span
    fault_s: Span
    #: Between the last heal and the last look.
    settle_s: float
    #: Until what is back serves again, and after the last heal at the most.
    recovery_s: float
    recover_within_s: float
    #: Of one request.
    patience_s: float
    #: How late runs may begin when nothing is wrong, but one of a hundred.
    lag_max_s: float = 2.0
    #: How long an agent is waited for before its run counts as failed.
    unreachable_s: Span
    #: A master pings its agents so often, and misses so many answers.
    ping_s: int
    pings: int
    #: How long a master waits for an agent of which it knows nothing more.
    away_max_s: float
    #: Whether agents are lost for good.
    removes: bool = False


QUICK: Final = Profile(
    name="quick",
    adding_s=65,
    add_every_s=(1.5, 3),
    head_start_s=3,
    duration_s=(0, 2),
    epsilon_s=(8, 12),
    spare_s=(0, 5),
    forgiven_s=2,
    quiet_s=(7, 9),
    fault_s=(5, 7),
    settle_s=20,
    recovery_s=5,
    recover_within_s=10,
    patience_s=5,
    unreachable_s=(2, 4),
    ping_s=1,
    pings=4,
    away_max_s=5,
)
#: The figures of the test that Chronos itself was put to in 2015.
CLASSIC: Final = Profile(
    name="classic",
    adding_s=450,
    add_every_s=(6, 12),
    head_start_s=10,
    duration_s=(0, 9),
    epsilon_s=(10, 29),
    spare_s=(0, 29),
    forgiven_s=5,
    quiet_s=(200, 200),
    fault_s=(200, 200),
    settle_s=400,
    recovery_s=10,
    recover_within_s=30,
    patience_s=20,
    unreachable_s=(30, 300),
    ping_s=15,
    pings=5,
    # ``agent_reregister_timeout``: a link that is closed means less than pings without answer.
    away_max_s=600,
    removes=True,
)
SOAK: Final = Profile(
    name="soak",
    adding_s=4 * 3600,
    add_every_s=(30, 30),
    head_start_s=10,
    duration_s=(0, 30),
    epsilon_s=(10, 60),
    spare_s=(0, 300),
    forgiven_s=2,
    quiet_s=(5, 300),
    fault_s=(5, 300),
    settle_s=400,
    recovery_s=10,
    recover_within_s=30,
    patience_s=20,
    unreachable_s=(30, 300),
    ping_s=15,
    pings=5,
    # ``agent_reregister_timeout``: a link that is closed means less than pings without answer.
    away_max_s=600,
    removes=True,
)
PROFILES: Final[Mapping[str, Profile]] = {one.name: one for one in (QUICK, CLASSIC, SOAK)}
