"""Dialers keep links up, and leave alone those who do not want them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from mesostw.bus import dial as module
from mesostw.bus.dial import Dialer, wait_s
from mesostw.bus.doorway import Doorway
from mesostw.bus.exchange import Exchange
from mesostw.interfaces import IDialer
from mesostw.messages.hello import Unwelcome
from mesostw.testing.clock import HeapClock
from mesostw.testing.network import MemoryNetwork
from mesostw.testing.recorders import RecordingInbox


class BackOffTests(SynchronousTestCase):
    """Waits grow to a limit, and differ."""

    def test_grows(self) -> None:
        """From half to all of a wait that grows with each failure, up to the most."""
        for failures in range(100):
            longest = min(
                module.DIAL_MAX_S, module.DIAL_FIRST_S * module.DIAL_FACTOR ** min(failures, 30)
            )
            for seed in range(5):
                waited = wait_s(failures, Random(seed))
                self.assertTrue(longest / 2 <= waited <= longest, (failures, waited))

    def test_impatient(self) -> None:
        """Who must be back sooner waits for less at most."""
        self.assertTrue(1.0 <= wait_s(100, Random(1), 2.0) <= 2.0)
        self.assertEqual(wait_s(0, Random(1), 2.0), wait_s(0, Random(1)))

    def test_jitter(self) -> None:
        """Ten thousand agents do not come back at one moment."""
        random = Random(1)
        self.assertEqual(len({wait_s(0, random) for _ in range(1000)}), 1000)


class DialerTests(SynchronousTestCase):
    """A dialer over the memory network."""

    def setUp(self) -> None:
        self.clock = HeapClock()
        self.network = MemoryNetwork(self.clock, Random(1))
        self.agent = Exchange(self.clock, "agent")
        self.master = Exchange(self.clock, "master", ("agent",))
        self.at_agent = self.agent.inbox = RecordingInbox()
        self.at_master = self.master.inbox = RecordingInbox()
        self.visits: list[float] = []

    def listen(self) -> None:
        self.network.listen("master", Doorway(self.master))

    def dial(self) -> Callable[[], None]:
        dialer = Dialer(self.clock, self.agent, Random(2), self.network.endpoint_from("agent"))
        verifyObject(IDialer, dialer)
        return dialer.dial("master:5050")

    def test_address(self) -> None:
        """The core is told the address that it dialled."""
        self.listen()
        self.dial()
        self.clock.advance(1)
        self.assertEqual(self.at_agent.opened()[0].address, "master:5050")

    def test_waits_for_it(self) -> None:
        """A peer that is not there yet is dialled until it is, ever more slowly."""
        self.dial()
        self.clock.advance(60)
        self.assertEqual(self.at_agent.told, [])
        self.listen()
        self.clock.advance(module.DIAL_MAX_S + 1)
        self.assertEqual(len(self.at_agent.opened()), 1)

    def test_unwelcome_backs_off(self) -> None:
        """A peer that says no is asked ever more seldom, and again soon once it said yes."""
        self.listen()
        said = self.master.greet
        self.master.greet = lambda hello: self.visits.append(self.clock.seconds()) or said(hello)  # type: ignore
        refusal = Unwelcome(reason="not_leading", message="ask another")
        self.master.unwelcome = lambda: refusal
        self.dial()
        self.clock.advance(120)
        gaps = [later - sooner for sooner, later in zip(self.visits, self.visits[1:], strict=False)]
        self.assertLess(gaps[0], 0.5)
        self.assertGreater(min(gaps[-3:]), module.DIAL_MAX_S / 2)
        self.master.unwelcome = lambda: None
        self.clock.advance(20)
        self.assertEqual(len(self.at_agent.opened()), 1)
        self.network.connections[0].cut()
        self.clock.advance(1)
        self.assertEqual(len(self.at_agent.opened()), 2)

    def test_stop(self) -> None:
        """Once stopped it closes its link and dials no more, whenever it is stopped."""
        for after_s in (0, 0.0005, 0.001, 0.002, 0.005, 1):
            self.setUp()
            self.listen()
            stop = self.dial()
            self.clock.advance(after_s)
            stop()
            self.clock.advance(100)
            self.assertEqual(dict(self.agent.links), {})
            self.assertEqual(dict(self.master.links), {})
            self.assertEqual(list(self.clock.getDelayedCalls()), [])

    def test_peer_that_hangs_up(self) -> None:
        """A peer that takes connections and says nothing costs no more than a failed dial."""
        self.network.listen("master", Doorway(Exchange(self.clock, "master", ())))
        self.dial()
        self.clock.advance(60)
        self.assertEqual(self.at_agent.told, [])
        self.assertLess(len(self.network.connections), 3)
