"""What :class:`~mesostw.interfaces.IZooSession` promises in any weather, by a seed."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from mesostw.interfaces import IZooSession
from mesostw.model.zookeeper import (
    ConnectionLost,
    NotConnected,
    SessionExpired,
    SessionState,
    Watched,
)
from mesostw.testing.contracts.zookeeper import (
    CONNECTED,
    EXPIRED,
    SUSPENDED,
    ContractCase,
    World,
)

#: Steps of one storm, and how long each lasts.
STEPS: Final = 120
STEP_S: Final = 0.02
LINKS: Final = ("a", "b", "c")


class Sailor:
    """One session in a storm, and all that it was told."""

    def __init__(self, name: str, session: IZooSession) -> None:
        self.name = name
        self.session = session
        self.states: list[SessionState] = []
        self.asked = 0
        #: The numbers of what was asked, in the order it was answered.
        self.fired: list[int] = []
        #: What was to be made, and what became of that.
        self.made: dict[str, str] = {}
        self.watches_set: set[int] = set()
        self.watches_told: Counter[int] = Counter()

    def create(self) -> None:
        """Make a node that nobody else makes."""
        number = self._next()
        path = f"/storm/{self.name}-{number:04d}"
        self.made[path] = ""
        _ = self.session.create(path).addBoth(self._answered, number, path)

    def watch(self, random: Random) -> None:
        """Watch something that changes, or not."""
        number = self._next()

        def told(_: Watched) -> None:
            self.watches_told[number] += 1

        def read(result: object) -> object:
            if not isinstance(result, Failure):
                self.watches_set.add(number)
            return result

        if random.random() < 0.5:
            asked: Deferred[Any] = self.session.children("/storm", told)
        else:
            asked = self.session.exists(f"/storm/{self.name}-{number + 1:04d}", told)
        _ = asked.addBoth(read).addBoth(self._answered, number, "")

    def _next(self) -> int:
        self.asked += 1
        return self.asked

    def _answered(self, result: object, number: int, path: str) -> None:
        self.fired.append(number)
        if path:
            failed = isinstance(result, Failure)
            self.made[path] = result.type.__name__ if failed else "done"  # type: ignore[attr-defined]


class StormContract(ContractCase):
    """Mixed into a case that has ``new_world`` and ``seeds``."""

    seeds: range

    def new_world(self, seed: int) -> World:
        """An ensemble that nobody has used."""
        raise NotImplementedError

    def test_storm(self) -> None:
        """
        In any weather answers keep their order and tell the truth.

        What succeeded was done, what failed as not sent was not, in the order of asking;
        each watch that was set is told once; states follow each other as they must.
        """
        for seed in self.seeds:
            self.world = self.new_world(seed)
            sailors, observer = self._weather(Random(seed))
            for sailor in sailors:
                self._check(sailor, observer, f"seed {seed}, {sailor.name}")
            self.result(observer.close())

    def _weather(self, random: Random) -> tuple[list[Sailor], IZooSession]:
        first = self.result(self.world.ensemble("calm").connect(lambda _: None))
        self.result(first.create("/storm"))
        self.result(first.close())
        sailors = [self._sail(f"{link}1", link) for link in LINKS]
        at_sea = dict(zip(LINKS, sailors, strict=True))
        for step in range(STEPS):
            link = random.choice(LINKS)
            sailor = at_sea[link]
            if sailor.session.state is EXPIRED and random.random() < 0.2:
                self._calm(link)
                at_sea[link] = sailor = self._sail(f"{link}{step}-", link)
                sailors.append(sailor)
            for _ in range(random.randrange(4)):
                if random.random() < 0.3:
                    sailor.watch(random)
                else:
                    sailor.create()
            self._blow(random, link, sailor)
            self.world.pass_time(None, random.uniform(0, 2 * STEP_S))
        for link in LINKS:
            self._calm(link)
        for sailor in sailors:
            self.until(lambda one=sailor: one.session.state is not SUSPENDED)
            self.until(lambda one=sailor: len(one.fired) == one.asked)
            self.result(sailor.session.close())
        return sailors, self.result(self.world.ensemble("calm").connect(lambda _: None))

    def _sail(self, name: str, link: str) -> Sailor:
        states: list[SessionState] = []
        ensemble = self.world.ensemble(link, timeout_s=1.5)
        sailor = Sailor(name, self.result(ensemble.connect(states.append)))
        sailor.states = states
        return sailor

    def _blow(self, random: Random, link: str, sailor: Sailor) -> None:
        """Perhaps something happens to a link."""
        match random.randrange(16):
            case 0 | 1:
                self.world.cut(link)
            case 2:
                self.world.lose_answers(link)
            case 3:
                self.world.silence(link, True)
            case 4:
                self.world.refuse(link, True)
                self.world.cut(link)
            case 5 | 6 | 7:
                self._calm(link)
            case 8 if sailor.session.state is CONNECTED and random.random() < 0.3:
                self._calm(link)
                self.until(lambda: sailor.session.state is not SUSPENDED)
                if sailor.session.state is CONNECTED:
                    self.world.expire(sailor.session)
            case _:
                pass

    def _calm(self, link: str) -> None:
        self.world.cut(link)
        self.world.silence(link, False)
        self.world.refuse(link, False)

    def _check(self, sailor: Sailor, observer: IZooSession, where: str) -> None:
        self.assertEqual(sailor.fired, list(range(1, sailor.asked + 1)), where)
        names = set(self.result(observer.children("/storm"))[0])
        zxids = []
        for path, outcome in sailor.made.items():
            there = path.removeprefix("/storm/") in names
            if outcome == "done":
                self.assertTrue(there, f"{where}: {path} was made")
            elif outcome in {NotConnected.__name__, SessionExpired.__name__}:
                self.assertFalse(there, f"{where}: {path} was not made")
            else:
                self.assertEqual(outcome, ConnectionLost.__name__, f"{where}: {path}")
            if there:
                stat = self.result(observer.exists(path))
                assert stat is not None
                zxids.append(stat.czxid)
        self.assertEqual(zxids, sorted(zxids), f"{where}: in the order they were asked for")
        told = {number for number, times in sailor.watches_told.items() if times == 1}
        self.assertEqual(told, sailor.watches_set, f"{where}: each watch once")
        self.assertEqual(set(sailor.watches_told.values()) - {1}, set(), where)
        self._check_states(sailor.states, where)

    def _check_states(self, states: list[SessionState], where: str) -> None:
        expected = CONNECTED
        for number, state in enumerate(states):
            if state is EXPIRED:
                self.assertEqual(number, len(states) - 1, f"{where}: {states}")
            else:
                expected = SUSPENDED if expected is CONNECTED else CONNECTED
                self.assertEqual(state, expected, f"{where}: {states}")
