"""What was asked for, as far as the answers tell: jobs, while they were held to their instants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import inf
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mesostw.testing.chronos_checks import Definition
from tests.functional.chronos.evidence import Evidence, Standing
from tests.functional.chronos.history import Call, End
from tests.functional.chronos.plans import RETRY_DELAY_S, JobPlan

#: Chronos' times are whole milliseconds: of a distance of two, both may be off by so much.
ROUNDED_S = 0.002


class Wish(Struct, frozen=True, kw_only=True):
    """A job that was asked for and not refused."""

    plan: JobPlan
    definition: Definition
    #: When it was there for certain; ``None`` if nobody ever saw it.
    since: float | None
    #: When an answer first told so: what a leader that was cut off has made, and could not
    #: answer, others see later than it was made.
    told: float | None
    #: From when to when it is held to its instants.
    spans: tuple[tuple[float, float], ...]
    #: When somebody first asked for its end, and when that was acknowledged.
    unwished_at: float = inf
    #: Versions by when they were asked for, and acknowledged (or never).
    tags: tuple[tuple[int, float, float], ...] = ()

    @property
    def is_removed(self) -> bool:
        """Whether it may be gone."""
        return self.unwished_at < inf


def wishes_of(evidence: Evidence) -> dict[str, Wish]:
    """Every job that may be there, or may have been."""
    by_job: dict[str, list[Call]] = {}
    for call in evidence.calls:
        if call.job:
            by_job.setdefault(call.job, []).append(call)
    found = {}
    for name, calls in by_job.items():
        added = calls[0]
        if added.op == "add" and added.end is not End.FAIL:
            since = _since(added, calls, evidence.jobs.get(name), evidence.calls)
            told = _since(added, calls, None, evidence.calls)
            found[name] = _wish(added, calls[1:], since, told)
    return found


def unanswered(calls: Iterable[Call]) -> set[str]:
    """Jobs of which nobody knows whether they were taken."""
    return {call.job for call in calls if call.op == "add" and call.end is End.INFO}


def refused(calls: Iterable[Call]) -> set[str]:
    """Jobs that were not taken."""
    return {call.job for call in calls if call.op == "add" and call.end is End.FAIL}


def _since(
    added: Call, own: Sequence[Call], there: Standing | None, calls: Iterable[Call]
) -> float | None:
    """When it was acknowledged, else when it was first seen."""
    if added.end is End.OK:
        return added.ended
    # Only of one that is there anything can be asked.
    sights = [call.ended for call in own[1:] if call.end is End.OK]
    sights += [call.ended for call in calls if added.job in jobs_seen(call)]
    if there is not None:
        sights.append(max(there.created, added.asked))
    return min(sights, default=None)


def _wish(added: Call, later: Sequence[Call], since: float | None, told: float | None) -> Wish:
    plan = msgspec.convert(added.value["plan"], JobPlan)
    ends = [call for call in later if call.op == "delete" and call.end is not End.FAIL]
    unwished_at = min((call.asked for call in ends), default=inf)
    gone = [call.ended for call in ends if call.end is End.OK]
    definition = Definition(
        job=plan.name,
        start=_local(added.value["start"]),
        seconds=plan.interval_s,
        count=0 if plan.parents else plan.count,
        epsilon_s=plan.window_s,
        duration_s=plan.duration_s,
        concurrent=plan.concurrent,
        retries=plan.retries,
        retry_delay_s=RETRY_DELAY_S - ROUNDED_S,
        parents=plan.parents,
        acked_at=inf if since is None else since,
        removed_at=min(gone, default=None),
    )
    return Wish(
        plan=plan,
        definition=definition,
        since=since,
        told=told,
        spans=tuple(_spans(later, since, unwished_at)),
        unwished_at=unwished_at,
        tags=tuple(_tags(added, later)),
    )


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def _spans(
    later: Sequence[Call], since: float | None, until: float
) -> Iterable[tuple[float, float]]:
    """While it was enabled, and nobody had asked for anything else."""
    begin = since
    for call in later:
        if call.op == "disable" and call.end is not End.FAIL:
            if begin is not None:
                yield begin, min(call.asked, until)
            begin = None
            if call.end is End.INFO:
                # It may be done at any time from now on.
                return
        elif call.op == "enable" and call.end is End.OK and begin is None and since is not None:
            begin = call.ended
    if begin is not None and begin < until:
        yield begin, until


def _tags(added: Call, later: Sequence[Call]) -> Iterable[tuple[int, float, float]]:
    for call in (added, *later):
        if call.op in ("add", "update") and call.end is not End.FAIL:
            yield call.value["tag"], call.asked, call.ended if call.end is End.OK else inf


def held(wish: Wish) -> list[Definition]:
    """The definition of each span in which a job is held to its instants."""
    return [
        replace(wish.definition, acked_at=begin, removed_at=None if end == inf else end)
        for begin, end in wish.spans
    ]


def definitions(wishes: Mapping[str, Wish]) -> dict[str, Definition]:
    """Of each job, by its name."""
    return {name: wish.definition for name, wish in wishes.items()}


def jobs_seen(call: Call) -> set[str]:
    """What a look has found; nothing if it had no answer."""
    found: Any = call.answer.get("jobs", ())
    return set(found)
