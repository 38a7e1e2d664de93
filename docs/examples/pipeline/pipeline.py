"""
A pipeline of three jobs: what packages are installed here, counted, and reported.

``python3 pipeline.py install DIRECTORY`` has Chronos run it every hour; the steps are this very
file.  It needs nothing but Python and, where it runs, ``dpkg-query``, ``rpm`` or ``apk``.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

#: The first of them that is here lists the packages: one a line, name and version.
LISTS = (
    ("dpkg-query", "-W", "-f", "${Package}\t${Version}\n"),
    ("rpm", "-qa", "--qf", "%{NAME}\t%{VERSION}\n"),
    ("apk", "list", "--installed"),
)


def extract(directory: Path) -> None:
    """Write down what is installed, in a file that has this run's id in its name."""
    command = next((one for one in LISTS if shutil.which(one[0])), None)
    if command is None:
        raise SystemExit("neither dpkg-query nor rpm nor apk is here")
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    put(directory / f"packages-{os.environ['CHRONOS_RUN_ID']}.txt", text)


def transform(directory: Path) -> None:
    """Count what the run before has written; fail once, if the file ``fail-once`` is there."""
    trouble = directory / "fail-once"
    if trouble.exists():
        trouble.unlink()
        raise SystemExit("this attempt fails, as it was asked to")
    names = (directory / f"packages-{parent_run()}.txt").read_text().split("\n")
    letters = Counter(name[0] for name in names if name)
    told = {"extract": parent_run(), "packages": sum(letters.values()), "letters": letters}
    put(directory / f"counts-{os.environ['CHRONOS_RUN_ID']}.json", json.dumps(told))


def report(directory: Path) -> None:
    """
    Report what was counted, once for each extract.

    A step may run twice if a machine is lost just when it ends; the name of what it makes is
    what keeps the second from counting.
    """
    told = json.loads((directory / f"counts-{parent_run()}.json").read_text())
    most = ", ".join(
        f"{letter}: {count}" for letter, count in Counter(told["letters"]).most_common(3)
    )
    name = directory / f"report-{told['extract']}.md"
    if name.exists():
        print(f"{name} is there already")
        return
    put(name, f"{told['packages']} packages are installed; most begin with {most}.\n")
    print(name.read_text(), end="")


STEPS = {"extract": extract, "transform": transform, "report": report}


def parent_run() -> str:
    """The run that this one follows: ``CHRONOS_PARENT_RUNS`` is ``job=run,job=run ...``."""
    return os.environ["CHRONOS_PARENT_RUNS"].split(",")[0].rpartition("=")[2]


def put(path: Path, text: str) -> None:
    """All of it or nothing, also if this process is killed now."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_text(text)
    beside.replace(path)


def jobs(options: argparse.Namespace) -> list[dict[str, object]]:
    """The three jobs, each after the one before."""
    found: list[dict[str, object]] = []
    program = [sys.executable, str(Path(__file__).resolve()), "step"]
    for name, step in STEPS.items():
        job: dict[str, object] = {
            "name": f"packages-{name}",
            "description": (step.__doc__ or "").strip().split("\n")[0],
            "command": shlex.join([*program, name, options.directory, f"--for={options.pause}"]),
            "cpus": 0.1,
            "mem": 64,
            "retries": 3,
            "retryDelaySeconds": 1,
            "labels": {"pipeline": "packages"},
        }
        if found:
            job["parents"] = [found[-1]["name"]]
        else:
            job["schedule"] = options.schedule
        found.append(job)
    return found


def install(options: argparse.Namespace) -> None:
    """Have Chronos know the jobs; doing it again changes them in place."""
    Path(options.directory).mkdir(parents=True, exist_ok=True)
    first, *others = jobs(options)
    if not ask(options, "GET", first["name"]):
        # Its first run may not end before those who follow it are there.
        ask(options, "PUT", first["name"], {**first, "schedule": "R0/2100-01-01T00:00:00Z/P1D"})
    for job in (*others, first):
        told = ask(options, "PUT", job["name"], job)
        print(
            f"{told['name']}  next {told['next'] or 'after ' + ', '.join(told['job']['parents'])}"
        )


def ask(options: argparse.Namespace, method: str, name: object, job: object = None) -> Any:
    """What Chronos answers of a job; nothing if there is none."""
    body = None if job is None else json.dumps(job).encode()
    url = f"http://{options.chronos}/v1/chronos/jobs/{name}"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            if method == "GET" and refused.code == 404:
                return None
            raise SystemExit(f"{name}: {refused.read().decode()}") from refused
    except urllib.error.URLError as fault:
        raise SystemExit(f"no Chronos answers at {options.chronos}: {fault.reason}") from fault


def main() -> None:
    """What the command line says."""
    top = argparse.ArgumentParser(description="A pipeline of three jobs.")
    commands = top.add_subparsers(dest="command", required=True)
    one = commands.add_parser("install", help="have Chronos know the jobs")
    one.add_argument("directory", help="where the steps leave what they make")
    chronos = os.environ.get("CHRONOS", "127.0.0.1:4400")
    one.add_argument("--chronos", default=chronos, help="its HOST:PORT, also read from CHRONOS")
    one.add_argument("--schedule", default="R//PT1H", help="of the first step")
    one.add_argument("--pause", default="0", help="seconds that each step takes longer")
    one = commands.add_parser("step", help="what a job runs")
    one.add_argument("step", choices=STEPS)
    one.add_argument("directory", type=lambda text: Path(text).resolve())
    one.add_argument("--for", dest="pause", type=float, default=0.0)
    options = top.parse_args()
    if options.command == "install":
        options.directory = str(Path(options.directory).resolve())
        install(options)
    else:
        time.sleep(options.pause)
        STEPS[options.step](options.directory)


main()
