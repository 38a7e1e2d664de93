"""Which hosts reach an ensemble whose servers are on some of them, while the network is cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mesostw.testing.network import MemoryNetwork
from mesostw.testing.zookeeper.ensemble import Ensemble


class Quorum:
    """
    Gives the ensemble in memory the weather that the network has.

    A client is served by any server that follows the servers' leader, and that it reaches; the
    leader is whichever server most others reach.  Without a majority nobody is served.

    :param servers: hosts that have a server.
    :param clients: every host that has a client.
    """

    def __init__(
        self,
        network: MemoryNetwork,
        ensemble: Ensemble,
        servers: Sequence[str],
        clients: Callable[[], Sequence[str]],
    ) -> None:
        self._network, self._ensemble = network, ensemble
        self._servers, self._clients = tuple(servers), clients
        #: No server runs.
        self.down = False
        #: Hosts that reach no server, though the network is whole.
        self.silenced: dict[str, None] = {}
        #: Hosts that reach one and hear nothing of any.
        self.deaf: dict[str, None] = {}
        self._runs = True

    def weigh(self) -> None:
        """Take in how the network is cut now."""
        serving = [] if self.down else self._serving()
        if self._runs != bool(serving):
            self._runs = not self._runs
            if self._runs:
                self._ensemble.start()
            else:
                self._ensemble.stop()
        # Of several lives of one client only the last is among them, and others may live on.
        for host in dict.fromkeys((*self._clients(), *self._ensemble.clients())):
            self._weigh(host, serving)

    def _serving(self) -> list[str]:
        """The servers that make up a majority, if there is one."""
        best: list[str] = []
        for leader in self._servers:
            found = [one for one in self._servers if not self._network.is_cut_between(one, leader)]
            if len(found) > max(len(best), len(self._servers) // 2):
                best = found
        return best

    def _weigh(self, host: str, serving: Sequence[str]) -> None:
        network, ensemble = self._network, self._ensemble
        weather = ensemble.weather(host)
        shut = host in self.silenced
        whole = (
            not shut
            and host not in self.deaf
            and any(not network.is_cut_between(host, one) for one in serving)
        )
        is_heard = not shut and any(not network.is_cut(host, one) for one in serving)
        if weather.answers_lost and (whole or not is_heard):
            # Answers are missing, so nothing more can be told over this link.
            ensemble.cut(host)
        if whole or not serving:
            if weather.refuses:
                ensemble.heal(host)
            return
        weather.refuses = True
        weather.answers_lost, weather.silent = is_heard, not is_heard
