"""Marathon's live topics: whatever changes, the tables are those of a fresh look."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import changes, events
from mesostw.core.marathon.records import (
    Action,
    ActionKind,
    Condition,
    Delay,
    Deployment,
    Health,
    Instance,
    Termination,
    Waiting,
)
from mesostw.core.marathon.state import MarathonState
from mesostw.feed.banner import FrameworkBanner
from mesostw.feed.board import Board
from mesostw.feed.changes import Feed
from mesostw.feed.marathon_events import described, event_row
from mesostw.feed.marathon_layout import Judgement, MarathonLayout
from mesostw.feed.marathon_rows import standing
from mesostw.model.apps import AppId, DeploymentId, Group, GroupId, PortDefinition, Stamp
from mesostw.model.tasks import TaskState
from tests.core.marathon.builders import V1, V2, app, instance

WALL = 1_800_000_000.0
BANNER = FrameworkBanner(name="marathon", leader="m:8080", version="0.1.0", started=WALL)


def healthy_by_results(state: MarathonState, one: Instance) -> bool | None:
    """An instance is as healthy as its last results, which is all that a row needs to know."""
    results = state.health.get(one.id)
    return all(result.alive for result in results) if results else None


JUDGEMENT = Judgement(
    is_healthy=healthy_by_results, is_ready=lambda state, one: one.condition is Condition.RUNNING
)


def board_of(feed: Feed[Any, Any]) -> Board:
    """A board over ``feed`` that is awake."""
    board = Board(feed, MarathonLayout(feed, lambda: BANNER, JUDGEMENT, lambda: WALL))
    board.wake(0.0)
    return board


def contents(board: Board) -> dict[str, list[dict[str, object]]]:
    """Every row of every table, without what remembers the past."""
    for table in board.tables.values():
        table.fold(board.seq, 0.0)
    return {
        name: sorted(
            (dict(zip(table.columns, row, strict=True)) for row in table.rows.values()), key=repr
        )
        for name, table in board.tables.items()
        if name != "mevents"
    }


def deployment(*app_ids: str, **others: Any) -> Deployment:
    """A deployment that scales apps, one step for each."""
    steps = tuple((Action(ActionKind.SCALE, AppId(one), 2),) for one in app_ids)
    return Deployment(DeploymentId("d1"), V2, steps, WALL, **others)


def end(number: int = 1, *, failure: bool = True) -> Termination:
    """An instance of ``/a`` that ended on its own."""
    one = instance(app("/a"))
    return Termination(
        AppId("/a"), number, one.id, one.task_id, one.agent_id, one.hostname, V1,
        TaskState.TASK_FAILED, "Command exited with status 3", "REASON_COMMAND_EXECUTOR_FAILED",
        WALL, exit_status=3, is_failure=failure,
    )  # fmt: skip


class TopicTests(SynchronousTestCase):
    """The rows of a few apps."""

    def setUp(self) -> None:
        self.feed: Feed[Any, Any] = Feed(MarathonState())
        self.board = board_of(self.feed)
        labels = {"team": "core", "env": "prod"}
        self.app = app(
            "/shop/db", instances=4, labels=labels, port_definitions=(PortDefinition(port=10001),)
        )
        self.feed.publish([changes.AppChanged(self.app)])

    def rows(self, topic: str) -> list[dict[str, object]]:
        for table in self.board.tables.values():
            table.fold(self.board.seq, 0.0)
        table = self.board.tables[topic]
        return [dict(zip(table.columns, row, strict=True)) for row in table.rows.values()]

    def row(self, topic: str) -> dict[str, object]:
        (one,) = self.rows(topic)
        return one

    def test_app(self) -> None:
        """An app's row names its group and shows its labels and ports."""
        row = self.row("apps")
        self.assertEqual((row["id"], row["group"], row["instances"]), ("/shop/db", "/shop", 4))
        self.assertEqual(row["labels"], ("env:prod", "team:core"))
        self.assertEqual((row["ports"], row["checked"], row["deployment"]), ((10001,), False, None))

    def test_counts(self) -> None:
        """Instances are counted by what they do and how healthy they are."""
        running, staged, away = (
            instance(self.app, Condition.RUNNING, 1),
            instance(self.app, Condition.STAGING, 2),
            instance(self.app, Condition.UNREACHABLE, 3),
        )
        self.feed.publish([changes.InstanceChanged(one) for one in (running, staged, away)])
        row = self.row("apps")
        self.assertEqual((row["running"], row["unknown"], row["staged"]), (1, 1, 1))
        self.assertEqual((row["healthy"], row["unreachable"]), (0, 1))
        failing = Health(0, alive=False, consecutive_failures=2, last_failure_cause="refused")
        self.feed.publish([changes.HealthChanged(running.id, (failing,))])
        self.assertEqual(self.row("apps")["unhealthy"], 1)
        shown = next(one for one in self.rows("instances") if one["id"] == running.id)
        self.assertEqual((shown["failures"], shown["cause"]), (2, "refused"))
        self.feed.publish([changes.InstanceRemoved(one) for one in (running, staged, away)])
        row = self.row("apps")
        self.assertEqual([row[name] for name in ("running", "unhealthy", "staged")], [0, 0, 0])

    def test_progress(self) -> None:
        """Instances of the present configuration count as fresh unless they are to go."""
        new = app("/shop/db", version=V2, instances=4)
        old = instance(self.app, Condition.RUNNING, 1)
        fresh = instance(new, Condition.RUNNING, 2)
        staged = instance(new, Condition.STAGING, 3)
        going = instance(new, Condition.RUNNING, 4, doom="scaled down")
        self.feed.publish([changes.InstanceChanged(one) for one in (old, fresh, staged, going)])
        self.assertEqual((self.row("apps")["fresh"], self.row("apps")["ready"]), (1, 1))
        self.feed.publish([changes.AppChanged(new)])
        self.assertEqual((self.row("apps")["fresh"], self.row("apps")["ready"]), (2, 1))
        self.feed.publish([changes.InstanceRemoved(one) for one in (fresh, staged)])
        self.assertEqual((self.row("apps")["fresh"], self.row("apps")["ready"]), (0, 0))

    def test_removed_app_is_gone_at_once(self) -> None:
        """Its instances stay in their topic until they have ended."""
        one = instance(self.app)
        self.feed.publish([changes.InstanceChanged(one), changes.AppRemoved(self.app.id)])
        self.assertEqual(self.rows("apps"), [])
        self.assertEqual(len(self.rows("instances")), 1)
        self.assertEqual(self.row("marathon")["running"], 1)

    def test_deployment(self) -> None:
        """A deployment locks its apps until it ends."""
        under_way = deployment("/shop/db", "/other")
        self.feed.publish([changes.DeploymentChanged(under_way)])
        row = self.row("deployments")
        self.assertEqual((row["step"], row["steps"], row["done"]), (0, 2, ()))
        plan = ((("ScaleApplication", "/shop/db", 2),), (("ScaleApplication", "/other", 2),))
        self.assertEqual(row["plan"], plan)
        self.assertEqual(self.row("apps")["deployment"], "d1")
        self.assertEqual(self.row("marathon")["deployments"], 1)
        self.feed.publish([changes.DeploymentEnded(under_way.id)])
        self.assertEqual(self.rows("deployments"), [])
        self.assertIsNone(self.row("apps")["deployment"])

    def test_queue(self) -> None:
        """What waits is in the queue with its back-off, and at its app."""
        app_id = self.app.id
        self.feed.publish(
            [
                changes.WaitingChanged(app_id, Waiting(app_id, V1, V1, "*", 2, WALL)),
                changes.DelayChanged(app_id, Delay(app_id, V1, 5.0, WALL + 5)),
            ]
        )
        row = self.row("queue")
        self.assertEqual((row["count"], row["delay_until"]), (2, WALL + 5))
        self.assertEqual((self.row("apps")["waiting"], self.row("marathon")["waiting"]), (2, 1))
        self.feed.publish([changes.WaitingChanged(app_id, None)])
        self.assertEqual(self.rows("queue"), [])
        self.assertEqual(self.row("apps")["waiting"], 0)

    def test_failure(self) -> None:
        """An app's row tells of its last failure."""
        self.feed.publish([changes.AppChanged(app("/a")), changes.TerminationKept(end())])
        row = next(one for one in self.rows("apps") if one["id"] == "/a")
        self.assertEqual((row["failed_at"], row["failure"]), (WALL, "Command exited with status 3"))

    def test_groups(self) -> None:
        """Groups that were named have rows."""
        group = Group(GroupId("/shop"), V1, ("/base",))
        self.feed.publish([changes.GroupChanged(group)])
        self.assertEqual(self.row("groups")["dependencies"], ("/base",))
        self.feed.publish([changes.GroupRemoved(group.id)])
        self.assertEqual(self.rows("groups"), [])

    def test_events(self) -> None:
        """Ends and what the event stream tells of are events; a task's update is told once."""
        one = instance(app("/a"))
        moved = events.InstanceMoved(
            at=WALL, instance_id=one.id, condition=Condition.RUNNING, app_id=one.app_id,
            agent_id=one.agent_id, hostname="n1", version=V1,
        )  # fmt: skip
        updated = events.StatusUpdated(
            at=WALL, agent_id=one.agent_id, task_id=one.task_id, task_state="TASK_RUNNING",
            message="", app_id=one.app_id, hostname="n1", addresses=(), ports=(), version=V1,
        )  # fmt: skip
        started = events.DeploymentInfo(at=WALL, deployment=deployment("/a", "/b"))
        self.feed.publish(
            [
                changes.Told(started),
                changes.Told(updated),
                changes.Told(moved),
                changes.TerminationKept(end()),
            ]
        )
        shown = self.rows("mevents")
        kinds = ["deployment_info", "instance_changed_event", "instance_ended"]
        self.assertEqual([row["kind"] for row in shown], kinds)
        self.assertEqual(shown[0]["apps"], ("/a", "/b"))
        self.assertEqual(shown[0]["text"], "step 1 of 2 begins: scale /a")
        self.assertIn("exit status 3", str(shown[2]["text"]))

    def test_rows_are_json(self) -> None:
        """Every row can be sent."""
        self.feed.publish(
            [
                changes.InstanceChanged(instance(self.app, ports=(31000,))),
                changes.DeploymentChanged(deployment("/shop/db")),
                changes.TerminationKept(end()),
            ]
        )
        for topic in self.board.tables:
            sent = msgspec.json.decode(msgspec.json.encode(self.rows(topic)))
            self.assertEqual(len(sent), len(self.rows(topic)))


