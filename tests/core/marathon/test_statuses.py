"""What statuses say is believed once, in order, and acknowledged each time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import delays, kills, statuses
from mesostw.core.marathon.changes import InstanceChanged, Told
from mesostw.core.marathon.conditions import MOVES, condition_of
from mesostw.core.marathon.events import (
    FrameworkMessage,
    InstanceMoved,
    StatusUpdated,
    UnknownInstanceTerminated,
)
from mesostw.core.marathon.flags import MESSAGE_CHARS_MAX
from mesostw.core.marathon.records import TERMINAL_CONDITIONS, Condition, Instance
from mesostw.core.scheduling import AcknowledgeStatus, KillTask, MessageCame, StatusCame
from mesostw.messages.containers import ContainerStatus
from mesostw.messages.health import CheckStatusHttp, CheckStatusInfo, CheckType
from mesostw.messages.ids import AgentID, TaskID
from mesostw.messages.networks import IPAddress, NetworkInfo
from mesostw.messages.tasks import TaskStatus, TaskStatusReason
from mesostw.messages.values import TimeInfo
from mesostw.model.apps import UnreachableStrategy
from mesostw.model.ids import AgentId, ExecutorId
from mesostw.model.ids import TaskId as TaskIdText
from mesostw.model.tasks import TaskState
from tests.core.marathon.builders import World, app, instance

C = Condition
S = TaskState
R = TaskStatusReason

#: The states that leave an instance where it is.
LIVING: Final = (
    S.TASK_STAGING,
    S.TASK_STARTING,
    S.TASK_RUNNING,
    S.TASK_KILLING,
    S.TASK_UNREACHABLE,
)

#: What an instance in each condition is after each of ``LIVING``; a dot changes nothing.
MATRIX: Final[Mapping[Condition, str]] = {
    C.PROVISIONED: "Staging Starting Running Killing UnreachableInactive",
    C.STAGING: "       .       Starting Running Killing UnreachableInactive",
    C.STARTING: "      .       .        Running Killing UnreachableInactive",
    C.RUNNING: "       .       .        .       Killing UnreachableInactive",
    C.KILLING: "       .       .        .       .       UnreachableInactive",
    C.UNREACHABLE: "   Staging Starting Running Killing UnreachableInactive",
    C.UNREACHABLE_INACTIVE: "Staging Starting Running Killing .",
}

#: Every other state ends an instance.
ENDS: Final[Mapping[TaskState, Condition]] = {
    S.TASK_FINISHED: C.FINISHED,
    S.TASK_FAILED: C.FAILED,
    S.TASK_KILLED: C.KILLED,
    S.TASK_ERROR: C.ERROR,
    S.TASK_LOST: C.GONE,
    S.TASK_DROPPED: C.DROPPED,
    S.TASK_GONE: C.GONE,
    S.TASK_GONE_BY_OPERATOR: C.GONE,
    S.TASK_UNKNOWN: C.UNKNOWN,
}

STATE_OF: Final[Mapping[Condition, TaskState]] = {
    C.PROVISIONED: S.TASK_STAGING,
    C.STAGING: S.TASK_STAGING,
    C.STARTING: S.TASK_STARTING,
    C.RUNNING: S.TASK_RUNNING,
    C.KILLING: S.TASK_KILLING,
    C.UNREACHABLE: S.TASK_UNREACHABLE,
    C.UNREACHABLE_INACTIVE: S.TASK_UNREACHABLE,
}


def status(of: Instance | str, state: TaskState, **others: Any) -> TaskStatus:
    """A report of a task."""
    task_id = of if isinstance(of, str) else of.task_id
    fields: dict[str, Any] = {
        "task_id": TaskID(value=task_id),
        "state": state,
        "agent_id": AgentID(value="S1"),
        "uuid": b"u" * 16,
    }
    return TaskStatus(**{**fields, **others})


def said(world: World, of: Instance | str, state: TaskState, **others: Any) -> None:
    """Have a report come."""
    world.run(statuses.came, StatusCame(status(of, state, **others)))


def at(condition: Condition, **others: Any) -> tuple[World, Instance]:
    """A world with one instance in a condition, as statuses had led to it."""
    world = World()
    world.live.registered = True
    of = app()
    away = world.now.wall - 100 if "Unreachable" in condition else None
    one = instance(of, condition, task_state=STATE_OF[condition], unreachable_since=away, **others)
    world.add(of, one)
    return world, one


class MatrixTests(SynchronousTestCase):
    """Every state in every condition; by default nothing changes."""

    def test_living(self) -> None:
        """An instance gets on, never back, but that an agent which returns is believed."""
        for condition, row in MATRIX.items():
            for state, expected in zip(LIVING, row.split(), strict=True):
                world, one = at(condition)
                said(world, one, state)
                now = world.state.instances[one.id].condition
                wished = condition if expected == "." else Condition(expected)
                self.assertEqual(now, wished, (condition, state))
                moved = [e.condition for e in world.told(InstanceMoved)]
                if expected == ".":
                    self.assertEqual(world.changes, [], (condition, state))
                    self.assertNotIn(one.app_id, world.live.marked)
                else:
                    self.assertEqual(moved, [wished])
                    self.assertEqual(len(world.told(StatusUpdated)), 1)
                    self.assertIn(one.app_id, world.live.marked)
                self.assertEqual(len(world.did(AcknowledgeStatus)), 1)

    def test_ends(self) -> None:
        """Every end is one from every condition, is told of in order, and is remembered."""
        for condition in MATRIX:
            for state, expected in ENDS.items():
                world, one = at(condition)
                said(world, one, state, message="why")
                self.assertEqual(world.state.instances, {})
                self.assertEqual(
                    [type(e) for e in world.events()][:2], [StatusUpdated, InstanceMoved]
                )
                self.assertEqual([e.condition for e in world.told(InstanceMoved)], [expected])
                (end,) = world.state.terminations[one.app_id].values()
                self.assertEqual((end.state, end.message), (state, "why"))
                self.assertEqual(len(world.did(AcknowledgeStatus)), 1)
                self.assertEqual(world.did(KillTask), [])

    def test_table_is_whole(self) -> None:
        """The matrix knows every condition and every state."""
        self.assertEqual(MATRIX.keys() | TERMINAL_CONDITIONS, set(Condition))
        self.assertEqual(set(LIVING) | ENDS.keys(), set(TaskState))
        for condition in TERMINAL_CONDITIONS:
            self.assertEqual(MOVES[condition], frozenset())


class LostTests(SynchronousTestCase):
    """TASK_LOST means several things."""

    def test_table(self) -> None:
        """By its reason and, for what a master does not know, by its message."""
        unknown = "Reconciliation: Task is unknown to the agent"
        for reason, message, expected in (
            (R.REASON_RECONCILIATION, "", C.UNREACHABLE),
            (R.REASON_AGENT_DISCONNECTED, "", C.UNREACHABLE),
            (R.REASON_AGENT_REMOVED, "", C.UNREACHABLE),
            (R.REASON_RECONCILIATION, unknown, C.UNKNOWN),
            (R.REASON_TASK_UNKNOWN, "", C.UNKNOWN),
            (R.REASON_INVALID_OFFERS, "", C.GONE),
            (R.REASON_EXECUTOR_TERMINATED, "", C.GONE),
            (None, "", C.GONE),
        ):
            lost = status("t", S.TASK_LOST, reason=reason, message=message)
            self.assertIs(condition_of(lost), expected, (reason, message))


class DetailTests(SynchronousTestCase):
    """What statuses bring beside a state."""

    def test_running(self) -> None:
        """The first TASK_RUNNING says since when it runs, and where it is to be found."""
        world, one = at(C.STAGING)
        world.later(5)
        network = NetworkInfo(ip_addresses=(IPAddress(ip_address="10.0.0.7"),))
        container = ContainerStatus(network_infos=(network,))
        said(world, one, S.TASK_RUNNING, container_status=container)
        first = world.state.instances[one.id]
        self.assertEqual(first.started_at, world.now.wall)
        self.assertEqual(first.since, world.now.wall)
        self.assertEqual(first.addresses, (("10.0.0.7", "IPv4"),))
        self.assertIs(first.task_state, S.TASK_RUNNING)
        world.later(5)
        said(world, one, S.TASK_RUNNING)
        self.assertEqual(world.state.instances[one.id], first)

    def test_check(self) -> None:
        """What a general check found is kept as the API shows it, and kills nothing."""
        world, one = at(C.RUNNING)
        found = CheckStatusInfo(type=CheckType.HTTP, http=CheckStatusHttp(status_code=503))
        said(world, one, S.TASK_RUNNING, check_status=found)
        now = world.state.instances[one.id]
        self.assertEqual(now.check_result, {"http": {"statusCode": 503}})
        self.assertEqual(len(world.told(StatusUpdated)), 1)
        self.assertEqual(world.told(InstanceMoved), [])
        empty = CheckStatusInfo(type=CheckType.HTTP, http=CheckStatusHttp())
        said(world, one, S.TASK_RUNNING, check_status=empty)
        self.assertEqual(world.state.instances[one.id], now)

    def test_long_message(self) -> None:
        """Messages are cut."""
        world, one = at(C.RUNNING)
        said(world, one, S.TASK_FAILED, message="x" * (MESSAGE_CHARS_MAX + 1))
        (end,) = world.state.terminations[one.app_id].values()
        self.assertEqual(len(end.message), MESSAGE_CHARS_MAX)
        (told,) = world.told(StatusUpdated)
        self.assertEqual(len(told.message), MESSAGE_CHARS_MAX)

    def test_failure(self) -> None:
        """What the API calls a failure, and what a shell would say of it."""
        for state, failure in (
            (S.TASK_FINISHED, False),
            (S.TASK_KILLED, False),
            (S.TASK_FAILED, True),
            (S.TASK_ERROR, True),
            (S.TASK_LOST, True),
            (S.TASK_DROPPED, True),
            (S.TASK_GONE, True),
            (S.TASK_GONE_BY_OPERATOR, True),
            (S.TASK_UNKNOWN, True),
        ):
            world, one = at(C.RUNNING)
            said(
                world,
                one,
                state,
                message="Command exited with status 3",
                reason=R.REASON_COMMAND_EXECUTOR_FAILED,
            )
            (end,) = world.state.terminations[one.app_id].values()
            self.assertIs(end.is_failure, failure, state)
            self.assertEqual(end.reason, "REASON_COMMAND_EXECUTOR_FAILED")
            self.assertEqual(end.exit_status, 0 if state is S.TASK_FINISHED else 3)

    def test_message_of_an_executor(self) -> None:
        """An executor's words are passed on to the event stream."""
        world = World()
        world.run(statuses.message_came, MessageCame(AgentId("S1"), ExecutorId("e"), b"\xff"))
        (told,) = world.told(FrameworkMessage)
        self.assertEqual((told.executor_id, told.agent_id, told.content), ("e", "S1", b"\xff"))


