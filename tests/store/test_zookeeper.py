"""The store in ZooKeeper keeps the contract, over links that break and beside writers that stop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from math import ceil
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mesostw.interfaces import Deposed, IStore, IZooSession, Stored, StoreFailed
from mesostw.model.zookeeper import Check, ConnectionLost, Delete, Operation
from mesostw.store import ledger
from mesostw.store.zklog import MORE
from mesostw.store.zookeeper import PART_BYTES_MAX, ZooKeeperStore
from mesostw.testing.contracts import store
from tests.testing.test_zookeeper import MemoryWorld

ROOT = "/mesos/registry"
PATIENCE_S = 60.0


class Interrupted:
    """A session whose first removal is done, unanswered, and followed by something else."""

    def __init__(self, session: IZooSession, then: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._session, self._then = session, then
        self._interrupted = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def delete(self, path: str) -> Deferred[Any]:
        """Remove one."""
        return self._once(lambda: self._session.delete(path))

    def multi(self, operations: Sequence[Operation]) -> Deferred[Any]:
        """Do something that may remove one."""
        if not any(isinstance(one, Delete) for one in operations):
            return self._session.multi(operations)
        return self._once(lambda: self._session.multi(operations))

    def _once(self, ask: Callable[[], Deferred[Any]]) -> Deferred[Any]:
        return Deferred.fromCoroutine(self._asked(ask))

    async def _asked(self, ask: Callable[[], Deferred[Any]]) -> Any:
        answer = await ask()
        if self._interrupted:
            return answer
        self._interrupted = True
        await self._then()
        raise ConnectionLost


class Case(SynchronousTestCase):
    """An ensemble in memory, and sessions over links of their own."""

    def setUp(self) -> None:
        self.world = MemoryWorld()
        self.sessions = 0

    def settled(self, deferred: Deferred[Any]) -> Deferred[Any]:
        """``deferred`` once it has fired, or nothing will fire it."""
        self.world.pass_time(deferred, PATIENCE_S)
        return deferred

    def session(self) -> IZooSession:
        """A session over link ``link-N``."""
        self.sessions += 1
        connecting = self.world.ensemble(f"link-{self.sessions}").connect(lambda _state: None)
        session: IZooSession = self.successResultOf(self.settled(connecting))
        return session

    def made(self) -> ZooKeeperStore:
        """A store over a new session."""
        return self.store_of(self.session())

    def store_of(self, session: IZooSession) -> ZooKeeperStore:
        """A store in a session."""
        made = ZooKeeperStore(ROOT, self.world.clock)
        made.use(session)
        return made

    def kept(self) -> dict[str, bytes]:
        """What whoever comes next finds."""
        stored: Stored = self.successResultOf(self.settled(self.made().read()))
        return dict(stored.records)


class ZooKeeperStoreTests(Case, store.StoreContract):
    """The contract."""

    def make(self) -> IStore:
        return self.made()


class LinkTests(Case):
    """Links break at any moment; nothing is lost, doubled or out of order."""

    def test_breaking_again_and_again(self) -> None:
        """Whatever breaks whenever, all appends fire in order and everything is kept."""
        for seed in range(20):
            with self.subTest(seed=seed):
                self.setUp()
                self._survive(Random(seed))

    def _survive(self, random: Random) -> None:
        one = self.made()
        stored: Stored = self.successResultOf(self.settled(one.read()))
        fired: list[int] = []
        expected: dict[str, bytes] = {}
        for number in range(200):
            key, value = f"k{random.randrange(30)}", str(number).encode() * 20
            removed = random.random() < 0.2
            if removed:
                expected.pop(key, None)
            else:
                expected[key] = value
            writes = [(key, None if removed else value), ("last", str(number).encode())]
            store.note(one.append(writes, stored.epoch), fired, number)
            if random.random() < 0.1:
                if random.random() < 0.5:
                    self.world.lose_answers("link-1")
                self.world.pass_time(None, random.uniform(0, 0.01))
                self.world.cut("link-1")
            self.world.pass_time(None, random.uniform(0, 0.02))
        self.successResultOf(self.settled(one.close()))
        self.assertEqual(fired, list(range(200)))
        self.assertEqual(self.kept(), {**expected, "last": b"199"})

    def test_a_session_that_ends(self) -> None:
        """Whoever has lost its session keeps nothing more, and is told so."""
        session = self.session()
        one = self.store_of(session)
        stored: Stored = self.successResultOf(self.settled(one.read()))
        self.world.servers.expire(session.session_id)
        appended = self.settled(one.append([("k", b"1")], stored.epoch))
        self.failureResultOf(appended, StoreFailed)
        self.failureResultOf(one.append([("k", b"2")], stored.epoch), StoreFailed)
        self.assertEqual(self.kept(), {})


class WriterTests(Case):
    """Only the newest writer writes."""

    def test_a_paused_writer(self) -> None:
        """What a writer had sent before it stopped lands nowhere once another has read."""
        old = self.made()
        stored: Stored = self.successResultOf(self.settled(old.read()))
        self.world.silence("link-1", silent=True)
        late = [old.append([(f"k{number}", b"old")], stored.epoch) for number in range(3)]
        new = self.made()
        after: Stored = self.successResultOf(self.settled(new.read()))
        self.successResultOf(self.settled(new.append([("k0", b"new")], after.epoch)))
        self.world.silence("link-1", silent=False)
        for one in late:
            self.failureResultOf(self.settled(one), Deposed)
        self.assertEqual(self.kept(), {"k0": b"new"})

    def test_without_standing(self) -> None:
        """Who has lost its place before it takes the store over does not, and changes nothing."""
        old = self.made()
        stored: Stored = self.successResultOf(self.settled(old.read()))
        session, place = self.session(), "/place"
        late = ZooKeeperStore(ROOT, self.world.clock)
        late.use(session, standing=(Check(place),))
        self.failureResultOf(self.settled(late.read()), Deposed)
        self.successResultOf(self.settled(old.append([("k", b"old")], stored.epoch)))
        self.successResultOf(self.settled(session.create(place)))
        after: Stored = self.successResultOf(self.settled(late.read()))
        self.assertEqual(dict(after.records), {"k": b"old"})
        self.failureResultOf(self.settled(old.append([("k", b"1")], stored.epoch)), Deposed)

    def test_is_told_at_once(self) -> None:
        """Whoever has nothing to write learns too that another took over, also after a break."""
        for breaks in (False, True):
            with self.subTest(breaks=breaks):
                self.world, self.sessions = MemoryWorld(), 0
                told: list[str] = []
                old = ZooKeeperStore(ROOT, self.world.clock)
                old.use(self.session(), told.append)
                stored: Stored = self.successResultOf(self.settled(old.read()))
                if breaks:
                    self.world.cut("link-1")
                    self.world.pass_time(None, 2)
                self.assertEqual(told, [])
                self.kept()
                self.world.pass_time(None, 1)
                self.assertEqual(len(told), 1)
                self.failureResultOf(old.append([("k", b"old")], stored.epoch), Deposed)

    def test_what_an_older_reader_removes_late(self) -> None:
        """Of a reader that was followed while it tidied up nothing lands, however late it asks."""
        session = self.session()
        for path in ("/mesos", ROOT, f"{ROOT}/log"):
            self.successResultOf(self.settled(session.create(path)))
        # Of a group that a writer before all of them has not finished.
        self.successResultOf(self.settled(session.create(f"{ROOT}/log/0000000000", MORE)))
        new = self.made()

        async def followed() -> None:
            stored = await new.read()
            await new.append([("k", b"new")], stored.epoch)

        # It is a session by what it hands on, which no checker of types can see.
        old = self.store_of(Interrupted(session, followed))  # type: ignore[arg-type]
        reading = self.settled(old.read())
        self.assertEqual(self.kept(), {"k": b"new"})
        self.failureResultOf(reading, Deposed)

    def test_a_writer_that_ends_within_a_group(self) -> None:
        """Of a group that is larger than a node, all is there or nothing."""
        big = {f"k{number}": bytes([number]) * 300_000 for number in range(5)}
        parts, partly = ceil(sum(map(len, big.values())) / PART_BYTES_MAX + 0.01), 0
        for seed in range(20):
            self.world = MemoryWorld(seed)
            self.sessions = 0
            old = self.made()
            stored: Stored = self.successResultOf(self.settled(old.read()))
            appended = old.append(list(big.items()), stored.epoch)
            while not self._log():
                self.world.pass_time(None, 0.0001)
            self.world.silence("link-1", silent=True)
            is_whole = len(self._log()) == parts
            self.assertEqual(self.kept(), big if is_whole else {})
            self.assertEqual(len(self._log()), parts if is_whole else 0)
            self.world.silence("link-1", silent=False)
            if not is_whole:
                partly += 1
                self.failureResultOf(self.settled(appended), Deposed)
        self.assertGreater(partly, 0)

    def _log(self) -> list[str]:
        return [one for one in self.world.servers.tree.nodes if one.startswith(f"{ROOT}/log/")]


class CleaningTests(Case):
    """The log does not grow with time."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(ledger, "SLACK_BYTES", 2_000)
        self.patch(ledger, "NODES_MAX", 20)

    def test_bounded(self) -> None:
        """After many changes of few keys there are few nodes, and the last values."""
        one = self.made()
        stored: Stored = self.successResultOf(self.settled(one.read()))
        old = [(f"old{number}", b"o" * 100) for number in range(20)]
        self.successResultOf(self.settled(one.append(old, stored.epoch)))
        for number in range(300):
            writes = [(f"k{number % 7}", str(number).encode() * 10), (f"gone{number}", b"x")]
            if number:
                writes.append((f"gone{number - 1}", None))  # type: ignore[arg-type]
            self.successResultOf(self.settled(one.append(writes, stored.epoch)))
            nodes = self.world.servers.tree.nodes
            self.assertLess(sum(f"{ROOT}/log/" in path for path in nodes), 30)
        kept = self.kept()
        self.assertEqual(len(kept), 28)
        self.assertEqual(kept["k5"], b"299" * 10 if 299 % 7 == 5 else kept["k5"])
        self.assertEqual({key: kept[key] for key, _ in old}, dict(old))

    def test_unreadable(self) -> None:
        """What cannot be read is set aside for a person; the rest is there."""
        one = self.made()
        stored: Stored = self.successResultOf(self.settled(one.read()))
        for number in range(3):
            self.successResultOf(self.settled(one.append([(f"k{number}", b"v")], stored.epoch)))
        session = self.session()
        writing = session.set(f"{ROOT}/log/0000000001", b"\0nonsense")
        self.successResultOf(self.settled(writing))
        self.assertEqual(sorted(self.kept()), ["k0", "k2"])
        self.assertEqual(len(self.flushLoggedErrors()), 0)
        reading = session.get(f"{ROOT}/quarantine/0000000001-2")
        self.assertEqual(self.successResultOf(self.settled(reading))[0], b"\0nonsense")
