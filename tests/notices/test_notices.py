"""Bringing notices: what each means, how often it is tried, and what is said of it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.words import Notified
from mesostw.interfaces import INotifier
from mesostw.model.jobs import Channel, Hook, NoticeId
from mesostw.notices.deliveries import (
    Call,
    Delivery,
    Letter,
    Routes,
    Undeliverable,
    deliveries_of,
    signature_of,
)
from mesostw.notices.mail import document_of
from mesostw.notices.memory import MemoryNotifier
from mesostw.notices.outbox import CONCURRENT_MAX, RETRY_DELAYS_S, Outbox
from mesostw.testing.clock import HeapClock
from mesostw.testing.contracts import notifier as contracts
from mesostw.testing.contracts.notifier import notice


class Peers:
    """The other side of an outbox: answers each delivery when a test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[Delivery, Deferred[None]]] = []

    async def bring(self, delivery: Delivery) -> None:
        """Wait for the test's word."""
        answer: Deferred[None] = Deferred()
        self.asked.append((delivery, answer))
        await answer

    def answer(self, notice_id: NoticeId, fault: Exception | None = None) -> None:
        """Answer all open attempts of a notice."""
        for delivery, answer in list(self.asked):
            if delivery.notice_id == notice_id and not answer.called:
                if fault is None:
                    answer.callback(None)
                else:
                    answer.errback(fault)


class OutboxContractTests(contracts.NotifierContract, SynchronousTestCase):
    """The real one, with peers in memory."""

    def notifier(self, told: list[Notified]) -> INotifier:
        self.peers = Peers()
        return Outbox(HeapClock(), Routes(), self.peers.bring, told.append)

    def settle(self, notice_id: NoticeId, delivered: bool) -> None:
        self.peers.answer(notice_id, None if delivered else Undeliverable("no"))


class MemoryContractTests(contracts.NotifierContract, SynchronousTestCase):
    """The one for tests."""

    def notifier(self, told: list[Notified]) -> INotifier:
        self.memory = MemoryNotifier(told.append)
        return self.memory

    def settle(self, notice_id: NoticeId, delivered: bool) -> None:
        self.memory.settle(notice_id, delivered)


