"""
Everything Chronos knows, as tables of frozen records.

``apply`` is the only mutator and is total.  The core has one ``ChronosState``; the feed folds
what was kept into another, which all readers read.

::

    jobs, versions      as they are wished, and as they were, oldest first
    standings           of each job: the next instant, counters, what its parents did
    under_way           runs that have not ended
    live                the same by job, in the order they were made
    ended               the last that have, by job
    runs                all of them, for readers
    children            who runs after whom
    attempts            which of those under way is the one of an attempt
    out                 runs that have a task, by task
    notices             that are not delivered yet
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, TypeVar, assert_never

from mesostw.core.chronos.changes import (
    ChronosChange,
    HistoryRestored,
    JobChanged,
    JobRemoved,
    LifeBegun,
    NoticeForgotten,
    NoticeKept,
    PauseChanged,
    RegistrationKept,
    Restored,
    RunChanged,
    RunForgotten,
    StandingChanged,
    StandingForgotten,
    Told,
    VersionForgotten,
    VersionKept,
)
from mesostw.core.chronos.history import History, Runs
from mesostw.core.chronos.records import Job, Notice, Pause, Run, Standing
from mesostw.model.ids import FrameworkId, TaskId
from mesostw.model.jobs import Instant, JobName, NoticeId, RunId

K = TypeVar("K")
V = TypeVar("V")

_NONE: Final[Mapping[RunId, Run]] = {}
_NOBODY: Final[Mapping[JobName, None]] = {}


class Attempt(NamedTuple):
    """What there is at most one run of."""

    job: JobName
    incarnation: str
    instant: Instant
    attempt: int


def attempt_of(run: Run) -> Attempt:
    """What a run is the only one of."""
    return Attempt(run.job, run.incarnation, run.instant, run.attempt)


class ChronosState:
    """Jobs as they are wished, how they stand, and their runs."""

    def __init__(self) -> None:
        self.framework_id: FrameworkId | None = None
        self.life = 0
        self.pause: Pause | None = None
        self.jobs: dict[JobName, Job] = {}
        self.versions: dict[JobName, dict[str, Job]] = {}
        self.standings: dict[JobName, Standing] = {}
        self.under_way: dict[RunId, Run] = {}
        self.live: dict[JobName, dict[RunId, Run]] = {}
        self.ended: dict[JobName, History] = {}
        self.runs: Mapping[RunId, Run] = Runs(self.under_way, self.ended)
        self.attempts: dict[Attempt, RunId] = {}
        self.out: dict[TaskId, RunId] = {}
        self.children: dict[JobName, dict[JobName, None]] = {}
        self.notices: dict[NoticeId, Notice] = {}

    # --- readers --------------------------------------------------------------------

    def live_of(self, name: JobName) -> Mapping[RunId, Run]:
        """Runs of a job that have not ended, the oldest first."""
        return self.live.get(name, _NONE)

    def ended_of(self, name: JobName) -> History:
        """Runs of a job that have ended and are kept, the first to end first."""
        return self.ended.get(name) or History()

    def run_of(self, name: JobName, run_id: RunId) -> Run | None:
        """A run of a job, ended or not."""
        return self.under_way.get(run_id) or self.ended_of(name).get(run_id)

    def at(self, attempt: Attempt) -> Run | None:
        """The one run of an attempt, ended or not."""
        found = self.attempts.get(attempt)
        if found is not None:
            return self.under_way[found]
        ended = self.ended_of(attempt.job).of(attempt.instant)
        return next((run for run in ended if attempt_of(run) == attempt), None)

    def children_of(self, name: JobName) -> Mapping[JobName, None]:
        """Jobs that run after ``name``, in the order they said so."""
        return self.children.get(name, _NOBODY)

    def standing_of(self, name: JobName) -> Standing:
        """How a job stands; as a new one does if nothing is known."""
        return self.standings.get(name) or Standing(name)

    def by_task(self, task_id: TaskId) -> Run | None:
        """The run that a task is, if it has not ended."""
        found = self.out.get(task_id)
        return None if found is None else self.under_way[found]

    def is_of_present(self, run: Run) -> bool:
        """Whether a run belongs to the job that has its name now."""
        job = self.jobs.get(run.job)
        return job is not None and job.created == run.incarnation

    def all_stamps(self) -> Iterator[str]:
        """
        Versions that were given, for a clock that must not go back; the latest is among them.

        Ended runs of what a job was before go with it, so its own are later than theirs.
        """
        for versions in self.versions.values():
            yield from versions
        for job in self.jobs.values():
            yield job.version
            yield job.created
        for run in self.under_way.values():
            yield run.incarnation

    # --- the mutator ------------------------------------------------------------------

    def apply(self, change: ChronosChange) -> None:
        """Make ``change`` true."""
        match change:
            case RunChanged():
                self._put(change)
            case StandingChanged(standing):
                self.standings[standing.job] = standing
            case RunForgotten(run):
                self._forget(run)
            case Restored(kept):
                self.apply(kept)
            case HistoryRestored(name, packed):
                self.ended[name] = History(packed)
            case Told():
                pass
            case (
                RegistrationKept() | LifeBegun() | PauseChanged() | NoticeKept() | NoticeForgotten()
            ):
                self._apply_own(change)
            case _:
                self._apply_job(change)

    def _apply_own(
        self,
        change: RegistrationKept | LifeBegun | PauseChanged | NoticeKept | NoticeForgotten,
    ) -> None:
        match change:
            case RegistrationKept(registration):
                self.framework_id = registration.framework_id
            case LifeBegun(life):
                self.life = life.number
            case PauseChanged(pause):
                self.pause = pause
            case NoticeKept(notice):
                self.notices[notice.id] = notice
            case NoticeForgotten(notice_id):
                self.notices.pop(notice_id, None)
            case _:
                assert_never(change)

    def _apply_job(
        self,
        change: JobChanged | JobRemoved | VersionKept | VersionForgotten | StandingForgotten,
    ) -> None:
        match change:
            case JobChanged(job):
                self._untie(job.name)
                self.jobs[job.name] = job
                for parent in job.spec.parents:
                    self.children.setdefault(parent, {})[job.name] = None
            case JobRemoved(name):
                self._untie(name)
                self.jobs.pop(name, None)
            case VersionKept(job):
                self.versions.setdefault(job.name, {})[job.version] = job
            case VersionForgotten(name, version):
                _drop(self.versions, name, version)
            case StandingForgotten(name):
                self.standings.pop(name, None)
            case _:
                assert_never(change)

    def _untie(self, name: JobName) -> None:
        known = self.jobs.get(name)
        for parent in () if known is None else known.spec.parents:
            _drop(self.children, parent, name)

    def _put(self, change: RunChanged) -> None:
        run = change.run
        known = self.under_way.get(run.id)
        if known is not None and known.task_id is not None:
            self.out.pop(known.task_id, None)
        if run.is_ended:
            self._take_away(run)
            self.ended.setdefault(run.job, History()).put(run.id, change.packed)
            return
        self.under_way[run.id] = run
        self.attempts[attempt_of(run)] = run.id
        self.live.setdefault(run.job, {})[run.id] = run
        if run.task_id is not None:
            self.out[run.task_id] = run.id

    def _forget(self, run: Run) -> None:
        known = self.under_way.get(run.id)
        if known is not None:
            if known.task_id is not None:
                self.out.pop(known.task_id, None)
            self._take_away(known)
        history = self.ended.get(run.job)
        if history is not None:
            history.drop(run.id)
            if not history:
                del self.ended[run.job]

    def _take_away(self, run: Run) -> None:
        if self.under_way.pop(run.id, None) is not None:
            del self.attempts[attempt_of(run)]
            _drop(self.live, run.job, run.id)


def _drop(table: dict[JobName, dict[K, V]], name: JobName, key: K) -> None:
    """Forget one entry of a job, and the job's table with its last one."""
    entries = table.get(name)
    if entries is not None:
        entries.pop(key, None)
        if not entries:
            del table[name]
