"""What Chronos' tables tell ``/metrics``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from mesostw.core.chronos.records import Run, RunState
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.statistics import lateness_s, percentiles
from mesostw.http.chronos.parts import ChronosParts
from mesostw.http.metrics import series

#: Seconds to whole milliseconds.
_MS: Final = 1000


def gauges(parts: ChronosParts) -> dict[str, float]:
    """Counts of jobs and runs, how late the last launches were, notices that wait."""
    view, wall = parts.view, parts.clock.wall()
    live = [run for runs in view.live.values() for run in runs.values()]
    states = Counter(run.state for run in live)
    late = percentiles(round(one * _MS) for one in _lateness(view))
    up = max(0.0, wall - parts.identity.started)
    led = parts.numbers().get("election/leading_seconds", up)
    return {
        "chronos.jobs.gauge": len(view.jobs),
        "chronos.jobs.disabled.gauge": sum(job.spec.disabled for job in view.jobs.values()),
        **{
            f"chronos.runs.{state}.gauge": states[state] for state in RunState if state not in _ENDS
        },
        "chronos.runs.ready.gauge": sum(_is_ready(run, wall) for run in live),
        "chronos.runs.kept.gauge": len(view.runs),
        "chronos.lateness.median.gauge.seconds": late.median / _MS,
        "chronos.lateness.p99.gauge.seconds": late.p99 / _MS,
        "chronos.notices.waiting.gauge": len(view.notices),
        "chronos.paused.gauge": float(view.pause is not None),
        "chronos.leadership.duration.gauge.seconds": led if parts.leader() == "" else 0.0,
        "chronos.uptime.gauge.seconds": up,
        "chronos.changes.gauge": int(parts.feed.seq),
    }


_ENDS: Final = (RunState.SUCCEEDED, RunState.FAILED, RunState.KILLED, RunState.SKIPPED)


def _is_ready(run: Run, wall: float) -> bool:
    """Whether a run waits for nothing that a clock tells."""
    return run.state is RunState.WAITING and max(run.not_before, run.instant / _MS) <= wall


def _lateness(view: ChronosState) -> Iterator[float]:
    """Of each job's newest run that was launched, in seconds."""
    for name in view.jobs:
        for run in chain(
            reversed(tuple(view.live_of(name).values())), reversed(view.ended_of(name))
        ):
            found = lateness_s(run)
            if found is not None:
                yield found
                break


def job_lines(parts: ChronosParts) -> Iterable[str]:
    """What alerts are made of: how long ago each job succeeded last, and its failures since."""
    view, wall = parts.view, parts.clock.wall()
    standings = [view.standing_of(name) for name in view.jobs]
    ages = [
        ({"job": one.job}, wall - one.last_success)
        for one in standings
        if one.last_success is not None
    ]
    failures = [({"job": one.job}, one.errors_since_last_success) for one in standings]
    yield from series("chronos_job_last_success_age_seconds", "gauge", ages)
    yield from series("chronos_job_errors_since_last_success", "gauge", failures)
