"""What an election promises, over any ensemble: one leads at a time, and everyone learns who."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from mesostw.interfaces import IClock, IZooSession
from mesostw.model.zookeeper import Check, NoNode
from mesostw.testing.contracts.zookeeper import World
from mesostw.zookeeper.election import MASTERS, Candidacy, Detector

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as Base
else:
    Base = object

ROOT = "/mesos"
SESSION_S = 4.0
#: What a real ensemble may take for anything.
PATIENCE_S = 20.0


class Rival:
    """A candidate with what it was told."""

    def __init__(self, world: World, clock: IClock, name: str) -> None:
        self.name = name
        self.leaders: list[bytes | None] = []
        self.session: IZooSession | None = None
        self.standing: Sequence[Check] = ()
        self.acts = False
        self.reason = ""
        ensemble = world.ensemble(name, ROOT, timeout_s=SESSION_S)
        self.candidacy = Candidacy(ensemble, clock, MASTERS, name.encode(), self)

    def leader_is(self, data: bytes | None) -> None:
        """Remember who leads."""
        self.leaders.append(data)

    def elected(self, session: IZooSession, standing: Sequence[Check]) -> None:
        """Lead."""
        self.session, self.standing, self.acts = session, standing, True

    def held(self, held: bool) -> None:
        """Stop acting, or go on."""
        self.acts = not held

    def lost(self, reason: str) -> None:
        """Lead no more."""
        self.acts, self.reason = False, reason

    def may_tell(self) -> bool:
        """Whether it takes what it knows for true."""
        return self.candidacy.is_proven()


class ElectionContract(Base):
    """Mix into a ``SynchronousTestCase`` that sets ``world`` and ``clock``."""

    world: World
    clock: IClock

    def wait(self, deferred: Deferred[Any]) -> Any:
        """What fires."""
        return self.successResultOf(self.settled(deferred))

    def settled(self, deferred: Deferred[Any]) -> Deferred[Any]:
        """``deferred`` once it has fired."""
        self.world.pass_time(deferred, PATIENCE_S)
        return deferred

    def until(self, what: Any) -> None:
        """Let time pass until ``what()``, looking that never two act or tell at once."""
        for _ in range(int(PATIENCE_S / 0.02)):
            self.assertLessEqual(sum(one.acts for one in self.rivals), 1)
            self.assertLessEqual(
                sum(one.acts or one.may_tell() for one in self.rivals), 1 + self.taken_away
            )
            if what():
                return
            self.world.pass_time(None, 0.02)
        self.fail("it never came")

    def enter(self, name: str) -> Rival:
        """One more candidate."""
        rival = Rival(self.world, self.clock, name)
        self.rivals.append(rival)
        self.wait(Deferred.fromCoroutine(rival.candidacy.start()))
        self.addCleanup(self._leave, rival)
        return rival

    def _leave(self, rival: Rival) -> None:
        self.wait(Deferred.fromCoroutine(rival.candidacy.stop()))

    def look(self, name: str) -> list[bytes | None]:
        """What a detector is told from now on."""
        told: list[bytes | None] = []
        ensemble = self.world.ensemble(name, ROOT, timeout_s=SESSION_S)
        detector = Detector(ensemble, self.clock, MASTERS, told.append)
        detector.start()
        self.addCleanup(self.world.pass_time, None, 0.1)
        self.addCleanup(detector.stop)
        return told

    rivals: list[Rival]
    #: Whether somebody's session was ended before its time.
    taken_away = False

    def test_first_come(self) -> None:
        """Who came first leads; when it leaves, the next does, and all learn of it."""
        self.rivals = []
        told = self.look("eyes")
        a, b, c = self.enter("a"), self.enter("b"), self.enter("c")
        self.until(lambda: a.acts and told and told[-1] == b"a")
        self._leave(a)
        a.acts = False
        self.until(lambda: b.acts and told[-1] == b"b")
        self.until(lambda: c.leaders[-1:] == [b"b"])
        self.assertEqual(told.count(b"a"), 1)

    def test_nobody(self) -> None:
        """When the last has left, nobody leads."""
        self.rivals = []
        told = self.look("eyes")
        a = self.enter("a")
        self.until(lambda: a.acts and told and told[-1] == b"a")
        self._leave(a)
        a.acts = False
        self.until(lambda: told[-1] is None)

    def test_standing(self) -> None:
        """What the elected write holds in their session until their node is removed."""
        self.rivals = []
        a = self.enter("a")
        self.until(lambda: a.acts)
        assert a.session is not None
        self.wait(a.session.multi(a.standing))
        (node,) = (one.path for one in a.standing)
        self.wait(a.session.delete(node))
        self.failureResultOf(self.settled(a.session.multi(a.standing)), NoNode)
        self.until(lambda: a.reason)

    def test_a_leader_that_is_cut_off(self) -> None:
        """Whoever cannot prove its session stops acting before the next may begin."""
        self.rivals = []
        a, b = self.enter("a"), self.enter("b")
        self.until(lambda: a.acts)
        self.world.silence("a", silent=True)
        self.until(lambda: not a.may_tell())
        self.assertEqual(a.reason, "")
        self.until(lambda: b.acts and b.may_tell())
        self.assertFalse(a.acts)
        self.until(lambda: a.reason)
        self.world.silence("a", silent=False)
        self.world.pass_time(None, 1.0)
        self.assertFalse(a.acts)

    def test_a_link_that_is_lost_is_no_lost_session(self) -> None:
        """A leader whose link comes back in time leads on; nobody else began."""
        self.rivals = []
        a, b = self.enter("a"), self.enter("b")
        self.until(lambda: a.acts)
        self.world.refuse("a", refused=True)
        self.world.cut("a")
        self.until(lambda: not a.acts)
        self.assertTrue(a.may_tell())
        self.world.refuse("a", refused=False)
        self.until(lambda: a.acts)
        self.world.pass_time(None, SESSION_S * 1.5)
        self.assertEqual((a.acts, b.acts, a.reason), (True, False, ""))
        self.assertEqual((a.may_tell(), b.may_tell()), (True, False))

    def test_a_session_that_ends(self) -> None:
        """Whoever's session the ensemble has ended leads no more; those who look on look on."""
        self.rivals = []
        told = self.look("eyes")
        a, b = self.enter("a"), self.enter("b")
        self.until(lambda: a.acts and told and told[-1] == b"a")
        assert a.session is not None
        # The two are told by two links, in any order; until then stores refuse the older one.
        self.world.expire(a.session)
        a.acts, self.taken_away = False, True
        self.until(lambda: b.acts and a.reason != "" and told[-1] == b"b")

    def test_a_join_without_an_answer(self) -> None:
        """A node whose name was never told is found again: there is one for each candidate."""
        self.rivals = []
        watching = self.wait(self.world.ensemble("eyes", ROOT).connect(lambda _state: None))
        self.addCleanup(lambda: self.wait(watching.close()))
        rival = Rival(self.world, self.clock, "a")
        self.rivals.append(rival)
        self.wait(Deferred.fromCoroutine(rival.candidacy._group.open()))
        joining = Deferred.fromCoroutine(rival.candidacy._group.join(b"a"))
        self.world.lose_answers("a")
        self.until(lambda: len(self.wait(watching.children("/"))[0]) == 1)
        self.world.cut("a")
        name = self.wait(joining)
        self.assertEqual(list(self.wait(watching.children("/"))[0]), [name])
        self.wait(Deferred.fromCoroutine(rival.candidacy._group.close()))

    def test_others_nodes_are_not_looked_at(self) -> None:
        """What is no candidate of ours has no part in the election."""
        self.rivals = []
        session = self.wait(self.world.ensemble("eyes", ROOT).connect(lambda _state: None))
        for name in ("/info_0000000000", "/log_replicas", "/json.info_", "/json.info_x"):
            self.wait(session.create(name))
        a = self.enter("a")
        self.until(lambda: a.acts)
        self.assertEqual(a.leaders, [b"a"])
        self.wait(session.close())

    def test_a_detector_outlives_its_session(self) -> None:
        """Cut off for longer than a session lasts, it looks again, and learns what is new."""
        self.rivals = []
        told = self.look("eyes")
        a, b = self.enter("a"), self.enter("b")
        self.until(lambda: a.acts and told and told[-1] == b"a")
        self.world.silence("eyes", silent=True)
        self._leave(a)
        a.acts = False
        self.until(lambda: b.acts)
        self.world.pass_time(None, SESSION_S * 1.5)
        self.assertEqual(told[-1], b"a")
        self.world.silence("eyes", silent=False)
        self.until(lambda: told[-1] == b"b")
