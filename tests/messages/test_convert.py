"""Resources and attributes to and from messages."""

from __future__ import annotations

import math

from hypothesis import given
from twisted.trial.unittest import SynchronousTestCase

from mesostw.messages.convert import (
    attribute_messages_of,
    attributes_of,
    messages_of,
    parse,
    resources_of,
)
from mesostw.messages.ids import ResourceProviderID
from mesostw.messages.resources import (
    AllocationInfo,
    DiskInfo,
    DiskPath,
    DiskSource,
    DiskSourceType,
    Persistence,
    ReservationInfo,
    ReservationType,
    Resource,
    RevocableInfo,
)
from mesostw.messages.values import Attribute, Label, Labels, Range, Ranges, Scalar, Set, ValueType
from mesostw.model.attributes import Attributes, AttributesError
from mesostw.model.resources import Resources, ResourcesError
from tests.model.strategies import resources

STATIC, DYNAMIC = ReservationType.STATIC, ReservationType.DYNAMIC
LABELS = Labels(labels=(Label(key="k", value="v"), Label(key="bare")))


def cpus(value: float = 1.0, **extra: object) -> Resource:
    """Some cpus as a message."""
    return Resource(name="cpus", type=ValueType.SCALAR, scalar=Scalar(value=value), **extra)  # type: ignore[arg-type]


class ResourcesTests(SynchronousTestCase):
    """Nothing is lost on the way there and back."""

    @given(resources)
    def test_round_trip(self, bag: Resources) -> None:
        """Both forms of reservation give the same bag again."""
        self.assertEqual(resources_of(messages_of(bag, "web")), bag)
        self.assertEqual(resources_of(messages_of(bag, refined=False)), bag)

    def test_full_round_trip(self) -> None:
        """Disks, providers, labels and layers come back as they were."""
        disk = DiskInfo(
            persistence=Persistence(id="v1", principal="me"),
            source=DiskSource(type=DiskSourceType.PATH, path=DiskPath(root="/data")),
        )
        one = Resource(
            name="disk",
            type=ValueType.SCALAR,
            scalar=Scalar(value=10.0),
            reservations=(
                ReservationInfo(type=STATIC, role="web"),
                ReservationInfo(type=DYNAMIC, role="web/front", principal="me", labels=LABELS),
            ),
            disk=disk,
            provider_id=ResourceProviderID(value="p1"),
            revocable=RevocableInfo(),
        )
        bag = resources_of([one])
        self.assertEqual(messages_of(bag), (one,))
        self.assertEqual(bag.roles(), {"web/front"})

    def test_allocation_role(self) -> None:
        """The role of the offer is written into every message, and not read back."""
        bag = Resources.parse("cpus:1;ports:[1-2]")
        written = messages_of(bag, "web")
        self.assertEqual({one.allocation_info for one in written}, {AllocationInfo(role="web")})
        self.assertEqual(resources_of(written), bag)

    def test_old_form(self) -> None:
        """A role alone is a static reservation, with ``reservation`` a dynamic one."""
        static = resources_of([cpus(role="web")])
        self.assertEqual(
            static, resources_of([cpus(reservations=(ReservationInfo(type=STATIC, role="web"),))])
        )
        self.assertEqual(messages_of(static, refined=False), (cpus(role="web"),))
        dynamic = cpus(role="web", reservation=ReservationInfo(principal="me", labels=LABELS))
        self.assertEqual(messages_of(resources_of([dynamic]), refined=False), (dynamic,))

    def test_adds_up(self) -> None:
        """Messages of one slot add up, zero amounts are left out."""
        self.assertEqual(resources_of([cpus(0.5), cpus(0.0), cpus(1.5)]), Resources.parse("cpus:2"))

    def test_refused(self) -> None:
        """Each wrong message is refused with its name and a way out."""
        layer = ReservationInfo(type=STATIC, role="web")
        overlap = Ranges(range=(Range(begin=1, end=5), Range(begin=3, end=7)))
        for one, words in (
            (cpus(-1.0), "cpus: -1.0 is negative"),
            (cpus(math.nan), "cpus: nan"),
            (Resource(name="cpus", type=ValueType.SCALAR), "does not fit the value"),
            (Resource(name="x", type=ValueType.TEXT), "does not fit the value"),
            (cpus(ranges=Ranges()), "does not fit the value"),
            (Resource(name="", type=ValueType.SCALAR, scalar=Scalar(value=1.0)), "has no name"),
            (Resource(name="p", type=ValueType.RANGES, ranges=overlap), "p: range 3-7 overlaps"),
            (Resource(name="s", type=ValueType.SET, set=Set(item=("a", "a"))), "a word twice"),
            (
                Resource(name="gpus", type=ValueType.SCALAR, scalar=Scalar(value=0.5)),
                "gpus: 0.5 is no whole",
            ),
            (cpus(role="a b"), "cpus: role 'a b'"),
            (cpus(role="web", reservations=(layer,)), "use one form"),
            (cpus(reservation=ReservationInfo()), "set role"),
            (cpus(reservations=(ReservationInfo(role="web"),)), "use STATIC or DYNAMIC"),
            (cpus(reservations=(ReservationInfo(type=STATIC, role="*"),)), "another role"),
            (cpus(reservations=(layer, layer)), "is not below"),
        ):
            with self.assertRaises(ResourcesError) as caught:
                resources_of([one])
            self.assertIn(words, str(caught.exception))


class ParseTests(SynchronousTestCase):
    """``--resources`` is text or JSON."""

    def test_json(self) -> None:
        """A JSON array is read; the default role goes to what has none."""
        text = """[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 2.5}},
                   {"name": "mem", "type": "SCALAR", "scalar": {"value": 64}, "role": "db"}]"""
        self.assertEqual(parse(text), Resources.parse("cpus:2.5;mem(db):64"))
        self.assertEqual(parse(text, "web"), Resources.parse("cpus(web):2.5;mem(db):64"))
        self.assertEqual(parse("cpus:2.5", "web"), Resources.parse("cpus(web):2.5"))

    def test_broken_json(self) -> None:
        """Broken JSON is refused in words, not by a decoder's error."""
        self.assertRaises(ResourcesError, parse, "[{]")
        self.assertRaises(ResourcesError, parse, '[{"name": 5}]')


class AttributesTests(SynchronousTestCase):
    """Attributes survive, sets as text."""

    def test_round_trip(self) -> None:
        """Scalars, ranges and text come back."""
        found = Attributes.parse("rack:r1;level:2.5;ports:[1-2,5-9]")
        self.assertEqual(attributes_of(attribute_messages_of(found)), found)

    def test_set_is_text(self) -> None:
        """A set is shown as text, as Mesos prints it."""
        one = Attribute(name="s", type=ValueType.SET, set=Set(item=("b", "a")))
        self.assertEqual(attributes_of([one]).text(), "s:{a, b}")

    def test_refused(self) -> None:
        """An attribute whose type does not fit its value is refused."""
        one = Attribute(name="rack", type=ValueType.TEXT)
        self.assertRaises(AttributesError, attributes_of, [one])
