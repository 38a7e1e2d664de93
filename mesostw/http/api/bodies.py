"""
Bodies that are built in slices: whole lists are kept and shared, everything else is not.

A body has an ``ETag`` only where an API knows it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from mesostw.http.building import Body, Build
from mesostw.http.rendering import Reply
from mesostw.interfaces import IClock, IFeed

#: Bodies that are kept: one for each list and set of embedded parts that is asked for.
BODIES_MAX: Final = 8


class Bodies:
    """
    Everything large that is read.

    :param tags: whether bodies that are kept are sent with an ``ETag``.
    """

    def __init__(self, feed: IFeed, clock: IClock, *, tags: bool = False) -> None:
        self._feed, self._clock, self._tags = feed, clock, tags
        self._kept: OrderedDict[str, Body] = OrderedDict()

    async def kept(self, name: str, build: Callable[[], Build], *, aging: bool = False) -> Reply:
        """
        A body that depends on nothing but the feed's number, shared by all who ask.

        :param name: of the list and of everything that was asked for with it.
        :param aging: whether it also shows how old things are, in seconds.
        """
        body = self._kept.get(name)
        if body is None:
            if len(self._kept) >= BODIES_MAX:
                self._kept.popitem(last=False)
            body = self._kept[name] = Body(
                self._clock, name, lambda: self._version(aging=aging), build
            )
        self._kept.move_to_end(name)
        reply = await _got(body)
        return reply if self._tags else attrs.evolve(reply, tag=None)

    async def once(self, build: Callable[[], Build]) -> Reply:
        """A body for one who asks."""
        return attrs.evolve(await _got(Body(self._clock, "", lambda: ("", 0), build)), tag=None)

    def _version(self, *, aging: bool) -> tuple[str, int]:
        epoch = str(self._feed.epoch)
        if aging:
            epoch += f"/{int(self._clock.wall())}"
        return epoch, int(self._feed.seq)


async def _got(body: Body) -> Reply:
    reply = body.get()
    return await reply if isinstance(reply, Awaitable) else reply
