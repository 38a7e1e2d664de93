"""What happens to a run that is due while another of its job has not ended."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.records import Cause, RunState, Skip
from mesostw.core.chronos.words import Begun, RunAsked
from mesostw.core.framework.refusing import Unfit
from mesostw.model.jobs import CatchUp, Concurrency, JobName
from mesostw.model.tasks import TaskState
from tests.core.chronos.builders import minutely
from tests.core.chronos.world import World

A = JobName("a")


class ConcurrencyTests(SynchronousTestCase):
    """Each policy, with a run that takes longer than a period."""

    def _world(self, concurrency: Concurrency, minutes: int = 3, **fields: Any) -> World:
        world = World()
        world.put(minutely(concurrency=concurrency, **fields))
        world.advance(11 + 60 * minutes)
        return world

    def test_allow(self) -> None:
        """All run at once."""
        world = self._world(Concurrency.ALLOW)
        self.assertEqual(world.states(), ["running"] * 4)

    def test_skip(self) -> None:
        """Those that come meanwhile are skipped, in one record that counts them."""
        world = self._world(Concurrency.SKIP)
        self.assertEqual(world.states(), ["running", "skipped", "skipped", "skipped"])
        self.assertEqual({run.skip for run in world.runs("a", RunState.SKIPPED)}, {Skip.BUSY})
        world.finish_all()
        world.advance(60)
        self.assertEqual(len(world.runs("a", RunState.RUNNING)), 1)

    def test_queue(self) -> None:
        """The newest waits, and stands for those that came before it."""
        world = self._world(Concurrency.QUEUE)
        self.assertEqual(world.states(), ["running", "skipped", "skipped", "waiting"])
        self.assertEqual({run.skip for run in world.runs("a", RunState.SKIPPED)}, {Skip.MERGED})
        world.finish_all()
        world.advance(5)
        self.assertEqual(world.states()[-1], "running")

    def test_queue_all(self) -> None:
        """With all to be caught up with, they wait in order and run one by one."""
        world = self._world(Concurrency.QUEUE, catch_up=CatchUp.ALL)
        for done in range(4):
            behind, ahead = ["succeeded"] * done, ["waiting"] * (3 - done)
            self.assertEqual(world.states(), [*behind, "running", *ahead])
            world.finish_all()
            world.advance(2)
        self.assertEqual(world.states(), ["succeeded"] * 4)

    def test_replace(self) -> None:
        """The running one is killed, and only when it has ended the newer one begins."""
        world = World(auto=False)
        world.put(minutely(concurrency=Concurrency.REPLACE))
        world.advance(11)
        (task_id,) = world.master.tasks
        world.say(task_id, TaskState.TASK_STAGING)
        (first,) = world.runs()
        world.advance(60)
        self.assertEqual(world.states(), ["staging", "waiting"])
        self.assertEqual(world.run(first).doom, "Replaced by a newer run")
        world.finish(first, TaskState.TASK_KILLED)
        world.advance(3)
        self.assertEqual(world.states(), ["killed", "launching"])

    def test_retry_is_in_the_way(self) -> None:
        """A run that waits to be tried again keeps others of its job from running."""
        world = World()
        world.put(minutely(concurrency=Concurrency.QUEUE, retry_delay_seconds=90))
        world.advance(11)
        world.finish_all(TaskState.TASK_FAILED)
        world.advance(60)
        self.assertEqual(world.states(), ["failed", "waiting", "waiting"])
        world.advance(32)
        self.assertEqual(world.states(), ["failed", "running", "waiting"])


class LaunchedAgainTests(SynchronousTestCase):
    """Runs that were launched, of which the master knows nothing, when their job was another."""

    def _forgotten(self, concurrency: Concurrency, count: int = 3) -> World:
        """Of three that were launched while they might overlap, so many came to nothing."""
        world = World(auto=False)
        world.put(minutely(concurrency=Concurrency.ALLOW))
        world.advance(11)
        for _ in range(2):
            world.ask(RunAsked(name=A))
            world.advance(2)
        self.assertEqual(world.states(), ["launching"] * 3)
        world.put(minutely(concurrency=concurrency))
        for task_id in list(world.master.tasks)[:count]:
            del world.master.tasks[task_id], world.master.states[task_id]
        world.lose_master()
        world.register()
        world.advance(2)
        return world

    def test_allow(self) -> None:
        """All at once, where they still may."""
        world = self._forgotten(Concurrency.ALLOW)
        self.assertEqual([run.launch for run in world.runs()], [2, 2, 2])
        self.assertEqual(len(world.master.tasks), 3)

    def test_one_by_one(self) -> None:
        """The oldest first, where they may overlap no more; nothing goes beside them."""
        world = self._forgotten(Concurrency.QUEUE)
        for launches in ([2, 1, 1], [2, 2, 1], [2, 2, 2]):
            self.assertEqual([run.launch for run in world.runs()], launches)
            self.assertEqual(len(world.master.tasks), 1)
            world.finish_all()
            world.advance(2)
        self.assertEqual(world.states(), ["succeeded"] * 3)

    def test_one_is_there(self) -> None:
        """None, while the master knows of another one."""
        world = self._forgotten(Concurrency.QUEUE, count=2)
        first, second, third = world.runs()
        self.assertEqual([run.launch for run in world.runs()], [1, 1, 1])
        world.finish(third)
        world.advance(2)
        self.assertEqual([world.run(one).launch for one in (first, second)], [2, 1])


class AskedTests(SynchronousTestCase):
    """Runs that somebody asks for."""

    def test_beside(self) -> None:
        """They wait beside those of the clock, and none stands for the other."""
        world = World()
        world.put(minutely(concurrency=Concurrency.QUEUE))
        world.advance(11)
        for _ in range(2):
            self.assertIsInstance(world.ask(RunAsked(name=A)), Begun)
        world.advance(120)
        causes = [run.cause for run in world.runs("a", RunState.WAITING)]
        self.assertEqual(causes, [Cause.MANUAL, Cause.MANUAL, Cause.CLOCK])
        self.assertEqual(len({run.instant for run in world.runs()}), len(world.runs()))

    def test_busy(self) -> None:
        """A job that skips is not run beside itself, and a lenient question is told why."""
        world = World()
        world.put(minutely(concurrency=Concurrency.SKIP))
        world.advance(11)
        refused = world.ask(RunAsked(name=A))
        assert isinstance(refused, Unfit)
        self.assertEqual(refused.reason, "locked")
        lenient = world.ask(RunAsked(name=A, lenient=True))
        self.assertEqual((lenient.runs, lenient.note), ((), refused.message))

    def test_disabled(self) -> None:
        """A disabled job is not run by hand either."""
        world = World()
        world.put(minutely(disabled=True))
        refused = world.ask(RunAsked(name=A))
        assert isinstance(refused, Unfit)
        self.assertIn("enable it first", refused.message)

    def test_arguments(self) -> None:
        """What is asked for replaces the job's arguments, and reaches the command."""
        world = World()
        world.put(minutely(arguments=("x",)))
        world.ask(RunAsked(name=A, arguments="a; b", environment={"K": "v"}))
        (task,) = world.master.tasks.values()
        assert task.command is not None
        assert task.command.environment is not None
        self.assertEqual(task.command.value, "true a b")
        variables = {one.name: one.value for one in task.command.environment.variables}
        self.assertEqual(variables["K"], "v")
