"""Deployments, the queue, and why."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.changes import (
    DeploymentChanged,
    DeploymentEnded,
    ReadinessChanged,
    TerminationKept,
)
from mesostw.core.marathon.reasons import (
    Cause,
    FunnelStep,
    QueueReport,
    Reason,
    Shortfall,
    UnusedOffer,
    WhyReport,
)
from mesostw.core.marathon.records import Action, ActionKind, Readiness
from mesostw.core.marathon.words import (
    DelayResetAsked,
    DeploymentCancelAsked,
    DeploymentPauseAsked,
    Planned,
    Unfit,
)
from mesostw.core.story import Line
from mesostw.messages import AgentID, FrameworkID, Offer, OfferID
from mesostw.messages.convert import messages_of
from mesostw.messages.values import Attribute, Text, ValueType
from mesostw.model.apps import AppId, DeploymentId
from mesostw.model.ids import AgentId
from mesostw.model.resources import Resources
from tests.core.marathon.builders import V2, V3, app, instance
from tests.http.marathon.test_apps import ended
from tests.http.marathon.world import STAMP, MarathonWorld, deployment
from tests.http.world import WALL


class DeploymentsTests(SynchronousTestCase):
    """``/v2/deployments``."""

    def setUp(self) -> None:
        self.world = MarathonWorld()
        web = app("/web")
        self.one = instance(web)
        steps = (
            (Action(ActionKind.START, AppId("/db")), Action(ActionKind.START, AppId("/web"))),
            (Action(ActionKind.SCALE, AppId("/web"), 2),),
        )
        self.deployment = deployment(steps=steps, step=1)
        self.world.add(web, self.one)
        self.world.publish(
            DeploymentChanged(self.deployment),
            ReadinessChanged(self.one.id, Readiness("up", self.one.task_id, ready=True)),
        )

    @property
    def asked(self) -> Any:
        return self.world.core.asked[-1]

    def test_list(self) -> None:
        """Exactly the keys that clients know; steps count from 1."""
        start = [{"action": "StartApplication", "app": one} for one in ("/db", "/web")]
        scale = {"action": "ScaleApplication", "app": "/web"}
        result = {"name": "up", "taskId": self.one.task_id, "ready": True}
        self.assertEqual(
            self.world.get("/v2/deployments").json,
            [
                {
                    "id": "d-1",
                    "version": V2,
                    "affectedApps": ["/db", "/web"],
                    "affectedPods": [],
                    "steps": [{"actions": start}, {"actions": [scale]}],
                    "currentActions": [{**scale, "readinessCheckResults": [result]}],
                    "currentStep": 2,
                    "totalSteps": 2,
                }
            ],
        )

    def test_extensions(self) -> None:
        """What only we have is shown to who asks for it."""
        (shown,) = self.world.get("/v2/deployments?extensions=true").json
        self.assertEqual((shown["paused"], shown["doneApps"]), (False, []))
        self.assertRegex(shown["startedAt"], STAMP)

    def test_cancel(self) -> None:
        """It is taken back by another one, whose id is the answer."""
        self.world.answering(Planned(V3, DeploymentId("d-8")))
        answer = self.world.ask("DELETE", "/v2/deployments/d-1")
        self.assertEqual((answer.code, answer.json), (200, {"version": V3, "deploymentId": "d-8"}))
        self.assertEqual(self.asked, DeploymentCancelAsked(DeploymentId("d-1"), force=False))

    def test_stop(self) -> None:
        """By force it only stops: 202 and nothing."""
        self.world.answering(None)
        answer = self.world.ask("DELETE", "/v2/deployments/d-1?force=True")
        self.assertEqual((answer.code, answer.body), (202, b""))
        self.assertEqual(self.asked, DeploymentCancelAsked(DeploymentId("d-1"), force=True))

    def test_pause(self) -> None:
        """It waits and goes on, and is told as it is then."""
        for word, paused in (("pause", True), ("continue", False)):
            self.world.answering(None)
            self.world.publish(DeploymentChanged(deployment("/web", paused=paused)))
            answer = self.world.ask("POST", f"/v2/deployments/d-1/{word}")
            self.assertEqual((answer.code, answer.json["paused"]), (200, paused))
            self.assertEqual(self.asked, DeploymentPauseAsked(DeploymentId("d-1"), paused))

    def test_unknown(self) -> None:
        """One that is over is 404."""
        self.world.publish(DeploymentEnded(DeploymentId("d-1")))
        for method, path in (("DELETE", "d-1"), ("POST", "d-1/pause")):
            answer = self.world.ask(method, f"/v2/deployments/{path}")
            self.assertEqual(answer.code, 404)
            self.assertEqual(answer.json, {"message": "DeploymentPlan d-1 does not exist"})
        self.assertEqual(self.world.get("/v2/deployments").json, [])

    def test_not_allowed(self) -> None:
        """What a path does not do is 405."""
        for method, path in (("GET", "/d-1"), ("DELETE", ""), ("POST", "/d-1"), ("POST", "")):
            self.assertEqual(self.world.ask(method, f"/v2/deployments{path}").code, 405)


def waiting(**others: Any) -> QueueReport:
    """``/web`` waits for two more, and no offer had enough cpus."""
    offer = Offer(
        id=OfferID(value="O1"),
        framework_id=FrameworkID(value="F1"),
        agent_id=AgentID(value="S1"),
        hostname="n1",
        resources=messages_of(Resources.parse("cpus:1;ports:[31000-31009]"), "web"),
        attributes=(Attribute(name="rack", type=ValueType.TEXT, text=Text(value="r1")),),
    )
    funnel = (FunnelStep(Reason.UNFULFILLED_ROLE, 0, 4), FunnelStep(Reason.INSUFFICIENT_CPUS, 4, 4))
    fields: dict[str, Any] = {
        "app": app("/web", V2),
        "count": 2,
        "role": "web",
        "since": WALL - 9,
        "delay_left_s": 3.2,
        "processed": 4,
        "unused": 4,
        "last_unused": WALL - 1,
        "last_used": None,
        "last_offers": funnel,
        "launch_attempt": funnel,
        "unused_offers": (UnusedOffer(offer, (Reason.INSUFFICIENT_CPUS,), WALL - 1),),
    }
    return QueueReport(**{**fields, **others})


class QueueTests(SynchronousTestCase):
    """``/v2/queue``."""

    def setUp(self) -> None:
        self.world = MarathonWorld()
        self.world.core.queued = (waiting(),)

    def test_list(self) -> None:
        """What waits, how long still, and a funnel of reasons; times that are not, are left out."""
        (shown,) = self.world.get("/v2/queue").json["queue"]
        self.assertEqual(shown["app"]["id"], "/web")
        self.assertEqual((shown["count"], shown["role"]), (2, "web"))
        self.assertEqual(shown["delay"], {"timeLeftSeconds": 3, "overdue": False})
        self.assertRegex(shown["since"], STAMP)
        summary = shown["processedOffersSummary"]
        self.assertEqual((summary["processedOffersCount"], summary["unusedOffersCount"]), (4, 4))
        self.assertIn("lastUnusedOfferAt", summary)
        self.assertNotIn("lastUsedOfferAt", summary)
        step = {"reason": "InsufficientCpus", "declined": 4, "processed": 4}
        self.assertEqual(summary["rejectSummaryLastOffers"][1], step)
        self.assertEqual(len(summary["rejectSummaryLaunchAttempt"]), 2)
        self.assertEqual(
            set(shown), {"app", "count", "role", "since", "delay", "processedOffersSummary"}
        )

    def test_overdue(self) -> None:
        """Without a delay it is overdue."""
        self.world.core.queued = (waiting(delay_left_s=0.0),)
        (shown,) = self.world.get("/v2/queue").json["queue"]
        self.assertEqual(shown["delay"], {"timeLeftSeconds": 0, "overdue": True})

    def test_offers(self) -> None:
        """Offers that did not do, if they are asked for."""
        (shown,) = self.world.get("/v2/queue?embed=lastUnusedOffers").json["queue"]
        (unused,) = shown["lastUnusedOffers"]
        self.assertEqual(unused["reason"], ["InsufficientCpus"])
        offer = unused["offer"]
        self.assertEqual((offer["id"], offer["agentId"], offer["hostname"]), ("O1", "S1", "n1"))
        cpus, ports = offer["resources"]
        self.assertEqual(cpus, {"name": "cpus", "role": "*", "scalar": 1.0})
        self.assertEqual(ports["ranges"], [{"begin": 31_000, "end": 31_009}])
        self.assertEqual(offer["attributes"], [{"name": "rack", "text": "r1"}])

    def test_delay(self) -> None:
        """A delay is reset: 204; an app that does not wait is 404."""
        self.world.answering(None)
        answer = self.world.ask("DELETE", "/v2/queue//shop/web/delay")
        self.assertEqual((answer.code, answer.body), (204, b""))
        self.assertEqual(self.world.core.asked, [DelayResetAsked(AppId("/shop/web"))])
        text = "Application /x not found in tasks queue."
        self.world.answering(Unfit("unknown", text))
        answer = self.world.ask("DELETE", "/v2/queue/x/delay")
        self.assertEqual((answer.code, answer.json), (404, {"message": text}))
        self.assertEqual(self.world.ask("DELETE", "/v2/queue/x").code, 404)
        self.assertEqual(self.world.get("/v2/queue/x").code, 404)


class WhyTests(SynchronousTestCase):
    """``/why``: ours."""

    def setUp(self) -> None:
        self.world = MarathonWorld()

    def test_app(self) -> None:
        """A sentence, facts, what offers lacked, and what last happened."""
        core = self.world.core
        core.reasons[AppId("/shop/web")] = WhyReport(
            AppId("/shop/web"),
            "1 of 3 placed; 2 wait.",
            wished=3,
            placed=1,
            waiting=2,
            causes=(Cause("backed_off", "backed off", until=WALL + 5),),
            funnel=(FunnelStep(Reason.INSUFFICIENT_CPUS, 1, 1),),
            shortfalls=(Shortfall(AgentId("S1"), "n1", Reason.INSUFFICIENT_CPUS, "1 of 4 cpus"),),
        )
        core.stories["app/shop/web"] = (Line(WALL, "Offered", "2 to launch"),)
        told = self.world.get("/why/apps/shop/web").json
        self.assertEqual(told["sentence"], "1 of 3 placed; 2 wait.")
        self.assertEqual((told["wished"], told["placed"], told["waiting"]), (3, 1, 2))
        self.assertEqual(told["facts"], ["backed off"])
        self.assertRegex(told["causes"][0]["until"], STAMP)
        self.assertEqual(told["funnel"][0]["declined"], 1)
        shortfall = {"agentId": "S1", "hostname": "n1", "reason": "InsufficientCpus"}
        self.assertEqual(told["shortfalls"], [{**shortfall, "missing": ["1 of 4 cpus"]}])
        self.assertTrue(told["story"][0].endswith("Offered: 2 to launch"))
        self.assertEqual(self.world.get("/why/apps/nope").code, 404)

    def test_terminations(self) -> None:
        """How instances ended, the newest first, with exit status and the agent."""
        self.world.add(app("/shop/db"))
        self.world.publish(TerminationKept(ended(1)), TerminationKept(ended(2, doom="scaled")))
        two, one = self.world.get("/why/terminations/shop/db").json["terminations"]
        self.assertEqual((one["exitStatus"], one["slaveId"], one["failure"]), (1, "S9", True))
        self.assertNotIn("doom", one)
        self.assertEqual(two["doom"], "scaled")
        self.assertEqual(self.world.get("/why/terminations/nope").code, 404)

    def test_stories(self) -> None:
        """Deployments and groups have a story."""
        self.world.core.stories["deployment/d-1"] = (Line(WALL, "Continued", "over"),)
        self.world.core.stories["group/shop"] = (Line(WALL, "GroupAsked", "removed"),)
        self.assertEqual(len(self.world.get("/why/deployments/d-1").json["story"]), 1)
        self.assertEqual(self.world.get("/why/groups/shop").json["id"], "/shop")
        self.assertEqual(self.world.get("/why/deployments/d-2").code, 404)
        self.assertEqual(self.world.get("/why/else").code, 404)
