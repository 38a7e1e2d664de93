"""Where instances go: constraints over three agents, two of them in one rack."""

from __future__ import annotations

from collections import Counter
from functools import partial

from tests.functional.marathon.cases import OnTown, add_case
from tests.functional.marathon.town import HOSTS


class ConstraintTests(OnTown):
    """Constraints of apps whose instances all find a place."""

    def placed(self, instances: int, *constraint: str) -> list[str]:
        """The hosts of an app's instances."""
        document = self.app(instances=instances, constraints=[list(constraint)])
        return [one["host"] for one in self.started(document)]

    def test_unique(self) -> None:
        """Each instance has a host of its own, and one more than there are hosts waits."""
        hosts = self.placed(3, "hostname", "UNIQUE")
        self.assertEqual(sorted(hosts), sorted(HOSTS))
        self.done("PUT", f"/v2/apps{self.group}/app", {"instances": 4})
        entry = self.waits(f"{self.group}/app")
        reasons = {tuple(one["reason"]) for one in entry["lastUnusedOffers"]}
        self.assertIn(("UnfulfilledConstraint",), reasons)
        self.assertEqual(len(self.tasks(f"{self.group}/app")), 3)

    def test_cluster_without_value(self) -> None:
        """All follow the first."""
        self.assertEqual(len(set(self.placed(4, "hostname", "CLUSTER"))), 1)

    def test_group_by(self) -> None:
        """Half of them in each rack."""
        hosts = self.placed(4, "rack", "GROUP_BY", "2")
        racks = Counter("b" if one == HOSTS[2] else "a" for one in hosts)
        self.assertEqual(racks, {"a": 2, "b": 2})

    def test_group_by_hosts(self) -> None:
        """As evenly as it goes over three hosts."""
        counts = Counter(self.placed(5, "hostname", "GROUP_BY", "3"))
        self.assertEqual(sorted(counts.values()), [1, 2, 2])

    def test_group_by_scales_down_evenly(self) -> None:
        """What is killed keeps the groups even."""
        self.placed(6, "hostname", "GROUP_BY", "3")
        self.changed("PUT", f"/v2/apps{self.group}/app", {"instances": 3})
        tasks = self.running(f"{self.group}/app", 3)
        self.assertEqual({one["host"] for one in tasks}, set(HOSTS))

    def test_max_per(self) -> None:
        """No more than so many of one value."""
        counts = Counter(self.placed(6, "hostname", "MAX_PER", "2"))
        self.assertEqual(sorted(counts.values()), [2, 2, 2])

    def test_all_must_hold(self) -> None:
        """Several constraints hold together."""
        constraints = [["rack", "LIKE", "a"], ["hostname", "UNIQUE"]]
        tasks = self.started(self.app(instances=2, constraints=constraints))
        self.assertEqual({one["host"] for one in tasks}, set(HOSTS[:2]))

    def test_upgrade(self) -> None:
        """Instances of the version before do not count: UNIQUE can be upgraded on full hosts."""
        document = self.app(instances=3, constraints=[["hostname", "UNIQUE"]])
        self.started(document)
        result = self.changed("PUT", f"/v2/apps{document['id']}", {"env": {"V": "2"}})
        tasks = self.running(document["id"], 3)
        self.assertEqual({one["host"] for one in tasks}, set(HOSTS))
        self.assertEqual({one["version"] for one in tasks}, {result["version"]})

    def test_never(self) -> None:
        """A value that no agent has: the app waits, and a change of the constraint lets it run."""
        document = self.app(constraints=[["rack", "CLUSTER", "z"]])
        self.created(document)
        self.waits(document["id"])
        change = {"constraints": [["rack", "CLUSTER", "b"]]}
        self.changed("PUT", f"/v2/apps{document['id']}?force=true", change)
        (task,) = self.running(document["id"], 1)
        self.assertEqual(task["host"], HOSTS[2])


def _only(constraint: list[str], hosts: tuple[str, ...], tests: ConstraintTests) -> None:
    found = set(tests.placed(6, *constraint))
    # Six instances over two hosts may all fall on one, so no more is said.
    tests.assertLessEqual(found, set(hosts))


for _name, _constraint, _hosts in [
    ("cluster", ["rack", "CLUSTER", "b"], HOSTS[2:]),
    ("like", ["rack", "LIKE", "[a]+"], HOSTS[:2]),
    ("like_whole_value", ["hostname", "LIKE", r"127\.0\.0\.[3-9]"], HOSTS[2:]),
    ("unlike", ["rack", "UNLIKE", "a"], HOSTS[2:]),
    ("unlike_absent", ["disk", "UNLIKE", "ssd"], HOSTS[:2]),
    ("is_number", ["unit", "IS", "2.0"], HOSTS[1:2]),
    ("is_text", ["disk", "is", "ssd"], HOSTS[2:]),
]:
    add_case(
        ConstraintTests,
        _name,
        f"With {' '.join(_constraint)} instances run on {', '.join(_hosts)} only.",
        partial(_only, _constraint, _hosts),
    )
