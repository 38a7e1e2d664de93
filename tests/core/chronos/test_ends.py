"""What follows from the end of a run: counters, retries, dependents, history."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.records import Cause, RunState
from mesostw.core.chronos.words import (
    JobKillAsked,
    MarkAsked,
    ProgressAsked,
    RerunAsked,
    RunAsked,
    RunKillAsked,
    VerdictAsked,
)
from mesostw.core.framework.refusing import Unfit
from mesostw.model.ids import TaskId
from mesostw.model.jobs import JobName, JobSpec, Trigger
from mesostw.model.tasks import TaskState
from tests.core.chronos.builders import minutely, spec
from tests.core.chronos.world import World

A, B, C = JobName("a"), JobName("b"), JobName("c")


def child(name: str, *parents: str, **fields: Any) -> JobSpec:
    """A dependent job."""
    names = tuple(map(JobName, parents))
    return JobSpec(name=JobName(name), command="true", parents=names, **fields)


class RetryTests(SynchronousTestCase):
    """Attempts at one instant."""

    def test_retried(self) -> None:
        """A failure is tried again after the delay, as often as the job says, then counts."""
        world = World(ChronosFlags(failure_retry_s=30))
        world.put(minutely(count=1, retries=2))
        world.advance(11)
        for attempt in range(3):
            (run,) = world.runs("a", RunState.RUNNING)
            self.assertEqual(run.attempt, attempt)
            self.assertEqual(world.standing().error_count, 0)
            world.finish(run, TaskState.TASK_FAILED)
            world.advance(29)
            self.assertEqual(world.runs("a", RunState.RUNNING), [])
            world.advance(3)
        self.assertEqual(world.states(), ["failed"] * 3)
        self.assertEqual(len({run.instant for run in world.runs()}), 1)
        standing = world.standing()
        self.assertEqual((standing.error_count, standing.errors_since_last_success), (1, 1))
        self.assertEqual(world.run(world.runs()[0]).exit_status, 1)

    def test_every_instant(self) -> None:
        """A failed instant takes no attempt from the next one."""
        world = World(ChronosFlags(failure_retry_s=1))
        world.put(minutely(retries=1))
        world.advance(11)
        for _ in range(2):
            world.finish_all(TaskState.TASK_FAILED)
            world.advance(4)
        world.advance(60)
        world.finish_all(TaskState.TASK_FAILED)
        self.assertEqual(len(world.runs("a", RunState.WAITING)), 1)

    def test_restart(self) -> None:
        """A retry waits on through the end of a life."""
        world = World(ChronosFlags(failure_retry_s=30))
        world.put(minutely(retries=1))
        world.advance(11)
        world.finish_all(TaskState.TASK_FAILED)
        world.restart()
        world.advance(20)
        self.assertEqual(world.states(), ["failed", "waiting"])
        world.advance(12)
        self.assertEqual(world.states(), ["failed", "running"])

    def test_longer_each_time(self) -> None:
        """With a factor each delay is longer, up to the longest, and a little by chance."""
        world = World()
        world.put(
            minutely(
                count=1,
                retries=3,
                retry_delay_seconds=10,
                retry_factor=4,
                retry_delay_max_seconds=60,
            )
        )
        world.advance(11)
        delays = []
        for _ in range(3):
            world.finish_all(TaskState.TASK_FAILED)
            (run,) = world.runs("a", RunState.WAITING)
            delays.append(run.not_before - run.made)
            world.advance(70)
        for delay, least in zip(delays, (10, 40, 60), strict=True):
            self.assertGreaterEqual(delay, least)
            self.assertLessEqual(delay, least * 1.1)

    def test_disabled_by_failures(self) -> None:
        """So many failures in a row disable a job, and nothing enables it again."""
        world = World()
        world.put(minutely(retries=0, disable_after_failures=2))
        world.advance(11)
        world.finish_all(TaskState.TASK_FAILED)
        self.assertFalse(world.core.state.jobs[A].spec.disabled)
        world.advance(60)
        world.finish_all(TaskState.TASK_FAILED)
        self.assertTrue(world.core.state.jobs[A].spec.disabled)
        self.assertEqual(world.standing().disabled_because, "failures")
        world.advance(120)
        self.assertEqual(world.states(), ["failed", "failed"])


class KillTests(SynchronousTestCase):
    """Runs that somebody ends."""

    def setUp(self) -> None:
        self.world = World()
        self.world.put(minutely())
        self.world.put(child("c", "a"))
        self.world.advance(11)
        (self.run_,) = self.world.runs()

    def test_killed(self) -> None:
        """It counts for nothing: no retry, no error, no dependent."""
        answer = self.world.ask(JobKillAsked(name=A, by="me"))
        self.assertEqual(answer.runs, (self.run_.id,))
        self.assertEqual(self.world.states(), ["killed"])
        self.assertIn("Killed by me", self.world.run(self.run_).message)
        self.assertEqual(self.world.standing().error_count, 0)
        self.assertEqual(self.world.runs("c"), [])

    def test_not_ours(self) -> None:
        """A kill that nobody here asked for is a failure."""
        self.world.finish(self.run_, TaskState.TASK_KILLED)
        self.assertEqual(self.world.states(), ["failed", "waiting"])

    def test_again(self) -> None:
        """A kill is said again until the run has ended, and an ended one is not killed."""
        self.world.auto = False
        self.world.ask(RunKillAsked(run_id=self.run_.id))
        self.world.auto = True
        self.world.advance(31)
        self.assertEqual(self.world.states(), ["killed"])
        refused = self.world.ask(RunKillAsked(run_id=self.run_.id))
        assert isinstance(refused, Unfit)
        self.assertEqual(refused.reason, "locked")

    def test_rerun(self) -> None:
        """An ended run is run again for the same instant, as its next attempt."""
        self.assertIsInstance(self.world.ask(RerunAsked(run_id=self.run_.id)), Unfit)
        self.world.finish(self.run_)
        (again,) = self.world.ask(RerunAsked(run_id=self.run_.id)).runs
        self.assertEqual((again.instant, again.attempt), (self.run_.instant, 1))
        self.assertEqual(again.retries, self.run_.id)

    def test_removed(self) -> None:
        """A removed job's run is killed, counts for nothing, and is forgotten."""
        self.world.remove("c")
        self.world.remove("a")
        self.assertEqual(self.world.master.tasks, {})
        self.assertEqual(self.world.runs(), [])
        self.assertEqual([key for key in self.world.store if key.startswith("runs/")], [])


