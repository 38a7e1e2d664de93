"""Asking Chronos: jobs by their names, runs by their ids, errors as people read them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import Any, Final

from mesostw.cli.documents import credentials_of
from mesostw.cli.peer import Peer

#: How a newcomer's Chronos answers when nothing is said.
CHRONOS_DEFAULT: Final = "127.0.0.1:4400"
#: Where user and password come from.
CREDENTIALS_VARIABLE: Final = "CHRONOS_HTTP_CREDENTIALS"
ROOT: Final = "/v1/chronos"
#: Jobs that one request may ask for.
PAGE: Final = 1_000


class ChronosApi(Peer):
    """One Chronos' HTTP."""

    def __init__(self, reactor: Any, options: argparse.Namespace) -> None:
        super().__init__(
            reactor,
            options.chronos,
            "Chronos",
            "start one with script/cluster, or name another with --chronos HOST:PORT",
            credentials_of(CREDENTIALS_VARIABLE),
        )

    def _error_text(self, value: Any) -> str:
        if not isinstance(value, Mapping) or "message" not in value:
            return ""
        return str(value["message"])

    async def jobs(self, **terms: str | int) -> list[Any]:
        """Every job that ``terms`` choose, by name."""
        found: list[Any] = []
        wanted: dict[str, str | int] = {**terms, "limit": PAGE}
        while True:
            page = await self.ask("GET", f"{ROOT}/jobs", wanted)
            found += page["jobs"]
            if not page.get("after"):
                return found
            wanted["after"] = page["after"]


def job_path(name: str, *rest: str) -> str:
    """Where a job's resource is."""
    return "/".join((ROOT, "jobs", name, *rest))


def run_path(run_id: str, *rest: str) -> str:
    """Where a run's resource is."""
    return "/".join((ROOT, "runs", run_id, *rest))


def declare(one: argparse.ArgumentParser) -> None:
    """Where Chronos is; for every command that asks it."""
    one.add_argument(
        "--chronos",
        metavar="HOST:PORT",
        default=os.environ.get("CHRONOS", CHRONOS_DEFAULT),
        help="the Chronos to ask; also read from CHRONOS (default: %(default)s)",
    )
