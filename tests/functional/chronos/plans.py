"""
What is to happen in one run: jobs, what is asked of them, and faults; all of it from a seed.

Times are seconds from the beginning.  Instants depend on when a job is really asked for, so a
plan has distances only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tests.functional.chronos.profiles import Profile

#: Share of each kind of job.
KINDS: Final = {"plain": 70, "concurrent": 10, "failing": 10, "graph": 10}
#: Share of what is asked of a job after it was added; of ``nothing`` the more the calmer.
SEQUELS: Final = {"nothing": 40, "update": 25, "run": 15, "switch": 10, "delete": 10}
#: Attempts beyond those that are meant to fail, for those that a fault takes.
SPARE_RETRIES: Final = 3
RETRY_DELAY_S: Final = 1.0
#: Between two looks at what is there.
LOOK_EVERY_S: Final = 5.0


class JobPlan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job that is asked for."""

    name: str
    kind: str
    api: str
    interval_s: float = 0.0
    #: 0 of those that follow others.
    count: int = 0
    duration_s: float = 0.0
    epsilon_s: float = 0.0
    #: Attempts that fail before one does well.
    fails: int = 0
    retries: int = SPARE_RETRIES
    concurrent: bool = False
    unreachable_s: float = 0.0
    parents: tuple[str, ...] = ()

    @property
    def window_s(self) -> float:
        """How late the start of the attempt that does well may be."""
        return self.epsilon_s + self.fails * (self.duration_s + RETRY_DELAY_S + 1.0)


