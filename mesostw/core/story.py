"""
What last happened to each thing: for ``why``, and for failure reports.

A turn notes the records that it changed under the name of what was heard.  Few lines
are kept of each key, and few keys: those that nothing happened to for longest go first.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from msgspec import Struct

#: Lines of one key.
LINES_MAX: Final = 12
#: Keys that have a story; at about 1.5 kB each 30 MB.
KEYS_MAX: Final = 20_000


class Line(Struct, frozen=True, gc=False):
    """Something that happened."""

    #: Seconds since 1970.
    wall: float
    #: Name of the stimulus.
    heard: str
    #: What came of it.
    said: str


class Story:
    """The last lines of the keys that something happened to last."""

    def __init__(self, lines_max: int = LINES_MAX, keys_max: int = KEYS_MAX) -> None:
        self._lines_max = lines_max
        self._keys_max = keys_max
        self._lines: OrderedDict[str, tuple[Line, ...]] = OrderedDict()

    def note(self, key: str, line: Line) -> None:
        """Remember ``line`` of ``key``."""
        lines = self._lines
        told = lines.get(key)
        if told is None:
            lines[key] = (line,)
            if len(lines) > self._keys_max:
                lines.popitem(last=False)
            return
        lines.move_to_end(key)
        lines[key] = (*told[1 - self._lines_max :], line)

    def story(self, key: str) -> tuple[Line, ...]:
        """Tell the last lines of ``key``, oldest first."""
        return self._lines.get(key, ())
