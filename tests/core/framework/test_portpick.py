"""Ports of an instance from what an offer has."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.framework.portpick import ANY_PORT, is_possible, picked
from mesostw.model.amounts import Ranges, coalesced, ranges_size, ranges_within
from mesostw.model.slots import Reservation, Slot, plain, slot

PLAIN = plain("ports")
WEB = slot("ports", (Reservation("web"),))


def _ranges() -> st.SearchStrategy[Ranges]:
    pair = st.tuples(st.integers(1, 60), st.integers(0, 9)).map(lambda p: (p[0], p[0] + p[1]))
    return st.lists(pair, max_size=5).map(coalesced)


class PickedTests(SynchronousTestCase):
    """What :func:`picked` finds, whatever is offered."""

    @given(
        _ranges(),
        _ranges(),
        st.lists(st.one_of(st.just(ANY_PORT), st.integers(1, 70)), max_size=8),
        st.integers(0, 2**32),
    )
    def test_whole(self, plain_ports: Ranges, web: Ranges, wanted: list[int], seed: int) -> None:
        """Every port is offered, fixed ones are as they were asked for, none comes twice."""
        web = tuple((begin + 100, end + 100) for begin, end in web)
        offered: dict[Slot, Ranges] = {PLAIN: plain_ports, WEB: web}
        found = picked(offered, wanted, random.Random(seed).randrange)
        self.assertEqual(found is not None, is_possible(offered, wanted))
        if found is None:
            return
        self.assertEqual(len(set(found.ports)), len(wanted))
        for port, asked in zip(found.ports, wanted, strict=True):
            self.assertIn(asked, (ANY_PORT, port))
        taken = {
            where: coalesced((port, port) for port in ports) for where, ports in found.slots.items()
        }
        for where, ranges in taken.items():
            self.assertTrue(ranges_within(ranges, offered[where]))
        self.assertEqual(sum(map(ranges_size, taken.values())), len(wanted))

    @given(_ranges(), st.integers(0, 9), st.integers(0, 2**32))
    def test_enough(self, ranges: Ranges, count: int, seed: int) -> None:
        """As many as are offered can be had, and no more."""
        found = picked({PLAIN: ranges}, [ANY_PORT] * count, random.Random(seed).randrange)
        self.assertEqual(found is not None, ranges_size(ranges) >= count)

    def test_consecutive(self) -> None:
        """Ports follow each other, around the end of the range to its beginning."""
        found = picked({PLAIN: ((10, 14),)}, [ANY_PORT] * 4, lambda _: 3)
        assert found is not None
        self.assertEqual(found.ports, (13, 14, 10, 11))

    def test_start_differs(self) -> None:
        """Where it begins is by chance."""
        chance = random.Random(1)
        starts = {
            found.ports
            for _ in range(20)
            if (found := picked({PLAIN: ((1, 1000),)}, [ANY_PORT], chance.randrange))
        }
        self.assertGreater(len(starts), 10)

    def test_fixed_is_kept_for_its_owner(self) -> None:
        """A port that is asked for by its number is given to nobody else."""
        found = picked({PLAIN: ((10, 11),)}, [ANY_PORT, 10], lambda _: 0)
        assert found is not None
        self.assertEqual(found.ports, (11, 10))

    def test_fixed_twice(self) -> None:
        """The same number cannot be had twice."""
        self.assertIsNone(picked({PLAIN: ((10, 20),)}, [12, 12], lambda _: 0))