class OutboxTests(SynchronousTestCase):
    """Attempts and their limits."""

    def setUp(self) -> None:
        self.clock, self.peers = HeapClock(), Peers()
        self.told: list[Notified] = []
        self.routes = Routes(has_mail=True, callback_url="http://user:secret@ops.example/tell")
        self.outbox = Outbox(self.clock, self.routes, self.peers.bring, self.told.append)

    def test_given_up(self) -> None:
        """A peer that never answers well is asked once and after each delay, then no more."""
        self.outbox.bring(notice("n1"))
        for delay_s in RETRY_DELAYS_S:
            self.peers.answer(NoticeId("n1"), OSError("away"))
            self.clock.advance(delay_s - 0.1)
            before = len(self.peers.asked)
            self.clock.advance(0.1)
            self.assertEqual(len(self.peers.asked), before + 1)
            self.assertEqual(self.told, [])
        self.peers.answer(NoticeId("n1"), OSError("away"))
        self.assertEqual(self.told, [Notified(NoticeId("n1"), False, "there.example: away")])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_comes_back(self) -> None:
        """A peer that was away for one attempt has it with the next."""
        self.outbox.bring(notice("n1"))
        self.peers.answer(NoticeId("n1"), OSError("away"))
        self.clock.advance(RETRY_DELAYS_S[0])
        self.peers.answer(NoticeId("n1"))
        self.assertEqual(self.told, [Notified(NoticeId("n1"), True, "told there.example")])

    def test_a_few_at_a_time(self) -> None:
        """No more than so many are under way; the next begins when one has ended."""
        for number in range(CONCURRENT_MAX + 1):
            self.outbox.bring(notice(str(number)))
        self.assertEqual(len(self.peers.asked), CONCURRENT_MAX)
        self.peers.answer(NoticeId("3"))
        self.assertEqual(len(self.peers.asked), CONCURRENT_MAX + 1)

    def test_all_of_several(self) -> None:
        """One of several addresses that is wrong keeps the others from nothing, and is said."""
        self.outbox.bring(replace(notice("n1"), hook=None, to=("a@x", "b@x")))
        self.assertEqual([type(one) for one, _ in self.peers.asked], [Letter, Letter, Call, Call])
        for number, (_, answer) in enumerate(list(self.peers.asked)):
            if number == 1:
                answer.errback(Undeliverable("unknown"))
            else:
                answer.callback(None)
        self.assertEqual(self.told, [Notified(NoticeId("n1"), False, "b@x: unknown")])

    def test_nobody_to_tell(self) -> None:
        """A job without an owner has nobody who could be told by mail, which is said."""
        outbox = Outbox(self.clock, Routes(has_mail=True), self.peers.bring, self.told.append)
        outbox.bring(replace(notice("n1"), hook=None))
        self.assertEqual([one.delivered for one in self.told], [False])
        self.assertIn("no owner", self.told[0].detail)

    def test_closed_leaves_nothing(self) -> None:
        """After the close no attempt waits for its time."""
        self.outbox.bring(notice("n1"))
        self.peers.answer(NoticeId("n1"), OSError("away"))
        self.outbox.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class DeliveriesTests(SynchronousTestCase):
    """What a notice means."""

    def test_the_originals_call(self) -> None:
        """One call for each address, all of it text; one without address if there is no owner."""
        routes = Routes(callback_url="http://ops.example/", callback_credentials=("u", "p"))
        told = replace(notice("n1"), hook=None, fields={"job": "a"}, to=("a@x", "b@x"))
        calls: list[Any] = deliveries_of(told, routes)
        self.assertEqual(
            [one.document for one in calls], [{"job": "a", "to": "a@x"}, {"job": "a", "to": "b@x"}]
        )
        self.assertEqual({one.credentials for one in calls}, {("u", "p")})
        (alone,) = deliveries_of(replace(told, to=()), routes)
        self.assertEqual(alone, replace(calls[0], document={"job": "a"}))
        (named,) = deliveries_of(replace(told, to=()), replace(routes, cluster="east"))
        subject = "[east] [Chronos] job 'a' failed"
        self.assertEqual(named, replace(alone, document={"job": "a", "subject": subject}))

    def test_chats(self) -> None:
        """Slack and Mattermost have one text; credentials are for nobody but the callback."""
        routes = Routes(slack_url="https://slack/x", mattermost_url="https://mm/y")
        calls: list[Any] = deliveries_of(replace(notice("n1"), hook=None), routes)
        self.assertEqual([one.url for one in calls], ["https://slack/x", "https://mm/y"])
        self.assertEqual(
            [one.document for one in calls], [{"text": "[Chronos] job 'a' failed: It did."}] * 2
        )
        hook = Hook(channel=Channel.SLACK, target="https://slack/z")
        (call,) = deliveries_of(replace(notice("n1"), hook=hook), Routes())
        self.assertEqual(call, replace(calls[0], url="https://slack/z"))

    def test_mail_without_a_server(self) -> None:
        """A hook by mail is refused in words where the operator has named no server."""
        hook = Hook(channel=Channel.MAIL, target="a@x")
        with self.assertRaisesRegex(Undeliverable, "--mail_server"):
            deliveries_of(replace(notice("n1"), hook=hook), Routes())
        (letter,) = deliveries_of(replace(notice("n1"), hook=hook), Routes(has_mail=True))
        self.assertEqual(letter.place, "a@x")

    def test_places_have_no_secrets(self) -> None:
        """What people are told of a call is its host."""
        call = Call(NoticeId("n1"), "https://user:secret@hooks.example/token", {})
        self.assertEqual(call.place, "hooks.example")

    def test_signature(self) -> None:
        """It depends on the secret, the time and the body, as HMAC-SHA256 does."""
        self.assertEqual(
            signature_of(b"key", "1", b"{}"),
            "sha256=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224",
        )

    def test_a_letter(self) -> None:
        """Other letters than ASCII survive; a line end in the subject is refused."""
        letter = Letter(NoticeId("n1"), "a@x", "Größe", "Übel.", 0.0)
        text = document_of(letter, "chronos@x").decode()
        self.assertIn("Subject: =?utf-8?", text)
        self.assertNotIn("\r", text)
        with self.assertRaises(ValueError):
            document_of(replace(letter, subject="a\nBcc: b@x"), "chronos@x")
