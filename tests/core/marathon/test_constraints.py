"""Where an app's instances may be."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.framework.places import attribute_text, number_text, place_of
from mesostw.core.marathon.constraints import ONE_EACH, refusing, tally_of
from mesostw.core.marathon.records import Condition, Instance
from mesostw.messages.values import Attribute, Range, Ranges, Scalar, Set, ValueType
from mesostw.model.apps import Constraint, Operator
from mesostw.model.ids import AgentId
from tests.core.marathon.builders import V1, V2, V3, app, instance
from tests.core.marathon.offering import offer


def _at(racks: str, **others: Any) -> list[Instance]:
    """Instances on racks, one for each letter; ``.`` is on an agent without a rack."""
    return [
        instance(
            app(),
            number=number,
            attributes={} if rack == "." else {"rack": rack},
            hostname=f"n-{rack}",
            **others,
        )
        for number, rack in enumerate(racks, 100)
    ]


class OperatorTests(SynchronousTestCase):
    """Each operator against where instances are, and where one more could go."""

    #: Operator, value, wished instances, racks that are in use, an offer's rack: may it go there?
    TABLE = (
        ("UNIQUE", None, 9, "", "a", True),
        ("UNIQUE", None, 9, "b", "a", True),
        ("UNIQUE", None, 9, "ab", "a", False),
        ("CLUSTER", None, 9, "", "a", True),
        ("CLUSTER", None, 9, "aa", "a", True),
        ("CLUSTER", None, 9, "aa", "b", False),
        ("CLUSTER", "a", 9, "", "a", True),
        ("CLUSTER", "a", 9, "", "b", False),
        ("CLUSTER", "a", 9, "a", "a", True),
        ("LIKE", "a|b", 9, "", "a", True),
        ("LIKE", "a|b", 9, "", "ab", False),
        ("LIKE", "a.*", 9, "", "ab", True),
        ("LIKE", "b", 9, "", "ab", False),
        ("UNLIKE", "a|b", 9, "", "a", False),
        ("UNLIKE", "a|b", 9, "", "ab", True),
        ("MAX_PER", "2", 9, "a", "a", True),
        ("MAX_PER", "2", 9, "aa", "a", False),
        ("MAX_PER", "2", 9, "aa", "b", True),
        ("IS", "a", 9, "", "a", True),
        ("IS", "a", 9, "", "A", False),
        ("IS", "1.50", 9, "", "1.5", True),
        ("IS", "2", 9, "", "1.5", False),
        # Without a number: a new value, or one that has the fewest.
        ("GROUP_BY", None, 9, "", "a", True),
        ("GROUP_BY", None, 9, "a", "a", True),
        ("GROUP_BY", None, 9, "ab", "a", True),
        ("GROUP_BY", None, 9, "aab", "a", False),
        ("GROUP_BY", None, 9, "aab", "b", True),
        ("GROUP_BY", None, 9, "aab", "c", True),
        # With one: evenly over exactly so many.
        ("GROUP_BY", "2", 4, "", "a", True),
        ("GROUP_BY", "2", 4, "a", "a", True),
        ("GROUP_BY", "2", 4, "aa", "a", False),
        ("GROUP_BY", "2", 4, "aa", "b", True),
        ("GROUP_BY", "2", 4, "ab", "c", False),
        ("GROUP_BY", "2", 5, "aa", "a", True),
        ("GROUP_BY", "2", 5, "aaa", "a", False),
        ("GROUP_BY", "2", 5, "aaabb", "b", False),
        ("GROUP_BY", "3", 2, "", "a", True),
        ("GROUP_BY", "3", 2, "a", "a", False),
        ("GROUP_BY", "3", 2, "a", "b", True),
        ("GROUP_BY", "3", 2, "ab", "c", False),
    )

    def test_table(self) -> None:
        """Every operator says what the API's rules say."""
        for operator, value, count, racks, rack, expected in self.TABLE:
            constraint = Constraint("rack", Operator(operator), value)
            one = app(instances=count, constraints=(constraint,))
            place = place_of(offer(attributes=f"rack:{rack}"))
            refused = refusing(one, place, tally_of(one, _at(racks)))
            self.assertEqual(
                refused, None if expected else constraint, (operator, value, count, racks, rack)
            )

    def test_missing_attribute(self) -> None:
        """An agent without the attribute fits no operator but UNLIKE."""
        for operator in Operator:
            constraint = Constraint("rack", operator, "1" if operator != "UNIQUE" else None)
            one = app(constraints=(constraint,))
            refused = refusing(one, place_of(offer()), tally_of(one, ()))
            self.assertEqual(refused is None, operator is Operator.UNLIKE, operator)

    def test_all_hold(self) -> None:
        """Every constraint must hold; the first that does not is told."""
        first = Constraint("rack", Operator.LIKE, "a|b")
        second = Constraint("hostname", Operator.UNLIKE, "n1")
        one = app(constraints=(first, second))
        tally = tally_of(one, ())
        told = [
            refusing(one, place_of(offer(number, attributes=f"rack:{rack}")), tally)
            for number, rack in ((2, "a"), (1, "a"), (1, "c"))
        ]
        self.assertEqual(told, [None, second, first])


