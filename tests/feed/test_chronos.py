"""Chronos' live topics: whatever changes, the tables are those of a fresh look."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import changes
from mesostw.core.chronos.events import SchedulerDisconnected, SchedulerRegistered
from mesostw.core.chronos.records import Pause, RunState, Skip, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.feed.board import Board
from mesostw.feed.changes import Feed
from mesostw.feed.chronos_layout import ChronosBanner, ChronosLayout
from mesostw.feed.chronos_rows import LETTERS, STATES
from mesostw.model.ids import FrameworkId
from mesostw.model.jobs import Cron, Instant, JobName
from tests.core.chronos.builders import WALL, job, run

BANNER = ChronosBanner(name="chronos", leader="m:4400", version="0.1.0", started=WALL)


def board_of(feed: Feed[Any, Any], recent_max: int = 1_000) -> Board:
    """A board over ``feed`` that is awake."""
    board = Board(feed, ChronosLayout(feed, lambda: BANNER, recent_max=recent_max))
    board.wake(0.0)
    return board


def contents(board: Board) -> dict[str, list[dict[str, object]]]:
    """Every row of every table."""
    for table in board.tables.values():
        table.fold(board.seq, 0.0)
    return {
        name: sorted(
            (dict(zip(table.columns, row, strict=True)) for row in table.rows.values()), key=repr
        )
        for name, table in board.tables.items()
    }


class TopicTests(SynchronousTestCase):
    """The rows of a few jobs."""

    def setUp(self) -> None:
        self.feed: Feed[Any, Any] = Feed(ChronosState())
        self.board = board_of(self.feed)
        known = job("a")
        labels = {"team": "core", "env": "prod"}
        self.job = replace(known, spec=replace(known.spec, labels=labels), by="ann")
        self.feed.publish([changes.JobChanged(self.job)])

    def row(self, topic: str) -> dict[str, object]:
        (one,) = contents(self.board)[topic]
        return one

    def test_job(self) -> None:
        """A job's row has its schedule, labels and counts."""
        due = Instant(int(WALL * 1000) + 86_400_000)
        standing = Standing(JobName("a"), due, 1, success_count=3, last_success=WALL)
        self.feed.publish([changes.StandingChanged(standing)])
        row = self.row("jobs")
        self.assertEqual(row["labels"], ("env:prod", "team:core"))
        self.assertEqual(row["schedule"], "R/2026-01-02T00:00:00.000Z/P1D")
        self.assertEqual((row["next"], row["passed"], row["by"]), (due, 1, "ann"))
        self.assertEqual((row["success_count"], row["last"]), (3, 0))

    def test_cron(self) -> None:
        """A cron's expressions are its schedule; a dependent has none."""
        cron = Cron(("0 1 * * *", "@daily"), Instant(0), "Europe/Berlin")
        spec = replace(self.job.spec, timetable=cron)
        self.feed.publish([changes.JobChanged(replace(self.job, spec=spec))])
        row = self.row("jobs")
        self.assertEqual((row["schedule"], row["zone"]), ("0 1 * * *; @daily", "Europe/Berlin"))
        self.feed.publish([changes.JobChanged(job("a", "b"))])
        row = self.row("jobs")
        self.assertEqual((row["schedule"], row["zone"], row["parents"]), ("", "", ("b",)))

    def test_results(self) -> None:
        """The last ten ends are ten letters, the newest last."""
        states = [*LETTERS, *([RunState.SUCCEEDED] * 8)]
        for number, state in enumerate(states):
            self.feed.publish([changes.RunChanged(run(number, state=state))])
        self.assertEqual(self.row("jobs")["results"], "K-SSSSSSSS")

    def test_live(self) -> None:
        """What runs and what waits is counted, by job and in all."""
        for number, state in enumerate((RunState.WAITING, RunState.STAGING, RunState.RUNNING)):
            self.feed.publish([changes.RunChanged(run(number, state=state))])
        row, all_of_it = self.row("jobs"), self.row("chronos")
        self.assertEqual((row["running"], row["waiting"]), (2, 1))
        self.assertEqual(
            [all_of_it[name] for name in ("waiting", "staging", "running", "jobs", "disabled")],
            [1, 1, 1, 1, 0],
        )
        self.assertEqual(self.row("waiting")["id"], "run-0-0")

    def test_skipped(self) -> None:
        """A record of skipped instants says why, and for how many it stands."""
        one = replace(run(1, state=RunState.SKIPPED), skip=Skip.LATE, skipped=7, message="late")
        self.feed.publish([changes.RunChanged(one)])
        row = self.row("runs")
        self.assertEqual((row["skip"], row["skipped"], row["message"]), ("late", 7, "late"))
        self.assertEqual(row["state"], STATES.index("skipped"))

    def test_recent(self) -> None:
        """Only so many ended runs are shown, the newest; a fresh look shows the same."""
        followed = board_of(self.feed, 3)
        for number in range(6):
            one = replace(run(number, state=RunState.FAILED), ended_at=WALL + number)
            self.feed.publish([changes.RunChanged(run(number)), changes.RunChanged(one)])
        for board in (followed, board_of(self.feed, 3)):
            ids = [one["id"] for one in contents(board)["runs"]]
            self.assertEqual(ids, ["run-3-0", "run-4-0", "run-5-0"])

    def test_banner(self) -> None:
        """It says what Chronos is, whether a master knows it, and who has paused it."""
        registered = SchedulerRegistered(
            at=WALL, framework_id=FrameworkId("F"), master="m:5050", again=False
        )
        self.feed.publish(
            [changes.Told(registered), changes.PauseChanged(Pause(WALL, "ann", "disks"))]
        )
        row = self.row("chronos")
        self.assertEqual(
            (row["name"], row["leader"], row["connected"]), ("chronos", "m:4400", True)
        )
        self.assertEqual((row["paused_by"], row["paused_why"]), ("ann", "disks"))
        lost = changes.Told(SchedulerDisconnected(at=WALL))
        self.feed.publish([lost, changes.PauseChanged(None)])
        row = self.row("chronos")
        self.assertEqual((row["connected"], row["paused_since"]), (False, None))


