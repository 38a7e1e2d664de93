"""Which live topics a Chronos has, and which of their rows each change touches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Final, cast

from mesostw.core.chronos import changes
from mesostw.core.chronos.events import SchedulerDisconnected, SchedulerRegistered
from mesostw.core.chronos.state import ChronosState
from mesostw.feed import chronos_rows as rows
from mesostw.feed.banner import FrameworkBanner
from mesostw.feed.chronos_events import JEVENT_COLUMNS, ChronosEvents
from mesostw.feed.tables import Row, Table
from mesostw.interfaces import IFeed
from mesostw.model.jobs import JobName, RunId

#: The one key of the one row of ``chronos``.
ALL: Final = "chronos"
_ALL: Final = ("chronos", ALL)

#: Jobs that are so; ``success``, ``failure`` and ``fresh`` say how one ended last.
COUNTED: Final = ("disabled", "success", "failure", "fresh", "running", "queued")
CHRONOS_COLUMNS: Final = (
    "name",
    "leader",
    "version",
    "started",
    "framework_id",
    "connected",
    "jobs",
    *COUNTED,
    "paused",
    "paused_since",
    "paused_by",
    "paused_why",
    "live_clients",
)
_DISABLED_AT: Final = rows.JOB_COLUMNS.index("disabled")
_LAST_AT: Final = rows.JOB_COLUMNS.index("last")
_RUNNING_AT: Final = rows.JOB_COLUMNS.index("running")
_QUEUED_AT: Final = rows.JOB_COLUMNS.index("queued")


class ChronosLayout:
    """
    Topics: what Chronos is, jobs, runs and events.

    A run has a row while it has not ended, and as one of the last of its job; all others are
    the API's to tell.  Whether a job is overdue depends on the time of day; pages tell it from
    ``next`` by the clock that they show.
    """

    def __init__(
        self,
        feed: IFeed,
        banner: Callable[[], FrameworkBanner],
        wall: Callable[[], float],
        live_clients: Callable[[], int] = lambda: 0,
    ) -> None:
        self._feed, self._banner, self._live_clients = feed, banner, live_clients
        #: By job: its ended runs that have rows.
        self._shown: dict[JobName, tuple[RunId, ...]] = {}
        self._total: Counter[str] = Counter()
        #: Whether a master knows us, as far as was told.
        self._connected = False
        self.events = ChronosEvents(wall)
        self.tables = [
            Table("runs", rows.RUN_COLUMNS, self._run, enums={"state": rows.STATES}),
            Table("jobs", rows.JOB_COLUMNS, self._job, watch=self._count),
            Table("jevents", JEVENT_COLUMNS, self.events.row),
            # Last: its counts are those of the rows above.
            Table("chronos", CHRONOS_COLUMNS, self._chronos),
        ]

    @property
    def _view(self) -> ChronosState:
        view: ChronosState = self._feed.view
        return view

    # --- changes ------------------------------------------------------------

    def noted(self, change: object) -> None:
        """Remember ``change`` as an event, and whether a master knows us."""
        match change:
            case changes.Told(SchedulerRegistered()):
                self._connected = True
            case changes.Told(SchedulerDisconnected()):
                self._connected = False
            case _:
                pass
        self.events.noted(change)

    def touched(self, change: object) -> Iterable[tuple[str, Hashable]]:
        for key in self.events.fresh():
            yield "jevents", key
        match change:
            case changes.Restored(kept):
                yield from self.touched(kept)
            case changes.RunChanged(run) | changes.RunForgotten(run):
                yield "runs", (run.job, run.id)
                yield from self._moved(run.job)
                yield "jobs", run.job
            case changes.HistoryRestored(name):
                yield from self._moved(name)
                yield "jobs", name
            case changes.JobChanged(job):
                yield "jobs", job.name
            case changes.JobRemoved(name) | changes.StandingForgotten(name):
                yield "jobs", name
            case changes.StandingChanged(standing):
                yield "jobs", standing.job
            case _:
                pass
        yield _ALL

    def _moved(self, name: JobName) -> Iterator[tuple[str, Hashable]]:
        """Ended runs of a job that are no longer, or only now, among its last."""
        before = self._shown.get(name, ())
        ended = self._view.ended_of(name)
        after = tuple(run.id for run in rows.newest(ended, rows.SHOWN_MAX))
        if before == after:
            return
        if after:
            self._shown[name] = after
        else:
            self._shown.pop(name, None)
        yield from (("runs", (name, key)) for key in {*before, *after})

    def everything(self) -> Iterable[tuple[str, Hashable]]:
        view = self._view
        for name in view.ended:
            yield from self._moved(name)
        for live in view.live.values():
            yield from (("runs", (run.job, run.id)) for run in live.values())
        yield from (("jobs", key) for key in view.jobs)
        yield from (("jevents", key) for key in self.events.kept())
        yield _ALL

    def cleared(self) -> None:
        self._shown.clear()
        self._total.clear()

    # --- rows -----------------------------------------------------------------

    def _run(self, key: Hashable) -> Row | None:
        run = self._view.run_of(*cast(tuple[JobName, RunId], key))
        if run is None or (run.is_ended and run.id not in self._shown.get(run.job, ())):
            return None
        return rows.run_row(run)

    def _job(self, key: Hashable) -> Row | None:
        view = self._view
        job = view.jobs.get(cast(JobName, key))
        return None if job is None else rows.job_row(view, job)

    def _chronos(self, key: Hashable) -> Row:
        view, banner = self._view, self._banner()
        pause = view.pause
        return (
            banner.name,
            banner.leader,
            banner.version,
            banner.started,
            view.framework_id,
            self._connected,
            len(view.jobs),
            *(self._total[name] for name in COUNTED),
            pause is not None,
            None if pause is None else pause.since,
            "" if pause is None else pause.by,
            "" if pause is None else pause.why,
            self._live_clients(),
        )

    def _count(self, old: Row | None, new: Row | None) -> None:
        for row, sign in ((old, -1), (new, 1)):
            if row is None:
                continue
            self._total["disabled"] += sign * bool(row[_DISABLED_AT])
            self._total[cast(str, row[_LAST_AT])] += sign
            self._total["running"] += sign * bool(row[_RUNNING_AT])
            self._total["queued"] += sign * bool(row[_QUEUED_AT])
