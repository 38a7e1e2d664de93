"""
What is seen of Chronos from outside, over all of its lives.

A :class:`Memory` keeps every run that readers were ever shown and every task that ever began;
each task is judged as it begins, everything together once the cluster is at rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from msgspec import Struct
from zope.interface import implementer

from mesostw.core.chronos.changes import ChronosChange, JobChanged, Restored, RunChanged
from mesostw.core.chronos.machine import Chronos
from mesostw.core.chronos.records import Cause, Job, Run, RunState
from mesostw.core.chronos.state import ChronosState
from mesostw.core.outcome import Write
from mesostw.interfaces import IFollower
from mesostw.model.jobs import Concurrency, JobName, Repeating, RunId
from mesostw.store.memory import Writes
from mesostw.testing import chronos_checks as checks
from mesostw.testing.chronos_checks import Definition, Record
from mesostw.testing.lives import Surroundings
from mesostw.testing.watcher import Diary
from mesostw.wire.records import Decoding

#: What sums of seconds since 1970 may be wrong by.
ROUNDING_S: Final = 0.002
#: How Chronos says that it waits no longer for an agent.
_AWAY: Final = "was away for too long"


class RunDiary(Diary):
    """A disk that never forgets a run, nor what readers were shown of one."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: dict[RunId, Run] = {}
        #: By their keys, what the present life said of them last, kept or not.
        self.said: dict[str, Run] = {}

    def keep(self, writes: Writes) -> None:
        super().keep(writes)
        raw = {key: value for key, value in writes if key.startswith("runs/") and value is not None}
        for _, run in Decoding(raw, {"runs": Run}):
            assert isinstance(run, Run)
            self.remember(run)
        for key, value in writes:
            if value is None and key in self.said:
                # It may have ended in the very group that forgets it, and be shown to nobody.
                self.remember(self.said.pop(key))

    def remember(self, run: Run) -> None:
        """What is kept and forgotten in one group is only shown, what is shown last only kept."""
        known = self.runs.get(run.id)
        if known is None or (run.rank, run.skipped) >= (known.rank, known.skipped):
            self.runs[run.id] = run


class Began(Struct, frozen=True):
    """A task that began on some machine, and what it was told it is for."""

    task_id: str
    run_id: RunId
    job: JobName
    instant: int
    attempt: int
    command: str


def run_of(task_id: str) -> RunId:
    """The run that a task is, by the tail of its id."""
    return RunId(task_id.rpartition(":")[2].rpartition(".")[0])


