"""Which instants are served that passed while nobody could, and what is kept of others."""

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.records import RunState, Skip
from mesostw.core.chronos.words import PauseAsked, RunAsked
from mesostw.model.jobs import CatchUp, Concurrency, JobName, JobSpec
from mesostw.model.tasks import TaskState
from tests.core.chronos.builders import WALL, minutely
from tests.core.chronos.world import World


def _instants(world: World) -> list[tuple[str, float, int]]:
    """State, minutes after the beginning, and how many instants each record stands for."""
    return [
        (run.skip.value if run.skip else run.state.value, run.instant / 1000 - WALL, run.skipped)
        for run in world.runs()
    ]


class CatchUpTests(SynchronousTestCase):
    """A life that begins an hour late."""

    def _late(self, spec: JobSpec, seconds: float = 600) -> World:
        world = World()
        world.put(spec)
        world.wall += seconds
        world.steady += seconds
        world.restart()
        world.advance(1)
        return world

    def test_one(self) -> None:
        """The newest runs, and one record has all that it stands for."""
        world = self._late(minutely())
        self.assertEqual(_instants(world), [("merged", 10, 9), ("running", 550, 1)])
        self.assertEqual(world.standing().passed, 10)

    def test_none(self) -> None:
        """Those that are not too late run all, the others are skipped."""
        world = self._late(minutely(catch_up=CatchUp.NONE, concurrency=Concurrency.ALLOW))
        self.assertEqual(_instants(world), [("late", 10, 9), ("running", 550, 1)])
        wide = minutely(
            catch_up=CatchUp.NONE, concurrency=Concurrency.ALLOW, starting_deadline_seconds=130
        )
        world = self._late(wide)
        self.assertEqual([one[1] for one in _instants(world)], [10, 490, 550])

    def test_all(self) -> None:
        """The newest so many run, older ones are surplus."""
        world = self._late(
            minutely(catch_up=CatchUp.ALL, catch_up_max=3, concurrency=Concurrency.ALLOW)
        )
        found = _instants(world)
        self.assertEqual(found[0], ("surplus", 10, 7))
        self.assertEqual([one[1] for one in found[1:]], [430, 490, 550])

    def test_deadline_first(self) -> None:
        """What is later than it may be is late; of the rest one is caught up with."""
        world = self._late(minutely(starting_deadline_seconds=130))
        self.assertEqual(
            _instants(world), [("late", 10, 8), ("merged", 490, 1), ("running", 550, 1)]
        )

    def test_count(self) -> None:
        """Instants that are skipped are paid for, and a job at its end is disabled."""
        world = self._late(minutely(count=3))
        self.assertEqual(_instants(world), [("merged", 10, 2), ("running", 130, 1)])
        self.assertFalse(world.core.state.jobs[world.runs()[0].job].spec.disabled)
        world.finish_all()
        self.assertTrue(world.core.state.jobs[world.runs()[0].job].spec.disabled)
        self.assertEqual(world.standing().disabled_because, "finished")


class DeadlineTests(SynchronousTestCase):
    """A run that waits is late, too."""

    def test_no_offer(self) -> None:
        """Without an offer in time an instant of the clock is skipped."""
        world = World(agents=0)
        world.put(minutely(starting_deadline_seconds=20))
        world.advance(25)
        self.assertEqual(world.states(), ["waiting"])
        world.advance(10)
        self.assertEqual([one[0] for one in _instants(world)], ["late"])

    def test_spread(self) -> None:
        """A start that is put off keeps its instant, and is not late by that."""
        world = World()
        world.put(minutely(spread_seconds=30, starting_deadline_seconds=1))
        world.advance(45)
        (run,) = world.runs()
        self.assertEqual(run.state, RunState.RUNNING)
        assert run.launched_at is not None
        self.assertGreater(run.launched_at, run.instant / 1000 + 0.1)


