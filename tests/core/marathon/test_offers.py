"""Offers are used for what waits, or refused for a while."""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import converging, deployments, flows, offers, queue, tokens
from mesostw.core.marathon.changes import AffectedKept, DelayChanged, DeploymentChanged
from mesostw.core.marathon.events import InstanceMoved
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.records import (
    Action,
    ActionKind,
    Affected,
    Condition,
    Delay,
    Deployment,
    Instance,
    TreeChange,
)
from mesostw.core.marathon.turn import Turn
from mesostw.core.marathon.words import Terms
from mesostw.core.scheduling import AcceptOffers, DeclineOffers, Rescinded
from mesostw.messages.convert import resources_of
from mesostw.messages.offers import Offer
from mesostw.messages.resources import ReservationInfo, Resource
from mesostw.model.apps import App, Constraint, DeploymentId, Operator, PortDefinition
from mesostw.model.ids import AgentId, OfferId
from mesostw.model.resources import Resources
from tests.core.marathon.builders import V1, V2, World, app, instance
from tests.core.marathon.offering import master, offer, offered, tasks_of

SMALL: dict[str, Any] = {"cpus": 0.1, "mem": 1}


class OfferCase(SynchronousTestCase):
    """A Marathon that a master knows."""

    flags = MarathonFlags()

    def setUp(self) -> None:
        self.world = World(self.flags)
        self.world.live.registered = True

    def wish(self, count: int = 1, app_id: str = "/a", **spec: Any) -> App:
        """Have instances of an app wait."""
        one = app(app_id, **{**SMALL, **spec})
        self.world.add(one)
        self.world.run(queue.wanted, one, count)
        return one

    def offer(self, *some: Offer) -> None:
        """Have offers come; what was said before is forgotten."""
        self.world.clear()
        self.world.run(offers.offered, offered(*some))

    def placed(self) -> dict[str, int]:
        """How many instances there are of each app."""
        return {app_id: len(some) for app_id, some in self.world.state.instances_of.items()}

    def instances(self) -> list[Instance]:
        return list(self.world.state.instances.values())

    def refused(self) -> dict[str, float]:
        """For how long each offer, or what was left of it, was refused."""
        said: list[AcceptOffers | DeclineOffers] = [
            *self.world.did(AcceptOffers),
            *self.world.did(DeclineOffers),
        ]
        return {offer_id: one.refuse_s for one in said for offer_id in one.offer_ids}

    def backed_off(self, one: App, seconds: float) -> None:
        until = self.world.now.wall + seconds
        delay = Delay(one.id, one.last_config_change_at, seconds, until)
        self.world.change(DelayChanged(one.id, delay))


class LaunchTests(OfferCase):
    """What is launched on an offer."""

    def test_instance(self) -> None:
        """An instance is provisioned where the offer is, and known before its task is sent."""
        one = self.wish(port_definitions=(PortDefinition(), PortDefinition()))
        self.offer(offer(attributes="rack:r1;level:2", region="eu"))
        (made,) = self.instances()
        self.assertEqual(
            (made.app_id, made.version, made.config, made.agent_id, made.hostname, made.role),
            ("/a", V1, V1, "S1", "n1", "*"),
        )
        self.assertIs(made.condition, Condition.PROVISIONED)
        self.assertEqual(made.staged_at, self.world.now.wall)
        self.assertEqual((made.region, made.zone), ("eu", "z1"))
        self.assertEqual(
            made.attributes, {"rack": "r1", "level": "2", "@region": "eu", "@zone": "z1"}
        )
        self.assertIn(made.ports[1] - made.ports[0], (1, -999))
        (task,) = tasks_of(self.world.effects)
        self.assertEqual(task.task_id.value, made.task_id)
        self.assertEqual(
            [event.condition for event in self.world.told(InstanceMoved)], [Condition.PROVISIONED]
        )
        self.assertEqual(self.world.state.waiting, {})
        self.assertIn(one.id, self.world.live.marked)

    def test_one_accept(self) -> None:
        """All tasks of an offer are in one operation of one acceptance."""
        self.wish(3)
        self.offer(offer())
        (accepted,) = self.world.did(AcceptOffers)
        self.assertEqual(accepted.offer_ids, (OfferId("O1"),))
        (operation,) = accepted.operations
        assert operation.launch is not None
        self.assertEqual(len(operation.launch.task_infos), 3)
        self.assertEqual(len({one.id for one in self.instances()}), 3)

    def test_within_the_offer(self) -> None:
        """Tasks together use no more than there is, and no port twice."""
        self.wish(9, cpus=1.5, port_definitions=(PortDefinition(),))
        given = offer(resources="cpus:4;mem:100;ports:[10-12]")
        self.offer(given)
        tasks = tasks_of(self.world.effects)
        self.assertEqual(len(tasks), 2)
        used = Resources.EMPTY
        for task in tasks:
            used = used + resources_of(task.resources)
        self.assertTrue(resources_of(given.resources).contains(used))
        self.assertEqual(self.world.state.waiting[tasks_app()].count, 7)

    def test_role_of_resources(self) -> None:
        """Resources are used in the role that they were offered to, reservations as they were."""
        self.wish(role="web", cpus=2)
        self.offer(offer(resources="cpus(web):1;cpus:3;mem:100", role="web"))
        (task,) = tasks_of(self.world.effects)
        roles = {one.allocation_info.role for one in task.resources if one.allocation_info}
        self.assertEqual(roles, {"web"})
        cpus: list[Resource] = [one for one in task.resources if one.name == "cpus"]
        self.assertEqual(
            [(one.role, one.scalar and one.scalar.value) for one in cpus],
            [("web", 1.0), ("*", 1.0)],
        )
        self.assertNotIn(ReservationInfo, {type(one.reservation) for one in cpus})

    def test_other_role(self) -> None:
        """An offer to another role is of no use."""
        self.wish(role="web")
        self.offer(offer(role="*"))
        self.assertEqual(self.placed(), {})

    def test_unreadable(self) -> None:
        """An offer whose resources make no sense is refused."""
        self.wish()
        good = offer()
        twice = (*good.resources, Resource(name="cpus", type=good.resources[0].type))
        self.offer(Offer(**{**fields(good), "resources": twice}))
        self.assertEqual(self.refused(), {"O1": 120.0})

    def test_older_version(self) -> None:
        """What is launched is the version that is wanted, not the newest."""
        older = self.wish()
        self.world.add(app(version=V2, cmd="false"))
        self.offer(offer())
        (task,) = tasks_of(self.world.effects)
        assert task.command is not None
        self.assertEqual(task.command.value, older.spec.cmd)


