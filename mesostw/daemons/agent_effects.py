"""What only an agent's core wants done: containers, their files, probes, and its own end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from zope.interface import implementer

from mesostw.bus.exchange import Exchange
from mesostw.core.agent.changes import IdentityChanged
from mesostw.core.agent.words import (
    CancelFetch,
    Fetch,
    ForgetContainer,
    KillContainer,
    Launch,
    Quit,
    RecoverContainers,
    RoomLeft,
)
from mesostw.core.probes import StartProbe, StopProbe
from mesostw.interfaces import IClock, IFetcher, IFollower, ILauncher, IPerformer, IProber
from mesostw.model.ids import ContainerId

#: Kept by the store, so that ends of tasks can still be recorded on a full disk: more than
#: its log grows to before it is folded in (1,000 pages and a group).
RESERVED_BYTES: Final = 6 * 1024 * 1024
#: Free bytes below which no new task is taken; above twice as many they are again.
ROOM_BYTES_MIN: Final = 8 * 1024 * 1024
#: Between two looks at the free space.
ROOM_INTERVAL_S: Final = 1.0
#: From the core's last word to the end of the process, so that the word gets out.
QUIT_DELAY_S: Final = 0.1


@implementer(IPerformer)
class AgentEffects:
    """
    Drives the launcher, the fetcher and the prober.

    :param quit_: called with a reason and whether something is wrong, a little later.
    """

    def __init__(
        self,
        clock: IClock,
        launcher: ILauncher,
        fetcher: IFetcher,
        prober: IProber,
        quit_: Callable[[str, bool], None],
    ) -> None:
        self._clock, self._launcher, self._fetcher = clock, launcher, fetcher
        self._prober, self._quit = prober, quit_
        self._forgotten: list[ContainerId] = []

    def perform(self, effect: object) -> None:
        match effect:
            case Launch():
                self._launcher.launch(effect.spec)
            case KillContainer():
                self._launcher.kill(effect.container_id, effect.signal)
            case Fetch():
                self._fetcher.fetch(effect.spec)
            case CancelFetch():
                self._fetcher.cancel(effect.container_id)
            case ForgetContainer():
                self._forget(effect.container_id)
            case StartProbe():
                self._prober.start(effect.key, effect.spec)
            case StopProbe():
                self._prober.stop(effect.key)
            case RecoverContainers():
                self._launcher.recover(effect.container_ids)
            case Quit():
                self._clock.callLater(QUIT_DELAY_S, self._quit, effect.reason, effect.failed)
            case _:
                message = f"nobody performs {effect!r}"
                raise AssertionError(message)

    def _forget(self, container_id: ContainerId) -> None:
        """Tell the launcher once of all that a turn forgets."""
        if not self._forgotten:
            self._clock.callLater(0, self._forget_all)
        self._forgotten.append(container_id)

    def _forget_all(self) -> None:
        forgotten, self._forgotten = self._forgotten, []
        self._launcher.forget(forgotten)


@implementer(IFollower)
class WhoWeAre:
    """Keeps what this daemon says in hellos as a master has told it last."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def changed(self, seq: int, changes: Sequence[object]) -> None:
        for change in changes:
            if isinstance(change, IdentityChanged):
                self._exchange.id = change.identity.agent_id
                self._exchange.epoch = change.identity.epoch


class Room:
    """
    Watches the free space for the agent's records.

    A launch is never made without its record.  So when the disk is full the core refuses
    new tasks, with a reason; what the store has reserved lets the ends of those that run
    be recorded meanwhile.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IClock,
        free_bytes: Callable[[], int],
        tell: Callable[[Sequence[RoomLeft]], None],
    ) -> None:
        self._clock, self._free_bytes, self._tell = clock, free_bytes, tell
        self._full = False
        self._look_due: IDelayedCall | None = None

    def start(self) -> None:
        """Look now, and then again and again."""
        self._look()

    def stop(self) -> None:
        """Look no more."""
        if self._look_due is not None:
            self._look_due.cancel()
            self._look_due = None

    def _look(self) -> None:
        self._look_due = self._clock.callLater(ROOM_INTERVAL_S, self._look)
        free = self._free_bytes()
        if not self._full and free < ROOM_BYTES_MIN:
            self._log.warn("{free} bytes are free: new tasks are refused", free=free)
        elif self._full and free >= 2 * ROOM_BYTES_MIN:
            self._log.info("there is room on the disk again")
        else:
            return
        self._full = not self._full
        self._tell([RoomLeft(full=self._full)])


def free_bytes(directory: str) -> int:
    """What may still be written to the volume that ``directory`` is on."""
    volume = os.statvfs(directory)
    return volume.f_bavail * volume.f_frsize
