"""How a life begins, under which name, and what a broken one is told."""

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.changes import RegistrationKept, Told
from mesostw.core.chronos.checking import check
from mesostw.core.chronos.events import SchedulerDisconnected, SchedulerRegistered
from mesostw.core.chronos.records import Registration, RunState
from mesostw.core.chronos.words import AllTasksDropAsked
from mesostw.core.scheduling import ReconcileTasks, Refused, Registered
from mesostw.model.ids import FrameworkId
from mesostw.model.jobs import Concurrency
from mesostw.model.tasks import TaskState
from tests.core.chronos.builders import job, minutely
from tests.core.chronos.world import F, World


class RegistrationTests(SynchronousTestCase):
    """What a master calls us."""

    def test_kept(self) -> None:
        """It is kept at every registration, so that the store says whose turn it is."""
        world = World()
        for _ in range(2):
            world.changes.clear()
            world.lose_master()
            world.register()
            kept = [one for one in world.changes if isinstance(one, RegistrationKept)]
            self.assertEqual(kept, [RegistrationKept(Registration(F))])


class LifeTests(SynchronousTestCase):
    """Lives of one Chronos."""

    def test_numbered(self) -> None:
        """Each life has the next number, and its launches have it too."""
        world = World()
        world.put(minutely())
        world.restart()
        world.advance(11)
        (run,) = world.runs()
        self.assertEqual((world.core.state.life, run.life), (2, 2))

    def test_idle_jobs(self) -> None:
        """A job that is not due is not looked at, but is known to be waited for."""
        world = World()
        world.put(minutely(offset_s=3_000))
        world.restart()
        self.assertEqual((world.live.marked, list(world.live.alarm_of)), ({}, ["a"]))

    def test_finished(self) -> None:
        """A life that ends between the last end of a job and its being disabled leaves that."""
        world = World(auto=False)
        world.put(minutely(count=1))
        world.advance(11)
        world.performs = False
        world.finish_all()
        self.assertEqual(world.states(), ["succeeded"])
        world.restart()
        (job,) = world.core.state.jobs.values()
        self.assertTrue(job.spec.disabled)
        self.assertEqual(world.standing().disabled_because, "finished")

    def test_history_goes_on(self) -> None:
        """The first to end is the first to be forgotten, whichever life is told of it."""
        world = World(auto=False)
        world.put(minutely(history_limit=2, concurrency=Concurrency.ALLOW))
        world.advance(11 + 180)
        first, second, third, last = world.runs()
        for run in (second, third, first):
            world.finish(run)
            world.advance(1)
        world.restart()
        world.finish(last)
        self.assertEqual(
            [run.id for run in world.core.state.ended_of(first.job)], [first.id, last.id]
        )

    def test_asked_at_once(self) -> None:
        """What is out is asked after as soon as a master is there, with its agent."""
        world = World()
        world.put(minutely())
        world.advance(11)
        (run,) = world.runs()
        world.effects.clear()
        world.restart()
        asked = [one.tasks for one in world.effects if isinstance(one, ReconcileTasks)]
        self.assertEqual(asked, [{run.task_id: run.agent_id}])
        self.assertEqual(world.live.unsure, {})

    def test_asked_again(self) -> None:
        """A silent master is asked after 1, 2, 4, 8, 15, 15 .. seconds."""
        world = World()
        world.put(minutely())
        world.advance(11)
        world._answer = lambda task_id: None  # type: ignore[method-assign]
        world.restart()
        world.effects.clear()
        asked: list[float] = []
        began = world.steady
        for _ in range(70):
            world.advance(1)
            if any(isinstance(one, ReconcileTasks) for one in world.effects):
                asked.append(world.steady - began)
                world.effects.clear()
        self.assertEqual(asked, [1, 3, 7, *range(15, 61, 15)])

    def test_a_launch_without_a_word(self) -> None:
        """A launch of which nothing is heard for 5 seconds is asked after."""
        world = World(auto=False)
        world.put(minutely())
        world.advance(11)
        (run,) = world.runs()
        world.effects.clear()
        world.advance(3)
        self.assertFalse(any(isinstance(one, ReconcileTasks) for one in world.effects))
        world.advance(2)
        asked = [one.tasks for one in world.effects if isinstance(one, ReconcileTasks)]
        self.assertEqual(asked, [{run.task_id: run.agent_id}])
        # The master knows the launch, and what it says is enough.
        self.assertEqual((world.states(), world.live.unsure), (["staging"], {}))


class NameTests(SynchronousTestCase):
    """The name under which a master knows us."""

    def test_other(self) -> None:
        """Under another name what runs would start twice: it stops."""
        world = World()
        world.hear(Registered(FrameworkId("G"), None))
        self.assertEqual(len(world.stepped_down), 1)
        self.assertEqual(world.core.state.framework_id, F)

    def test_forgotten(self) -> None:
        """A store that has runs but no name is not gone on with."""
        world = World()
        world.put(minutely())
        world.advance(11)
        del world.store["registration/self"]
        world.restart(registers=False)
        self.assertIn("1 runs but no framework id", world.stepped_down[0])

    def test_refused(self) -> None:
        """A master that refuses us is told of."""
        world = World()
        world.hear(Refused("no"))
        self.assertEqual(world.stepped_down, ["The master refused this framework: no"])

    def test_told(self) -> None:
        """The stream is told of each registration, and of a broken link once."""
        world = World()
        for _ in range(2):
            world.lose_master()
        world.register()
        told = [one.event for one in world.changes if isinstance(one, Told)]
        kinds = [type(one) for one in told]
        self.assertEqual(kinds, [SchedulerRegistered, SchedulerDisconnected, SchedulerRegistered])
        again = [one.again for one in told if isinstance(one, SchedulerRegistered)]
        self.assertEqual(again, [False, True])


class OperatorTests(SynchronousTestCase):
    """What is asked of everything."""

    def test_drop(self) -> None:
        """Everything that waits is dropped, what runs goes on."""
        world = World()
        world.put(minutely("a"))
        world.put(minutely("b", cpus=1_000))
        world.advance(12)
        answer = world.ask(AllTasksDropAsked())
        self.assertEqual(len(answer.runs), 1)
        self.assertEqual((world.states("a"), world.states("b")), (["running"], ["killed"]))

    def test_story(self) -> None:
        """What happened to a job is told, the last of it at the end."""
        world = World()
        world.put(minutely())
        world.advance(11)
        world.finish_all(TaskState.TASK_FINISHED)
        story = [line.said for line in world.core.story("job/a")]
        self.assertTrue(any("is waiting" in said for said in story), story)
        self.assertTrue(any("is succeeded" in said for said in story), story)
        self.assertEqual(world.core.story("job/b"), ())


class CheckTests(SynchronousTestCase):
    """Broken states are found."""

    def test_found(self) -> None:
        """Each index that does not follow its table is an error."""
        for break_it in ("live", "attempts", "out", "children"):
            world = World()
            world.put(minutely())
            world.advance(11)
            check(world.core.state)
            if break_it == "children":
                world.core.state.children[job("x").name] = {job("y").name: None}
            else:
                getattr(world.core.state, break_it).clear()
            self.assertRaises(AssertionError, check, world.core.state)

    def test_forgotten(self) -> None:
        """A run that waits, and that nobody will look at, is an error."""
        world = World(agents=0)
        world.put(minutely())
        world.advance(12)
        self.assertEqual(len(world.runs("a", RunState.WAITING)), 1)
        world.live.ready.clear()
        world.live.alarm_of.clear()
        self.assertRaises(AssertionError, world.core.check)
