"""Calls over HTTP: one attempt each, with what the answer means."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import treq
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Protocol
from twisted.web.client import Agent
from twisted.web.iweb import IResponse

from mesostw.interfaces import IClock
from mesostw.notices.deliveries import (
    NOTICE_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Call,
    Undeliverable,
    signature_of,
)

#: How long another may take to answer.
ANSWER_TIMEOUT_S: Final = 30.0
CONNECT_TIMEOUT_S: Final = 10.0
#: Of the fourth hundred, those that say to come again.
AGAIN: Final = (408, 429)


class Caller:
    """
    Posts documents.

    :param secret: signs what is to be signed; nothing is if there is none
    """

    def __init__(self, reactor: Any, clock: IClock, secret: bytes | None) -> None:
        self._reactor, self._clock, self._secret = reactor, clock, secret
        # A redirection is not followed: where to was not decided by who gave the URL.
        self._client = treq.client.HTTPClient(Agent(reactor, connectTimeout=CONNECT_TIMEOUT_S))

    async def call(self, call: Call) -> None:
        """
        Post one; it returns when the other has taken it.

        :raises Undeliverable: the other will never take it
        """
        body = msgspec.json.encode(call.document)
        headers: dict[str | bytes, str | bytes] = {
            "Content-Type": "application/json",
            NOTICE_HEADER: call.notice_id,
        }
        if call.is_signed and self._secret is not None:
            timestamp = str(int(self._clock.wall()))
            headers[TIMESTAMP_HEADER] = timestamp
            headers[SIGNATURE_HEADER] = signature_of(self._secret, timestamp, body)
        try:
            answering = self._client.post(
                call.url,
                headers=headers,
                data=body,
                auth=call.credentials,
                timeout=ANSWER_TIMEOUT_S,
                reactor=self._reactor,
            )
        except ValueError as fault:
            raise Undeliverable(f"no URL that can be called: {fault}") from fault
        response = await answering
        # The rest is not waited for; unread it would keep the connection for ever.
        response.deliverBody(_Unread())
        _judge(response)


class _Unread(Protocol):
    """A body that nobody wants."""

    transport: ITransport

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        self.transport.loseConnection()


def _judge(response: IResponse) -> None:
    code = response.code
    if 200 <= code < 300:
        return
    words = f"it answered {code}"
    if code >= 500 or code in AGAIN:
        raise OSError(words)
    raise Undeliverable(words)
