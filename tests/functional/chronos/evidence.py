"""
What a run has left to be judged by: files of tasks, records, counters, and what happened when.

All of it is plain values, so that a test can change one of them and see that it is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from mesostw.testing.chronos_checks import Record, Seen
from tests.functional.chronos.history import Call
from tests.functional.chronos.nemesis import Harm
from tests.functional.chronos.profiles import Topology

_AWAY: Final = "was away for too long"
#: Which agent a sandbox is of, and by what id a master knows that.
_AGENT: Final = re.compile(r"/(?P<agent>[^/]+)/slaves/(?P<id>[^/]+)/")
#: What a daemon may take to start, in seconds, where others want the machine too.
STARTING_MAX_S: Final = 10.0
#: States in which a run has a task, or may have one.
OUT: Final = frozenset({"launching", "staging", "starting", "running", "awaited"})


class Task(Struct, frozen=True, kw_only=True):
    """What a task wrote down, as the checkers know it, and what only this test knows."""

    seen: Seen
    #: Of the version of its job that it was started from.
    tag: int
    agent_id: str = ""


class Filed(Struct, frozen=True, kw_only=True):
    """A run as Chronos shows it, and how often it was launched."""

    record: Record
    launches: int = 0
    agent_id: str = ""


class Standing(Struct, frozen=True, kw_only=True):
    """How a job stands in the end."""

    created: float
    successes: int
    errors: int
    #: Whether all of its runs are among the records.
    is_whole: bool


class Away(Struct, frozen=True, kw_only=True):
    """A part that served nobody, from when to when, in wall seconds."""

    part: str
    start: float
    end: float


class Probe(Struct, frozen=True, kw_only=True):
    """How soon after the last heal a job was taken, and one ran in time; in seconds."""

    acked_s: float | None
    on_time_s: float | None


class Evidence(Struct, frozen=True, kw_only=True):
    """Everything."""

    topology: Topology
    calls: tuple[Call, ...]
    tasks: tuple[Task, ...]
    runs: tuple[Filed, ...]
    jobs: Mapping[str, Standing]
    away: tuple[Away, ...]
    harms: tuple[Harm, ...]
    probe: Probe
    #: From when to when there was something to judge, in wall seconds.
    begun: float
    read: float
    #: What ran, and ought not, once nothing ran any more by the records.
    processes: tuple[str, ...] = ()
    #: Frameworks that the master knows, beside the one that there is to be.
    strangers: tuple[str, ...] = ()
    #: Lines of logs that tell of a fault in a program.
    crashes: tuple[str, ...] = ()


# --- files of tasks ------------------------------------------------------------------------


def tasks_in(directory: Path) -> list[Task]:
    """Every task that began, by what it wrote."""
    return [task for path in sorted(directory.iterdir()) if (task := _task(path)) is not None]


def _task(path: Path) -> Task | None:
    """``None`` of one that was ended before it had said anything."""
    lines = path.read_bytes().splitlines()
    if not lines:
        return None
    said = msgspec.json.decode(lines[0])
    ended = msgspec.json.decode(lines[1]) if len(lines) > 1 else {}
    agent = _AGENT.search(said["where"])
    seen = Seen(
        job=said["job"],
        instant=said["instant"],
        attempt=said["attempt"],
        task_id=said["task_id"],
        host="" if agent is None else agent["agent"],
        start=said["start"] / 1e9,
        end=ended["end"] / 1e9 if ended else None,
        well=ended.get("well", True),
        by_clock=not said["hand"],
    )
    return Task(seen=seen, tag=said["tag"], agent_id="" if agent is None else agent["id"])


# --- records -------------------------------------------------------------------------------


def wall_of(text: str | None) -> float | None:
    """The wall second that Chronos writes as text."""
    return None if text is None else datetime.fromisoformat(text).timestamp()


def _must(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def filed(run: Mapping[str, Any]) -> Filed:
    """A run, from the form in which Chronos shows it."""
    return Filed(
        record=Record(
            id=run["id"],
            job=run["job"],
            instant=round(_must(run["instant"]) * 1000),
            attempt=run["attempt"],
            state=run["state"],
            cause=run["cause"],
            task_id=run.get("taskId", ""),
            launched_at=wall_of(run.get("launchedAt")),
            not_before=wall_of(run.get("notBefore")) or 0.0,
            ended_at=wall_of(run.get("endedAt")),
            life=run.get("life", 0),
            retries=run.get("retries", ""),
            parents=tuple((one["job"], one["runId"]) for one in run.get("parents", ())),
            lost=_AWAY in run.get("message", ""),
        ),
        launches=run.get("launches", 0),
        agent_id=run.get("agentId", ""),
    )


def standing(job: Mapping[str, Any], *, is_whole: bool) -> Standing:
    """A job, from the form in which Chronos shows it."""
    return Standing(
        created=_must(job["created"]),
        successes=job["job"]["successCount"],
        errors=job["job"]["errorCount"],
        is_whole=is_whole,
    )


# --- who was away --------------------------------------------------------------------------


def away_of(happenings: Iterable[tuple[float, str, str]], until: float) -> list[Away]:
    """
    When each part was not there, was stopped, could not write, or was cut off from the others.

    Who has begun is away until it listens, as a busy machine has it, but not for long.

    :param happenings: wall second, part and event, as they came
    """
    closes = {"ended": "up", "stopped": "continued", "full": "free", "cut": "joined"}
    open_: dict[tuple[str, str], float] = {}
    begun: dict[str, float] = {}
    found = []
    for wall, part, event in happenings:
        if event == "begun":
            begun[part] = wall
        if event == "ended" and (start := open_.pop((part, "continued"), None)) is not None:
            # Whoever is killed while it is stopped is stopped no more.
            found.append(Away(part=part, start=start, end=wall))
        if event in closes:
            open_.setdefault((part, closes[event]), wall)
        elif (start := open_.pop((part, event), None)) is not None:
            end = min(wall, begun[part] + STARTING_MAX_S) if event == "up" else wall
            found.append(Away(part=part, start=start, end=end))
    found += [Away(part=part, start=start, end=until) for (part, _), start in open_.items()]
    return found