class EventTextTests(SynchronousTestCase):
    """Words for events."""

    def test_every_event_that_people_see_has_words(self) -> None:
        """No event is shown without a text."""
        made = [
            events.SchedulerRegistered(at=WALL, framework_id="f", master="m"),
            events.SchedulerReregistered(at=WALL, master="m"),
            events.SchedulerDisconnected(at=WALL),
            events.AppTerminated(at=WALL, app_id=AppId("/a")),
            events.GroupChangeSucceeded(at=WALL, group_id=GroupId("/"), version=V1),
            events.GroupChangeFailed(at=WALL, group_id=GroupId("/"), version=V1, reason="no"),
            events.DeploymentStepSucceeded(at=WALL, deployment=deployment("/a")),
            events.DeploymentStepFailed(at=WALL, deployment=deployment("/a")),
            events.DeploymentSucceeded(
                at=WALL, deployment_id=DeploymentId("d1"), deployment=deployment("/a")
            ),
            events.DeploymentFailed(
                at=WALL,
                deployment_id=DeploymentId("d1"),
                deployment=deployment("/a"),
                reason="cancelled",
            ),
        ]
        for one in made:
            _, _, text = described(one)
            self.assertNotEqual(text, "", one)
            self.assertEqual(event_row(0.0, one)[0], WALL)

    def test_standing(self) -> None:
        """Every running instance is healthy, unhealthy or unknown; doomed ones count twice."""
        self.assertEqual(standing("Running", None, ""), ("staying", "running", "unknown"))
        self.assertEqual(standing("Running", False, "scaled"), ("doomed", "running", "unhealthy"))
        self.assertEqual(standing("Provisioned", None, ""), ("staying", "staged"))
        self.assertEqual(standing("Killing", True, "scaled"), ("doomed",))