class DependentTests(SynchronousTestCase):
    """Jobs that run after others."""

    def _world(self, *specs: JobSpec) -> World:
        world = World()
        for one in specs:
            world.put(one)
        return world

    def _succeed(self, world: World, name: JobName) -> None:
        world.ask(RunAsked(name=name))
        world.advance(2)
        for run in world.runs(name, RunState.RUNNING):
            world.finish(run)
        world.advance(2)

    def test_each(self) -> None:
        """One parent fires its dependent at each success, and is told to it."""
        world = self._world(spec("a"), child("c", "a"))
        self._succeed(world, A)
        (run,) = world.runs("c")
        self.assertEqual((run.cause, run.state), (Cause.PARENTS, RunState.RUNNING))
        ((name, parent_id),) = run.parents
        parent = world.core.state.runs[parent_id]
        self.assertEqual((name, parent.state), (A, RunState.SUCCEEDED))
        assert run.task_id is not None
        command = world.master.tasks[run.task_id].command
        assert command is not None
        assert command.environment is not None
        variables = {one.name: one.value for one in command.environment.variables}
        self.assertEqual(variables["CHRONOS_PARENT_RUNS"], f"a={parent.id}")

    def test_all(self) -> None:
        """All parents must have succeeded since it was last fired, however often each did."""
        world = self._world(spec("a"), spec("b"), child("c", "a", "b"))
        for _ in range(3):
            self._succeed(world, A)
        self.assertEqual(world.runs("c"), [])
        world.restart()
        self._succeed(world, B)
        self.assertEqual(len(world.runs("c")), 1)
        self._succeed(world, B)
        self.assertEqual(len(world.runs("c")), 1)
        self.assertEqual([one.parent for one in world.standing("c").arrived], [B])

    def test_failure(self) -> None:
        """A failure with all its retries fires those that want that, a success the others."""
        world = self._world(
            minutely(retries=1, retry_delay_seconds=1),
            child("c", "a"),
            child("f", "a", trigger=Trigger.FAILURE),
            child("e", "a", trigger=Trigger.ALWAYS),
        )
        world.advance(11)
        world.finish_all(TaskState.TASK_FAILED)
        self.assertEqual(world.runs("f"), [])
        world.advance(3)
        for run in world.runs("a", RunState.RUNNING):
            world.finish(run, TaskState.TASK_FAILED)
        world.advance(1)
        self.assertEqual([len(world.runs(name)) for name in "cfe"], [0, 1, 1])

    def test_soft_error(self) -> None:
        """With a soft error a failure counts as one, and fires dependents as a success."""
        world = self._world(minutely(retries=0, soft_error=True), child("c", "a"))
        world.advance(11)
        world.finish_all(TaskState.TASK_FAILED)
        self.assertEqual((len(world.runs("c")), world.standing().error_count), (1, 1))

    def test_marked(self) -> None:
        """A success that somebody says fires dependents, and nothing runs."""
        world = self._world(spec("a"), child("c", "a"))
        (run,) = world.ask(MarkAsked(name=A)).runs
        self.assertEqual((run.state, run.cause), (RunState.SUCCEEDED, Cause.MARKED))
        self.assertEqual(len(world.runs("c")), 1)
        self.assertEqual(world.standing().success_count, 1)

    def test_disabled(self) -> None:
        """A disabled dependent keeps what arrives, and runs once it is enabled."""
        world = self._world(spec("a"), child("c", "a", disabled=True))
        self._succeed(world, A)
        self.assertEqual(world.runs("c"), [])
        world.put(child("c", "a"))
        self.assertEqual(len(world.runs("c")), 1)

    def test_edges(self) -> None:
        """A new parent has not arrived; one that goes is waited for no more."""
        world = self._world(spec("a"), spec("b"), child("c", "a", "b"))
        self._succeed(world, A)
        world.put(child("c", "a", "b", "d"))
        self.assertEqual(world.runs("c"), [])
        world.put(child("c", "a"))
        self.assertEqual(len(world.runs("c")), 1)
        world.put(child("c", "a", "b"))
        world.put(child("c", "b"))
        self.assertEqual(len(world.runs("c")), 1)

    def test_merged(self) -> None:
        """Runs that are fired while one runs are one, which follows all their parents."""
        world = self._world(spec("a"), spec("b"), child("c", "a", "b", trigger=Trigger.ALWAYS))
        for _ in range(3):
            self._succeed(world, A)
            world.ask(MarkAsked(name=B))
            world.advance(2)
        self.assertEqual(world.states("c"), ["running", "skipped", "waiting"])


