"""Chronos' live topics: whatever changes, the tables are those of a fresh look."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import changes, events
from mesostw.core.chronos.records import Arrival, Job, Notice, Pause, Run, RunState, Skip, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.feed.banner import FrameworkBanner
from mesostw.feed.board import Board
from mesostw.feed.changes import Feed
from mesostw.feed.chronos_events import described, event_row
from mesostw.feed.chronos_layout import ChronosLayout
from mesostw.feed.chronos_rows import HISTORY_MAX, SHOWN_MAX
from mesostw.model.ids import FrameworkId
from mesostw.model.jobs import Cron, Instant, JobName, NoticeId, Occasion
from mesostw.model.tasks import TaskState
from tests.core.chronos.builders import STAMP, WALL, job, minutely, run, spec

BANNER = FrameworkBanner(name="chronos", leader="c:4400", version="0.1.0", started=WALL)


def board_of(feed: Feed[Any, Any]) -> Board:
    """A board over ``feed`` that is awake."""
    board = Board(feed, ChronosLayout(feed, lambda: BANNER, lambda: WALL))
    board.wake(0.0)
    return board


def rows_of(board: Board, topic: str) -> list[dict[str, object]]:
    """The rows of a topic as they are now."""
    for table in board.tables.values():
        table.fold(board.seq, 0.0)
    table = board.tables[topic]
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows.values()]


def contents(board: Board) -> dict[str, list[dict[str, object]]]:
    """Every row of every table, without what remembers the past."""
    return {
        topic: sorted(rows_of(board, topic), key=repr)
        for topic in board.tables
        if topic != "jevents"
    }


def ended(number: int, state: RunState = RunState.SUCCEEDED, **fields: Any) -> Run:
    """A run of job ``a`` that is over."""
    one = run(number, state=state, attempt=fields.pop("attempt", 0))
    return replace(one, launched_at=one.made + 1, ended_at=one.made + 5, **fields)


class TopicTests(SynchronousTestCase):
    """What each topic tells."""

    def setUp(self) -> None:
        self.feed: Feed[Any, Any] = Feed(ChronosState(), identity="c")
        self.feed.begin(1)
        self.board = board_of(self.feed)

    def rows(self, topic: str) -> list[dict[str, object]]:
        return rows_of(self.board, topic)

    def row(self, topic: str) -> dict[str, object]:
        (only,) = self.rows(topic)
        return only

    def test_job(self) -> None:
        """A job's row has its schedule, its next instant and how its last runs ended."""
        due = Instant(int(WALL * 1000) + 70_000)
        standing = Standing(
            JobName("a"), due=due, passed=1, success_count=1, error_count=2, last_success=WALL
        )
        self.feed.publish([changes.JobChanged(Job(minutely(labels={"team": "x"}), STAMP, STAMP))])
        self.feed.publish([changes.StandingChanged(standing)])
        row = self.row("jobs")
        self.assertEqual((row["id"], row["kind"], row["zone"]), ("a", "schedule", "UTC"))
        self.assertEqual(row["schedule"], "R/2026-01-01T00:00:10.000Z/PT1M")
        self.assertEqual((row["next"], row["last"]), (WALL + 70, "success"))
        self.assertEqual((row["success_count"], row["error_count"]), (1, 2))
        self.assertEqual(row["labels"], ("team:x",))

    def test_kinds(self) -> None:
        """Jobs with a cron show its expressions, dependents their parents."""
        cron = Cron(("0 5 * * *",), since=Instant(0), zone="Europe/Berlin")
        self.feed.publish(
            [
                changes.JobChanged(Job(replace(spec("c"), timetable=cron), STAMP, STAMP)),
                changes.JobChanged(job("d", "c")),
            ]
        )
        shown = {row["id"]: row for row in self.rows("jobs")}
        self.assertEqual((shown["c"]["kind"], shown["c"]["schedule"]), ("cron", "0 5 * * *"))
        self.assertEqual(shown["c"]["zone"], "Europe/Berlin")
        self.assertEqual((shown["d"]["kind"], shown["d"]["parents"]), ("dependent", ("c",)))

    def test_history(self) -> None:
        """The last outcomes are one letter each, the oldest first, and a retried failure is r."""
        self.feed.publish([changes.JobChanged(job("a"))])
        made = [
            ended(1),
            ended(2, RunState.FAILED),
            replace(ended(3, attempt=1), instant=ended(2).instant),
            ended(4, RunState.KILLED),
            replace(run(5, state=RunState.SKIPPED), skip=Skip.LATE),
            ended(6, RunState.FAILED),
        ]
        self.feed.publish([changes.RunChanged(one) for one in made])
        self.assertEqual(self.row("jobs")["history"], "srsk-f")
        self.feed.publish([changes.RunChanged(ended(number)) for number in range(10, 40)])
        self.assertEqual(self.row("jobs")["history"], "s" * HISTORY_MAX)

    def test_runs(self) -> None:
        """Runs that have not ended have rows, and the last of each job."""
        self.feed.publish([changes.JobChanged(job("a"))])
        self.feed.publish([changes.RunChanged(run(1, state=RunState.RUNNING))])
        self.feed.publish([changes.RunChanged(run(2))])
        self.assertEqual((self.row("jobs")["running"], self.row("jobs")["queued"]), (1, 1))
        self.assertEqual(self.row("chronos")["running"], 1)
        for number in range(10, 20):
            self.feed.publish([changes.RunChanged(ended(number))])
        shown = {row["id"] for row in self.rows("runs")}
        last = {f"run-{number}-0" for number in range(20 - SHOWN_MAX, 20)}
        self.assertEqual(shown, {"run-1-0", "run-2-0", *last})
        gone = self.feed.view.runs["run-19-0"]
        self.feed.publish([changes.RunForgotten(gone)])
        self.assertIn(f"run-{19 - SHOWN_MAX}-0", {row["id"] for row in self.rows("runs")})

    def test_run(self) -> None:
        """A run's row tells how late it was, how long it took and how it ended."""
        one = ended(1, RunState.FAILED, exit_status=3, message="bad", hostname="n1")
        self.feed.publish([changes.RunChanged(one)])
        row = self.row("runs")
        self.assertEqual((row["late"], row["took"], row["exit"]), (1.0, 4.0, 3))
        self.assertEqual((row["instant"], row["message"]), (WALL + 1, "bad"))
        states = self.board.tables["runs"].enums["state"]
        self.assertEqual(states[int(str(row["state"]))], "failed")

    def test_counts(self) -> None:
        """The one row counts jobs by how they are, also when some go."""
        self.feed.publish(
            [
                changes.JobChanged(job("a")),
                changes.JobChanged(Job(replace(spec("b"), disabled=True), STAMP, STAMP)),
                changes.StandingChanged(Standing(JobName("a"), last_error=WALL)),
            ]
        )
        row = self.row("chronos")
        self.assertEqual((row["jobs"], row["disabled"]), (2, 1))
        self.assertEqual((row["failure"], row["fresh"], row["success"]), (1, 1, 0))
        self.feed.publish([changes.JobRemoved(JobName("a")), changes.JobRemoved(JobName("b"))])
        row = self.row("chronos")
        self.assertEqual((row["jobs"], row["disabled"], row["failure"]), (0, 0, 0))

    def test_pause(self) -> None:
        """Whether anything is started is told with who wanted that, and why."""
        self.feed.publish([changes.PauseChanged(Pause(WALL, "eve", "upgrade"))])
        row = self.row("chronos")
        self.assertEqual((row["paused"], row["paused_by"]), (True, "eve"))
        self.assertEqual((row["paused_since"], row["paused_why"]), (WALL, "upgrade"))
        self.feed.publish([changes.PauseChanged(None)])
        self.assertFalse(self.row("chronos")["paused"])

    def test_the_master(self) -> None:
        """The one row tells whether a master knows us, also of what was heard while asleep."""
        self.board.sleep()
        registered = events.SchedulerRegistered(
            at=WALL, framework_id=FrameworkId("f"), master="m", again=False
        )
        self.feed.publish([changes.Told(registered)])
        self.board.wake(0.0)
        self.assertTrue(self.row("chronos")["connected"])
        self.feed.publish([changes.Told(events.SchedulerDisconnected(at=WALL))])
        self.assertFalse(self.row("chronos")["connected"])

    def test_arrivals(self) -> None:
        """A dependent's row tells which of its parents have ended since it last ran."""
        arrived = (Arrival(JobName("a"), run(1).id, WALL),)
        standing = Standing(JobName("d"), arrived=arrived)
        self.feed.publish(
            [changes.JobChanged(job("d", "a", "b")), changes.StandingChanged(standing)]
        )
        row = self.row("jobs")
        self.assertEqual((row["parents"], row["arrived"]), (("a", "b"), ("a",)))

    def test_events(self) -> None:
        """A run is told of once for each thing that it does, and not while it only waits."""
        one = run(1, state=RunState.RUNNING)
        self.feed.publish(
            [
                changes.JobChanged(job("a")),
                changes.RunChanged(run(1)),
                changes.RunChanged(one),
                changes.RunChanged(replace(one, told=(Occasion.LONG,))),
                changes.RunChanged(ended(1)),
                changes.Restored(changes.JobChanged(job("b"))),
                changes.JobRemoved(JobName("a")),
            ]
        )
        kinds = [row["kind"] for row in self.rows("jevents")]
        self.assertEqual(kinds, ["job_created", "run_running", "run_succeeded", "job_removed"])

    def test_rows_are_json(self) -> None:
        """Every row can be sent."""
        self.feed.publish([changes.JobChanged(job("a")), changes.RunChanged(ended(1))])
        for topic in self.board.tables:
            sent = msgspec.json.decode(msgspec.json.encode(self.rows(topic)))
            self.assertEqual(len(sent), 1 if topic != "jevents" else 2)