class Memory:
    """What lives of one Chronos have shown, and what tasks did."""

    def __init__(self, around: Surroundings, name: str) -> None:
        self._around, self._name = around, name
        self.disk = RunDiary()
        #: As they were kept last, those that are forgotten too.
        self.runs = self.disk.runs
        self._shown: dict[RunId, Run] = {}
        #: In the order of their launches.
        self.launches: dict[str, Run] = {}
        self.began: dict[str, Began] = {}
        #: The jobs that ever were, by when they were created; and those that had another
        #: timetable in between, or took one from a parent.
        self.jobs: dict[str, Job] = {}
        #: What each version of a job says of runs at the same time.
        self.concurrencies: dict[str, Concurrency] = {}
        self.retimed: set[str] = set()
        #: Whether ``unwished`` parents may have been seen: dependents were tied anew.
        self.retied: set[str] = set()

    def seconds(self) -> float:
        """The time that nobody sets."""
        return self._around.clock.seconds()

    def wrong(self, text: str) -> None:
        """Complain."""
        self._around.wrong(f"{self._name} {text}")

    # --- what readers are shown ---------------------------------------------------------

    def shown(self, changes: Iterable[object]) -> None:
        """Remember runs and jobs, and complain about a run that goes back."""
        for change in changes:
            match change:
                case RunChanged(run) | Restored(RunChanged(run)):
                    self._shown_run(run)
                case JobChanged(job) | Restored(JobChanged(job)):
                    self._shown_job(job)
                case _:
                    pass

    def _shown_run(self, run: Run) -> None:
        before = self._shown.get(run.id)
        if before is not None and before.rank > run.rank:
            self.wrong(f"run {run.id} was {before.state} and is {run.state}")
        if before is not None and before.is_ended and run.state is not before.state:
            self.wrong(f"run {run.id} ended as {before.state} and then as {run.state}")
        self._shown[run.id] = run
        self.disk.remember(run)
        if run.task_id is not None:
            self.launches.setdefault(run.task_id, run)

    def _shown_job(self, job: Job) -> None:
        before = self.jobs.get(job.created)
        if before is not None and before.spec.timetable != job.spec.timetable:
            self.retimed.add(job.created)
        if before is not None and before.spec.parents != job.spec.parents:
            self.retied.add(job.created)
        self.jobs[job.created] = job
        self.concurrencies[job.version] = job.spec.concurrency

    # --- tasks that begin -----------------------------------------------------------------

    def looked(self, running: Mapping[str, Began], wall: float) -> None:
        """
        Judge every task that is new among those that run.

        :param wall: what Chronos takes the time for, at the most.
        """
        for task_id, began in running.items():
            if task_id not in self.began:
                self.began[task_id] = began
                self._judge(began, running, wall)

    def _judge(self, began: Began, running: Mapping[str, Began], wall: float) -> None:
        if f"runs/{began.run_id}" not in self.disk.ever:
            self.wrong(f"launched {began.task_id} before it was kept")
        run = self.runs.get(began.run_id)
        job = None if run is None else self.jobs.get(run.incarnation)
        for other in running.values():
            if other.task_id != began.task_id and other.run_id == began.run_id:
                self.wrong(f"has {other.task_id} and {began.task_id} of one run")
        if run is None or job is None:
            return
        if run.cause is Cause.CLOCK and began.instant > wall * 1000 + 1:
            self.wrong(f"began {began.task_id} {began.instant / 1000 - wall:.3f} s early")
        self._judge_overlap(began, run, running)

    def _judge_overlap(self, began: Began, run: Run, running: Mapping[str, Began]) -> None:
        for other in running.values():
            before = self.runs.get(other.run_id)
            if before is None or other.run_id == run.id or before.job != run.job:
                continue
            if self._may_overlap(began.task_id, other.task_id):
                continue
            # What is told late of an agent that was away for too long may still run there.
            if before.incarnation == run.incarnation and not before.is_ended:
                self.wrong(f"began {began.task_id} while {other.task_id} runs")

    def _may_overlap(self, *task_ids: str) -> bool:
        """Whether the later of two launches was of a version that allows it."""
        later = next((one for one in reversed(self.launches) if one in task_ids), None)
        if later is None:
            return False
        version = self.launches[later].version
        return self.concurrencies.get(version) is Concurrency.ALLOW

    # --- at rest ----------------------------------------------------------------------------

    def judge_all(self, state: ChronosState) -> None:
        """Complain about whatever does not add up in the end."""
        records = list(map(_record_of, self.runs.values()))
        launches = list(map(_record_of, self.launches.values()))
        wishes = self._wishes(state)
        present = [one for one in records if self._is_present(state, one)]
        counts = {
            str(name): (standing.success_count, standing.error_count)
            for name, standing in state.standings.items()
        }
        found = [
            *checks.regressed(launches),
            *checks.overtried(wishes, present),
            *checks.miscounted(counts, present),
            *self._untriggered(state, wishes, records),
        ]
        for one in found:
            self.wrong(f"{one.rule}: {one.job} {one.text}")
        for name, job in state.jobs.items():
            self._account(state, name, job)
        self._judge_successes()
        self._judge_attempts()

    def _is_present(self, state: ChronosState, record: Record) -> bool:
        return state.is_of_present(self.runs[RunId(record.id)])

    def _wishes(self, state: ChronosState) -> dict[str, Definition]:
        return {
            name: Definition(
                job=name,
                retries=job.spec.retries,
                retry_delay_s=job.spec.retry_delay_seconds or 0.0,
                parents=tuple(job.spec.parents),
            )
            for name, job in state.jobs.items()
        }

    def _untriggered(
        self, state: ChronosState, wishes: Mapping[str, Definition], records: Sequence[Record]
    ) -> list[checks.Finding]:
        """Of jobs that follow the same parents as ever, none of which came back meanwhile."""
        kept = {}
        for name, wish in wishes.items():
            job = state.jobs[JobName(name)]
            if wish.parents and job.created not in self.retied and not job.spec.disabled:
                kept[name] = wish
        own = [one for one in records if one.job not in kept or self._is_present(state, one)]
        found = list(checks.untriggered(kept, own, 0.0, 0.0))
        for name, wish in kept.items():
            arrived = {one.parent for one in state.standing_of(JobName(name)).arrived}
            if arrived >= set(wish.parents):
                found.append(checks.Finding("untriggered", name, "all is there and nothing runs"))
        return found

    def _account(self, state: ChronosState, name: JobName, job: Job) -> None:
        """Every instant that is behind is one run or one that was skipped, and no other is."""
        timetable = job.spec.timetable
        if job.created in self.retimed or not isinstance(timetable, Repeating):
            return
        own = [one for one in self.runs.values() if one.incarnation == job.created]
        own = [one for one in own if one.cause is Cause.CLOCK and one.job == name]
        passed = state.standing_of(name).passed
        counted = sum(one.skipped if one.state is RunState.SKIPPED else 1 for one in own)
        if counted != passed:
            self.wrong(f"{name}: {passed} instants are behind, {counted} are accounted for")
        wish = Definition(
            job=name,
            start=timetable.anchor,
            seconds=timetable.period.seconds,
            count=timetable.count,
        )
        last = timetable.anchor + timedelta(days=1)
        allowed = set(checks.instants(wish, (last - checks.EPOCH).total_seconds()))
        for one in own:
            if one.instant not in allowed:
                self.wrong(f"{name}: {one.instant} is none of its instants")

    def _judge_successes(self) -> None:
        """A success is of a task that began and was to end well."""
        for run in self.runs.values():
            if run.state is not RunState.SUCCEEDED or run.cause is Cause.MARKED:
                continue
            began = self.began.get(run.task_id or "")
            if began is None:
                self.wrong(f"{run.id} is a success of {run.task_id}, which never began")
            elif ends_well(began.command, began.attempt) is False:
                self.wrong(f"{run.id} is a success, and {began.command!r} fails")

    def _judge_attempts(self) -> None:
        """At most one run of each attempt was ever made, whoever made it."""
        known: defaultdict[object, set[RunId]] = defaultdict(set)
        for run in self.runs.values():
            known[run.job, run.incarnation, run.instant, run.attempt].add(run.id)
        for attempt, ids in known.items():
            if len(ids) > 1:
                self.wrong(f"has {sorted(ids)} of {attempt}")


