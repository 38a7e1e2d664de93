"""``mesostw why``: why something is as it is, with what last happened to it."""

from __future__ import annotations

import argparse
from typing import Any

from mesostw.cli.cluster import Cluster
from mesostw.cli.logs import find_task


def add(subcommands: Any) -> None:
    """Declare ``why``."""
    one = subcommands.add_parser("why", help="why a task, agent or framework is as it is")
    one.add_argument("kind", choices=("task", "agent", "framework"), help="what is asked about")
    one.add_argument("id", help="its id; for a task a part of it is enough")
    one.set_defaults(command=why)


async def why(reactor: object, options: argparse.Namespace) -> int:
    """Print the master's explanation."""
    cluster = await Cluster.at(reactor, options.master)
    name = options.id
    if options.kind == "task":
        task = await find_task(cluster, name)
        name = f"{task['framework_id']}/{task['id']}"
    told = await cluster.get(f"/api/v1/why/{options.kind}/{name}")
    print(told["sentence"])
    for fact in told["facts"]:
        print(f"  - {fact}")
    if told["story"]:
        print("What last happened to it:")
        for line in told["story"]:
            print(f"  {line}")
    return 0
