"""What can only be looked at under ``/v1/chronos``: the queue, reasons, the graph, Chronos."""

from __future__ import annotations

from typing import Final

from mesostw import __version__
from mesostw.core.chronos.graph import layers
from mesostw.core.chronos.statistics import last_result, state_text
from mesostw.http.api.asking import Call, json_reply
from mesostw.http.api.bodies import Bodies
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.building import Build
from mesostw.http.chronos.asking import encoded, whole
from mesostw.http.chronos.fragments import JOBS_PER_STEP
from mesostw.http.chronos.leading import LeadingApi
from mesostw.http.chronos.own_clock import pause_shape
from mesostw.http.chronos.parts import ChronosParts
from mesostw.http.chronos.refusals import no_job
from mesostw.http.chronos.shapes import cause_shape, story_of, waiting_shape
from mesostw.http.chronos.times import wall_text
from mesostw.http.rendering import Reply
from mesostw.model.jobs import JobName

#: Runs that one answer has, if a client does not say, and at most.
QUEUE: Final = 100
QUEUE_MAX: Final = 1_000


class OwnViews:
    """The nouns ``queue``, ``why``, ``graph`` and ``info``."""

    def __init__(self, parts: ChronosParts, bodies: Bodies) -> None:
        self._parts, self._bodies = parts, bodies
        self._leading = LeadingApi(parts)

    async def queue(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``queue?limit=``: runs that wait, in the order they will be tried, and why they do."""
        if words:
            raise ApiRefusal.no_route()
        limit = whole(call, "limit", QUEUE, 1, QUEUE_MAX)
        view, reports = self._parts.view, self._parts.reports.queue(self._parts.now)
        shown = [waiting_shape(view, one) for one in reports[:limit]]
        return json_reply({"queue": shown, "total": len(reports)})

    async def why(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``why/NAME``: why a job is as it is, and what last happened to it."""
        match words:
            case (name,):
                told = self._parts.reports.why(JobName(name), self._parts.now)
            case _:
                raise ApiRefusal.no_route()
        if told is None:
            raise no_job(name, is_old=False)
        view = self._parts.view
        return json_reply(
            {
                "job": told.job,
                "sentence": told.sentence,
                "causes": [cause_shape(one) for one in told.causes],
                "waiting": [waiting_shape(view, one) for one in told.waiting],
                "running": told.running,
                "funnel": told.funnel,
                "story": story_of(self._parts.reports, f"job/{name}"),
            }
        )

    async def graph(self, call: Call, words: tuple[str, ...]) -> Reply:
        """Jobs, who follows whom, and the jobs in layers: nobody follows one of their own."""
        if words:
            raise ApiRefusal.no_route()
        return await self._bodies.kept("own/graph", self._graph)

    def _graph(self) -> Build:
        view = self._parts.view
        nodes, links = [], []
        for index, job in enumerate(tuple(view.jobs.values())):
            if index % JOBS_PER_STEP == JOBS_PER_STEP - 1:
                yield
            nodes.append(
                {
                    "name": job.name,
                    "status": last_result(view.standing_of(job.name)),
                    "state": state_text(view.live_of(job.name).values()),
                    "disabled": job.spec.disabled,
                }
            )
            links += [{"parent": parent, "child": job.name} for parent in job.spec.parents]
        return encoded({"nodes": nodes, "links": links, "layers": layers(view)})

    async def info(self, call: Call, words: tuple[str, ...]) -> Reply:
        """What this Chronos is, and who leads."""
        if words:
            raise ApiRefusal.no_route()
        identity, view = self._parts.identity, self._parts.view
        return json_reply(
            {
                "name": identity.name,
                "version": identity.version,
                "mesostw": __version__,
                "frameworkId": view.framework_id,
                "leader": self._leading.leader,
                "elected": self._parts.leader() == "",
                "started": wall_text(identity.started),
                "life": view.life,
                "jobs": len(view.jobs),
                "runs": len(view.runs),
                "pause": pause_shape(view),
                "flags": self._parts.flags,
            }
        )
