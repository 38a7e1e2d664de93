"""Which hosts there are and what runs on each, and how long, how often and how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tests.functional.chronos.profiles import CLASSIC, Profile, Topology
from tests.functional.chronos.profiles import SOAK as LONG

#: Parts of a role are on these hosts, in this order.
Places = Mapping[str, tuple[str, ...]]

THREE: Final = ("n1", "n2", "n3")
FIVE: Final = ("n1", "n2", "n3", "n4", "n5")
#: Everything on each of three, but for one Marathon: what two processors can bear.
SMALL: Final[Places] = {
    "zookeeper": THREE,
    "master": THREE,
    "agent": THREE,
    "marathon": THREE[:2],
    "chronos": THREE,
}
#: As the test of 2015 had it, with one more agent and with Marathon.
LARGE: Final[Places] = {
    "zookeeper": FIVE,
    "master": FIVE[:3],
    "agent": FIVE[2:],
    "marathon": FIVE[3:],
    "chronos": FIVE,
}
PORTS: Final = {
    "zookeeper": 2181,
    "master": 5050,
    "agent": 5051,
    "marathon": 8080,
    "chronos": 4400,
}


class Layout(Struct, frozen=True):
    """Hosts, and what is where."""

    places: Places

    @property
    def hosts(self) -> tuple[str, ...]:
        """All hosts."""
        return tuple(sorted({host for some in self.places.values() for host in some}))

    @property
    def topology(self) -> Topology:
        """How many parts there are, and how many of them it takes: of ZooKeeper a majority."""
        parts = {role: len(hosts) for role, hosts in self.places.items()}
        needed = {"zookeeper": parts["zookeeper"] // 2 + 1, "master": 1, "agent": 1, "chronos": 1}
        return Topology(parts=parts, needed=needed)

    def host_of(self, part: str) -> str:
        """Where a part is."""
        role = part.rstrip("0123456789")
        return self.places[role][int(part.removeprefix(role)) - 1]

    def parts_on(self, host: str) -> tuple[str, ...]:
        """What is on a host."""
        return tuple(name for name in self.topology.all_names() if self.host_of(name) == host)


class Scale(Struct, frozen=True, kw_only=True):
    """A size of the test: everything that Chronos is asked, and what is there beside it."""

    profile: Profile
    layout: Layout
    #: How long ZooKeeper waits for who has a session.
    session_s: int
    tick_ms: int
    #: Between two changes of the app that is watched, and two tasks of the framework that is.
    change_every_s: float
    launch_every_s: float
    #: Until everything is back after a fault's end, at the most, beside what a start takes.
    whole_within_s: float


_SMALL: Final = Layout(SMALL)
_LARGE: Final = Layout(LARGE)

#: Four or five faults.
_BRIEF: Final = Profile(
    name="brief",
    topology=_SMALL.topology,
    adding_s=68,
    add_every_s=(3, 5),
    head_start_s=3,
    duration_s=(0, 2),
    # More than a session, an election, a registration and an offer take one after the other.
    epsilon_s=(14, 18),
    spare_s=(0, 5),
    forgiven_s=2,
    quiet_s=(7, 9),
    fault_s=(6, 9),
    settle_s=14,
    # Beside these, as long as everything has taken to start.
    recovery_s=6,
    recover_within_s=10,
    patience_s=5,
    unreachable_s=(2, 4),
    ping_s=1,
    pings=4,
    # ``agent_reregister_timeout``: a link that is closed means less than pings without answer.
    away_max_s=600,
)
BRIEF: Final = Scale(
    profile=_BRIEF,
    layout=_SMALL,
    session_s=4,
    tick_ms=400,
    change_every_s=9,
    launch_every_s=0.7,
    whole_within_s=12,
)
QUICK: Final = replace(
    BRIEF,
    profile=replace(
        _BRIEF, name="quick", adding_s=170, quiet_s=(8, 11), fault_s=(7, 12), settle_s=40
    ),
)
CLASSIC_FIVE: Final = Scale(
    profile=replace(CLASSIC, topology=_LARGE.topology, add_every_s=(3, 6)),
    layout=_LARGE,
    session_s=10,
    tick_ms=1000,
    change_every_s=60,
    launch_every_s=5,
    whole_within_s=40,
)
SOAK: Final = replace(CLASSIC_FIVE, profile=replace(LONG, topology=_LARGE.topology))
SCALES: Final[Mapping[str, Scale]] = {
    one.profile.name: one for one in (BRIEF, QUICK, CLASSIC_FIVE, SOAK)
}
