"""The state is what its changes say, and what a store kept of them gives the same state."""

import itertools

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.changes import (
    ChronosChange,
    JobChanged,
    JobRemoved,
    LifeBegun,
    NoticeForgotten,
    NoticeKept,
    PauseChanged,
    RegistrationKept,
    Restored,
    RunChanged,
    RunForgotten,
    StandingChanged,
    StandingForgotten,
    VersionForgotten,
    VersionKept,
)
from mesostw.core.chronos.durable import RECORDS, changes_of
from mesostw.core.chronos.records import (
    Arrival,
    Life,
    Notice,
    Pause,
    Registration,
    RunState,
    Standing,
)
from mesostw.core.chronos.state import ChronosState, attempt_of
from mesostw.model.ids import FrameworkId
from mesostw.model.jobs import JobName, NoticeId, Occasion, RunId
from tests.core.chronos.builders import STAMP, WALL, job, run

A, B, C = JobName("a"), JobName("b b#"), JobName("c")
ALL = RunState.__members__.values()


def state_of(*changes: ChronosChange) -> ChronosState:
    """What ``changes`` lead to."""
    state = ChronosState()
    for change in changes:
        state.apply(change)
    return state


class RunTests(SynchronousTestCase):
    """Runs only go on."""

    def test_matrix(self) -> None:
        """No state comes back, and an ended run becomes nothing else."""
        order = list(ALL)[:6]
        ends = list(ALL)[6:]
        for one, other in itertools.product(ALL, ALL):
            later = one in order and (
                other in ends or (other in order and order.index(other) > order.index(one))
            )
            self.assertIs(run(1, state=one).may_become(other), later, f"{one} -> {other}")

    def test_out(self) -> None:
        """A run has a task from the moment its launch is kept until it ends."""
        out = {state for state in ALL if run(1, state=state).is_out}
        self.assertEqual(out, set(list(ALL)[1:6]))


class TableTests(SynchronousTestCase):
    """Every index follows its table."""

    def test_run(self) -> None:
        """A run is found by its job, its attempt and its task, until it ends or is forgotten."""
        waiting, launched = run(1), run(1, state=RunState.LAUNCHING)
        ended = replace(launched, state=RunState.FAILED)
        assert launched.task_id is not None
        state = state_of(RunChanged(waiting))
        self.assertEqual(list(state.live_of(A)), [waiting.id])
        self.assertEqual(state.at(attempt_of(waiting)), waiting)
        self.assertEqual(state.out, {})
        state.apply(RunChanged(launched))
        self.assertEqual(state.by_task(launched.task_id), launched)
        state.apply(RunChanged(ended))
        self.assertIsNone(state.by_task(launched.task_id))
        self.assertEqual(state.live_of(A), {})
        self.assertEqual((list(state.ended_of(A)), state.at(attempt_of(ended))), ([ended], ended))
        state.apply(RunForgotten(ended))
        self.assertEqual((state.runs, state.ended, state.at(attempt_of(ended))), ({}, {}, None))

    def test_relaunched(self) -> None:
        """A run that is launched again is known by its new task alone."""
        first = run(1, state=RunState.LAUNCHING)
        assert first.task_id is not None
        second = replace(first, launch=2, task_id=type(first.task_id)(first.task_id[:-1] + "2"))
        state = state_of(RunChanged(first), RunChanged(second))
        self.assertEqual(list(state.out), [second.task_id])

    def test_children(self) -> None:
        """Who runs after whom follows each version of a job, and ends with it."""
        state = state_of(JobChanged(job("a")), JobChanged(job("c", "a", "b b#")))
        self.assertEqual((list(state.children_of(A)), list(state.children_of(B))), ([C], [C]))
        state.apply(JobChanged(job("c", "a")))
        self.assertEqual((list(state.children_of(A)), list(state.children_of(B))), ([C], []))
        state.apply(JobRemoved(C))
        self.assertEqual((list(state.jobs), state.children), ([A], {}))

    def test_incarnation(self) -> None:
        """A run of a job that was removed is none of the job that has its name since."""
        one = run(1)
        state = state_of(JobChanged(job("a")), RunChanged(one))
        self.assertTrue(state.is_of_present(one))
        state.apply(JobRemoved(A))
        self.assertFalse(state.is_of_present(one))
        state.apply(JobChanged(job("a", created="2026-02-01T00:00:00.000Z")))
        self.assertFalse(state.is_of_present(one))


class DurableTests(SynchronousTestCase):
    """A life begins with what the last one kept."""

    def test_round_trip(self) -> None:
        """What is written and read again gives every table again, in the same order."""
        notice = Notice(NoticeId("n"), Occasion.FAILURE, A, WALL, "s", "t")
        changes: list[ChronosChange] = [
            RegistrationKept(Registration(FrameworkId("F"))),
            LifeBegun(Life(3)),
            PauseChanged(Pause(WALL, "me", "upgrade")),
            JobChanged(job("a")),
            JobChanged(job("b b#", "a")),
            VersionKept(job("a", version="2025-01-01T00:00:00.000Z")),
            VersionKept(job("a")),
            StandingChanged(
                Standing(A, arrived=(Arrival(B, RunId("x"), WALL),), durations=b"\1\2\3\4")
            ),
            # Keys sort as text: 10 comes before 9 there, not in time.
            *(RunChanged(run(number, state=RunState.SUCCEEDED)) for number in (9, 10)),
            RunChanged(run(11, state=RunState.RUNNING)),
            NoticeKept(notice),
        ]
        state = state_of(*changes)
        again = state_of(*(Restored(change) for change in changes_of(_kept(changes).items())))
        self.assertEqual(vars(again), vars(state))
        self.assertEqual([run.id for run in again.ended_of(A)], ["run-9-0", "run-10-0"])

    def test_forgotten(self) -> None:
        """What is forgotten leaves nothing behind in a store."""
        ended = run(1, state=RunState.SUCCEEDED)
        notice = Notice(NoticeId("n"), Occasion.FAILURE, A, WALL, "s", "t")
        changes: list[ChronosChange] = [
            JobChanged(job("a")),
            VersionKept(job("a")),
            StandingChanged(Standing(A)),
            RunChanged(ended),
            NoticeKept(notice),
            PauseChanged(Pause(WALL)),
            RunForgotten(ended),
            StandingForgotten(A),
            VersionForgotten(A, STAMP),
            JobRemoved(A),
            NoticeForgotten(notice.id),
            PauseChanged(None),
        ]
        self.assertEqual(_kept(changes), {})
        self.assertEqual(vars(state_of(*changes)), vars(ChronosState()))


def _kept(changes: list[ChronosChange]) -> dict[str, Struct]:
    """What a store gives back, through the bytes that it has."""
    kept: dict[str, Struct] = {}
    for change in changes:
        write = change.write()
        if write is None:
            continue
        if write.value is None:
            kept.pop(write.key, None)
        else:
            kind = RECORDS[write.key.partition("/")[0]]
            kept[write.key] = msgspec.msgpack.decode(msgspec.msgpack.encode(write.value), type=kind)
    return kept
