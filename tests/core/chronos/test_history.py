"""Histories: packed runs are found and come back as they were."""

from __future__ import annotations

from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.history import History, Runs, pack
from mesostw.core.chronos.records import Run, RunState
from mesostw.model.jobs import JobName, RunId
from tests.core.chronos.builders import run

_ENDED: Final = run(1, state=RunState.FAILED)
_STEPS: Final = st.tuples(
    st.sampled_from(["put", "drop"]),
    st.integers(0, 5),
    st.integers(0, 3),
    st.sampled_from([None, 0, 1, 2]),
)


def _of(number: int, minute: int, retries: int | None) -> Run:
    """A run that may be the next attempt of another, so that its bytes mention that one."""
    return replace(
        _ENDED,
        id=RunId(f"run-{number}"),
        instant=type(_ENDED.instant)(minute * 60_000),
        retries=None if retries is None else RunId(f"run-{retries}"),
        message=f"after run-{retries}",
    )


class HistoryTests(SynchronousTestCase):
    """As a plain table would."""

    @given(st.lists(_STEPS, max_size=12))
    def test_as_a_table(self, steps: list[tuple[str, int, int, int | None]]) -> None:
        """Whatever is put in and dropped, what is left is found by id and by instant."""
        history, table = History(), dict[RunId, Run]()
        for what, number, minute, retries in steps:
            one = _of(number, minute, retries)
            if what == "put":
                history.put(one.id, pack(one))
                table[one.id] = one
            else:
                history.drop(one.id)
                table.pop(one.id, None)
        kept = list(table.values())
        self.assertEqual((list(history), len(history)), (kept, len(kept)))
        self.assertEqual(list(reversed(history)), kept[::-1])
        self.assertEqual(history.first(2), kept[:2])
        for number in range(6):
            one = _of(number, number, None)
            self.assertEqual(history.get(one.id), table.get(one.id))
            at = [run for run in kept if run.instant == one.instant]
            self.assertEqual(history.of(one.instant), at)

    def test_all(self) -> None:
        """Runs of every job are one table, those that have ended first."""
        ended, going = _of(1, 1, None), _of(2, 1, 1)
        runs = Runs({going.id: going}, {JobName("a"): History([pack(ended)])})
        self.assertEqual(dict(runs), {ended.id: ended, going.id: going})
        self.assertEqual(list(runs.values()), [ended, going])
        self.assertIsNone(runs.get(RunId("run-3")))
