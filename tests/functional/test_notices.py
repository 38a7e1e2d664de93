"""Notices over real sockets: a mail server and an HTTP server that keep what they are given."""

from __future__ import annotations

import email
import email.policy
import os
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any, ClassVar

import msgspec
from msgspec.structs import replace
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater
from twisted.internet.tcp import Connection
from twisted.mail import smtp
from twisted.mail.imap4 import LOGINCredentials
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Site
from zope.interface import implementer

from mesostw.daemons.chronos_flags import Options
from mesostw.daemons.chronos_notices import notifier_of
from mesostw.interfaces import INotifier
from mesostw.model.jobs import Channel, Hook, NoticeId
from mesostw.notices.deliveries import signature_of
from mesostw.reactor_time import ReactorClock
from mesostw.testing.contracts.notifier import notice

REACTOR: Any = reactor


class Quiet(Options):
    """Options that no variable of the tester's reaches."""

    environment: ClassVar = {}


@implementer(smtp.IMessage)
class Arriving:
    """A letter that comes in."""

    def __init__(self, box: list[EmailMessage]) -> None:
        self._box, self._lines = box, list[bytes]()

    def lineReceived(self, line: bytes) -> None:
        """One line of it."""
        self._lines.append(line)

    def eomReceived(self) -> Deferred[None]:
        """All of it is there."""
        text = b"\n".join(self._lines)
        self._box.append(email.message_from_bytes(text, policy=email.policy.default))
        return succeed(None)

    def connectionLost(self) -> None:
        """Half a letter is none."""


@implementer(IRealm, smtp.IMessageDelivery)
class PostOffice:
    """Takes letters to anybody but ``nobody@``."""

    def __init__(self) -> None:
        self.box: list[EmailMessage] = []

    def requestAvatar(self, user: object, mind: object, *interfaces: object) -> Any:
        """Whoever has the password may send."""
        return smtp.IMessageDelivery, self, lambda: None

    def receivedHeader(self, helo: object, origin: object, recipients: object) -> bytes:
        """Nothing is added."""
        return b"Received: here"

    def validateFrom(self, helo: object, origin: object) -> object:
        """From anybody."""
        return origin

    def validateTo(self, user: Any) -> Any:
        """To anybody but one."""
        if user.dest.local == b"nobody":
            raise smtp.SMTPBadRcpt(user)
        return lambda: Arriving(self.box)


