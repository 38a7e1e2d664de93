"""
Where each path leads: the names that clients of Mesos use, and have used.

``/state``, ``/master/state``, ``/slave(1)/state``, ``/state.json`` and ``/state/`` are one
page.  A route that is *deep* takes every longer path too, as ``POST /api/v1/operator``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from twisted.web.resource import IResource, Resource
from twisted.web.server import Request

#: First components that name a process of Mesos and change nothing here.
ACTORS: Final = frozenset({"master", "slave(1)", "slave"})


class Nothing(Resource):
    """What is not there: 404 with an empty body, as Mesos answers."""

    def __init__(self) -> None:
        super().__init__()
        self.isLeaf = True

    def render(self, request: Request) -> bytes:
        request.setResponseCode(404)
        return b""


class Paths(Resource):
    """
    The root of a site.

    :param exact: resources by path; ``metrics/snapshot`` and nothing behind it.
    :param deep: resources by path that take the rest of the path themselves.
    """

    def __init__(self, exact: Mapping[str, IResource], deep: Mapping[str, IResource]) -> None:
        super().__init__()
        self._exact, self._deep = exact, deep
        self._depth = max((path.count("/") + 1 for path in deep), default=0)
        self._nothing = Nothing()

    def getChild(self, path: bytes, request: Request) -> IResource:
        parts = [one.decode("utf-8", "replace") for one in (path, *(request.postpath or []))]
        words = [one for one in parts if one]
        found = self._found(words, request)
        if found is None and words and words[0] in ACTORS:
            found = self._found(words[1:], request)
        return found if found is not None else self._nothing

    def _found(self, words: list[str], request: Request) -> IResource | None:
        name = "/".join(words)
        exact = self._exact.get(name) or self._exact.get(name.removesuffix(".json"))
        if exact is not None:
            request.postpath = []
            return exact
        for depth in range(min(len(words), self._depth), 0, -1):
            deep = self._deep.get("/".join(words[:depth]))
            if deep is not None:
                # The prefix moves to what has been walked: Klein reads both.
                request.prepath = [one.encode() for one in words[:depth]]
                request.postpath = [one.encode() for one in words[depth:]]
                return deep
        return None