SMALL = st.integers(1, 3)
APPS = st.sampled_from([app("/a"), app("/b/c", instances=2)])


def moves() -> st.SearchStrategy[Any]:
    """Single changes of a small Marathon."""
    placed = st.builds(
        instance,
        APPS,
        st.sampled_from([Condition.STAGING, Condition.RUNNING, Condition.KILLING]),
        SMALL,
    )
    health = st.booleans().map(lambda alive: (Health(0, alive=alive),))
    return st.one_of(
        APPS.map(changes.AppChanged),
        APPS.map(lambda one: changes.AppRemoved(one.id)),
        placed.map(changes.InstanceChanged),
        placed.map(changes.InstanceRemoved),
        st.builds(lambda one, found: changes.HealthChanged(one.id, found), placed, health),
        st.sampled_from(["/a", "/b/c"]).map(lambda of: changes.DeploymentChanged(deployment(of))),
        st.just(changes.DeploymentEnded(DeploymentId("d1"))),
        APPS.map(lambda one: changes.WaitingChanged(one.id, None)),
        APPS.map(
            lambda one: changes.WaitingChanged(
                one.id, Waiting(one.id, Stamp(""), Stamp(""), "*", 1, WALL)
            )
        ),
    )


class SameAsAFreshLookTests(SynchronousTestCase):
    """The one law of tables."""

    @given(st.lists(st.lists(moves(), max_size=6), max_size=8))
    @settings(max_examples=60, deadline=None)
    def test_law(self, groups: list[list[Any]]) -> None:
        """After any changes the tables are those of who looks for the first time."""
        feed: Feed[Any, Any] = Feed(MarathonState())
        board = board_of(feed)
        for group in groups:
            feed.publish(group)
            self.assertEqual(contents(board), contents(board_of(feed)))
