"""
Which noun answers for which path, and with which methods.

Ids of apps and groups are written into paths with their slashes, so a path is taken apart
from its front to find the noun, and by the noun from its end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from attrs import evolve

from mesostw.http.api.asking import Call
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.rendering import Reply

#: Given the call and the words of its path behind the noun's.
Noun: TypeAlias = Callable[[Call, tuple[str, ...]], Awaitable[Reply]]
Methods: TypeAlias = Mapping[str, Noun]


class Routes:
    """
    Nouns by the first words of their paths.

    :param nouns: by path, such as ``v2/apps``, then by method.
    """

    def __init__(self, nouns: Mapping[str, Methods]) -> None:
        self._nouns = {tuple(path.split("/")) if path else (): it for path, it in nouns.items()}
        self._depth = max(map(len, self._nouns))

    async def answer(self, call: Call) -> Reply:
        """
        Have a noun answer.

        :raises ApiRefusal: 404 or 405, or what the noun refuses.
        """
        words = call.words
        for depth in range(min(len(words), self._depth), -1, -1):
            methods = self._nouns.get(words[:depth])
            if methods is not None and (depth or not words):
                return await self._by_method(call, methods, words[depth:])
        raise ApiRefusal.no_route()

    @staticmethod
    async def _by_method(call: Call, methods: Methods, rest: tuple[str, ...]) -> Reply:
        allowed = sorted({*methods, "OPTIONS", *(("HEAD",) if "GET" in methods else ())})
        if call.method == "OPTIONS":
            return Reply(headers={"Allow": ", ".join(allowed)})
        noun = methods.get(call.method)
        if noun is None and call.method == "HEAD":
            # The same as GET, of which only the head is sent.
            call, noun = evolve(call, method="GET"), methods.get("GET")
        if noun is None:
            raise ApiRefusal.not_allowed(*allowed)
        return await noun(call, rest)
