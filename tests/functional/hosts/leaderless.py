"""
When ZooKeeper had no leader of its own, by what its servers say.

Servers that all run and all hear each other may still have none: they elect one, for as long as
that takes them.  Until then nobody keeps anything, whoever wants to.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.functional.chronos.evidence import Away
from tests.functional.hosts.looking import PATIENCE_S, Looking
from tests.functional.hosts.sessions import said

LEADS: Final = "Mode: leader"


class Leaderless(Looking):
    """
    Looks whether one of the servers leads.

    :param servers: addresses, by the names of parts.
    """

    def __init__(self, servers: dict[str, str]) -> None:
        super().__init__()
        self._servers = servers
        self._pool = ThreadPoolExecutor(len(servers))
        #: When it was looked, and whether one led.
        self.looks: list[tuple[float, bool]] = []

    def close(self) -> None:
        super().close()
        self._pool.shutdown()

    def away(self) -> list[Away]:
        """All servers, whenever none led."""
        return away_of(tuple(self._servers), self.looks)

    def look_again(self) -> None:
        asked = time.time()
        told = self._pool.map(lambda one: said(one, "srvr", PATIENCE_S), self._servers.values())
        self.looks.append((asked, any(LEADS in one for one in told)))


def away_of(parts: Sequence[str], looks: Sequence[tuple[float, bool]]) -> list[Away]:
    """From the first look that found nobody to the next that found somebody."""
    found = []
    since: float | None = None
    for wall, is_led in looks:
        if not is_led:
            since = wall if since is None else since
        elif since is not None:
            found += [Away(part=part, start=since, end=wall) for part in parts]
            since = None
    if since is not None:
        found += [Away(part=part, start=since, end=looks[-1][0]) for part in parts]
    return found
