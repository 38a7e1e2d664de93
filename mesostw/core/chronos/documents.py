"""
Documents of jobs, judged: what is wished, or everything that is wrong with it at once.

::

    field of the prefix's own API      left out: its default, also of a job that is known
    field that is only ours            left out under an old prefix: stays as it is
    value that is shown for something  leaves that as it is: an edit by a client that does not
      that the API cannot tell           know it drops nothing
    a change (``patches``)             left out: stays; null: its default
"""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET, Struct
from msgspec.structs import replace

from mesostw.core.chronos import drafts, emitting, limits, periods, when
from mesostw.core.chronos.cases import AMOUNTS, PLAIN, Case, base_of, fresh_of
from mesostw.core.chronos.drafts import JobDraft
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.records import Job, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import Dialect, JobAsked
from mesostw.core.framework.faults import Faults, unsupported
from mesostw.core.framework.refusing import Unfit
from mesostw.model.jobs import Concurrency, Instant, JobName, JobSpec


class Judged(Struct, frozen=True):
    """What a document wishes."""

    spec: JobSpec
    #: What in it means nothing, by name.
    ignored: tuple[str, ...]
    #: Counters and last results, where an import gives them.
    restored: Standing | None
    #: Whether the job goes on where it is: its next instant stays.
    is_same_timetable: bool


def judged(
    asked: JobAsked, known: Job | None, state: ChronosState, flags: ChronosFlags, now: Instant
) -> Judged | Unfit:
    """What a document wishes a job to be; ``known`` is the job that it is about."""
    shape = Faults()
    draft = drafts.draft_of(asked.document, shape)
    if draft is None or shape:
        return _unfit(shape, "malformed")
    faults = Faults()
    unknown = drafts.unknown_in(asked.document)
    if asked.dialect is Dialect.OWN:
        for name in unknown:
            faults.add(f"/{name:.100}", "is no field of a job: leave it out")
    case = Case(
        asked,
        draft,
        _name_of(asked, draft, faults),
        known,
        state,
        flags,
        now,
        drafts.cleared_in(asked.document) if asked.patches is not None else frozenset(),
    )
    limits.sizes(draft, faults)
    spec = _spec_of(case, faults)
    restored = _restored(case, faults) if asked.restores else None
    if faults or spec is None:
        return _unfit(faults, "invalid")
    same = known is not None and known.spec.timetable == spec.timetable
    if spec.is_dependent and draft.schedule_time_zone:
        unknown = (*unknown, "scheduleTimeZone")
    return Judged(spec, unknown, restored, same)


def _unfit(faults: Faults, reason: str) -> Unfit:
    """Each fault in the message too: old clients show nothing else."""
    told = faults.told()
    lines = [f"{fault.path.removeprefix('/')} {error}" for fault in told for error in fault.errors]
    return Unfit(reason, "; ".join(line.strip() for line in lines), told)


def _name_of(asked: JobAsked, draft: JobDraft, faults: Faults) -> JobName:
    if asked.patches is not None:
        if draft.name not in (UNSET, asked.patches):
            faults.add("/name", f"is '{draft.name:.200}': a job cannot be renamed")
        return asked.patches
    if draft.name is UNSET:
        faults.add("/name", "is missing")
        return JobName("")
    if (wrong := limits.name_fault(draft.name)) is not None:
        faults.add("/name", wrong)
    return JobName(draft.name)


def _spec_of(case: Case, faults: Faults) -> JobSpec | None:
    changes: dict[str, object] = _plain_of(case)
    changes.update(_files_of(case, faults))
    changes.update(_overlap_of(case, faults))
    changes.update(_deadline_of(case, faults))
    changes.update(_parts_of(case.draft, faults))
    times = when.times_of(case, faults)
    if times is None:
        return None
    spec = replace(base_of(case), **changes, **times)
    if not spec.command and not spec.executor:
        faults.add("/command", "is missing: give a command, or an executor")
    return spec


def _plain_of(case: Case) -> dict[str, object]:
    draft = case.draft
    found = {name: value for name in PLAIN if (value := getattr(draft, name)) is not UNSET}
    for name in AMOUNTS:
        if value := _given(getattr(draft, name)):
            found[name] = float(value)
        elif value == 0.0:
            # Nothing is the operator's amount, also as a change.
            found[name] = getattr(fresh_of(case), name)
    return found


def _given(value: object) -> float | None:
    return value if isinstance(value, int | float) else None