class EventTextTests(SynchronousTestCase):
    """Words for events."""

    def test_texts(self) -> None:
        """Every event that people see says what happened."""
        failed = ended(1, RunState.FAILED, attempt=1, exit_status=3, message="bad", hostname="n1")
        skipped = replace(
            run(1, state=RunState.SKIPPED), skip=Skip.SURPLUS, skipped=4, message="too many"
        )
        notice = Notice(NoticeId("n"), Occasion.FAILURE, JobName("a"), WALL, "a failed", "text")
        settled = events.NoticeSettled(
            at=WALL, notice_id=NoticeId("n"), job=JobName("a"), delivered=False, detail="refused"
        )
        registered = events.SchedulerRegistered(
            at=WALL, framework_id=FrameworkId("f"), master="m", again=True
        )
        changed = Job(replace(spec("a"), disabled=True), "2027", STAMP, "eve")
        texts = [
            (changes.RunChanged(failed), "failed on n1, attempt 2, exit status 3: bad"),
            (changes.RunChanged(skipped), "4 instants skipped (surplus): too many"),
            (changes.JobChanged(changed), "the job was changed by eve, it is disabled"),
            (changes.JobChanged(job("a")), "the job was created"),
            (
                changes.PauseChanged(Pause(WALL, "eve", "x")),
                "nothing is started any more by eve: x",
            ),
            (changes.PauseChanged(None), "jobs are started again"),
            (changes.NoticeKept(notice), "a failed"),
            (changes.Told(settled), "not delivered: refused"),
            (changes.Told(registered), "registered again with m as f"),
            (changes.Told(events.SchedulerDisconnected(at=WALL)), "the link to the master broke"),
        ]
        for change, text in texts:
            self.assertEqual(described(change)[3], text)
            self.assertEqual(event_row(WALL, change)[0], WALL)

    def test_statuses_that_changed_nothing(self) -> None:
        """They are for the event stream only."""
        ignored = events.StatusIgnored(
            at=WALL, task_id="t", state=TaskState.TASK_RUNNING, why="repeated"
        )
        feed: Feed[Any, Any] = Feed(ChronosState(), identity="c")
        feed.begin(1)
        board = board_of(feed)
        feed.publish([changes.Told(ignored)])
        self.assertEqual(rows_of(board, "jevents"), [])


