"""What a store keeps of Chronos, and how a life starts from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Final

from msgspec import Struct

from mesostw.core.chronos.changes import (
    ChronosChange,
    JobChanged,
    LifeBegun,
    NoticeKept,
    PauseChanged,
    RegistrationKept,
    RunChanged,
    StandingChanged,
    VersionKept,
)
from mesostw.core.chronos.records import Job, Life, Notice, Pause, Registration, Run, Standing

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

#: Of a run: the order that they were made in, which no key tells.
_made: Final[Callable[[Run], tuple[float, str]]] = attrgetter("made", "id")


def changes_of(records: Mapping[str, Struct]) -> list[ChronosChange]:
    """Tell what was kept as the changes that make it true again; runs in the order of time."""
    found: list[ChronosChange] = []
    runs: list[Run] = []
    for key in sorted(records):
        record = records[key]
        if isinstance(record, Run):
            runs.append(record)
        else:
            found.append(_change_of(key, record))
    found.extend(RunChanged(run) for run in sorted(runs, key=_made))
    return found


def _change_of(key: str, record: Struct) -> ChronosChange:
    match record:
        case Job():
            return VersionKept(record) if key.startswith("versions/") else JobChanged(record)
        case Standing():
            return StandingChanged(record)
        case Registration():
            return RegistrationKept(record)
        case Life():
            return LifeBegun(record)
        case Pause():
            return PauseChanged(record)
        case Notice():
            return NoticeKept(record)
        case _:
            raise TypeError(f"no record of Chronos: {key}")