class StrangerTests(SynchronousTestCase):
    """Tasks that no instance is."""

    NAME = "shop_db.instance-0001._app.1"

    def test_living(self) -> None:
        """A task that lives is killed, one that is away is not; each status is acknowledged."""
        for state in LIVING:
            world = World()
            said(world, self.NAME, state)
            kill = KillTask(TaskIdText(self.NAME), AgentId("S1"))
            expected = [] if state is S.TASK_UNREACHABLE else [kill]
            self.assertEqual(world.did(KillTask), expected, state)
            self.assertEqual(len(world.did(AcknowledgeStatus)), 1)
            self.assertEqual(world.changes, [])

    def test_ended(self) -> None:
        """The end of one is told of by its names."""
        for state, condition in ENDS.items():
            world = World()
            said(world, self.NAME, state)
            (told,) = world.told(UnknownInstanceTerminated)
            self.assertEqual(told.instance_id, "shop_db.instance-0001")
            self.assertEqual((told.app_id, told.condition), ("/shop/db", condition))
            self.assertEqual(len(world.changes), 1)
            self.assertEqual(world.did(KillTask), [])
            self.assertEqual(len(world.did(AcknowledgeStatus)), 1)


class DelayTests(SynchronousTestCase):
    """What ends by itself delays the next launch."""

    def test_table(self) -> None:
        """Finished, failed, dropped, gone and wrong ones do; killed and unknown ones do not."""
        for state in ENDS:
            world, one = at(C.RUNNING)
            said(world, one, state)
            delays = state not in (S.TASK_KILLED, S.TASK_UNKNOWN)
            self.assertIs(one.app_id in world.state.delays, delays, state)

    def test_doomed(self) -> None:
        """An end that was wished for delays nothing."""
        world, one = at(C.RUNNING)
        world.run(kills.kill, one, "scaled down")
        said(world, one, S.TASK_FAILED)
        self.assertEqual(world.state.delays, {})
        (end,) = world.state.terminations[one.app_id].values()
        self.assertEqual(end.doom, "scaled down")

    def test_drained(self) -> None:
        """The end on an agent that is drained forgets delays: it is nobody's fault."""
        for state in (S.TASK_KILLED, S.TASK_FAILED, S.TASK_GONE):
            world, one = at(C.RUNNING)
            world.run(delays.failed, one.app_id, one.config)
            self.assertIn(one.app_id, world.state.delays)
            said(world, one, state, reason=R.REASON_AGENT_DRAINING)
            self.assertEqual(world.state.delays, {}, state)


