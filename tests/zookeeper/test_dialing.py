"""Whoever is to talk to the master is linked to the one that leads."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from mesostw.interfaces import IDialer, IZooKeeper, IZooSession
from mesostw.messages.machines import Address
from mesostw.messages.masters import MasterInfo
from mesostw.model.zkurl import ZkUrl
from mesostw.zookeeper.dialing import LeaderDialer
from mesostw.zookeeper.masters import address_of, announced
from tests.testing.test_zookeeper import MemoryWorld


@implementer(IDialer)
class Dials:
    """What is dialled now."""

    def __init__(self) -> None:
        self.now: list[str] = []

    def dial(self, address: str) -> Callable[[], None]:
        """Keep in mind."""
        self.now.append(address)
        return lambda: self.now.remove(address)


def info(port: int, ip: str = "10.0.0.1") -> bytes:
    """What a master's node says."""
    address = Address(hostname="m1", ip=ip, port=port)
    return announced(MasterInfo(id="m", ip=0x0100000A, port=port, address=address))


class DialingTests(SynchronousTestCase):
    """Over the ensemble in memory."""

    def setUp(self) -> None:
        self.world = MemoryWorld()
        self.dials = Dials()
        self.dialer = LeaderDialer(self.dials, self.world.clock, self._ensemble)
        connecting = self.world.ensemble("hand", "/mesos").connect(lambda _state: None)
        self.world.pass_time(connecting, 10)
        self.session: IZooSession = self.successResultOf(connecting)

    def _ensemble(self, url: ZkUrl) -> IZooKeeper:
        return self.world.ensemble("dialer", url.path)

    def done(self, deferred: Deferred[str] | Deferred[None]) -> None:
        """Let it be done, and everyone hear of it."""
        self.world.pass_time(deferred, 10)
        self.world.pass_time(None, 1)

    def test_an_address(self) -> None:
        """``host:port`` is dialled as it is."""
        stop = self.dialer.dial("h:5050")
        self.assertEqual(self.dials.now, ["h:5050"])
        stop()
        self.assertEqual(self.dials.now, [])

    def test_the_leader(self) -> None:
        """One leader after the other; while nobody leads the last one is dialled on."""
        stop = self.dialer.dial("zk://a:2181/mesos")
        self.world.pass_time(None, 1)
        self.assertEqual(self.dials.now, [])
        self.done(self.session.create("/json.info_0000000003", info(1)))
        self.assertEqual(self.dials.now, ["10.0.0.1:1"])
        self.done(self.session.create("/json.info_0000000004", info(2)))
        self.assertEqual(self.dials.now, ["10.0.0.1:1"])
        self.done(self.session.delete("/json.info_0000000003"))
        self.assertEqual(self.dials.now, ["10.0.0.1:2"])
        self.done(self.session.delete("/json.info_0000000004"))
        self.assertEqual(self.dials.now, ["10.0.0.1:2"])
        stop()
        self.world.pass_time(None, 1)
        self.assertEqual(self.dials.now, [])

    def test_nonsense(self) -> None:
        """A node that says nothing is logged, and the last leader is dialled on."""
        stop = self.dialer.dial("zk://a:2181/mesos")
        self.done(self.session.create("/json.info_0000000001", b"{}"))
        self.assertEqual(self.dials.now, [])
        self.done(self.session.create("/json.info_0000000000", info(2)))
        self.assertEqual(self.dials.now, ["10.0.0.1:2"])
        stop()
        self.world.pass_time(None, 1)


class AddressTests(SynchronousTestCase):
    """What masters say of where they are."""

    def test_forms(self) -> None:
        """The address, the name where it listens everywhere, and the old number."""
        self.assertEqual(address_of(info(5050)), "10.0.0.1:5050")
        self.assertEqual(address_of(info(5050, "0.0.0.0")), "m1:5050")
        self.assertEqual(address_of(info(5050, "::1")), "[::1]:5050")
        old = announced(MasterInfo(id="m", ip=0x0100007F, port=5050))
        self.assertEqual(address_of(old), "127.0.0.1:5050")
        for wrong in (b"", b"{", b"[]", b'{"id":"x"}'):
            self.assertRaises(ValueError, address_of, wrong)
