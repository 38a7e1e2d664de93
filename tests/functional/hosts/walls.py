"""
What hosts do not hear of each other: partitions as values, and as rules for ``nft``.

Each wall stands where packets arrive, and drops them by where they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations
from random import Random
from typing import Final

from msgspec import Struct

ZOOKEEPER_PORTS: Final = (2181, 2888, 3888)
MASTER_PORT: Final = 5050
#: Of agents and of nobody else, so that what they send can be told from what others do.
AGENT_GROUP: Final = 47110
#: Of the slow line to ZooKeeper, which is not to take itself.
LINE_GROUP: Final = 47111
LOSS_PERCENT: Final = 20

_TABLE: Final = """
table inet walls {{
    chain arriving {{
        type filter hook input priority 0; policy accept
        {arriving}
    }}
    chain leaving {{
        type filter hook output priority 0; policy accept
        {leaving}
    }}
    chain turned {{
        type nat hook output priority -100; policy accept
        {turned}
    }}
}}
"""


class Walls(Struct, frozen=True, kw_only=True):
    """
    Rules for what arrives, leaves, and is turned elsewhere, by host, and what they mean.

    :param away: hosts that the others, who all hear each other, do not hear.
    :param torn: whether there is no such set of others: who leads may not hear who it needs.
    """

    arriving: Mapping[str, tuple[str, ...]] = {}
    leaving: Mapping[str, tuple[str, ...]] = {}
    turned: Mapping[str, tuple[str, ...]] = {}
    away: tuple[str, ...] = ()
    torn: bool = False

    def script(self, host: str) -> str:
        """For ``nft`` on that host; empty if nothing stops there."""
        chains = {"arriving": self.arriving, "leaving": self.leaving, "turned": self.turned}
        rules = {name: "\n        ".join(chain.get(host, ())) for name, chain in chains.items()}
        return _TABLE.format(**rules) if any(rules.values()) else ""


#: Host by host whom it does not hear.
Deaf = Mapping[str, Collection[str]]


def walls(
    addresses: Mapping[str, str], deaf: Deaf, which: str = "", verdict: str = "drop"
) -> Walls:
    """
    The walls that make hosts deaf.

    :param which: a condition of ``nft`` for what is stopped; everything is if it is empty.
    """
    arriving = {
        host: tuple(
            " ".join(filter(None, (f"ip saddr {addresses[other]}", which, verdict)))
            for other in sorted(others)
        )
        for host, others in deaf.items()
        if others
    }
    whole = _whole(tuple(addresses), deaf)
    away = tuple(host for host in addresses if whole and host not in whole)
    return Walls(arriving=arriving, away=away, torn=not whole)


def _whole(hosts: Sequence[str], deaf: Deaf) -> tuple[str, ...]:
    """Most hosts, who hear each other and nobody else; none if there are no such."""

    def talk(one: str, other: str) -> bool:
        return other not in deaf.get(one, ()) and one not in deaf.get(other, ())

    for size in range(len(hosts), len(hosts) // 2, -1):
        for some in combinations(hosts, size):
            rest = [host for host in hosts if host not in some]
            if all(talk(*pair) for pair in combinations(some, 2)) and not any(
                talk(one, other) for one in some for other in rest
            ):
                return some
    return ()


# --- who is deaf to whom ----------------------------------------------------------------------


def split(hosts: Sequence[str], some: Collection[str]) -> Deaf:
    """``some`` on one side and the others on the other."""
    return {host: [other for other in hosts if (other in some) != (host in some)] for host in hosts}


def halves(hosts: Sequence[str], chance: Random) -> Deaf:
    """As many on one side as on the other, or one less."""
    return split(hosts, chance.sample(hosts, len(hosts) // 2))


def bridge(hosts: Sequence[str], chance: Random) -> Deaf:
    """Two sides, and one host that hears both."""
    mixed = chance.sample(hosts, len(hosts))
    between, rest = mixed[0], mixed[1:]
    some = rest[: len(rest) // 2]
    return {**split(rest, some), between: []}


def ring(hosts: Sequence[str], chance: Random) -> Deaf:
    """Each hears as many as a majority takes, and no two hear the same."""
    mixed = chance.sample(hosts, len(hosts))
    reach = len(hosts) // 2
    found = {}
    for place, host in enumerate(mixed):
        heard = {mixed[(place + step) % len(mixed)] for step in range(reach + 1)}
        found[host] = [other for other in hosts if other not in heard]
    return found


def one_way(hosts: Sequence[str], deaf: str) -> Deaf:
    """One hears nobody, and is heard by all."""
    return {deaf: [host for host in hosts if host != deaf]}


#: Partitions of which chance tells everything.
DRAWN: Final[Mapping[str, Callable[[Sequence[str], Random], Deaf]]] = {
    "halves": halves,
    "bridge": bridge,
    "ring": ring,
}


def everybody(hosts: Sequence[str]) -> Deaf:
    """Each is deaf to all others."""
    return {host: [other for other in hosts if other != host] for host in hosts}


def lossy(addresses: Mapping[str, str]) -> Walls:
    """One packet of five between hosts is lost."""
    which = f"numgen random mod 100 < {LOSS_PERCENT}"
    made = walls(addresses, everybody(tuple(addresses)), which)
    return Walls(arriving=made.arriving)


def resetting(addresses: Mapping[str, str]) -> Walls:
    """Every connection between hosts is reset as soon as something is said."""
    hosts = tuple(addresses)
    which, verdict = "meta l4proto tcp", "reject with tcp reset"
    return walls(addresses, everybody(hosts), which, verdict)


def without_zookeeper(addresses: Mapping[str, str], host: str) -> Walls:
    """A host hears of no other's ZooKeeper, nor they of its."""
    ports = ", ".join(map(str, ZOOKEEPER_PORTS))
    which = f"meta l4proto tcp tcp dport {{ {ports} }}"
    return walls(addresses, split(tuple(addresses), [host]), which)


def without_masters(host: str) -> Walls:
    """An agent says nothing to any master; nobody else on its host is hindered."""
    rule = f"meta skgid {AGENT_GROUP} tcp dport {MASTER_PORT} drop"
    return Walls(leaving={host: (rule,)})


def slow_zookeeper(host: str, port: int, *, is_breaking: bool = False) -> Walls:
    """
    What a host says to a ZooKeeper goes to another port of its own.

    :param is_breaking: connections that there are break, so that there are only new ones.
    """
    zookeeper = ZOOKEEPER_PORTS[0]
    rule = f"tcp dport {zookeeper} reject with tcp reset"
    if is_breaking:
        return Walls(leaving={host: (rule,)})
    # The line itself reaches ZooKeeper, by a mark of its own.
    redirect = f"meta skgid != {LINE_GROUP} tcp dport {zookeeper} redirect to :{port}"
    return Walls(turned={host: (redirect,)})
