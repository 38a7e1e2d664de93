"""``mesostw job add | edit | remove | enable | disable | pause | resume``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mesostw.cli.chronos import ROOT, ChronosApi, job_path
from mesostw.cli.documents import read_document, value_of
from mesostw.cli.job_views import when
from mesostw.cli.peer import Answered, ClusterError
from mesostw.cli.tables import note

#: Fields that are text, also where it looks like JSON.
TEXTS: Final = frozenset(
    {"command", "schedule", "cron", "owner", "ownerName", "description", "scheduleTimeZone"}
)


async def added(reactor: Any, options: argparse.Namespace) -> int:
    """Have a job as the command line, or a file, says."""
    api = ChronosApi(reactor, options)
    document = document_of(options)
    if options.dry_run:
        told = await api.ask("POST", f"{ROOT}/validate", {}, document)
        for one in told.get("instants", ()):
            print(f"{one['utc']}  {one['local']}")
        note(f"{document['name']} could be so: {when(told['job'])}")
        return 0
    headers = {} if options.replace else {"If-None-Match": "*"}
    path = job_path(document["name"])
    try:
        told = await api.ask("PUT", path, {}, document, headers)
    except Answered as fault:
        if fault.status == 412:
            text = f"there is a job {document['name']} already; --replace replaces it"
            raise ClusterError(text) from fault
        raise
    _say(told)
    return 0


def document_of(options: argparse.Namespace) -> dict[str, Any]:
    """
    The job that ``add`` names; what the command line says wins over a file.

    :raises ClusterError: it has no name
    """
    document = _of_file(options.file)
    given = {
        "name": options.job,
        "command": options.line,
        "schedule": options.schedule,
        "cron": options.cron[0] if len(options.cron) == 1 else options.cron,
        "parents": options.after,
        "scheduleTimeZone": options.zone,
        "owner": options.owner,
        "environmentVariables": variables(options.env),
    }
    document |= {name: value for name, value in given.items() if value}
    numbers = {name: getattr(options, name) for name in ("cpus", "mem", "disk", "retries")}
    document |= {name: value for name, value in numbers.items() if value is not None}
    if not document.get("name"):
        raise ClusterError("give the job a name, or a file that has one")
    return document


def _of_file(name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    found = read_document(name)
    if not isinstance(found, Mapping):
        raise ClusterError(f"{name}: no job: it must be a JSON object")
    return dict(found)


def variables(texts: Sequence[str]) -> list[dict[str, str]]:
    """``NAME=VALUE`` as the API has variables."""
    return [{"name": name, "value": value} for name, value in pairs(texts)]


def pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    """
    ``NAME=VALUE`` in two.

    :raises ClusterError: one has no ``=``
    """
    found = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise ClusterError(f"{text!r}: give it as NAME=VALUE")
        found.append((name, value))
    return found


async def edited(reactor: Any, options: argparse.Namespace) -> int:
    """Change the fields that are named, and no others."""
    api = ChronosApi(reactor, options)
    document = _of_file(options.file)
    for name, value in pairs(options.fields):
        table, dot, key = name.partition(".")
        if dot and table == "labels":
            if table not in document:
                known = await api.get(job_path(options.job))
                document[table] = dict(known["job"].get("labels") or {})
            document[table][key] = value
        else:
            document[name] = value if name in TEXTS else value_of(value)
    if not document:
        raise ClusterError("nothing to change; name fields as cpus=0.5, or a file with -f")
    _say(await api.ask("PATCH", job_path(options.job), {}, document))
    return 0


def _say(told: Mapping[str, Any]) -> None:
    later = f", next {told['next']}" if told.get("next") else ""
    note(f"{told['name']} {when(told['job'])}{later}")


async def removed(reactor: Any, options: argparse.Namespace) -> int:
    """Kill a job's runs and forget it."""
    told = await ChronosApi(reactor, options).ask("DELETE", job_path(options.job), {})
    note(f"{options.job} is removed; {len(told['killed'])} runs are being ended")
    if told["dependents"]:
        note("these ran after it, and were tied anew: " + ", ".join(told["dependents"]))
    return 0


async def enabled(reactor: Any, options: argparse.Namespace) -> int:
    """Let a job run."""
    return await _enable(reactor, options, True)


async def disabled(reactor: Any, options: argparse.Namespace) -> int:
    """Let a job run no more."""
    return await _enable(reactor, options, False)


async def _enable(reactor: Any, options: argparse.Namespace, wished: bool) -> int:
    path = job_path(options.job, "enabled")
    told = await ChronosApi(reactor, options).ask("PUT", path, {}, {"enabled": wished})
    word = "enabled" if wished else "disabled"
    note(f"{options.job} is {word}" if told["changed"] else f"{options.job} was {word} before")
    return 0


async def paused(reactor: Any, options: argparse.Namespace) -> int:
    """Have nothing started until it is resumed."""
    document = {"paused": True, "why": options.why}
    await ChronosApi(reactor, options).ask("PUT", f"{ROOT}/pause", {}, document)
    note("nothing is started until `mesostw job resume`; what runs goes on")
    return 0


async def resumed(reactor: Any, options: argparse.Namespace) -> int:
    """Have jobs started again."""
    await ChronosApi(reactor, options).ask("PUT", f"{ROOT}/pause", {}, {"paused": False})
    note("jobs are started again")
    return 0
