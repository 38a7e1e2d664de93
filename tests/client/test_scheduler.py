"""The public scheduler client against a master in memory."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mesostw.client.scheduler import FrameworkRefused, Scheduler
from mesostw.messages import FrameworkInfo, MasterInfo, Offer, TaskStatus
from mesostw.messages import scheduler_events as events
from mesostw.messages.scheduler_calls import (
    Acknowledge,
    Decline,
    Kill,
    Reconcile,
    Subscribe,
    Teardown,
)
from mesostw.model.tasks import TaskState
from mesostw.testing.scheduler import MemoryMaster

MINE = FrameworkInfo(user="me", name="mine")


class Diary(Scheduler):
    """A scheduler that writes down what it is told, and may wait in ``updated``."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.wait: Deferred[None] | None = None
        self.fault: Exception | None = None

    async def subscribed(self, framework_id: str, master: MasterInfo | None) -> None:
        self.told.append(("subscribed", framework_id))

    async def offers(self, offers: Sequence[Offer]) -> None:
        self.told.append(("offers", len(offers)))
        await super().offers(offers)

    async def updated(self, status: TaskStatus) -> None:
        self.told.append(("updated", status.state))
        if self.fault is not None:
            raise self.fault
        if self.wait is not None:
            await self.wait

    async def disconnected(self) -> None:
        self.told.append("disconnected")

    async def error(self, message: str) -> None:
        self.told.append(("error", message))


class SchedulerClientTests(SynchronousTestCase):
    """A framework hears in order, acknowledges when done, and comes back by itself."""

    def setUp(self) -> None:
        self.master, self.diary = MemoryMaster(), Diary()
        self.client = self.master.client(self.diary, MINE)

    def test_subscribes(self) -> None:
        """The first thing said is a subscription; its answer makes the client connected."""
        self.assertEqual(self.master.calls, [Subscribe(framework_info=MINE)])
        self.assertEqual(self.diary.told, [("subscribed", "framework-1")])
        self.assertTrue(self.client.connected)

    def test_offers_are_declined_unless_used(self) -> None:
        """A scheduler that does nothing about offers does not hoard them."""
        offer = self.master.offer("cpus:1")
        [declined] = self.master.calls_of(Decline)
        self.assertEqual(declined.offer_ids, (offer.id,))

    def test_acknowledges_after_the_callback(self) -> None:
        """A status is acknowledged when ``updated`` has returned, not before."""
        self.diary.wait = Deferred()
        uuid = self.master.update("t", TaskState.TASK_RUNNING)
        self.assertEqual(self.master.calls_of(Acknowledge), [])
        self.diary.wait.callback(None)
        [acknowledged] = self.master.calls_of(Acknowledge)
        self.assertEqual(acknowledged.uuid, uuid)

    def test_one_at_a_time(self) -> None:
        """While a callback waits no other is called; then they come in order."""
        wait = self.diary.wait = Deferred()
        self.master.update("t", TaskState.TASK_STARTING)
        self.master.update("t", TaskState.TASK_RUNNING)
        self.master.offer("cpus:1")
        self.assertEqual(self.diary.told[1:], [("updated", TaskState.TASK_STARTING)])
        self.diary.wait = None
        wait.callback(None)
        self.assertEqual(self.diary.told[2:], [("updated", TaskState.TASK_RUNNING), ("offers", 1)])

    def test_a_failing_callback_ends_the_client_unacknowledged(self) -> None:
        """What a scheduler could not deal with will come again, to its next life."""
        self.diary.fault = ValueError("disk full")
        self.master.update("t", TaskState.TASK_RUNNING)
        assert self.master.finished is not None
        self.failureResultOf(self.master.finished, ValueError)
        self.assertEqual(self.master.calls_of(Acknowledge), [])

    def test_comes_back_and_reconciles(self) -> None:
        """After a break the same framework subscribes again and asks for all its tasks."""
        self.master.break_link()
        self.assertEqual(self.diary.told[-1], "disconnected")
        self.assertFalse(self.client.connected)
        self.master.come_back()
        again = self.master.calls_of(Subscribe)[-1]
        assert again.framework_info.id is not None
        self.assertEqual(again.framework_info.id.value, "framework-1")
        self.assertEqual(len(self.master.calls_of(Reconcile)), 1)

    def test_kills_are_said_again_until_the_task_has_ended(self) -> None:
        """A kill that a broken link may have lost is repeated; one that worked is not."""
        self.client.kill("a")
        self.client.kill("b")
        self.master.update("a", TaskState.TASK_KILLED)
        self.master.break_link()
        self.master.come_back()
        self.assertEqual(
            [kill.task_id.value for kill in self.master.calls_of(Kill)], ["a", "b", "b"]
        )

    def test_another_master_before_the_end(self) -> None:
        """A link to another master ends that to the last one, whose end may come late."""
        self.master.answering = False
        self.master.be_followed()
        self.assertEqual((self.client.connected, self.diary.told[-1]), (False, "disconnected"))
        self.client.kill("a")
        self.assertEqual(self.master.calls_of(Kill), [])
        self.master.subscribed()
        self.assertTrue(self.client.connected)
        self.assertEqual(len(self.master.calls_of(Kill)), 1)

    def test_held(self) -> None:
        """Whoever may have been replaced subscribes again only when it knows that it was not."""
        self.client.hold(held=True)
        self.assertTrue(self.client.connected)
        self.master.break_link()
        self.master.come_back()
        self.assertEqual(len(self.master.calls_of(Subscribe)), 1)
        self.assertFalse(self.client.connected)
        self.client.hold(held=False)
        self.assertEqual(len(self.master.calls_of(Subscribe)), 2)
        self.assertTrue(self.client.connected)
        for held in (True, False):
            self.client.hold(held=held)
        self.assertEqual(len(self.master.calls_of(Subscribe)), 2)

    def test_silence(self) -> None:
        """A master that says nothing for five heartbeats is dialled again."""
        self.master.clock.advance(74.0)
        self.assertEqual(len(self.master.calls_of(Subscribe)), 1)
        self.master.say(events.Heartbeat())
        self.master.clock.advance(74.0)
        self.assertEqual(len(self.master.calls_of(Subscribe)), 1)
        self.master.clock.advance(1.5)
        self.assertEqual(len(self.master.calls_of(Subscribe)), 2)

    def test_refused(self) -> None:
        """An error of the master is final: the scheduler hears it, then the client ends."""
        self.master.say(events.Error(message="Framework has been removed"))
        self.assertEqual(self.diary.told[-1], ("error", "Framework has been removed"))
        assert self.master.finished is not None
        self.failureResultOf(self.master.finished, FrameworkRefused)

    def test_stop(self) -> None:
        """A stopped client tears down if asked, and its end fires."""
        self.client.stop(teardown=True)
        self.assertEqual(len(self.master.calls_of(Teardown)), 1)
        assert self.master.finished is not None
        self.assertIs(self.successResultOf(self.master.finished), None)
