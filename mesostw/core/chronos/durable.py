"""What a store keeps of Chronos, and how a life starts from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from mesostw.core.chronos.changes import (
    ChronosChange,
    HistoryRestored,
    JobChanged,
    LifeBegun,
    NoticeKept,
    PauseChanged,
    RegistrationKept,
    RunChanged,
    StandingChanged,
    VersionKept,
)
from mesostw.core.chronos.history import pack, unpack
from mesostw.core.chronos.records import Job, Life, Notice, Pause, Registration, Run, Standing
from mesostw.core.outcome import Records
from mesostw.model.jobs import JobName, RunId

#: The type of a record by the first part of its key.
RECORDS: Final[Mapping[str, type[Struct]]] = {
    "jobs": Job,
    "versions": Job,
    "standings": Standing,
    "runs": Run,
    "registration": Registration,
    "life": Life,
    "pause": Pause,
    "notices": Notice,
}

_CHANGES: Final[Mapping[str, Callable[[Any], ChronosChange]]] = {
    "jobs": JobChanged,
    "versions": VersionKept,
    "standings": StandingChanged,
    "registration": RegistrationKept,
    "life": LifeBegun,
    "pause": PauseChanged,
}


def changes_of(records: Records) -> list[ChronosChange]:
    """
    Tell what was kept as the changes that make it true again.

    Runs and notices come in the order of time, which no key tells.
    """
    others: list[tuple[str, Struct]] = []
    timed: list[tuple[float, str, ChronosChange]] = []
    ended: defaultdict[JobName, list[bytes]] = defaultdict(list)
    for key, record in records:
        match record:
            case Run() if record.is_ended:
                ended[record.job].append(pack(record))
            case Run():
                timed.append((record.made, key, RunChanged(record)))
            case Notice():
                timed.append((record.at, key, NoticeKept(record)))
            case _:
                others.append((key, record))
    others.sort(key=lambda one: one[0])
    timed.sort(key=lambda one: one[:2])
    histories = [
        HistoryRestored(name, tuple(sorted(runs, key=_end_of))) for name, runs in ended.items()
    ]
    return [*_plain(others), *histories, *(change for _, _, change in timed)]


def _end_of(packed: bytes) -> tuple[float, RunId]:
    run = unpack(packed)
    return run.ended_at or run.made, run.id


def _plain(kept: Iterable[tuple[str, Struct]]) -> Iterator[ChronosChange]:
    jobs: dict[JobName, Job] = {}
    for key, record in kept:
        one = record
        if isinstance(record, Job):
            # Its present version was kept twice, and is to be remembered once.
            known = jobs.setdefault(record.name, record)
            one = known if known == record else record
        yield _CHANGES[key.partition("/")[0]](one)