class Hearing(Resource):
    """An HTTP server that keeps calls, and answers as it is told."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[bytes, dict[bytes, bytes]]] = []
        self.answers: list[int] = []

    def render_POST(self, request: Any) -> bytes:
        """Keep one call."""
        headers = {
            name.lower(): values[0] for name, values in request.requestHeaders.getAllRawHeaders()
        }
        self.calls.append((request.content.read(), headers))
        request.setResponseCode(self.answers.pop(0) if self.answers else 204)
        return b""


class NoticesTests(TestCase):
    """What arrives at the other end."""

    def setUp(self) -> None:
        self.office, self.hearing = PostOffice(), Hearing()
        checker = InMemoryUsernamePasswordDatabaseDontUse(postman=b"secret")
        factory = smtp.SMTPFactory(Portal(self.office, [checker]))
        factory.protocol = lambda: smtp.ESMTP(chal={b"LOGIN": LOGINCredentials})  # type: ignore
        self.addCleanup(self.quiet)
        self.mail = self.listen(factory)
        self.web = self.listen(Site(self.hearing))

    def quiet(self) -> Deferred[None]:
        """Wait until no connection is left."""

        async def wait() -> None:
            while any(isinstance(one, Connection) for one in REACTOR.getReaders()):
                await deferLater(REACTOR, 0.01)

        return Deferred.fromCoroutine(wait())

    def listen(self, factory: Any) -> int:
        """The port of a server that ends with the test."""
        port = REACTOR.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        number: int = port.getHost().port
        return number

    def notifier(self, *words: str) -> tuple[INotifier, Deferred[Any]]:
        """A notifier by flags, and what it says first."""
        options = Quiet()
        options.parseOptions(["--master=m:1", "--work_dir=/tmp/x", *words])
        said: Deferred[Any] = Deferred()
        notifier = notifier_of(options, REACTOR, ReactorClock(REACTOR), said.callback)
        self.addCleanup(notifier.close)
        return notifier, said

    def with_mail(self, *words: str) -> Sequence[str]:
        """The flags of a mail server."""
        return (
            f"--mail_server=127.0.0.1:{self.mail}",
            "--mail_from=chronos@example.org",
            "--mail_user=postman",
            "--mail_password=secret",
            *words,
        )

    async def test_mail(self) -> None:
        """Every address of the owner has a letter, with its letters and its cluster."""
        notifier, said = self.notifier(*self.with_mail("--cluster_name=Süd"))
        told = replace(notice("n1"), hook=None, to=("a@example.org", "b@example.org"))
        notifier.bring(replace(told, text="Größer als 3 ≠ 2."))
        heard = await said
        self.assertTrue(heard.delivered, heard.detail)
        self.assertEqual(
            sorted(str(one["To"]) for one in self.office.box), ["a@example.org", "b@example.org"]
        )
        letter = self.office.box[0]
        self.assertEqual(letter["Subject"], "[Süd] [Chronos] job 'a' failed")
        self.assertEqual(letter["X-Chronos-Notice"], "n1")
        self.assertEqual(letter.get_content().strip(), "Größer als 3 ≠ 2.")

    async def test_mail_that_is_refused(self) -> None:
        """An address that the server will not have is given up at once, and said."""
        notifier, said = self.notifier(*self.with_mail())
        notifier.bring(replace(notice("n1"), hook=None, to=("nobody@example.org",)))
        heard = await said
        self.assertFalse(heard.delivered)
        self.assertIn("nobody@example.org: the mail server answered 550", heard.detail)

    async def test_wrong_password(self) -> None:
        """A password that is not taken is no reason to try again, and is never told."""
        notifier, said = self.notifier(*self.with_mail("--mail_password=guess"))
        notifier.bring(replace(notice("n1"), hook=None, to=("a@example.org",)))
        heard = await said
        self.assertFalse(heard.delivered)
        self.assertNotIn("guess", heard.detail)

    async def test_mail_that_must_be_encrypted(self) -> None:
        """Nothing is said to a server without TLS where the operator wants it."""
        notifier, said = self.notifier(*self.with_mail("--mail_ssl=true"))
        notifier.bring(replace(notice("n1"), hook=None, to=("a@example.org",)))
        heard = await said
        self.assertFalse(heard.delivered)
        self.assertEqual(self.office.box, [])

    async def test_webhook(self) -> None:
        """A hook has the notice, its id, and a signature by which it can be trusted."""
        secret = self.mktemp()
        with open(secret, "w") as file:
            file.write("key\n")

        notifier, said = self.notifier(f"--webhook_secret_file={os.path.abspath(secret)}")
        self.hearing.answers = [503]
        hook = Hook(channel=Channel.WEBHOOK, target=f"http://127.0.0.1:{self.web}/hook")
        notifier.bring(replace(notice("n1"), hook=hook))
        heard = await said
        self.assertTrue(heard.delivered, heard.detail)
        self.assertEqual(len(self.hearing.calls), 2)
        body, headers = self.hearing.calls[1]
        told = msgspec.json.decode(body)
        self.assertEqual((told["id"], told["occasion"], told["job"]), ("n1", "failure", "a"))
        self.assertEqual(headers[b"x-chronos-notice"], b"n1")
        timestamp = headers[b"x-chronos-timestamp"].decode()
        self.assertEqual(
            headers[b"x-chronos-signature"].decode(), signature_of(b"key", timestamp, body)
        )

    async def test_the_originals_call(self) -> None:
        """Its fields are all that is sent, with basic credentials; 404 ends it at once."""
        notifier, said = self.notifier(
            f"--http_notification_url=http://127.0.0.1:{self.web}/",
            "--http_notification_credentials=user:pw",
        )
        self.hearing.answers = [404]
        notifier.bring(replace(notice("n1"), hook=None, fields={"job": "a"}, to=("a@b",)))
        heard = await said
        self.assertEqual((heard.notice_id, heard.delivered), (NoticeId("n1"), False))
        ((body, headers),) = self.hearing.calls
        self.assertEqual(msgspec.json.decode(body), {"job": "a", "to": "a@b"})
        self.assertEqual(headers[b"authorization"], b"Basic dXNlcjpwdw==")
