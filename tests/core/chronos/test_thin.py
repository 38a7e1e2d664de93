"""A job's instant becomes a run, is launched, ends and is counted, wherever a life ends."""

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.changes import RunChanged, StandingChanged
from mesostw.core.chronos.records import Cause, RunState
from mesostw.core.scheduling import AcceptOffers
from mesostw.model.jobs import Concurrency
from mesostw.model.tasks import TaskState
from tests.core.chronos.builders import WALL, minutely
from tests.core.chronos.world import World


class ThinTests(SynchronousTestCase):
    """The whole way of one instant."""

    def test_way(self) -> None:
        """A run is made at its instant, launched, and its end counts once."""
        world = World()
        world.put(minutely())
        self.assertEqual(world.runs(), [])
        world.advance(11)
        (run,) = world.runs()
        self.assertEqual((run.state, run.cause, run.attempt), (RunState.RUNNING, Cause.CLOCK, 0))
        self.assertEqual(run.instant, int((WALL + 10) * 1000))
        assert run.launched_at is not None
        self.assertLess(run.launched_at - run.instant / 1000, 0.5)
        world.finish(run)
        self.assertEqual(world.states(), ["succeeded"])
        standing = world.standing()
        self.assertEqual((standing.success_count, standing.passed), (1, 1))
        self.assertEqual(standing.due, int((WALL + 70) * 1000))
        world.advance(60)
        self.assertEqual(world.states(), ["succeeded", "running"])

    def test_made_and_advanced_together(self) -> None:
        """The run and the standing that advanced by it come out of one stimulus."""
        world = World()
        world.put(minutely())
        turns: list[tuple[bool, bool]] = []
        hear = world.core.hear

        def heard(stimulus, now):  # type: ignore[no-untyped-def]
            outcome = hear(stimulus, now)
            kinds = [type(change) for change in outcome.changes]
            advanced = any(
                isinstance(change, StandingChanged) and change.standing.passed
                for change in outcome.changes
            )
            turns.append((RunChanged in kinds and advanced, advanced))
            return outcome

        world.core.hear = heard  # type: ignore[method-assign]
        world.advance(11)
        self.assertEqual([one for one in turns if one[1]][:1], [(True, True)])

    def test_kept_before_it_is_sent(self) -> None:
        """What is sent to the master is kept in the turn that sends it."""
        world = World()
        world.put(minutely())
        world.advance(9)
        world.effects.clear()
        world.changes.clear()
        world.advance(2)
        accepts = [one for one in world.effects if isinstance(one, AcceptOffers)]
        tasks = [
            task.task_id.value
            for one in accepts
            for operation in one.operations
            for task in (() if operation.launch is None else operation.launch.task_infos)
        ]
        kept = [
            change.run.task_id
            for change in world.changes
            if isinstance(change, RunChanged) and change.run.state is RunState.LAUNCHING
        ]
        self.assertEqual(tasks, kept)
        self.assertEqual(len(tasks), 1)


class CrashTests(SynchronousTestCase):
    """A life ends between any two words; the next goes on."""

    def _through(self, crash: int, *, writes: bool) -> World:
        """The whole way, with a crash at the word numbered ``crash``: what it led to is lost."""
        world = World()
        world.put(minutely())
        count = 0
        took = world._took

        def taken(outcome):  # type: ignore[no-untyped-def]
            nonlocal count
            count += 1
            if count == crash:
                if writes:
                    for change in outcome.changes:
                        world.keep(change)
                world.performs = False
                world.pending.clear()
                raise Crash
            took(outcome)

        world._took = taken  # type: ignore[method-assign]
        for _ in range(40):
            try:
                world.advance(1)
                if world.runs("a", RunState.RUNNING):
                    world.finish_all()
            except Crash:
                world.restart()
        self.crashed = count >= crash
        return world

    def test_everywhere(self) -> None:
        """The instant is served once, and nothing runs twice, wherever the life ends."""
        for writes in (False, True):
            for crash in range(1, 200):
                world = self._through(crash, writes=writes)
                if not self.crashed:
                    break
                ended = world.runs("a", RunState.SUCCEEDED)
                where = f"crash {crash}, kept {writes}: {world.states()}"
                self.assertEqual(len(world.runs()), 1, where)
                self.assertEqual(len(ended), 1, where)
                self.assertEqual(world.standing().success_count, 1, where)
                self.assertEqual(world.master.tasks, {}, where)


class Crash(Exception):
    """A life of Chronos ends."""


class UnsureTests(SynchronousTestCase):
    """What an earlier life has launched is asked after before anything else is started."""

    def test_lost_launch(self) -> None:
        """A launch that never left is launched again: the same run, another task."""
        world = World(auto=False)
        world.put(minutely())
        world.advance(11)
        (run,) = world.runs()
        self.assertEqual(run.state, RunState.LAUNCHING)
        world.master.tasks.clear()
        world.master.states.clear()
        world.restart()
        world.advance(5)
        (again,) = world.runs()
        self.assertEqual((again.id, again.launch, again.attempt), (run.id, 2, 0))
        self.assertEqual(list(world.master.tasks), [again.task_id])

    def test_silence(self) -> None:
        """As long as the master says nothing, nothing of a job that may not overlap starts."""
        world = World()
        world.put(minutely(concurrency=Concurrency.QUEUE))
        world.advance(11)
        (run,) = world.runs()
        task_id = run.task_id
        assert task_id is not None
        world._answer = lambda task_id: None  # type: ignore[method-assign]
        world.restart()
        world.advance(120)
        self.assertEqual(world.states()[0], "running")
        self.assertEqual(len(world.runs("a", RunState.WAITING)), 1)
        world.say(task_id, TaskState.TASK_FINISHED)
        world.advance(5)
        self.assertEqual(len(world.runs("a", RunState.RUNNING)), 1)
