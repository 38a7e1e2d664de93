"""``mesostw app``: apps that Marathon keeps running."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from mesostw.cli import app_changes, app_events
from mesostw.cli import deployments as deployments_
from mesostw.cli.marathon import MarathonApi, app_path, declare, declare_change
from mesostw.cli.tables import NOTHING, number, print_json, short, table


def add(subcommands: Any) -> None:
    """Declare ``app`` and what it can do."""
    top = subcommands.add_parser(
        "app",
        help="apps that stay up",
        description="Apps that Marathon keeps running: see them, change them, learn why they wait.",
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_views(commands)
    _add_documents(commands)
    _add_moves(commands)
    _add_steering(commands)


def _add_views(commands: Any) -> None:
    one = _command(commands, "list", "all apps, or those of a group", list_)
    one.add_argument("group", nargs="?", default="", help="only those below this group")
    one.add_argument("-l", "--label", default="", help="a selector, as env==prod,tier!=web")
    _json(one)
    one = _command(commands, "show", "one app, its instances and how they ended last", show)
    _app(one)
    _json(one)
    one = _command(commands, "why", "why an app is as it is", app_events.why)
    _app(one)
    _json(one)
    one = _command(commands, "events", "what happens, as it happens", app_events.events)
    one.add_argument("types", nargs="*", metavar="TYPE", help="only these event types")
    _json(one)


def _add_documents(commands: Any) -> None:
    one = _change(commands, "create", "have an app, or several, as a file says", "created")
    _file(one)
    one = _change(commands, "update", "change an app", "updated")
    _app(one)
    one.add_argument(
        "fields",
        nargs="*",
        metavar="FIELD=VALUE",
        help="as instances=3, cpus=0.5, cmd='sleep 60', env.NAME=value, labels.NAME=value",
    )
    one.add_argument("-f", "--file", help="a JSON file with the fields that change; - is stdin")
    one = _change(commands, "rollback", "go back to an earlier version", "rolled_back")
    _app(one)
    one.add_argument("version", nargs="?", help="the one before the present, if not given")


def _add_moves(commands: Any) -> None:
    one = _change(commands, "scale", "wish another number of instances", "scaled")
    _app(one)
    one.add_argument("instances", help="how many; * is one on every matching agent")
    _app(_change(commands, "restart", "replace every instance", "restarted"))
    one = _change(commands, "kill", "end instances; they are replaced", "killed")
    _app(one)
    one.add_argument("tasks", nargs="*", help="their tasks; all if none is named")
    one.add_argument("--host", help="only those on this host")
    one.add_argument("--scale", action="store_true", help="do not replace them")
    one.add_argument("--wipe", action="store_true", help="forget them at once")
    _app(_change(commands, "delete", "end an app and forget it", "deleted"))


def _add_steering(commands: Any) -> None:
    one = _command(commands, "deployments", "what is under way", deployments_.listed)
    one.add_argument("--cancel", metavar="ID", help="take a deployment back")
    one.add_argument("--stop", metavar="ID", help="stop it where it is")
    one.add_argument("--pause", metavar="ID", help="have it replace nothing more for now")
    one.add_argument("--continue", metavar="ID", dest="go_on", help="have it go on")
    one.add_argument("--wait", metavar="ID", help="show its progress until it is over")


def _command(commands: Any, name: str, text: str, command: Any) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    declare(one)
    one.set_defaults(command=command)
    return one


def _change(commands: Any, name: str, text: str, function: str) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    declare_change(one)
    one.set_defaults(command=getattr(app_changes, function))
    return one


def _app(one: argparse.ArgumentParser) -> None:
    one.add_argument("app", help="its id, as /shop/web")


def _file(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "-f", "--file", required=True, help="a JSON file: an app, a list of apps, or a group"
    )


def _json(one: argparse.ArgumentParser) -> None:
    one.add_argument("--json", action="store_true", help="Marathon's JSON as it is")


async def list_(reactor: Any, options: argparse.Namespace) -> int:
    """List apps with what there is of each."""
    api = MarathonApi(reactor, options)
    terms: dict[str, str | int] = {"label": options.label} if options.label else {}
    apps = (await api.ask("GET", "/v2/apps", terms))["apps"]
    group = "/" + options.group.strip("/")
    if group != "/":
        apps = [app for app in apps if app["id"].startswith(group + "/") or app["id"] == group]
    if options.json:
        print_json(apps)
        return 0
    waiting = {one["app"]["id"]: one for one in (await api.get("/v2/queue"))["queue"]}
    rows = [
        (
            app["id"],
            status_of(app, waiting.get(app["id"])),
            f"{app['tasksRunning']}/{app['instances']}",
            health_of(app),
            number(app["cpus"]),
            number(app["mem"]),
            app.get("cmd") or " ".join(app.get("args", ())) or NOTHING,
        )
        for app in sorted(apps, key=lambda one: str(one["id"]))
    ]
    print(table(("id", "status", "running", "healthy", "cpus", "mem", "command"), rows))
    return 0


def status_of(app: Any, waiting: Any) -> str:
    """One word, by the rule that Marathon's own UI has."""
    if waiting is not None and not waiting["delay"]["overdue"]:
        return f"delayed {waiting['delay']['timeLeftSeconds']}s"
    if waiting is not None:
        return "waiting"
    if app["deployments"]:
        return "deploying"
    if app["instances"] == 0 and app["tasksRunning"] == 0:
        return "suspended"
    return "running" if app["tasksRunning"] else NOTHING


def health_of(app: Any) -> str:
    """Healthy ones of those that run; nothing if nobody looks."""
    return f"{app['tasksHealthy']}/{app['tasksRunning']}" if app.get("healthChecks") else NOTHING


async def show(reactor: Any, options: argparse.Namespace) -> int:
    """Print one app, its instances and their last ends."""
    api = MarathonApi(reactor, options)
    app = (await api.ask("GET", app_path(options.app), {"extensions": "true"}))["app"]
    if options.json:
        print_json(app)
        return 0
    for name in ("id", "version", "cmd", "args", "role", "constraints", "labels", "env"):
        if app.get(name):
            print(f"{name:<12} {short(app[name])}")
    counts = f"{app['tasksRunning']} of {app['instances']} run, {health_of(app)} healthy"
    print(f"{'instances':<12} {counts}")
    print()
    print(table(("task", "state", "host", "ports", "health", "since"), _rows(app["tasks"])))
    last = app.get("lastTaskFailure")
    if last:
        print(f"\nlast failure  {last['timestamp']}  {last['taskId']}")
        print(f"  {last['state']}: {last['message']}")
    return 0


def _rows(tasks: Sequence[Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for task in tasks:
        results = task.get("healthCheckResults") or ()
        alive = "yes" if all(one["alive"] for one in results) else "no"
        rows.append(
            (
                task["id"],
                task["state"].removeprefix("TASK_").lower(),
                task["host"],
                ",".join(str(port) for port in task.get("ports", ())) or NOTHING,
                alive if results else NOTHING,
                task.get("startedAt") or task.get("stagedAt") or NOTHING,
            )
        )
    return rows
