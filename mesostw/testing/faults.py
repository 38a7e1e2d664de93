"""What goes wrong in a simulation: a seeded sequence of faults, until it is calm again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from mesostw.testing.lives import Life
from mesostw.testing.masters import ICluster, OneMaster

#: Seconds between two faults on average, one of these by the seed.
FAULT_GAPS_S: Final = (1.0, 2.0, 2.0, 8.0)
#: How long a process stays dead, or a network cut, at most: one of these by the seed.
OUTAGES_S_MAX: Final = (3.0, 20.0, 20.0, 150.0)
#: How long a deposed master lives on, at most.
REIGN_S_MAX: Final = 20.0
#: How often something goes wrong right after something was said or done (one by the seed),
#: and how soon.
AMBUSH_CHANCES: Final = (0.0, 0.03, 0.06, 0.06, 0.15)
AMBUSHES_S: Final = (0.002, 0.02, 0.3)
#: How long a chunk is under way at first, one by the seed.
DELAYS_S: Final = ((0.0002, 0.002), (0.0002, 0.002), (0.0002, 0.002), (0.01, 0.5))
#: How late an end may notice that its connection is broken.
NOTICE_S_MAX: Final = 30.0


class Weather:
    """
    Makes faults happen to a cluster.

    Each has a weight, so that what brings most trouble does not drown the rest.  Seeds
    differ in temper too: some are full of short trouble, some have little that lasts long.
    """

    def __init__(self, cluster: ICluster, random: Random) -> None:
        self._cluster = cluster
        self._random = random
        self._calm = False
        self._gap_s = random.choice(FAULT_GAPS_S)
        self._outage_s_max = random.choice(OUTAGES_S_MAX)
        self._ambush_chance = random.choice(AMBUSH_CHANCES)
        self.happened: Counter[str] = Counter()
        self._failing: list[Life] = []
        self._kinds: Sequence[tuple[int, Callable[[], str]]] = (
            *self.of_masters(),
            (4, self._crash_agent),
            (1, self._lose_machine),
            (1, self._lose_supervisor),
            (4, self._crash_framework),
            (5, self._break_link),
            (3, self._part),
            (2, self._cut_one_way),
            (3, self._pause),
            (1, self._fail_disk),
            (1, self._duplicate),
            (1, self._slow),
        )

    def of_masters(self) -> Sequence[tuple[int, Callable[[], str]]]:
        """What happens to masters, and how often beside the rest."""
        raise NotImplementedError

    def begin(self) -> None:
        """Let the first fault come."""
        self._cluster.around.watchers.append(self._lurk)
        network = self._cluster.around.network
        network.duplicates = self._random.choice((0.0, 0.0, 0.05))
        network.delay_s = self._random.choice(DELAYS_S)
        self._wait()

    def _wait(self) -> None:
        gap_s = self._random.expovariate(1 / self._gap_s)
        self._cluster.around.clock.callLater(gap_s, self._strike)

    def end(self) -> None:
        """Nothing more goes wrong, and all that did is mended."""
        self._calm = True
        network = self._cluster.around.network
        self._heal()
        network.duplicates = 0.0
        network.delay_s = (0.0002, 0.002)
        for life in self._cluster.lives():
            self._wake(life)
        # Who has not written since its disk is full would die of it much later.
        for life in self._failing:
            life.crash()
        self._cluster.start_all()

    def _wake(self, life: Life) -> None:
        """Have a process go on that may stand still."""
        if life.clock.paused:
            life.clock.resume()

    def _lurk(self, host: str) -> None:
        """Have something happen while ``host`` is in the middle of something, now and then."""
        if not self._calm and self._random.uniform(0, 1) < self._ambush_chance:
            late_s = self._random.uniform(0, self._random.choice(AMBUSHES_S))
            self._cluster.around.clock.callLater(late_s, self._unless_calm, self._ambush, host)

    def _ambush(self, host: str) -> None:
        self.happened["ambush"] += 1
        cluster = self._cluster
        found = [life for life in cluster.lives() if life.host == host]
        victim: Life = self._random.choice([*found, *found, cluster.leader, *cluster.daemons()])
        if self._random.uniform(0, 1) < 0.3:
            between = [
                one for one in cluster.around.network.connections if victim.host in one.hosts
            ]
            for connection in between:
                connection.cut((self._outage_s(), 0.0))
            cluster.around.tell("AMBUSH of the links of {}", victim.host)
        else:
            victim.crash()
            back_s = self._later(cluster.start_dead)
            cluster.around.tell("AMBUSH of {}, back after {:.1f} s", victim.host, back_s)

    def _strike(self) -> None:
        if self._calm:
            return
        weights = [weight for weight, _ in self._kinds]
        _, kind = self._random.choices(self._kinds, weights)[0]
        name = kind.__name__.strip("_")
        self.happened[name] += 1
        self._cluster.around.tell("FAULT {}: {}", name, kind())
        self._wait()

    def _outage_s(self) -> float:
        return self._random.choice((0.0, 0.3, 2.0, self._outage_s_max)) * self._random.uniform(0, 1)

    def _later(self, call: Callable[[], object]) -> float:
        late_s = self._outage_s()
        self._cluster.around.clock.callLater(late_s, self._unless_calm, call)
        return late_s

    def _unless_calm(self, call: Callable[..., object], *arguments: object) -> None:
        if not self._calm:
            call(*arguments)

    # --- processes --------------------------------------------------------------

    def _crash_agent(self) -> str:
        machine = self._random.choice(self._cluster.machines)
        if machine.life is not None:
            machine.life.crash()
        return f"{machine.name}, back after {self._later(self._cluster.start_dead):.1f} s"

    def _lose_machine(self) -> str:
        machine = self._random.choice(self._cluster.machines)
        machine.go_down()
        return f"{machine.name}, back after {self._later(self._cluster.start_dead):.1f} s"

    def _lose_supervisor(self) -> str:
        machine = self._random.choice(self._cluster.machines)
        machine.containers.lose_supervisor()
        return machine.name

    def _crash_framework(self) -> str:
        program = self._random.choice(self._cluster.programs)
        if program.life is not None:
            program.life.crash()
        return f"{program.name}, back after {self._later(self._cluster.start_dead):.1f} s"

    def _pause(self) -> str:
        lives = self._cluster.lives()
        if not lives:
            return "nobody"
        life = self._random.choice(lives)
        life.clock.paused = True
        late_s = self._later(life.clock.resume)
        return f"{life.host} for {late_s:.1f} s"

    def _fail_disk(self) -> str:
        life = self._random.choice(self._cluster.daemons())
        life.store.fail_from_now("no space left on device")
        self._failing.append(life)
        return f"{life.host}, back after {self._later(self._cluster.start_dead):.1f} s or later"

    # --- the network --------------------------------------------------------------

    def _break_link(self) -> str:
        broken = self._cluster.around.network.break_one(NOTICE_S_MAX)
        return "none" if broken is None else " to ".join(broken.hosts)

    def _cut(self, *ways: tuple[str, str]) -> None:
        """Let nothing through from one host to another, for each of these."""
        for source, target in ways:
            self._cluster.around.network.cut_off(source, target)

    def _heal(self) -> None:
        """Let everything through again."""
        self._cluster.around.network.heal()

    def _part(self) -> str:
        one = self._random.choice(self._cluster.clients())
        master = self._cluster.leader.host
        self._cut((one, master), (master, one))
        return f"{one} from {master}, for {self._later(self._heal):.1f} s"

    def _cut_one_way(self) -> str:
        ends = [self._random.choice(self._cluster.clients()), self._cluster.leader.host]
        self._random.shuffle(ends)
        self._cut((ends[0], ends[1]))
        return f"{ends[0]} to {ends[1]}, for {self._later(self._heal):.1f} s"

    def _duplicate(self) -> str:
        network = self._cluster.around.network
        network.duplicates = self._random.choice((0.0, 0.05, 0.3))
        return f"{network.duplicates}"

    def _slow(self) -> str:
        network = self._cluster.around.network
        network.delay_s = self._random.choice(((0.0002, 0.002), (0.01, 0.5), (0.0, 0.0)))
        return f"{network.delay_s}"


class LoneWeather(Weather):
    """Trouble of a cluster whose masters follow one another."""

    def __init__(self, cluster: ICluster, masters: OneMaster, random: Random) -> None:
        self._masters = masters
        super().__init__(cluster, random)

    def of_masters(self) -> Sequence[tuple[int, Callable[[], str]]]:
        return ((3, self._crash_master), (2, self._depose_master))

    def _crash_master(self) -> str:
        self._cluster.leader.crash(silent=self._random.uniform(0, 1) < 0.2)
        return f"back after {self._later(self._masters.start):.1f} s"

    def _depose_master(self) -> str:
        """Another master starts while the old one believes that it leads."""
        old = self._cluster.leader
        self._masters.start()
        late_s = self._random.uniform(0, REIGN_S_MAX)
        self._cluster.around.clock.callLater(late_s, old.crash)
        return f"{old.host} lives on for at most {late_s:.1f} s"
