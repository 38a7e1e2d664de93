"""Whatever waits and whatever is offered: no offer is overdrawn, and none is forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import delays, offers, queue, tokens
from mesostw.core.marathon.constraints import accepts, place_of_instance, tally_of
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.records import Instance
from mesostw.core.scheduling import AcceptOffers, DeclineOffers, Rescinded
from mesostw.messages.convert import resources_of
from mesostw.messages.offers import Offer
from mesostw.messages.operations import OfferOperation
from mesostw.messages.tasks import TaskInfo
from mesostw.model.apps import App, AppId, Constraint, Operator, PortDefinition
from mesostw.model.ids import OfferId, TaskId
from mesostw.model.resources import Resources
from tests.core.marathon.builders import World, app
from tests.core.marathon.offering import offer, offered, tasks_of

_CONSTRAINTS = (
    (),
    (Constraint("hostname", Operator.UNIQUE),),
    (Constraint("rack", Operator.MAX_PER, "2"),),
    (Constraint("rack", Operator.CLUSTER),),
    (Constraint("rack", Operator.LIKE, "r[01]"),),
)


def _spec(draw: st.DataObject, number: int) -> App:
    pick = draw.draw
    ports = pick(st.sampled_from(((), (0,), (0, 0), (31_002,))))
    return app(
        f"/a{number}",
        cpus=pick(st.sampled_from((0.1, 0.5, 1.0, 3.0))),
        mem=pick(st.sampled_from((1, 100, 300))),
        role=pick(st.sampled_from(("*", "web"))),
        constraints=pick(st.sampled_from(_CONSTRAINTS)),
        require_ports=True,
        port_definitions=tuple(PortDefinition(port=port) for port in ports),
        every_agent=pick(st.booleans()),
    )


class _Master:
    """What is offered, and what became of it."""

    def __init__(self, case: SynchronousTestCase) -> None:
        self.case = case
        self.world = World(MarathonFlags(launch_tokens=4, max_instances_per_offer=3))
        self.world.live.registered = True
        self.world.run(offers.ticked)
        self.open: dict[str, Offer] = {}
        self.apps: list[App] = []

    def step(self, draw: st.DataObject) -> None:
        """Have one thing happen, and hold what Marathon says to what is true."""
        kind = draw.draw(st.sampled_from(_KINDS))
        # An instance that serves brings one, and a refresh sets them back.
        budget = max(self.world.run(tokens.left), self.world.flags.launch_tokens) + 1
        before = {one: waiting.count for one, waiting in self.world.state.waiting.items()}
        self.world.clear()
        kind(self, draw)
        if kind is not _Master._want:
            self._check_launched(before)
        self.case.assertLessEqual(len(tasks_of(self.world.effects)), budget)
        self._check_answers()

    # --- what happens -----------------------------------------------------------

    def _offer(self, draw: st.DataObject) -> None:
        batch: list[Offer] = []
        for _ in range(draw.draw(st.integers(1, 4))):
            number = draw.draw(st.integers(1, 5))
            name = f"O{len(self.open)}.{self.world.now.steady}.{len(batch)}"
            one = offer(
                number,
                draw.draw(
                    st.sampled_from(
                        (
                            "cpus:1;mem:300;ports:[31000-31003]",
                            "cpus:4;mem:1000",
                            "cpus:2;cpus(web):2;mem:200;mem(web):200;ports(web):[31001-31009]",
                        )
                    )
                ),
                role=draw.draw(st.sampled_from(("*", "web"))),
                attributes=f"rack:r{number % 3}",
                name=name,
            )
            batch.append(one)
        self.open.update((one.id.value, one) for one in batch)
        self.world.later(0.5)
        self.world.run(offers.offered, offered(*batch))

    def _want(self, draw: st.DataObject) -> None:
        if len(self.apps) < 4:
            self.apps.append(_spec(draw, len(self.apps)))
            self.world.add(self.apps[-1])
        one = draw.draw(st.sampled_from(self.apps))
        self.world.run(queue.wanted, one, draw.draw(st.integers(0, 6)))

    def _earn(self, _draw: st.DataObject) -> None:
        self.world.run(tokens.earned)
        self.world.run(offers.resumed)

    def _fail(self, draw: st.DataObject) -> None:
        if self.apps:
            one = draw.draw(st.sampled_from(self.apps))
            self.world.run(delays.failed, one.id, one.last_config_change_at)

    def _rescind(self, draw: st.DataObject) -> None:
        if self.open:
            name = draw.draw(st.sampled_from(sorted(self.open)))
            self.world.run(offers.rescinded, Rescinded(OfferId(name)))
            del self.open[name]

    def _tick(self, draw: st.DataObject) -> None:
        self.world.later(draw.draw(st.sampled_from((1, 4))))
        self.world.run(delays.swept)
        self.world.run(offers.ticked)

    # --- what must be true ----------------------------------------------------------

    def _check_answers(self) -> None:
        """Every offer is answered once, or held."""
        case, world = self.case, self.world
        for said in world.did(AcceptOffers):
            (name,) = said.offer_ids
            self._check_use(self.open.pop(name), said.operations)
        for refused in world.did(DeclineOffers):
            for name in refused.offer_ids:
                del self.open[name]
        case.assertEqual(set(self.open), set(world.live.launch.held))

    def _check_use(self, of: Offer, operations: tuple[OfferOperation, ...]) -> None:
        """What is used was offered, on that agent and for that role."""
        case, state = self.case, self.world.state
        used = Resources.EMPTY
        tasks = tasks_of([AcceptOffers((), operations, 0.0)])
        case.assertTrue(0 < len(tasks) <= self.world.flags.max_instances_per_offer)
        for task in tasks:
            one = self._of(task)
            assert one is not None
            case.assertEqual(one.agent_id, of.agent_id.value)
            case.assertEqual(one.role, state.apps[one.app_id].spec.role)
            used = used + resources_of(task.resources)
        case.assertTrue(resources_of(of.resources).contains(used))

    def _check_launched(self, before: dict[AppId, int]) -> None:
        """No more is launched than is wanted, or than there are tokens for."""
        world, case = self.world, self.case
        made = Counter(one.app_id for task in tasks_of(world.effects) if (one := self._of(task)))
        for app_id, count in made.items():
            waiting = world.state.waiting.get(app_id)
            case.assertEqual(before[app_id] - count, 0 if waiting is None else waiting.count)
        case.assertGreaterEqual(world.run(tokens.left), 0)

    def _of(self, task: TaskInfo) -> Instance | None:
        return self.world.state.by_task(TaskId(task.task_id.value))

    def check_places(self) -> None:
        """Constraints hold of everything that was placed, one after the other."""
        state = self.world.state
        for one in self.apps:
            placed = list(state.of_app(one.id).values())
            for index, instance in enumerate(placed):
                tally = tally_of(one, placed[:index])
                place = place_of_instance(instance)
                for constraint in one.spec.constraints:
                    self.case.assertTrue(accepts(constraint, place, tally, one.spec.instances))
            if one.spec.every_agent:
                agents = Counter(instance.agent_id for instance in placed)
                self.case.assertLessEqual(max(agents.values(), default=0), 1)


#: What may happen, and how often.
_KINDS: tuple[Callable[[_Master, st.DataObject], None], ...] = (
    _Master._offer,
    _Master._offer,
    _Master._offer,
    _Master._want,
    _Master._want,
    _Master._earn,
    _Master._fail,
    _Master._rescind,
    _Master._tick,
)


class AnyTests(SynchronousTestCase):
    """Safety, whatever happens in whatever order."""

    @settings(max_examples=100, deadline=None)
    @given(st.data())
    def test_any(self, data: st.DataObject) -> None:
        """Offers are answered once, used within their limits, and constraints hold."""
        master = _Master(self)
        for _ in range(data.draw(st.integers(5, 40))):
            master.step(data)
        master.check_places()
