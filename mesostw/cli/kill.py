"""``mesostw kill``: end a task, whichever framework runs it."""

from __future__ import annotations

import argparse
from typing import Any

from mesostw.cli.cluster import Cluster
from mesostw.cli.logs import find_task


def add(subcommands: Any) -> None:
    """Declare ``kill``."""
    one = subcommands.add_parser(
        "kill",
        help="end a task",
        description="End a task. Its framework hears of it, and may start another.",
    )
    one.add_argument("task", help="the task's id, or a part of it that only one task has")
    one.set_defaults(command=kill)


async def kill(reactor: object, options: argparse.Namespace) -> int:
    """Ask the master to kill a task; the answer is that it has been asked, not the end."""
    cluster = await Cluster.at(reactor, options.master)
    task = await find_task(cluster, options.task)
    if not task["active"]:
        print(f"{task['id']} has ended already: {task['state']}")
        return 0
    await cluster.post(f"/api/v1/tasks/{task['framework_id']}/{task['id']}/kill")
    print(f"{task['id']} is being killed")
    return 0
