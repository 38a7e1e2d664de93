"""``mesostw job``: jobs that Chronos runs on a clock and after each other."""

from __future__ import annotations

import argparse
from typing import Any

from mesostw.cli import job_changes, job_graph, job_import, job_runs, job_views
from mesostw.cli.chronos import declare


def add(subcommands: Any) -> None:
    """Declare ``job`` and what it can do."""
    top = subcommands.add_parser(
        "job",
        help="jobs that run on a clock, and after each other",
        description="Jobs that Chronos runs: see them, change them, learn what became of them.",
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_views(commands)
    _add_documents(commands)
    _add_runs(commands)
    _add_steering(commands)


def _add_views(commands: Any) -> None:
    one = _command(commands, "list", "all jobs", job_views.listed)
    one.add_argument("-l", "--label", metavar="NAME=VALUE", help="only those with this label")
    one.add_argument("-q", "--query", help="only those with this text in name or command")
    one.add_argument("--state", help="only those that are: running, queued, disabled, failure ...")
    _json(one)
    one = _job(_command(commands, "show", "one job and its last runs", job_views.show))
    _json(one)
    one = _job(_command(commands, "next", "when a job will run", job_views.next_))
    one.add_argument("-n", type=int, default=5, help="how many instants (default: %(default)s)")
    _json(one)
    one = _job(_command(commands, "why", "why a job is as it is", job_views.why))
    _json(one)
    one = _command(commands, "graph", "who runs after whom", job_graph.graph)
    one.add_argument("--dot", action="store_true", help="for Graphviz")


def _add_documents(commands: Any) -> None:
    one = _command(commands, "add", "have a job", job_changes.added)
    one.add_argument("job", nargs="?", help="its name; that of the file, if not given")
    one.add_argument("-c", "--command", dest="line", metavar="COMMAND", help="what it runs")
    _add_timing(one)
    for name, text in (("cpus", "CPUs"), ("mem", "MiB of memory"), ("disk", "MiB of disk")):
        one.add_argument(f"--{name}", type=float, help=f"{text} of each run")
    one.add_argument("--owner", help="addresses, separated by commas")
    one.add_argument("--retries", type=int, help="further attempts at a run that failed")
    one.add_argument("-e", "--env", action="append", default=[], metavar="NAME=VALUE")
    one.add_argument("-f", "--file", help="a JSON file with the job; - is stdin")
    one.add_argument("--replace", action="store_true", help="also if there is one of this name")
    one.add_argument("--dry-run", action="store_true", help="only judge it, and say when it runs")
    one = _job(_command(commands, "edit", "change fields of a job", job_changes.edited))
    one.add_argument(
        "fields",
        nargs="*",
        metavar="FIELD=VALUE",
        help="as cpus=0.5, command='make report', schedule=R//PT1H, labels.NAME=value",
    )
    one.add_argument("-f", "--file", help="a JSON file with the fields that change; - is stdin")
    _job(_command(commands, "remove", "kill a job's runs and forget it", job_changes.removed))
    one = _command(commands, "import", "have the jobs of a file", job_import.imported)
    one.add_argument("format", choices=("crontab",), help="what the file is")
    one.add_argument("file", help="its path; - is stdin")
    one.add_argument("--system", action="store_true", help="lines name a user, as /etc/crontab")
    one.add_argument("--user", help="whom the others run as (default: you)")
    one.add_argument("--zone", help="of times without CRON_TZ (default: this machine's)")
    one.add_argument("--dry-run", action="store_true", help="only show the jobs, in JSON")


def _add_timing(one: argparse.ArgumentParser) -> None:
    one.add_argument("--schedule", help="as R/2026-01-01T02:00:00Z/P1D")
    one.add_argument("--cron", action="append", default=[], help="as '0 2 * * 1-5'; may be several")
    one.add_argument("--after", action="append", default=[], metavar="JOB", help="may be several")
    one.add_argument("--zone", help="time zone of schedule or cron, as Europe/Berlin")


def _add_runs(commands: Any) -> None:
    one = _job(_command(commands, "run", "run a job now", job_runs.begun))
    one.add_argument("--arguments", help="instead of the job's own")
    one.add_argument("-e", "--env", action="append", default=[], metavar="NAME=VALUE")
    one.add_argument("-w", "--wait", action="store_true", help="until it has ended, as it did")
    one = _command(commands, "history", "what became of runs, the newest first", job_runs.history)
    one.add_argument("job", nargs="?", help="of this job; of all, if not given")
    one.add_argument("--state", help="only those, as failed,skipped")
    one.add_argument("-n", type=int, default=20, help="at most so many (default: %(default)s)")
    _json(one)
    one = _job(_command(commands, "logs", "what a job's newest run printed", job_runs.logs))
    one.add_argument("--run", metavar="ID", help="another run than the newest")
    one.add_argument("--stderr", action="store_true", help="stderr instead of stdout")
    one = _job(_command(commands, "kill", "end the tasks of a job", job_runs.killed))
    one.add_argument("--run", metavar="ID", help="only this run, also if it only waits")
    one = _job(_command(commands, "backfill", "run a job for past instants", job_runs.backfilled))
    one.add_argument("start", help="the first time that counts, as 2026-01-01T00:00:00Z")
    one.add_argument("end", help="the first that does not")
    one.add_argument("--again", action="store_true", help="also those that had a success")
    one.add_argument("--dry-run", action="store_true", help="only show the instants")


def _add_steering(commands: Any) -> None:
    _job(_command(commands, "enable", "let a job run", job_changes.enabled))
    _job(_command(commands, "disable", "let a job run no more", job_changes.disabled))
    one = _command(commands, "pause", "start nothing; what runs goes on", job_changes.paused)
    one.add_argument("why", nargs="?", default="", help="for those who wonder")
    _command(commands, "resume", "start again, and catch up", job_changes.resumed)


def _command(commands: Any, name: str, text: str, command: Any) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    declare(one)
    one.set_defaults(command=command)
    return one


def _job(one: argparse.ArgumentParser) -> argparse.ArgumentParser:
    one.add_argument("job", help="its name")
    return one


def _json(one: argparse.ArgumentParser) -> None:
    one.add_argument("--json", action="store_true", help="Chronos' JSON as it is")
