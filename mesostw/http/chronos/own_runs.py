"""Runs under ``/v1/chronos``: what became of each, and new ones."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from mesostw.core.chronos.records import Job, Run, RunState
from mesostw.core.chronos.state import Attempt, ChronosState
from mesostw.core.chronos.words import Begun, Ending, RerunAsked, RunAsked, RunKillAsked
from mesostw.http.api.asking import Call, json_reply, quoted, unexpected
from mesostw.http.api.bodies import Bodies
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.building import Build
from mesostw.http.chronos.asking import actor_of, ask, document_of, encoded, whole
from mesostw.http.chronos.parts import Reports
from mesostw.http.chronos.shapes import run_shape, story_of
from mesostw.http.chronos.times import read_instant
from mesostw.http.rendering import Reply
from mesostw.interfaces import IInbox
from mesostw.model.jobs import JobName, RunId

LIMIT: Final = 100
LIMIT_MAX: Final = 1_000
#: Runs between two places where a list may be interrupted.
RUNS_PER_STEP: Final = 5_000
#: What the body of a new run may have.
RUN_FIELDS: Final = frozenset({"arguments", "environment"})


class OwnRuns:
    """The noun ``runs``, and a job's runs."""

    def __init__(
        self,
        view: Callable[[], ChronosState],
        inbox: IInbox,
        bodies: Bodies,
        reports: Reports,
    ) -> None:
        self._view, self._inbox, self._bodies, self._reports = view, inbox, bodies, reports

    # --- reading ------------------------------------------------------------------

    async def get(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``runs?job=&state=&since=&limit=``, the newest first; ``runs/ID``."""
        match words:
            case ():
                view, name = self._view(), call.first("job")
                names = (name,) if name else dict.fromkeys((*view.ended, *view.live))
                return await self._list(call, tuple(map(JobName, names)))
            case (run_id,):
                return json_reply(self._whole(self._known(run_id)))
            case _:
                raise ApiRefusal.no_route()

    async def of_job(self, call: Call, job: Job) -> Reply:
        """``jobs/NAME/runs``."""
        return await self._list(call, (job.name,))

    @staticmethod
    def _of(view: ChronosState, name: JobName) -> tuple[Run, ...]:
        return (*view.ended_of(name), *view.live_of(name).values())

    async def _list(self, call: Call, names: tuple[JobName, ...]) -> Reply:
        limit, states = whole(call, "limit", LIMIT, 1, LIMIT_MAX), frozenset(_states(call))
        since = call.first("since")
        least = read_instant("since", since) / 1000 if since else 0.0

        def takes(run: Run) -> bool:
            return run.made >= least and (not states or run.state in states)

        return await self._bodies.once(lambda: self._newest(names, takes, limit))

    def _newest(
        self, names: tuple[JobName, ...], takes: Callable[[Run], bool], limit: int
    ) -> Build:
        """The newest of many, found job by job."""
        view, best = self._view(), list[Run]()
        total = seen = 0
        for name in names:
            if seen >= RUNS_PER_STEP:
                yield
                seen = 0
            runs = self._of(view, name)
            seen += len(runs)
            found = [run for run in runs if takes(run)]
            total += len(found)
            best = heapq.nlargest(limit, (*best, *found), key=_age)
        return encoded({"runs": [run_shape(view, run) for run in best], "total": total})

    def _known(self, run_id: str) -> Run:
        run = self._view().runs.get(RunId(run_id))
        if run is None:
            raise ApiRefusal(404, f"There is no run '{quoted(run_id)}', or it is forgotten")
        return run

    def _whole(self, run: Run) -> dict[str, object]:
        """A run with all attempts at its instant, and what last happened to it."""
        view = self._view()
        chain = []
        for attempt in range(1_000_000):
            found = view.at(Attempt(run.job, run.incarnation, run.instant, attempt))
            if found is None and attempt > run.attempt:
                break
            if found is not None:
                chain.append({"id": found.id, "attempt": found.attempt, "state": found.state})
        story = story_of(self._reports, f"run/{run.id}")
        return {**run_shape(view, run), "attempts": chain, "story": story}

    # --- changing -----------------------------------------------------------------

    async def begin(self, call: Call, name: JobName) -> Reply:
        """``POST jobs/NAME/runs``; a body may have ``arguments`` and ``environment``."""
        document = document_of(call) if call.body else {}
        unknown = ", ".join(quoted(one) for one in document if one not in RUN_FIELDS)
        if unknown:
            raise ApiRefusal(422, f"{unknown}: a run has only arguments and environment")
        question = RunAsked(
            name=name,
            arguments=_arguments(document.get("arguments")),
            environment=_environment(document.get("environment")),
            by=actor_of(call),
        )
        return self._begun(await ask(self._inbox, question, is_old=False))

    def _begun(self, answer: object) -> Reply:
        if not isinstance(answer, Begun):
            raise unexpected(answer)
        view = self._view()
        shape: dict[str, object] = {"runs": [run_shape(view, run) for run in answer.runs]}
        if answer.note:
            shape["note"] = answer.note
        return json_reply(shape, 201 if answer.runs else 200)

    async def post(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``runs/ID/rerun``."""
        match words:
            case (run_id, "rerun"):
                question = RerunAsked(run_id=RunId(run_id), by=actor_of(call))
                return self._begun(await ask(self._inbox, question, is_old=False))
            case _:
                raise ApiRefusal.no_route()

    async def delete(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``runs/ID``: end it."""
        match words:
            case (run_id,):
                question = RunKillAsked(run_id=RunId(run_id), by=actor_of(call))
            case _:
                raise ApiRefusal.no_route()
        answer = await ask(self._inbox, question, is_old=False)
        if not isinstance(answer, Ending):
            raise unexpected(answer)
        return json_reply({"runs": answer.runs})


def _age(run: Run) -> tuple[float, int, int]:
    return (run.made, run.instant, run.attempt)


def _states(call: Call) -> Iterable[RunState]:
    for text in call.all_of("state"):
        for one in filter(None, text.split(",")):
            try:
                yield RunState(one.lower())
            except ValueError:
                known = ", ".join(RunState)
                raise ApiRefusal(400, f"state is '{quoted(one)}': give one of {known}") from None


def _arguments(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return " ".join(value)
    raise ApiRefusal(422, f"arguments is {value!r:.100}: give text, or a list of texts")


def _environment(value: object) -> Mapping[str, str]:
    if value is None:
        return {}
    if isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
        return value
    raise ApiRefusal(422, "environment: give an object of names and texts")