class StandstillTests(SynchronousTestCase):
    """Disabled, and paused."""

    def test_disabled(self) -> None:
        """Instants of a disabled job pass; one record has them when it is enabled."""
        world = World()
        world.put(minutely(disabled=True))
        world.advance(200)
        self.assertEqual(world.runs(), [])
        world.put(minutely())
        self.assertEqual(_instants(world), [("disabled", 10, 4)])
        world.advance(60)
        self.assertEqual(_instants(world)[-1], ("running", 250, 1))

    def test_paused(self) -> None:
        """Nothing starts in a pause, and what passed is caught up with after it."""
        world = World()
        world.put(minutely())
        self.assertTrue(world.ask(PauseAsked(paused=True)).changed)
        self.assertFalse(world.ask(PauseAsked(paused=True)).changed)
        world.advance(200)
        self.assertEqual(world.runs(), [])
        world.ask(PauseAsked(paused=False))
        self.assertEqual(_instants(world), [("merged", 10, 3), ("running", 190, 1)])

    def test_paused_waiting(self) -> None:
        """What waits for an offer when a pause begins is not launched in it."""
        world = World(agents=0)
        world.put(minutely())
        world.advance(12)
        world.ask(PauseAsked(paused=True))
        world.master.agents.extend(World().master.agents)
        world.advance(10)
        self.assertEqual(world.states(), ["waiting"])
        world.ask(PauseAsked(paused=False))
        world.advance(3)
        self.assertEqual(world.states(), ["running"])


class ClockTests(SynchronousTestCase):
    """A wall clock that is set."""

    def test_back(self) -> None:
        """Nothing is served twice."""
        world = World()
        world.put(minutely(concurrency=Concurrency.ALLOW))
        world.advance(75)
        world.step_wall(-70)
        world.advance(70)
        self.assertEqual([one[1] for one in _instants(world)], [10, 70])
        world.advance(60)
        self.assertEqual([one[1] for one in _instants(world)], [10, 70, 130])

    def test_forward(self) -> None:
        """A step is seen within a second, and what it passes over is caught up with."""
        world = World()
        world.put(minutely(offset_s=50))
        world.advance(5)
        world.step_wall(100)
        world.advance(1.5)
        self.assertEqual(_instants(world), [("running", 50, 1)])

    def test_forward_at_once(self) -> None:
        """A step in the first second of a life is seen as any other."""
        world = World()
        world.put(minutely(offset_s=5_000))
        world.restart()
        world.step_wall(4_998)
        world.advance(3)
        self.assertEqual(_instants(world), [("running", 5_000, 1)])

    def test_far_away(self) -> None:
        """A job that is due in years, and looked at for other times, is remembered once."""
        world = World()
        world.put(minutely(offset_s=100_000_000, retries=0, long_after_seconds=60))
        for _ in range(150):
            world.ask(RunAsked(name=JobName("a")))
            world.advance(2)
            world.finish_all()
            world.advance(1)
        self.assertEqual(len(world.live.alarm_of), 1)
        self.assertLess(len(world.live.alarms), 110)

    def test_retry_in_a_pause(self) -> None:
        """A retry that was made in a pause waits as long as it is to, however the clock is set."""
        world = World()
        world.put(minutely(offset_s=10, retry_delay_seconds=20, count=1))
        world.advance(11)
        world.ask(PauseAsked(paused=True))
        world.finish_all(TaskState.TASK_FAILED)
        world.step_wall(3_600)
        world.ask(PauseAsked(paused=False))
        world.advance(18)
        self.assertEqual(world.states(), ["failed", "waiting"])
        world.advance(3)
        self.assertEqual(world.states(), ["failed", "running"])

    def test_retry(self) -> None:
        """A delay is a distance: setting the clock back makes none longer."""
        world = World()
        world.put(minutely(offset_s=10, retry_delay_seconds=20))
        world.advance(11)
        world.finish_all(TaskState.TASK_FAILED)
        world.step_wall(-3_600)
        world.advance(19)
        self.assertEqual(world.states(), ["failed", "waiting"])
        world.advance(4)
        self.assertEqual(world.states(), ["failed", "running"])

    def test_skips_are_joined(self) -> None:
        """Neighbours that are skipped for one reason are one record."""
        world = World()
        world.put(minutely(starting_deadline_seconds=1))
        for _ in range(3):
            world.step_wall(600)
            world.advance(1.5)
        skipped = world.runs("a", RunState.SKIPPED)
        self.assertEqual([(run.skip, run.skipped) for run in skipped], [(Skip.LATE, 30)])

    def test_many_small_steps(self) -> None:
        """A clock that is set a little each second is followed as one that is set far."""
        world = World()
        world.put(minutely(offset_s=600))
        while world.wall < WALL + 600:
            world.step_wall(0.04)
            world.advance(1)
        world.advance(1)
        self.assertEqual(world.states(), ["running"])
