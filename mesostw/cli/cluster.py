"""Asking a master over HTTP, with errors a person can act on."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
import treq
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost
from twisted.internet.error import TimeoutError as DialTimedOut
from twisted.web.client import Agent, HTTPConnectionPool, ResponseFailed, ResponseNeverReceived

#: How long a master may take to answer a read.
ANSWER_TIMEOUT_S: Final = 30.0


class ClusterError(Exception):
    """A request that could not be answered, in words for the person who made it."""


class Cluster:
    """One master's HTTP, and through it its agents' files."""

    def __init__(self, reactor: Any, master: str) -> None:
        self.master = master
        pool = HTTPConnectionPool(reactor, persistent=True)
        self._client = treq.client.HTTPClient(Agent(reactor, connectTimeout=5.0, pool=pool))

    async def get(self, resource: str, /, **parameters: str | int) -> Any:
        """The JSON at ``resource``."""
        return await self._ask("GET", resource, parameters)

    async def post(self, resource: str, /, **parameters: str | int) -> Any:
        """Have ``resource`` do something; its JSON answer, ``None`` if it has none."""
        return await self._ask("POST", resource, parameters)

    async def _ask(self, method: str, path: str, parameters: dict[str, str | int]) -> Any:
        query = f"?{urlencode(parameters)}" if parameters else ""
        url = f"http://{self.master}{quote(path, safe='/:()')}{query}"
        try:
            response = await self._client.request(method, url, timeout=ANSWER_TIMEOUT_S)
            body = await response.content()
        except (ConnectError, DialTimedOut, ConnectionLost, ConnectionDone) as fault:
            raise ClusterError(
                f"no master answers at {self.master} ({fault}); "
                "start one with script/cluster, or name another with --master HOST:PORT"
            ) from fault
        except (ResponseFailed, ResponseNeverReceived) as fault:
            raise ClusterError(f"{self.master} broke off its answer to {path}") from fault
        if response.code >= 400:
            text = body.decode(errors="replace").strip() or response.phrase.decode()
            raise ClusterError(f"{self.master} answered {response.code} to {path}: {text}")
        if not body:
            return None
        try:
            return msgspec.json.decode(body)
        except msgspec.DecodeError as fault:
            raise ClusterError(f"{self.master} did not answer {path} with JSON") from fault

    async def read_file(self, agent_id: str, path: str, offset: int) -> tuple[int, str]:
        """Part of a sandbox file from ``offset``; offset -1 tells the size and no text."""
        answer = await self.get(f"/api/v1/agents/{agent_id}/files/read", path=path, offset=offset)
        return int(answer["offset"]), str(answer["data"])