def tasks_app() -> Any:
    """The app that :meth:`OfferCase.wish` wishes."""
    return app().id


def fields(of: Offer) -> dict[str, Any]:
    """An offer's fields by name."""
    return {name: getattr(of, name) for name in of.__struct_fields__}


class PaceTests(OfferCase):
    """How much is launched at once."""

    flags = MarathonFlags(max_instances_per_offer=3, launch_tokens=5)

    def test_per_offer(self) -> None:
        """An offer takes so many instances; its rest is wanted back at once."""
        self.wish(4)
        self.offer(offer())
        self.assertEqual(self.placed(), {"/a": 3})
        self.assertEqual(self.refused(), {"O1": 0.0})

    def test_tokens(self) -> None:
        """Without tokens nothing more is launched."""
        self.wish(9)
        self.offer(offer(1), offer(2), offer(3))
        self.assertEqual(self.placed(), {"/a": 5})
        self.assertEqual(self.refused(), {"O1": 0.0, "O2": 0.0})

    def test_earned(self) -> None:
        """An instance that serves brings a token for another."""
        self.wish(9)
        self.offer(offer(1), offer(2))
        self.world.run(tokens.earned)
        self.offer(offer(3))
        self.assertEqual(self.placed(), {"/a": 6})

    def test_refreshed(self) -> None:
        """Tokens are set back to their number at intervals, not added to."""
        self.world.run(offers.ticked)
        self.wish(99)
        self.offer(offer(1), offer(2))
        self.world.later(29)
        self.world.run(offers.ticked)
        self.assertEqual(self.world.run(tokens.left), 0)
        self.world.later(1)
        for _ in range(2):
            self.world.run(offers.ticked)
        self.assertEqual(self.world.run(tokens.left), 5)

    def test_fair(self) -> None:
        """Apps take turns in an offer, whoever waits for more."""
        self.wish(50, "/a")
        self.wish(1, "/b")
        self.wish(1, "/c")
        self.offer(offer())
        self.assertEqual(self.placed(), {"/a": 1, "/b": 1, "/c": 1})

    def test_by_chance(self) -> None:
        """Which app is first differs from one batch to the next."""
        firsts = set()
        for index in range(10):
            self.world.run(tokens.earned)
            self.wish(1, f"/x{index}")
            self.wish(1, f"/y{index}")
            self.offer(offer(resources="cpus:0.1;mem:1"))
            firsts.add(tasks_of(self.world.effects)[0].name[0])
            for one in list(self.world.state.waiting):
                self.world.run(queue.dropped, one)
        self.assertEqual(firsts, {"x", "y"})


