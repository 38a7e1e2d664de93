"""The judge finds nothing in evidence that is sound, and each thing that is changed in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.testing.chronos_checks import Record, Seen, Trouble
from tests.functional.chronos.evidence import (
    Away,
    Evidence,
    Filed,
    Probe,
    Standing,
    Task,
    away_of,
)
from tests.functional.chronos.history import Call, End
from tests.functional.chronos.judging import judge
from tests.functional.chronos.nemesis import Harm
from tests.functional.chronos.plans import FAULTS, JobPlan, plan_of
from tests.functional.chronos.profiles import CLASSIC, EMBEDDED, QUICK, Topology
from tests.functional.chronos.troubles import troubles

#: The first instant, in wall seconds.
FIRST = 1_000_000.0
READ = FIRST + 100
INSTANTS = tuple(FIRST + 20 * number for number in range(4))
PLAN = JobPlan(
    name="a", kind="plain", api="own", interval_s=20.0, count=4, duration_s=1.0, epsilon_s=5.0
)
CHILD = JobPlan(name="b", kind="dependent", api="own", duration_s=1.0, parents=("a",))


def call(op: str, job: str, at: float, end: End = End.OK, **value: object) -> Call:
    """A request that took a tenth of a second."""
    return Call(op=op, job=job, asked=at, ended=at + 0.1, end=end, value=value)


def added(plan: JobPlan, end: End = End.OK) -> Call:
    """A job that was asked for before its first instant."""
    start = datetime.fromtimestamp(FIRST, UTC).isoformat(timespec="milliseconds")
    value: dict[str, Any] = {"tag": 1, "start": start, "plan": to_builtins(plan)}
    return call("add", plan.name, FIRST - 5, end, **value)


def look(at: float, *jobs: str) -> Call:
    """A list of jobs that somebody has read."""
    return replace(call("look", "", at), answer={"jobs": jobs, "away": ()})


def task(job: str, number: int, at: float) -> Task:
    """A run of an instant that began a little after ``at``."""
    seen = Seen(
        job=job,
        instant=round((INSTANTS[number] if job == "a" else at) * 1000),
        attempt=0,
        task_id=f"{job}{number}",
        host="agent1",
        start=at + 0.2,
        end=at + 1.2,
    )
    return Task(seen=seen, tag=1)


def filed(job: str, number: int, at: float) -> Filed:
    """What is said of that run."""
    record = Record(
        id=f"r{job}{number}",
        job=job,
        instant=round((INSTANTS[number] if job == "a" else at) * 1000),
        attempt=0,
        state="succeeded",
        cause="clock" if job == "a" else "parents",
        task_id=f"{job}{number}",
        launched_at=at + 0.1,
        ended_at=at + 1.3,
        life=1 if number < 2 else 2,
        parents=(("a", f"ra{number}"),) if job == "b" else (),
    )
    return Filed(record=record, launches=1)


SOUND = Evidence(
    topology=EMBEDDED,
    calls=(added(PLAN), added(CHILD), look(FIRST + 10, "a", "b")),
    tasks=(
        *(task("a", number, at) for number, at in enumerate(INSTANTS)),
        *(task("b", number, at + 2) for number, at in enumerate(INSTANTS)),
    ),
    runs=(
        *(filed("a", number, at) for number, at in enumerate(INSTANTS)),
        *(filed("b", number, at + 2) for number, at in enumerate(INSTANTS)),
    ),
    jobs={
        name: Standing(created=FIRST - 5, successes=4, errors=0, is_whole=True)
        for name in ("a", "b")
    },
    away=(Away(part="chronos1", start=FIRST + 30, end=FIRST + 33),),
    harms=(Harm("kill chronos", ("chronos1",), FIRST + 30, FIRST + 35),),
    probe=Probe(acked_s=0.1, on_time_s=2.1),
    begun=FIRST - 10,
    read=READ,
)


class JudgingTests(SynchronousTestCase):
    """One thing wrong at a time."""

    def broken(self, evidence: Evidence, *, strict: bool = False) -> set[str]:
        """The rules that find something."""
        return {one.rule for one in judge(evidence, QUICK, strict=strict).findings}

    def with_task(self, index: int, **others: object) -> Evidence:
        """What a task wrote is something else."""
        tasks = list(SOUND.tasks)
        tasks[index] = replace(tasks[index], seen=replace(tasks[index].seen, **others))
        return replace(SOUND, tasks=tuple(tasks))

    def with_record(self, index: int, **others: object) -> Evidence:
        """What is said of a run is something else."""
        runs = list(SOUND.runs)
        runs[index] = replace(runs[index], record=replace(runs[index].record, **others))
        return replace(SOUND, runs=tuple(runs))

    def with_calls(self, *calls: Call) -> Evidence:
        """Somebody has asked for more."""
        return replace(SOUND, calls=(*SOUND.calls, *calls))

    def test_sound(self) -> None:
        """Nothing is found, and every rule but one has judged something."""
        verdict = judge(SOUND, QUICK)
        self.assertEqual(verdict.findings, [])
        self.assertEqual((verdict.wished, verdict.served, verdict.excused), (4, 4, 0))
        idle = {one.rule for one in verdict.rulings if not one.judged}
        self.assertEqual(idle, {"uncertain"})
        self.assertEqual(len(verdict.lags), 4)

    def test_unserved(self) -> None:
        """A task that never wrote anything, that began too late, or that did not end."""
        without = replace(SOUND, tasks=SOUND.tasks[1:])
        self.assertEqual(self.broken(without), {"unserved", "disagreeing"})
        late = self.with_task(0, start=FIRST + 7.5, end=FIRST + 8)
        self.assertEqual(self.broken(late), {"unserved", "slow"})
        self.assertEqual(self.broken(self.with_task(0, end=None)), {"unserved", "disagreeing"})

    def test_excused(self) -> None:
        """Nobody has to run while nobody can, unless nothing is excused."""
        away = Away(part="master1", start=FIRST + 20.1, end=FIRST + 27)
        without = replace(
            SOUND,
            away=(*SOUND.away, away),
            tasks=tuple(one for one in SOUND.tasks if one.seen.task_id not in ("a1", "b1")),
            runs=tuple(one for one in SOUND.runs if one.record.task_id not in ("a1", "b1")),
            jobs={name: replace(one, successes=3) for name, one in SOUND.jobs.items()},
        )
        self.assertEqual(self.broken(without), set())
        self.assertEqual(judge(without, QUICK).excused, 1)
        self.assertEqual(self.broken(without, strict=True), {"unserved"})

    def test_blocked(self) -> None:
        """Whoever may not overlap waits for a run on an agent that is away, as long as wished."""
        away = Away(part="agent1", start=FIRST + 20.5, end=FIRST + 60)
        tasks = [replace(one, agent_id="S1") for one in SOUND.tasks if one.seen.task_id != "a2"]
        runs = [one for one in SOUND.runs if one.record.task_id != "a2"]
        late = replace(runs[1].record, ended_at=FIRST + 55)
        runs[1] = replace(runs[1], agent_id="S1", record=late)
        jobs = {**SOUND.jobs, "a": replace(SOUND.jobs["a"], successes=3)}
        blocked = replace(
            SOUND,
            away=(*SOUND.away, away),
            tasks=tuple(tasks),
            runs=tuple(runs),
            jobs=jobs,
            calls=(added(replace(PLAN, unreachable_s=60.0)), *SOUND.calls[1:]),
        )
        self.assertNotIn("unserved", self.broken(blocked))
        self.assertIn("unserved", self.broken(blocked, strict=True))
        impatient = replace(blocked, calls=SOUND.calls)
        self.assertIn("unserved", self.broken(impatient))

    def test_lost(self) -> None:
        """Of runs that may overlap those are excused that were out on an agent that is gone."""
        away = Away(part="agent1", start=FIRST + 20.5, end=READ)
        tasks = [replace(one, agent_id="S1") for one in SOUND.tasks if one.seen.task_id != "a2"]
        runs = [replace(one, agent_id="S1") for one in SOUND.runs]
        told = replace(runs[2].record, state="failed", lost=True, ended_at=FIRST + 300)
        runs[2] = replace(runs[2], record=told)
        jobs = {**SOUND.jobs, "a": replace(SOUND.jobs["a"], successes=3)}
        lost = replace(
            SOUND,
            away=(*SOUND.away, away),
            tasks=tuple(tasks),
            runs=tuple(runs),
            jobs=jobs,
            calls=(added(replace(PLAN, concurrent=True)), *SOUND.calls[1:]),
        )
        self.assertNotIn("unserved", self.broken(lost))
        self.assertEqual(judge(lost, QUICK).wished, judge(SOUND, QUICK).wished)
        self.assertIn("unserved", self.broken(lost, strict=True))
        here = replace(lost, away=(*SOUND.away, replace(away, part="agent2")))
        self.assertIn("unserved", self.broken(here))
        another = [one for one in tasks if one.seen.task_id != "a0"]
        self.assertIn("unserved", self.broken(replace(lost, tasks=tuple(another))))

    def test_twice(self) -> None:
        """A second task of one attempt; runs that overlap; both."""
        again = replace(SOUND, tasks=(*SOUND.tasks, SOUND.tasks[0]))
        self.assertEqual(self.broken(again), {"repeated", "overlapping"})
        self.assertEqual(self.broken(self.with_task(0, end=FIRST + 20.5)), {"overlapping"})

    def test_unwished(self) -> None:
        """Too early, of a job that was refused, and after a job is gone."""
        early = self.with_task(0, start=FIRST - 1)
        self.assertIn("unwished", self.broken(early))
        refused = replace(SOUND, calls=(added(PLAN, End.FAIL), *SOUND.calls[1:]))
        self.assertEqual(self.broken(refused), {"unwished", "unread"})
        gone = self.with_calls(call("delete", "a", FIRST + 30))
        self.assertEqual(self.broken(gone), {"unwished", "unread"})

    def test_records(self) -> None:
        """Records and counters that do not say what was."""
        self.assertIn("disagreeing", self.broken(self.with_record(0, state="failed")))
        jobs = {**SOUND.jobs, "a": replace(SOUND.jobs["a"], successes=5)}
        self.assertEqual(self.broken(replace(SOUND, jobs=jobs)), {"miscounted"})
        self.assertEqual(self.broken(self.with_record(3, life=1)), {"regressed"})
        self.assertEqual(self.broken(self.with_record(0, attempt=9)), {"overtried"})
        self.assertEqual(self.broken(self.with_record(0, launched_at=FIRST + 6)), {"late"})
        self.assertIn("leftover", self.broken(self.with_record(0, state="running")))

    def test_untriggered(self) -> None:
        """A dependent that follows one run twice."""
        twice = self.with_record(5, parents=(("a", "ra0"),))
        self.assertEqual(self.broken(twice), {"untriggered"})

    def test_stale(self) -> None:
        """A launch from a version that had been replaced, and one from none that ever was."""
        updated = self.with_calls(call("update", "a", FIRST + 50, tag=2))
        self.assertEqual(self.broken(updated), {"stale"})
        unknown = self.with_calls(call("update", "a", FIRST + 50, End.INFO, tag=2))
        self.assertEqual(self.broken(unknown), set())
        tasks = tuple(replace(one, tag=3) for one in SOUND.tasks)
        self.assertEqual(self.broken(replace(SOUND, tasks=tasks)), {"stale"})

    def test_unread(self) -> None:
        """A list without a job that was acknowledged; of one without an answer either will do."""
        self.assertEqual(self.broken(self.with_calls(look(FIRST + 15, "b"))), {"unread"})
        open_ = (added(PLAN, End.INFO), *SOUND.calls[1:])
        self.assertEqual(self.broken(replace(SOUND, calls=open_)), set())

    def test_uncertain(self) -> None:
        """A job without an answer that ran, and is nowhere."""
        ghost = replace(PLAN, name="c")
        ran = replace(SOUND.tasks[0], seen=replace(SOUND.tasks[0].seen, job="c", task_id="c0"))
        evidence = replace(self.with_calls(added(ghost, End.INFO)), tasks=(*SOUND.tasks, ran))
        self.assertEqual(self.broken(evidence), {"uncertain"})

    def test_ends(self) -> None:
        """Slow when nothing is wrong, not back in time, and something left."""
        slow = self.with_task(3, start=INSTANTS[3] + 3, end=INSTANTS[3] + 4)
        self.assertEqual(self.broken(slow), {"slow"})
        never = replace(SOUND, probe=Probe(acked_s=0.1, on_time_s=None))
        self.assertEqual(self.broken(never), {"unrecovered"})
        self.assertEqual(self.broken(replace(SOUND, processes=("1 sh",))), {"leftover"})
        self.assertEqual(self.broken(replace(SOUND, crashes=("master1: x",))), {"crashed"})
        self.assertEqual(self.broken(replace(SOUND, strangers=("chronos",))), {"leftover"})

    def test_switched_off(self) -> None:
        """While a job is disabled it is held to nothing, and afterwards again."""
        off = self.with_calls(call("disable", "a", FIRST + 15), call("enable", "a", FIRST + 30))
        self.assertEqual(judge(off, QUICK).wished, 3)
        never = self.with_calls(
            call("disable", "a", FIRST + 15, End.INFO), call("enable", "a", FIRST + 30)
        )
        self.assertEqual(judge(never, QUICK).wished, 1)


class TroubleTests(SynchronousTestCase):
    """When nobody could have served anything."""

    def test_away(self) -> None:
        """Ended, stopped or full; whoever is killed while stopped is stopped no more."""
        happenings = [
            (1.0, "chronos1", "begun"),
            (2.0, "chronos1", "stopped"),
            (3.0, "chronos1", "ended"),
            (3.5, "chronos1", "begun"),
            (4.0, "chronos1", "up"),
            (5.0, "chronos1", "full"),
            (6.0, "chronos1", "free"),
            (7.0, "agent1", "ended"),
            (10.0, "master1", "ended"),
            (11.0, "master1", "begun"),
            (40.0, "master1", "up"),
        ]
        found = {(one.part, one.start, one.end) for one in away_of(happenings, 41.0)}
        self.assertEqual(
            found,
            {
                ("chronos1", 2.0, 3.0),
                ("chronos1", 3.0, 4.0),
                ("chronos1", 5.0, 6.0),
                ("agent1", 7.0, 41.0),
                # It may take long, but not for ever.
                ("master1", 10.0, 21.0),
            },
        )

    def test_enough(self) -> None:
        """One agent of three is enough; of three masters it takes two."""
        away = [
            Away(part=f"agent{number}", start=start, end=10.0)
            for number, start in ((1, 1.0), (2, 2.0), (3, 3.0))
        ]
        self.assertEqual(troubles(EMBEDDED, away), [Trouble(3.0, 10.0)])
        quorum = Topology(parts={"agent": 3}, needed={"agent": 2})
        self.assertEqual(troubles(quorum, away), [Trouble(2.0, 10.0)])
        self.assertEqual(troubles(EMBEDDED, away[:2]), [])


class PlanTests(SynchronousTestCase):
    """Plans are what their seeds say."""

    def test_same(self) -> None:
        """The same seed has the same plan; another one has another."""
        self.assertEqual(plan_of(QUICK, 7), plan_of(QUICK, 7))
        self.assertNotEqual(plan_of(QUICK, 7), plan_of(QUICK, 8))

    def test_apart(self) -> None:
        """Windows of a job never touch, unless it may overlap itself; parents come first."""
        for seed in range(50):
            known: set[str] = set()
            for one in plan_of(QUICK, seed).operations:
                if one.kind == "add" and one.job is not None:
                    known.add(one.job.name)
                    self.assertLessEqual(set(one.job.parents), known)
                    least_s = one.job.window_s + QUICK.forgiven_s + one.job.duration_s
                    if one.job.count and not one.job.concurrent:
                        self.assertGreater(one.job.interval_s, least_s)

    def test_kinds(self) -> None:
        """Ten quick seeds have every kind of fault that heals; classic has the last one too."""
        kinds = {fault.kind for seed in range(1, 11) for fault in plan_of(QUICK, seed).faults}
        healing: Mapping[str, object] = {
            name: kind for name, kind in FAULTS.items() if not kind.is_final
        }
        self.assertEqual(kinds, set(healing))
        self.assertIn("lose agent", {fault.kind for fault in plan_of(CLASSIC, 1).faults})
