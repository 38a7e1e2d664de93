"""
Chronos with one promise broken, as a daemon.

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
from mesostw.store.sqlite import SqliteStore, Writes
from mesostw.store.zookeeper import ZooKeeperStore

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


BROKEN: Final[Mapping[str, Callable[[], None]]] = {
    "hasty": _hasty,
    "nameless": _nameless,
    "forgetful": _forgetful,
}


def command_of(name: str) -> Callable[..., tuple[str, ...]]:
    """Makes the command line of a broken Chronos from a signal and twistd's words."""

    def command(farewell: int, *words: str) -> tuple[str, ...]:
        ours = (sys.executable, "-m", __name__, name, str(int(farewell)), str(os.getpid()))
        return (*ours, "--nodaemon", "--pidfile=", *words)

    return command


def main(words: Sequence[str]) -> None:
    """Break it, then be it."""
    BROKEN[words[0]]()
    part.main(words[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
