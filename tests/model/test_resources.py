"""The algebra of resources, its text form and its refusals."""

from __future__ import annotations

import copy
import pickle

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.model.resources import EMPTY, Resources, ResourcesError
from mesostw.model.slots import Disk, Reservation, plain, slot

from .strategies import plain_resources, resources

R = Resources.parse


class AlgebraTests(SynchronousTestCase):
    """Bags add, subtract and compare as amounts do."""

    @given(resources, resources)
    def test_sum_is_taken_apart_again(self, left: Resources, right: Resources) -> None:
        """What is added can be taken away, if no port or word is in both."""
        right = right.filtered(lambda where: where.name not in {"ports", "zones"})
        total = left + right
        self.assertTrue(total.contains(left) and total.contains(right))
        self.assertEqual(total - right, left)
        self.assertEqual(total, right + left)
        self.assertEqual(hash(total), hash(right + left))

    @given(resources, resources, resources)
    def test_order_of_additions_does_not_matter(
        self, a: Resources, b: Resources, c: Resources
    ) -> None:
        """Addition is associative."""
        self.assertEqual((a + b) + c, a + (b + c))

    @given(resources, resources)
    def test_subtracts_only_what_is_there(self, left: Resources, right: Resources) -> None:
        """``-`` raises just when ``contains`` says no, and never goes below nothing."""
        if left.contains(right):
            self.assertTrue(all((left - right).scalar(name) >= 0 for name in left.names()))
            self.assertEqual((left - right) + right, left)
        else:
            self.assertRaises(ResourcesError, lambda: left - right)

    @given(resources, resources)
    def test_overlap(self, left: Resources, right: Resources) -> None:
        """What two bags have in common is in both, and the same from either side."""
        both = left.overlap(right)
        self.assertTrue(left.contains(both) and right.contains(both))
        self.assertEqual(both, right.overlap(left))

    @given(resources)
    def test_identities(self, bag: Resources) -> None:
        """Nothing changes nothing, and costs nothing: the very same bag comes back."""
        self.assertIs(bag + EMPTY, bag)
        self.assertIs(EMPTY + bag, bag)
        self.assertIs(bag - EMPTY, bag)
        self.assertIs(bag - bag, EMPTY)
        self.assertEqual(pickle.loads(pickle.dumps(bag)), bag)
        self.assertEqual(copy.deepcopy(bag), bag)

    @given(resources)
    def test_parts_add_up(self, bag: Resources) -> None:
        """A bag is what is unreserved and what is reserved to each role."""
        parts = bag.unreserved()
        for role in bag.roles():
            parts = parts + bag.reserved_to(role)
        self.assertEqual(parts, bag)
        self.assertEqual(bag.unreserving().scalars(), bag.scalars())

    def test_types_do_not_mix(self) -> None:
        """A name that is a number here and ranges there is refused, not guessed."""
        with self.assertRaises(ResourcesError) as caught:
            R("x:1") + R("x:[1-2]")
        self.assertIn("use one type", str(caught.exception))
        self.assertFalse(R("x:1").contains(R("x:[1-2]")))
        self.assertRaises(ResourcesError, lambda: R("x:1") - R("x:{a}"))


class TextTests(SynchronousTestCase):
    """Resources as operators write them."""

    @given(plain_resources)
    def test_round_trip(self, bag: Resources) -> None:
        """The text of a bag is read as the same bag."""
        self.assertEqual(Resources.parse(bag.text()), bag)

    def test_reads(self) -> None:
        """Scalars, ranges, sets, roles and the default role are read."""
        bag = R("cpus:4; mem(web):1024 ;ports:[31000-32000];zones:{a,b};cpus:0.5;disk:0", "db")
        self.assertEqual(bag.scalar("cpus"), 4500)
        self.assertEqual(bag.reserved_to("web"), R("mem(web):1024"))
        self.assertEqual(bag.reserved_to("db").ranges("ports"), ((31000, 32000),))
        self.assertNotIn("disk", bag.names())
        self.assertIs(R(" ; "), EMPTY)

    def test_flat(self) -> None:
        """``/state`` shows four scalars always, sums over roles, revocable ones apart."""
        bag = R("cpus:1;cpus(web):0.5;ports:[5-9,1-2];zones:{b,a}")
        bag = bag + Resources.of([(slot("cpus", revocable=True), 2000)])
        self.assertEqual(
            bag.flat(),
            {
                "cpus": 1.5,
                "gpus": 0.0,
                "mem": 0.0,
                "disk": 0.0,
                "cpus_revocable": 2.0,
                "ports": "[1-2, 5-9]",
                "zones": "{a, b}",
            },
        )

    @given(st.text(alphabet="cpus:;()[]{}-,.0123456789e gnaif*/\x00\u0661", max_size=40))
    def test_any_text(self, text: str) -> None:
        """Any text gives resources that round-trip, or a refusal in words."""
        try:
            bag = Resources.parse(text)
        except ResourcesError as fault:
            self.assertTrue(str(fault))
        else:
            self.assertEqual(Resources.parse(bag.text()), bag)

    def test_refused(self) -> None:
        """Each refusal names the field, the value and what to write instead."""
        for text, words in (
            ("cpus", "lacks a value; use name:1"),
            (":4", "has no name"),
            ("cpus:-1", "cpus: -1.0 is negative"),
            ("cpus:nan", "cpus: nan is not a finite"),
            ("gpus:0.5", "gpus: 0.5 is no whole number"),
            ("ports:[1-5,3-7]", "ports: range 3-7 overlaps"),
            ("cpus(a b):1", "cpus: role 'a b' contains ' '"),
            ("cpus(web:1", "lacks ')'"),
        ):
            with self.assertRaises(ResourcesError) as caught:
                R(text)
            self.assertIn(words, str(caught.exception))


class RoleTests(SynchronousTestCase):
    """Who may have what."""

    def test_allocatable(self) -> None:
        """A role gets what is unreserved, its own, and what is reserved above it."""
        bag = R("cpus:1;cpus(web):2;cpus(web/front):4;cpus(db):8")
        self.assertEqual(bag.allocatable_to("web/front"), R("cpus:1;cpus(web):2;cpus(web/front):4"))
        self.assertEqual(bag.allocatable_to("web"), R("cpus:1;cpus(web):2"))
        self.assertEqual(bag.allocatable_to("other"), R("cpus:1"))

    def test_same_slot_same_object(self) -> None:
        """Slots are interned; anything that differs makes another slot."""
        layer = Reservation("web", True, "me", (("k", None),))
        disk = Disk(persistence_id="v1")
        self.assertIs(slot("disk", (layer,), disk=disk), slot("disk", (layer,), disk=disk))
        self.assertIsNot(slot("disk", (layer,)), slot("disk", (Reservation("web"),)))
        self.assertIs(slot("cpus"), plain("cpus"))
        self.assertEqual(slot("disk", (layer,)).without_reservations(), plain("disk"))
        self.assertIn("DYNAMIC,web,me", slot("disk", (layer,), disk=disk, shared=True).text())

    def test_many_names(self) -> None:
        """Names from peers are interned only while somebody uses them, beyond a limit."""
        bags = [R(f"name{number}:1") for number in range(3000)]
        self.assertEqual(R("name2999:2") - bags[2999], bags[2999])
