"""The last things that happened, numbered, for a topic that only grows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Final

from mesostw.feed.tables import Row

#: Events that are shown; older ones are in the log.
EVENTS_MAX: Final = 1000
#: Of a text that people wrote, or a program; pages have the rest from the API.
TEXT_CHARS_MAX: Final = 300


class Recent:
    """
    The last ``EVENTS_MAX`` things, numbered from 1, each as a row when it is shown.

    :param shown: the row of what was kept at a moment of the wall clock.
    """

    def __init__(self, wall: Callable[[], float], shown: Callable[[float, object], Row]) -> None:
        self._wall, self._shown = wall, shown
        self._kept: deque[tuple[int, float, object]] = deque(maxlen=EVENTS_MAX)
        self._number = self._told = 0

    def keep(self, thing: object) -> None:
        """Something happened now."""
        self._number += 1
        self._kept.append((self._number, self._wall(), thing))

    def fresh(self) -> Iterable[int]:
        """The numbers of events since this was last called, and of those they pushed out."""
        if self._told == self._number:
            return ()
        first, self._told = self._told + 1, self._number
        return (*range(max(1, first - EVENTS_MAX), self._number - EVENTS_MAX + 1),
                *range(first, self._number + 1))  # fmt: skip

    def kept(self) -> Iterable[int]:
        """The numbers of all events that are shown."""
        self._told = self._number
        return [number for number, _, _ in self._kept]

    def row(self, key: Hashable) -> Row | None:
        """The row of a number; ``None`` for one that is too old."""
        assert isinstance(key, int)
        if not self._kept or not self._kept[0][0] <= key <= self._number:
            return None
        _, at, thing = self._kept[key - self._kept[0][0]]
        return self._shown(at, thing)
