"""Jobs, as ``/scheduler`` (Chronos 1, 2) and ``/v1/scheduler`` (Chronos 3) have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mesostw.core.chronos.records import Job
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import (
    Dialect,
    Form,
    JobAsked,
    JobRemovalAsked,
    Kept,
    MarkAsked,
    RunAsked,
)
from mesostw.core.framework.refusing import Unfit
from mesostw.http.api.asking import Call, answer_of, unexpected
from mesostw.http.api.bodies import Bodies
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.api.routes import Noun
from mesostw.http.building import Build
from mesostw.http.chronos.asking import NOTHING, actor_of, ask, document_of, warnings, whole
from mesostw.http.chronos.fragments import Fragments
from mesostw.http.chronos.refusals import no_job, refused
from mesostw.http.chronos.summary import Summary
from mesostw.http.rendering import TEXT, Reply
from mesostw.interfaces import IInbox
from mesostw.model.jobs import JobName

SEARCH_LIMIT: Final = 10
SEARCH_MAX: Final = 2**31 - 1


class OldJobs:
    """The nouns ``jobs``, ``job``, ``iso8601`` and ``dependency`` of one prefix."""

    def __init__(
        self, view: Callable[[], ChronosState], inbox: IInbox, bodies: Bodies, dialect: Dialect
    ) -> None:
        self._view, self._inbox, self._bodies, self._dialect = view, inbox, bodies, dialect
        self._plain = Fragments(dialect)
        self._listed = Fragments(dialect, mirrors=True)
        self._summary = Summary()

    # --- reading ------------------------------------------------------------------

    async def list(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``GET jobs``, ``jobs/search`` and (Chronos 3) ``jobs/summary``."""
        match words:
            case ():
                return await self._kept("jobs", lambda: self._listed.all(self._view()))
            case ("search",):
                return await self._bodies.once(lambda: self._search(call))
            case ("summary",) if self._dialect is Dialect.V3:
                return await self._kept("summary", lambda: self._summary.all(self._view()))
            case _:
                raise ApiRefusal.no_route()

    async def _kept(self, name: str, build: Callable[[], Build]) -> Reply:
        return await self._bodies.kept(f"{self._dialect}/{name}", build)

    def _search(self, call: Call) -> Build:
        limit = whole(call, "limit", SEARCH_LIMIT, 0, SEARCH_MAX, status=404)
        offset = whole(call, "offset", 0, 0, SEARCH_MAX, status=404)
        view, search = self._view(), Search(call)
        found = [job for job in view.jobs.values() if search.takes(job)]
        yield
        shown = found[offset : offset + limit]
        return b"[" + b",".join(self._plain.of(view, job) for job in shown) + b"]"

    async def get(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``GET job/NAME`` (Chronos 3)."""
        job = self._known(words)
        return Reply(self._plain.of(self._view(), job))

    def _known(self, words: tuple[str, ...]) -> Job:
        name = name_of(words)
        job = self._view().jobs.get(name)
        if job is None:
            raise no_job(name, is_old=True)
        return job

    # --- changing -----------------------------------------------------------------

    def posting(self, form: Form) -> Noun:
        """``iso8601`` and ``dependency``: a job that is as the body says, new or not."""

        async def post(call: Call, words: tuple[str, ...]) -> Reply:
            if words:
                raise ApiRefusal.no_route()
            question = JobAsked(
                document=document_of(call), dialect=self._dialect, form=form, by=actor_of(call)
            )
            answer = await ask(self._inbox, question, is_old=True)
            if not isinstance(answer, Kept):
                raise unexpected(answer)
            return Reply(status=204, headers=warnings(answer.ignored))

        return post

    async def put(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``PUT job/NAME``: run it now; (Chronos 3) ``job/success/NAME``: say that it has."""
        if len(words) == 2 and words[0] == "success" and self._dialect is Dialect.V3:
            return await self._mark(call, JobName(words[1]))
        question = RunAsked(
            name=name_of(words),
            arguments=call.first("arguments").strip() or None,
            lenient=True,
            by=actor_of(call),
        )
        _ = await ask(self._inbox, question, is_old=True)
        return NOTHING

    async def _mark(self, call: Call, name: JobName) -> Reply:
        answer = await answer_of(self._inbox, MarkAsked(name=name, by=actor_of(call)))
        if isinstance(answer, Unfit) and answer.reason != "unknown":
            raise refused(answer, is_old=True)
        told = "false" if isinstance(answer, Unfit) else "true"
        return Reply(f"marked job {name} as successful: {told}".encode(), TEXT)

    async def delete(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``DELETE job/NAME``."""
        question = JobRemovalAsked(name=name_of(words), by=actor_of(call))
        _ = await ask(self._inbox, question, is_old=True)
        return NOTHING


def name_of(words: tuple[str, ...]) -> JobName:
    """
    The one word that is a job's name.

    :raises ApiRefusal: 404; there are none, or more.
    """
    match words:
        case (name,):
            return JobName(name)
        case _:
            raise ApiRefusal.no_route()


class Search:
    """``name``, ``command`` and ``any``, as the original reads them."""

    def __init__(self, call: Call) -> None:
        self._name, self._command, self._any = (
            call.first(one).lower() for one in ("name", "command", "any")
        )

    def takes(self, job: Job) -> bool:
        """
        Whether a job is found: by name and command, or by any of both.

        Without name and command everything is, whatever ``any`` says: so the original.
        """
        name, command = job.name.lower(), job.spec.command.lower()
        if self._name in name and self._command in command:
            return True
        return bool(self._any) and (self._any in name or self._any in command)
