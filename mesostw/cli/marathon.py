"""Asking Marathon: apps by their ids, changes by deployments, errors as people read them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import Any, Final

from mesostw.cli.documents import credentials_of
from mesostw.cli.peer import Answered, ClusterError, Peer

#: How a newcomer's Marathon answers when nothing is said.
MARATHON_DEFAULT: Final = "127.0.0.1:8080"
#: Where user and password come from.
CREDENTIALS_VARIABLE: Final = "MARATHON_HTTP_CREDENTIALS"


class MarathonApi(Peer):
    """One Marathon's HTTP."""

    def __init__(self, reactor: Any, options: argparse.Namespace) -> None:
        super().__init__(
            reactor,
            options.marathon,
            "Marathon",
            "start one with script/cluster, or name another with --marathon HOST:PORT",
            credentials_of(CREDENTIALS_VARIABLE),
        )

    def _error_text(self, value: Any) -> str:
        if not isinstance(value, Mapping) or "message" not in value:
            return ""
        lines = [str(value["message"])]
        details = value.get("details", ())
        if isinstance(details, str):
            lines.append(details)
        else:
            lines += [
                f"  {one.get('path', '/')}: {', '.join(map(str, one.get('errors', ())))}"
                for one in details
            ]
        return "\n".join(lines)


def app_path(app_id: str, *rest: str) -> str:
    """Where an app's resource is."""
    return "/".join(("/v2/apps", app_id.strip("/"), *rest))


def declare(one: argparse.ArgumentParser) -> None:
    """Where Marathon is; for every command that asks it."""
    one.add_argument(
        "--marathon",
        metavar="HOST:PORT",
        default=os.environ.get("MARATHON", MARATHON_DEFAULT),
        help="the Marathon to ask; also read from MARATHON (default: %(default)s)",
    )


def declare_change(one: argparse.ArgumentParser) -> None:
    """What every change may come with."""
    declare(one)
    one.add_argument("--force", action="store_true", help="cancel deployments that are in the way")
    one.add_argument(
        "--deadline",
        type=float,
        metavar="SECONDS",
        help="roll back by itself if it is not done by then (default: wait for ever)",
    )
    one.add_argument(
        "-d", "--detach", action="store_true", help="do not wait for the deployment's end"
    )


def terms_of(options: argparse.Namespace) -> dict[str, str | int]:
    """The query parameters of a change."""
    terms: dict[str, str | int] = {}
    if options.force:
        terms["force"] = "true"
    if options.deadline is not None:
        terms["deadlineSeconds"] = f"{options.deadline:g}"
    return terms


async def changed(
    api: MarathonApi,
    method: str,
    path: str,
    terms: dict[str, str | int],
    document: Any = None,
) -> str:
    """
    Have something changed; the deployment's id.

    :raises ClusterError: it was refused; a lock is explained.
    """
    try:
        answer = await api.ask(method, path, terms, document)
    except Answered as fault:
        locking = (fault.body or {}).get("deployments") if fault.status == 409 else None
        if locking:
            ids = ", ".join(one["id"] for one in locking)
            raise ClusterError(
                f"deployment {ids} is under way; wait for it (mesostw app deployments), or "
                "cancel it by --force"
            ) from fault
        raise
    found = answer.get("deploymentId") or next(
        (one["id"] for one in answer.get("deployments", ())), ""
    )
    return str(found)
