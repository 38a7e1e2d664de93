"""
When a job that a document describes is to run, judged.

Notes
-----
A client that reads a job, changes a thing and posts it again sends the schedule that it was
shown, which is what was left at that time.  If the text is one that was ever shown of the
timetable that the job has, then that timetable goes on, from its own anchor and where it is:
so the ends of months do not drift, and nothing that was served is served again.

"""

from __future__ import annotations

from datetime import date
from typing import Final

from msgspec import UNSET, Struct
from msgspec.structs import replace

from mesostw.core.chronos import crons, intervals, repeating, timetables, zones
from mesostw.core.chronos.drafts import JobDraft
from mesostw.core.chronos.flags import PERIOD_MIN_S
from mesostw.core.chronos.intervals import Interval, Start
from mesostw.core.chronos.periods import days_of, mean_ms_of, months_of, text_of
from mesostw.core.framework.faults import Faults
from mesostw.model.jobs import Cron, Instant, JobName, JobSpec, Repeating, Timetable

EXCLUDED_MAX: Final = 1_000
_UTC: Final = "UTC"


class Known(Struct, frozen=True):
    """What a document may leave as it is: a job, and how many instants are behind."""

    spec: JobSpec
    passed: int


class Timing(Struct, frozen=True):
    """A timetable, and the zone as it was given."""

    timetable: Timetable
    zone_text: str


def timing_of(
    draft: JobDraft, name: JobName, known: Known | None, now: Instant, faults: Faults
) -> Timing | None:
    """
    The timetable that a draft wishes; ``None`` if it has faults, which are then told.

    :param known: what it replaces, or only changes
    """
    zone_text = "" if draft.schedule_time_zone is UNSET else draft.schedule_time_zone
    zone = _zone_of(zone_text, faults)
    if zone is None:
        return None
    if draft.cron:
        found: Timetable | None = _cron_of(draft, name, zone, known, now, faults)
    elif draft.exclude_dates:
        faults.add("/excludeDates", "means something to a cron only: leave it out")
        return None
    else:
        text = "" if draft.schedule is UNSET else draft.schedule
        found = _repeating_of(text, zone, zone_text, known, now, faults)
    return None if found is None else Timing(found, zone_text)


def _zone_of(text: str, faults: Faults) -> str | None:
    """As the zone data call it, empty for none; ``None`` if nobody knows it."""
    if not text:
        return ""
    found = zones.named(text)
    if found is None:
        faults.add("/scheduleTimeZone", f"'{text}' is no time zone: give one as Europe/Berlin")
    return found


# --- repeating intervals ----------------------------------------------------------------


def _repeating_of(
    text: str, zone: str, zone_text: str, known: Known | None, now: Instant, faults: Faults
) -> Repeating | None:
    read = intervals.read(text)
    if isinstance(read, str):
        faults.add("/schedule", f"'{text}' is no schedule: {read}")
        return None
    if mean_ms_of(read.period) < PERIOD_MIN_S * 1_000:
        shown = text_of(read.period)
        faults.add("/schedule", f"its period is {shown}: it must be at least {PERIOD_MIN_S:g} s")
        return None
    kept = None if known is None else _kept_of(text, read, zone_text, known)
    return kept or _new_of(read, zone, now, faults)


def _kept_of(text: str, read: Interval, zone_text: str, known: Known) -> Repeating | None:
    """The timetable that the job has, if it is meant."""
    t = known.spec.timetable
    if not isinstance(t, Repeating) or known.spec.schedule_time_zone != zone_text:
        return None
    if read.start is None:
        return t if (t.count, t.period) == (read.count, read.period) else None
    return t if _was_shown(text, read.start, t, known.passed) else None


def _was_shown(text: str, start: Start, t: Repeating, passed: int) -> bool:
    """Whether ``text`` is the schedule that was left at some time up to now."""
    if start.offset_s is None:
        return False
    instant = Instant(zones.naive_ms(start.local) - start.offset_s * 1_000)
    index = max(0, repeating.reached(t, instant) - 1)
    return index <= passed and text == timetables.schedule_text(t, index, instant)


def _new_of(read: Interval, zone: str, now: Instant, faults: Faults) -> Repeating | None:
    start = read.start
    if start is None:
        found = _beginning_now(read, zone, now)
    else:
        offset_s = 0 if zone else start.offset_s or 0
        found = Repeating(start.local, read.period, read.count, zone, offset_s)
    first = repeating.instant_at(found, 0)
    if first is None or first < 0:
        faults.add("/schedule", "its start lies outside of the years from 1970 to 9999")
        return None
    return found


def _beginning_now(read: Interval, zone: str, now: Instant) -> Repeating:
    """
    With the present as its anchor, which it keeps.

    In the second of two hours that clocks show twice, no local time says which is meant.  A
    period that is the same by any clock does without the zone then; of others the first
    instant is as late as that.
    """
    local = repeating.anchor_of(now, zone, 0)
    offset_ms = zones.naive_ms(local) - now
    found = Repeating(local, read.period, read.count, zone)
    if repeating.instant_at(found, 0) == now or months_of(read.period) or days_of(read.period):
        return found
    return Repeating(local, read.period, read.count, offset_s=offset_ms // 1_000)


# --- crons ------------------------------------------------------------------------------


def _cron_of(
    draft: JobDraft, name: JobName, zone: str, known: Known | None, now: Instant, faults: Faults
) -> Cron | None:
    given = () if draft.cron is UNSET else draft.cron
    if len(given) > crons.EXPRESSIONS_MAX:
        faults.add("/cron", f"has {len(given)} expressions: at most {crons.EXPRESSIONS_MAX}")
        return None
    expressions = tuple(_expression_of(text, name, faults) for text in given)
    without = _days_of(() if draft.exclude_dates is UNSET else draft.exclude_dates, faults)
    if faults:
        return None
    found = Cron(expressions, now, zone or _UTC, without=without)
    t = None if known is None else known.spec.timetable
    if isinstance(t, Cron) and replace(t, since=now) == found:
        return t
    if timetables.first(found) is None:
        faults.add("/cron", "names no time in the years to come")
    return found


def _expression_of(text: str, name: JobName, faults: Faults) -> str:
    try:
        return crons.resolved(text, name)
    except ValueError as error:
        faults.add("/cron", str(error))
        return text


def _days_of(texts: tuple[str, ...], faults: Faults) -> tuple[date, ...]:
    if len(texts) > EXCLUDED_MAX:
        faults.add("/excludeDates", f"has {len(texts)} days: at most {EXCLUDED_MAX}")
        return ()
    found = set()
    for index, text in enumerate(texts):
        try:
            found.add(date.fromisoformat(text))
        except ValueError:
            faults.add(f"/excludeDates({index})", f"'{text}' is no day: write it as 2026-12-25")
    return tuple(sorted(found))
