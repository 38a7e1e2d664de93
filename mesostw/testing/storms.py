"""What goes wrong where several masters are: their sessions, their hosts' network, their time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from mesostw.testing.faults import Weather
from mesostw.testing.lives import WALL_ERRORS_S, Life
from mesostw.testing.masters import ICluster
from mesostw.testing.reigns import AWAKE_S
from mesostw.testing.several import ROOT, SESSION_S, Candidate, SeveralMasters
from mesostw.testing.zookeeper.ensemble import Fault

#: How long a master stands still: less than its session lasts, and more.
STANDS_S: Final = (0.3 * SESSION_S, 1.2 * SESSION_S, 3 * SESSION_S)
#: Times that a flapping network goes and comes back, and for how long each.
FLAPS: Final = (3, 12)
FLAP_S: Final = (0.1, 2.5)
#: When agents look for a master again while two believe to lead.
SCATTERED_S: Final = (0.3, 1.5)
#: How long a message to or from an ensemble takes, one by the seed.
ENSEMBLE_DELAYS_S: Final = ((0.0001, 0.001), (0.0001, 0.001), (0.005, 0.1))


class SeveralWeather(Weather):
    """Trouble of a cluster that has several masters."""

    def __init__(self, cluster: ICluster, masters: SeveralMasters, random: Random) -> None:
        self._masters = masters
        super().__init__(cluster, random)

    def of_masters(self) -> Sequence[tuple[int, Callable[[], str]]]:
        return (
            (3, self._crash_master),
            (1, self._stop_master),
            (4, self._stand_still),
            (3, self._halve),
            (2, self._halve_one_way),
            (2, self._bridge),
            (2, self._flap),
            (2, self._silence),
            (1, self._stop_ensemble),
            (2, self._expire),
            (3, self._usurp),
            (3, self._lose_answer),
            (2, self._break_session),
            (1, self._set_clock),
        )

    def begin(self) -> None:
        self._masters.ensemble.delays_s = self._random.choice(ENSEMBLE_DELAYS_S)
        super().begin()

    def end(self) -> None:
        self._masters.ensemble.delays_s = ENSEMBLE_DELAYS_S[0]
        self._masters.quorum.down = False
        self._masters.quorum.silenced.clear()
        self._masters.quorum.deaf.clear()
        super().end()

    # --- masters ------------------------------------------------------------------------

    def _any_master(self) -> Candidate | None:
        """Mostly who leads."""
        living = self._masters.living()
        leader = self._masters.leader
        if not living or (leader.alive and self._random.uniform(0, 1) < 0.7):
            return leader if leader.alive else None
        found = self._random.choice(living)
        assert isinstance(found, Candidate)
        return found

    def _crash_master(self) -> str:
        master = self._any_master()
        if master is None:
            return "nobody"
        master.crash(silent=self._random.uniform(0, 1) < 0.2)
        return f"{master.host}, back after {self._later(self._cluster.start_dead):.1f} s"

    def _stop_master(self) -> str:
        master = self._any_master()
        if master is None or master.clock.paused:
            return "nobody"
        master.stop()
        return f"{master.host}, back after {self._later(self._cluster.start_dead):.1f} s"

    def _stand_still(self) -> str:
        """It does nothing, hears nothing, and does not know that time goes by."""
        master = self._any_master()
        if master is None or master.clock.paused:
            return "nobody"
        return f"{master.host} for {self._stop_short(master):.1f} s"

    def _stop_short(self, master: Candidate) -> float:
        """Have a master stand still; for how many seconds."""
        master.stand_still()
        late_s = self._random.choice(STANDS_S) * self._random.uniform(0.8, 1.2)
        self._cluster.around.clock.callLater(late_s, self._wake, master)
        return late_s

    def _ambush(self, host: str) -> None:
        """A master that is in the middle of something may stand still there as well."""
        found = [one for one in self._masters.living() if one.host == host]
        if not found or found[0].clock.paused or self._random.uniform(0, 1) < 0.7:
            super()._ambush(host)
            return
        assert isinstance(found[0], Candidate)
        self.happened["ambush"] += 1
        late_s = self._stop_short(found[0])
        self._cluster.around.tell("AMBUSH: {} stands still for {:.1f} s", host, late_s)

    def _wake(self, life: Life) -> None:
        if isinstance(life, Candidate):
            self._masters.reigns.excuse(life, AWAKE_S)
            life.go_on(self._random.choice((0.0, 0.0, 0.01)))
            self._masters.look_at_memories()
        else:
            super()._wake(life)

    def _pause(self) -> str:
        lives = [one for one in self._cluster.lives() if not isinstance(one, Candidate)]
        if not lives:
            return "nobody"
        life = self._random.choice(lives)
        life.clock.paused = True
        return f"{life.host} for {self._later(life.clock.resume):.1f} s"

    def _set_clock(self) -> str:
        lives = self._cluster.lives()
        for life in lives:
            life.clock.wall_error_s = self._random.choice(WALL_ERRORS_S)
        return f"of {len(lives)} processes"

    # --- the ensemble ---------------------------------------------------------------------

    def _silence(self) -> str:
        """One host's link to the ensemble, and only that."""
        master = self._any_master()
        if master is None:
            return "nobody"
        outage_s = self._outage_s()
        self._shut(self._masters.quorum.silenced, master.host, outage_s)
        return f"{master.host} for {outage_s:.1f} s"

    def _shut(self, hosts: dict[str, None], host: str, for_s: float) -> None:
        """Put a host among those that the ensemble has no link with, for some time."""
        quorum = self._masters.quorum
        hosts[host] = None
        quorum.weigh()

        def let_in() -> None:
            hosts.pop(host, None)
            quorum.weigh()

        self._cluster.around.clock.callLater(for_s, let_in)

    def _stop_ensemble(self) -> str:
        quorum = self._masters.quorum
        quorum.down = True
        quorum.weigh()

        def start() -> None:
            quorum.down = False
            quorum.weigh()

        return f"for {self._later(start):.1f} s"

    def _expire(self) -> str:
        """The ensemble ends a session before its time, as an operator can have it do."""
        master = self._any_master()
        if master is None or master.session is None:
            return "nobody's"
        self._masters.reigns.robbed(master, SESSION_S)
        self._masters.ensemble.expire(master.session.session_id)
        return master.host

    def _usurp(self) -> str:
        """
        Somebody removes the first node, and its master does not hear of it at once.

        That is the leader, or one that was just elected.

        Its session lives, so only the epoch stands between its writes and those of the next.
        """
        name, master = self._masters.first()
        if master is None:
            return "nobody"
        self._masters.reigns.robbed(master, 2 * SESSION_S)
        if deaf := self._random.uniform(0, 1) < 0.7:
            self._shut(
                self._masters.quorum.deaf, master.host, self._random.uniform(0.5, 1.0) * SESSION_S
            )
        self._masters.ensemble.remove(f"{ROOT}/{name}")
        late_s = self._random.uniform(0.0, 1.5)
        if self._random.uniform(0, 1) < 0.5 and master.epoch:
            # It does not say anything before it has kept that.
            self._cluster.around.clock.callLater(late_s, self._masters.operator.ask, master)
        else:
            # Twice: to find the next master, and then perhaps the old one again.
            for machine in 2 * list(self._cluster.machines):
                late_s = self._random.uniform(*SCATTERED_S)
                self._cluster.around.clock.callLater(late_s, self._scatter, machine.name)
        return f"{master.host}, {'deaf' if deaf else 'hearing'}"

    def _scatter(self, host: str) -> None:
        """Break a host's links, so that it looks for a master again."""
        for connection in self._cluster.around.network.connections:
            if host in connection.hosts:
                connection.cut()

    def _lose_answer(self) -> str:
        """The link breaks at the next change, before it is done or before that is said."""
        master = self._any_master()
        if master is None:
            return "nobody's"
        fault = self._random.choice((Fault.BEFORE, Fault.AFTER, Fault.AFTER))
        self._masters.ensemble.weather(master.host).next_fault = fault
        return f"{master.host}: {fault}"

    def _break_session(self) -> str:
        host = self._random.choice([*self._masters.hosts, *self._cluster.clients()])
        self._masters.ensemble.cut(host)
        return f"of {host}"

    # --- the network ------------------------------------------------------------------------

    def _cut(self, *ways: tuple[str, str]) -> None:
        super()._cut(*ways)
        self._masters.quorum.weigh()

    def _heal(self) -> None:
        super()._heal()
        self._masters.quorum.weigh()

    def _halves(self) -> tuple[list[str], list[str]]:
        """Every host in one of two groups."""
        hosts = [*self._masters.hosts, *self._cluster.clients()]
        self._random.shuffle(hosts)
        at = self._random.randint(1, len(hosts) - 1)
        return hosts[:at], hosts[at:]

    def _apart(self, one: Sequence[str], other: Sequence[str]) -> None:
        self._cut(*((a, b) for a in one for b in other), *((b, a) for a in one for b in other))

    def _halve(self) -> str:
        one, other = self._halves()
        self._apart(one, other)
        return f"{one} from {other}, for {self._later(self._heal):.1f} s"

    def _halve_one_way(self) -> str:
        one, other = self._halves()
        self._cut(*((a, b) for a in one for b in other))
        return f"{one} to {other}, for {self._later(self._heal):.1f} s"

    def _bridge(self) -> str:
        """Only one host sees both halves."""
        one, other = self._halves()
        bridge = (one if len(one) > 1 else other).pop()
        self._apart(one, other)
        return f"{one} from {other} but for {bridge}, for {self._later(self._heal):.1f} s"

    def _flap(self) -> str:
        """The network between two halves goes and comes back, again and again."""
        one, other = self._halves()
        times = self._random.randint(*FLAPS)
        at_s = 0.0
        for number in range(2 * times):
            self._cluster.around.clock.callLater(
                at_s,
                self._unless_calm,
                *((self._heal,) if number % 2 else (self._apart, one, other)),
            )
            at_s += self._random.uniform(*FLAP_S)
        return f"{one} from {other}, {times} times within {at_s:.1f} s"
