"""All tables of one feed: what a dashboard can follow."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Protocol

from zope.interface import implementer

from mesostw.feed.changes import Renewed
from mesostw.feed.tables import Table
from mesostw.interfaces import IFeed, IFollower


class Layout(Protocol):
    """Which tables there are, and which rows a change touches."""

    @property
    def tables(self) -> Sequence[Table]:
        """Every table, in the order in which they are folded."""

    def noted(self, change: object) -> None:
        """A change has happened; told also while nobody looks, so it must be cheap."""

    def touched(self, change: object) -> Iterable[tuple[str, Hashable]]:
        """The topics and keys of the rows that ``change`` may alter."""

    def everything(self) -> Iterable[tuple[str, Hashable]]:
        """Every key of the present state, for a board that has been asleep."""

    def cleared(self) -> None:
        """All rows were forgotten without being told of; sums start again."""


@implementer(IFollower)
class Board:
    """
    Follows a feed and keeps its tables, but only while somebody looks.

    Asleep it costs one test a publication; waking folds the whole state once.
    ``wake`` of a listener is called when there is something new to send.
    """

    def __init__(self, feed: IFeed, layout: Layout) -> None:
        self._feed, self._layout = feed, layout
        self.tables: Mapping[str, Table] = {table.name: table for table in layout.tables}
        self.is_awake = False
        self._wakings = 0
        self._listener: Callable[[], None] = _nobody
        self._stop = feed.follow(self)

    @property
    def epoch(self) -> str:
        """The life of numbers and handles; those of another one say nothing here."""
        return f"{self._feed.epoch}.{self._wakings}"

    @property
    def seq(self) -> int:
        """The number of the last change."""
        return int(self._feed.seq)

    def listen(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called, in the turn of the change, when rows were touched."""
        self._listener = listener

    def changed(self, seq: int, changes: Sequence[object]) -> None:
        noted = self._layout.noted
        for change in changes:
            noted(change)
        if not self.is_awake:
            return
        tables, touched = self.tables, self._layout.touched
        for change in changes:
            if type(change) is Renewed:
                self._touch_all()
            for topic, key in touched(change):
                tables[topic].touch(key)
        self._listener()

    def _touch_all(self) -> None:
        """Compare every row that is shown, and every one that there is now."""
        for table in self._layout.tables:
            for key in table.known_keys():
                table.touch(key)
        for topic, key in self._layout.everything():
            self.tables[topic].touch(key)

    def wake(self, now: float) -> None:
        """Take the whole state in, unless it is being followed already."""
        if self.is_awake:
            return
        self.is_awake = True
        self._wakings += 1
        for topic, key in self._layout.everything():
            self.tables[topic].touch(key)
        for table in self._layout.tables:
            _ = table.fold(self.seq, now)
            table.begin(self.seq)

    def sleep(self) -> None:
        """Forget every row: nobody has looked for a while."""
        self.is_awake = False
        for table in self.tables.values():
            table.clear()
        self._layout.cleared()

    def stop(self) -> None:
        """Follow the feed no more, and forget every row."""
        self._stop()
        self.sleep()


def _nobody() -> None:
    """Nobody listens yet."""