class AwayTests(SynchronousTestCase):
    """Agents go away and come back."""

    def setUp(self) -> None:
        self.world = World()
        self.world.live.registered = True
        strategy = UnreachableStrategy(inactive_after_seconds=60, expunge_after_seconds=120)
        self.app = app(unreachable_strategy=strategy)
        self.one = instance(self.app, task_state=S.TASK_RUNNING)
        self.world.add(self.app, self.one)

    def now(self) -> Instance:
        return self.world.state.instances[self.one.id]

    def test_since(self) -> None:
        """It is away since the master says, and repeated words do not begin anew."""
        told = self.world.now.wall - 10
        time = TimeInfo(nanoseconds=int(told * 1e9))
        said(self.world, self.one, S.TASK_UNREACHABLE, unreachable_time=time)
        self.assertIs(self.now().condition, C.UNREACHABLE)
        self.assertEqual(self.now().unreachable_since, told)
        self.world.later(40)
        said(self.world, self.one, S.TASK_UNREACHABLE)
        self.assertEqual(self.now().unreachable_since, told)
        self.assertIs(self.now().condition, C.UNREACHABLE)
        self.world.later(20)
        said(self.world, self.one, S.TASK_UNREACHABLE)
        self.assertIs(self.now().condition, C.UNREACHABLE_INACTIVE)

    def test_clock_of_another(self) -> None:
        """A master whose clock is ahead does not put the wait off."""
        time = TimeInfo(nanoseconds=int((self.world.now.wall + 1000) * 1e9))
        said(self.world, self.one, S.TASK_UNREACHABLE, unreachable_time=time)
        self.assertEqual(self.now().unreachable_since, self.world.now.wall)

    def test_comes_back(self) -> None:
        """It runs on as before, and counts."""
        said(self.world, self.one, S.TASK_UNREACHABLE)
        self.world.later(100)
        said(self.world, self.one, S.TASK_UNREACHABLE)
        self.assertFalse(self.now().counts)
        said(self.world, self.one, S.TASK_RUNNING)
        self.assertTrue(self.now().counts)
        self.assertEqual(self.now().started_at, self.one.started_at)
        self.assertIsNone(self.now().unreachable_since)

    def test_doomed(self) -> None:
        """One that is being ended is not waited for; when it comes back it is killed."""
        self.world.run(kills.kill, self.one, "because")
        said(self.world, self.one, S.TASK_UNREACHABLE)
        self.assertEqual(self.world.state.instances, {})
        self.world.clear()
        said(self.world, self.one, S.TASK_RUNNING)
        self.assertEqual(len(self.world.did(KillTask)), 1)
        self.assertEqual(self.world.state.instances, {})


