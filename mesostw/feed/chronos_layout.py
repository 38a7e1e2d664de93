"""Which live topics a Chronos has, and which of their rows each change touches."""

from __future__ import annotations

import heapq
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Final, cast

import attrs

from mesostw.core.chronos import changes
from mesostw.core.chronos.events import SchedulerDisconnected, SchedulerRegistered
from mesostw.core.chronos.records import Run, RunState
from mesostw.core.chronos.state import ChronosState
from mesostw.feed import chronos_rows as rows
from mesostw.feed.tables import Row, Table
from mesostw.interfaces import IFeed
from mesostw.model.jobs import JobName, RunId

#: The one key of the one row of ``chronos``.
ALL: Final = "chronos"
_ALL: Final = ("chronos", ALL)
#: Ended runs that are shown beside those that live; a job's page asks for the others.
RECENT_MAX: Final = 1_000

#: States of runs that have not ended, in the order in which a run goes through them.
LIVING: Final = (
    RunState.WAITING,
    RunState.LAUNCHING,
    RunState.STAGING,
    RunState.STARTING,
    RunState.RUNNING,
    RunState.AWAITED,
)
CHRONOS_COLUMNS: Final = (
    "name",
    "leader",
    "version",
    "started",
    "framework_id",
    "connected",
    "jobs",
    "disabled",
    *(state.value for state in LIVING),
    "notices",
    "paused_since",
    "paused_by",
    "paused_why",
    "live_clients",
)
_STATE_AT: Final = rows.RUN_COLUMNS.index("state")
_DISABLED_AT: Final = rows.JOB_COLUMNS.index("disabled")


@attrs.frozen(kw_only=True)
class ChronosBanner:
    """What the one row of ``chronos`` says of the daemon itself."""

    name: str
    #: The ``host:port`` that answers the API.
    leader: str
    version: str
    #: In wall seconds.
    started: float


class ChronosLayout:
    """
    Topics: what Chronos is, jobs, runs that live or ended last, and what of them waits.

    Runs are counted by the differences of their rows, so that one that moves among thousands
    costs two rows.
    """

    def __init__(
        self,
        feed: IFeed,
        banner: Callable[[], ChronosBanner],
        live_clients: Callable[[], int] = lambda: 0,
        recent_max: int = RECENT_MAX,
    ) -> None:
        self._feed, self._banner, self._live_clients = feed, banner, live_clients
        self._recent_max = recent_max
        self._states: Counter[int] = Counter()
        self._disabled = 0
        #: Ended runs that are shown, the first to end first.
        self._recent: OrderedDict[RunId, None] = OrderedDict()
        #: Whether a master knows us, as far as was told.
        self._connected = False
        self.tables = [
            Table(
                "runs",
                rows.RUN_COLUMNS,
                self._run,
                enums={"state": rows.STATES},
                watch=self._count_run,
            ),
            Table("waiting", rows.WAITING_COLUMNS, self._waiting),
            Table(
                "jobs",
                rows.JOB_COLUMNS,
                self._job,
                enums={"last": rows.RESULTS},
                watch=self._count_job,
            ),
            # Last: its counts are those of the rows above.
            Table("chronos", CHRONOS_COLUMNS, self._chronos),
        ]

    @property
    def _view(self) -> ChronosState:
        view: ChronosState = self._feed.view
        return view

    # --- changes ------------------------------------------------------------------

    def noted(self, change: object) -> None:
        """Remember whether a master knows us, also while nobody looks."""
        match change:
            case changes.Told(SchedulerRegistered()):
                self._connected = True
            case changes.Told(SchedulerDisconnected()):
                self._connected = False
            case _:
                pass

    def touched(self, change: object) -> Iterable[tuple[str, Hashable]]:
        match change:
            case changes.Restored(kept):
                yield from self.touched(kept)
            case changes.RunChanged(run) | changes.RunForgotten(run):
                yield from self._touched_run(run)
            case changes.JobChanged(job):
                yield "jobs", job.name
            case changes.JobRemoved(name):
                yield "jobs", name
            case changes.StandingChanged(standing):
                yield "jobs", standing.job
            case _:
                pass
        yield _ALL

    def _touched_run(self, run: Run) -> Iterator[tuple[str, Hashable]]:
        yield "runs", run.id
        yield "waiting", run.id
        yield "jobs", run.job
        if run.id not in self._view.runs:
            self._recent.pop(run.id, None)
        elif run.is_ended:
            self._recent[run.id] = None
            if len(self._recent) > self._recent_max:
                yield "runs", self._recent.popitem(last=False)[0]

    def everything(self) -> Iterable[tuple[str, Hashable]]:
        view = self._view
        ended = (run for run in view.runs.values() if run.is_ended)
        newest = heapq.nlargest(self._recent_max, ended, key=lambda run: run.ended_at or run.since)
        self._recent = OrderedDict((run.id, None) for run in reversed(newest))
        living = [run_id for runs in view.live.values() for run_id in runs]
        yield from (("runs", key) for key in (*self._recent, *living))
        yield from (("waiting", key) for key in living)
        yield from (("jobs", key) for key in view.jobs)
        yield _ALL

    def cleared(self) -> None:
        self._states.clear()
        self._disabled = 0
        self._recent.clear()

    # --- rows -----------------------------------------------------------------------

    def _run(self, key: Hashable) -> Row | None:
        run = self._view.runs.get(cast(RunId, key))
        if run is None or (run.is_ended and run.id not in self._recent):
            return None
        return rows.run_row(run)

    def _waiting(self, key: Hashable) -> Row | None:
        run = self._view.runs.get(cast(RunId, key))
        if run is None or run.state is not RunState.WAITING:
            return None
        return rows.waiting_row(run)

    def _job(self, key: Hashable) -> Row | None:
        view = self._view
        job = view.jobs.get(cast(JobName, key))
        return None if job is None else rows.job_row(view, job)

    def _chronos(self, key: Hashable) -> Row:
        view, banner, pause = self._view, self._banner(), self._view.pause
        return (
            banner.name,
            banner.leader,
            banner.version,
            banner.started,
            view.framework_id,
            self._connected,
            len(view.jobs),
            self._disabled,
            *(self._states[rows.STATES.index(state.value)] for state in LIVING),
            len(view.notices),
            None if pause is None else pause.since,
            "" if pause is None else pause.by,
            "" if pause is None else pause.why,
            self._live_clients(),
        )

    def _count_run(self, old: Row | None, new: Row | None) -> None:
        for row, sign in ((old, -1), (new, 1)):
            if row is not None:
                self._states[cast(int, row[_STATE_AT])] += sign

    def _count_job(self, old: Row | None, new: Row | None) -> None:
        for row, sign in ((old, -1), (new, 1)):
            if row is not None:
                self._disabled += sign * bool(row[_DISABLED_AT])
