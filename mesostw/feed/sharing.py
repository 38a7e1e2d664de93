"""Frames on their way to many sessions, a bounded number of writes a reactor turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mesostw.feed.frames import Frame, delta
from mesostw.feed.sessions import Session
from mesostw.feed.tables import Table

#: Frames that are written in one reactor turn (about 9 us each).
SENDS_PER_TURN_MAX: Final = 1000
#: Rows that a late client is told of in one frame; beyond it is reset.
CATCH_UP_ROWS_MAX: Final = 20_000


class Delivery:
    """
    One frame for every session that knows what is before it exactly so far.

    :param before: up to where each topic must be known; afterwards it is known to ``last``.
        Anyone else is late, or ahead because it subscribed meanwhile, and must not get it.
    :param topic: only those that still follow it are told; ``None`` for all.
    """

    __slots__ = ("_before", "_frame", "_last", "_topic", "_waiting")

    def __init__(
        self,
        frame: Frame,
        before: Mapping[str, int],
        last: int,
        told: Iterable[Session],
        topic: str | None = None,
    ) -> None:
        self._frame, self._before, self._last, self._topic = frame, before, last, topic
        self._waiting: Iterator[Session] = iter(tuple(told))

    def some(self, room: int) -> int:
        """Tell at most ``room`` sessions; fewer only if all have been told."""
        sent, frame = 0, self._frame
        fits = self._fits_topic if self._topic is not None else self._fits_all
        for session in self._waiting:
            if session.ended or session.is_late or not fits(session.at):
                continue
            session.outlet.say(frame)
            sent += 1
            if sent == room:
                break
        return sent

    def _fits_topic(self, at: dict[str, int]) -> bool:
        topic = self._topic
        if topic is None or at.get(topic) != self._before[topic]:
            return False
        at[topic] = self._last
        return True

    def _fits_all(self, at: dict[str, int]) -> bool:
        before = self._before
        if any(known != before[topic] for topic, known in at.items()):
            return False
        for topic in at:
            at[topic] = self._last
        return True


class Outbox:
    """Deliveries in order; :meth:`pump` is called until it says that nothing is left."""

    def __init__(self) -> None:
        self._waiting: deque[Delivery] = deque()

    def put(self, delivery: Delivery) -> None:
        self._waiting.append(delivery)

    def pump(self) -> bool:
        """Write at most ``SENDS_PER_TURN_MAX`` frames; whether some are left."""
        room = SENDS_PER_TURN_MAX
        while self._waiting and room > 0:
            sent = self._waiting[0].some(room)
            if sent < room:
                self._waiting.popleft()
            room -= sent
        return bool(self._waiting)


class Replays:
    """What late clients have missed; a thousand that lost the same moment share one frame."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], Frame | None] = {}

    def clear(self) -> None:
        """Something has changed: every frame kept is out of date."""
        self._kept.clear()

    def get(self, table: Table, at: int) -> Frame | None:
        """One frame from behind ``at`` to now; ``None`` if a snapshot is needed."""
        key = (table.name, at)
        if key not in self._kept:
            ops = table.since(at)
            if ops is None or len(ops) > CATCH_UP_ROWS_MAX:
                self._kept[key] = None
            else:
                self._kept[key] = delta(table.name, at + 1, table.sent, ops)
        return self._kept[key]
