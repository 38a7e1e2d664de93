"""Instances are ended once, gently, and until they have ended."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.framework.exits import exit_status_of
from mesostw.core.marathon import kills
from mesostw.core.marathon.changes import AppRemoved
from mesostw.core.marathon.events import InstanceMoved, StatusUpdated
from mesostw.core.marathon.flags import KILL_CHUNK, KILL_RETRY_S, TERMINATIONS_MAX
from mesostw.core.marathon.records import Condition, Goal, Instance
from mesostw.core.marathon.terminations import UNHEALTHY, forgotten
from mesostw.core.marathon.words import KillDue
from mesostw.core.outcome import Arm, Disarm
from mesostw.core.scheduling import KillTask
from mesostw.model.apps import App, AppId
from mesostw.model.tasks import TaskState
from tests.core.marathon.builders import World, app, instance

C = Condition


def world(*things: App | Instance) -> World:
    """A world with a master."""
    made = World()
    made.live.registered = True
    made.add(*things)
    return made


class KillTests(SynchronousTestCase):
    """One instance is to end."""

    def setUp(self) -> None:
        self.app = app(task_kill_grace_period_seconds=7)
        self.one = instance(self.app)
        self.world = world(self.app, self.one)

    def test_said(self) -> None:
        """It is wished away, its task is killed with the app's grace, the app is looked at."""
        self.world.run(kills.kill, self.one, "scaled down")
        now = self.world.state.instances[self.one.id]
        self.assertEqual((now.goal, now.doom), (Goal.DECOMMISSIONED, "scaled down"))
        self.assertIs(now.condition, C.RUNNING)
        (said,) = self.world.did(KillTask)
        self.assertEqual((said.task_id, said.agent_id), (self.one.task_id, self.one.agent_id))
        assert said.policy is not None
        assert said.policy.grace_period is not None
        self.assertEqual(said.policy.grace_period.nanoseconds, 7_000_000_000)
        self.assertIn(self.app.id, self.world.live.marked)

    def test_default_grace(self) -> None:
        """Without a grace period of the app the agent's own holds."""
        plain = app("/b")
        one = instance(plain)
        self.world.add(plain, one)
        self.world.run(kills.kill, one, "because")
        self.assertEqual([said.policy for said in self.world.did(KillTask)], [None])

    def test_twice(self) -> None:
        """Asked again, also with an old record and another reason, nothing changes."""
        self.world.run(kills.kill, self.one, "scaled down")
        self.world.clear()
        self.world.live.marked.clear()
        self.world.run(kills.kill, self.one, "again")
        self.assertEqual((self.world.changes, self.world.effects), ([], []))
        self.assertEqual(self.world.state.instances[self.one.id].doom, "scaled down")
        self.assertEqual(self.world.live.marked, {})

    def test_gone(self) -> None:
        """An instance that is gone is not missed."""
        other = instance(self.app, number=2)
        self.world.run(kills.kill, other, "because")
        self.assertEqual((self.world.changes, self.world.effects), ([], []))

    def test_retry(self) -> None:
        """What has not ended is killed again after ``KILL_RETRY_S``, not before."""
        self.world.run(kills.kill, self.one, "because")
        self.world.later(KILL_RETRY_S - 1)
        self.world.run(kills.said_again)
        self.assertEqual(len(self.world.did(KillTask)), 1)
        self.world.later(1)
        self.world.run(kills.said_again)
        self.assertEqual(len(self.world.did(KillTask)), 2)
        self.world.run(kills.said_again)
        self.assertEqual(len(self.world.did(KillTask)), 2)

    def test_no_master(self) -> None:
        """Without a master the kill waits for one."""
        self.world.live.registered = False
        self.world.run(kills.kill, self.one, "because")
        self.world.run(kills.said_again)
        self.assertEqual(self.world.did(KillTask), [])
        self.world.live.registered = True
        self.world.run(kills.said_on)
        self.assertEqual(len(self.world.did(KillTask)), 1)

    def test_removed_app(self) -> None:
        """An instance of an app that is gone is killed as well, and its end is not kept."""
        self.world.change(AppRemoved(self.app.id))
        self.world.run(kills.kill, self.one, "removed")
        self.assertEqual(len(self.world.did(KillTask)), 1)
        self.world.run(kills.kill, self.one, "removed", wipe=True)
        self.assertEqual(self.world.state.terminations, {})
        self.assertEqual(self.world.state.instances, {})


class AwayTests(SynchronousTestCase):
    """Nobody can be asked to end what is away."""

    def test_forgotten(self) -> None:
        """It is forgotten at once and told of as killed."""
        for condition in (C.UNREACHABLE, C.UNREACHABLE_INACTIVE):
            of = app()
            one = instance(of, condition)
            there = world(of, one)
            there.run(kills.kill, one, "scaled down")
            self.assertEqual(there.state.instances, {})
            self.assertEqual(there.did(KillTask), [])
            self.assertEqual([e.condition for e in there.told(InstanceMoved)], [C.KILLED])
            (end,) = there.state.terminations[of.id].values()
            self.assertEqual((end.doom, end.is_failure), ("scaled down", False))

    def test_wiped(self) -> None:
        """What is wiped is killed and forgotten in one turn, also if it was being ended."""
        of = app(drain_delay_seconds=60)
        one = instance(of)
        there = world(of, one)
        there.run(kills.kill, one, "because")
        self.assertEqual(there.did(KillTask), [])
        there.run(kills.kill, one, "wiped", wipe=True)
        self.assertEqual(len(there.did(KillTask)), 1)
        self.assertEqual(there.state.instances, {})
        self.assertIn(Disarm(KillDue(one.id)), there.effects)


