"""What goes wrong with hosts and between them, done with ``nft``, ``ip`` and signals."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from random import Random
from typing import Final

from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError

from tests.functional.chronos.nemesis import ACTS as OF_PROCESSES
from tests.functional.chronos.nemesis import Act
from tests.functional.hosts import clocks, sessions, walls
from tests.functional.hosts.leaders import leading_part
from tests.functional.hosts.streets import Streets
from tests.functional.hosts.walls import Walls

#: Of one that flaps: how long it is there, and how long it is not.
FLAP_S: Final = 1.0
#: Of the line to ZooKeeper.
DELAY_S: Final = 0.5
SPREAD_S: Final = 0.5
DELAY_PORT: Final = 12_181
#: What connections that exist are given to break, before new ones take the slow line.
BREAK_S: Final = 0.5
#: How long whoever leads is looked for.
SEEK_S: Final = 3.0
#: Of a host without power, until it has it again.
DARK_S: Final = 5.0
#: What the parts of a host have to come up again.
UP_S: Final = 20.0
LEARN_S: Final = 3.0
LEADER: Final = "leader "
#: One that does not lead.
WAITING: Final = "waiting "
#: By how much a wall clock is wrong, and how long between two steps of one that is set wildly.
STEPS_S: Final = (10.0, 3600.0)
STROBE_S: Final = 0.2

Target = Sequence[str]


def _rest(until: float) -> None:
    time.sleep(max(0.0, until - time.monotonic()))


def _walled(town: Streets, made: Walls, until: float) -> None:
    town.wall(made)
    _rest(until)
    town.clear(made)


# --- whom it hits ---------------------------------------------------------------------------


def _parts(town: Streets, targets: Target) -> list[str]:
    """Names of parts; of who leads, whoever does so now."""
    found = []
    for target in targets:
        if not target.startswith((LEADER, WAITING)):
            found.append(target)
            continue
        role = target.rpartition(" ")[2]
        names = town.layout.topology.names(role)
        # If nobody leads, anybody is as good.
        leader = _leader(town, role) or names[0]
        is_leader = target.startswith(LEADER)
        found.append(leader if is_leader else next(one for one in names if one != leader))
    return found


def _leader(town: Streets, role: str) -> str | None:
    """The name of who leads, who may have to be waited for."""
    until = time.monotonic() + SEEK_S
    part = leading_part(town, role)
    while part is None and time.monotonic() < until:
        time.sleep(0.1)
        part = leading_part(town, role)
    return part


def _hosts(town: Streets, targets: Target) -> list[str]:
    """Names of hosts, and those on which parts are."""
    return [
        name if name in town.network.hosts else town.layout.host_of(name)
        for name in _parts(town, targets)
    ]


def _to_parts(act: Act[Streets]) -> Act[Streets]:
    """An act on processes, that also understands who leads."""

    def do(town: Streets, targets: Target, until: float, chance: Random) -> str:
        return act(town, _parts(town, targets), until, chance)

    return do


# --- between hosts ----------------------------------------------------------------------------


def _drawn(name: str, town: Streets, targets: Target, until: float, chance: Random) -> str:
    deaf = walls.DRAWN[name](town.network.hosts, chance)
    _walled(town, walls.walls(town.network.addresses, deaf), until)
    return "; ".join(f"{one} deaf to {' '.join(sorted(rest))}" for one, rest in deaf.items())


def _apart(town: Streets, targets: Target, until: float, chance: Random) -> str:
    some = _hosts(town, targets)
    deaf = walls.split(town.network.hosts, some)
    _walled(town, walls.walls(town.network.addresses, deaf), until)
    return f"{' '.join(some)} apart"


def _one_way(town: Streets, targets: Target, until: float, chance: Random) -> str:
    (host,) = _hosts(town, targets)
    deaf = walls.one_way(town.network.hosts, host)
    _walled(town, walls.walls(town.network.addresses, deaf), until)
    return f"{host} hears nobody"


def _zookeeper_ports(town: Streets, targets: Target, until: float, chance: Random) -> str:
    hosts = _hosts(town, targets)
    town.network.wall(walls.without_zookeeper(town.network.addresses, hosts[0]))
    # An agent goes on with the master that it has.
    roles = ("zookeeper", "master", "chronos", "marathon")
    _cut_while(town, hosts, roles, until)
    return f"{hosts[0]} without ZooKeeper"


def _cut_while(town: Streets, hosts: Sequence[str], roles: Collection[str], until: float) -> None:
    town.cut(hosts, roles)
    _rest(until)
    town.network.clear()
    town.join(hosts, roles)


def _no_masters(town: Streets, targets: Target, until: float, chance: Random) -> str:
    hosts = _hosts(town, targets)
    town.network.wall(walls.without_masters(hosts[0]))
    _cut_while(town, hosts, ("agent",), until)
    return f"{targets[0]} without masters"


def _flapping(town: Streets, targets: Target, until: float, chance: Random) -> str:
    hosts = _hosts(town, targets)
    made = walls.walls(town.network.addresses, walls.split(town.network.hosts, hosts))
    town.cut(hosts)
    flaps = 0
    while time.monotonic() < until:
        town.network.wall(made)
        time.sleep(FLAP_S)
        town.network.clear()
        time.sleep(FLAP_S)
        flaps += 1
    town.join(hosts)
    return f"{hosts[0]} {flaps} times"


def _everywhere(
    make: Callable[[Mapping[str, str]], Walls],
    town: Streets,
    targets: Target,
    until: float,
    chance: Random,
) -> str:
    _walled(town, make(town.network.addresses), until)
    return "everywhere"


def _link_down(town: Streets, targets: Target, until: float, chance: Random) -> str:
    hosts = _hosts(town, targets)
    for host in hosts:
        town.network.ip(host, "link", "set", "eth0", "down")
    _cut_while(town, hosts, (), until)
    return " ".join(hosts)


def _delay(town: Streets, targets: Target, until: float, chance: Random) -> str:
    """Everything that a host says to a ZooKeeper takes a slow line."""
    hosts = _hosts(town, targets)
    words = (str(DELAY_PORT), town.ensemble, str(DELAY_S), str(SPREAD_S), str(chance.random()))
    line = subprocess.Popen(town.line_on(hosts[0], *words))
    try:
        town.network.wall(walls.slow_zookeeper(hosts[0], DELAY_PORT, is_breaking=True))
        time.sleep(BREAK_S)
        town.network.clear()
        town.network.wall(walls.slow_zookeeper(hosts[0], DELAY_PORT))
        _rest(until)
    finally:
        town.network.clear()
        line.kill()
        line.wait()
    return f"{hosts[0]} {DELAY_S:g} +- {SPREAD_S:g} s"


# --- clocks --------------------------------------------------------------------------------------


def _clock(town: Streets, targets: Target, until: float, chance: Random) -> str:
    """The wall clock is set, forward or back; now and then it is set wildly."""
    (name,) = _parts(town, targets)
    file = town.clock_of(name)
    step_s = chance.choice(STEPS_S) * chance.choice((1, -1))
    is_wild = chance.random() < 0.5
    try:
        clocks.set_clock(file, step_s)
        while is_wild and time.monotonic() < until:
            clocks.set_clock(file, chance.choice((0.0, step_s, -step_s)))
            time.sleep(STROBE_S)
        _rest(until)
    finally:
        clocks.set_clock(file, 0.0)
    return f"{name} {'wildly ' if is_wild else ''}{step_s:+g} s"


# --- hosts and sessions -------------------------------------------------------------------------


def _power(town: Streets, targets: Target, until: float, chance: Random) -> str:
    hosts = _hosts(town, targets)
    town.cut_power(hosts)
    _rest(min(until, time.monotonic() + DARK_S))
    town.give_power(hosts)
    return " ".join(hosts)


def _roll(town: Streets, targets: Target, until: float, chance: Random) -> str:
    """Host after host, as who brings a new version does: the next when the last is up again."""
    began = time.monotonic()
    for host in _hosts(town, targets):
        before = {name: town.pid_of(name) for name in town.layout.parts_on(host)}
        for name in before:
            town.signal(name, signal.SIGTERM)
        up_until = time.monotonic() + UP_S
        while not _are_new(town, before) and time.monotonic() < up_until:
            time.sleep(0.1)
        # A ZooKeeper that is up has yet to learn what it has missed.
        time.sleep(LEARN_S)
    return f"all in {time.monotonic() - began:.1f} s"


def _are_new(town: Streets, before: Mapping[str, int | None]) -> bool:
    """Whether all of these have another process, which is up."""
    return all(
        town.parts[name].is_up and town.pid_of(name) not in (None, pid)
        for name, pid in before.items()
    )


def _lose(town: Streets, targets: Target, until: float, chance: Random) -> str:
    """A host falls silent and never comes back: nobody is told that its connections end."""
    hosts = _hosts(town, targets)
    for host in hosts:
        town.network.ip(host, "link", "set", "eth0", "down")
    town.cut(hosts)
    town.cut_power(hosts)
    return f"{' '.join(hosts)} for good"


def _expire(town: Streets, targets: Target, until: float, chance: Random) -> str:
    role, servers = targets[0].removeprefix(LEADER), town.addresses_of("zookeeper")
    seek_until = time.monotonic() + SEEK_S
    while (session := _session(servers, role)) is None and time.monotonic() < seek_until:
        time.sleep(0.1)
    if session is None:
        return "nobody leads"
    with contextlib.suppress(KazooException, KazooTimeoutError):
        sessions.end_session(servers, session)
        return f"0x{session:x} of {role}"
    return f"0x{session:x} of {role} could not be had"


def _session(servers: Sequence[str], role: str) -> int | None:
    leader = sessions.leading(servers)
    if leader is None:
        return None
    return sessions.session_leading(sessions.said(leader, "dump"), role)


ACTS: Final[Mapping[str, Act[Streets]]] = {
    **{name: _to_parts(act) for name, act in OF_PROCESSES.items()},
    **{name: partial(_drawn, name) for name in walls.DRAWN},
    "apart": _apart,
    "one way": _one_way,
    "zookeeper ports": _zookeeper_ports,
    "masters from agent": _no_masters,
    "flapping": _flapping,
    "loss": partial(_everywhere, walls.lossy),
    "resets": partial(_everywhere, walls.resetting),
    "link down": _link_down,
    "delay": _delay,
    "clock": _clock,
    "power": _power,
    "expire": _expire,
    "roll hosts": _roll,
    "lose": _lose,
}
