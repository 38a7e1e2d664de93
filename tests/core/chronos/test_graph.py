"""Who runs after whom."""

from __future__ import annotations

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.changes import JobChanged
from mesostw.core.chronos.graph import cycle_with, layers, rewired
from mesostw.core.chronos.state import ChronosState
from mesostw.model.jobs import JobName
from tests.core.chronos.builders import DAILY, job


def state_of(**parents: str) -> ChronosState:
    """Jobs by their names, each with the letters of its parents."""
    state = ChronosState()
    for name, letters in parents.items():
        state.apply(JobChanged(job(name, *letters)))
    return state


def names(text: str) -> tuple[JobName, ...]:
    """One name a letter."""
    return tuple(JobName(letter) for letter in text)


class CycleTests(SynchronousTestCase):
    """No job runs after itself."""

    def test_way(self) -> None:
        """The way of a circle is told from the job around to it, in the order of runs."""
        state = state_of(a="", b="a", c="b", d="c")
        self.assertEqual(cycle_with(state, JobName("a"), names("d")), names("abcda"))
        self.assertEqual(cycle_with(state, JobName("a"), names("a")), names("aa"))

    def test_none(self) -> None:
        """A diamond is none, nor is a job that is new, nor one tied otherwise than before."""
        state = state_of(a="", b="a", c="a", d="bc")
        self.assertIsNone(cycle_with(state, JobName("d"), names("abc")))
        self.assertIsNone(cycle_with(state, JobName("new"), names("d")))
        self.assertIsNone(cycle_with(state, JobName("b"), names("c")))

    def test_long(self) -> None:
        """A chain of ten thousand is walked, not recursed into."""
        state = ChronosState()
        state.apply(JobChanged(job("0")))
        for number in range(1, 10_000):
            state.apply(JobChanged(job(str(number), str(number - 1))))
        found = cycle_with(state, JobName("0"), [JobName("9999")])
        assert found is not None
        self.assertEqual(len(found), 10_001)


class RewiredTests(SynchronousTestCase):
    """Dependents of a job that goes."""

    def test_inherits(self) -> None:
        """A dependent of a dependent runs after its parents."""
        state = state_of(a="", b="a", c="b")
        self.assertEqual([spec.parents for spec in rewired(state, JobName("b"))], [names("a")])

    def test_takes_times(self) -> None:
        """A dependent of a scheduled job gets its timetable, and everything else stays."""
        state = state_of(a="", b="a")
        before = replace(state.jobs[JobName("b")].spec, priority=7, owner="x@y.z")
        state.apply(JobChanged(replace(job("b", "a"), spec=before)))
        (after,) = rewired(state, JobName("a"))
        self.assertEqual(after, replace(before, parents=(), timetable=DAILY))

    def test_others_stay(self) -> None:
        """A dependent with other parents keeps those, and gets none."""
        state = state_of(a="", b="a", c="", d="bc")
        self.assertEqual([spec.parents for spec in rewired(state, JobName("b"))], [names("c")])


class LayerTests(SynchronousTestCase):
    """Where jobs stand in a drawing."""

    def test_layers(self) -> None:
        """Each job stands in the first layer after all of its parents."""
        state = state_of(a="", b="a", c="", d="bc", e="ad")
        self.assertEqual(layers(state), (names("ac"), names("b"), names("d"), names("e")))
