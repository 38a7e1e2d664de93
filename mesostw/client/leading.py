"""Finding the master that leads, for whoever dials it."""

from __future__ import annotations

from typing import Any

from mesostw.interfaces import IDialer, IZooKeeper
from mesostw.model.zkurl import ZkUrl
from mesostw.reactor_time import ReactorClock
from mesostw.zookeeper.dialing import LeaderDialer
from mesostw.zookeeper.ensemble import KazooEnsemble


def leader_dialer(reactor: Any, dialer: IDialer) -> IDialer:
    """What dials ``host:port``, and for ``zk://`` whoever leads there."""

    def ensemble_of(url: ZkUrl) -> IZooKeeper:
        return KazooEnsemble(url, reactor, reactor.callFromThread)

    return LeaderDialer(dialer, ReactorClock(reactor), ensemble_of)
