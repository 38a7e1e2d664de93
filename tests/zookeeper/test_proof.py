"""For how long a leader may tell what it knows."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mesostw.model.zookeeper import ConnectionLost, NoNode, SessionExpired
from mesostw.zookeeper.proof import Proof

TIMEOUT_S = 6.0


class Steady(Clock):
    """A clock that can also tell the date."""

    def wall(self) -> float:
        """Nobody asks."""
        raise NotImplementedError


class ProofTests(SynchronousTestCase):
    """It is asked for every second, and holds for four."""

    def setUp(self) -> None:
        self.clock = Steady()
        self.asked: list[Deferred[object]] = []
        self.proof = Proof(self.clock, self.ask, TIMEOUT_S)

    def ask(self) -> Deferred[object]:
        """Wait for an answer."""
        self.asked.append(Deferred())
        return self.asked[-1]

    def answer(self) -> None:
        """It is so."""
        self.asked[-1].callback(())

    def test_before_an_answer(self) -> None:
        """Nothing is proved by asking."""
        self.assertFalse(self.proof.holds())
        self.proof.renew()
        self.assertFalse(self.proof.holds())
        self.answer()
        self.assertTrue(self.proof.holds())

    def test_counts_from_the_question(self) -> None:
        """An answer that took long, or waited for us, proves as little as is left."""
        self.proof.renew()
        self.clock.advance(3.5)
        self.answer()
        self.assertTrue(self.proof.holds())
        self.clock.pump([0.4])
        self.assertTrue(self.proof.holds())
        self.clock.rightNow += 0.2
        self.assertFalse(self.proof.holds())

    def test_an_answer_too_late(self) -> None:
        """Who stood still meanwhile finds it of no use."""
        self.proof.renew()
        self.clock.rightNow += 5.0
        self.answer()
        self.assertFalse(self.proof.holds())

    def test_goes_on(self) -> None:
        """It holds as long as answers come."""
        self.proof.renew()
        for _ in range(20):
            self.answer()
            self.clock.advance(1.0)
            self.assertTrue(self.proof.holds())
        self.assertEqual(len(self.asked), 21)
        self.clock.pump([1.0] * 4)
        self.assertFalse(self.proof.holds())

    def test_one_question_at_a_time(self) -> None:
        """Who is not answered does not ask on."""
        self.proof.renew()
        self.clock.pump([1.0] * 5)
        self.proof.renew()
        self.assertEqual(len(self.asked), 1)

    def test_a_link_that_breaks(self) -> None:
        """It takes nothing back, and is asked again."""
        self.proof.renew()
        self.answer()
        self.clock.advance(1.0)
        self.asked[-1].errback(ConnectionLost("/"))
        self.assertTrue(self.proof.holds())
        self.clock.advance(1.0)
        self.assertEqual(len(self.asked), 3)

    def test_disproved(self) -> None:
        """A session that has ended, or a node that is gone, proves the opposite."""
        for fault in (SessionExpired("/"), NoNode("/")):
            self.proof.renew()
            self.answer()
            self.clock.advance(1.0)
            self.assertTrue(self.proof.holds())
            self.asked[-1].errback(fault)
            self.assertFalse(self.proof.holds())

    def test_something_else(self) -> None:
        """What nobody expects is logged, and proves nothing."""
        self.proof.renew()
        self.asked[-1].errback(ZeroDivisionError())
        self.assertFalse(self.proof.holds())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_end(self) -> None:
        """Nothing holds after it, and nothing is asked."""
        self.proof.renew()
        self.answer()
        self.clock.advance(1.0)
        self.proof.end()
        self.assertFalse(self.proof.holds())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.proof.end()
