"""Links to whoever leads, wherever that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.logger import Logger
from zope.interface import implementer

from mesostw.interfaces import IClock, IDialer, IZooKeeper
from mesostw.model.zkurl import SCHEME, ZkUrl, parse
from mesostw.zookeeper.election import MASTERS, Detector
from mesostw.zookeeper.masters import address_of

if TYPE_CHECKING:
    from mesostw.zookeeper.group import Place


@implementer(IDialer)
class LeaderDialer:
    """
    Dials ``host:port`` itself, and for ``zk://`` whoever leads there, as long as it does.

    While nobody leads, or nobody can be asked, the last leader is dialled on: it may be the
    next, and if it is not it says so.

    :param ensemble_of: the ensemble of a URL.
    """

    _log = Logger()

    def __init__(
        self, dialer: IDialer, clock: IClock, ensemble_of: Callable[[ZkUrl], IZooKeeper]
    ) -> None:
        self._dialer, self._clock, self._ensemble_of = dialer, clock, ensemble_of

    def dial(self, address: str) -> Callable[[], None]:
        if not address.startswith(SCHEME):
            return self._dialer.dial(address)
        return _Following(self, self._ensemble_of(parse(address, "master"))).stop


class _Following:
    """One leader after the other."""

    _log = Logger()

    def __init__(self, dialer: LeaderDialer, ensemble: IZooKeeper) -> None:
        self._dialer = dialer
        self._address = ""
        self._hang_up: Callable[[], None] = _nothing
        place: Place = MASTERS
        self._detector = Detector(ensemble, dialer._clock, place, self._told)
        self._detector.start()

    def stop(self) -> None:
        self._detector.stop()
        self._hang_up()

    def _told(self, data: bytes | None) -> None:
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
            self._hang_up()
            self._address = address
            self._hang_up = self._dialer._dialer.dial(address)


def _nothing() -> None:
    """Before the first leader there is nothing to hang up."""
