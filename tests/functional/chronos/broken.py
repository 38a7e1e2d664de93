"""
Daemons with one promise broken.

``python -m tests.functional.chronos.broken NAME ...``: the other words are those of
``mesostw.daemons.part``.  A run with any of these must come out red, or the test is worth
nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec.structs import replace
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed

from mesostw.core.chronos.machine import Chronos
from mesostw.daemons import chronos, part
from mesostw.daemons.options import FlagOptions
from mesostw.messages.frameworks import FrameworkInfo
from mesostw.model.zookeeper import SessionState
from mesostw.store.sqlite import SqliteStore, Writes
from mesostw.store.zookeeper import ZooKeeperStore
from mesostw.zookeeper.election import Candidacy
from tests.functional.chronos.town import Commands

#: How much later than it says the hasty store keeps anything, in seconds.
HASTE_S: Final = 1.0


#: Keeps writes of an epoch.
Keep: TypeAlias = Callable[[Any, Writes, int], Deferred[None]]


def _stores(broken: Callable[[Keep], Keep]) -> None:
    """Have every store keep in a broken way, made out of the right one."""
    for store in (SqliteStore, ZooKeeperStore):
        kind: Any = store
        kind.append = broken(kind.append)


def _hasty() -> None:
    """Everything is launched and answered a second before it is kept."""

    def broken(keep: Keep) -> Keep:
        def append(self: Any, writes: Writes, epoch: int) -> Deferred[None]:
            clock: Any = reactor
            clock.callLater(HASTE_S, keep, self, writes, epoch)
            return succeed(None)

        return append

    _stores(broken)


def _nameless() -> None:
    """Each life is another framework to the master, and leaves the tasks of the last one."""
    known = chronos.framework_of

    def stranger(options: FlagOptions, core: Chronos, webui_url: str) -> FrameworkInfo:
        return replace(known(options, core, webui_url), id=None)

    chronos.framework_of = stranger


def _forgetful() -> None:
    """Where each job stands, and its counters, are in memory only."""

    def broken(keep: Keep) -> Keep:
        def append(self: Any, writes: Writes, epoch: int) -> Deferred[None]:
            kept = [one for one in writes if not one[0].startswith("standings/")]
            return keep(self, kept, epoch)

        return append

    _stores(broken)


def _proofless() -> None:
    """Whoever leads goes on, whatever becomes of its session, and takes that for proved."""
    known: Any = Candidacy._changed
    broken: Any = Candidacy

    def deaf(self: Candidacy, state: SessionState) -> None:
        if not self._leads:
            known(self, state)

    broken._changed = deaf
    broken.is_proven = lambda self: self._leads


BROKEN: Final[Mapping[str, Callable[[], None]]] = {
    "hasty": _hasty,
    "nameless": _nameless,
    "forgetful": _forgetful,
}
#: Of masters; there must be several.
BROKEN_MASTERS: Final[Mapping[str, Callable[[], None]]] = {"proofless": _proofless}


def commands_of(name: str | None) -> Commands:
    """Command lines of the role that is broken so; of none if there is no name."""
    if name is None:
        return {}
    return {"master" if name in BROKEN_MASTERS else "chronos": _command_of(name)}


def _command_of(name: str) -> Callable[..., tuple[str, ...]]:
    """Makes the command line of a broken daemon from a signal and twistd's words."""

    def command(farewell: int, *words: str) -> tuple[str, ...]:
        ours = (sys.executable, "-m", __name__, name, str(int(farewell)), str(os.getpid()))
        return (*ours, "--nodaemon", "--pidfile=", *words)

    return command


def main(words: Sequence[str]) -> None:
    """Break it, then be it."""
    {**BROKEN, **BROKEN_MASTERS}[words[0]]()
    part.main(words[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