class Operation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that a client asks for; ``look`` reads what is there."""

    at_s: float
    kind: str
    job: JobPlan | None = None
    #: Of an addition or an update: which one it is.
    tag: int = 0


class Fault(Struct, frozen=True, kw_only=True):
    """Something that goes wrong: from when, for how long, how, and to whom."""

    at_s: float
    lasts_s: float
    kind: str
    act: str
    targets: tuple[str, ...]


class FaultKind(Struct, frozen=True):
    """
    How something goes wrong, and to whom.

    :param act: a name in ``nemesis.ACTS``.
    :param role: whose parts are hit; all roles if empty.
    :param most: of how many parts; 0 is all.
    :param share: of the time that a fault lasts.
    """

    act: str
    role: str = ""
    most: int = 1
    share: float = 1.0
    is_final: bool = False


FAULTS: Final[Mapping[str, FaultKind]] = {
    "kill chronos": FaultKind("kill", "chronos"),
    "kill master": FaultKind("kill", "master"),
    "kill agent": FaultKind("kill", "agent"),
    "kill several": FaultKind("kill", most=3),
    "kill all": FaultKind("kill", most=0),
    "flap chronos": FaultKind("flap", "chronos"),
    "flap master": FaultKind("flap", "master"),
    "storm": FaultKind("storm", most=0),
    "pause chronos": FaultKind("pause", "chronos", share=0.25),
    "pause master": FaultKind("pause", "master", share=0.25),
    "pause agent": FaultKind("pause", "agent", share=0.25),
    "pause chronos long": FaultKind("pause", "chronos"),
    "pause master long": FaultKind("pause", "master"),
    "pause agent long": FaultKind("pause", "agent"),
    "restart all": FaultKind("roll", most=0),
    "disk of chronos full": FaultKind("fill", "chronos"),
    "disk of agent full": FaultKind("fill", "agent"),
    "kill tasks": FaultKind("kill tasks", "agent", most=0),
    "kill supervisor": FaultKind("kill supervisor", "agent"),
    "lose agent": FaultKind("remove", "agent", is_final=True),
}


class Plan(Struct, frozen=True):
    """Everything that is to happen."""

    profile: str
    seed: int
    operations: tuple[Operation, ...]
    faults: tuple[Fault, ...]


def plan_of(profile: Profile, seed: int) -> Plan:
    """The plan of a seed: the same whenever it is asked for."""
    # Each part has a chance of its own, so that one can change without the others.
    operations = sorted(_operations(profile, Random(f"{seed} jobs")), key=lambda one: one.at_s)
    faults = tuple(_faults(profile, Random(f"{seed} faults")))
    return Plan(profile.name, seed, tuple(operations), faults)


# --- jobs ----------------------------------------------------------------------------------


def _operations(profile: Profile, chance: Random) -> Iterator[Operation]:
    at_s, number = 0.5, 0
    while at_s < profile.adding_s:
        number += 1
        for job in _jobs(profile, chance, number):
            yield Operation(at_s=at_s, kind="add", job=job, tag=1)
            yield from _sequel(profile, chance, job, at_s)
            # Who follows another comes after it.
            at_s += 0.2
        at_s += chance.uniform(*profile.add_every_s)
    look_s = LOOK_EVERY_S
    while look_s < profile.adding_s:
        yield Operation(at_s=look_s, kind="look")
        look_s += LOOK_EVERY_S


def _jobs(profile: Profile, chance: Random, number: int) -> list[JobPlan]:
    kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
    first = _clocked(profile, chance, f"{kind}-{number}", kind)
    if kind != "graph":
        return [first]
    return [first, *_dependents(profile, chance, first.name)]


def _clocked(profile: Profile, chance: Random, name: str, kind: str) -> JobPlan:
    duration_s = float(round(chance.uniform(*profile.duration_s)))
    epsilon_s = float(round(chance.uniform(*profile.epsilon_s)))
    plan = JobPlan(
        name=name,
        kind=kind,
        api=chance.choice(("old", "older", "own")),
        count=1 + chance.randint(0, 98),
        duration_s=duration_s,
        epsilon_s=epsilon_s,
        fails=chance.randint(1, 2) if kind == "failing" else 0,
        concurrent=kind == "concurrent",
        unreachable_s=float(round(chance.uniform(*profile.unreachable_s))),
    )
    # No two windows of one job touch, whatever it takes.
    least_s = 1 + duration_s + plan.window_s + profile.forgiven_s
    interval_s = least_s + round(chance.uniform(*profile.spare_s))
    if plan.concurrent:
        # These overlap themselves, and all that they miss is made up for.
        interval_s = max(2.0, round(least_s / 3))
    return replace(plan, interval_s=interval_s, retries=plan.fails + SPARE_RETRIES)


def _dependents(profile: Profile, chance: Random, first: str) -> list[JobPlan]:
    """A chain of two or three, or a diamond."""
    names = [f"{first}-{letter}" for letter in "bcd"]
    if chance.random() < 0.5:
        tied = {names[0]: (first,), names[1]: (first,), names[2]: (names[0], names[1])}
    else:
        row = [first, *names[: chance.randint(2, 3)]]
        tied = {after: (before,) for before, after in pairwise(row)}
    return [
        JobPlan(
            name=name,
            kind="dependent",
            api=chance.choice(("old", "older", "own")),
            duration_s=float(round(chance.uniform(*profile.duration_s) / 2)),
            unreachable_s=float(round(chance.uniform(*profile.unreachable_s))),
            parents=parents,
        )
        for name, parents in tied.items()
    ]


def _sequel(profile: Profile, chance: Random, job: JobPlan, at_s: float) -> Iterator[Operation]:
    """What is asked of a job later, one thing after the other."""
    for tag in (2, 3):
        at_s += profile.head_start_s + chance.uniform(0.0, 2.0 * profile.epsilon_s[1])
        kind = chance.choices(list(SEQUELS), list(SEQUELS.values()))[0]
        if at_s >= profile.adding_s or kind == "nothing":
            continue
        # Whoever follows a job that goes, or is off, is another story.
        if job.kind in ("graph", "dependent") and kind in ("delete", "switch"):
            continue
        if kind == "switch":
            off_s = chance.uniform(1.0, profile.epsilon_s[1])
            yield Operation(at_s=at_s, kind="disable", job=job)
            yield Operation(at_s=at_s + off_s, kind="enable", job=job)
            return
        yield Operation(at_s=at_s, kind=kind, job=job, tag=tag)
        if kind == "delete":
            return


# --- faults --------------------------------------------------------------------------------


def _faults(profile: Profile, chance: Random) -> Iterator[Fault]:
    """Each kind comes once before any comes again."""
    kinds = [name for name, kind in FAULTS.items() if not kind.is_final]
    left: list[str] = []
    at_s = profile.quiet_s[0] / 2
    while at_s < profile.adding_s - profile.fault_s[0]:
        if not left:
            left = chance.sample(kinds, len(kinds))
        fault = _fault(profile, chance, left.pop(), at_s)
        yield fault
        at_s += fault.lasts_s + chance.uniform(*profile.quiet_s)
    if profile.removes:
        yield _fault(profile, chance, "lose agent", at_s)


def _fault(profile: Profile, chance: Random, name: str, at_s: float) -> Fault:
    kind, topology = FAULTS[name], profile.topology
    names = topology.names(kind.role) if kind.role else topology.all_names()
    hit = chance.sample(names, min(kind.most, len(names))) if kind.most else names
    return Fault(
        at_s=at_s,
        lasts_s=chance.uniform(*profile.fault_s) * kind.share,
        kind=name,
        act=kind.act,
        targets=tuple(hit),
    )