class FieldTests(SynchronousTestCase):
    """What constraints compare."""

    def test_hostname(self) -> None:
        """An agent's name has two names of its own."""
        for field in ("hostname", "@hostname"):
            self.assertEqual(place_of(offer(3)).value(field), "n3")

    def test_fault_domain(self) -> None:
        """Region and zone are fields, if the agent has them."""
        place = place_of(offer(region="eu"))
        self.assertEqual((place.value("@region"), place.value("@zone")), ("eu", "z1"))
        self.assertIsNone(place_of(offer()).value("@region"))

    def test_attributes_as_text(self) -> None:
        """Scalars have three decimals at most, ranges and sets their brackets."""
        ranges = Ranges(range=(Range(begin=5, end=9), Range(begin=1, end=2)))
        for attribute, text in (
            (Attribute(name="x", type=ValueType.SCALAR, scalar=Scalar(value=1.50049)), "1.5"),
            (Attribute(name="x", type=ValueType.SCALAR, scalar=Scalar(value=2.0)), "2"),
            (Attribute(name="x", type=ValueType.RANGES, ranges=ranges), "[1-2,5-9]"),
            (Attribute(name="x", type=ValueType.SET, set=Set(item=("b", "a"))), "{a,b}"),
        ):
            self.assertEqual(attribute_text(attribute), text)

    def test_negative_number(self) -> None:
        """A number below 0 keeps its sign, and 0 has none."""
        self.assertEqual([number_text(n) for n in (-1.5, -0.0001)], ["-1.5", "0"])


class CountedTests(SynchronousTestCase):
    """Which instances bear on where others may be."""

    def setUp(self) -> None:
        self.unique = Constraint("rack", Operator.UNIQUE)
        self.app = app(version=V2, config=V2, constraints=(self.unique,))
        self.place = place_of(offer(attributes="rack:a"))

    def _refused(self, *instances: Instance) -> bool:
        return refusing(self.app, self.place, tally_of(self.app, instances)) is not None

    def test_present_configuration(self) -> None:
        """Instances of the present configuration count, older ones do not."""
        self.assertTrue(self._refused(*_at("a", config=V2)))
        self.assertFalse(self._refused(*_at("a", config=V1)))

    def test_newer_configuration(self) -> None:
        """After a way back instances of the newer configuration do not count either."""
        self.assertFalse(self._refused(*_at("a", version=V3, config=V3)))

    def test_away(self) -> None:
        """An instance on an agent that is away does not count."""
        for condition in (Condition.UNREACHABLE, Condition.UNREACHABLE_INACTIVE):
            self.assertFalse(self._refused(*_at("a", config=V2, condition=condition)))

    def test_being_ended(self) -> None:
        """An instance that is being ended counts as long as it is there."""
        self.assertTrue(self._refused(*_at("a", config=V2, condition=Condition.KILLING)))


class EveryAgentTests(SynchronousTestCase):
    """Apps that are to be on every agent."""

    def test_one_each(self) -> None:
        """An agent takes one instance, also if others have its name."""
        one = app(every_agent=True)
        there = instance(one, agent_id=AgentId("S1"), hostname="n2")
        tally = tally_of(one, (there,))
        self.assertIs(refusing(one, place_of(offer(1)), tally), ONE_EACH)
        self.assertIsNone(refusing(one, place_of(offer(2)), tally))

    def test_other_configurations_hold_their_agents(self) -> None:
        """There is no room for a new one before the old one has gone, unless that is away."""
        old, new = app(every_agent=True), app(version=V2, every_agent=True)
        there = instance(old, agent_id=AgentId("S1"))
        self.assertIs(refusing(new, place_of(offer(1)), tally_of(new, (there,))), ONE_EACH)
        away = instance(old, Condition.UNREACHABLE, agent_id=AgentId("S1"))
        self.assertIsNone(refusing(new, place_of(offer(1)), tally_of(new, (away,))))
