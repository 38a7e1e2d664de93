"""Instances whose agents are away are replaced and forgotten in their time, and no sooner."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.framework.places import Place
from mesostw.core.marathon import registration, timeouts, unreachable
from mesostw.core.marathon.events import InstanceMoved
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.launchbook import KnownAgent
from mesostw.core.marathon.records import Condition, Instance
from mesostw.core.scheduling import AgentFailed, KillTask, Registered
from mesostw.model.apps import UnreachableStrategy
from mesostw.model.ids import AgentId, ExecutorId, FrameworkId
from mesostw.model.tasks import TaskState
from tests.core.marathon.builders import World, app, instance
from tests.core.marathon.test_statuses import said

C = Condition


def strategy(inactive: int, expunge: int) -> UnreachableStrategy:
    """Seconds until what is away is replaced, and until it is forgotten."""
    return UnreachableStrategy(inactive_after_seconds=inactive, expunge_after_seconds=expunge)


class AwayTests(SynchronousTestCase):
    """Time decides about what is away."""

    def away(self, condition: Condition = C.UNREACHABLE, **spec: Any) -> World:
        """An instance that has just become unreachable, and a Marathon that has just looked."""
        world = World()
        world.live.registered = True
        of = app(**spec)
        world.run(unreachable.ticked)
        world.add(of, instance(of, condition, unreachable_since=world.now.wall))
        return world

    def passed(self, world: World, seconds: int) -> None:
        """Let the clock tick each second."""
        for _ in range(seconds):
            world.later(1)
            world.run(unreachable.ticked)

    def one(self, world: World) -> Instance | None:
        return next(iter(world.state.instances.values()), None)

    def test_replaced_then_forgotten(self) -> None:
        """With 60 and 120 s it is inactive after a minute, and forgotten after two or so."""
        world = self.away(unreachable_strategy=strategy(60, 120))
        self.passed(world, 59)
        self.assertEqual((world.changes, world.live.marked), ([], {}))
        self.passed(world, 6)
        one = self.one(world)
        assert one is not None
        self.assertIs(one.condition, C.UNREACHABLE_INACTIVE)
        self.assertFalse(one.counts)
        self.assertEqual([e.condition for e in world.told(InstanceMoved)], [one.condition])
        self.assertIn(one.app_id, world.live.marked)
        self.passed(world, 54)
        self.assertIsNotNone(self.one(world))
        self.passed(world, 31)
        self.assertIsNone(self.one(world))
        self.assertEqual(world.did(KillTask), [])
        (end,) = world.state.terminations[one.app_id].values()
        self.assertEqual((end.instance_id, end.is_failure, end.doom), (one.id, False, ""))

    def test_default(self) -> None:
        """With {0, 0} it is forgotten within 30 s."""
        world = self.away(C.UNREACHABLE_INACTIVE)
        self.passed(world, 30)
        self.assertIsNone(self.one(world))

    def test_disabled(self) -> None:
        """With "disabled" it stays for ever and is never replaced."""
        world = self.away(unreachable_strategy=None)
        self.passed(world, 1000)
        one = self.one(world)
        assert one is not None
        self.assertIs(one.condition, C.UNREACHABLE)
        self.assertTrue(one.counts)

    def test_away_since_unknown(self) -> None:
        """Without a time of its going it is not judged before there is one."""
        world = self.away(unreachable_strategy=strategy(5, 10))
        one = self.one(world)
        assert one is not None
        self.assertIs(world.run(unreachable.condition_of, one, world.now.wall), C.UNREACHABLE)
        five_ago = world.now.wall - 5
        self.assertIs(world.run(unreachable.condition_of, one, five_ago), C.UNREACHABLE_INACTIVE)

    def test_of_removed_app(self) -> None:
        """What nobody wishes any more is forgotten at the next look, whatever its app said."""
        world = World()
        world.live.registered = True
        world.run(unreachable.ticked)
        of = app(unreachable_strategy=None)
        world.add(instance(of, C.UNREACHABLE, unreachable_since=world.now.wall))
        self.passed(world, 30)
        self.assertIsNone(self.one(world))

    def test_no_master(self) -> None:
        """While there is no master, and until one has been asked, nothing is believed lost."""
        world = self.away(unreachable_strategy=strategy(10, 20))
        world.live.registered = False
        self.passed(world, 1000)
        self.assertEqual(world.changes, [])
        world.run(registration.registered, Registered(FrameworkId("M-0000"), None))
        self.passed(world, 19)
        one = self.one(world)
        assert one is not None
        self.assertIs(one.condition, C.UNREACHABLE)
        self.passed(world, 1)
        one = self.one(world)
        assert one is not None
        self.assertIs(one.condition, C.UNREACHABLE_INACTIVE)
        self.passed(world, 24)
        self.assertIsNotNone(self.one(world))
        self.passed(world, 1)
        self.assertIsNone(self.one(world))

    def test_others(self) -> None:
        """What is not away is left alone."""
        world = World()
        world.live.registered = True
        of = app()
        living = (C.PROVISIONED, C.STAGING, C.STARTING, C.RUNNING, C.KILLING)
        world.add(of, *(instance(of, c, n) for n, c in enumerate(living, 1)))
        self.passed(world, 100)
        self.assertEqual(world.changes, [])


class LostAgentTests(SynchronousTestCase):
    """An agent that is lost has no place for an instance of an app that is everywhere."""

    def setUp(self) -> None:
        self.world = World()
        self.world.live.registered = True
        self.world.live.launch.agents[AgentId("S1")] = KnownAgent(
            Place(AgentId("S1"), "n1", {}), {}
        )

    def test_lost(self) -> None:
        """It is known no more when the master says so, or a task of it is unreachable."""
        self.world.run(unreachable.agent_failed, AgentFailed(AgentId("S1"), None, None))
        self.assertEqual(self.world.live.launch.agents, {})

    def test_executor(self) -> None:
        """The end of an executor is not that of its agent."""
        ended = AgentFailed(AgentId("S1"), ExecutorId("e"), 0)
        self.world.run(unreachable.agent_failed, ended)
        self.assertIn(AgentId("S1"), self.world.live.launch.agents)

    def test_status(self) -> None:
        """A task that is unreachable says as much of its agent."""
        of = app()
        one = instance(of)
        self.world.add(of, one)
        said(self.world, one, TaskState.TASK_UNREACHABLE)
        self.assertEqual(self.world.live.launch.agents, {})


class TimeOutTests(SynchronousTestCase):
    """A launch that takes too long is given up."""

    def setUp(self) -> None:
        self.world = World(
            MarathonFlags(task_launch_timeout_s=60.0, task_launch_confirm_timeout_s=30.0)
        )
        self.world.live.registered = True
        self.app = app()
        self.world.add(self.app)

    def dooms(self) -> dict[Condition, int]:
        """Seconds until an instance of each condition is doomed, in 100 s; to 5 s."""
        now = self.world.now.wall
        for number, condition in enumerate(
            (C.PROVISIONED, C.STAGING, C.STARTING, C.RUNNING, C.KILLING, C.UNREACHABLE), 1
        ):
            self.world.add(instance(self.app, condition, number, since=now, staged_at=now))
        found: dict[Condition, int] = {}
        for passed in range(1, 100):
            self.world.later(1)
            self.world.run(timeouts.ticked)
            for one in self.world.state.instances.values():
                if one.is_doomed:
                    found.setdefault(one.condition, passed // 5 * 5)
        return found

    def test_table(self) -> None:
        """What is not confirmed, and what does not become running, is killed."""
        self.assertEqual(self.dooms(), {C.PROVISIONED: 30, C.STAGING: 60, C.STARTING: 60})
        self.assertEqual(len({kill.task_id for kill in self.world.did(KillTask)}), 3)

    def test_no_master(self) -> None:
        """While there is no master, and until one has been asked, nothing is late."""
        self.world.live.registered = False
        self.world.add(instance(self.app, C.PROVISIONED, since=self.world.now.wall))
        self.world.later(1000)
        self.world.run(timeouts.ticked)
        self.world.run(registration.registered, Registered(FrameworkId("M-0000"), None))
        self.world.clear()
        self.world.later(19)
        self.world.run(timeouts.ticked)
        self.assertEqual(self.world.effects, [])
        self.world.later(1)
        self.world.run(timeouts.ticked)
        self.assertEqual(len(self.world.did(KillTask)), 1)
