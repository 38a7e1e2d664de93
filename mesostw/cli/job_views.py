"""``mesostw job list | show | next | why``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, Final

from mesostw.cli.chronos import ROOT, ChronosApi, job_path
from mesostw.cli.tables import NOTHING, print_json, short, table

#: Of a job's document, what a person looks for first.
SHOWN: Final = (
    "description",
    "command",
    "arguments",
    "scheduleTimeZone",
    "owner",
    "cpus",
    "mem",
    "disk",
    "retries",
    "concurrency",
    "catchUp",
    "environmentVariables",
    "constraints",
    "labels",
)
RUNS_SHOWN: Final = 10


async def listed(reactor: Any, options: argparse.Namespace) -> int:
    """List jobs with how each stands."""
    asked = {"label": options.label, "q": options.query, "state": options.state}
    terms = {name: value for name, value in asked.items() if value}
    jobs = await ChronosApi(reactor, options).jobs(**terms)
    if options.json:
        print_json(jobs)
        return 0
    rows = [
        (job["name"], job["status"], state_of(job), job["next"] or NOTHING, when(job["job"]))
        for job in jobs
    ]
    print(table(("name", "last", "state", "next", "when"), rows))
    return 0


def state_of(job: Mapping[str, Any]) -> str:
    """What it does; or that it may not, and why."""
    if job["job"].get("disabled"):
        because = job.get("disabledBecause") or "asked"
        return f"disabled ({because})"
    return str(job["state"])


def when(document: Mapping[str, Any]) -> str:
    """On which clock, or after whom."""
    if document.get("parents"):
        return "after " + ", ".join(document["parents"])
    cron = document.get("cron")
    if cron:
        text = cron if isinstance(cron, str) else ", ".join(cron)
        return f"cron {text}"
    return document.get("schedule") or NOTHING


async def show(reactor: Any, options: argparse.Namespace) -> int:
    """Print one job and its last runs."""
    api = ChronosApi(reactor, options)
    job = await api.get(job_path(options.job))
    if options.json:
        print_json(job)
        return 0
    document = job["job"]
    facts = {
        "name": job["name"],
        "version": job["version"],
        "when": when(document),
        "next": job["next"],
        "last": job["status"],
        "state": state_of(job),
        **{name: document.get(name) for name in SHOWN},
        "children": job["children"],
    }
    for name, value in facts.items():
        if value not in (None, "", [], {}):
            print(f"{name:<20} {short(value)}")
    runs = (await api.get(job_path(options.job, "runs"), limit=RUNS_SHOWN))["runs"]
    if runs:
        print()
        print(run_table(runs))
    return 0


def run_table(runs: list[Any]) -> str:
    """Runs, one a line."""
    rows = [
        (
            run["id"],
            run["job"],
            run["instant"],
            run["state"],
            str(run["attempt"]),
            run["cause"],
            run.get("hostname") or NOTHING,
            _seconds(run.get("tookSeconds")),
            run.get("message") or run.get("reason") or "",
        )
        for run in runs
    ]
    heads = ("run", "job", "instant", "state", "attempt", "cause", "host", "took", "message")
    return table(heads, rows)


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f}s"


async def next_(reactor: Any, options: argparse.Namespace) -> int:
    """Print when a job will run, in UTC and as the clocks of its zone will show."""
    told = await ChronosApi(reactor, options).get(job_path(options.job, "next"), n=options.n)
    if options.json:
        print_json(told)
        return 0
    if not told["instants"]:
        print(f"{options.job} has no instant to come; `mesostw job why` says more")
        return 0
    rows = [(one["utc"], one["local"]) for one in told["instants"]]
    print(table(("utc", told["zone"]), rows))
    return 0


async def why(reactor: Any, options: argparse.Namespace) -> int:
    """Print why a job is as it is, and what would change that."""
    told = await ChronosApi(reactor, options).get(f"{ROOT}/why/{options.job}")
    if options.json:
        print_json(told)
        return 0
    print(told["sentence"])
    for run in told.get("waiting", ()):
        print(f"  {run['run']['id']}  {run['run']['instant']}  {run['sentence']}")
    for line in told.get("funnel", ()):
        print(f"  {line}")
    return 0
