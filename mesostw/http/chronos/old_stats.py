"""How long jobs take and what became of their last runs, as the old prefixes tell it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from mesostw.core.chronos.records import Job, Run, RunState, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.statistics import (
    Percentiles,
    durations_of,
    percentiles,
    status_word,
)
from mesostw.http.api.asking import Call, json_reply
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.chronos.refusals import no_job
from mesostw.http.rendering import Reply
from mesostw.model.jobs import JobName

#: ``stats/WHICH``; the original's mean is its median too.
WHICH: Final[Mapping[str, Callable[[Percentiles], float]]] = {
    "99thPercentile": lambda one: one.p99,
    "98thPercentile": lambda one: one.p98,
    "95thPercentile": lambda one: one.p95,
    "75thPercentile": lambda one: one.p75,
    "median": lambda one: one.median,
    "mean": lambda one: one.median,
}
_ABSENT: Final = "N/A"


class OldStats:
    """The nouns ``job/stat`` and ``stats``."""

    def __init__(self, view: Callable[[], ChronosState], history_limit: int) -> None:
        self._view, self._history_limit = view, history_limit
        self._kept: dict[JobName, tuple[bytes, Percentiles]] = {}

    def _of(self, standing: Standing) -> Percentiles:
        kept = self._kept.get(standing.job)
        if kept is None or kept[0] != standing.durations:
            kept = (standing.durations, percentiles(durations_of(standing)))
            self._kept[standing.job] = kept
        return kept[1]

    async def of_job(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``GET job/stat/NAME``; percentiles in milliseconds."""
        match words:
            case (name,):
                view = self._view()
                job = view.jobs.get(JobName(name))
                if job is None:
                    raise no_job(name, is_old=True)
                return json_reply(
                    {
                        "histogram": _histogram(self._of(view.standing_of(job.name))),
                        "taskStatHistory": self._history(view, job),
                    }
                )
            case _:
                raise ApiRefusal.no_route()

    def _history(self, view: ChronosState, job: Job) -> list[dict[str, object]]:
        runs = [*view.ended_of(job.name), *view.live_of(job.name).values()]
        shown = [one for one in runs if one.state not in (RunState.SKIPPED, RunState.WAITING)]
        shown.sort(key=lambda run: run.made, reverse=True)
        elements = job.spec.data_processing_job_type
        return [task_stat(run, elements=elements) for run in shown[: self._history_limit]]

    async def all(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``GET stats/WHICH``; in seconds, the longest first; nothing of an unknown one."""
        match words:
            case (which,):
                chosen = WHICH.get(which)
                if chosen is None:
                    return json_reply([])
            case _:
                raise ApiRefusal.no_route()
        view = self._view()
        self._forget(view)
        times = [(name, chosen(self._of(view.standing_of(name))) / 1000) for name in view.jobs]
        times.sort(key=lambda one: -one[1])
        return json_reply([{"jobNameLabel": name, "time": time} for name, time in times])

    def _forget(self, view: ChronosState) -> None:
        for name in [name for name in self._kept if name not in view.jobs]:
            del self._kept[name]


def _histogram(found: Percentiles) -> dict[str, float]:
    return {
        **{name: chosen(found) for name, chosen in WHICH.items()},
        "count": found.count,
    }


def task_stat(run: Run, *, elements: bool) -> dict[str, object]:
    """
    One run in a job's history.

    :param elements: whether its job processes data, and tells how much.
    """
    began = run.started_at if run.started_at is not None else run.launched_at
    shape: dict[str, object] = {
        "taskId": run.task_id or "",
        "jobName": run.job,
        "slaveId": run.agent_id or "",
        "startTime": _time(began),
        "endTime": _time(run.ended_at),
    }
    if began is not None and run.ended_at is not None:
        shape["duration"] = duration_text(run.ended_at - began)
    shape["status"] = status_word(run)
    if elements:
        shape["numElementsProcessed"] = run.elements
    return shape


def _time(wall: float | None) -> str:
    """``MM/dd/yy HH:mm:ss``, UTC."""
    if wall is None:
        return _ABSENT
    return f"{datetime.fromtimestamp(wall, UTC):%m/%d/%y %H:%M:%S}"


def duration_text(seconds: float) -> str:
    """``1d2h3m4s``; parts that are 0 are left out, but of nothing at all ``0s`` is left."""
    rest, text = max(0, round(seconds)), ""
    for letter, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            text += f"{count}{letter}"
    return text or "0s"
