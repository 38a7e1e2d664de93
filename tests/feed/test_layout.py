"""A master's live topics: whatever changes, the tables are those of a fresh look."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.master.changes import (
    AgentChanged,
    AgentKept,
    AgentRemoved,
    FrameworkForgotten,
    FrameworkKept,
    FrameworkRemoved,
    OfferEnded,
    OfferMade,
    TaskChanged,
    TaskForgotten,
    TaskRemoved,
    TaskStrayed,
)
from mesostw.core.master.records import AgentState, FrameworkState, Offer
from mesostw.core.master.state import ClusterState
from mesostw.feed.board import Board
from mesostw.feed.changes import Feed
from mesostw.feed.layout import Banner, MasterLayout
from mesostw.feed.recent import EVENTS_MAX
from mesostw.messages import TaskState
from mesostw.model.ids import AgentId, FrameworkId, OfferId, TaskId
from mesostw.model.resources import Resources
from tests.http.world import FINISHED, WALL, agent, framework, small_cluster, task

BANNER = Banner(name="c", leader="m:5050", master_id="m", version="0.1.0", started=WALL)


def board_of(feed: Feed[Any, Any]) -> Board:
    """A board over ``feed`` that is awake."""
    board = Board(feed, MasterLayout(feed, lambda: BANNER, lambda: WALL))
    board.wake(0.0)
    return board


def contents(board: Board) -> dict[str, list[dict[str, object]]]:
    """
    Every row of every table, without what remembers the past.

    Tasks and offers keep the host's name of an agent that has been removed since.
    """
    for table in board.tables.values():
        table.fold(board.seq, 0.0)
    found: dict[str, list[dict[str, object]]] = {}
    for name, table in board.tables.items():
        rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows.values()]
        for row in rows if name in ("tasks", "offers") else ():
            del row["hostname"]
        if name != "events":
            found[name] = sorted(rows, key=repr)
    return found


class TopicTests(SynchronousTestCase):
    """The rows of a small cluster."""

    def setUp(self) -> None:
        self.feed: Feed[Any, Any] = Feed(ClusterState())
        self.board = board_of(self.feed)
        self.feed.publish(small_cluster())

    def rows(self, topic: str) -> list[dict[str, object]]:
        contents(self.board)
        table = self.board.tables[topic]
        return [dict(zip(table.columns, row, strict=True)) for row in table.rows.values()]

    def test_agents(self) -> None:
        """An agent's row has what it has, what is used and what is offered."""
        (one,) = self.rows("agents")
        self.assertEqual(one["address"], "10.0.1.1:5051")
        self.assertEqual((one["cpus"], one["cpus_used"], one["cpus_offered"]), (4.0, 0.6, 1.0))
        self.assertEqual((one["ports"], one["tasks"]), ("31000-31009", 1))

    def test_frameworks(self) -> None:
        """A framework's row has its shares and counts."""
        (one,) = self.rows("frameworks")
        self.assertEqual((one["cpus"], one["offers"], one["tasks"]), (0.6, 1, 1))
        self.assertEqual((one["connection"], one["roles"]), ("http", "web"))

    def test_tasks(self) -> None:
        """Ended tasks stay, inactive; times come from their statuses."""
        running, ended = sorted(self.rows("tasks"), key=lambda one: str(one["id"]))
        self.assertEqual((running["active"], ended["active"]), (True, False))
        self.assertEqual((running["started"], running["ended"]), (WALL - 19, None))
        self.assertEqual(ended["ended"], WALL - 18)
        self.assertEqual(running["hostname"], "host1")

    def test_cluster(self) -> None:
        """One row sums everything up."""
        (one,) = self.rows("cluster")
        self.assertEqual((one["cpus_total"], one["cpus_used"]), (4.0, 0.6))
        self.assertEqual((one["agents_active"], one["frameworks_active"]), (1, 1))
        self.assertEqual((one["tasks_running"], one["tasks_finished"], one["offers"]), (1, 1, 1))

    def test_events(self) -> None:
        """Each move is told once, newest last, and there are never more than the limit."""
        kinds = [one["kind"] for one in self.rows("events")]
        self.assertEqual(kinds, ["agent", "framework", "task", "task"])
        self.feed.publish([TaskChanged(task(1)), AgentChanged(agent())])
        self.assertEqual(len(self.rows("events")), 4)
        self.feed.publish([TaskChanged(task(n)) for n in range(10, EVENTS_MAX + 50)])
        told = self.rows("events")
        self.assertEqual(len(told), EVENTS_MAX)
        self.assertIn(f"t{EVENTS_MAX + 49}", str(told[-1]["object"]))

    def test_events_while_nobody_looks(self) -> None:
        """Who comes later sees what happened before."""
        later = Board(self.feed, MasterLayout(self.feed, lambda: BANNER, lambda: WALL))
        self.feed.publish([AgentKept(agent(2))])
        later.wake(0.0)
        (row,) = later.tables["events"].rows.values()
        self.assertEqual(row[-1], "host2 is active")

    def test_sleep(self) -> None:
        """A board that slept comes back with the same contents and another epoch."""
        before, epoch = contents(self.board), self.board.epoch
        self.board.sleep()
        self.feed.publish([TaskChanged(task(9))])
        self.board.wake(0.0)
        self.assertNotEqual(self.board.epoch, epoch)
        self.assertEqual(len(contents(self.board)["tasks"]), len(before["tasks"]) + 1)
        self.assertEqual(contents(self.board), contents(board_of(self.feed)))


