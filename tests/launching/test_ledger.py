"""Each thing is told once, whatever is repeated."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.agent.containers import ContainerExited, ContainerFailed, ContainerStarted
from mesostw.launching.frames import LOST, NOT_KNOWN
from mesostw.launching.ledger import Ledger
from mesostw.model.ids import ContainerId

A, B = ContainerId("a"), ContainerId("b")
STARTED = ("started", A, 7)
EXITED = ("exited", A, 0, "done")


class LedgerTests(SynchronousTestCase):
    """Sentences in, news out."""

    def setUp(self) -> None:
        self.ledger = Ledger()

    def sync(self, *sentences: tuple[object, ...]) -> list[object]:
        """A connection that begins with ``sentences``."""
        self.ledger.greeted()
        told: list[object] = []
        for sentence in sentences:
            told += self.ledger.heard(sentence)
        return told + self.ledger.synced()

    def test_told_once(self) -> None:
        """A repeated word is no news."""
        self.assertTrue(self.ledger.launched(A, waits=False))
        self.assertEqual(self.ledger.heard(STARTED), [ContainerStarted(A, 7)])
        self.assertEqual(self.ledger.heard(STARTED), [])
        self.assertEqual(self.ledger.heard(EXITED), [ContainerExited(A, 0, "done")])
        self.assertEqual(self.ledger.heard(EXITED), [])
        self.assertFalse(self.ledger.launched(A, waits=False))
        self.assertEqual(self.sync(EXITED), [])

    def test_lost(self) -> None:
        """Who should be there at a new connection and is not has an unknown end, once."""
        self.ledger.launched(A, waits=False)
        self.ledger.launched(B, waits=False)
        self.assertEqual(self.sync(("starting", B)), [ContainerExited(A, None, LOST)])
        self.assertEqual(self.sync(("starting", B)), [])

    def test_waiting_is_not_lost(self) -> None:
        """A launch that could not yet be said is not missed at the connection that it waits for."""
        self.ledger.launched(A, waits=True)
        self.assertEqual(self.sync(), [])
        self.assertEqual(self.sync(), [ContainerExited(A, None, LOST)])

    def test_recovered(self) -> None:
        """Of an earlier life's containers each is told; others are ended or forgotten."""
        self.assertEqual(
            self.sync(
                STARTED, ("exited", "x", 0, ""), ("started", "y", 8), ("failed", B, "U", "m")
            ),
            [],
        )
        told, unwanted = self.ledger.recovered([A, B, ContainerId("c")])
        self.assertEqual(
            told,
            [
                ContainerStarted(A, 7),
                ContainerFailed(B, "U", "m"),
                ContainerExited(ContainerId("c"), None, NOT_KNOWN),
            ],
        )
        self.assertEqual(unwanted, ["y"])
        self.assertEqual(self.ledger.take_useless(), ["x"])
        self.assertEqual(self.ledger.heard(("exited", "y", 9, "")), [])
        self.assertEqual(self.ledger.take_useless(), ["y"])
        self.assertEqual(self.ledger.take_useless(), [])

    def test_supervisor_lost_before_recovery(self) -> None:
        """What lived under a supervisor that has died is not taken for alive at recovery."""
        self.sync(STARTED, ("exited", B, 0, "done"))
        self.assertEqual(self.sync(), [])
        told, _ = self.ledger.recovered([A, B])
        self.assertEqual(told, [ContainerExited(A, None, NOT_KNOWN), ContainerExited(B, 0, "done")])

    def test_unknown_words(self) -> None:
        """Words of a newer supervisor are passed over."""
        self.assertEqual(self.ledger.heard(("paused", A)), [])
        self.assertEqual(self.ledger.heard(("started", A, "no number")), [])

    @given(
        st.lists(
            st.sampled_from(["launch", "kill", "starting", "started", "exited", "failed", "sync"])
        )
    )
    def test_any_order(self, steps: list[str]) -> None:
        """In any order of events a start and an end are told at most once, the end last."""
        ledger = Ledger()
        told: list[object] = []
        words = {
            "starting": ("starting", A),
            "started": STARTED,
            "exited": EXITED,
            "failed": ("failed", A, "U", "m"),
        }
        for step in steps:
            if step == "launch":
                ledger.launched(A, waits=False)
            elif step == "kill":
                ledger.killed(A, waits=False)
            elif step == "sync":
                ledger.greeted()
                told += ledger.synced()
            else:
                told += ledger.heard(words[step])
        kinds = ["start" if isinstance(each, ContainerStarted) else "end" for each in told]
        self.assertIn(kinds, ([], ["start"], ["end"], ["start", "end"]))
