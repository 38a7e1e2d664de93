"""
Who watches what over one link.

Kazoo keeps a watch of a read that failed, tells the watches of a node in no order, and
forgets all of them with the link.  So it is given one watcher a node, which tells these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from kazoo.protocol.states import EventType, WatchedEvent

from mesostw.model.zookeeper import Happening, Watched
from mesostw.zookeeper.crossing import Call

#: What ``get`` and ``exists`` watch, and what ``children`` does.
DATA: Final = "data"
LIST: Final = "list"

_KINDS: Final[Mapping[str, Happening]] = {
    EventType.CREATED: Happening.CREATED,
    EventType.DELETED: Happening.DELETED,
    EventType.CHANGED: Happening.CHANGED,
    EventType.CHILD: Happening.CHILDREN,
}


class Watcher:
    """What kazoo calls; equal to any other of the same node, so that it keeps one."""

    __slots__ = ("_key", "_watches")

    def __init__(self, watches: Watches, key: tuple[str, str]) -> None:
        self._watches = watches
        self._key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Watcher) and other._key == self._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __call__(self, event: WatchedEvent) -> None:
        kind = _KINDS.get(event.type)
        # Anything else is kazoo's way to say that the link is lost, which we hear ourselves.
        if kind is not None:
            self._watches.tell(self._key, kind)


class Watches:
    """
    All watches of a session; used by kazoo's thread alone.

    :param put: has the reactor call something with something, in order.
    """

    def __init__(self, put: Callable[[Callable[[Any], object], object], None]) -> None:
        self._put = put
        self._waiting: dict[tuple[str, str], list[tuple[Call, Callable[[Watched], None]]]] = {}

    def watcher(self, kind: str, path: str) -> Watcher:
        """What to give kazoo with a read; any thread may ask."""
        return Watcher(self, (kind, path))

    def add(self, kind: str, path: str, call: Call, watch: Callable[[Watched], None]) -> None:
        """The read ``call`` has succeeded: its watch is set."""
        self._waiting.setdefault((kind, path), []).append((call, watch))

    def tell(self, key: tuple[str, str], kind: Happening) -> None:
        """It happened: tell those that watch, in the order they began, once."""
        self._tell(key[1], kind, self._waiting.pop(key, []))

    def lose(self) -> None:
        """The link is gone."""
        lost, self._waiting = self._waiting, {}
        for (_, path), waiting in lost.items():
            self._tell(path, Happening.LOST, waiting)

    def _tell(
        self, path: str, kind: Happening, waiting: list[tuple[Call, Callable[[Watched], None]]]
    ) -> None:
        for call, watch in waiting:
            # Whoever took back the read wants no watch.
            if not call.taken_back:
                self._put(watch, Watched(kind, path))
