"""
Keeping links up: dial, say hello, dial again with back-off and jitter.

A dial has succeeded when the peer has said welcome; a peer that hangs up before, or says
that it does not lead, is dialled ever more slowly.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from twisted.application.internet import ClientService
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IAddress, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.bus.exchange import Exchange
from mesostw.bus.protocol import BusProtocol
from mesostw.interfaces import IDialer
from mesostw.messages.hello import Unwelcome, Welcome
from mesostw.unattended import unattended

#: Seconds from the end of a link to the first dial again, before jitter.
DIAL_FIRST_S: Final = 0.25
#: Seconds between two dials at most, before jitter.
DIAL_MAX_S: Final = 10.0
#: Each failed dial makes the wait so many times longer.
DIAL_FACTOR: Final = 1.7
#: Seconds until a connection attempt is given up.
CONNECT_TIMEOUT_S: Final = 10.0


class Unwelcomed(Exception):
    """The peer answered our hello, but not with a welcome."""


def back_off(random: Random) -> Callable[[int], float]:
    """Seconds to wait before a dial, by the number of failures; from half to all of it."""

    def wait_s(failures: int) -> float:
        longest: float = min(DIAL_MAX_S, DIAL_FIRST_S * DIAL_FACTOR ** min(failures, 30))
        return longest * random.uniform(0.5, 1.0)

    return wait_s


class Greeters(Factory):
    """Makes the dialling end of a link."""

    noisy = False

    def __init__(self, exchange: Exchange, address: str) -> None:
        self._exchange = exchange
        self._address = address

    def buildProtocol(self, addr: IAddress | None) -> BusProtocol:
        return BusProtocol(self._exchange, self._exchange.hello(), self._address)


async def welcomed(protocol: Any) -> None:
    """Wait until the peer has said welcome; raises :class:`Unwelcomed` if it does not."""
    answer: Welcome | Unwelcome | None = await protocol.when_answered()
    if answer is None:
        message = "hung up on our hello"
        raise Unwelcomed(message)
    if isinstance(answer, Unwelcome):
        message = f"{answer.reason}: {answer.message}"
        raise Unwelcomed(message)


@implementer(IDialer)
class Dialer:
    """
    Dials over TCP.

    :param reactor: makes connections and keeps time.
    :param random: the jitter's source.
    :param endpoint_to: makes an endpoint of a host and a port; plain TCP by default.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        exchange: Exchange,
        random: Random,
        endpoint_to: Callable[[str, int], IStreamClientEndpoint] | None = None,
    ) -> None:
        self._reactor = reactor
        self._exchange = exchange
        self._random = random
        self._endpoint_to = endpoint_to if endpoint_to is not None else self._tcp

    def _tcp(self, host: str, port: int) -> IStreamClientEndpoint:
        return HostnameEndpoint(self._reactor, host, port, timeout=CONNECT_TIMEOUT_S)

    def dial(self, address: str) -> Callable[[], None]:
        host, _, port = address.rpartition(":")
        service = ClientService(
            self._endpoint_to(host.strip("[]"), int(port)),
            Greeters(self._exchange, address),
            retryPolicy=back_off(self._random),
            clock=self._reactor,
            prepareConnection=lambda protocol: Deferred.fromCoroutine(welcomed(protocol)),
        )
        service.startService()
        unattended(service.whenConnected(failAfterFailures=1), self._not_yet(address))

        def stop() -> None:
            unattended(service.stopService(), _ignore)

        return stop

    def _not_yet(self, address: str) -> Callable[[Failure], None]:
        def log(failure: Failure) -> None:
            if not failure.check(CancelledError):
                self._log.warn(
                    "{address} does not answer yet: {reason}",
                    address=address,
                    reason=failure.getErrorMessage(),
                )

        return log


def _ignore(_failure: Failure) -> None:
    """Stopping a dial that has already failed is no event."""
