"""Offers are wanted while something waits, and revived no more often than is allowed."""

from msgspec import Struct
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.framework.flows import Flows
from mesostw.core.outcome import Arm
from mesostw.core.scheduling import ReviveOffers, SuppressOffers


class Due(Struct, frozen=True):
    """The timer of a revival that waits."""


class FlowTests(SynchronousTestCase):
    """One role over time."""

    def setUp(self) -> None:
        self.flows = Flows(Due())

    def test_suppressed_once(self) -> None:
        """A role that nothing waits in is suppressed, and that is not said again."""
        self.assertEqual(self.flows.settled(["a"], (), 0.0, 5.0), [SuppressOffers(("a",))])
        self.assertEqual(self.flows.settled(["a"], (), 1.0, 5.0), [])

    def test_wanted_again(self) -> None:
        """What was suppressed is revived as soon as something waits."""
        self.flows.settled(["a"], (), 0.0, 5.0)
        self.assertEqual(self.flows.settled(["a"], ("a",), 1.0, 5.0), [ReviveOffers(("a",))])
        self.assertEqual(self.flows.settled(["a"], ("a",), 2.0, 5.0), [])

    def test_paced(self) -> None:
        """The first revival is at once, the next waits for a timer that is armed once."""
        self.flows.wished("a")
        self.assertEqual(self.flows.revived(10.0, 5.0), [ReviveOffers(("a",))])
        self.flows.wished("a")
        self.assertEqual(self.flows.revived(12.0, 5.0), [Arm(Due(), 3.0)])
        self.assertEqual(self.flows.revived(13.0, 5.0), [])
        self.flows.due()
        self.assertEqual(self.flows.revived(15.0, 5.0), [ReviveOffers(("a",))])

    def test_restarted(self) -> None:
        """A new master is asked at once, whenever the last one was."""
        self.flows.wished("a")
        self.flows.revived(10.0, 5.0)
        self.flows.restarted(("a",))
        self.assertEqual(self.flows.revived(10.0, 5.0), [ReviveOffers(("a",))])
