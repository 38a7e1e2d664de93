"""
One run from its beginning to its verdict.

::

    start     all parts, until Chronos is known to a master and all agents are there
    adding    clients ask, and faults come and go
    settle    all is healed; one job more is asked for at once
    rest      Chronos is paused, and what runs ends
    look      everything is read, then everything is ended
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from tests.functional.chronos.asking import Client
from tests.functional.chronos.evidence import (
    OUT,
    Evidence,
    Filed,
    Probe,
    Standing,
    away_of,
    filed,
    standing,
    tasks_in,
)
from tests.functional.chronos.history import End, History, calls_of
from tests.functional.chronos.nemesis import ACTS, Nemesis
from tests.functional.chronos.plans import JobPlan, Plan, plan_of
from tests.functional.chronos.profiles import Profile
from tests.functional.chronos.town import Commands, Town
from tests.functional.chronos.workload import Workload
from tests.functional.clusters import wait_until

#: How long what runs in the end may take to end, beyond what tasks take and agents may be away.
REST_S: Final = 15.0
#: Between the beginning and the first instant of the job that is asked for after the last heal.
PROBE_HEAD_S: Final = 2.0
PROBE_LAG_S: Final = 2.0
LOOK_S: Final = 0.2


class Campaign:
    """
    A run of one seed.

    :param commands: of roles that are broken.
    """

    def __init__(self, profile: Profile, seed: int, commands: Commands) -> None:
        self._prepare(profile, plan_of(profile, seed))
        self.town = Town(self.directory, profile, commands)
        self.client = Client(self.town.address_of("chronos"), profile.patience_s)
        self.nemesis: Nemesis[Any] = Nemesis(self.town, self.plan.faults, seed, ACTS)
        #: Processes that were there when all had been told to end, and had had time for it.
        self.left: list[str] = []

    def _prepare(self, profile: Profile, plan: Plan) -> None:
        """Have a directory, and in it one for what tasks write."""
        self.profile, self.plan = profile, plan
        self.directory = Path(tempfile.mkdtemp(prefix="mesostw-chronos-"))
        self.runs = self.directory / "runs"
        self.runs.mkdir()
        # Tasks may have another user.
        self.runs.chmod(0o777)

    def evidence(self) -> Evidence:
        """Run everything, and end everything; what is left of it."""
        history = History(self.directory / "history.jsonl")
        try:
            self.town.start(self._is_up)
            found = self._run(history)
        finally:
            history.close()
            self.left = self.town.stop()
        # Some come to light only when all is ended.
        return replace(found, crashes=tuple(self.town.crashes()))

    def remove(self) -> None:
        """Leave nothing on the disk."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def tails(self, size: int = 3_000) -> str:
        """The ends of all logs."""
        return "\n".join(f"== {name}\n{self.town.log_of(name)[-size:]}" for name in self.town.parts)

    # --- one after the other --------------------------------------------------------------

    def _run(self, history: History) -> Evidence:
        workload = Workload(self.client, self.profile, history, self.runs)
        begun, began = time.time(), time.monotonic()
        trouble = Failing(lambda: self.nemesis.run(began))
        trouble.start()
        workload.run(self.plan.operations, began)
        trouble.join()
        trouble.check()
        healed = time.monotonic()
        probe = self._probe(workload)
        time.sleep(max(0.0, healed + self.profile.settle_s - time.monotonic()))
        read = time.time()
        jobs, runs = self._rest()
        happenings = [(one.wall, one.part, one.event) for one in self.town.happenings]
        return Evidence(
            topology=self.profile.topology,
            calls=tuple(calls_of((self.directory / "history.jsonl").read_bytes().splitlines())),
            tasks=tuple(tasks_in(self.runs)),
            runs=tuple(runs),
            jobs=jobs,
            away=tuple(away_of(happenings, read)),
            harms=tuple(self.nemesis.harms),
            probe=probe,
            begun=begun,
            read=read,
            processes=tuple(self.town.running("task.sh")),
            strangers=tuple(self._strangers()),
        )

    def _is_up(self) -> bool:
        told = self.client.ask("GET", "/v1/chronos/info")
        listed = self._master("/slaves")
        if told.end is not End.OK or not told.body["frameworkId"] or listed is None:
            return False
        active = sum(bool(agent["active"]) for agent in listed["slaves"])
        return active == len(self.town.of_role("agent"))

    def _master(self, path: str) -> Any:
        address = self.town.address_of("master")
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
                return json.loads(answer.read())
        except (urllib.error.URLError, OSError):
            return None

    def _probe(self, workload: Workload) -> Probe:
        """Ask for a job until it is taken, then wait for a run that begins in time."""
        healed, until = time.time(), time.monotonic() + self.profile.settle_s
        acked_s = on_time_s = None
        tries = 0
        while acked_s is None and time.monotonic() < until:
            tries += 1
            if workload.add(self._probe_job(tries), 1, PROBE_HEAD_S) is End.OK:
                acked_s = time.time() - healed
            else:
                time.sleep(LOOK_S)
        while on_time_s is None and time.monotonic() < until:
            time.sleep(LOOK_S)
            on_time_s = self._on_time(healed)
        return Probe(acked_s=acked_s, on_time_s=on_time_s)

    def _probe_job(self, number: int) -> JobPlan:
        """One after the other: what had no answer may be there, and is judged as any job."""
        return JobPlan(
            name=f"probe-{number}",
            kind="concurrent",
            api="own",
            count=99,
            interval_s=3.0,
            epsilon_s=self.profile.epsilon_s[0],
            concurrent=True,
            unreachable_s=self.profile.unreachable_s[0],
        )

    def _on_time(self, healed: float) -> float | None:
        """How long after the heal the first run of a probe began that began in time."""
        starts = [
            one.seen.start - healed
            for one in tasks_in(self.runs)
            if one.seen.job.startswith("probe-")
            and one.seen.start - one.seen.instant / 1000 <= PROBE_LAG_S
        ]
        return min(starts, default=None)

    def _rest(self) -> tuple[dict[str, Standing], list[Filed]]:
        """Start nothing more, wait for what runs, and read all that there is."""
        wait_until("a pause", self._paused)
        last_s = REST_S + self.profile.duration_s[1] + self.profile.unreachable_s[1]
        until = time.monotonic() + last_s
        while time.monotonic() < until:
            _, runs = wait_until("all records", self._records)
            if not any(one.record.state in OUT for one in runs):
                break
            time.sleep(LOOK_S)
        # Once more, now that counters and runs are of the same moment.
        found: tuple[dict[str, Standing], list[Filed]] = wait_until("records", self._records)
        return found

    def _paused(self) -> bool:
        told = self.client.ask("PUT", "/v1/chronos/pause", {"paused": True, "why": "the end"})
        return told.end is End.OK

    def _records(self) -> tuple[dict[str, Standing], list[Filed]] | None:
        """Jobs and their runs; ``None`` if something was not answered."""
        jobs = self.client.all_jobs()
        if jobs is None:
            return None
        standings, runs = {}, []
        for name, job in jobs.items():
            told = self.client.runs_of(name)
            if told is None:
                return None
            runs += map(filed, told[0])
            standings[name] = standing(job, is_whole=told[1] == len(told[0]))
        return standings, runs

    def _strangers(self) -> list[str]:
        """Frameworks beside the one that is Chronos, and Chronos' if it is not there."""
        told = self._master("/frameworks")
        if told is None:
            return ["nobody knows: the master does not answer"]
        known = [*told["frameworks"], *told.get("completed_frameworks", ())]
        names = [f"{one['name']} {one['id']}" for one in known]
        return names[1:] if names else ["Chronos is not there"]


class Failing(threading.Thread):
    """A thread of which it is told afterwards that it failed."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._fault: BaseException | None = None

    def run(self) -> None:
        """Do the work, and remember what went wrong."""
        try:
            self._work()
        except BaseException as fault:  # noqa: BLE001 - it is raised again by who waits
            self._fault = fault

    def check(self) -> None:
        """Raise what went wrong, if something did."""
        if self._fault is not None:
            raise self._fault


def saved(directory: Path, plan: Plan, evidence: Evidence) -> None:
    """Keep plan and evidence beside the logs."""
    for name, value in (("plan", plan), ("evidence", evidence)):
        path = directory / f"{name}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=1))
