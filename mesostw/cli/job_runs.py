"""``mesostw job run | history | logs | kill | backfill``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any, Final

from twisted.internet.task import deferLater

from mesostw.cli.chronos import ROOT, ChronosApi, job_path, run_path
from mesostw.cli.cluster import Cluster
from mesostw.cli.job_changes import pairs
from mesostw.cli.job_views import run_table
from mesostw.cli.logs import copy_from
from mesostw.cli.peer import ClusterError
from mesostw.cli.tables import note, print_json

#: How often a run that is waited for is looked at.
LOOK_INTERVAL_S: Final = 0.5
ENDED: Final = frozenset({"succeeded", "failed", "killed", "skipped"})


async def begun(reactor: Any, options: argparse.Namespace) -> int:
    """Run a job now; with ``--wait`` the exit status is the run's."""
    api = ChronosApi(reactor, options)
    document: dict[str, Any] = {"environment": dict(pairs(options.env))}
    if options.arguments is not None:
        document["arguments"] = options.arguments
    told = await api.ask("POST", job_path(options.job, "runs"), {}, document)
    if not told["runs"]:
        raise ClusterError(told.get("note") or f"{options.job} cannot run now")
    run_id = told["runs"][0]["id"]
    print(run_id, flush=True)
    if not options.wait:
        return 0
    run = await _end_of(reactor, api, run_id)
    note(f"{run['state']}: {run.get('message') or run.get('reason') or 'nothing more was said'}")
    return exit_status_of(run)


async def _end_of(reactor: Any, api: ChronosApi, run_id: str) -> Any:
    """The last attempt at what a run is for, once it has ended."""
    while True:
        run = await api.get(run_path(run_id))
        last = run["attempts"][-1]["id"]
        if last != run_id:
            note(f"attempt {run['attempt']} {run['state']}; {last} tries again")
            run_id = last
        elif run["state"] in ENDED:
            return run
        else:
            await deferLater(reactor, LOOK_INTERVAL_S)


def exit_status_of(run: Mapping[str, Any]) -> int:
    """0 of a success; else the command's own, or 1 where it has none."""
    if run["state"] == "succeeded":
        return 0
    return int(run.get("exitStatus") or 1)


async def history(reactor: Any, options: argparse.Namespace) -> int:
    """List runs, the newest first."""
    asked = {"job": options.job, "state": options.state}
    terms: dict[str, str | int] = {name: value for name, value in asked.items() if value}
    terms["limit"] = options.n
    runs = await runs_of(ChronosApi(reactor, options), terms)
    if options.json:
        print_json(runs)
        return 0
    print(run_table(runs))
    return 0


async def runs_of(api: ChronosApi, terms: dict[str, str | int]) -> list[Any]:
    """
    What ``terms`` choose of the runs that are kept.

    :raises ClusterError: of a job that there is not, and that has left none
    """
    found: list[Any] = (await api.ask("GET", f"{ROOT}/runs", terms))["runs"]
    if not found and terms.get("job"):
        # Runs of a job that was removed may still be there, so this is asked last.
        await api.ask("GET", job_path(str(terms["job"])), {})
    return found


async def logs(reactor: Any, options: argparse.Namespace) -> int:
    """Print what a run printed, from its agent's files."""
    api = ChronosApi(reactor, options)
    if options.run:
        run = await api.get(run_path(options.run))
    else:
        runs = (await api.get(job_path(options.job, "runs")))["runs"]
        run = next((one for one in runs if one.get("sandbox")), None)
    if run is None or not run.get("sandbox"):
        which = options.run or f"no run of {options.job}"
        raise ClusterError(f"{which} has printed anything: it had no task yet")
    sandbox = run["sandbox"]
    path = f"{sandbox['path']}/{'stderr' if options.stderr else 'stdout'}"
    await copy_from(
        await Cluster.at(reactor, options.master), sandbox["agentId"], path, 0, sys.stdout
    )
    return 0


async def killed(reactor: Any, options: argparse.Namespace) -> int:
    """End the tasks of a job, or one run."""
    api = ChronosApi(reactor, options)
    if options.run:
        told = await api.ask("DELETE", run_path(options.run), {})
        note(f"{len(told['runs'])} runs are being ended")
        return 0
    await api.ask("DELETE", f"/v1/scheduler/task/kill/{options.job}", {})
    note(f"what runs of {options.job} is being ended")
    return 0


async def backfilled(reactor: Any, options: argparse.Namespace) -> int:
    """Run a job for instants that have passed."""
    document = {
        "job": options.job,
        "start": options.start,
        "end": options.end,
        "again": options.again,
        "dryRun": options.dry_run,
    }
    told = await ChronosApi(reactor, options).ask("POST", f"{ROOT}/backfill", {}, document)
    if options.dry_run:
        for instant in told["instants"]:
            print(instant)
        return 0
    for run in told["runs"]:
        print(f"{run['id']}  {run['instant']}")
    note(told.get("note") or f"{len(told['runs'])} runs wait")
    return 0
