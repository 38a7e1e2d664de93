"""
Runs that have ended, as bytes: most of what Chronos remembers, and seldom looked at.

A run takes 1.2 KB as a record and 0.3 KB packed, and unpacks in less than a microsecond.  A job
keeps few of them, so one is found by going through its history: only those whose bytes mention
what is looked for are unpacked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, ValuesView
from itertools import chain
from typing import Final

from msgspec import msgpack

from mesostw.core.chronos.records import Run
from mesostw.model.jobs import Instant, JobName, RunId

_encode: Final = msgpack.Encoder().encode
unpack: Final = msgpack.Decoder(Run).decode


def pack(run: Run) -> bytes:
    """A run as a history has it."""
    # A copy is as long as it needs to be; what the encoder gives has room for a fifth more.
    return bytes(memoryview(_encode(run)))


class History:
    """Ended runs of one job, the first to end first."""

    __slots__ = ("_packed",)

    def __init__(self, packed: Iterable[bytes] = ()) -> None:
        self._packed = list(packed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self._packed == other._packed

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[Run]:
        return map(unpack, self._packed)

    def __reversed__(self) -> Iterator[Run]:
        return map(unpack, reversed(self._packed))

    def first(self, count: int) -> list[Run]:
        """So many of those that ended first."""
        return list(map(unpack, self._packed[: max(0, count)]))

    def get(self, run_id: RunId) -> Run | None:
        """One of them, if it is there."""
        at = self._at(run_id)
        return None if at is None else unpack(self._packed[at])

    def of(self, instant: Instant) -> list[Run]:
        """Those for an instant."""
        mention = _encode(instant)
        found = [unpack(packed) for packed in self._packed if mention in packed]
        return [run for run in found if run.instant == instant]

    def put(self, run_id: RunId, packed: bytes) -> None:
        """Take in a run that has ended now, or is another since."""
        at = self._at(run_id)
        if at is None:
            self._packed.append(packed)
        else:
            self._packed[at] = packed

    def drop(self, run_id: RunId) -> None:
        """Forget one of them, if it is there."""
        at = self._at(run_id)
        if at is not None:
            del self._packed[at]

    def _at(self, run_id: RunId) -> int | None:
        mention = _encode(run_id)
        for at, packed in enumerate(self._packed):
            # Others mention it too: those that try it again, or follow it.
            if mention in packed and unpack(packed).id == run_id:
                return at
        return None


class Runs(Mapping[RunId, Run]):
    """
    All runs by id: of those that have ended too, which costs going through every history.

    For readers: whoever decides knows whether a run has ended, or its job.
    """

    __slots__ = ("_ended", "_under_way")

    def __init__(self, under_way: Mapping[RunId, Run], ended: Mapping[JobName, History]) -> None:
        self._under_way, self._ended = under_way, ended

    def __len__(self) -> int:
        return len(self._under_way) + sum(map(len, self._ended.values()))

    def __iter__(self) -> Iterator[RunId]:
        return (run.id for run in self.values())

    def __getitem__(self, run_id: RunId) -> Run:
        found = self._under_way.get(run_id)
        histories = iter(self._ended.values())
        while found is None:
            history = next(histories, None)
            if history is None:
                raise KeyError(run_id)
            found = history.get(run_id)
        return found

    def values(self) -> ValuesView[Run]:
        """Those that have ended come first."""
        return _All(self)

    def all(self) -> Iterator[Run]:
        """Each of them once; unpacked as one goes on."""
        return chain(chain.from_iterable(self._ended.values()), self._under_way.values())


class _All(ValuesView[Run]):
    _mapping: Runs

    def __iter__(self) -> Iterator[Run]:
        return self._mapping.all()
