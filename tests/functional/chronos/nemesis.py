"""
What goes wrong, done to a town of processes.

Each act does its harm, lasts as long as its fault says, and heals what does not heal itself.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final, Generic, TypeAlias, TypeVar

from msgspec import Struct

from tests.functional.chronos.plans import Fault
from tests.functional.chronos.town import Town, kill, processes

TownT = TypeVar("TownT", bound=Town)
#: Does harm to targets until a steady second, and says to what.
Act: TypeAlias = Callable[[TownT, Sequence[str], float, Random], str]

#: How long one that flaps may live each time, in seconds.
FLAP_S: Final = (0.3, 2.5)
#: For how long tasks are killed: shorter than two attempts with the pause between them.
KILLING_S: Final = 1.5
#: Between two blows of a storm, and the share of those that only stop somebody.
STORM_S: Final = (0.1, 1.0)
STOPS: Final = 0.3


class Harm(Struct, frozen=True):
    """A fault as it was done, in wall seconds; ``note`` says what there was to hit."""

    kind: str
    targets: tuple[str, ...]
    start: float
    end: float
    note: str = ""


class Nemesis(Generic[TownT]):
    """
    Does the faults of a plan, one after the other.

    :param acts: what there is to be done, by its name.
    """

    def __init__(
        self, town: TownT, faults: Sequence[Fault], seed: int, acts: Mapping[str, Act[TownT]]
    ) -> None:
        self._town, self._faults, self._acts = town, faults, acts
        self._chance = Random(f"{seed} nemesis")
        self.harms: list[Harm] = []

    def run(self, began: float) -> None:
        """
        Do them all.

        :param began: the steady second from which the plan counts.
        """
        for fault in self._faults:
            time.sleep(max(0.0, began + fault.at_s - time.monotonic()))
            self.before(fault)
            start, until = time.time(), time.monotonic() + fault.lasts_s
            note = self._acts[fault.act](self._town, fault.targets, until, self._chance)
            time.sleep(max(0.0, until - time.monotonic()))
            self.harms.append(Harm(fault.kind, fault.targets, start, time.time(), note))
            self.after(fault)

    def before(self, fault: Fault) -> None:
        """A fault is about to begin."""

    def after(self, fault: Fault) -> None:
        """A fault is over."""


def _kill(town: Town, targets: Sequence[str], until: float, chance: Random) -> str:
    hit = [name for name in targets if town.signal(name, signal.SIGKILL)]
    return f"killed {', '.join(hit)}"


def _flap(town: Town, targets: Sequence[str], until: float, chance: Random) -> str:
    """Kill it as soon as it has come back, or a little later."""
    kills = 0
    while time.monotonic() < until:
        for name in targets:
            kills += town.signal(name, signal.SIGKILL)
        time.sleep(chance.uniform(*FLAP_S))
    return f"killed {kills} times"


def _storm(town: Town, targets: Sequence[str], until: float, chance: Random) -> str:
    """Kill anybody, or stop somebody while others are killed."""
    stopped: set[str] = set()
    kills = stops = 0
    while time.monotonic() < until:
        name = chance.choice(targets)
        if name in stopped:
            stopped.discard(name)
            town.signal(name, signal.SIGCONT)
        elif chance.random() < STOPS:
            stops += town.signal(name, signal.SIGSTOP)
            stopped.add(name)
        else:
            kills += town.signal(name, signal.SIGKILL)
        time.sleep(chance.uniform(*STORM_S))
    for name in stopped:
        town.signal(name, signal.SIGCONT)
    return f"killed {kills} times, stopped {stops} times"


def _pause(town: Town, targets: Sequence[str], until: float, chance: Random) -> str:
    hit = [name for name in targets if town.signal(name, signal.SIGSTOP)]
    time.sleep(max(0.0, until - time.monotonic()))
    for name in hit:
        town.signal(name, signal.SIGCONT)
    return f"stopped {', '.join(hit)}"


def _roll(town: Town, targets: Sequence[str], until: float, chance: Random) -> str:
    """End one after the other, as who brings a new version does."""
    step_s = max(0.2, (until - time.monotonic()) / len(targets))
    for name in targets:
        town.signal(name, signal.SIGTERM)
        time.sleep(step_s)
    return f"one each {step_s:.1f} s"


def _fill(town: Town, targets: Sequence[str], until: float, chance: Random) -> str:
    for name in targets:
        town.fill(name)
    time.sleep(max(0.0, until - time.monotonic()))
    for name in targets:
        town.free(name)
    return "no byte left"


def _kill_tasks(town: Town, targets: Sequence[str], until: float, chance: Random) -> str:
    """Whatever tasks run, for a short while: whoever loses all attempts has failed for good."""
    kills, script = 0, b"task.sh"
    here = str(town.directory)
    until = min(until, time.monotonic() + KILLING_S)
    while time.monotonic() < until:
        for pid, words, where in processes():
            if script in words and where.startswith(here) and chance.random() < 0.5:
                kill(pid)
                kills += 1
        time.sleep(0.5)
    return f"killed {kills} processes of tasks"


def _kill_supervisor(town: Town, targets: Sequence[str], until: float, chance: Random) -> str:
    """An agent with all its tasks."""
    for name in targets:
        pid = town.supervisor_of(name)
        if pid is not None:
            kill(pid)
        town.signal(name, signal.SIGKILL)
    return "with its tasks"


def _remove(town: Town, targets: Sequence[str], until: float, chance: Random) -> str:
    for name in targets:
        town.remove(name)
    return "for good"


ACTS: Final[Mapping[str, Act[Town]]] = {
    "kill": _kill,
    "flap": _flap,
    "storm": _storm,
    "pause": _pause,
    "roll": _roll,
    "fill": _fill,
    "kill tasks": _kill_tasks,
    "kill supervisor": _kill_supervisor,
    "remove": _remove,
}