class DrainTests(SynchronousTestCase):
    """An instance is out of service for a while before it is killed."""

    def setUp(self) -> None:
        self.app = app(drain_delay_seconds=30)
        self.one = instance(self.app)
        self.world = world(self.app, self.one)

    def test_delay(self) -> None:
        """It is wished away at once, and killed when the delay is over."""
        self.world.run(kills.kill, self.one, "because")
        self.assertTrue(self.world.state.instances[self.one.id].is_doomed)
        self.assertEqual(self.world.did(KillTask), [])
        self.assertEqual(self.world.did(Arm), [Arm(KillDue(self.one.id), 30.0)])
        self.world.later(30)
        self.world.run(kills.due, KillDue(self.one.id))
        self.assertEqual(len(self.world.did(KillTask)), 1)

    def test_told(self) -> None:
        """It is told as being killed when the delay begins, so that it gets no new work."""
        self.world.run(kills.kill, self.one, "because")
        (said,) = self.world.told(StatusUpdated)
        self.assertEqual((said.task_id, said.task_state), (self.one.task_id, "TASK_KILLING"))
        self.assertIn("because", said.message)
        self.assertEqual([e.condition for e in self.world.told(InstanceMoved)], [C.KILLING])
        self.assertIs(self.world.state.instances[self.one.id].condition, C.RUNNING)

    def test_not_told(self) -> None:
        """What is killed at once is told by its statuses, what is wiped by its end."""
        starting = instance(self.app, C.STAGING, 2)
        self.world.add(starting)
        self.world.run(kills.kill, starting, "because")
        self.world.run(kills.kill, self.one, "because", wipe=True)
        self.assertEqual(self.world.told(StatusUpdated), [])
        self.assertEqual([e.condition for e in self.world.told(InstanceMoved)], [C.KILLED])

    def test_restart(self) -> None:
        """After a restart only what is left of the delay is waited for."""
        self.world.run(kills.kill, self.one, "because")
        self.world.later(10)
        again = self.world.restarted()
        again.live.registered = True
        again.run(kills.restored)
        self.assertEqual(again.did(Arm), [Arm(KillDue(self.one.id), 20.0)])
        again.later(25)
        third = again.restarted()
        third.live.registered = True
        third.run(kills.restored)
        self.assertEqual((third.did(Arm), len(third.did(KillTask))), ([], 1))

    def test_no_reason_to_drain(self) -> None:
        """What does not serve yet, or serves badly, is killed at once."""
        starting = instance(self.app, C.STAGING, 2)
        self.world.add(starting)
        self.world.run(kills.kill, starting, "because")
        self.world.run(kills.kill, self.one, UNHEALTHY + "500")
        self.assertEqual(len(self.world.did(KillTask)), 2)

    def test_ended_meanwhile(self) -> None:
        """A delay that is over when its instance has ended leads to nothing."""
        self.world.run(kills.due, KillDue(instance(self.app, number=9).id))
        self.world.run(kills.due, KillDue(self.one.id))
        self.assertEqual(self.world.effects, [])


class ManyTests(SynchronousTestCase):
    """Ten thousand kills neither block a turn nor take long."""

    def test_chunks(self) -> None:
        """A turn says ``KILL_CHUNK`` kills; the rest follow, each once."""
        of = app(instances=250)
        there = world(of, *(instance(of, number=number) for number in range(250)))
        for one in tuple(there.state.instances.values())[:250]:
            there.run(kills.kill, one, "because")
        self.assertEqual(len(there.did(KillTask)), 250)
        again = there.restarted()
        again.live.registered = True
        counts = []
        again.run(kills.restored)
        for _ in range(4):
            counts.append(len(again.did(KillTask)))
            again.clear()
            again.run(kills.said_on)
        self.assertEqual(counts, [KILL_CHUNK, KILL_CHUNK, 50, 0])


class TerminationTests(SynchronousTestCase):
    """The last ends of an app are known."""

    def test_bound(self) -> None:
        """``TERMINATIONS_MAX`` are kept, the newest, with numbers that go on."""
        of = app()
        there = world(of)
        for number in range(TERMINATIONS_MAX + 5):
            one = instance(of, C.UNREACHABLE, number)
            there.add(one)
            there.run(kills.kill, one, "because")
        numbers = list(there.state.terminations[of.id])
        self.assertEqual(numbers, list(range(6, TERMINATIONS_MAX + 6)))
        kept = [key for key in there.store if key.startswith("terminations")]
        self.assertEqual(len(kept), TERMINATIONS_MAX)
        there.run(forgotten, AppId("/a"))
        kept = [key for key in there.store if key.startswith("terminations")]
        self.assertEqual(kept, [])

    def test_exit_status(self) -> None:
        """As a shell would tell it; nothing is made up."""
        s = TaskState
        for state, message, status in (
            (s.TASK_FINISHED, "Command exited with status 0", 0),
            (s.TASK_FINISHED, "", 0),
            (s.TASK_FAILED, "Command exited with status 3", 3),
            (s.TASK_KILLED, "Command terminated with signal Terminated", 143),
            (s.TASK_FAILED, "Command terminated with signal Killed (core dumped)", 137),
            (s.TASK_FAILED, "Command terminated with signal User defined signal 1", 138),
            (s.TASK_FAILED, "Command terminated with signal 64", 192),
            (s.TASK_FAILED, "Command terminated with signal Strange", None),
            (s.TASK_FAILED, "Container launch failed", None),
            (s.TASK_LOST, "", None),
        ):
            self.assertEqual(exit_status_of(state, message), status, message)
