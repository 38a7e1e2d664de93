"""Links to whoever leads, wherever that is."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger
from zope.interface import implementer

from mesostw.interfaces import IClock, IDialer, IZooKeeper
from mesostw.model.zkurl import SCHEME, ZkUrl, parse
from mesostw.zookeeper.election import MASTERS, Detector
from mesostw.zookeeper.masters import address_of


@implementer(IDialer)
class LeaderDialer:
    """
    Dials ``host:port`` itself, and for ``zk://`` whoever leads there, as long as it does.

    While nobody leads, or nobody can be asked, the last leader is dialled on: it may be the
    next, and if it is not it says so.

    :param ensemble_of: the ensemble of a URL.
    """

    def __init__(
        self, dialer: IDialer, clock: IClock, ensemble_of: Callable[[ZkUrl], IZooKeeper]
    ) -> None:
        self._dialer, self._clock, self._ensemble_of = dialer, clock, ensemble_of

    def dial(self, address: str) -> Callable[[], None]:
        if not address.startswith(SCHEME):
            return self._dialer.dial(address)
        following = _Following(self._dialer)
        ensemble = self._ensemble_of(parse(address, "master"))
        detector = Detector(ensemble, self._clock, MASTERS, following.told)
        detector.start()

        def stop() -> None:
            detector.stop()
            following.hang_up()

        return stop


class _Following:
    """One leader after the other."""

    _log = Logger()

    def __init__(self, dialer: IDialer) -> None:
        self._dialer = dialer
        self._address = ""
        self.hang_up: Callable[[], None] = _nothing

    def told(self, data: bytes | None) -> None:
        """Hear what the leader says of itself, or that there is none."""
        if data is None:
            self._log.info("no master leads")
            return
        try:
            address = address_of(data)
        except ValueError as fault:
            self._log.error("what the leading master says makes no sense: {fault}", fault=fault)
            return
        if address != self._address:
            self._log.info("master {address} leads", address=address)
            self.hang_up()
            self._address = address
            self.hang_up = self._dialer.dial(address)


def _nothing() -> None:
    """Before the first leader there is nothing to hang up."""
