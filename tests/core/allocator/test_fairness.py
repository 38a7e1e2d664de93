"""The tree of roles and frameworks."""

from __future__ import annotations

import random

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.allocator.fairness import Client, Fairness


class FairnessTests(SynchronousTestCase):
    """Who is first."""

    def setUp(self) -> None:
        self.fairness = Fairness()
        self.fairness.resize({}, {"cpus": 10_000, "mem": 10_000})
        self.clients: dict[str, Client] = {}

    def join(self, framework: str, role: str) -> Client:
        """Let a framework join a role under the next bit."""
        client = self.clients[framework] = Client(framework, role)
        self.fairness.join(client, 1 << len(self.clients))
        return client

    def served(self, turns: int, amount: int = 1000) -> list[str]:
        """Who is served ``amount`` cpus, turn after turn."""
        names = []
        wanted = sum(client.mask for client in self.clients.values())
        for _ in range(turns):
            client = self.fairness.first(wanted)
            self.fairness.spend(client, {"cpus": amount}, 1)
            names.append(client.framework)
        self.fairness.check()
        return names

    def test_takes_turns(self) -> None:
        """Equal frameworks of one role are served in turn, by name at first."""
        for name in "cab":
            self.join(name, "*")
        self.assertEqual(self.served(6), list("abcabc"))

    def test_roles_before_frameworks(self) -> None:
        """Two roles get equal parts, however many frameworks each has."""
        for name, role in (("a", "x"), ("b", "x"), ("c", "x"), ("d", "y")):
            self.join(name, role)
        self.assertEqual(sorted(self.served(6)), list("abcddd"))

    def test_weights(self) -> None:
        """A role of weight 2 gets twice as much."""
        self.join("a", "x")
        self.join("b", "y")
        self.fairness.weigh({"x": 2.0})
        self.assertEqual(sorted(self.served(9)), list("aaaaaabbb"))
        self.assertAlmostEqual(self.fairness.share_of("x"), 0.3)

    def test_hierarchy(self) -> None:
        """A parent's share is the sum below it; its own frameworks are one child more."""
        self.join("own", "a")
        self.join("left", "a/l")
        self.join("other", "b")
        self.assertEqual(sorted(self.served(8)), ["left"] * 2 + ["other"] * 4 + ["own"] * 2)
        self.assertEqual(self.fairness.mask_of("a"), 0b110)
        self.assertEqual(self.fairness.mask_of("a/l"), 0b100)
        self.assertEqual(self.fairness.mask_of("nobody"), 0)

    def test_dominant_resource(self) -> None:
        """The largest part of any resource counts, as in the paper's example."""
        self.fairness.resize({"cpus": 10_000, "mem": 10_000}, {"cpus": 9_000, "mem": 18_000})
        small, large = self.join("a", "x"), self.join("b", "y")
        for _ in range(5):
            client = self.fairness.first(small.mask | large.mask)
            need = {"cpus": 1000, "mem": 4000} if client is small else {"cpus": 3000, "mem": 1000}
            self.fairness.spend(client, need, 1)
        self.assertEqual((small.spent["cpus"], large.spent["cpus"]), (3000, 6000))

    def test_excluded_resources(self) -> None:
        """A name left out of fair sharing does not count."""
        self.fairness = Fairness(frozenset({"cpus"}))
        self.fairness.resize({}, {"cpus": 1000, "mem": 1000})
        a, b = self.join("a", "*"), self.join("b", "*")
        self.fairness.spend(a, {"cpus": 900}, 1)
        self.fairness.spend(b, {"mem": 1}, 1)
        self.assertIs(self.fairness.first(a.mask | b.mask), a)

    def test_by_lot(self) -> None:
        """The random sorter draws by weight and by nothing else; the same seed draws the same."""
        drawn = []
        for _ in range(2):
            chance = random.Random(3)
            self.fairness = Fairness(role_draw=chance.random, framework_draw=chance.random)
            self.clients = {}
            for name, role in (("a", "x"), ("b", "y"), ("c", "y")):
                self.join(name, role)
            self.fairness.weigh({"x": 3.0})
            drawn.append(self.served(400))
        self.assertEqual(drawn[0], drawn[1])
        self.assertTrue(270 <= drawn[0].count("a") <= 330, drawn[0].count("a"))
        self.assertTrue(30 <= drawn[0].count("b") <= 70, drawn[0].count("b"))

    def test_refund_and_leaving(self) -> None:
        """What is given back counts no more; empty roles disappear."""
        a, b = self.join("a", "x/y"), self.join("b", "z")
        self.fairness.spend(a, {"cpus": 1000}, 1)
        self.fairness.refund(a, {"cpus": 1000})
        self.fairness.check()
        self.fairness.leave(a)
        self.fairness.check()
        self.assertEqual(self.fairness.mask_of("x"), 0)
        self.assertIs(self.fairness.first(b.mask), b)

    def test_newcomer_does_not_take_all(self) -> None:
        """Among idle frameworks a new one is no poorer than the least served."""
        a, b = self.join("a", "*"), self.join("b", "*")
        for _ in range(50):
            for client in (a, b):
                self.fairness.spend(client, {"cpus": 1000}, 1)
                self.fairness.refund(client, {"cpus": 1000})
        c = self.join("c", "*")
        self.assertEqual(self.served(3), list("abc"))
        self.assertEqual(c.count, 51)

    def test_many_changes_at_once(self) -> None:
        """More stale nodes than are worth moving one by one are sorted anew."""
        for number in range(200):
            self.join(f"f{number:03}", f"r{number % 7}")
        for number, client in enumerate(self.clients.values()):
            self.fairness.spend(client, {"cpus": number + 1}, 1)
        self.fairness.check()
        self.fairness.resize({"cpus": 10_000, "mem": 10_000}, {"cpus": 5_000})
        self.fairness.check()
        self.fairness.resize({"cpus": 5_000}, {})
        self.fairness.check()
