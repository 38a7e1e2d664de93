"""
Who is told what: notices that are kept in the turn of their cause, and forgotten once told.

A job with hooks tells those, of the occasions that each names.  One without tells its owner,
if the operator has a way to (``tells_owners``), as Chronos does: of failures after all
retries, of being disabled and of being removed; and of being late or long, since only a job
that says so is that.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mesostw.core.chronos.changes import NoticeForgotten, NoticeKept, RunChanged
from mesostw.core.chronos.events import NoticeSettled
from mesostw.core.chronos.flags import NOTICES_MAX
from mesostw.core.chronos.records import Cause, Job, Notice, Run, RunState, Standing
from mesostw.core.chronos.turn import Turn
from mesostw.core.chronos.words import Notified, Notify
from mesostw.core.framework.naming import stamp_of
from mesostw.model.jobs import USUAL_OCCASIONS, Hook, JobSpec, NoticeId, Occasion, RunId

OWNERS_OCCASIONS: Final = (*USUAL_OCCASIONS, Occasion.LATE, Occasion.LONG)

_BECAUSE: Final = {
    "asked": "somebody asked for it",
    "failures": "it failed too often",
    "finished": "all its instants have passed",
}


# --- causes -----------------------------------------------------------------------


def ended(turn: Turn, job: Job, before: Standing, after: Standing, run: Run) -> None:
    """Tell of the end of a run; ``before`` and ``after`` are how its job stood and stands."""
    name = job.name
    if run.state is RunState.SUCCEEDED:
        _tell(turn, job, after, Occasion.SUCCESS, f"job '{name}' succeeded", _end(run), run.id)
        if before.errors_since_last_success:
            text = f"It had failed {before.errors_since_last_success} times. {_end(run)}"
            _tell(turn, job, after, Occasion.RECOVERY, f"job '{name}' recovered", text, run.id)
    elif run.state is RunState.SKIPPED:
        _tell(turn, job, after, Occasion.SKIPPED, f"job '{name}' skipped", _skipped(run), run.id)
    elif run.state is RunState.FAILED and after.error_count > before.error_count:
        text = f"Retries attempted: {run.attempt}. {_end(run)}"
        _tell(turn, job, after, Occasion.FAILURE, f"job '{name}' failed", text, run.id)


def disabled(turn: Turn, job: Job, because: str) -> None:
    """Tell that a job runs no more; ``because`` is ``asked``, ``failures`` or ``finished``."""
    standing = turn.state.standing_of(job.name)
    text = f"It runs no more because {_BECAUSE.get(because, because)}."
    _tell(turn, job, standing, Occasion.DISABLED, f"job '{job.name}' disabled", text)


def removed(turn: Turn, job: Job, by: str = "") -> None:
    """Tell that a job is gone; to be called while its standing is known."""
    standing = turn.state.standing_of(job.name)
    text = f"It was removed{f' by {by}' if by else ''}."
    _tell(turn, job, standing, Occasion.REMOVED, f"job '{job.name}' removed", text)


def looked_at(turn: Turn, job: Job) -> float | None:
    """
    Tell of runs that are late, or take long: once of each.

    :return: the wall second at which the first of the others will be; ``None`` if none
    """
    found: list[float] = []
    for run in list(turn.state.live_of(job.name).values()):
        limit = _limit(job.spec, run) if run.incarnation == job.created else None
        if limit is None:
            continue
        occasion, at = limit
        if turn.now.wall < at:
            found.append(at)
        else:
            _overdue(turn, job, run, occasion)
    return min(found, default=None)


def _limit(spec: JobSpec, run: Run) -> tuple[Occasion, float] | None:
    """When a run will be late, or have taken long, unless that was told before."""
    late, long = spec.late_after_seconds, spec.long_after_seconds
    if run.started_at is not None:
        if long is None or Occasion.LONG in run.told:
            return None
        return Occasion.LONG, run.started_at + long
    # Retries and backfills are late by what they are.
    expected = run.attempt == 0 and run.cause is not Cause.BACKFILL
    if late is None or not expected or Occasion.LATE in run.told:
        return None
    return Occasion.LATE, run.instant / 1000 + late


def _overdue(turn: Turn, job: Job, run: Run, occasion: Occasion) -> None:
    told = replace(run, told=(*run.told, occasion))
    turn.change(RunChanged(told))
    standing = turn.state.standing_of(job.name)
    due = stamp_of(run.instant / 1000)
    if occasion is Occasion.LATE:
        text = f"Its run of {due} has not started after {job.spec.late_after_seconds:g} s."
        _tell(turn, job, standing, occasion, f"job '{job.name}' is late", text, run.id)
    else:
        text = f"Its run of {due} still runs after {job.spec.long_after_seconds:g} s."
        _tell(turn, job, standing, occasion, f"job '{job.name}' takes long", text, run.id)


def _end(run: Run) -> str:
    said = f" {run.message}" if run.message else ""
    task = f" Task id: {run.task_id}." if run.task_id else ""
    return f"The run of {stamp_of(run.instant / 1000)} {run.state}.{task}{said}"


def _skipped(run: Run) -> str:
    return f"The run of {stamp_of(run.instant / 1000)} was skipped. {run.message}".rstrip()


# --- notices ----------------------------------------------------------------------


def _tell(
    turn: Turn,
    job: Job,
    standing: Standing,
    occasion: Occasion,
    subject: str,
    text: str,
    run_id: RunId | None = None,
) -> None:
    """Keep a notice for each who is to be told, and have it brought."""
    notice = Notice(
        id=NoticeId(""),
        occasion=occasion,
        job=job.name,
        at=turn.now.wall,
        subject=f"[Chronos] {subject}",
        text=text,
        run_id=run_id,
        fields={},
    )
    for hook in job.spec.hooks:
        if occasion in hook.occasions:
            _keep(turn, job, standing, notice, hook)
    if not job.spec.hooks and turn.flags.tells_owners and occasion in OWNERS_OCCASIONS:
        _keep(turn, job, standing, notice, None)


def _keep(turn: Turn, job: Job, standing: Standing, notice: Notice, hook: Hook | None) -> None:
    while len(turn.state.notices) >= NOTICES_MAX:
        oldest = next(iter(turn.state.notices))
        _settle(turn, oldest, False, f"given up for a newer one: {NOTICES_MAX} wait already")
    kept = replace(
        notice,
        id=NoticeId(turn.names.next()),
        hook=hook,
        to=addresses_of(job.spec.owner) if hook is None else (),
        fields=fields_of(job.spec, standing, notice),
    )
    turn.change(NoticeKept(kept))
    turn.do(Notify(kept))


def addresses_of(owner: str) -> tuple[str, ...]:
    """The addresses of an owner, each once."""
    return tuple(dict.fromkeys(filter(None, map(str.strip, owner.split(",")))))


def fields_of(spec: JobSpec, standing: Standing, notice: Notice) -> dict[str, str]:
    """What the original's call has of a job, all of it text; ``to`` is put beside by who calls."""
    return {
        "subject": notice.subject,
        "message": notice.text,
        "job": spec.name,
        "command": spec.command,
        "cpus": str(spec.cpus),
        "softError": str(spec.soft_error).lower(),
        "errorCount": str(standing.error_count),
        "errorsSinceLastSuccess": str(standing.errors_since_last_success),
        "executor": spec.executor,
        "executorFlags": spec.executor_flags,
        "lastError": _stamp(standing.last_error),
        "lastSuccess": _stamp(standing.last_success),
        "mem": str(spec.mem),
        "retries": str(spec.retries),
        "successCount": str(standing.success_count),
        "uris": ",".join(spec.uris or [one.uri for one in spec.fetch]),
    }


def _stamp(at: float | None) -> str:
    return "" if at is None else stamp_of(at)


# --- the outbox -------------------------------------------------------------------


def notified(turn: Turn, heard: Notified) -> None:
    """Somebody was told, or could not be: the notice has done its work."""
    if heard.notice_id in turn.state.notices:
        _settle(turn, heard.notice_id, heard.delivered, heard.detail)


def restored(turn: Turn) -> None:
    """Bring everything that an earlier life had not brought."""
    for notice in turn.state.notices.values():
        turn.do(Notify(notice))


def _settle(turn: Turn, notice_id: NoticeId, delivered: bool, detail: str) -> None:
    notice = turn.state.notices[notice_id]
    turn.change(NoticeForgotten(notice_id))
    turn.tell(
        NoticeSettled(
            at=turn.now.wall,
            notice_id=notice_id,
            job=notice.job,
            delivered=delivered,
            detail=detail,
            run_id=notice.run_id,
        )
    )
