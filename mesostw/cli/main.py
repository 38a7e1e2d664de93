"""
``mesostw``: run commands on the cluster, and see what it does.

Each command is a module with ``add(subcommands)``, which declares its options
and names the coroutine function that does the work and returns an exit status.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from mesostw import __version__
from mesostw.cli import apps, bench, jobs, kill, lists, logs, run, store, why
from mesostw.cli.cluster import ClusterError

Command = Callable[[Any, argparse.Namespace], Awaitable[int]]

#: How a newcomer's cluster answers when nothing is said.
MASTER_DEFAULT: Final = "127.0.0.1:5050"


def parser() -> argparse.ArgumentParser:
    """Every command and option, with its default."""
    top = argparse.ArgumentParser(
        prog="mesostw",
        description="Run commands on a cluster, and see what it does.",
        epilog="`mesostw COMMAND --help` tells more. A cluster to try: script/cluster.",
    )
    top.add_argument("--version", action="version", version=f"mesostw {__version__}")
    top.add_argument(
        "--master",
        metavar="HOST:PORT",
        default=os.environ.get("MESOS_MASTER", MASTER_DEFAULT),
        help="the master to ask, or zk://HOST:PORT,HOST:PORT/PATH of several; also read from "
        "MESOS_MASTER (default: %(default)s)",
    )
    subcommands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (run, apps, jobs, lists, logs, kill, why, store, bench):
        module.add(subcommands)
    version = subcommands.add_parser("version", help="versions of this command and of the master")
    version.set_defaults(command=lists.version)
    return top


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says; the console script's entry."""
    options = parser().parse_args(sys.argv[1:] if arguments is None else arguments)
    command: Command | None = getattr(options, "command", None)
    if command is None:
        options.plain(options)
        return
    react(lambda reactor: Deferred.fromCoroutine(_finish(command, reactor, options)))


async def _finish(command: Command, reactor: object, options: argparse.Namespace) -> None:
    """Turn an exit status into the way ``react`` ends the process."""
    try:
        status = await command(reactor, options)
    except ClusterError as fault:
        print(f"mesostw: {fault}", file=sys.stderr)
        status = 1
    except BrokenPipeError:
        # The reader of our output has had enough; that is no error of ours.
        sys.stderr.close()
        status = 0
    raise SystemExit(status)
