"""
Which faults there are, and which of them a seed does when.

Seeds that follow each other go on through one order of all kinds, so that a few of them have
done everything.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tests.functional.chronos.plans import Fault, Plan, plan_of
from tests.functional.hosts.layout import Layout, Scale

#: How many parts are some.
SOME: Final = 3


class Kind(Struct, frozen=True):
    """
    A kind of fault.

    :param act: a name in ``acts.ACTS``.
    :param whom: a role of which it hits one part, ``host`` for one host, ``hosts`` for all,
        ``leader ROLE`` for who leads when the fault begins, ``waiting ROLE`` for one that does
        not, ``all ROLE`` for all of a role,
        ``all`` for every part, ``ours`` for all but ZooKeepers, or ``some`` for three of all.
    :param share: of the time that a fault lasts.
    :param ends_tasks: whether tasks may die of it, or be out of reach of who watches them.
    :param hides_tasks: whether tasks may go on where no master can hear of them.
    """

    act: str
    whom: str
    share: float = 1.0
    ends_tasks: bool = False
    hides_tasks: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    "halves": Kind("halves", "hosts", hides_tasks=True),
    "one host apart": Kind("apart", "host", hides_tasks=True),
    "leading Chronos apart": Kind("apart", "leader chronos", hides_tasks=True),
    "leading ZooKeeper apart": Kind("apart", "leader zookeeper", hides_tasks=True),
    "leading master apart": Kind("apart", "leader master", hides_tasks=True),
    "leading Marathon apart": Kind("apart", "leader marathon", hides_tasks=True),
    "majority ring": Kind("ring", "hosts", hides_tasks=True),
    "bridge": Kind("bridge", "hosts", hides_tasks=True),
    "one way": Kind("one way", "host", hides_tasks=True),
    "ZooKeeper's ports": Kind("zookeeper ports", "host"),
    "agent from masters": Kind("masters from agent", "agent", hides_tasks=True),
    "flapping": Kind("flapping", "host", hides_tasks=True),
    "loss of 20 %": Kind("loss", "hosts", hides_tasks=True),
    "resets": Kind("resets", "hosts", share=0.5, hides_tasks=True),
    "link down": Kind("link down", "host", ends_tasks=True),
    "delay of ZooKeeper": Kind("delay", "host"),
    "kill leading Chronos": Kind("kill", "leader chronos", share=0.5),
    "kill leading master": Kind("kill", "leader master", share=0.5),
    "kill leading Marathon": Kind("kill", "leader marathon", share=0.5),
    "kill leading ZooKeeper": Kind("kill", "leader zookeeper", share=0.5),
    "kill three of any": Kind("kill", "some", share=0.5),
    # Not ZooKeepers: Debian's 3.8.0 loses what it has confirmed when they are killed one after the
    # other, before who came back has kept what it learns (ZOOKEEPER-4643, 4646, 4785).
    "storm": Kind("storm", "ours", hides_tasks=True),
    "kill all masters": Kind("kill", "all master", share=0.5),
    "kill all Chronoses": Kind("kill", "all chronos", share=0.5),
    "kill all ZooKeepers": Kind("kill", "all zookeeper", share=0.5),
    "kill all agents": Kind("kill", "all agent", share=0.5),
    "stop leading Chronos shortly": Kind("pause", "leader chronos", share=0.25),
    "stop leading master shortly": Kind("pause", "leader master", share=0.25),
    "stop leading Chronos long": Kind("pause", "leader chronos"),
    "stop leading master long": Kind("pause", "leader master"),
    "stop leading ZooKeeper": Kind("pause", "leader zookeeper"),
    "stop an agent": Kind("pause", "agent", hides_tasks=True),
    "power of one host": Kind("power", "host", ends_tasks=True),
    "power of all hosts": Kind("power", "hosts", share=0.5, ends_tasks=True),
    "rolling restart": Kind("roll hosts", "hosts"),
    "session of Chronos ended": Kind("expire", "leader chronos", share=0.3),
    "session of master ended": Kind("expire", "leader master", share=0.3),
    "session of Marathon ended": Kind("expire", "leader marathon", share=0.3),
    "clock of leading master": Kind("clock", "leader master"),
    "clock of leading Marathon": Kind("clock", "leader marathon"),
    # One that leads launches by its clock, as cron does, right or wrong.
    "clock of waiting Chronos": Kind("clock", "waiting chronos"),
    "disk of ZooKeeper full": Kind("fill", "zookeeper"),
    "disk of agent full": Kind("fill", "agent", hides_tasks=True),
    "executors killed": Kind("kill supervisor", "agent", share=0.3, ends_tasks=True),
}
#: The last one, where there are enough agents and the time: nobody hears of it again.
LOST: Final = "lose agent"
FINAL: Final = Kind("lose", "agent", ends_tasks=True)


def kind_of(name: str) -> Kind:
    """A kind by its name."""
    return FINAL if name == LOST else KINDS[name]


def plan(scale: Scale, seed: int, only: Sequence[str] = ()) -> Plan:
    """
    The plan of a seed: the same whenever it is asked for.

    :param only: kinds of faults, if it is not to be all.
    """
    return replace(plan_of(scale.profile, seed), faults=tuple(_faults(scale, seed, only)))


def _faults(scale: Scale, seed: int, only: Sequence[str]) -> Iterator[Fault]:
    profile, chance = scale.profile, Random(f"{seed} faults of hosts")
    names = itertools.cycle(only) if only else _order(seed * faults_at_most(scale))
    at_s = profile.quiet_s[0] / 2
    while at_s < profile.adding_s - profile.fault_s[0]:
        fault = _fault(scale, chance, next(names), at_s)
        yield fault
        at_s += fault.lasts_s + chance.uniform(*profile.quiet_s)
    if profile.removes:
        yield _fault(scale, chance, LOST, at_s)


def faults_at_most(scale: Scale) -> int:
    """By so many kinds each seed begins later than the one before it."""
    profile = scale.profile
    return max(1, int(profile.adding_s / (sum(profile.quiet_s) / 2 + sum(profile.fault_s) / 2)))


def _order(first: int) -> Iterator[str]:
    order = Random("the order of faults").sample(list(KINDS), len(KINDS))
    while True:
        yield order[first % len(order)]
        first += 1


def _fault(scale: Scale, chance: Random, name: str, at_s: float) -> Fault:
    kind = kind_of(name)
    return Fault(
        at_s=at_s,
        lasts_s=chance.uniform(*scale.profile.fault_s) * kind.share,
        kind=name,
        act=kind.act,
        targets=_targets(scale.layout, kind.whom, chance),
    )


def _targets(layout: Layout, whom: str, chance: Random) -> tuple[str, ...]:
    if whom.startswith(("leader ", "waiting ")):
        # Who that is is known only when it begins.
        return (whom,)
    if whom in ("all", "ours", "some"):
        return _of_all(layout, whom, chance)
    if whom == "hosts":
        return layout.hosts
    if whom == "host":
        return (chance.choice(layout.hosts),)
    role = whom.removeprefix("all ")
    names = layout.topology.names(role)
    return names if role != whom else (chance.choice(names),)


def _of_all(layout: Layout, whom: str, chance: Random) -> tuple[str, ...]:
    names = layout.topology.all_names()
    if whom == "some":
        return tuple(chance.sample(names, SOME))
    spared = layout.topology.names("zookeeper") if whom == "ours" else ()
    return tuple(name for name in names if name not in spared)
