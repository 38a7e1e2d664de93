"""Asking a master over HTTP."""

from __future__ import annotations

from typing import Any

from mesostw.cli.leader import leader_of
from mesostw.cli.peer import ClusterError, Peer
from mesostw.model.zkurl import SCHEME

__all__ = ["Cluster", "ClusterError"]


class Cluster(Peer):
    """One master's HTTP, and through it its agents' files."""

    def __init__(self, reactor: Any, master: str) -> None:
        hint = "start one with script/cluster, or name another with --master HOST:PORT"
        super().__init__(reactor, master, "master", hint)

    @classmethod
    async def at(cls, reactor: Any, master: str) -> Cluster:
        """
        Find a master, or of several the one that leads.

        :raises ClusterError: there is none.
        """
        is_several = master.startswith(SCHEME)
        return cls(reactor, await leader_of(reactor, master) if is_several else master)

    async def read_file(self, agent_id: str, path: str, offset: int) -> tuple[int, str]:
        """Part of a sandbox file from ``offset``; offset -1 tells the size and no text."""
        answer = await self.get(f"/api/v1/agents/{agent_id}/files/read", path=path, offset=offset)
        return int(answer["offset"]), str(answer["data"])
