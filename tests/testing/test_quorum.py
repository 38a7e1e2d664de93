"""Who reaches the ensemble while the network is cut."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from mesostw.testing.clock import HeapClock
from mesostw.testing.network import MemoryNetwork
from mesostw.testing.quorum import Quorum
from mesostw.testing.zookeeper.ensemble import Ensemble

SERVERS = ("m1", "m2", "m3")
CLIENTS = (*SERVERS, "a1", "a2")


class QuorumTests(SynchronousTestCase):
    """Three servers on hosts of their own, and two hosts beside them."""

    def setUp(self) -> None:
        clock = HeapClock()
        self.network = MemoryNetwork(clock, Random(1))
        self.ensemble = Ensemble(clock)
        self.quorum = Quorum(self.network, self.ensemble, SERVERS, lambda: CLIENTS)

    def apart(self, *pairs: tuple[str, str]) -> None:
        """Part hosts."""
        for one, other in pairs:
            self.network.part(one, other)
        self.quorum.weigh()

    def served(self) -> list[str]:
        """Who may open a link."""
        return [host for host in CLIENTS if self.ensemble.dial(host) is not None]

    def test_whole(self) -> None:
        """Everyone is served."""
        self.quorum.weigh()
        self.assertEqual(self.served(), list(CLIENTS))

    def test_minority(self) -> None:
        """Who reaches only a server without a majority is not served; the others are."""
        rest = ("m2", "m3", "a2")
        self.apart(*(("m1", one) for one in rest), *(("a1", one) for one in rest))
        self.assertEqual(self.served(), ["m2", "m3", "a2"])
        self.assertTrue(self.ensemble.weather("m1").silent)
        self.network.heal()
        self.quorum.weigh()
        self.assertEqual(self.served(), list(CLIENTS))

    def test_bridge(self) -> None:
        """Servers that do not see each other follow the one that sees both."""
        self.apart(("m1", "m2"), ("a1", "m2"), ("a2", "m1"))
        self.assertEqual(self.served(), list(CLIENTS))

    def test_no_majority(self) -> None:
        """Without a majority nobody is served, and with it everybody is again."""
        self.apart(("m1", "m2"), ("m2", "m3"), ("m1", "m3"))
        self.assertEqual(self.served(), [])
        self.network.heal()
        self.quorum.weigh()
        self.assertEqual(self.served(), list(CLIENTS))

    def test_one_way(self) -> None:
        """Who is heard and hears nothing has a link that loses answers, and gets no other."""
        for server in SERVERS:
            self.network.cut_off(server, "a1")
        self.quorum.weigh()
        weather = self.ensemble.weather("a1")
        self.assertEqual((weather.silent, weather.answers_lost), (False, True))
        self.assertEqual(self.served(), ["m1", "m2", "m3", "a2"])

    def test_shut(self) -> None:
        """A host may be shut out by itself, or hear nothing, and servers may be down."""
        self.quorum.silenced["m1"] = None
        self.quorum.deaf["m2"] = None
        self.quorum.weigh()
        self.assertEqual(self.served(), ["m3", "a1", "a2"])
        self.assertTrue(self.ensemble.weather("m1").silent)
        self.assertTrue(self.ensemble.weather("m2").answers_lost)
        self.quorum.down = True
        self.quorum.weigh()
        self.assertEqual(self.served(), [])