def _parts_of(draft: JobDraft, faults: Faults) -> dict[str, object]:
    """Parts that are read in another form than they are kept in, and rules of others."""
    found: dict[str, object] = {}
    if draft.constraints is not UNSET:
        found["constraints"] = limits.constraints_of(draft.constraints, faults)
    if draft.environment_variables is not UNSET:
        limits.variables(draft.environment_variables, faults)
        found["environment_variables"] = tuple(
            (one.name, one.value) for one in draft.environment_variables
        )
    if draft.labels is not UNSET:
        limits.labels(dict(draft.labels), faults)
    if draft.hooks is not UNSET:
        limits.hooks(draft.hooks, faults)
    if draft.container is not UNSET and draft.container:
        faults.add("/container", unsupported("container"))
    return found


# --- fields that say less than a job has ------------------------------------------------


def _files_of(case: Case, faults: Faults) -> dict[str, object]:
    """``uris`` or ``fetch``, whichever is given; both only as they were shown together."""
    draft, known = case.draft, case.known
    if not draft.uris or not draft.fetch:
        if case.kept is not None and (draft.uris or draft.fetch):
            # A change from one form to the other.
            return {"uris": draft.uris or (), "fetch": draft.fetch or ()}
        return {}
    if known is not None:
        shown = tuple(emitting.mirrored_uris(known.spec)), emitting.mirrored_fetch(known.spec)
        if shown == (draft.uris, draft.fetch):
            return {"uris": known.spec.uris, "fetch": known.spec.fetch}
    faults.add("/uris", "and fetch are both given: give one of them")
    return {}


def _overlap_of(case: Case, faults: Faults) -> dict[str, object]:
    """``concurrent``, where ``concurrency`` does not say more."""
    draft = case.draft
    concurrent = draft.concurrent
    if concurrent is UNSET:
        if case.asked.dialect is not Dialect.V3 or case.kept is not None:
            return {}
        concurrent = False
    if draft.concurrency is not UNSET:
        if draft.concurrent is not UNSET and concurrent is not (
            draft.concurrency is Concurrency.ALLOW
        ):
            faults.add("/concurrent", f"contradicts concurrency '{draft.concurrency}'")
        return {}
    known = None if case.is_whole else case.known
    if known is not None and emitting.is_concurrent(known.spec) is concurrent:
        return {"concurrency": known.spec.concurrency}
    return {"concurrency": Concurrency.ALLOW if concurrent else Concurrency.QUEUE}


def _deadline_of(case: Case, faults: Faults) -> dict[str, object]:
    """``epsilon``, where ``startingDeadlineSeconds`` does not say it."""
    draft = case.draft
    if draft.epsilon is UNSET or not draft.epsilon:
        return {}
    seconds = _seconds_of(draft.epsilon)
    if seconds is None:
        faults.add(
            "/epsilon", f"'{draft.epsilon:.100}' is no duration without years and months, as PT60S"
        )
        return {}
    if draft.starting_deadline_seconds is not UNSET:
        if draft.starting_deadline_seconds != seconds:
            faults.add("/epsilon", "contradicts startingDeadlineSeconds: give one of them")
        return {}
    known = None if case.is_whole else case.known
    if known is not None and seconds == _seconds_of(emitting.epsilon_of(known.spec)):
        return {"starting_deadline_seconds": known.spec.starting_deadline_seconds}
    return {"starting_deadline_seconds": seconds}


def _seconds_of(text: str) -> float | None:
    read = periods.read(text)
    if isinstance(read, str) or periods.months_of(read):
        return None
    return periods.mean_ms_of(read) / 1_000


# --- what an import has -----------------------------------------------------------------


def _restored(case: Case, faults: Faults) -> Standing | None:
    counts = drafts.counts_of(case.asked.document, faults)
    if counts is None:
        return None
    return Standing(
        case.name,
        success_count=counts.success_count,
        error_count=counts.error_count,
        errors_since_last_success=counts.errors_since_last_success,
        last_success=_wall_of(counts.last_success, "/lastSuccess", faults),
        last_error=_wall_of(counts.last_error, "/lastError", faults),
    )


def _wall_of(text: str, path: str, faults: Faults) -> float | None:
    """A wall second; ``None`` is never."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        faults.add(path, f"'{text:.100}' is no time, as 2026-01-31T06:00:00.000Z")
        return None
    return at.timestamp()
