"""What a store keeps of Chronos, and how a life starts from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

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

_CHANGES: Final[Mapping[str, Callable[[Any], ChronosChange]]] = {
    "jobs": JobChanged,
    "versions": VersionKept,
    "standings": StandingChanged,
    "runs": RunChanged,
    "registration": RegistrationKept,
    "life": LifeBegun,
    "pause": PauseChanged,
    "notices": NoticeKept,
}


def changes_of(records: Mapping[str, Struct]) -> list[ChronosChange]:
    """
    Tell what was kept as the changes that make it true again.

    Runs and notices come in the order of time, which no key tells.
    """
    keys = sorted(records, key=lambda key: (_at(records[key]), key))
    return [_CHANGES[key.partition("/")[0]](records[key]) for key in keys]


def _at(record: Struct) -> float:
    """When a run ended, or else was made: histories begin with the first to end."""
    match record:
        case Run():
            return record.made if record.ended_at is None else record.ended_at
        case Notice():
            return record.at
        case _:
            return 0.0
