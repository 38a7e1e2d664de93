"""For how long a leader may tell what it knows."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mesostw.model.zookeeper import ConnectionLost, NoNode, SessionExpired
from mesostw.zookeeper.proof import Proof

TIMEOUT_S = 12.0


class Linked:
    """As much of a session as is looked at."""

    timeout_s = TIMEOUT_S
    dialled_at = 0.0


class ProofTests(SynchronousTestCase):
    """A session of twelve seconds: a question each second, each passed on after four."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.session = Linked()
        self.asked: list[Deferred[object]] = []
        self.proof = Proof(self.clock, self.session, self.ask)

    def ask(self) -> Deferred[object]:
        """Wait for an answer."""
        self.asked.append(Deferred())
        return self.asked[-1]

    def answer(self) -> None:
        """It is so."""
        self.asked[-1].callback(())

    def go_on(self, seconds: int) -> None:
        """Answer each question at once."""
        for _ in range(seconds):
            if not self.asked[-1].called:
                self.answer()
            self.clock.advance(1.0)

    def holds_for(self) -> float:
        """How much longer it holds if nothing more is heard."""
        now, held_s = self.clock.rightNow, 0.0
        while self.proof.holds():
            held_s += 0.5
            self.clock.rightNow = now + held_s
        self.clock.rightNow = now
        return held_s

    def test_a_new_session(self) -> None:
        """It lasts for its whole time from when its link was dialled."""
        self.clock.rightNow = 3.0
        self.assertEqual(self.holds_for(), 9.0)
        self.proof.renew()
        self.answer()
        self.assertEqual(self.holds_for(), 9.0)

    def test_goes_on(self) -> None:
        """As long as answers come half of the session's time is proved at least."""
        self.proof.renew()
        for _ in range(50):
            self.go_on(1)
            self.assertGreaterEqual(self.holds_for(), TIMEOUT_S / 2)
        self.assertEqual(len(self.asked), 51)
        self.assertLessEqual(self.holds_for(), TIMEOUT_S * 2 / 3)

    def test_a_new_link(self) -> None:
        """A server that takes a session again has asked the one that leads."""
        self.proof.renew()
        self.go_on(20)
        self.clock.rightNow += 11.0
        self.assertFalse(self.proof.holds())
        self.session.dialled_at = self.clock.rightNow - 1.0
        self.assertEqual(self.holds_for(), 11.0)

    def test_after_silence(self) -> None:
        """The first answers prove nothing: that they were asked may not have been told yet."""
        self.proof.renew()
        self.go_on(20)
        self.answer()
        self.clock.rightNow += 11.0
        self.clock.advance(0)
        self.assertFalse(self.proof.holds())
        self.go_on(5)
        self.assertFalse(self.proof.holds())
        self.go_on(1)
        self.assertGreaterEqual(self.holds_for(), TIMEOUT_S / 2)

    def test_an_answer_that_waited(self) -> None:
        """Who stood still finds an old answer; the next question is asked at once."""
        self.proof.renew()
        self.go_on(20)
        self.clock.rightNow += 9.0
        self.clock.advance(0)
        asked = len(self.asked)
        self.answer()
        self.assertFalse(self.proof.holds())
        self.assertEqual(len(self.asked), asked + 1)

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
            self.session.dialled_at = self.clock.rightNow
            proof = Proof(self.clock, self.session, self.ask)
            proof.renew()
            self.answer()
            self.clock.advance(1.0)
            self.assertTrue(proof.holds())
            self.asked[-1].errback(fault)
            self.assertFalse(proof.holds())
            proof.end()

    def test_something_else(self) -> None:
        """What nobody expects is logged, and proves nothing either way."""
        self.proof.renew()
        self.asked[-1].errback(ZeroDivisionError())
        self.assertEqual(self.holds_for(), TIMEOUT_S)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_less_time(self) -> None:
        """Another server may agree to less: then less is proved, also by what was asked before."""
        self.proof.renew()
        self.go_on(20)
        self.session.timeout_s = 7.0
        self.assertLessEqual(self.holds_for(), 7.0 - 4.0)

    def test_end(self) -> None:
        """Nothing holds after it, and nothing is asked."""
        self.proof.renew()
        self.answer()
        self.clock.advance(1.0)
        self.proof.end()
        self.assertFalse(self.proof.holds())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.proof.end()