class HistoryTests(SynchronousTestCase):
    """Ended runs that are kept."""

    def test_limit(self) -> None:
        """Only the last so many are kept, in the store too."""
        world = World()
        world.put(minutely(history_limit=3))
        for _ in range(6):
            world.advance(60)
            world.finish_all()
        self.assertEqual(world.states(), ["succeeded"] * 3)
        self.assertEqual(world.standing().success_count, 6)
        self.assertEqual(len([key for key in world.store if key.startswith("runs/")]), 3)


class AsynchronousTests(SynchronousTestCase):
    """Jobs that say themselves how they ended, and what they have done."""

    def test_verdict(self) -> None:
        """The end of the task is awaited on; the verdict ends the run, once."""
        world = World()
        world.put(minutely(is_async=True))
        world.advance(11)
        (run,) = world.runs()
        assert run.task_id is not None
        world.finish(run)
        self.assertEqual(world.states(), ["awaited"])
        world.restart()
        world.advance(5)
        self.assertEqual(world.states(), ["awaited"])
        verdict = VerdictAsked(task_id=run.task_id, status_code=0)
        world.ask(verdict)
        self.assertEqual(world.states(), ["succeeded"])
        self.assertIsInstance(world.ask(verdict), Unfit)

    def test_bad_verdict(self) -> None:
        """A verdict other than 0 is a failure that is tried again; other jobs take none."""
        world = World()
        world.put(minutely(is_async=True))
        world.put(minutely("b"))
        world.advance(11)
        for name in ("a", "b"):
            (run,) = world.runs(name)
            assert run.task_id is not None
            world.ask(VerdictAsked(task_id=run.task_id, status_code=2))
        self.assertEqual(world.states(), ["failed", "waiting"])
        self.assertEqual(world.states("b"), ["running"])

    def test_progress(self) -> None:
        """What a run has done is added up."""
        world = World()
        world.put(minutely(data_processing_job_type=True))
        world.advance(11)
        (run,) = world.runs()
        assert run.task_id is not None
        for _ in range(2):
            world.ask(ProgressAsked(name=A, task_id=run.task_id, elements=5))
        self.assertEqual(world.run(run).elements, 10)
        unknown = ProgressAsked(name=A, task_id=TaskId("x"), elements=5)
        self.assertIsInstance(world.ask(unknown), Unfit)