class AnyOrderTests(SynchronousTestCase):
    """Whatever comes in whatever order."""

    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 3), st.sampled_from(TaskState), st.sampled_from([None, True, False])
            ),
            max_size=30,
        )
    )
    def test_anything(self, words: list[tuple[int, TaskState, bool | None]]) -> None:
        """
        Nothing ends twice or revives, repeated words change nothing, all are acknowledged.

        The world checks its invariants after each.
        """
        world = World()
        world.live.registered = True
        of = app()
        those = [instance(of, C.PROVISIONED, number) for number in range(3)]
        world.add(of, *those)
        names = [one.task_id for one in those] + ["stranger.instance-1._app.1"]
        ended: set[int] = {3}
        for number, state, healthy in words:
            world.clear()
            said(world, names[number], state, healthy=healthy)
            if number in ended:
                moved = [c for c in world.changes if isinstance(c, InstanceChanged)]
                self.assertEqual(moved, [])
            if state in ENDS:
                ended.add(number)
            self.assertEqual(len(world.did(AcknowledgeStatus)), 1)
            alive = {n for n, one in enumerate(those) if one.id in world.state.instances}
            self.assertEqual(alive, {0, 1, 2} - ended)
            world.clear()
            said(world, names[number], state, healthy=healthy)
            self.assertEqual([c for c in world.changes if not isinstance(c, Told)], [])
        self.assertEqual(len(world.state.terminations.get(of.id, {})), len(ended) - 1)
