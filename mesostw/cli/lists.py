"""``mesostw ps | tasks | agents | frameworks | version``: what there is."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from typing import Any

from mesostw import __version__
from mesostw.cli.cluster import Cluster, ClusterError
from mesostw.cli.tables import NOTHING, age, number, print_json, share, table


def add(subcommands: Any) -> None:
    """Declare the listing commands."""
    for name, text, command in (
        ("ps", "tasks that are active now", ps),
        ("tasks", "all tasks, ended ones too", tasks),
        ("agents", "agents and what is used of each", agents),
        ("frameworks", "frameworks and what each uses", frameworks),
    ):
        one = subcommands.add_parser(name, help=text)
        one.add_argument("--json", action="store_true", help="the master's JSON as it is")
        if name in ("ps", "tasks"):
            one.add_argument("--framework", metavar="ID", help="only this framework's tasks")
            one.add_argument("--state", metavar="STATE", help="only this state, as RUNNING")
        one.set_defaults(command=command)


def all_tasks(state: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every task in a master's ``/state``, active or not."""
    for framework in (*state["frameworks"], *state["completed_frameworks"]):
        for kind in ("tasks", "unreachable_tasks", "completed_tasks"):
            for task in framework.get(kind, ()):
                yield {**task, "active": kind == "tasks", "framework_name": framework["name"]}


async def ps(reactor: object, options: argparse.Namespace) -> int:
    """List active tasks."""
    return await _tasks(reactor, options, active_only=True)


async def tasks(reactor: object, options: argparse.Namespace) -> int:
    """List all tasks that the master remembers."""
    return await _tasks(reactor, options, active_only=False)


async def _tasks(reactor: object, options: argparse.Namespace, *, active_only: bool) -> int:
    state = await (await Cluster.at(reactor, options.master)).get("/state")
    hosts = {agent["id"]: agent["hostname"] for agent in state["slaves"]}
    wanted = options.state and "TASK_" + options.state.upper().removeprefix("TASK_")
    found = [
        task
        for task in all_tasks(state)
        if (task["active"] or not active_only)
        and (not wanted or task["state"] == wanted)
        and (not options.framework or task["framework_id"] == options.framework)
    ]
    if options.json:
        print_json(found)
        return 0
    now = time.time()
    rows = []
    for task in found:
        statuses = task.get("statuses") or []
        rows.append(
            (
                task["id"],
                task["state"].removeprefix("TASK_"),
                hosts.get(task["slave_id"], task["slave_id"] or NOTHING),
                number(task["resources"]["cpus"]),
                number(task["resources"]["mem"]),
                age(statuses[-1]["timestamp"] if statuses else None, now),
                task["framework_name"],
                task["name"],
            )
        )
    print(table(("id", "state", "host", "cpus", "mem", "since", "framework", "name"), rows))
    return 0


async def agents(reactor: object, options: argparse.Namespace) -> int:
    """List agents."""
    listed = await (await Cluster.at(reactor, options.master)).get("/slaves")
    if options.json:
        print_json(listed["slaves"])
        return 0
    now = time.time()
    rows = [
        (
            agent["id"],
            agent["hostname"],
            str(agent["port"]),
            "active" if agent["active"] else "inactive",
            share(agent["used_resources"]["cpus"], agent["resources"]["cpus"]),
            share(agent["used_resources"]["mem"], agent["resources"]["mem"]),
            share(agent["used_resources"]["disk"], agent["resources"]["disk"]),
            age(agent.get("reregistered_time") or agent["registered_time"], now),
        )
        for agent in listed["slaves"]
    ]
    print(table(("id", "host", "port", "state", "cpus", "mem", "disk", "since"), rows))
    return 0


async def frameworks(reactor: object, options: argparse.Namespace) -> int:
    """List frameworks."""
    listed = await (await Cluster.at(reactor, options.master)).get("/frameworks")
    if options.json:
        print_json(listed["frameworks"])
        return 0
    now = time.time()
    rows = [
        (
            framework["id"],
            framework["name"],
            framework["user"] or NOTHING,
            ",".join(framework.get("roles") or [framework.get("role", "*")]),
            _state_of(framework),
            str(len(framework["tasks"])),
            number(framework["used_resources"]["cpus"]),
            number(framework["used_resources"]["mem"]),
            age(framework["registered_time"], now),
        )
        for framework in listed["frameworks"]
    ]
    print(table(("id", "name", "user", "roles", "state", "tasks", "cpus", "mem", "since"), rows))
    return 0


def _state_of(framework: Mapping[str, Any]) -> str:
    if framework.get("recovered"):
        return "recovered"
    if not framework["connected"]:
        return "disconnected"
    return "active" if framework["active"] else "inactive"


async def version(reactor: object, options: argparse.Namespace) -> int:
    """Tell our version and, if it answers, the master's."""
    print(f"mesostw {__version__}")
    try:
        told = await (await Cluster.at(reactor, options.master)).get("/version")
    except ClusterError as fault:
        print(f"master  not asked: {fault}")
    else:
        print(f"master  {told['version']} (Mesos API) at {options.master}")
    return 0
