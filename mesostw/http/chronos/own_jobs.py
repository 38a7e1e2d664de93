"""Jobs under ``/v1/chronos``: found by label, put by version, run with arguments of their own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final

from mesostw.core.chronos import timetables
from mesostw.core.chronos.records import Job
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.statistics import last_result, state_text
from mesostw.core.chronos.words import (
    Dialect,
    Done,
    EnablingAsked,
    JobAsked,
    JobRemovalAsked,
    Kept,
    Removed,
)
from mesostw.http.api.asking import Call, json_reply, quoted, unexpected
from mesostw.http.api.bodies import Bodies
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.building import Build
from mesostw.http.chronos.asking import actor_of, ask, document_of, encoded, warnings, whole
from mesostw.http.chronos.fragments import JOBS_PER_STEP
from mesostw.http.chronos.own_runs import OwnRuns
from mesostw.http.chronos.refusals import no_job
from mesostw.http.chronos.shapes import job_shape
from mesostw.http.chronos.times import instant_text, local_text, zone_of
from mesostw.http.rendering import Reply
from mesostw.interfaces import IInbox
from mesostw.model.jobs import JobName

PAGE: Final = 100
PAGE_MAX: Final = 1_000
NEXT: Final = 5
NEXT_MAX: Final = 100


class OwnJobs:
    """The noun ``jobs``."""

    def __init__(
        self, view: Callable[[], ChronosState], inbox: IInbox, bodies: Bodies, runs: OwnRuns
    ) -> None:
        self._view, self._inbox, self._bodies, self._runs = view, inbox, bodies, runs

    # --- reading ------------------------------------------------------------------

    async def get(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``jobs``, or one with what hangs on it."""
        match words:
            case ():
                return await self._bodies.once(lambda: self._page(call))
            case (_,):
                job = self._known(words[0])
                return self._job_reply(job)
            case (name, "next"):
                return self._next(call, self._known(name))
            case (name, "versions"):
                return json_reply({"versions": self._versions(self._known(name))})
            case (name, "versions", version):
                return self._version(self._known(name), version)
            case (name, "runs"):
                return await self._runs.of_job(call, self._known(name))
            case _:
                raise ApiRefusal.no_route()

    def _known(self, name: str) -> Job:
        job = self._view().jobs.get(JobName(name))
        if job is None:
            raise no_job(name, is_old=False)
        return job

    def _job_reply(
        self, job: Job, status: int = 200, headers: dict[str, str] | None = None
    ) -> Reply:
        shape = job_shape(self._view(), job)
        return json_reply(shape, status, {"ETag": f'"{job.version}"', **(headers or {})})

    def _page(self, call: Call) -> Build:
        limit, view = whole(call, "limit", PAGE, 1, PAGE_MAX), self._view()
        chosen, names = Chosen(call), sorted(view.jobs)
        shown: list[dict[str, object]] = []
        found = 0
        for index in range(bisect_right(names, call.first("after")), len(names)):
            if index % JOBS_PER_STEP == 0:
                yield
            job = view.jobs.get(JobName(names[index]))
            if job is None or not chosen.takes(view, job):
                continue
            found += 1
            if found > limit:
                break
            shown.append(job_shape(view, job))
        last = shown[-1]["name"] if found > limit else None
        return encoded({"jobs": shown, "after": last, "total": len(view.jobs)})

    def _next(self, call: Call, job: Job) -> Reply:
        """The next instants, in UTC and as the clock on the wall has them."""
        count, timetable = whole(call, "n", NEXT, 1, NEXT_MAX), job.spec.timetable
        standing, zone = self._view().standing_of(job.name), zone_of(job.spec.timetable)
        due = standing.due
        instants = (
            ()
            if timetable is None or due is None
            else timetables.upcoming(timetable, standing.passed, due, count)
        )
        return json_reply(
            {
                "name": job.name,
                "zone": str(zone),
                "disabled": job.spec.disabled,
                "instants": [
                    {"utc": instant_text(one), "local": local_text(one, zone)} for one in instants
                ],
            }
        )

    def _versions(self, job: Job) -> list[dict[str, object]]:
        """The newest first."""
        known = {**self._view().versions.get(job.name, {}), job.version: job}
        return [
            {"version": one.version, "by": one.by, "current": one.version == job.version}
            for one in sorted(known.values(), key=lambda one: one.version, reverse=True)
        ]

    def _version(self, job: Job, version: str) -> Reply:
        view = self._view()
        found = job if job.version == version else view.versions.get(job.name, {}).get(version)
        if found is None:
            raise ApiRefusal(404, f"Job '{job.name}' has no version '{quoted(version)}'")
        return self._job_reply(found)

    # --- changing -----------------------------------------------------------------

    async def put(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``jobs/NAME``: as the body says; ``jobs/NAME/enabled``."""
        match words:
            case (name,):
                return await self._wish(call, name, patches=False)
            case (name, "enabled"):
                return await self._enable(call, JobName(name))
            case _:
                raise ApiRefusal.no_route()

    async def patch(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``jobs/NAME``: what the body leaves out stays as it is."""
        match words:
            case (name,):
                return await self._wish(call, name, patches=True)
            case _:
                raise ApiRefusal.no_route()

    async def _wish(self, call: Call, name: str, *, patches: bool) -> Reply:
        document = document_of(call)
        if document.get("name") not in (None, name):
            raise ApiRefusal(
                422, f"name is '{quoted(str(document['name']))}': leave it out, or give '{name}'"
            )
        answer = await ask(
            self._inbox,
            JobAsked(
                document={**document, "name": name},
                dialect=Dialect.OWN,
                patches=JobName(name) if patches else None,
                expects=self._expected(call, name),
                by=actor_of(call),
            ),
            is_old=False,
        )
        if not isinstance(answer, Kept):
            raise unexpected(answer)
        return self._job_reply(answer.job, 201 if answer.created else 200, warnings(answer.ignored))

    def _expected(self, call: Call, name: str) -> str | None:
        """
        The version that a client wants to replace; empty: none; ``None``: any.

        :raises ApiRefusal: 412, it wants one that is there, and there is none.
        """
        if (call.headers("if-none-match") or "").strip() == "*":
            return ""
        wanted = (call.headers("if-match") or "").strip()
        if not wanted:
            return None
        if wanted != "*":
            return wanted.removeprefix("W/").strip('"')
        known = self._view().jobs.get(JobName(name))
        if known is None:
            raise ApiRefusal(412, f"There is no job '{quoted(name)}', and If-Match wants one")
        return known.version

    async def _enable(self, call: Call, name: JobName) -> Reply:
        enabled = document_of(call).get("enabled")
        if not isinstance(enabled, bool):
            raise ApiRefusal(422, f"enabled is {enabled!r:.100}: give true or false")
        question = EnablingAsked(name=name, enabled=enabled, by=actor_of(call))
        answer = await ask(self._inbox, question, is_old=False)
        if not isinstance(answer, Done):
            raise unexpected(answer)
        return json_reply({"name": name, "enabled": enabled, "changed": answer.changed})

    async def delete(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``jobs/NAME``: kill its runs and forget it."""
        match words:
            case (name,):
                question = JobRemovalAsked(
                    name=JobName(name), expects=self._expected(call, name), by=actor_of(call)
                )
            case _:
                raise ApiRefusal.no_route()
        answer = await ask(self._inbox, question, is_old=False)
        if not isinstance(answer, Removed):
            raise unexpected(answer)
        return json_reply({"dependents": answer.dependents, "killed": answer.killed})

    async def post(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``jobs/NAME/runs``: run it now."""
        match words:
            case (name, "runs"):
                return await self._runs.begin(call, JobName(name))
            case _:
                raise ApiRefusal.no_route()


class Chosen:
    """``label``, ``q`` and ``state``: which jobs a client wants; all of them have to hold."""

    def __init__(self, call: Call) -> None:
        self._labels = tuple(_labels(call))
        self._text, self._state = call.first("q").lower(), call.first("state").lower()

    def takes(self, view: ChronosState, job: Job) -> bool:
        """Whether a job is shown."""
        if any(job.spec.labels.get(key) != value for key, value in self._labels):
            return False
        spec = job.spec
        if self._text and not any(
            self._text in one.lower() for one in (spec.name, spec.command, spec.description)
        ):
            return False
        return not self._state or self._state in _states(view, job)


def _labels(call: Call) -> Iterator[tuple[str, str]]:
    for text in call.all_of("label"):
        key, mark, value = text.partition("=")
        if not key or not mark:
            raise ApiRefusal(400, f"label is '{quoted(text)}': give KEY=VALUE")
        yield key, value


def _states(view: ChronosState, job: Job) -> Iterator[str]:
    """Everything that ``state`` may say of a job."""
    yield "disabled" if job.spec.disabled else "enabled"
    yield last_result(view.standing_of(job.name))
    text = state_text(view.live_of(job.name).values())
    yield text.rpartition(" ")[2]
