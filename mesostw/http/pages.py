"""Plain resources: a page is a function from a query to a reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from twisted.web.resource import Resource
from twisted.web.server import Request

from mesostw.http.errors import HttpRefusal
from mesostw.http.rendering import Query, Reply, answer, refused, write

READING: Final = (b"GET", b"HEAD")

Ask = Callable[[Query], Reply | Awaitable[Reply]]


#: The header of whatever is said by somebody who does not lead for certain.
STANDBY: Final = "X-Mesos-Standby"


class Page(Resource):
    """Answers GET and HEAD by ``get``; any other method is 405."""

    def __init__(self, get: Ask) -> None:
        super().__init__()
        self.isLeaf = True
        self._get = get

    def render(self, request: Request) -> bytes | int:
        if request.method not in READING:
            return answer(request, _not_allowed)
        return answer(request, self._get)


def _not_allowed(query: Query) -> Reply:
    return refused(HttpRefusal.method_not_allowed("GET"))


class Gate:
    """
    Lets a page answer only where it may: on a leader that has finished its recovery.

    :param leader: the leader's ``host:port``, empty if it is this daemon, ``None`` if unknown.
    :param ready: whether the registry has been read.
    """

    def __init__(self, leader: Callable[[], str | None], ready: Callable[[], bool]) -> None:
        self._leader, self._ready = leader, ready

    def check(self, uri: str) -> None:
        """
        Pass, or say where else to go.

        :raises HttpRefusal: 307 to the leader, or 503.
        """
        leader = self._leader()
        if leader is None:
            raise HttpRefusal.unavailable("No leader elected")
        if leader:
            raise HttpRefusal(307, "", {"Location": f"//{leader}{uri}"})
        if not self._ready():
            raise HttpRefusal.unavailable("Master has not finished recovery")


class LeaderPage(Resource):
    """
    A page that only the leader answers.

    :param held: whether it cannot be proved that it is one: then what it says may be old.
    """

    def __init__(self, gate: Gate, held: Callable[[], bool], get: Ask) -> None:
        super().__init__()
        self.isLeaf = True
        self._gate, self._held, self._page = gate, held, Page(get)

    def render(self, request: Request) -> bytes | int:
        try:
            self._gate.check(request.uri.decode("ascii", "replace"))
        except HttpRefusal as refusal:
            return write(request, _NO_QUERY, refused(refusal))
        if self._held():
            request.setHeader(STANDBY, "held")
        return self._page.render(request)


_NO_QUERY: Final = Query("GET", "", {}, lambda name: None)
