"""Letters by SMTP: one attempt each, with what the answer means."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from io import BytesIO
from typing import Any, Final

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.ssl import optionsForClientTLS
from twisted.mail.smtp import (
    AUTHDeclinedError,
    AUTHRequiredError,
    ESMTPSenderFactory,
    SMTPClientError,
    TLSRequiredError,
)
from twisted.protocols.tls import TLSMemoryBIOFactory

from mesostw.notices.deliveries import Letter, Undeliverable

#: How long the server may keep silent.
SILENCE_MAX_S: Final = 30
#: Here TLS begins with the first byte, not by STARTTLS.
TLS_PORT: Final = 465


class MailServer(Struct, frozen=True, kw_only=True):
    """Where letters are handed in."""

    host: str
    port: int = 25
    sender: str
    user: str = ""
    password: str = ""
    #: Whether nothing is said before the link is encrypted and the server has proved its name.
    needs_tls: bool = False


class Postman:
    """Hands letters in at one server."""

    def __init__(self, reactor: Any, server: MailServer) -> None:
        self._reactor, self._server = reactor, server

    async def post(self, letter: Letter) -> None:
        """
        Hand one in; it returns when the server has taken it.

        :raises Undeliverable: the server will never take it
        """
        server = self._server
        try:
            text = BytesIO(document_of(letter, server.sender))
            sent: Deferred[object] = Deferred()
            factory = _factory(server, letter, text, sent)
        except ValueError as fault:
            raise Undeliverable(f"no letter can be made of it: {fault}") from fault
        if server.needs_tls and server.port == TLS_PORT:
            factory = TLSMemoryBIOFactory(optionsForClientTLS(server.host), True, factory)
        port = server.port
        link = self._reactor.connectTCP(server.host, port, factory, timeout=SILENCE_MAX_S)
        try:
            await sent
        except (AUTHDeclinedError, AUTHRequiredError, TLSRequiredError) as fault:
            raise Undeliverable(_words(fault)) from fault
        except SMTPClientError as fault:
            if 500 <= fault.code < 600:
                raise Undeliverable(_words(fault)) from fault
            raise OSError(_words(fault)) from fault
        finally:
            # The letter is handed in, or is not: there is no more to say.
            link.disconnect()


def document_of(letter: Letter, sender: str) -> bytes:
    """
    A letter as it is sent, in UTF-8; lines end as the protocol wants to be given them.

    :raises ValueError: an address or the subject has a line end
    """
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(letter.at, UTC))
    message["X-Chronos-Notice"] = letter.notice_id
    message.set_content(letter.text + "\n", charset="utf-8", cte="quoted-printable")
    return message.as_bytes(policy=SMTP.clone(linesep="\n"))


def _factory(server: MailServer, letter: Letter, text: BytesIO, sent: Deferred[object]) -> Any:
    is_begun = server.port == TLS_PORT
    return ESMTPSenderFactory(
        server.user.encode() or None,
        server.password.encode() or None,
        server.sender.encode("ascii"),
        [letter.to.encode("ascii")],
        text,
        sent,
        retries=0,
        timeout=SILENCE_MAX_S,
        heloFallback=not server.needs_tls,
        requireAuthentication=bool(server.user),
        requireTransportSecurity=server.needs_tls and not is_begun,
        # Without a demand for TLS it is taken where it is offered, from whomever.
        hostname=server.host if server.needs_tls else None,
    )


def _words(fault: SMTPClientError) -> str:
    """What the server said, without the log of the conversation, which may have the password."""
    text = fault.resp.decode(errors="replace")
    return f"the mail server answered {fault.code}: {text.strip()}"
