"""The sorted, masked list of siblings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.allocator.order import Entry, FairOrder


class Member:
    """A sibling with one bit."""

    def __init__(self, number: int) -> None:
        self.mask = 1 << number


def entry(share: float, number: int) -> Entry[Member]:
    """A new entry of a new member."""
    return (share, 0, f"m{number:05}", Member(number))


class FairOrderTests(SynchronousTestCase):
    """It is what sorting a list each time would give."""

    @given(
        st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.5]), min_size=1, max_size=300),
        st.lists(st.tuples(st.integers(0, 299), st.floats(0, 1)), max_size=300),
        st.integers(1, 2**300 - 1),
    )
    def test_like_a_list(
        self, shares: list[float], moves: list[tuple[int, float]], wanted: int
    ) -> None:
        """After any moves the first with a wanted bit is the first of a sorted list."""
        order: FairOrder[Member] = FairOrder()
        entries = [entry(share, number) for number, share in enumerate(shares)]
        for one in entries:
            order.add(one)
        for number, share in moves:
            at = number % len(entries)
            moved = (share, 1, entries[at][2], entries[at][3])
            order.replace(entries[at], moved)
            entries[at] = moved
        order.check()
        self.assertEqual(list(order), sorted(entries))
        first = next((one[3] for one in sorted(entries) if one[3].mask & wanted), None)
        self.assertIs(order.first(wanted), first)

    @given(st.lists(st.integers(0, 149), unique=True))
    def test_removal(self, removed: list[int]) -> None:
        """What is removed is found no more, however many blocks are left."""
        order: FairOrder[Member] = FairOrder()
        entries = [entry(number / 7 % 1, number) for number in range(150)]
        order.rebuild(entries)
        for number in removed:
            order.remove(entries[number])
            order.check()
        self.assertEqual(len(order), 150 - len(removed))
        for number, one in enumerate(entries):
            found = order.first(one[3].mask)
            self.assertIs(found, None if number in removed else one[3])

    def test_new_bit(self) -> None:
        """A member that changes its bit is found under the new one only."""
        order: FairOrder[Member] = FairOrder()
        entries = [entry(0.5, number) for number in range(100)]
        order.rebuild(entries)
        member = entries[70][3]
        order.remask(entries[70], member.mask ^ (1 << 200))
        member.mask = 1 << 200
        order.check()
        self.assertIs(order.first(1 << 200), member)
        self.assertIsNone(order.first(1 << 70))
