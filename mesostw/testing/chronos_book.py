"""
What a long simulation of Chronos writes down, and its judgement by the common rules.

Of a year there is a line for each task and each run; what Chronos itself remembers, and what it
has on disk, must not grow with that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mesostw.core.chronos.changes import HistoryRestored, Restored, RunChanged
from mesostw.core.chronos.history import History
from mesostw.core.chronos.records import Cause, Run, RunState
from mesostw.core.chronos.state import ChronosState
from mesostw.model.jobs import RunId
from mesostw.store.memory import MemoryDisk
from mesostw.testing import chronos_checks as checks
from mesostw.testing.chronos_checks import Finding, Record, Seen, Trouble
from mesostw.testing.chronos_mesos import Task
from mesostw.testing.chronos_plans import LONG_S, Plan

#: How long an attempt takes that fails, at least and at most.
FAILS_S: Final = (0.5, 2.0)
#: What a job has on disk beside its runs: itself, how it stands, and its last versions.
RECORDS_PER_JOB_MAX: Final = 30
#: Until what has happened must have had its effects, before the end.
SETTLE_S: Final = 60.0
#: After trouble everything runs again that can.
RECOVERY_S: Final = 20.0
#: Between two runs of dependents on the way to the last of a chain.
CHAIN_S: Final = 4_000.0


class Under(Struct, frozen=True):
    """What a task was told that it is."""

    instant: int
    attempt: int
    job: str
    run_id: RunId


def under(task_id: str) -> Under:
    """By its id, whose names here have no character that ids may not have but blanks."""
    _, instant, attempt, job, tail = task_id.split(":")
    return Under(int(instant), int(attempt), job, RunId(tail.rpartition(".")[0]))


class Book:
    """
    Tasks and runs of all lives.

    :param now: what is written as the time.
    """

    def __init__(
        self,
        random: Random,
        plans: Mapping[str, Plan],
        now: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        self._random, self._now, self._tell = random, now, tell
        self.plans = plans
        self._named = {name.replace(" ", "_"): name for name in plans}
        self._begun: dict[str, Seen] = {}
        self.seen: defaultdict[str, list[Seen]] = defaultdict(list)
        self.records: dict[str, Record] = {}
        #: The first launch of each life, and any that is of another than the one before.
        self._launches: list[Record] = []
        self._not_before: dict[str, float] = {}
        #: How many instants each run of the clock stands for.
        self._behind: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self.troubles: list[Trouble] = []
        self._losses: defaultdict[str, list[Trouble]] = defaultdict(list)

    def trouble(self, start: float, end: float) -> None:
        """In that time nobody could serve anything."""
        self.troubles.append(Trouble(start, max(start, end)))

    # --- tasks ----------------------------------------------------------------------------

    def began(self, task: Task) -> tuple[float, bool]:
        """A task begins: how long it takes, and whether it ends well."""
        its = under(task.id)
        job = self._named[its.job]
        record = self.records.get(its.run_id)
        plan = self.plans[job]
        self._begun[task.id] = Seen(
            job=job,
            instant=its.instant,
            attempt=its.attempt,
            task_id=task.id,
            host=task.agent,
            start=self._now(),
            by_clock=not plan.wish.parents and record is None,
        )
        well = its.attempt >= plan.fails
        return self._random.uniform(*(plan.takes_s if well else FAILS_S)), well

    def ended(self, task: Task, well: bool | None) -> None:
        """A task comes to its end, or is lost with its machine."""
        seen = self._begun.pop(task.id)
        end = None if well is None else self._now()
        if well is None:
            # The attempt after it may come too late.
            self._losses[seen.job].append(Trouble(seen.instant / 1000, self._now()))
        self.seen[seen.job].append(replace(seen, end=end, well=bool(well)))

    # --- runs -----------------------------------------------------------------------------

    def shown(self, changes: Iterable[object]) -> None:
        """Write down what readers are shown of runs."""
        for change in changes:
            match change:
                case RunChanged(run) | Restored(RunChanged(run)):
                    self._shown(run)
                case HistoryRestored(_, packed) | Restored(HistoryRestored(_, packed)):
                    for run in History(packed):
                        self._shown(run)
                case _:
                    pass

    def _shown(self, run: Run) -> None:
        if run.cause is Cause.CLOCK and not run.attempt:
            self._behind[run.job][run.id] = run.skipped if run.state is RunState.SKIPPED else 1
        if run.not_before and run.id not in self._not_before and run.id not in self.records:
            self._not_before[run.id] = self._now() + run.not_before - run.made
        if run.state is RunState.LAUNCHING and (
            not self._launches or self._launches[-1].life != run.life
        ):
            self._launches.append(self._record_of(run))
        if run.is_ended and run.id not in self.records:
            self.records[run.id] = self._record_of(run)
            self._not_before.pop(run.id, None)
            self._tell(f"{run.job} {run.instant} {run.attempt} {run.state} {run.message}")

    def _record_of(self, run: Run) -> Record:
        return Record(
            id=run.id,
            job=run.job,
            instant=run.instant,
            attempt=run.attempt,
            state=run.state.value,
            cause=run.cause.value,
            task_id=run.task_id or "",
            not_before=self._not_before.get(run.id, 0.0),
            ended_at=self._now() if run.is_ended else None,
            life=run.life,
            retries=run.retries or "",
            parents=run.parents,
        )

    # --- judgement ------------------------------------------------------------------------

    def bounded(self, state: ChronosState, disk: MemoryDisk) -> list[str]:
        """What is remembered of the past is as much as jobs ask for."""
        found = []
        for name, job in state.jobs.items():
            kept = len(state.ended_of(name))
            if kept > job.spec.history_limit:
                found.append(f"{name} remembers {kept} runs, not {job.spec.history_limit}")
        most = len(state.runs) + RECORDS_PER_JOB_MAX * len(state.jobs)
        if len(disk.records) > most:
            found.append(f"{len(disk.records)} records are on disk, at most {most} should be")
        return found

    def judged(self, state: ChronosState) -> list[str]:
        """Whatever breaks a rule."""
        now = self._now()
        wishes = {name: plan.wish for name, plan in self.plans.items()}
        # Of a run that goes on the attempt before is known to be tried again.
        live = map(self._record_of, state.under_way.values())
        records = [*self.records.values(), *live]
        every = [one for seen in self.seen.values() for one in seen]
        # Of these Chronos may not have heard.
        fresh = {one.task_id for one in every if one.end is not None and one.end > now - SETTLE_S}
        over = [one for one in every if one.task_id not in fresh]
        counts = {
            str(name): (standing.success_count, standing.error_count)
            for name, standing in state.standings.items()
        }
        found = [
            *self._served(now),
            *checks.repeated(every),
            *checks.overlapping(wishes, every),
            *checks.unwished(wishes, every),
            *checks.disagreeing(over, [one for one in records if one.task_id not in fresh]),
            *checks.miscounted(counts, records),
            *self._untriggered(records, now),
            *checks.regressed(self._launches),
            *checks.overtried(wishes, records),
            *self._counted(state, now),
        ]
        return [f"{one.rule}: {one.job} {one.text}" for one in found]

    def _served(self, now: float) -> list[Finding]:
        found: list[Finding] = []
        wished = excused = 0
        lags: list[float] = []
        for name, plan in self.plans.items():
            if plan.ends_well:
                # What takes long and was late is in the way of the next, and that of another.
                recovery_s = RECOVERY_S + (2 * LONG_S[1] if plan.takes_s is LONG_S else 0.0)
                service = checks.served(
                    plan.wish,
                    self.seen[name],
                    now,
                    troubles=[*self.troubles, *self._losses[name]],
                    recovery_s=recovery_s,
                )
                found += service.findings
                wished += service.wished
                excused += service.excused
                lags += service.lags
        lags.sort()
        median, late = (lags[len(lags) * share // 100] for share in (50, 99)) if lags else (0, 0)
        self._tell(
            f"{wished} instants, {excused} in the midst of trouble; late {median:.3f} s,"
            f" {late:.3f} s for one in a hundred"
        )
        return found

    def _untriggered(self, records: list[Record], now: float) -> list[Finding]:
        by_job: defaultdict[str, list[Record]] = defaultdict(list)
        for record in records:
            by_job[record.job].append(record)
        found: list[Finding] = []
        for name, plan in self.plans.items():
            if plan.wish.parents:
                own = [one for job in (name, *plan.wish.parents) for one in by_job[job]]
                found += checks.untriggered({name: plan.wish}, own, now, CHAIN_S)
        return found

    def _counted(self, state: ChronosState, now: float) -> list[Finding]:
        """Every instant that has come is behind, as one run or one that was skipped."""
        found = []
        for name, job in state.jobs.items():
            wish = self.plans[name].wish
            if wish.parents:
                continue
            passed, accounted = state.standing_of(name).passed, sum(self._behind[name].values())
            due = len(checks.instants(wish, now)), len(checks.instants(wish, now - SETTLE_S))
            if accounted != passed or not due[1] <= passed <= due[0]:
                text = f"has {passed} instants behind of {due[0]}, {accounted} accounted for"
                found.append(Finding("uncounted", name, f"{job.version} {text}"))
        return found
