"""
What must be true of jobs and their runs, judged from outside: a second opinion.

Nothing here knows Chronos' core.  Instants are counted in a way of its own; a run is what a
task wrote down, a record is what Chronos says of it.  The same rules judge simulations and
clusters of real processes::

    unserved     each instant has a run in its window, unless nobody could have served it
    repeated     one task at most of each attempt at an instant
    overlapping  runs of a job that may not overlap do not
    unwished     nothing runs before its time, after its job is gone, or without a job
    disagreeing  what tasks wrote and what Chronos says is the same
    miscounted   counters are what the records add up to
    untriggered  a dependent runs once for each success of all its parents
    regressed    no launch of an older life comes after one of a newer
    overtried    attempts are as many as wished, as far apart as wished
    uncertain    what was asked for and not answered is there and served, or is nowhere

All times are wall seconds, instants milliseconds since 1970.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

#: A local time, as all starts are.
EPOCH: Final = datetime.fromisoformat("1970-01-01")
#: Seconds between the end of a job and the last moment at which its runs may begin.
REMOVAL_S: Final = 5.0
#: Runs of one job may seem to overlap by so much: what clocks of processes differ by.
OVERLAP_S: Final = 0.001


class Finding(Struct, frozen=True):
    """A rule that was broken, by which job, and how."""

    rule: str
    job: str
    text: str


class Definition(Struct, frozen=True, kw_only=True):
    """
    A job as it was asked for.

    A period of ``months`` and ``days`` is local time of ``zone``; ``seconds`` is distance.
    """

    job: str
    #: Local time in ``zone``.
    start: datetime = EPOCH
    months: int = 0
    days: int = 0
    seconds: float = 0.0
    zone: str = "UTC"
    #: ``None`` never ends.
    count: int | None = None
    #: All its instants, counted by whoever asks for it, of what is no repeating interval.
    listed: tuple[int, ...] | None = None
    #: How late a run may begin, and how long one takes.
    epsilon_s: float = 60.0
    duration_s: float = 0.0
    concurrent: bool = False
    retries: int = 0
    retry_delay_s: float = 0.0
    parents: tuple[str, ...] = ()
    soft_error: bool = False
    #: When it was acknowledged, and gone for certain.
    acked_at: float = 0.0
    removed_at: float | None = None


class Seen(Struct, frozen=True, kw_only=True, gc=False):
    """What a task wrote down; without ``end`` it did not come to its end."""

    job: str
    instant: int
    attempt: int
    task_id: str
    host: str
    start: float
    end: float | None = None
    well: bool = True
    #: Whether it is for an instant of the timetable.
    by_clock: bool = True


class Record(Struct, frozen=True, kw_only=True, gc=False):
    """What Chronos says of a run."""

    id: str
    job: str
    instant: int
    attempt: int
    state: str
    cause: str = "clock"
    task_id: str = ""
    launched_at: float | None = None
    not_before: float = 0.0
    ended_at: float | None = None
    #: Of which life the launch is.
    life: int = 0
    retries: str = ""
    parents: tuple[tuple[str, str], ...] = ()
    #: Whether its agent was lost, so that nobody knows how its task ended.
    lost: bool = False


class Trouble(Struct, frozen=True):
    """A time in which nobody could have served anything."""

    start: float
    end: float


# --- instants, windows, and who serves whom -----------------------------------------------


def instants(wish: Definition, until: float) -> list[int]:
    """Every instant of a job up to ``until``, by walking from its start."""
    if wish.listed is not None:
        return [one for one in wish.listed if one <= until * 1000]
    found: list[int] = []
    while wish.count is None or len(found) < wish.count:
        instant = _instant(wish, len(found))
        if instant > until * 1000:
            break
        found.append(instant)
    return found


def _instant(wish: Definition, index: int) -> int:
    month = wish.start.month - 1 + index * wish.months
    year, month = wish.start.year + month // 12, month % 12 + 1
    day = min(wish.start.day, _days_in(year, month))
    local = wish.start.replace(year=year, month=month, day=day)
    local += timedelta(days=index * wish.days)
    # Of two equal local times the earlier; one that clocks leave out is as much later as they
    # are put forward.  Both is what ``fold=0`` means.
    at = local.replace(tzinfo=ZoneInfo(wish.zone), fold=0).astimezone(UTC)
    at += timedelta(seconds=index * wish.seconds)
    return round(at.timestamp() * 1000)


def _days_in(year: int, month: int) -> int:
    following = EPOCH.replace(year=year + month // 12, month=month % 12 + 1)
    return (following - timedelta(days=1)).day


class Target(Struct, frozen=True, order=True):
    """An instant, and the last moment at which its run may begin; in seconds."""

    due: float
    deadline: float


def targets(wish: Definition, cutoff: float, forgiven_s: float) -> list[Target]:
    """What a job is held to until ``cutoff``: whose windows have passed, with the run."""
    last = cutoff if wish.removed_at is None else min(cutoff, wish.removed_at)
    window_s = wish.epsilon_s + forgiven_s
    found = [Target(at / 1000, at / 1000 + window_s) for at in instants(wish, last)]
    return [
        one for one in found if one.due >= wish.acked_at and one.deadline + wish.duration_s < last
    ]


def matched(wished: Sequence[Target], starts: Sequence[float]) -> dict[int, int]:
    """
    Give as many targets as possible a start of their own within their window.

    Windows are intervals and starts are points, so it is enough to go through the starts in
    order and give each to the open target whose deadline comes first.

    :return: indexes of starts by indexes of targets
    """
    by_due = sorted(range(len(wished)), key=lambda index: wished[index].due)
    waiting: list[tuple[float, int]] = []
    pairs: dict[int, int] = {}
    following = 0
    for start_index in sorted(range(len(starts)), key=lambda index: starts[index]):
        start = starts[start_index]
        while following < len(by_due) and wished[by_due[following]].due <= start:
            heapq.heappush(waiting, (wished[by_due[following]].deadline, by_due[following]))
            following += 1
        while waiting and waiting[0][0] < start:
            heapq.heappop(waiting)
        if waiting:
            pairs[heapq.heappop(waiting)[1]] = start_index
    return pairs


def is_excused(target: Target, troubles: Iterable[Trouble], recovery_s: float) -> bool:
    """Whether the whole window lies in troubles, each longer by the time to recover."""
    at = target.due
    for one in sorted(troubles, key=lambda trouble: trouble.start):
        if one.start <= at < one.end + recovery_s:
            at = one.end + recovery_s
    return at >= target.deadline


class Service(Struct, frozen=True):
    """How the instants of one job were served."""

    wished: int
    served: int
    excused: int
    findings: tuple[Finding, ...]
    #: Seconds from instant to start, of those that were served.
    lags: tuple[float, ...] = ()


def served(
    wish: Definition,
    seen: Iterable[Seen],
    cutoff: float,
    *,
    forgiven_s: float = 0.0,
    troubles: Sequence[Trouble] = (),
    recovery_s: float = 0.0,
    lost: Collection[int] = (),
) -> Service:
    """
    Each instant has a run that came to its end and began within its window.

    :param lost: instants whose runs ended with their agents, in milliseconds.
    """
    held = targets(wish, cutoff, forgiven_s)
    wished = [one for one in held if round(one.due * 1000) not in lost]
    starts = [one.start for one in seen if one.job == wish.job and one.end is not None and one.well]
    pairs = matched(wished, starts)
    missing = [one for index, one in enumerate(wished) if index not in pairs]
    fatal = [one for one in missing if not is_excused(one, troubles, recovery_s)]
    findings = tuple(
        Finding("unserved", wish.job, f"{one.due:.3f} has no run until {one.deadline:.3f}")
        for one in fatal
    )
    lags = tuple(starts[found] - wished[index].due for index, found in pairs.items())
    return Service(len(held), len(pairs), len(held) - len(pairs) - len(fatal), findings, lags)


# --- what tasks wrote -----------------------------------------------------------------------


def repeated(seen: Iterable[Seen]) -> tuple[Finding, ...]:
    """At most one task began for each attempt at an instant."""
    tasks: defaultdict[tuple[str, int, int], list[str]] = defaultdict(list)
    for one in seen:
        tasks[one.job, one.instant, one.attempt].append(one.task_id)
    return tuple(
        Finding("repeated", job, f"{instant} attempt {attempt} ran as {found}")
        for (job, instant, attempt), found in tasks.items()
        if len(found) > 1
    )


def overlapping(
    wishes: Mapping[str, Definition], seen: Iterable[Seen], lost: Collection[str] = ()
) -> tuple[Finding, ...]:
    """
    No two runs of a job overlap that may not.

    :param lost: tasks whose agents were away for longer than was waited for them.
    """
    by_job: defaultdict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        if one.job in wishes and not wishes[one.job].concurrent and one.task_id not in lost:
            by_job[one.job].append(one)
    found = []
    for job, runs in by_job.items():
        runs.sort(key=lambda run: run.start)
        for before, after in pairwise(runs):
            end = before.start if before.end is None else before.end
            if after.start < end - OVERLAP_S:
                text = f"{after.task_id} began {end - after.start:.3f} s before the end of"
                found.append(Finding("overlapping", job, f"{text} {before.task_id}"))
    return tuple(found)


def unwished(wishes: Mapping[str, Definition], seen: Iterable[Seen]) -> tuple[Finding, ...]:
    """Nothing ran too early, for no instant, after its job was gone, or of no job."""
    by_job: defaultdict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        by_job[one.job].append(one)
    found = []
    for job, runs in by_job.items():
        wish = wishes.get(job)
        until = max(run.start for run in runs)
        due = frozenset() if wish is None or wish.parents else frozenset(instants(wish, until))
        found += [
            Finding("unwished", job, f"{run.task_id} {why}")
            for run in runs
            if (why := _why_unwished(wish, run, due))
        ]
    return tuple(found)


def _why_unwished(wish: Definition | None, one: Seen, due: Collection[int]) -> str:
    """:param due: every instant of the job up to then, and perhaps more."""
    if wish is None:
        return "ran, and nobody ever asked for the job"
    if wish.removed_at is not None and one.start > wish.removed_at + REMOVAL_S:
        return f"began {one.start - wish.removed_at:.3f} s after its job was removed"
    if one.start * 1000 < one.instant:
        return f"began {one.instant / 1000 - one.start:.3f} s before its instant"
    if not wish.parents and one.by_clock and one.instant not in due:
        return f"ran for {one.instant}, which is no instant of its job"
    return ""


# --- what Chronos says ------------------------------------------------------------------------


def disagreeing(seen: Iterable[Seen], records: Iterable[Record]) -> tuple[Finding, ...]:
    """Whatever came well to its end is a success in the records, and the other way round."""
    by_task = {one.task_id: one for one in records if one.task_id}
    ended = {one.task_id: one for one in seen if one.end is not None and one.well}
    found = []
    for task_id, one in ended.items():
        record = by_task.get(task_id)
        if record is None:
            found.append(Finding("disagreeing", one.job, f"no record of {task_id}, which ended"))
        elif record.state != "succeeded" and not record.lost:
            text = f"{task_id} ended well and is {record.state}"
            found.append(Finding("disagreeing", one.job, text))
    for task_id, record in by_task.items():
        if record.state == "succeeded" and task_id not in ended:
            text = f"{task_id} is a success and never came to its end"
            found.append(Finding("disagreeing", record.job, text))
    return tuple(found)


def miscounted(
    counts: Mapping[str, tuple[int, int]], records: Sequence[Record]
) -> tuple[Finding, ...]:
    """
    Successes, and failures after the last attempt, are as many as there are records of.

    :param counts: both, by job; every record of the job must be among ``records``.
    """
    retried = {one.retries for one in records if one.retries}
    told: Counter[tuple[str, str]] = Counter()
    for one in records:
        if one.state == "succeeded" or (one.state == "failed" and one.id not in retried):
            told[one.job, one.state] += 1
    return tuple(
        Finding("miscounted", job, f"{state} {count} times, the records say {told[job, state]}")
        for job, pair in counts.items()
        for state, count in zip(("succeeded", "failed"), pair, strict=True)
        if count != told[job, state]
    )


def untriggered(
    wishes: Mapping[str, Definition], records: Sequence[Record], now: float, within_s: float
) -> tuple[Finding, ...]:
    """
    A dependent runs once for each time that all its parents have succeeded, and soon.

    :param within_s: how long after the last of them it is made at most.
    """
    by_id = {one.id: one for one in records}
    found = []
    for job, wish in wishes.items():
        fired = [one for one in records if one.job == job and one.cause == "parents"]
        used: Counter[str] = Counter()
        for one in fired:
            if one.state == "skipped":
                continue
            used.update(run_id for _, run_id in one.parents)
            found += _badly_fired(wish, one, by_id)
        found += [
            Finding("untriggered", job, f"followed {run_id} {count} times")
            for run_id, count in used.items()
            if count > 1
        ]
        if wish.parents:
            found += _unfired(wish, fired, records, now - within_s)
    return tuple(found)


def _badly_fired(wish: Definition, run: Record, by_id: Mapping[str, Record]) -> list[Finding]:
    missing = set(wish.parents) - {parent for parent, _ in run.parents}
    found = [Finding("untriggered", run.job, f"{run.id} ran without {one}") for one in missing]
    for _, run_id in run.parents:
        parent = by_id.get(run_id)
        if parent is not None and parent.state not in ("succeeded", "failed"):
            text = f"{run.id} followed {run_id}, which is {parent.state}"
            found.append(Finding("untriggered", run.job, text))
    return found


def _unfired(
    wish: Definition, fired: Sequence[Record], records: Sequence[Record], before: float
) -> list[Finding]:
    """Successes of all parents that came after what the last run followed, without a run."""
    used = {run_id for one in fired for _, run_id in one.parents}
    last = max((one.ended_at or 0.0 for one in records if one.id in used), default=0.0)
    newer = defaultdict(list)
    for one in records:
        counts = one.job in wish.parents and one.state == "succeeded" and one.id not in used
        if counts and one.ended_at is not None and last < one.ended_at < before:
            newer[one.job].append(one.id)
    if not wish.parents or not all(newer[parent] for parent in wish.parents):
        return []
    return [Finding("untriggered", wish.job, f"nothing followed {dict(newer)}")]


def regressed(records: Iterable[Record]) -> tuple[Finding, ...]:
    """Launches of lives follow each other; ``records`` in the order they were launched."""
    newest, found = 0, []
    for one in records:
        if one.life and one.life < newest:
            text = f"{one.id} was launched by life {one.life} after one of life {newest}"
            found.append(Finding("regressed", one.job, text))
        newest = max(newest, one.life)
    return tuple(found)


def overtried(wishes: Mapping[str, Definition], records: Sequence[Record]) -> tuple[Finding, ...]:
    """No instant is tried more often than wished, nor again too soon."""
    by_id = {one.id: one for one in records}
    found = []
    for one in records:
        wish = wishes.get(one.job)
        if wish is None or one.cause not in ("clock", "retry"):
            continue
        if one.attempt > wish.retries:
            text = f"{one.instant} had attempt {one.attempt}, retries are {wish.retries}"
            found.append(Finding("overtried", one.job, text))
        before = by_id.get(one.retries)
        if before is not None and before.ended_at is not None:
            gap_s = one.not_before - before.ended_at
            if gap_s < wish.retry_delay_s - 0.001:
                text = f"{one.id} came {gap_s:.3f} s after a failure, not {wish.retry_delay_s:g}"
                found.append(Finding("overtried", one.job, text))
    return tuple(found)


def uncertain(
    unanswered: Collection[str], known: Collection[str], seen: Iterable[Seen]
) -> tuple[Finding, ...]:
    """A job whose request had no answer either is there, or never ran."""
    ran = {one.job for one in seen}
    return tuple(
        Finding("uncertain", job, "ran, and is not there")
        for job in unanswered
        if job in ran and job not in known
    )
