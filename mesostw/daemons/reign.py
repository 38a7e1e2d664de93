"""How a master begins to lead."""

from __future__ import annotations

from typing import Any

from mesostw.bus.exchange import Exchange
from mesostw.core.master.machine import Master
from mesostw.driver import Driver
from mesostw.interfaces import IStore


async def begin(
    store: IStore, core: Master, driver: Driver[Any, Any, Any], exchange: Exchange
) -> int:
    """
    Take the store over, and only then hear anybody.

    :returns: the epoch that agents obey from now on.
    :raises Deposed: it is another's turn meanwhile.
    """
    stored = await store.read()
    core.reign(stored.epoch)
    exchange.inbox = driver
    exchange.epoch = stored.epoch
    await driver.start(stored)
    return stored.epoch