class HeldTests(OfferCase):
    """Offers that wait for launch tokens."""

    flags = MarathonFlags(launch_tokens=1)

    def setUp(self) -> None:
        super().setUp()
        self.world.run(offers.ticked)
        self.app = self.wish(9)
        self.offer(offer(1), offer(2), offer(3))
        self.world.clear()

    def held(self) -> list[str]:
        return list(self.world.live.launch.held)

    def ticked(self, seconds: float) -> dict[str, float]:
        self.world.later(seconds)
        self.world.run(offers.ticked)
        return self.refused()

    def test_held(self) -> None:
        """What no token was left for is neither used nor refused."""
        self.assertEqual((self.placed(), self.held()), ({"/a": 1}, ["O2", "O3"]))

    def test_used(self) -> None:
        """As soon as there are tokens, what is held is used, the oldest first."""
        self.world.run(tokens.earned)
        self.world.run(offers.resumed)
        self.assertEqual((self.placed(), self.held()), ({"/a": 2}, ["O3"]))
        self.assertEqual(self.refused(), {"O2": 0.0})

    def test_no_tokens(self) -> None:
        """Without tokens nothing happens to it."""
        self.world.run(offers.resumed)
        self.assertEqual((self.world.changes, self.world.effects), ([], []))

    def test_for_a_short_time(self) -> None:
        """It is held for a short time, then refused for a short time."""
        self.assertEqual(self.ticked(offers.HELD_S - 1), {})
        self.assertEqual(self.ticked(1), {"O2": 1.0, "O3": 1.0})
        self.assertEqual(self.held(), [])

    def test_nothing_waits(self) -> None:
        """If nothing waits or stirs any more it is refused for long."""
        self.world.run(queue.dropped, self.app.id)
        self.world.live.launch.stirred.clear()
        self.assertEqual(self.ticked(1), {"O2": 120.0, "O3": 120.0})

    def test_while_a_deployment_moves(self) -> None:
        """A few offers that nothing waits for are at hand, and used as soon as something does."""
        self.world.run(queue.dropped, self.app.id)
        self.world.live.launch.held.clear()
        self.world.live.launch.tokens = 10
        self.offer(offer(8))
        self.assertEqual((self.held(), self.refused()), ([], {"O8": 1.0}))
        action = Action(ActionKind.RESTART, self.app.id, 1)
        under_way = Deployment(DeploymentId("d"), V1, ((action,),), 0.0)
        known = Affected(under_way.id, self.app.id, self.app, self.app, planned=((0, action),))
        for change in (AffectedKept(known), DeploymentChanged(under_way)):
            self.world.state.apply(change)
        self.offer(offer(9))
        self.assertEqual((self.held(), self.refused()), (["O9"], {}))
        self.assertEqual(self.ticked(offers.WARM_HELD_S), {"O9": 1.0})
        self.offer(offer(9))
        self.world.run(queue.wanted, self.app, 1)
        self.world.run(offers.resumed)
        self.assertEqual(self.held(), [])
        self.assertEqual(self.instances()[-1].hostname, "n9")

    def test_rescinded(self) -> None:
        """A rescinded offer is not used."""
        self.world.run(offers.rescinded, Rescinded(OfferId("O2")))
        self.assertEqual(self.held(), ["O3"])

    def test_new_master(self) -> None:
        """A master that knows us anew has forgotten its offers."""
        self.world.run(offers.connected, master())
        self.assertEqual(self.held(), [])

    def test_limit(self) -> None:
        """So many are held; others are refused for a short time."""
        many = offers.HELD_MAX - len(self.held())
        self.offer(*(offer(4, name=f"M{number}") for number in range(many + 1)))
        self.assertEqual(self.refused(), {f"M{many}": 1.0})


class UnsettledTests(OfferCase):
    """Something else was wished, and the app has not been looked at since."""

    def test_wish_changed(self) -> None:
        """What waited for the former wish is not launched; offers come again in a moment."""
        one = self.wish(3)
        fewer = app(**SMALL, instances=0, version=V2, config=V1)
        change = TreeChange(version=V2, apps={one.id: fewer})
        self.world.run(deployments.begin, change, Terms())
        self.assertEqual(self.world.state.waiting[one.id].count, 3)
        self.offer(offer(1))
        self.assertEqual((self.placed(), self.refused()), ({}, {"O1": 0.1}))
        self.world.run(converging.converged)
        self.assertEqual((self.world.state.waiting, self.world.live.unsettled), ({}, set()))

    def test_still_wished(self) -> None:
        """After the look what is still wished is launched."""
        one = self.wish(3)
        more = app(**SMALL, instances=2, version=V2, config=V1)
        self.world.run(deployments.begin, TreeChange(version=V2, apps={one.id: more}), Terms())
        self.world.run(converging.converged)
        self.offer(offer(1))
        self.assertEqual(self.placed(), {one.id: 2})


