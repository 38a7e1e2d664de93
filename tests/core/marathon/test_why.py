"""Why an app has not all of its instances, in the API's shape and in sentences."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import offers, queue, tokens, why
from mesostw.core.marathon.changes import (
    AffectedKept,
    DelayChanged,
    DeploymentChanged,
    HealthChanged,
)
from mesostw.core.marathon.flags import UNUSED_OFFERS_MAX
from mesostw.core.marathon.reasons import QueueReport, Reason, WhyReport
from mesostw.core.marathon.records import (
    Action,
    ActionKind,
    Affected,
    Condition,
    Delay,
    Deployment,
    Health,
)
from mesostw.core.marathon.stages import planned_in
from mesostw.messages.offers import Offer
from mesostw.model.apps import App, AppId, Constraint, DeploymentId, Operator, PortDefinition
from mesostw.model.ids import AgentId
from tests.core.marathon.builders import V1, World, app, instance
from tests.core.marathon.offering import offer, offered


class WhyCase(SynchronousTestCase):
    """A Marathon that a master knows."""

    def setUp(self) -> None:
        self.world = World()
        self.world.live.registered = True

    def wish(self, count: int = 1, app_id: str = "/a", **spec: Any) -> App:
        one = app(app_id, instances=count, **spec)
        self.world.add(one)
        if count:
            self.world.run(queue.wanted, one, count)
        return one

    def offer(self, *some: Offer) -> None:
        self.world.run(offers.offered, offered(*some))

    def told(self, app_id: str = "/a") -> WhyReport:
        world = self.world
        told = why.report(world.state, world.live, world.flags, AppId(app_id), world.now)
        assert told is not None
        return told

    def queued(self) -> QueueReport:
        (report,) = why.queue(self.world.state, self.world.live, self.world.now)
        return report

    def kinds(self, app_id: str = "/a") -> list[str]:
        return [cause.kind for cause in self.told(app_id).causes]


class SentenceTests(WhyCase):
    """One sentence says it."""

    def test_refused(self) -> None:
        """What all agents lack is measured."""
        self.wish(2, cpus=4)
        self.offer(offer(1, "cpus:1;mem:500"), offer(7, "cpus:2.5;mem:500"))
        self.assertEqual(
            self.told().sentence,
            "0 of 2 placed; 2 wait: no agent has 4 cpus free; the most is 2.5 on n7",
        )

    def test_reasons(self) -> None:
        """Each reason has its words."""
        wall = self.world.now.wall
        poor = offer(1, "cpus:4;mem:10")
        for spec, given, words in (
            ({}, poor, "no agent has 128 MiB of memory free; the most is 10 on n1"),
            ({"mem": 1, "disk": 9}, poor, "no agent has 9 MiB of disk free; the most is 0 on n1"),
            ({"mem": 1, "gpus": 1}, poor, "no agent has 1 GPU free; the most is 0 on n1"),
            (
                {"mem": 1, "port_definitions": (PortDefinition(),)},
                poor,
                "no agent has one port free",
            ),
            (
                {
                    "mem": 1,
                    "require_ports": True,
                    "port_definitions": (PortDefinition(port=80), PortDefinition()),
                },
                poor,
                "no agent has port 80 and one port more free",
            ),
            (
                {"constraints": (Constraint("rack", Operator.LIKE, "r.*"),)},
                offer(),
                "no agent fits [rack, LIKE, r.*]",
            ),
            ({}, offer(unavailable=(wall, None)), "every agent is in or shortly before"),
            ({}, offer(1, "cpus:4;mem:900;gpus:1"), "all agents that are left have GPUs"),
        ):
            self.setUp()
            self.wish(1, **spec)
            self.offer(given)
            (cause,) = self.told().causes
            self.assertEqual((cause.kind, cause.text[: len(words)]), ("refused", words))

    def test_several_reasons(self) -> None:
        """With several reasons each has its number of agents, the largest first."""
        self.wish(1, cpus=4, constraints=(Constraint("hostname", Operator.UNLIKE, "n[12]"),))
        self.offer(*(offer(number, "cpus:1;mem:500") for number in (1, 3, 4, 5)))
        self.assertEqual(
            self.told().sentence,
            "0 of 1 placed; 1 wait: of 4 agents 3 have less than 4 cpus free"
            " (the most is 1 on n3), 1 do not fit [hostname, UNLIKE, n[12]]",
        )

    def test_every_agent(self) -> None:
        """An agent that has its one instance takes no more."""
        one = self.wish(0, every_agent=True)
        self.world.add(instance(one, agent_id=AgentId("S1")))
        self.world.run(queue.wanted, one, 1)
        self.offer(offer(1))
        told = self.told()
        self.assertEqual((told.wished, told.placed, told.waiting), (2, 1, 1))
        self.assertIn("one instance on each agent", told.sentence)

    def test_all_well(self) -> None:
        """An app that has what it wants says so."""
        one = self.wish(0)
        self.world.add(app(instances=1), instance(one))
        told = self.told()
        self.assertEqual((told.sentence, told.causes), ("all 1 placed and running", ()))

    def test_unknown(self) -> None:
        """An app that is not there has no explanation."""
        world = self.world
        self.assertIsNone(why.report(world.state, world.live, world.flags, AppId("/x"), world.now))


class CauseTests(WhyCase):
    """What offers cannot explain."""

    def test_suspended(self) -> None:
        """0 instances are wished."""
        self.wish(0)
        self.assertEqual(self.told().sentence, "the app is suspended: 0 instances are wished")

    def test_disconnected(self) -> None:
        """Without a master nothing is launched, whatever was offered before."""
        self.wish(1, cpus=8)
        self.offer(offer())
        self.world.live.registered = False
        self.assertEqual(self.kinds(), ["disconnected"])

    def test_no_offers(self) -> None:
        """Nothing was offered yet."""
        self.wish()
        self.assertEqual(self.kinds(), ["no_offers"])

    def test_backed_off(self) -> None:
        """A back-off tells when it ends."""
        one = self.wish()
        until = self.world.now.wall + 9
        self.world.change(DelayChanged(one.id, Delay(one.id, V1, 9.0, until)))
        (cause,) = self.told().causes
        self.assertEqual((cause.kind, cause.until), ("backed_off", until))
        self.assertIn("in 9 s", cause.text)

    def test_pacing(self) -> None:
        """Launch tokens are named if they are what is waited for."""
        self.wish(1)
        self.world.run(tokens.taken, self.world.flags.launch_tokens)
        self.offer(offer())
        (cause,) = self.told().causes
        self.assertEqual(cause.kind, "pacing")
        self.assertIn("launch_tokens 100", cause.text)

    def test_room(self) -> None:
        """Where there was room, the next offer is waited for."""
        self.wish(7, cpus=0.1, mem=1)
        self.offer(offer())
        self.assertEqual(self.kinds(), ["pacing", "starting"])
        self.assertIn("the next offer of n1", self.told().sentence)

    def _deploy(self, *steps: tuple[str, ...], step: int = 0, paused: bool = False) -> None:
        actions = tuple(
            tuple(Action(ActionKind.SCALE, AppId(one), 1) for one in names) for names in steps
        )
        deployment = Deployment(DeploymentId("D"), V1, actions, 0.0, step=step, paused=paused)
        for app_id, planned in planned_in(actions).items():
            after = self.world.state.apps[app_id]
            kept = Affected(deployment.id, app_id, None, after, planned=planned)
            self.world.change(AffectedKept(kept))
        self.world.change(DeploymentChanged(deployment))

    def test_earlier_step(self) -> None:
        """An app whose step has not come says whom it waits for."""
        for name in ("/a", "/b"):
            self.world.add(app(name))
        self._deploy(("/b",), ("/a",))
        (cause,) = self.told().causes
        self.assertEqual(
            (cause.kind, cause.text),
            ("earlier_step", "its step 2 of 2 of deployment D comes after that of /b"),
        )
        self.assertEqual(self.kinds("/b"), [])

    def test_paused(self) -> None:
        """A deployment that is paused says so."""
        self.world.add(app())
        self._deploy(("/a",), paused=True)
        self.assertEqual(self.kinds(), ["paused"])

    def test_instances(self) -> None:
        """What instances do instead of serving."""
        one = app(instances=4)
        self.world.add(one)
        for number, condition in enumerate(
            (Condition.STAGING, Condition.UNREACHABLE, Condition.RUNNING)
        ):
            self.world.add(instance(one, condition, number=number))
        sick = instance(one, number=9)
        self.world.add(sick)
        self.world.change(HealthChanged(sick.id, (Health(0, alive=False),)))
        self.assertEqual(self.kinds(), ["starting", "unreachable", "unhealthy"])


class FunnelTests(WhyCase):
    """Numbers of offers, as the API tells them."""

    def setUp(self) -> None:
        super().setUp()
        self.rack = Constraint("rack", Operator.LIKE, "a")
        self.wish(3, cpus=2, constraints=(self.rack,))
        self.offer(
            offer(1, attributes="rack:b"),
            offer(2, "cpus:1;mem:900", attributes="rack:a"),
            offer(3, "cpus:2;mem:1", attributes="rack:a"),
            offer(4, "cpus:3;mem:900", attributes="rack:a"),
        )

    def test_launch_attempt(self) -> None:
        """Each step has what the one before let through; an offer is counted once."""
        steps = self.queued().launch_attempt
        self.assertEqual([step.reason for step in steps], list(Reason))
        self.assertEqual(
            {step.reason: (step.declined, step.processed) for step in steps if step.declined},
            {
                Reason.UNFULFILLED_CONSTRAINT: (1, 4),
                Reason.INSUFFICIENT_CPUS: (1, 3),
                Reason.INSUFFICIENT_MEMORY: (1, 2),
            },
        )
        self.assertEqual(steps[-1].processed, 1)

    def test_counts(self) -> None:
        """How many offers were looked at, how many did not do, and when."""
        first = self.world.now.wall
        self.world.later(5)
        self.offer(offer(1, attributes="rack:b"))
        report = self.queued()
        self.assertEqual(
            (report.count, report.processed, report.unused, report.last_used, report.last_unused),
            (2, 5, 4, first, first + 5),
        )

    def test_last_offers(self) -> None:
        """Of each agent the last offer is judged, as it was left."""
        self.offer(offer(1, attributes="rack:b"), offer(1, "cpus:1;mem:1", attributes="rack:a"))
        steps = {step.reason: step for step in self.queued().last_offers if step.declined}
        self.assertEqual(set(steps), {Reason.INSUFFICIENT_CPUS, Reason.INSUFFICIENT_MEMORY})
        # n1, n2, and n4, of which an instance has taken what it needs.
        self.assertEqual(steps[Reason.INSUFFICIENT_CPUS].declined, 3)

    def test_unused_offers(self) -> None:
        """Offers that did not do are told with everything that speaks against them."""
        found = {one.offer.hostname: one.reasons for one in self.queued().unused_offers}
        self.assertEqual(
            found,
            {
                "n1": (Reason.UNFULFILLED_CONSTRAINT,),
                "n2": (Reason.INSUFFICIENT_CPUS,),
                "n3": (Reason.INSUFFICIENT_MEMORY,),
                "n4": (Reason.INSUFFICIENT_CPUS,),
            },
        )

    def test_newest_unused(self) -> None:
        """Only the newest are told."""
        self.world.later(1)
        many = [offer(number, "cpus:1") for number in range(10, 10 + UNUSED_OFFERS_MAX)]
        self.offer(*many)
        names = {one.offer.hostname for one in self.queued().unused_offers}
        self.assertEqual(names, {one.hostname for one in many})

    def test_delay(self) -> None:
        """A back-off is told in seconds; without one it is only offers that are waited for."""
        self.assertEqual((self.queued().delay_left_s, self.queued().overdue), (0.0, True))
        until = self.world.now.wall + 4
        self.world.change(DelayChanged(AppId("/a"), Delay(AppId("/a"), V1, 4.0, until)))
        self.assertEqual((self.queued().delay_left_s, self.queued().overdue), (4.0, False))

    def test_shortfalls(self) -> None:
        """Agents are told with what they lack, those first that lack least."""
        told = [(one.hostname, one.text) for one in self.told().shortfalls]
        self.assertEqual(
            told,
            [
                ("n1", "does not fit [rack, LIKE, a]"),
                ("n2", "1 of 2 cpus free"),
                ("n4", "1 of 2 cpus free"),
                ("n3", "1 of 128 MiB of memory free"),
            ],
        )

    def test_nothing_waits(self) -> None:
        """An app that waits for nothing is in no queue."""
        self.world.run(queue.dropped, AppId("/a"))
        self.assertEqual(why.queue(self.world.state, self.world.live, self.world.now), ())


class StaleTests(WhyCase):
    """What is told is about what is launched."""

    def test_version(self) -> None:
        """The report is of the version that is wanted."""
        one = self.wish()
        self.world.add(replace(one, version="2026-05-01T00:00:00.000Z"))
        self.assertEqual(self.queued().app, one)
