"""``mesostw job import``: the jobs of a crontab, put where they are new or have changed."""

from __future__ import annotations

import argparse
import getpass
import hashlib
import os
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from mesostw.cli.chronos import ChronosApi, job_path
from mesostw.cli.crontab import read
from mesostw.cli.peer import Answered, ClusterError
from mesostw.cli.tables import note, print_json

#: A label with a hash of what was imported: the same text is not put twice.
LABEL: Final = "imported-hash"
#: Digits of it.
HASH_CHARS: Final = 16
_ZONES: Final = "/zoneinfo/"


async def imported(reactor: Any, options: argparse.Namespace) -> int:
    """Put the jobs of a crontab; lines that cannot be jobs are named, and make the status 1."""
    found = read(
        _text_of(options.file),
        is_system=options.system,
        user=options.user or getpass.getuser(),
        zone=options.zone or local_zone(),
    )
    for one in found.refused:
        note(f"{options.file}:{one.line}: {one.text}: {one.why}")
    if options.dry_run:
        print_json(found.jobs)
        return 1 if found.refused else 0
    api = ChronosApi(reactor, options)
    for job in found.jobs:
        print(f"{await _put(api, job)} {job['name']}", flush=True)
    return 1 if found.refused else 0


async def _put(api: ChronosApi, job: dict[str, Any]) -> str:
    """What was done with one."""
    digest = hashlib.sha256(msgspec.json.encode(job, order="sorted")).hexdigest()[:HASH_CHARS]
    path = job_path(job["name"])
    known: Any = None
    try:
        known = await api.get(path)
    except Answered as fault:
        if fault.status != 404:
            raise
    if known is not None and (known["job"].get("labels") or {}).get(LABEL) == digest:
        return "unchanged"
    labelled = {**job, "labels": {**job["labels"], LABEL: digest}}
    await api.ask("PUT", path, {}, labelled)
    return "added" if known is None else "changed"


def _text_of(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise ClusterError(f"{name}: {fault}") from fault


def local_zone() -> str:
    """The zone that this machine's cron goes by; UTC where nothing says it."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named and not named.startswith("/"):
        return named
    target = os.path.realpath("/etc/localtime")
    _, found, zone = target.partition(_ZONES)
    return zone if found else "UTC"
