"""Numbers of jobs: how long their successes took, how they ended last, how late they are."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from mesostw.core.chronos.flags import DURATIONS_MAX
from mesostw.core.chronos.records import Run, RunState, Standing

#: Of one duration in ``Standing.durations``.
BYTES_EACH: Final = 4
#: The longest that four bytes hold, some 49 days, in milliseconds.
DURATION_MAX_MS: Final = 2**32 - 1


class LastResult(StrEnum):
    """How a job ended last, in the API's words."""

    SUCCESS = "success"
    FAILURE = "failure"
    #: Never, since its counters began.
    FRESH = "fresh"


class Percentiles(Struct, frozen=True):
    """Of the last successes, in milliseconds; all 0 without any."""

    count: int = 0
    median: float = 0.0
    p75: float = 0.0
    p95: float = 0.0
    p98: float = 0.0
    p99: float = 0.0


def durations_of(standing: Standing) -> tuple[int, ...]:
    """The kept durations in milliseconds, the oldest first."""
    packed = standing.durations
    count = len(packed) // BYTES_EACH
    return struct.unpack(f"<{count}I", packed[: count * BYTES_EACH])


def with_duration(durations: bytes, milliseconds: float) -> bytes:
    """One more duration; the oldest gives way."""
    whole = min(DURATION_MAX_MS, max(0, round(milliseconds)))
    return (durations + struct.pack("<I", whole))[-DURATIONS_MAX * BYTES_EACH :]


def percentiles(durations: Iterable[int]) -> Percentiles:
    """Of durations in any order; between two samples in proportion, as Codahale's are."""
    values = sorted(durations)
    if not values:
        return Percentiles()
    return Percentiles(len(values), *(_quantile(values, q) for q in (0.5, 0.75, 0.95, 0.98, 0.99)))


def _quantile(values: Sequence[int], share: float) -> float:
    place = share * (len(values) + 1)
    if place < 1:
        return float(values[0])
    if place >= len(values):
        return float(values[-1])
    below = values[int(place) - 1]
    return below + (place - int(place)) * (values[int(place)] - below)


def last_result(standing: Standing) -> LastResult:
    """How a job ended last: retries that are still to come are no end."""
    success, error = standing.last_success, standing.last_error
    if success is None and error is None:
        return LastResult.FRESH
    if error is None or (success is not None and success >= error):
        return LastResult.SUCCESS
    return LastResult.FAILURE


def state_text(live: Iterable[Run]) -> str:
    """What a job's runs do, in the API's words: ``idle``, ``queued`` or ``2 running``."""
    running = waiting = 0
    for run in live:
        if run.is_out:
            running += 1
        else:
            waiting += 1
    if running:
        return f"{running} running"
    return "queued" if waiting else "idle"


def lateness_s(run: Run) -> float | None:
    """From a run's instant to its launch, in seconds; ``None`` before that."""
    if run.launched_at is None:
        return None
    return max(0.0, run.launched_at - max(run.instant / 1000, run.not_before))


def took_s(run: Run) -> float | None:
    """From a run's launch to its end, in seconds; ``None`` unless both are known."""
    began = run.started_at if run.started_at is not None else run.launched_at
    if began is None or run.ended_at is None:
        return None
    return max(0.0, run.ended_at - began)


#: What the original calls a run's state in ``job/stat``.
STATUS_WORDS: Final = {
    RunState.WAITING: "Idle",
    RunState.SUCCEEDED: "Success",
    RunState.FAILED: "Fail",
    RunState.KILLED: "Fail",
}


def status_word(run: Run) -> str:
    """``Success``, ``Fail``, ``Running`` or ``Idle``."""
    return STATUS_WORDS.get(run.state, "Running")