def _changes() -> st.SearchStrategy[object]:
    """Anything that may happen to two jobs and a few runs."""
    names = st.sampled_from(["a", "b"])
    states = st.sampled_from([*RunState])
    runs = st.builds(
        lambda number, state: run(number, "ab"[number % 2], state), st.integers(0, 4), states
    )
    jobs = st.builds(
        lambda name, disabled: replace(job(name), spec=replace(job(name).spec, disabled=disabled)),
        names,
        st.booleans(),
    )
    return st.one_of(
        runs.map(changes.RunChanged),
        runs.map(lambda one: changes.Restored(changes.RunChanged(one))),
        runs.map(changes.RunForgotten),
        jobs.map(changes.JobChanged),
        names.map(lambda name: changes.JobRemoved(JobName(name))),
        names.map(lambda name: changes.StandingChanged(Standing(JobName(name), success_count=2))),
        st.just(changes.PauseChanged(Pause(WALL))),
        st.just(changes.PauseChanged(None)),
    )


def is_possible(view: ChronosState, change: object) -> bool:
    """Whether a core makes such a change: runs only go on, and are forgotten at their end."""
    match change:
        case changes.Restored(changes.RunChanged(one)) | changes.RunChanged(one):
            known = view.runs.get(one.id)
            return known is None or known.may_become(one.state)
        case changes.RunForgotten(one):
            known = view.runs.get(one.id)
            return known is not None and known.is_ended
        case _:
            return True


class AnyTests(SynchronousTestCase):
    """Any changes."""

    @settings(max_examples=150, deadline=None)
    @given(st.lists(_changes(), max_size=30))
    def test_fresh(self, happening: list[object]) -> None:
        """Tables that followed every change are those of who looks only now."""
        feed: Feed[Any, Any] = Feed(ChronosState())
        board = board_of(feed)
        for number, change in enumerate(happening):
            if is_possible(feed.view, change):
                feed.publish([change])
            if number % 3 == 0:
                contents(board)
        self.assertEqual(contents(board), contents(board_of(feed)))
