"""Offers: who gets what, and when they are wanted at all."""

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import alarms
from mesostw.core.chronos.demands import demand_of
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.records import RunState
from mesostw.core.scheduling import AcceptOffers, ReviveOffers, SuppressOffers
from mesostw.model.jobs import Concurrency, Constraint, Operator
from mesostw.model.tasks import TaskState
from tests.core.chronos.builders import minutely
from tests.core.chronos.world import World


class MatchTests(SynchronousTestCase):
    """What an offer does for."""

    def _launched(self, *constraints: tuple[str, Operator, str], attributes: str = "") -> bool:
        world = World(agents=1)
        world.master.attributes = attributes
        made = tuple(Constraint(*one) for one in constraints)
        world.put(minutely(constraints=made))
        world.advance(13)
        return bool(world.runs("a", RunState.RUNNING))

    def test_constraints(self) -> None:
        """Each operator, with text, numbers, the host, and no such attribute."""
        rows = (
            ("rack", Operator.EQUALS, "a", "rack:a", True),
            ("rack", Operator.EQUALS, "a", "rack:b", False),
            ("size", Operator.EQUALS, "2.0", "size:2", True),
            ("hostname", Operator.EQUALS, "n1", "", True),
            ("rack", Operator.LIKE, "a|b", "rack:b", True),
            ("rack", Operator.LIKE, "a", "rack:ab", False),
            ("rack", Operator.UNLIKE, "a.*", "rack:ab", False),
            ("rack", Operator.EQUALS, "a", "", False),
            ("rack", Operator.LIKE, ".*", "", False),
            ("rack", Operator.UNLIKE, ".*", "", True),
        )
        for attribute, operator, value, attributes, fits in rows:
            launched = self._launched((attribute, operator, value), attributes=attributes)
            self.assertIs(launched, fits, f"{attribute} {operator} {value} on {attributes!r}")

    def test_nobody_in_the_way(self) -> None:
        """What nothing does for keeps no other from an offer, and it is known why."""
        world = World()
        world.put(minutely("a", cpus=1000, high_priority=True))
        world.put(minutely("b"))
        world.advance(13)
        self.assertEqual((world.states("a"), world.states("b")), (["waiting"], ["running"]))
        funnel = world.live.funnels[demand_of(minutely("a", cpus=1000))]
        self.assertGreater(funnel.looked, 0)
        self.assertEqual((funnel.fitted, set(funnel.refused)), (0, {"cpus"}))

    def test_not_hoarded(self) -> None:
        """Offers that do for nothing that waits are refused, since others may want them."""
        world = World()
        world.put(minutely("a", cpus=1000))
        world.advance(30)
        self.assertEqual(world.master.offers, {})

    def test_order(self) -> None:
        """High priority first, then priority, then the older instant."""
        world = World(agents=0)
        world.put(minutely("late", offset_s=12))
        world.put(minutely("early", offset_s=10))
        world.put(minutely("urgent", offset_s=12, priority=5))
        world.put(minutely("high", offset_s=12, high_priority=True, priority=-5))
        world.advance(14)
        world.master.agents.extend(World(agents=1).master.agents)
        world.advance(2)
        tasks = [task.name.removeprefix("ChronosTask:") for task in world.master.tasks.values()]
        self.assertEqual(tasks, ["high", "urgent", "early", "late"])

    def test_most_per_offer(self) -> None:
        """One offer takes so many; the rest is launched with the next."""
        world = World(ChronosFlags(launches_per_offer_max=2), agents=1)
        for number in range(5):
            world.put(minutely(f"j{number}"))
        world.advance(11)
        accepts = [one for one in world.effects if isinstance(one, AcceptOffers)]
        self.assertEqual(len(accepts[0].operations), 1)
        world.advance(4)
        self.assertEqual(len(world.master.tasks), 5)


class FlowTests(SynchronousTestCase):
    """When offers are wanted."""

    def test_quiet(self) -> None:
        """With nothing due soon all offers are refused, and no more are wanted."""
        world = World()
        world.put(minutely(offset_s=50))
        self.assertTrue(world.master.suppressed)
        self.assertEqual(world.master.offers, {})
        self.assertTrue(any(isinstance(one, SuppressOffers) for one in world.effects))

    def test_warm(self) -> None:
        """Just before an instant offers are at hand, so that it starts at once."""
        world = World()
        world.put(minutely(offset_s=50))
        world.advance(49.5)
        self.assertTrue(any(isinstance(one, ReviveOffers) for one in world.effects))
        self.assertEqual(len(world.live.held), 1)
        world.advance(0.6, step_s=0.1)
        (run,) = world.runs()
        assert run.launched_at is not None
        self.assertLess(run.launched_at - run.instant / 1000, 0.01)

    def test_no_more_than_runs(self) -> None:
        """What more is offered than runs are due is left to others."""
        for jobs, held in ((1, 1), (2, 2), (3, 2)):
            world = World()
            for number in range(jobs):
                world.put(minutely(f"job{number}", offset_s=50))
            world.put(minutely("later", offset_s=59))
            world.advance(49.5)
            self.assertEqual(len(world.live.held), held)

    def test_void(self) -> None:
        """A launch on an offer that was void by then is launched again."""
        world = World(auto=False)
        world.put(minutely())
        world.advance(11)
        (run,) = world.runs()
        world.lose_master()
        world.master.tasks.clear()
        world.master.states.clear()
        world.register()
        world.advance(5)
        self.assertEqual(world.run(run).launch, 2)


class ManyTests(SynchronousTestCase):
    """A thousand jobs that are due at once."""

    def test_thousand(self) -> None:
        """They are all launched on 16 agents within five seconds, each once."""
        world = World(agents=16)
        world.core.check = lambda: None  # type: ignore[method-assign]
        for number in range(1_000):
            world.put(minutely(f"j{number}", concurrency=Concurrency.QUEUE, cpus=0.1))
        world.advance(15, step_s=0.5)
        self.assertEqual(len(world.master.tasks), 1_000)
        launched = [
            run.launched_at - run.instant / 1000
            for run in world.core.state.runs.values()
            if run.launched_at is not None
        ]
        self.assertLess(max(launched), 5.0)
        world.finish_all(TaskState.TASK_FINISHED)
        states = {run.state for run in world.core.state.runs.values()}
        self.assertEqual(states, {RunState.SUCCEEDED})

    def test_idle(self) -> None:
        """Jobs that are not due cost nothing when the clock ticks."""
        world = World()
        for number in range(50):
            world.put(minutely(f"j{number}", offset_s=3_000))
        world.advance(5)
        world.changes.clear()
        looked: list[object] = []
        self.patch(alarms, "fired", looked.append)
        world.advance(100)
        self.assertEqual((world.changes, looked, world.live.marked), ([], [], {}))
