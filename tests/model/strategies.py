"""Hypothesis strategies for the nouns."""

from __future__ import annotations

from hypothesis import strategies as st

from mesostw.model.amounts import Ranges, coalesced
from mesostw.model.resources import Resources
from mesostw.model.slots import Reservation, Slot, plain, slot

roles = st.sampled_from(["web", "web/front", "db"])


def _ranges_of(numbers: set[int]) -> Ranges:
    return coalesced((number, number) for number in numbers)


scalar_slots: st.SearchStrategy[Slot] = st.one_of(
    st.sampled_from(["cpus", "mem", "disk"]).map(plain),
    st.builds(
        lambda name, role: slot(name, (Reservation(role),)),
        st.sampled_from(["cpus", "mem"]),
        roles,
    ),
    st.just(slot("cpus", revocable=True)),
)

ranges = st.sets(st.integers(0, 40), min_size=1).map(_ranges_of)
words = st.frozensets(st.sampled_from("abcdef"), min_size=1)

resources: st.SearchStrategy[Resources] = st.builds(
    lambda scalars, ports, zones: Resources.of(
        [
            *scalars,
            *((plain("ports"), one) for one in ports),
            *((plain("zones"), one) for one in zones),
        ]
    ),
    st.lists(st.tuples(scalar_slots, st.integers(1, 5000)), max_size=5),
    st.lists(ranges, max_size=1),
    st.lists(words, max_size=1),
)

#: Those of one name and role at most, which the text form says without loss.
plain_resources: st.SearchStrategy[Resources] = resources.map(
    lambda bag: bag.filtered(lambda where: not where.revocable)
)
