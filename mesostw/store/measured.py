"""How quick a store is, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from twisted.internet.defer import Deferred
from zope.interface import implementer

from mesostw.interfaces import IClock, IStore, Stored

T = TypeVar("T")


@implementer(IStore)
class MeasuredStore:
    """
    ``store``, with a watch on what it takes.

    :param size: further numbers, such as how long its log is.
    """

    def __init__(
        self,
        store: IStore,
        clock: IClock,
        size: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._store, self._clock, self._size = store, clock, size
        self._appends = self._failed = self._waiting = 0
        self._spent_s = self._last_s = self._longest_s = self._read_s = 0.0

    def numbers(self) -> Mapping[str, float]:
        """
        Counts since the start, and seconds.

        ``append_seconds_total`` over ``appends_total`` is the mean, also of an interval.
        """
        return {
            "appends_total": self._appends,
            "appends_failed_total": self._failed,
            "appends_waiting": self._waiting,
            "append_seconds_total": self._spent_s,
            "append_seconds_last": self._last_s,
            "append_seconds_max": self._longest_s,
            "read_seconds": self._read_s,
            **self._size(),
        }

    # --- the port -------------------------------------------------------------

    def read(self) -> Deferred[Stored]:
        began = self._clock.seconds()

        def told(result: T) -> T:
            self._read_s = self._clock.seconds() - began
            return result

        return self._store.read().addCallback(told)

    def append(self, writes: Sequence[tuple[str, bytes | None]], epoch: int) -> Deferred[None]:
        self._waiting += 1
        began = self._clock.seconds()

        def told(result: T) -> T:
            self._waiting -= 1
            if result is None:
                self._appends += 1
                self._last_s = self._clock.seconds() - began
                self._spent_s += self._last_s
                self._longest_s = max(self._longest_s, self._last_s)
            else:
                self._failed += 1
            return result

        return self._store.append(writes, epoch).addBoth(told)

    def close(self) -> Deferred[None]:
        return self._store.close()
