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
from twisted.internet.defer import Deferred
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


def wait_s(failures: int, random: Random, most_s: float = DIAL_MAX_S) -> float:
    """Seconds to wait before a dial after so many failures: from half to all of the longest."""
    longest: float = min(most_s, DIAL_FIRST_S * DIAL_FACTOR ** min(failures, 30))
    return longest * random.uniform(0.5, 1.0)


class Greeters(Factory):
    """
    Makes the dialling end of each link to one address.

    A connection whose hello is not welcomed counts as a failed dial.  (Twisted's
    ``prepareConnection`` would do that, but its ``ClientService`` breaks when a
    connection is lost while it is being prepared.)
    """

    noisy = False
    _log = Logger()

    def __init__(self, exchange: Exchange, address: str, random: Random, most_s: float) -> None:
        self._exchange = exchange
        self._address = address
        self._random = random
        self._most_s = most_s
        self._refusals = 0
        self._last: BusProtocol | None = None

    def buildProtocol(self, addr: IAddress | None) -> BusProtocol:
        made = self._last = BusProtocol(self._exchange, self._exchange.hello(), self._address)
        unattended(self._count(made.when_answered()), self._broken)
        return made

    async def _count(self, answering: Deferred[Welcome | Unwelcome | None]) -> None:
        answer = await answering
        if isinstance(answer, Welcome):
            self._refusals = 0
            return
        self._refusals += 1
        if self._refusals == 1:
            reason = "hangs up" if answer is None else f"{answer.reason}: {answer.message}"
            self._log.info("{address}: {reason}", address=self._address, reason=reason)

    def _broken(self, failure: Failure) -> None:
        self._log.failure("counting refusals of {address}", failure, address=self._address)

    def retry_in_s(self, failures: int) -> float:
        """Seconds until the next dial, after so many failures to connect in a row."""
        return wait_s(failures - 1 + self._refusals, self._random, self._most_s)

    def close(self) -> None:
        """Close the link that there may be."""
        if self._last is not None:
            self._last.close("no longer wanted")


@implementer(IDialer)
class Dialer:
    """
    Dials over TCP.

    :param reactor: makes connections and keeps time.
    :param random: the jitter's source.
    :param endpoint_to: makes an endpoint of a host and a port; plain TCP by default.
    :param most_s: seconds between two dials at most, before jitter.
    """

    def __init__(
        self,
        reactor: Any,
        exchange: Exchange,
        random: Random,
        endpoint_to: Callable[[str, int], IStreamClientEndpoint] | None = None,
        *,
        most_s: float = DIAL_MAX_S,
    ) -> None:
        self._reactor = reactor
        self._exchange = exchange
        self._random = random
        self._endpoint_to = endpoint_to if endpoint_to is not None else self._tcp
        self._most_s = most_s

    def _tcp(self, host: str, port: int) -> IStreamClientEndpoint:
        return HostnameEndpoint(self._reactor, host, port, timeout=CONNECT_TIMEOUT_S)

    def dial(self, address: str) -> Callable[[], None]:
        host, _, port = address.rpartition(":")
        greeters = Greeters(self._exchange, address, self._random, self._most_s)
        service = ClientService(
            self._endpoint_to(host.strip("[]"), int(port)),
            greeters,
            retryPolicy=greeters.retry_in_s,
            clock=self._reactor,
        )
        service.startService()

        def stop() -> None:
            greeters.close()
            unattended(service.stopService(), _ignore)

        return stop


def _ignore(_failure: Failure) -> None:
    """Stopping a dial that has already failed is no event."""
