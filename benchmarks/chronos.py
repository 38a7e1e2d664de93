"""
Chronos: a start over a full history, many jobs due at once, how late jobs start, its lists.

10,000 jobs with 20 ended runs each are laid into its store before it starts.  The original,
from its own figures and those of others: a loop of 0.44 s at 1,000 jobs, runs 1 to 2 s late,
a page that could not be used with 300 jobs.  The yardstick of jobs due at once is the same
number of tasks launched by a bare framework of ours through the same agents.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.processes import Api, Bench, bench, cpu_s, memory_bytes
from mesostw.core.chronos.changes import (
    ChronosChange,
    JobChanged,
    RunChanged,
    StandingChanged,
    VersionKept,
)
from mesostw.core.chronos.records import Cause, Job, Run, RunState, Standing
from mesostw.model.ids import TaskId
from mesostw.model.jobs import Instant, JobName, JobSpec, Period, Repeating, RunId
from mesostw.store.sqlite import Database
from mesostw.wire.records import encode_record

AGENTS: Final = 16
RUNS_EACH: Final = 20
#: Until the many are due: longer than it takes to lay the history and to start.
AHEAD_S: Final = 45
#: Jobs that are due each second when nothing else is, and for how long.
IDLE_JOBS: Final = 20
IDLE_S: Final = 30
DAY_S: Final = 86_400
#: Jobs whose records are laid in one transaction.
GROUP: Final = 500
BODY: Final[dict[str, Any]] = {"command": "true", "cpus": 0.01, "mem": 1, "disk": 0}


def stamp(wall: float) -> str:
    """A time as the API has it."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def history(number: int, first_due: float, now: float) -> list[ChronosChange]:
    """A daily job that ran every day, with what became of it."""
    name, created = JobName(f"job-{number:05}"), stamp(now - 30 * DAY_S)
    anchor = datetime.fromtimestamp(first_due - 30 * DAY_S, UTC).replace(tzinfo=None)
    spec = JobSpec(
        name=name,
        timetable=Repeating(anchor=anchor, period=Period(days=1), zone="UTC"),
        **BODY,
    )
    job = Job(spec, created, created)
    standing = Standing(
        job=name,
        due=Instant(int(first_due) * 1000),
        passed=30,
        success_count=30,
        last_success=now - DAY_S,
        durations=b"\x10\x27\x00\x00" * RUNS_EACH,
    )
    changes: list[ChronosChange] = [JobChanged(job), VersionKept(job), StandingChanged(standing)]
    for day in range(RUNS_EACH, 0, -1):
        wall, run_id = first_due - day * DAY_S, RunId(f"{number:08x}-0000-0000-0000-{day:012x}")
        run = Run(
            id=run_id,
            job=name,
            incarnation=created,
            instant=Instant(int(wall) * 1000),
            cause=Cause.CLOCK,
            made=wall,
            since=wall + 10,
            state=RunState.SUCCEEDED,
            version=created,
            launch=1,
            task_id=TaskId(f"ct:{int(wall) * 1000}:0:{name}:{run_id}.1"),
            hostname="bench",
            launched_at=wall,
            started_at=wall + 0.1,
            ended_at=wall + 10,
            exit_status=0,
        )
        changes.append(RunChanged(run))
    return changes


def lay(one: Bench, jobs: int, many: int, due: float) -> None:
    """Lay the store: ``many`` are due at ``due``, one since a minute, the others tomorrow."""
    now = time.time()
    (one.directory / "chronos").mkdir()
    database = Database(str(one.directory / "chronos" / "chronos.db"))
    epoch = database.take_over().epoch
    for begin in range(0, jobs, GROUP):
        writes = []
        for number in range(begin, min(jobs, begin + GROUP)):
            at = now - 60 if number == many else due if number < many else now + DAY_S
            for change in history(number, at, now):
                write = change.write()
                assert write is not None
                value = None if write.value is None else encode_record(write.value)
                writes.append((write.key, value))
        database.keep([(writes, epoch)])
    database.close()


