"""The times, or the parents, that a document wishes."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from mesostw.core.chronos import drafts, emitting, graph, timing
from mesostw.core.chronos.cases import Case
from mesostw.core.chronos.drafts import JobDraft
from mesostw.core.chronos.flags import PARENTS_MAX
from mesostw.core.chronos.timing import Known
from mesostw.core.chronos.words import Dialect, Form
from mesostw.core.framework.faults import Faults
from mesostw.model.jobs import Cron, JobName, JobSpec

_TIMES: Final = ("schedule", "cron", "parents")
#: The same in documents.
_ABOUT: Final = ("scheduleTimeZone", "excludeDates")
_ABOUT_TIMES: Final = ("schedule_time_zone", "exclude_dates")


def times_of(case: Case, faults: Faults) -> dict[str, object] | None:
    """The timetable or the parents; ``None`` if there is a fault in them."""
    draft = case.draft
    has_schedule = bool(draft.schedule or draft.cron)
    if draft.schedule and draft.cron:
        faults.add("/schedule", "and cron are both given: give one of them")
        return None
    if draft.parents and has_schedule:
        faults.add("/parents", "and a schedule are both given: give one of them")
        return None
    if not has_schedule and not draft.parents and (kept := _goes_on(case)) is not None:
        return _times_kept(case, kept, faults)
    if draft.parents or (draft.parents is not UNSET and not has_schedule):
        return _parents_of(case, faults)
    return _timetable_of(case, has_schedule, faults)


def _goes_on(case: Case) -> JobSpec | None:
    """The job whose times stay if a document names none."""
    if case.kept is not None:
        return case.kept
    if case.known is None or case.asked.dialect is Dialect.OWN or case.draft.schedule is UNSET:
        return None
    # An old client sends back the empty schedule that it was shown of a cron.
    return case.known.spec if isinstance(case.known.spec.timetable, Cron) else None


def _timetable_of(case: Case, has_schedule: bool, faults: Faults) -> dict[str, object] | None:
    if case.asked.form is Form.DEPENDENT:
        faults.add("/parents", "is missing")
        return None
    if not has_schedule:
        either = " or parents" if case.asked.form is Form.EITHER else ""
        faults.add("/schedule", f"is missing: give a schedule{either}")
        return None
    draft = _with_what_stays(case)
    found = timing.timing_of(draft, case.name, _known_of(case), case.now, faults)
    if found is None:
        return None
    return {"timetable": found.timetable, "schedule_time_zone": found.zone_text, "parents": ()}


def _with_what_stays(case: Case) -> JobDraft:
    """The zone that a change does not name, and days without that an old client leaves out."""
    draft = case.draft
    spec = None if case.known is None or case.is_whole else case.known.spec
    if spec is None or spec.timetable is None:
        return draft
    if case.kept and draft.schedule_time_zone is UNSET and "schedule_time_zone" not in case.cleared:
        draft = replace(draft, schedule_time_zone=spec.schedule_time_zone)
    is_named = draft.exclude_dates is not UNSET or "exclude_dates" in case.cleared
    if isinstance(spec.timetable, Cron) and not is_named:
        days = tuple(day.isoformat() for day in spec.timetable.without)
        draft = replace(draft, exclude_dates=days)
    return draft


def _known_of(case: Case) -> Known | None:
    if case.known is None:
        return None
    return Known(case.known.spec, case.state.standing_of(case.name).passed)


def _times_kept(case: Case, kept: JobSpec, faults: Faults) -> dict[str, object] | None:
    """A change that names no time keeps it, but for its zone and its days without."""
    draft = case.draft
    names = ("cron", "parents") if isinstance(kept.timetable, Cron) else _TIMES
    for name in names:
        if name in case.cleared or getattr(draft, name) is not UNSET:
            faults.add(f"/{name}", "must not be empty: give another, or leave it out")
            return None
    stays = {"timetable": kept.timetable, "schedule_time_zone": kept.schedule_time_zone}
    if all(getattr(draft, name) is UNSET and name not in case.cleared for name in _ABOUT_TIMES):
        return {**stays, "parents": kept.parents}
    shown = emitting.times_of(kept, case.state.standing_of(case.name), Dialect.V3)
    if "parents" in shown:
        faults.add("/scheduleTimeZone", "means nothing to a job with parents: leave it out")
        return None
    given = {name: case.asked.document.get(name) for name in _ABOUT if name in case.asked.document}
    full = drafts.draft_of({"name": case.name, **shown, **given}, faults)
    if full is None:
        return None
    found = timing.timing_of(full, case.name, _known_of(case), case.now, faults)
    if found is None:
        return None
    return {"timetable": found.timetable, "schedule_time_zone": found.zone_text}


def _parents_of(case: Case, faults: Faults) -> dict[str, object] | None:
    """Parents that there are, and no circle."""
    parents = tuple(dict.fromkeys(JobName(one) for one in case.draft.parents or ()))
    wrong = _parents_fault(case, parents)
    if case.draft.exclude_dates:
        faults.add("/excludeDates", "means something to a cron only: leave it out")
    if wrong is not None:
        faults.add("/parents", wrong)
        return None
    return {"timetable": None, "schedule_time_zone": "", "parents": parents}


def _parents_fault(case: Case, parents: tuple[JobName, ...]) -> str | None:
    if case.asked.form is Form.SCHEDULED:
        return "are given for a job with a schedule: leave them out"
    if not parents:
        return "must not be empty: give a parent, or a schedule"
    if len(parents) > PARENTS_MAX:
        return f"has {len(parents)}: at most {PARENTS_MAX}"
    circle = graph.cycle_with(case.state, case.name, parents)
    if circle is not None:
        return "would run in a circle: " + " -> ".join(circle)
    if missing := [one for one in parents if one not in case.state.jobs]:
        return "has jobs that there are not: " + ", ".join(f"'{one:.200}'" for one in missing[:10])
    return None