SMALL = st.integers(1, 3)


def offer(number: int) -> Offer:
    """An offer of the first framework; an id is never used on two agents."""
    return Offer(
        id=OfferId(f"o{number}"),
        framework_id=FrameworkId("m-1-0001"),
        agent_id=AgentId(f"m-1-S{number}"),
        role="web",
        resources=Resources.parse("cpus:1"),
        made=WALL,
    )


CHANGES = st.lists(
    st.one_of(
        st.builds(
            lambda n, state: AgentKept(agent(n, state=state)),
            SMALL,
            st.sampled_from((AgentState.ACTIVE, AgentState.DISCONNECTED)),
        ),
        st.builds(
            lambda n: AgentKept(agent(n, state=AgentState.UNREACHABLE, total=Resources.parse(""))),
            SMALL,
        ),
        st.builds(lambda n: AgentRemoved(AgentId(f"m-1-S{n}")), SMALL),
        st.builds(lambda n: FrameworkKept(framework(n)), SMALL),
        st.builds(lambda n: FrameworkRemoved(framework(n, state=FrameworkState.COMPLETED)), SMALL),
        st.builds(lambda n: FrameworkForgotten(FrameworkId(f"m-1-{n:04}")), SMALL),
        st.builds(
            lambda n, state: TaskChanged(task(n, state)),
            SMALL,
            st.sampled_from((TaskState.TASK_STAGING, TaskState.TASK_RUNNING, FINISHED)),
        ),
        st.builds(lambda n: TaskRemoved(task(n, FINISHED)), SMALL),
        st.builds(lambda n: TaskStrayed(task(n)), SMALL),
        st.builds(lambda n: TaskForgotten(FrameworkId("m-1-0001"), TaskId(f"t{n}")), SMALL),
        st.builds(lambda n: OfferMade(offer(n)), SMALL),
        st.builds(lambda n: OfferEnded(offer(n), "declined"), SMALL),
    ),
    max_size=30,
)


class FreshLookTests(SynchronousTestCase):
    """Safety: no change is missed by what says which rows it touches."""

    @settings(max_examples=150, deadline=None)
    @given(CHANGES, st.integers(1, 5))
    def test_any_changes(self, changes: list[Any], stride: int) -> None:
        """After any changes the followed tables equal those of a board that wakes now."""
        feed: Feed[Any, Any] = Feed(ClusterState())
        feed.publish([AgentKept(agent(n)) for n in (1, 2, 3)])
        followed = board_of(feed)
        for number, change in enumerate(changes):
            try:
                feed.view.apply(change)
            except (AttributeError, KeyError, ValueError):
                # A core never makes this change in this state.
                return
            feed.seq += 1
            followed.changed(feed.seq, [change])
            if number % stride == 0:
                contents(followed)
        self.assertEqual(contents(followed), contents(board_of(feed)))


class RenewedTests(SynchronousTestCase):
    """A copy that begins anew, as of another leader."""

    def test_differences_only(self) -> None:
        """The tables become the new view's; a row that is the same is not told again."""
        feed: Feed[Any, Any] = Feed(ClusterState())
        feed.begin(1)
        feed.publish(small_cluster())
        board = board_of(feed)
        handles = {row[0]: handle for handle, row in board.tables["agents"].rows.items()}
        other = ClusterState()
        for change in (*small_cluster()[:3], AgentKept(agent(2)), TaskChanged(task(9))):
            other.apply(change)  # type: ignore[arg-type]
        before = board.seq
        feed.renew(other)
        told = board.tables["frameworks"].fold(board.seq, 0.0)
        self.assertEqual(len(told), 1)
        self.assertEqual(contents(board), contents(board_of(feed)))
        after = {row[0]: handle for handle, row in board.tables["agents"].rows.items()}
        self.assertEqual({name: after[name] for name in handles}, handles)
        self.assertIsNotNone(board.tables["agents"].since(before))

    def test_looked_at_again(self) -> None:
        """What is shown beside the view is told when it is different, with a new number."""
        feed: Feed[Any, Any] = Feed(ClusterState())
        feed.begin(1)
        said = [BANNER]
        board = Board(feed, MasterLayout(feed, lambda: said[0], lambda: WALL))
        board.wake(0.0)
        said[0] = attrs.evolve(BANNER, copied_by="m2:5050", copied_at=WALL)
        self.assertEqual(board.tables["cluster"].fold(board.seq, 0.0), {})
        feed.age()
        self.assertEqual(board.seq, 1)
        self.assertEqual(len(board.tables["cluster"].fold(board.seq, 0.0)), 1)
