"""The clock under ``/v1/chronos``: trying a schedule, serving the past, pausing everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from mesostw.core.chronos.emitting import document_of as shown
from mesostw.core.chronos.records import Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import (
    BackfillAsked,
    Begun,
    Dialect,
    Done,
    JobAsked,
    Kept,
    PauseAsked,
    Planned,
)
from mesostw.http.api.asking import Call, json_reply, quoted, unexpected
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.chronos.asking import actor_of, ask, document_of, warnings
from mesostw.http.chronos.shapes import run_shape
from mesostw.http.chronos.times import (
    instant_text,
    local_text,
    read_instant,
    wall_text,
    zone_of,
)
from mesostw.http.rendering import Reply
from mesostw.interfaces import IInbox
from mesostw.model.jobs import JobName

BACKFILL_FIELDS: Final = frozenset({"job", "start", "end", "again", "dryRun"})
PAUSE_FIELDS: Final = frozenset({"paused", "why"})


class OwnClock:
    """The nouns ``validate``, ``backfill`` and ``pause``."""

    def __init__(self, view: Callable[[], ChronosState], inbox: IInbox) -> None:
        self._view, self._inbox = view, inbox

    async def validate(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``POST validate?dialect=``: what would be made of a document; nothing changes."""
        if words:
            raise ApiRefusal.no_route()
        question = JobAsked(
            document=document_of(call), dialect=_dialect(call), by=actor_of(call), dry_run=True
        )
        answer = await ask(self._inbox, question, is_old=False)
        if not isinstance(answer, Kept):
            raise unexpected(answer)
        job = answer.job
        known, zone = self._view().standings.get(job.name), zone_of(job.spec.timetable)
        due = answer.instants[0] if answer.instants else None
        standing = known or Standing(job.name, due=due)
        return json_reply(
            {
                "name": job.name,
                "created": answer.created,
                "ignored": answer.ignored,
                "zone": str(zone),
                "instants": [
                    {"utc": instant_text(one), "local": local_text(one, zone)}
                    for one in answer.instants
                ],
                "job": shown(job, standing, Dialect.OWN),
            },
            headers=warnings(answer.ignored),
        )

    async def backfill(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``POST backfill``: run a job for instants of the past."""
        if words:
            raise ApiRefusal.no_route()
        answer = await ask(self._inbox, _backfill(call), is_old=False)
        match answer:
            case Planned(instants):
                return json_reply({"instants": [instant_text(one) for one in instants]})
            case Begun(runs, note):
                view = self._view()
                shape = {"runs": [run_shape(view, run) for run in runs], "note": note}
                return json_reply(shape, 201 if runs else 200)
            case _:
                raise unexpected(answer)

    async def paused(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``GET pause``."""
        if words:
            raise ApiRefusal.no_route()
        return json_reply(pause_shape(self._view()))

    async def pause(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``PUT pause``: start nothing, or start again."""
        if words:
            raise ApiRefusal.no_route()
        document = document_of(call)
        _only(document, PAUSE_FIELDS)
        wanted, why = document.get("paused"), document.get("why") or ""
        if not isinstance(wanted, bool):
            raise ApiRefusal(422, f"paused is {wanted!r:.100}: give true or false")
        if not isinstance(why, str):
            raise ApiRefusal(422, f"why is {why!r:.100}: give text, or leave it out")
        question = PauseAsked(paused=wanted, by=actor_of(call), why=why)
        answer = await ask(self._inbox, question, is_old=False)
        if not isinstance(answer, Done):
            raise unexpected(answer)
        return json_reply({**pause_shape(self._view()), "changed": answer.changed})


def pause_shape(view: ChronosState) -> dict[str, object]:
    """Whether nothing is started at present, since when and by whom."""
    pause = view.pause
    if pause is None:
        return {"paused": False}
    return {"paused": True, "since": wall_text(pause.since), "by": pause.by, "why": pause.why}


def _dialect(call: Call) -> Dialect:
    text = call.first("dialect") or Dialect.OWN.value
    try:
        return Dialect(text.lower())
    except ValueError:
        known = ", ".join(Dialect)
        raise ApiRefusal(400, f"dialect is '{quoted(text)}': give one of {known}") from None


def _backfill(call: Call) -> BackfillAsked:
    document = document_of(call)
    _only(document, BACKFILL_FIELDS)
    job = document.get("job")
    if not isinstance(job, str) or not job:
        raise ApiRefusal(422, f"job is {job!r:.100}: give a job's name")
    return BackfillAsked(
        name=JobName(job),
        start=read_instant("start", document.get("start")),
        end=read_instant("end", document.get("end")),
        again=_yes(document, "again"),
        dry_run=_yes(document, "dryRun"),
        by=actor_of(call),
    )


def _yes(document: Mapping[str, object], name: str) -> bool:
    value = document.get(name, False)
    if not isinstance(value, bool):
        raise ApiRefusal(422, f"{name} is {value!r:.100}: give true or false")
    return value


def _only(document: Mapping[str, object], known: frozenset[str]) -> None:
    """
    Refuse what nobody reads.

    :raises ApiRefusal: 422.
    """
    unknown = ", ".join(quoted(one) for one in document if one not in known)
    if unknown:
        raise ApiRefusal(422, f"{unknown}: there is only {', '.join(sorted(known))}")