class RefusalTests(OfferCase):
    """For how long offers are refused that are of no use."""

    def test_nothing_waits(self) -> None:
        """Nothing is wanted: refused for long."""
        self.offer(offer(1), offer(2))
        declined = self.world.did(DeclineOffers)
        self.assertEqual(declined, [DeclineOffers((OfferId("O1"), OfferId("O2")), 120.0)])

    def test_nothing_fits(self) -> None:
        """What does for nobody is refused for long."""
        self.wish(cpus=8)
        self.offer(offer())
        self.assertEqual(self.refused(), {"O1": 120.0})

    def test_rest(self) -> None:
        """What is left is refused for a moment at first, and for long when no more was wanted."""
        self.wish()
        self.offer(offer())
        self.assertEqual(self.refused(), {"O1": 1.0})
        self.world.later(flows.WARM_S)
        self.offer(offer(name="O2"))
        self.assertEqual(self.refused()["O2"], 120.0)

    def test_many_at_hand(self) -> None:
        """Of very many offers only some are refused for a moment only."""
        self.wish()
        self.offer(*(offer(number) for number in range(1, offers.WARM_MAX + 3)))
        seconds = Counter(self.refused().values())
        self.assertEqual(seconds, {1.0: offers.WARM_MAX, 120.0: 2})

    def test_backed_off(self) -> None:
        """Apps that are backed off get nothing; offers come again when the first is not."""
        self.backed_off(self.wish(1, "/a"), 40)
        self.backed_off(self.wish(1, "/b"), 3)
        self.offer(offer())
        self.assertEqual((self.placed(), self.refused()), ({}, {"O1": 3.0}))
        self.world.later(3)
        self.offer(offer())
        self.assertEqual(self.placed(), {"/b": 1})

    def test_backed_off_long(self) -> None:
        """Nothing is refused for longer than the longest."""
        self.backed_off(self.wish(), 300)
        self.offer(offer())
        self.assertEqual(self.refused(), {"O1": 120.0})

    def test_delay_of_another_configuration(self) -> None:
        """A delay holds back only the configuration that failed."""
        self.backed_off(self.wish(), 300)
        changed = app(version=V2, **SMALL)
        self.world.add(changed)
        self.world.run(queue.wanted, changed, 1)
        self.offer(offer())
        self.assertEqual(self.placed(), {"/a": 1})


class ConstraintTests(OfferCase):
    """Constraints hold within a batch, and from one to the next."""

    def test_unique(self) -> None:
        """One on each host: within an offer, a batch, and later."""
        self.wish(5, constraints=(Constraint("hostname", Operator.UNIQUE),))
        self.offer(offer(1), offer(2), offer(1, name="O3"))
        self.assertEqual(sorted(one.hostname for one in self.instances()), ["n1", "n2"])
        self.offer(offer(1), offer(3))
        self.assertEqual(sorted(one.hostname for one in self.instances()), ["n1", "n2", "n3"])

    def test_even(self) -> None:
        """Instances are spread evenly over racks."""
        spread = Constraint("rack", Operator.GROUP_BY, "2")
        self.wish(6, instances=6, constraints=(spread,))
        for number in range(12):
            self.offer(offer(number, attributes=f"rack:r{number % 2}"))
        racks = [one.attributes["rack"] for one in self.instances()]
        self.assertEqual((racks.count("r0"), racks.count("r1")), (3, 3))

    def test_moved_meanwhile(self) -> None:
        """What ends, or goes away, makes room: what was counted is counted again."""
        one = self.wish(5, constraints=(Constraint("hostname", Operator.UNIQUE),))
        self.offer(offer(1))
        (first,) = self.instances()
        away = instance(
            one,
            Condition.UNREACHABLE,
            id=first.id,
            task_id=first.task_id,
            agent_id=AgentId("S1"),
            hostname="n1",
        )
        self.world.add(away)
        self.offer(offer(1))
        self.assertEqual(len(self.instances()), 2)

    def test_home_region(self) -> None:
        """Where the master is, is where instances go."""
        self.world.run(offers.connected, master("eu"))
        self.wish(1)
        self.offer(offer(1, region="us"), offer(2, region="eu"))
        self.assertEqual([one.hostname for one in self.instances()], ["n2"])


class LimitTests(OfferCase):
    """One turn does not ask without end."""

    def test_questions(self) -> None:
        """With more questions than a turn may ask, the rest of the offers comes again."""
        for number in range(2):
            self.wish(1, f"/a{number}", cpus=8)
        self.world.run(self._used, 3, [offer(1), offer(2), offer(3)])
        self.assertEqual(self.refused(), {"O1": 120.0, "O2": 5.0, "O3": 5.0})

    @staticmethod
    def _used(turn: Turn, questions_max: int, some: list[Offer]) -> None:
        batch = offers.Batch(turn, questions_max)
        for one in some:
            batch.use(one)
        batch.finished()
