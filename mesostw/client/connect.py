"""Join a scheduler to the bus: what a program that is a framework calls."""

from __future__ import annotations

import os
from random import Random
from typing import Any, Final

from mesostw.bus.dial import Dialer
from mesostw.bus.exchange import Exchange
from mesostw.client.leading import leader_dialer
from mesostw.client.scheduler import Scheduler, SchedulerClient
from mesostw.messages.frameworks import FrameworkInfo
from mesostw.reactor_time import ReactorClock, install_steady_time

#: Seconds between two dials at most, before jitter: what a framework has to launch waits for its
#: master, and frameworks are few, where agents are thousands.
DIAL_MAX_S: Final = 2.0


def connect(
    reactor: Any,
    scheduler: Scheduler,
    framework: FrameworkInfo,
    *,
    explicit_acknowledgements: bool = False,
) -> SchedulerClient:
    """
    A client for ``scheduler``; call its ``start("HOST:PORT")``, or ``start("zk://...")``.

    Where nothing is scheduled yet the reactor gets a steady clock, so that a change of
    the wall clock cannot freeze its timers.
    """
    if not reactor.getDelayedCalls():
        install_steady_time(reactor)
    clock = ReactorClock(reactor)
    exchange = Exchange(clock, "framework", forwards=False)
    # Each process has a jitter of its own, or all would come back at once.
    chance = Random(int.from_bytes(os.urandom(8), "big"))
    dialer = leader_dialer(reactor, Dialer(reactor, exchange, chance, most_s=DIAL_MAX_S))
    return SchedulerClient(
        clock,
        exchange,
        dialer,
        scheduler,
        framework,
        explicit_acknowledgements=explicit_acknowledgements,
    )