def say(what: str, figure: float, demand: float, unit: str, beside: str = "") -> bool:
    """Print one figure with its demand; whether that was met."""
    met = figure < demand
    missed = "" if met else ": NOT MET"
    print(f"{what}: {figure:.3g} {unit}{beside}; demand {demand:g} {unit}{missed}", flush=True)
    return met


def runs_of(api: Api, query: str, wanted: int) -> list[dict[str, Any]]:
    """Runs that have started; returns once there are as many as are wanted."""
    while True:
        found = api.ask("GET", f"/v1/chronos/runs?limit=1000&{query}")["runs"]
        started = [run for run in found if "startedAt" in run]
        if len(started) >= wanted:
            return started
        # Each question costs Chronos some of what is measured.
        time.sleep(0.5)


def wall_of(text: str) -> float:
    """Wall seconds of a time of the API."""
    return datetime.fromisoformat(text).timestamp()


def p99(values: list[float]) -> float:
    """What 99 of 100 do not exceed."""
    return sorted(values)[int(len(values) * 0.99)]


def lists(api: Api, jobs: int) -> bool:
    """How long the lists of all jobs take, at first and later."""
    met = True
    for path, demand in (("jobs/summary", 0.2), ("jobs", 1.0)):
        times, size = [], 0
        for _ in range(4):
            began = time.monotonic()
            size = len(api.read("GET", f"/v1/scheduler/{path}"))
            times.append(time.monotonic() - began)
        beside = f" first, {min(times[1:]):.3f} s later, {size / 1e6:.1f} MB"
        met &= say(f"GET {path} of {jobs} jobs", times[0], demand, "s", beside)
    return met


def idle(api: Api) -> bool:
    """How late runs start when there is nothing else to do."""
    begin = int(time.time()) + 5
    before, since = cpu_s(api.process.pid), time.monotonic()
    for number in range(IDLE_JOBS):
        schedule = f"R{IDLE_S}/{stamp(begin)}/PT1S"
        document = {"name": f"idle-{number}", "schedule": schedule, "concurrent": True, **BODY}
        api.ask("POST", "/v1/scheduler/iso8601", {**document, "epsilon": "PT60S"})
    time.sleep(begin + IDLE_S + 2 - time.time())
    lags: list[float] = []
    for number in range(IDLE_JOBS):
        query = f"job=idle-{number}"
        lags += [run["latenessSeconds"] for run in runs_of(api, query, 1)]
    share = (cpu_s(api.process.pid) - before) / (time.monotonic() - since)
    beside = f" (median {sorted(lags)[len(lags) // 2]:.3f} s, {share:.0%} of a core)"
    return say(f"lateness of {len(lags)} runs, p99", p99(lags), 1.0, "s", beside)


def main(*, quick: bool = False) -> int:
    """Measure and print; whether a demand was missed."""
    jobs, many = (2_000, 200) if quick else (10_000, 1_000)
    met = True
    with bench() as one:
        one.start_master()
        one.start_farm(AGENTS).wait_for("all_registered")
        load = one.start_load("tasks", f"--count={many}", "--until=running")
        bare_s: float = load.wait_for("done")["seconds"]
        load.kill()
        due = float(int(time.time()) + AHEAD_S)
        lay(one, jobs, many, due)
        began = time.time()
        api = Api(one, "chronos", "/v1/scheduler/jobs/summary")
        first = runs_of(api, f"job=job-{many:05}&since={stamp(began - 1)}", 1)
        seconds = wall_of(first[0]["launchedAt"]) - began
        met &= say("from the start to the first launch", seconds, 3.0, "s")
        megabytes = memory_bytes(api.process.pid) / 1e6
        what = f"memory of {jobs} jobs with {RUNS_EACH} runs each"
        met &= say(what, megabytes, 200.0, "MB")
        # No question may be under way when they are due.
        time.sleep(max(0.0, due + 3 - time.time()))
        started = runs_of(api, f"since={stamp(due - 1)}", many)
        seconds = max(wall_of(run["startedAt"]) for run in started) - due
        beside = f", {seconds / bare_s:.1f} x bare tasks ({bare_s:.2f} s)"
        met &= say(f"{many} due at once on {AGENTS} agents, all started", seconds, 5.0, "s", beside)
        met &= lists(api, jobs)
        met &= idle(api)
    return int(not met)


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv))