_NAMES = st.sampled_from("ab")
_ENDS = st.sampled_from(
    [RunState.WAITING, RunState.RUNNING, RunState.SUCCEEDED, RunState.FAILED, RunState.SKIPPED]
)


def _run(number: int, state: RunState, attempt: int) -> Run:
    """A run, which is of the same job whenever it changes."""
    return run(number, "ab"[number % 2], state, attempt)


def _is_possible(view: ChronosState, change: object) -> bool:
    """Whether a core makes such a change: runs only go on, and are forgotten at their end."""
    match change:
        case changes.RunChanged(one):
            known = view.runs.get(one.id)
            return known is None or known.may_become(one.state)
        case changes.RunForgotten(one):
            known = view.runs.get(one.id)
            return known is not None and known.is_ended
        case _:
            return True


_CHANGES = st.one_of(
    st.builds(_run, st.integers(1, 9), _ENDS, st.integers(0, 1)).map(changes.RunChanged),
    st.builds(_run, st.integers(1, 9), _ENDS, st.integers(0, 1)).map(changes.RunForgotten),
    st.builds(lambda name: changes.JobChanged(job(name)), _NAMES),
    st.builds(lambda name: changes.JobRemoved(JobName(name)), _NAMES),
    st.builds(lambda name, at: changes.StandingChanged(Standing(JobName(name), last_error=at)),
              _NAMES, st.sampled_from([None, WALL])),
    st.builds(lambda name: changes.StandingForgotten(JobName(name)), _NAMES),
    st.sampled_from([changes.PauseChanged(None), changes.PauseChanged(Pause(WALL))]),
)  # fmt: skip


class AnyHistoryTests(SynchronousTestCase):
    """Whatever happens."""

    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.lists(_CHANGES, min_size=1, max_size=5), max_size=12))
    def test_following_is_as_good_as_looking(self, turns: Any) -> None:
        """A board that followed each change has what one has that wakes now."""
        feed: Feed[Any, Any] = Feed(ChronosState(), identity="c")
        feed.begin(1)
        board = board_of(feed)
        for turn in turns:
            for change in turn:
                if _is_possible(feed.view, change):
                    feed.publish([change])
            contents(board)
        self.assertEqual(contents(board), contents(board_of(feed)))
