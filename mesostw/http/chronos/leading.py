"""Who leads."""

from __future__ import annotations

from mesostw.http.api.asking import Call, json_reply
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.chronos.parts import ChronosParts
from mesostw.http.chronos.refusals import no_leader
from mesostw.http.rendering import Reply


class LeadingApi:
    """The noun ``leader``."""

    def __init__(self, parts: ChronosParts) -> None:
        self._parts = parts

    @property
    def leader(self) -> str | None:
        """The leader's ``host:port``, this Chronos' own if it leads."""
        leader = self._parts.leader()
        return self._parts.address if leader == "" else leader

    async def get(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``GET leader``."""
        if words:
            raise ApiRefusal.no_route()
        if self.leader is None:
            raise no_leader()
        return json_reply({"leader": self.leader})