class Overheard:
    """A core that is listened to: what it says of runs is known before it is kept."""

    RECORDS = Chronos.RECORDS

    def __init__(self, core: Chronos, memory: Memory) -> None:
        self._core, self._memory = core, memory
        # What the life before said and did not keep was never so, whenever it says it.
        self._said: dict[str, Run] = {}
        memory.disk.said = self._said
        #: When retries were made in this life.
        self._made: dict[RunId, float] = {}
        self.hear, self.restore, self.check = core.hear, core.restore, core.check

    def write_of(self, change: ChronosChange) -> Write | None:
        """Pass on what is kept of a change."""
        write = self._core.write_of(change)
        if write is not None and isinstance(write.value, Run):
            self._said[write.key] = write.value
            self._judge_delay(write.value)
        return write

    def _judge_delay(self, run: Run) -> None:
        """Until something is tried again is a distance, which no clock that is set changes."""
        now = self._memory.seconds()
        if run.state is RunState.WAITING and run.cause is Cause.RETRY:
            self._made.setdefault(run.id, now)
        elif run.state is RunState.LAUNCHING and run.id in self._made:
            waited_s, delay_s = now - self._made.pop(run.id), run.not_before - run.made
            if waited_s < delay_s - ROUNDING_S:
                self._memory.wrong(f"tries {run.id} again after {waited_s:.3f} s, not {delay_s:g}")


def ends_well(command: str, attempt: int) -> bool | None:
    """Whether a task's program ends well, if it comes to its end; ``None`` if it never does."""
    kind = command.split(maxsplit=1)[0]
    if kind.startswith("fails"):
        return attempt >= int(kind.removeprefix("fails"))
    return {"finish": True, "fail": False}.get(kind)


def _record_of(run: Run) -> Record:
    return Record(
        id=run.id,
        job=run.job,
        instant=run.instant,
        attempt=run.attempt,
        state=run.state.value,
        cause=run.cause.value,
        task_id=run.task_id or "",
        launched_at=run.launched_at,
        not_before=run.not_before,
        ended_at=run.ended_at,
        life=run.life,
        retries=run.retries or "",
        parents=run.parents,
        lost=_AWAY in run.message,
    )


@implementer(IFollower)
class Watcher:
    """Shows one life's changes to the memory of all."""

    def __init__(self, around: Surroundings, host: str, memory: Memory) -> None:
        self._around, self._host, self._memory = around, host, memory

    def changed(self, seq: int, changes: Sequence[object]) -> None:
        self._around.busy(self._host)
        for change in changes:
            if isinstance(change, RunChanged):
                run = change.run
                what = f"{run.job} {run.state.value} {run.message}"
                self._around.tell("{} {} is {}", self._host, run.id, what)
        self._memory.shown(changes)
