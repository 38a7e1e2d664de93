"""
When a job is due, whatever kind of timetable it has.

``passed`` is how many instants are behind, and ``due`` the next one: a job's standing has
both, so that nothing here depends on when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Final

from msgspec import Struct

from mesostw.core.chronos import crons, repeating
from mesostw.core.chronos.flags import WALK_MAX
from mesostw.core.chronos.periods import text_of
from mesostw.model.jobs import Cron, Instant, Repeating, Timetable

#: No two instants of a cron are nearer.
_CRON_STEP_MS: Final = 1_000
#: How far back the newest instants of a cron are looked for, doubled each time.
_WINDOW_MS: Final = 60_000


class Passing(Struct, frozen=True):
    """Instants that have passed, and the position behind them."""

    #: Of a cron, that many at least: it is not walked further than ``WALK_MAX``.
    count: int
    newest: Instant | None
    passed: int
    due: Instant | None


def first(t: Timetable) -> Instant | None:
    """The first instant; ``None`` if there is none at all."""
    match t:
        case Repeating():
            return None if t.count == 0 else repeating.instant_at(t, 0)
        case Cron():
            return crons.after(t, Instant(t.since - 1))


def after(t: Timetable, passed: int, due: Instant) -> Instant | None:
    """The instant with index ``passed + 1``, where ``due`` has index ``passed``."""
    match t:
        case Repeating():
            is_over = t.count is not None and passed + 1 >= t.count
            return None if is_over else repeating.instant_at(t, passed + 1)
        case Cron():
            return crons.after(t, due)


def passing(t: Timetable, passed: int, due: Instant | None, until: Instant) -> Passing:
    """All instants from ``due`` up to ``until``."""
    if due is None or due > until:
        return Passing(0, None, passed, due)
    match t:
        case Repeating():
            return _passing_repeating(t, passed, until)
        case Cron():
            return _passing_cron(t, passed, due, until)


def _passing_repeating(t: Repeating, passed: int, until: Instant) -> Passing:
    reached = repeating.reached(t, until)
    if t.count is not None:
        reached = min(reached, t.count)
    newest = repeating.instant_at(t, reached - 1)
    is_over = t.count is not None and reached >= t.count
    due = None if is_over else repeating.instant_at(t, reached)
    return Passing(reached - passed, newest, reached, due)


def _passing_cron(t: Cron, passed: int, due: Instant, until: Instant) -> Passing:
    """Walked where that is near; else the newest is looked for, and the others are not counted."""
    begin, newest, at = passed, due, due
    for at in islice(_walk(t, passed, due), WALK_MAX):
        if at > until:
            return Passing(passed - begin, newest, passed, at)
        newest, passed = at, passed + 1
    if latest := _newest_of_cron(t, due, until, 1):
        newest = latest[-1]
    return Passing(passed - begin, newest, passed, after(t, passed - 1, newest))


def newest(
    t: Timetable, passed: int, due: Instant | None, until: Instant, n: int
) -> tuple[Instant, ...]:
    """The last ``n`` instants from ``due`` up to ``until``, the oldest first."""
    if due is None or due > until:
        return ()
    if isinstance(t, Repeating):
        end = passed + _passing_repeating(t, passed, until).count
        return _between(t, max(passed, end - n), end)
    walked = list(islice(takewhile(lambda one: one <= until, _walk(t, passed, due)), WALK_MAX))
    if len(walked) < WALK_MAX:
        return tuple(walked[-n:])
    return _newest_of_cron(t, due, until, n)


def _newest_of_cron(t: Cron, due: Instant, until: Instant, n: int) -> tuple[Instant, ...]:
    """The last first, each looked for before the one that was found."""
    found: list[Instant] = []
    at = _last_of_cron(t, due, until)
    while at is not None and len(found) < n:
        found.append(at)
        at = _last_of_cron(t, due, Instant(at - 1))
    return tuple(reversed(found))


def _last_of_cron(t: Cron, due: Instant, until: Instant) -> Instant | None:
    """The last instant in [``due``, ``until``], by halves of a span that has it."""
    if due > until:
        return None
    width = _WINDOW_MS
    while not _is_any(t, until - width, until) and until - width >= due:
        width *= 2
    low, high = max(until - width, due - 1), int(until)
    while high - low > _CRON_STEP_MS:
        middle = (low + high) // 2
        low, high = (middle, high) if _is_any(t, middle, until) else (low, middle)
    last = crons.after(t, Instant(low))
    return last if last is not None and last <= until else None


def _is_any(t: Cron, low: int, high: Instant) -> bool:
    """Whether there is an instant in (``low``, ``high``]."""
    found = crons.after(t, Instant(low))
    return found is not None and found <= high


def upcoming(t: Timetable, passed: int, due: Instant | None, n: int) -> tuple[Instant, ...]:
    """The next ``n`` instants, beginning with ``due``."""
    return () if due is None else tuple(islice(_walk(t, passed, due), n))


def within(t: Timetable, start: Instant, end: Instant, n: int) -> tuple[Instant, ...]:
    """The first ``n`` instants in [``start``, ``end``), whether they have passed or not."""
    if isinstance(t, Repeating):
        low = repeating.reached(t, Instant(start - 1))
        return tuple(one for one in _between(t, low, low + n) if one < end)
    inside = takewhile(lambda one: one < end, crons.following(t, Instant(start - 1)))
    return tuple(islice(inside, n))


def _walk(t: Timetable, passed: int, due: Instant) -> Iterator[Instant]:
    """Every instant from ``due`` on."""
    yield due
    match t:
        case Repeating():
            index = passed + 1
            while (t.count is None or index < t.count) and (at := repeating.instant_at(t, index)):
                yield at
                index += 1
        case Cron():
            yield from crons.following(t, due)


def _between(t: Repeating, low: int, high: int) -> tuple[Instant, ...]:
    """Those with an index in [``low``, ``high``) that there are."""
    if t.count is not None:
        high = min(high, t.count)
    found = (repeating.instant_at(t, index) for index in range(low, high))
    return tuple(one for one in found if one is not None)


# --- as text --------------------------------------------------------------------------


def schedule_text(t: Timetable, passed: int, due: Instant | None) -> str:
    """
    What is left of a timetable, as the API shows it: ``R2/2024-03-31T02:00:00.000+02:00/P1D``.

    At its end it shows the instant that would have been next. Of a cron it is empty.
    """
    if not isinstance(t, Repeating):
        return ""
    if due is None:
        due = repeating.instant_at(t, passed) or repeating.instant_at(t, 0)
    count = "" if t.count is None else str(max(0, t.count - passed))
    start = "" if due is None else _stamp_of(t, due)
    return f"R{count}/{start}/{text_of(t.period)}"


def _stamp_of(t: Repeating, instant: Instant) -> str:
    """To the millisecond, with the offset; ``Z`` if that is nothing."""
    text = repeating.shown_at(t, instant).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
