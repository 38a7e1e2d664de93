"""Which instances go first."""

from __future__ import annotations

from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.records import Condition, Instance
from mesostw.core.marathon.victims import chosen
from mesostw.model.apps import Constraint, KillSelection, Operator
from tests.core.marathon.builders import app, instance

OLDEST = KillSelection.OLDEST_FIRST


def numbers(found: list[Instance]) -> list[int]:
    """Instances by their numbers."""
    return [int(one.id[-4:]) for one in found]


class ChosenTests(SynchronousTestCase):
    """Named, then uneven, then idle, then by age."""

    def test_the_youngest_go_first_by_default(self) -> None:
        """Of running instances those go that have run the shortest."""
        a = app()
        running = [instance(a, number=number) for number in (1, 2, 3)]
        self.assertEqual(numbers(chosen(a.spec, running, 2)), [3, 2])

    def test_the_oldest_go_first_if_that_is_wished(self) -> None:
        """``killSelection`` turns the order round."""
        a = app(kill_selection=OLDEST)
        running = [instance(a, number=number) for number in (3, 1, 2)]
        self.assertEqual(numbers(chosen(a.spec, running, 2)), [1, 2])

    def test_those_that_do_least_go_before_the_young(self) -> None:
        """Away, staging, starting, running; whatever their ages."""
        a = app()
        conditions = (
            Condition.RUNNING,
            Condition.STARTING,
            Condition.STAGING,
            Condition.PROVISIONED,
            Condition.UNREACHABLE,
        )
        all_ = [instance(a, one, number) for number, one in enumerate(conditions, 1)]
        self.assertEqual(numbers(chosen(a.spec, all_, 5)), [5, 4, 3, 2, 1])

    def test_no_more_go_than_are_asked_for(self) -> None:
        """And none for none or less."""
        a = app()
        running = [instance(a, number=number) for number in (1, 2)]
        self.assertEqual(numbers(chosen(a.spec, running, 1)), [2])
        self.assertEqual(chosen(a.spec, running, 0), [])
        self.assertEqual(chosen(a.spec, running, -1), [])
        self.assertEqual(numbers(chosen(a.spec, running, 9)), [2, 1])

    def test_group_by_stays_even(self) -> None:
        """Whoever is too many on a host goes first, by age only among equals."""
        a = app(constraints=(Constraint("hostname", Operator.GROUP_BY),))
        hosts = ["n1"] * 5 + ["n2"] * 2 + ["n3"]
        all_ = [instance(a, number=number, hostname=host) for number, host in enumerate(hosts, 1)]
        gone = chosen(a.spec, all_, 5)
        self.assertEqual(numbers(gone), [5, 4, 3, 7, 2])
        left = Counter(one.hostname for one in all_ if one not in gone)
        self.assertEqual(left, {"n1": 1, "n2": 1, "n3": 1})

    def test_several_group_bys_are_kept_even_together(self) -> None:
        """Zones first, then racks in them, with an agent's attribute and one that lacks it."""
        a = app(
            constraints=(
                Constraint("@zone", Operator.GROUP_BY),
                Constraint("rack", Operator.GROUP_BY, "2"),
            )
        )
        where = (("z1", "r1"), ("z1", "r1"), ("z1", "r2"), ("z2", "r1"), ("z2", ""))
        all_ = [
            instance(a, number=number, zone=zone, attributes={"rack": rack} if rack else {})
            for number, (zone, rack) in enumerate(where, 1)
        ]
        self.assertEqual(numbers(chosen(a.spec, all_, 2)), [2, 4])

    def test_ten_thousand_are_sorted_out_at_once(self) -> None:
        """Half of 10,000 go and 100 hosts stay even."""
        a = app(constraints=(Constraint("hostname", Operator.GROUP_BY),))
        all_ = [instance(a, number=one, hostname=f"n{one % 100}") for one in range(10_000)]
        gone = {one.id for one in chosen(a.spec, all_, 5_000)}
        left = Counter(one.hostname for one in all_ if one.id not in gone)
        self.assertEqual(set(left.values()), {50})
