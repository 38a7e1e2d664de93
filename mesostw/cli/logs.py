"""``mesostw logs``: what a task printed, and goes on printing with ``-f``."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final, TextIO

from twisted.internet.task import deferLater

from mesostw.cli.cluster import Cluster, ClusterError
from mesostw.cli.lists import all_tasks

#: How often a followed file is read.
FOLLOW_INTERVAL_S: Final = 0.5


def add(subcommands: Any) -> None:
    """Declare ``logs``."""
    one = subcommands.add_parser("logs", help="what a task printed")
    one.add_argument("task", help="the task's id, or a part of it that only one task has")
    one.add_argument("-f", "--follow", action="store_true", help="go on until the task has ended")
    one.add_argument("--stderr", action="store_true", help="stderr instead of stdout")
    one.set_defaults(command=logs)


async def find_task(cluster: Cluster, wanted: str) -> dict[str, Any]:
    """The one task that ``wanted`` names, by its id or a part of it."""
    state = await cluster.get("/state")
    tasks = list(all_tasks(state))
    exact = [task for task in tasks if task["id"] == wanted]
    found = exact or [task for task in tasks if wanted in task["id"]]
    if not found:
        raise ClusterError(f"no task is called {wanted!r}; `mesostw tasks` lists them")
    if len(found) > 1 and not exact:
        some = ", ".join(task["id"] for task in found[:5])
        raise ClusterError(f"{len(found)} tasks have {wanted!r} in their id: {some} ...")
    # The newest of several frameworks' tasks of one id, an active one before all.
    return max(found, key=lambda task: (task["active"], _last_time(task)))


def _last_time(task: dict[str, Any]) -> float:
    return max((status["timestamp"] for status in task.get("statuses", ())), default=0.0)


def sandbox_file(task: dict[str, Any], name: str) -> str:
    """The virtual path of a file in the task's newest sandbox."""
    executor = task["executor_id"] or task["id"]
    return f"/frameworks/{task['framework_id']}/executors/{executor}/runs/latest/{name}"


async def logs(reactor: Any, options: argparse.Namespace) -> int:
    """Print a task's output, following it when asked."""
    cluster = await Cluster.at(reactor, options.master)
    task = await find_task(cluster, options.task)
    path = sandbox_file(task, "stderr" if options.stderr else "stdout")
    offset = 0
    while True:
        # Asked before the read: what the task printed up to its end is then read below.
        ended = not task["active"]
        offset = await copy_from(cluster, task["slave_id"], path, offset, sys.stdout)
        if ended or not options.follow:
            return 0
        await deferLater(reactor, FOLLOW_INTERVAL_S)
        task = await find_task(cluster, task["id"])


async def copy_from(cluster: Cluster, agent_id: str, path: str, offset: int, output: TextIO) -> int:
    """Copy all that a file has from ``offset`` on; returns where it ended."""
    while True:
        _, text = await cluster.read_file(agent_id, path, offset)
        if not text:
            return offset
        output.write(text)
        output.flush()
        offset += len(text.encode(errors="surrogateescape"))
