"""Which of several masters leads, for a command that asks one of them."""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred

from mesostw.cli.peer import ClusterError
from mesostw.model.zkurl import ZkUrlRefused, parse
from mesostw.reactor_time import ReactorClock
from mesostw.zookeeper.election import MASTERS, Detector
from mesostw.zookeeper.ensemble import KazooEnsemble
from mesostw.zookeeper.masters import address_of

#: How long ZooKeeper may take to say who leads.
PATIENCE_S: Final = 15.0


async def leader_of(reactor: Any, url: str) -> str:
    """
    Find who leads, ``host:port``.

    :raises ClusterError: nobody does, or ZooKeeper does not answer.
    """
    try:
        where = parse(url, "--master")
    except ZkUrlRefused as fault:
        raise ClusterError(str(fault)) from fault
    told: Deferred[str] = Deferred()

    def hear(data: bytes | None) -> None:
        if data is None or told.called:
            return
        try:
            told.callback(address_of(data))
        except ValueError as fault:
            told.errback(ClusterError(f"what the leader at {where} says makes no sense: {fault}"))

    ensemble = KazooEnsemble(where, reactor, reactor.callFromThread)
    detector = Detector(ensemble, ReactorClock(reactor), MASTERS, hear)
    detector.start()
    giving_up = reactor.callLater(PATIENCE_S, told.cancel)
    try:
        return await told
    except CancelledError as fault:
        raise ClusterError(f"no master leads at {where}, or ZooKeeper does not answer") from fault
    finally:
        detector.stop()
        if giving_up.active():
            giving_up.cancel()
