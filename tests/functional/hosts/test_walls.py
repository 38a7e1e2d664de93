"""Partitions as values: who hears whom, who is away, and which kinds of faults a seed has."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.hosts import walls
from tests.functional.hosts.acts import ACTS
from tests.functional.hosts.faults import KINDS, faults_at_most, plan
from tests.functional.hosts.layout import BRIEF, CLASSIC_FIVE, FIVE, THREE
from tests.functional.hosts.sessions import password_of, session_leading

ADDRESSES = {host: f"10.0.0.{number}" for number, host in enumerate(FIVE, 1)}


class WallsTests(SynchronousTestCase):
    """What each partition means for who is behind it."""

    def made(self, deaf: walls.Deaf, hosts: tuple[str, ...] = FIVE) -> walls.Walls:
        """The walls of some hosts."""
        return walls.walls({host: ADDRESSES[host] for host in hosts}, deaf)

    def test_split(self) -> None:
        """Those on the smaller side are away, and each drops what comes from the other."""
        made = self.made(walls.split(FIVE, ["n2", "n4"]))
        self.assertEqual((made.away, made.torn), (("n2", "n4"), False))
        self.assertIn("ip saddr 10.0.0.1 drop", made.script("n2"))
        self.assertNotIn("10.0.0.4", made.script("n2"))
        self.assertIn("ip saddr 10.0.0.4 drop", made.script("n5"))

    def test_one_way(self) -> None:
        """Who hears nobody cannot be talked with, though it is heard."""
        made = self.made(walls.one_way(FIVE, "n3"))
        self.assertEqual((made.away, made.torn), (("n3",), False))
        self.assertEqual(made.script("n1"), "")

    def test_bridge(self) -> None:
        """With a host that hears both sides, nobody can say who is away."""
        self.assertTrue(self.made(walls.bridge(FIVE, Random(1))).torn)
        self.assertTrue(self.made(walls.bridge(THREE, Random(1)), THREE).torn)

    def test_ring(self) -> None:
        """Each hears a majority, no two the same one."""
        deaf = walls.ring(FIVE, Random(1))
        heard = {host: frozenset(FIVE) - set(deaf[host]) for host in FIVE}
        self.assertEqual({len(some) for some in heard.values()}, {3})
        self.assertEqual(len(set(heard.values())), 5)
        self.assertTrue(self.made(deaf).torn)

    def test_resets_and_loss(self) -> None:
        """Both are everywhere; with resets nobody hears anybody, with loss they do."""
        self.assertTrue(walls.resetting(ADDRESSES).torn)
        lossy = walls.lossy(ADDRESSES)
        self.assertEqual((lossy.away, lossy.torn), ((), False))
        self.assertIn("numgen random mod 100 < 20 drop", lossy.script("n1"))


class PlanTests(SynchronousTestCase):
    """Seeds and their faults."""

    def test_every_kind_comes(self) -> None:
        """As many seeds as it takes, one after the other, have every kind of fault."""
        seeds = range(1, 2 + len(KINDS) // faults_at_most(BRIEF))
        done = {fault.kind for seed in seeds for fault in plan(BRIEF, seed).faults}
        self.assertEqual(done, set(KINDS))
        self.assertEqual(plan(BRIEF, 1), plan(BRIEF, 1))

    def test_every_kind_can_be_done(self) -> None:
        """There is an act for each."""
        self.assertEqual({kind.act for kind in KINDS.values()} - set(ACTS), set())

    def test_places(self) -> None:
        """Parts are numbered as the hosts of their role are."""
        layout = CLASSIC_FIVE.layout
        self.assertEqual(layout.host_of("agent1"), "n3")
        self.assertEqual(layout.parts_on("n4"), ("zookeeper4", "agent2", "marathon1", "chronos4"))
        self.assertEqual(layout.topology.needed["zookeeper"], 3)


class SessionTests(SynchronousTestCase):
    """What is known of a session from outside."""

    def test_password(self) -> None:
        """It is what Java's generator gives."""
        # From ``new Random(42 ^ 0xB3415C00L).nextBytes(new byte[16])``.
        self.assertEqual(password_of(42).hex(), "c813ee495620c3a68794ef27a239e8a9")

    def test_leading(self) -> None:
        """Whoever has the lowest node of an election leads it."""
        dump = (
            "Sessions with Ephemerals (2):\n0x1a:\n\t/mesos/json.info_0000000007\n"
            "0x2b:\n\t/mesos/json.info_0000000003\n\t/elsewhere\n"
        )
        self.assertEqual(session_leading(dump, "master"), 0x2B)
        self.assertIsNone(session_leading(dump, "chronos"))
