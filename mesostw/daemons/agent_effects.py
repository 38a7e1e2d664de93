"""What an agent's core wants done that is its own: containers, and its own end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from zope.interface import implementer

from mesostw.bus.exchange import Exchange
from mesostw.core.agent.changes import IdentityChanged
from mesostw.core.agent.words import (
    ForgetContainer,
    KillContainer,
    Launch,
    Quit,
    RecoverContainers,
    RoomLeft,
)
from mesostw.interfaces import IClock, IFollower, ILauncher, IPerformer
from mesostw.model.ids import ContainerId

#: Kept back so that ends of tasks can still be recorded on a full disk.
BALLAST_BYTES: Final = 4 * 1024 * 1024
#: Free bytes below which no new task is taken; above twice as many they are again.
ROOM_BYTES_MIN: Final = 8 * 1024 * 1024
#: Between two looks at the free space.
ROOM_INTERVAL_S: Final = 2.0
#: From the core's last word to the end of the process, so that the word gets out.
QUIT_DELAY_S: Final = 0.1


@implementer(IPerformer)
class AgentEffects:
    """
    Drives the launcher.

    :param quit_: called with a reason and whether something is wrong, a little later.
    """

    def __init__(
        self, clock: IClock, launcher: ILauncher, quit_: Callable[[str, bool], None]
    ) -> None:
        self._clock, self._launcher, self._quit = clock, launcher, quit_
        self._forgotten: list[ContainerId] = []

    def perform(self, effect: object) -> None:
        match effect:
            case Launch():
                self._launcher.launch(effect.spec)
            case KillContainer():
                self._launcher.kill(effect.container_id, effect.signal)
            case ForgetContainer():
                self._forget(effect.container_id)
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
    Watches the free space for the agent's records, and keeps some back.

    A launch is never made without its record.  So when the disk is full the core refuses
    new tasks, with a reason, and what was kept back lets the ends of those that run be
    recorded.  :meth:`relieve` may be called by any thread.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IClock,
        directory: Path,
        tell: Callable[[Sequence[RoomLeft]], None],
        from_thread: Callable[..., object],
    ) -> None:
        self._clock, self._tell, self._from_thread = clock, tell, from_thread
        self._ballast = directory / "ballast"
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

    def relieve(self) -> bool:
        """Give what was kept back to the store; false if it has it already."""
        try:
            self._ballast.unlink()
        except OSError:
            return False
        self._from_thread(self._filled)
        return True

    def _filled(self) -> None:
        if not self._full:
            self._full = True
            self._log.warn("the disk is full: new tasks are refused")
            self._tell([RoomLeft(full=True)])

    def _look(self) -> None:
        self._look_due = self._clock.callLater(ROOM_INTERVAL_S, self._look)
        free = self._free_bytes()
        if not self._full and free < ROOM_BYTES_MIN:
            self._filled()
        elif free >= 2 * ROOM_BYTES_MIN:
            self._keep_back()
            if self._full:
                self._full = False
                self._log.info("there is room on the disk again")
                self._tell([RoomLeft(full=False)])

    def _free_bytes(self) -> int:
        volume = os.statvfs(self._ballast.parent)
        return volume.f_bavail * volume.f_frsize

    def _keep_back(self) -> None:
        if self._ballast.exists():
            return
        try:
            with self._ballast.open("wb") as ballast:
                os.posix_fallocate(ballast.fileno(), 0, BALLAST_BYTES)
        except OSError as fault:
            self._log.warn("cannot keep room back: {fault}", fault=fault)
