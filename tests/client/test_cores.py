"""A core behind the public client: callbacks are stimuli, effects are calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from mesostw.client.cores import CoreScheduler
from mesostw.core.scheduling import (
    AcceptOffers,
    AcknowledgeStatus,
    DeclineOffers,
    KillTask,
    MasterLost,
    Offered,
    ReconcileTasks,
    Registered,
    Rescinded,
    ReviveOffers,
    StatusCame,
    SuppressOffers,
    UpdateRoles,
)
from mesostw.interfaces import IInbox, IPerformer
from mesostw.messages import FrameworkInfo
from mesostw.messages import scheduler_calls as calls
from mesostw.messages import scheduler_events as events
from mesostw.messages.ids import OfferID
from mesostw.model.ids import AgentId, FrameworkId, OfferId, TaskId
from mesostw.model.tasks import TaskState
from mesostw.testing.scheduler import MemoryMaster

MINE = FrameworkInfo(user="me", name="mine")


@implementer(IInbox)
class Ear:
    """Writes down what a driver would be told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def tell(self, stimuli: Sequence[object]) -> None:
        self.told.extend(stimuli)

    def ask(self, question: Struct) -> Deferred[Struct | None]:
        raise AssertionError(f"nobody asks {question!r}")

    def has_room(self, resume: Callable[[], None]) -> bool:
        return True


@implementer(IPerformer)
class Others:
    """Writes down the effects that are no calls."""

    def __init__(self) -> None:
        self.performed: list[object] = []

    def perform(self, effect: object) -> None:
        self.performed.append(effect)


class CoreSchedulerTests(SynchronousTestCase):
    """Nothing is decided here, and nothing is acknowledged before the core says so."""

    def setUp(self) -> None:
        self.master, self.ear, self.others = MemoryMaster(), Ear(), Others()
        self.scheduler = CoreScheduler(self.others)
        self.scheduler.inbox = self.ear
        self.client = self.master.client(self.scheduler, MINE, explicit_acknowledgements=True)

    def test_what_the_master_says_is_told_in_order(self) -> None:
        """Subscription, offers, rescinded offers, statuses and a broken link become stimuli."""
        offer = self.master.offer("cpus:1")
        self.master.say(events.Rescind(offer_id=OfferID(value="o9")))
        self.master.update("t1", TaskState.TASK_RUNNING)
        self.master.break_link()
        kinds = [type(one) for one in self.ear.told]
        self.assertEqual(kinds, [Registered, Offered, Rescinded, StatusCame, MasterLost])
        registered, offered, rescinded, *_ = self.ear.told
        assert isinstance(registered, Registered)
        self.assertEqual(registered.framework_id, FrameworkId("framework-1"))
        self.assertEqual(offered, Offered((offer,)))
        self.assertEqual(rescinded, Rescinded(OfferId("o9")))

    def test_a_status_is_acknowledged_by_an_effect(self) -> None:
        """Until the core says that it is kept, the master may repeat it."""
        self.master.update("t1", TaskState.TASK_RUNNING)
        self.assertEqual(self.master.calls_of(calls.Acknowledge), [])
        [told] = [one for one in self.ear.told if isinstance(one, StatusCame)]
        self.scheduler.perform(AcknowledgeStatus(told.status))
        [said] = self.master.calls_of(calls.Acknowledge)
        self.assertEqual((said.task_id, said.uuid), (told.status.task_id, told.status.uuid))

    def test_effects_are_calls(self) -> None:
        """Each effect of a framework's core is the call of its name."""
        for effect, call in (
            (AcceptOffers((OfferId("o1"),), (), 5.0), calls.Accept),
            (DeclineOffers((OfferId("o1"),), 120.0), calls.Decline),
            (KillTask(TaskId("t1"), AgentId("a1")), calls.Kill),
            (ReviveOffers(("ops",)), calls.Revive),
            (SuppressOffers(("ops",)), calls.Suppress),
            (ReconcileTasks({TaskId("t1"): AgentId("a1")}), calls.Reconcile),
            (UpdateRoles(("ops", "web")), calls.UpdateFramework),
        ):
            self.master.calls.clear()
            self.scheduler.perform(effect)
            self.assertEqual([type(one) for one in self.master.calls], [call])
        self.assertEqual(self.others.performed, [])

    def test_other_roles_are_of_the_next_subscription_too(self) -> None:
        """Who comes back after a broken link is in the roles that it was in."""
        self.scheduler.perform(UpdateRoles(("ops", "web")))
        self.master.break_link()
        self.master.come_back()
        said = self.master.calls_of(calls.Subscribe)[-1]
        self.assertEqual(said.framework_info.roles, ("ops", "web"))

    def test_other_effects_are_given_on(self) -> None:
        """What is no call is performed by somebody else."""
        effect = FrameworkInfo(user="u", name="n")
        self.scheduler.perform(effect)
        self.assertEqual(self.others.performed, [effect])
